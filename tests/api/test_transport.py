"""GraphQL over HTTP, on a real server: what is served, what is refused and how, and what every answer carries."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx2
import pytest

from core.errors import RequestError, RequestErrorCode
from graphql_api.documents import DocumentPolicy
from graphql_api.limits import DocumentLimits
from graphql_api.transport import EdgeLimits
from tests.support.edge_app import SECRET, Edge, serving

GOOD = {"authorization": "Bearer good", "content-type": "application/json"}
NEWER = {"accept": "application/graphql-response+json"}


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    async with serving() as edge:
        yield edge


async def post(edge: Edge, body: object, headers: dict[str, str] | None = None, **more: str) -> httpx2.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with httpx2.AsyncClient(trust_env=False) as client:
        return await client.post(edge.url, content=content, headers={**(headers or GOOD), **more})


def codes(response: httpx2.Response) -> list[str]:
    return [error["extensions"]["code"] for error in response.json()["errors"]]


async def raw(edge: Edge, head: str, body: bytes = b"") -> bytes:
    """Everything the server says to these bytes, which may be no whole request."""
    host, _, port = edge.address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(head.replace("\n", "\r\n").encode() + body)
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_an_operation_is_answered_in_json_that_no_one_keeps(edge: Edge) -> None:
    query = "query A { hello } query B($t: String!) { echo(text: $t) }"
    answer = await post(edge, {"query": query, "operationName": "B", "variables": {"t": "ä"}})
    assert (answer.status_code, answer.json()) == (200, {"data": {"echo": "ä"}})
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


async def test_each_request_has_a_context_of_its_own_that_is_closed_again(edge: Edge) -> None:
    numbers = [(await post(edge, {"query": "{ contextNumber }"})).json()["data"]["contextNumber"] for _ in range(3)]
    assert numbers == [1, 2, 3]
    assert edge.state.closed == 3


async def test_a_refused_document_opens_no_context(edge: Edge) -> None:
    answer = await post(edge, {"query": "{ nope }"})
    assert codes(answer) == ["DOCUMENT_INVALID"]
    assert edge.state.opened == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_only_post_is_served(edge: Edge, method: str) -> None:
    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.request(method, edge.url + "?query={hello}", headers=GOOD)
    assert (answer.status_code, answer.headers["allow"], codes(answer)) == (405, "POST", ["DOCUMENT_INVALID"])


@pytest.mark.parametrize(
    "header",
    [{}, {"authorization": "Bearer bad"}, {"authorization": "Basic good"}, {"cookie": "authorization=Bearer good"}],
)
async def test_without_a_good_token_the_answer_is_401_before_the_body_is_looked_at(
    edge: Edge, header: dict[str, str]
) -> None:
    answer = await post(edge, b"{ this is not json", {**header, "content-type": "text/plain"})
    assert (answer.status_code, codes(answer)) == (401, ["UNAUTHENTICATED"])
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "data" not in answer.json()


async def test_a_token_in_the_url_is_no_token(edge: Edge) -> None:
    async with httpx2.AsyncClient(trust_env=False) as client:
        url = edge.url + "?token=good&access_token=good"
        answer = await client.post(url, json={"query": "{ hello }"})
    assert answer.status_code == 401


async def test_a_crash_while_authenticating_is_masked(edge: Edge) -> None:
    answer = await post(edge, {"query": "{ hello }"}, authorization="Bearer broken")
    assert (answer.status_code, codes(answer)) == (500, ["INTERNAL"])
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain, application/json",
        "application/jsonx",
        "application/json-seq",
        "application/json; charset=utf-16",
    ],
)
async def test_any_media_type_but_json_is_415(edge: Edge, kind: str) -> None:
    answer = await post(edge, {"query": "mutation { setHello }"}, {**GOOD, "content-type": kind})
    assert (answer.status_code, codes(answer)) == (415, ["DOCUMENT_INVALID"])
    assert edge.state.opened == 0


async def test_parameters_and_case_of_the_media_type_do_not_matter(edge: Edge) -> None:
    answer = await post(edge, {"query": "{ hello }"}, {**GOOD, "content-type": 'Application/JSON; charset="UTF-8"'})
    assert answer.status_code == 200


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, identity"])
async def test_an_encoded_body_is_415(edge: Edge, encoding: str) -> None:
    answer = await post(edge, {"query": "{ hello }"}, {**GOOD, "content-encoding": encoding})
    assert (answer.status_code, codes(answer)) == (415, ["DOCUMENT_INVALID"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"1",
        b'"x"',
        b"NaN",
        b"9" * 5000,
        b"\xff\xfe",
        b"[" * 30_000,
        b'{"query":"{ hello }","query":"{ who }"}',
        b'{"query":"{ hello }","operationName":"\\ud800"}',
        b'[{"query":"{ hello }"}]',
        b"{}",
        b'{"query":""}',
        b'{"query":5}',
        b'{"query":"{ hello }","variables":[]}',
    ],
)
@pytest.mark.parametrize("accept", [{}, NEWER])
async def test_a_malformed_body_is_400_in_json(edge: Edge, body: bytes, accept: dict[str, str]) -> None:
    answer = await post(edge, body, {**GOOD, **accept})
    assert (answer.status_code, codes(answer)) == (400, ["DOCUMENT_INVALID"])


async def test_a_body_over_the_limit_is_413_announced_or_counted() -> None:
    async with serving(EdgeLimits(body_bytes=1000)) as edge:
        fits = json.dumps({"query": "{ hello }"}).encode()
        assert (await post(edge, fits + b" " * (1000 - len(fits)))).status_code == 200
        announced = await post(edge, fits + b" " * (1001 - len(fits)))
        assert (announced.status_code, codes(announced)) == (413, ["DOCUMENT_TOO_COMPLEX"])
        assert "1000 bytes" in announced.text
        head = (
            "POST /graphql HTTP/1.1\nHost: x\nAuthorization: Bearer good\n"
            "Content-Type: application/json\nTransfer-Encoding: chunked\n\n"
        )
        counted = await raw(edge, head, b"3e9\r\n" + b" " * 1001 + b"\r\n")
        assert counted.startswith(b"HTTP/1.1 413 ")


async def test_a_body_that_does_not_arrive_is_408() -> None:
    async with serving(EdgeLimits(body_seconds=0.05)) as edge:
        head = (
            "POST /graphql HTTP/1.1\nHost: x\nAuthorization: Bearer good\n"
            "Content-Type: application/json\nContent-Length: 100\n\n"
        )
        answer = await raw(edge, head, b'{"query":')
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"TIMEOUT"' in answer


@pytest.mark.parametrize(
    "query",
    [
        "{ a ",
        "{ nope }",
        'query($a: Int!) { echo(text: "x", number: $a) }',
        "subscription { ticks }",
        "query A { hello } query B { who }",
    ],
)
async def test_what_can_not_run_is_400_without_data_in_the_newer_media_type(edge: Edge, query: str) -> None:
    answer = await post(edge, {"query": query}, {**GOOD, **NEWER})
    assert (answer.status_code, codes(answer)) == (400, ["DOCUMENT_INVALID"])
    assert "data" not in answer.json()


async def test_the_older_media_type_says_200_to_a_well_formed_request(edge: Edge) -> None:
    answer = await post(edge, {"query": "{ nope }"}, {**GOOD, "accept": "application/json"})
    assert (answer.status_code, codes(answer)) == (200, ["DOCUMENT_INVALID"])
    assert "data" not in answer.json()


async def test_the_newer_media_type_is_answered_when_asked_for(edge: Edge) -> None:
    answer = await post(edge, {"query": "{ hello }"}, {**GOOD, **NEWER})
    assert answer.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
    assert (answer.status_code, answer.json()) == (200, {"data": {"hello": "world"}})


async def test_an_error_in_a_field_leaves_the_rest_of_the_data(edge: Edge) -> None:
    answer = await post(edge, {"query": "{ hello crash }"}, {**GOOD, **NEWER})
    assert answer.status_code == 200
    assert answer.json()["data"] == {"hello": "world", "crash": None}
    assert answer.json()["errors"][0]["path"] == ["crash"]
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ badCursor }", "DOCUMENT_INVALID"),
        ("{ slow }", "TIMEOUT"),
        ('{ fails(code: "FORBIDDEN") }', "FORBIDDEN"),
    ],
)
async def test_errors_of_resolvers_carry_their_code(edge: Edge, query: str, code: str) -> None:
    assert codes(await post(edge, {"query": query})) == [code]


@pytest.mark.parametrize(
    ("code", "status", "header"), [("UNAUTHENTICATED", 401, "www-authenticate"), ("RATE_LIMITED", 429, "retry-after")]
)
async def test_top_level_codes_show_in_the_status(edge: Edge, code: str, status: int, header: str) -> None:
    answer = await post(edge, {"query": f'{{ fails(code: "{code}") }}'})
    assert (answer.status_code, header in answer.headers) == (status, True)


async def test_a_context_that_refuses_ends_the_request(edge: Edge) -> None:
    edge.hooks.refuse = RequestError(RequestErrorCode.RATE_LIMITED, "600 requests a minute.", retry_after=1.5)
    answer = await post(edge, {"query": "{ hello }"})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    assert answer.json()["errors"] == [
        {"message": "600 requests a minute.", "extensions": {"code": "RATE_LIMITED", "retryAfter": 1.5}}
    ]


async def test_a_document_over_a_limit_is_too_complex() -> None:
    async with serving(policy=DocumentPolicy(limits=DocumentLimits(depth=1))) as edge:
        answer = await post(edge, {"query": "{ tree { name } }"}, {**GOOD, **NEWER})
        assert (answer.status_code, codes(answer)) == (400, ["DOCUMENT_TOO_COMPLEX"])
        assert "depth is limited to 1, this asks for 2" in answer.text


async def test_origins_on_the_list_may_call_and_no_other() -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
    async with (
        serving(EdgeLimits(origins=("https://app.example",))) as edge,
        httpx2.AsyncClient(trust_env=False) as client,
    ):
        allowed = await client.options(edge.url, headers={"origin": "https://app.example", **asked})
        assert allowed.status_code == 200
        assert allowed.headers["access-control-allow-origin"] == "https://app.example"
        assert int(allowed.headers["access-control-max-age"]) <= 3600
        assert "access-control-allow-credentials" not in allowed.headers
        for origin in ("https://app.example.evil.example", "http://app.example", "null"):
            refused = await client.options(edge.url, headers={"origin": origin, **asked})
            assert "access-control-allow-origin" not in refused.headers
        answer = await post(edge, {"query": "{ hello }"}, {**GOOD, "origin": "https://app.example"})
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        assert answer.headers["cache-control"] == "no-store"
