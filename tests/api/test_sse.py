"""GraphQL over server-sent events on a real server: what comes in events, what ends them, and what they count as."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from core.clock import now
from core.errors import RequestError, RequestErrorCode
from graphql_api.transport import EdgeLimits
from tests.support.edge_app import SECRET, Edge, Person, serving
from tests.support.events import HEARTBEAT, EventReader, streaming
from tests.support.reading import GUARD, until

SILENCE = "subscription { silence }"
COMPLETE = ("complete", None)
EVENTS = {"accept": "text/event-stream", "authorization": "Bearer good", "content-type": "application/json"}


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    async with serving() as edge:
        yield edge


async def all_of(edge: Edge, query: str, token: str = "good", **more: Any) -> list[tuple[str, Any]]:
    async with streaming(edge.url, token, query, **more) as stream:
        assert stream.response.status_code == 200
        return await stream.rest()


async def post(edge: Edge, body: bytes = b'{"query":"{ hello }"}', **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, timeout=GUARD) as client:
        return await client.post(edge.url, content=body, headers={**EVENTS, **headers})


def code_of(event: tuple[str, Any] | None) -> str:
    assert event is not None
    assert "data" not in event[1] or event[1]["data"] is None
    code: str = event[1]["errors"][0]["extensions"]["code"]
    return code


# ---------------------------------------------------------------- what comes
async def test_any_operation_is_answered_in_events(edge: Edge) -> None:
    echoed = await all_of(edge, "query($t: String!) { echo(text: $t) }", variables={"t": "ä\n\nevent: x"})
    assert echoed == [("next", {"data": {"echo": "ä\n\nevent: x"}}), COMPLETE]
    assert await all_of(edge, "mutation { setHello }") == [("next", {"data": {"setHello": "hi"}}), COMPLETE]
    ticks = await all_of(edge, "subscription { ticks(n: 3) }")
    assert ticks == [*(("next", {"data": {"ticks": tick}}) for tick in range(3)), COMPLETE]
    assert (edge.state.opened, edge.state.closed) == (3, 3)


async def test_the_bytes_are_those_of_the_protocol_and_nobody_holds_them_back(edge: Edge) -> None:
    answer = await post(edge)
    assert answer.text == ':\n\nevent: next\ndata: {"data":{"hello":"world"}}\n\nevent: complete\ndata: \n\n'
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-accel-buffering"] == "no"
    assert "content-length" not in answer.headers
    assert "server" not in answer.headers


async def test_a_connection_serves_the_next_request_after_a_stream(edge: Edge) -> None:
    async with httpx2.AsyncClient(trust_env=False, timeout=GUARD) as client:
        for _ in range(3):
            answer = await client.post(edge.url, json={"query": "{ hello }"}, headers=EVENTS)
            assert answer.text.endswith("event: complete\ndata: \n\n")
    assert len(edge.registry) == 0


@pytest.mark.parametrize(
    ("query", "more", "code"),
    [
        ("{ a ", {}, "DOCUMENT_INVALID"),
        ("{ nope }", {}, "DOCUMENT_INVALID"),
        ("query A { hello } query B { who }", {"operationName": "C"}, "DOCUMENT_INVALID"),
        ("subscription($n: Int!) { ticks(n: $n) }", {}, "DOCUMENT_INVALID"),
        ("{" + "tree {" * 13 + "name" + "}" * 14, {}, "DOCUMENT_TOO_COMPLEX"),
    ],
)
async def test_a_document_that_can_not_run_is_told_in_the_stream(
    edge: Edge, query: str, more: dict[str, object], code: str
) -> None:
    event, end = await all_of(edge, query, **more)
    assert (event[0], code_of(event), end) == ("next", code, COMPLETE)
    assert "data" not in event[1]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b'{"query":"{ hello }"}', {"authorization": "Bearer bad"}, 401),
        (b'{"query":"{ hello }"}', {"content-type": "text/plain"}, 415),
        (b"{ this is not json", {}, 400),
        (b'{"query":5}', {}, 400),
        (b'{"query":"' + b" " * 300_000 + b'"}', {}, 413),
    ],
)
async def test_what_fails_before_there_is_an_operation_has_a_status_and_is_json(
    edge: Edge, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = await post(edge, body, **headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json; charset=utf-8")
    assert answer.json()["errors"]
    assert edge.state.opened == 0


async def test_a_subscription_without_the_header_is_told_how_it_is_served(edge: Edge) -> None:
    answer = await post(edge, json.dumps({"query": SILENCE}).encode(), accept="application/json")
    assert answer.status_code == 400
    assert "text/event-stream" in answer.text
    assert "WebSocket" in answer.text
    assert edge.state.opened == 0


async def test_errors_in_fields_and_crashes_come_as_results(edge: Edge) -> None:
    [(_, crashed), end] = await all_of(edge, "{ hello crash }")
    assert (crashed["data"], end) == ({"hello": "world", "crash": None}, COMPLETE)
    events = await all_of(edge, "subscription { breaks }")
    assert events[0] == ("next", {"data": {"breaks": 1}})
    assert (code_of(events[-2]), events[-1]) == ("INTERNAL", COMPLETE)
    assert SECRET not in json.dumps([crashed, events])


async def test_a_context_that_refuses_is_told_in_the_stream(edge: Edge) -> None:
    edge.hooks.refuse = RequestError(RequestErrorCode.RATE_LIMITED, "600 requests a minute.", retry_after=2)
    for query in ("{ hello }", SILENCE):
        event, end = await all_of(edge, query)
        assert (code_of(event), end) == ("RATE_LIMITED", COMPLETE)


async def test_origins_on_the_list_may_stream_and_no_other() -> None:
    async with serving(EdgeLimits(origins=("https://app.example",))) as edge:
        listed = await post(edge, origin="https://app.example")
        assert listed.headers["access-control-allow-origin"] == "https://app.example"
        foreign = await post(edge, origin="https://evil.example")
        assert "access-control-allow-origin" not in foreign.headers


# ---------------------------------------------------------------- heartbeats
async def test_a_quiet_stream_has_heartbeats() -> None:
    async with serving(EdgeLimits(heartbeat_seconds=0.01)) as edge, streaming(edge.url, "good", SILENCE) as stream:
        assert [await stream.any() for _ in range(4)] == [HEARTBEAT] * 4


async def test_a_client_that_takes_nothing_is_let_go() -> None:
    async with serving(EdgeLimits(heartbeat_seconds=0.05)) as edge:
        host, _, port = edge.address.partition(":")
        _reader, writer = await asyncio.open_connection(host, int(port), limit=1)  # which stops reading at once
        body = json.dumps({"query": "subscription { flood }"}).encode()
        head = "".join(f"{name}: {value}\r\n" for name, value in EVENTS.items())
        writer.write(f"POST /graphql HTTP/1.1\r\nhost: x\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        try:
            await edge.state.until(streams=1)
            await edge.state.until(streams=0)
            await until(lambda: len(edge.registry) == 0)
        finally:
            writer.transport.abort()


# ---------------------------------------------------------------- ends
async def test_a_client_that_hangs_up_frees_its_operation(edge: Edge) -> None:
    async with AsyncExitStack() as clients:
        for query in (SILENCE, "{ held }", SILENCE):
            await clients.enter_async_context(streaming(edge.url, "good", query))
        await edge.state.until(streams=3)
        assert len(edge.registry) == 3
    await edge.state.until(streams=0)
    await until(lambda: len(edge.registry) == 0 and edge.state.closed == 3)


async def told_that_the_token_ended(stream: EventReader) -> None:
    event, end = await stream.rest()
    assert (event[0], code_of(event), end) == ("next", "UNAUTHENTICATED", COMPLETE)
    assert "data" not in event[1]


@pytest.mark.parametrize("query", [SILENCE, "{ held }"])
async def test_the_tokens_end_is_told_and_ends_the_stream(edge: Edge, query: str) -> None:
    edge.hooks.people["good-short"] = Person("good", now() + timedelta(seconds=0.2))
    async with streaming(edge.url, "good-short", query) as stream:
        await told_that_the_token_ended(stream)
        await edge.state.until(streams=0)
    assert len(edge.registry) == 0


async def test_a_revoked_token_ends_its_streams_and_no_others(edge: Edge) -> None:
    async with streaming(edge.url, "good-a", SILENCE) as revoked, streaming(edge.url, "good-b", SILENCE) as other:
        await edge.state.until(streams=2)
        assert edge.registry.end_where(lambda identity: identity.user_id == "good-a") == 1
        await told_that_the_token_ended(revoked)
        await edge.state.until(streams=1)
        edge.registry.end_where(lambda identity: identity.user_id == "good-b")
        await told_that_the_token_ended(other)


async def test_a_token_that_went_bad_while_the_body_came_opens_no_stream(edge: Edge) -> None:
    host, _, port = edge.address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = json.dumps({"query": SILENCE}).encode()
    head = "".join(f"{name}: {value}\r\n" for name, value in EVENTS.items())
    head = f"POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{head}content-length: {len(body)}\r\n\r\n"
    try:
        async with asyncio.timeout(GUARD):
            writer.write(head.encode())
            await edge.hooks.asked.wait()
            edge.hooks.revoked.add("good")
            writer.write(body)
            assert (await reader.read()).startswith(b"HTTP/1.1 401 ")
    finally:
        writer.close()
        await writer.wait_closed()
    assert (edge.state.opened, len(edge.registry)) == (0, 0)


async def test_a_server_that_stops_ends_subscriptions_without_complete_and_lets_the_rest_finish(edge: Edge) -> None:
    async with streaming(edge.url, "good", SILENCE) as endless, streaming(edge.url, "good", "{ held }") as query:
        await edge.state.until(streams=2)
        edge.registry.stopping.set()
        assert await endless.rest() == []
        await edge.state.until(streams=1)
        edge.state.let_go.set()
        assert await query.rest() == [("next", {"data": {"held": "let go"}}), COMPLETE]
    async with streaming(edge.url, "good", SILENCE) as late:
        assert await late.rest() == []


# ---------------------------------------------------------------- limits
async def test_streams_count_among_their_users_sockets_and_free_again() -> None:
    async with serving(EdgeLimits(sockets_per_user=2)) as edge:
        protocols = [Subprotocol("graphql-transport-ws")]
        async with (
            streaming(edge.url, "good", SILENCE),
            streaming(edge.url, "good-other", SILENCE),
            connect(f"ws://{edge.address}/graphql", subprotocols=protocols, proxy=None) as socket,
        ):
            await socket.send('{"type":"connection_init","payload":{"Authorization":"Bearer good"}}')
            assert json.loads(await socket.recv()) == {"type": "connection_ack"}
            await edge.state.until(streams=2)
            refused = await post(edge)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
            assert refused.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
            assert "2 a user" in refused.text
            plain = await post(edge, accept="application/json")
            assert plain.json() == {"data": {"hello": "world"}}
        await until(lambda: len(edge.registry) == 0)
        assert await all_of(edge, "{ hello }") == [("next", {"data": {"hello": "world"}}), COMPLETE]
