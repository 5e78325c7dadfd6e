"""graphql-transport-ws on a real server: the protocol, its close codes, and the edge's own limits."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from core.clock import now
from core.errors import RequestError, RequestErrorCode
from graphql_api.transport import EdgeLimits
from graphql_api.transport.websocket import Connection
from tests.support.edge_app import SECRET, Edge, Person, serving

PROTOCOL = "graphql-transport-ws"
LONG = "subscription { silence }"


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    async with serving() as edge:
        yield edge


@asynccontextmanager
async def opened(
    edge: Edge, protocol: str | None = PROTOCOL, origin: str | None = None, query: str = ""
) -> AsyncIterator[ClientConnection]:
    protocols = [Subprotocol(protocol)] if protocol else None
    where = Origin(origin) if origin else None
    async with connect(edge.ws_url + query, subprotocols=protocols, origin=where, proxy=None) as socket:
        yield socket


@asynccontextmanager
async def ready(edge: Edge, token: str = "good") -> AsyncIterator[ClientConnection]:
    async with opened(edge) as socket:
        await send(socket, init(token))
        assert await receive(socket) == {"type": "connection_ack"}
        yield socket


def init(token: str, key: str = "Authorization") -> dict[str, Any]:
    return {"type": "connection_init", "payload": {key: f"Bearer {token}"}}


def subscribe(operation_id: object, query: object, **more: object) -> dict[str, Any]:
    return {"type": "subscribe", "id": operation_id, "payload": {"query": query, **more}}


async def send(socket: ClientConnection, *messages: object) -> None:
    for message in messages:
        await socket.send(message if isinstance(message, str | bytes) else json.dumps(message))


async def receive(socket: ClientConnection) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(await socket.recv())
    return message


async def run(socket: ClientConnection, operation_id: str, query: str, **more: object) -> list[dict[str, Any]]:
    """The messages of one operation, to its end."""
    await send(socket, subscribe(operation_id, query, **more))
    found: list[dict[str, Any]] = []
    while not found or found[-1]["type"] not in ("complete", "error"):
        message = await receive(socket)
        if message.get("id") == operation_id:
            found.append(message)
    return found


async def closed(socket: ClientConnection) -> tuple[int, str]:
    """The close code and reason, after whatever still comes."""
    with suppress(ConnectionClosed):
        async for _ in socket:
            pass
    assert socket.close_code is not None
    return socket.close_code, socket.close_reason or ""


def types(messages: list[dict[str, Any]]) -> list[str]:
    return [message["type"] for message in messages]


def code_of(message: dict[str, Any]) -> str:
    code: str = message["payload"][0]["extensions"]["code"]
    return code


# ---------------------------------------------------------------- handshake
@pytest.mark.parametrize("protocol", [None, "mqtt", "graphql-ws"])
async def test_any_other_subprotocol_is_4406(edge: Edge, protocol: str | None) -> None:
    # Sent by hand: the client library would refuse an answer that takes up none of its protocols.
    offered = {"Sec-WebSocket-Protocol": protocol} if protocol else None
    async with connect(edge.ws_url, proxy=None, additional_headers=offered) as socket:
        assert (await closed(socket))[0] == 4406


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
async def test_a_foreign_origin_is_refused_at_the_handshake(edge: Edge, origin: str) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with opened(edge, origin=origin):
            pass
    assert caught.value.response.status_code == 403


async def test_the_own_origin_and_those_on_the_list_may_open() -> None:
    async with serving(EdgeLimits(origins=("https://app.example",))) as edge:
        for origin in (f"http://{edge.address}", "https://app.example", None):
            async with opened(edge, origin=origin) as socket:
                assert socket.subprotocol == PROTOCOL


# ---------------------------------------------------------------- malformed messages
@pytest.mark.parametrize(
    "message",
    [
        "this is not json",
        "",
        "[]",
        '"x"',
        "1",
        "null",
        "{}",
        '{"type":1}',
        '{"type":{}}',
        '{"type":"hello"}',
        '{"type":"next","id":"1","payload":{}}',
        "[" * 30_000 + "]" * 30_000,
        '{"type":"subscribe","id":NaN,"payload":{"query":"{hello}"}}',
        '{"type":"ping","type":"pong"}',
        '{"type":"ping","payload":1}',
        b'{"type":"ping"}',
        {"type": "subscribe", "payload": {"query": "{ hello }"}},
        subscribe(7, "{ hello }"),
        subscribe({}, "{ hello }"),
        subscribe(None, "{ hello }"),
        subscribe("", "{ hello }"),
        subscribe("i" * 201, "{ hello }"),
        {"type": "subscribe", "id": "1"},
        {"type": "subscribe", "id": "1", "payload": "x"},
        {"type": "subscribe", "id": "1", "payload": None},
        {"type": "subscribe", "id": "1", "payload": {}},
        subscribe("1", None),
        subscribe("1", 5),
        subscribe("1", "{ hello }", variables=[1]),
        subscribe("1", "{ hello }", variables="x"),
        subscribe("1", "{ hello }", operationName=3),
        subscribe("1", "{ hello }", extensions=3),
        {"type": "complete"},
        {"type": "complete", "id": 1},
    ],
)
async def test_a_malformed_message_is_4400(edge: Edge, message: object) -> None:
    async with ready(edge) as socket:
        await send(socket, message)
        code, reason = await closed(socket)
        assert code == 4400
        assert reason
    assert edge.state.opened == 0


async def test_a_frame_over_the_limit_is_1009() -> None:
    async with serving(EdgeLimits(frame_bytes=1000)) as edge, ready(edge) as socket:
        await send(socket, {"type": "ping", "payload": {"x": "a" * 1000}})
        assert (await closed(socket))[0] == 1009


async def test_what_is_malformed_or_too_long_ends_a_socket_that_has_not_said_who_it_is_too(edge: Edge) -> None:
    longest = EdgeLimits().frame_bytes
    for message, code in (("{", 4400), (json.dumps({"type": "ping", "payload": {"x": "a" * longest}}), 1009)):
        async with opened(edge) as socket:
            await send(socket, message)
            assert (await closed(socket))[0] == code


# ---------------------------------------------------------------- who it is
@pytest.mark.parametrize(
    "message",
    [
        {"type": "connection_init"},
        {"type": "connection_init", "payload": None},
        {"type": "connection_init", "payload": {}},
        init("bad"),
        {"type": "connection_init", "payload": {"Authorization": "good"}},
        {"type": "connection_init", "payload": {"Authorization": "Basic good"}},
        {"type": "connection_init", "payload": {"Authorization": 5}},
        {"type": "connection_init", "payload": {"Authorization": ["Bearer good"]}},
        {"type": "connection_init", "payload": {"Authorization": "Bearer good", "authorization": "Bearer good"}},
    ],
)
async def test_without_a_good_token_it_is_4403(edge: Edge, message: object) -> None:
    async with opened(edge, query="?token=good&authorization=Bearer%20good") as socket:
        await send(socket, message)
        assert await closed(socket) == (4403, "Forbidden")
    assert len(edge.registry) == 0


@pytest.mark.parametrize("key", ["authorization", "Authorization", "AUTHORIZATION"])
async def test_the_key_of_the_token_has_no_case(edge: Edge, key: str) -> None:
    async with opened(edge) as socket:
        await send(socket, init("good", key))
        assert await receive(socket) == {"type": "connection_ack"}


async def test_a_crash_while_authenticating_says_nothing(edge: Edge) -> None:
    async with opened(edge) as socket:
        await send(socket, init("broken"))
        assert await closed(socket) == (4500, "Internal server error")


async def test_a_payload_that_is_no_object_is_4400(edge: Edge) -> None:
    async with opened(edge) as socket:
        await send(socket, {"type": "connection_init", "payload": "x"})
        assert (await closed(socket))[0] == 4400


async def test_the_token_ends_an_open_socket_with_4403(edge: Edge) -> None:
    edge.hooks.people["good-short"] = Person("good", now() + timedelta(seconds=0.2))
    async with ready(edge, "good-short") as socket:
        await send(socket, subscribe("1", LONG))
        assert await closed(socket) == (4403, "The token has ended")
        await edge.state.until(streams=0)


async def test_a_refreshed_token_keeps_the_socket_open_and_a_foreign_one_is_refused(edge: Edge) -> None:
    edge.hooks.people["good-long"] = Person("good", now() + timedelta(hours=1))
    async with ready(edge, "good-long") as socket:
        (connection,) = edge.registry._sockets["good"]
        assert isinstance(connection, Connection)
        with pytest.raises(ValueError, match="another user"):
            connection.refresh(Person("someone else"))
        connection.refresh(Person("good"))
        assert types(await run(socket, "1", "{ who }")) == ["next", "complete"]
        connection.refresh(Person("good", now()))
        assert (await closed(socket))[0] == 4403


async def test_a_revoked_token_ends_its_sockets_with_4403(edge: Edge) -> None:
    async with ready(edge, "good-a") as revoked, ready(edge, "good-b") as other:
        assert edge.registry.end_where(lambda identity: identity.user_id == "good-a") == 1
        assert (await closed(revoked))[0] == 4403
        assert types(await run(other, "1", "{ hello }")) == ["next", "complete"]


# ---------------------------------------------------------------- lifecycle
async def test_subscribing_before_the_ack_is_4401(edge: Edge) -> None:
    async with opened(edge) as socket:
        await send(socket, subscribe("1", "{ hello }"))
        assert await closed(socket) == (4401, "Unauthorized")


async def test_a_subscription_in_one_breath_with_the_init_has_no_data_before_the_ack(edge: Edge) -> None:
    async with opened(edge) as socket:
        await send(socket, init("good"), subscribe("1", "{ hello }"))
        assert types([await receive(socket) for _ in range(3)]) == ["connection_ack", "next", "complete"]


async def test_a_second_init_is_4429_also_in_one_breath(edge: Edge) -> None:
    async with opened(edge) as socket:
        await send(socket, init("good"), init("good"))
        assert await closed(socket) == (4429, "Too many initialisation requests")


async def test_no_init_in_time_is_4408_whatever_pings_come() -> None:
    async with serving(EdgeLimits(init_seconds=0.1)) as edge, opened(edge) as socket:
        with suppress(ConnectionClosed):
            while True:
                await send(socket, {"type": "ping"})
                assert await receive(socket) == {"type": "pong"}
        assert (await closed(socket))[0] == 4408


async def test_pongs_and_unknown_completes_are_passed_over(edge: Edge) -> None:
    async with ready(edge) as socket:
        await send(socket, {"type": "pong"}, {"type": "complete", "id": "never"}, {"type": "ping", "payload": {"a": 1}})
        assert await receive(socket) == {"type": "pong"}


async def test_an_id_in_use_is_4409(edge: Edge) -> None:
    async with ready(edge) as socket:
        await send(socket, *[subscribe("d", LONG)] * 3)
        assert await closed(socket) == (4409, "Subscriber for d already exists")
        await edge.state.until(streams=0)


async def test_queries_mutations_and_subscriptions_are_served(edge: Edge) -> None:
    async with ready(edge) as socket:
        assert await run(socket, "q", "query($t: String!) { echo(text: $t) }", variables={"t": "ä"}) == [
            {"id": "q", "type": "next", "payload": {"data": {"echo": "ä"}}},
            {"id": "q", "type": "complete"},
        ]
        assert types(await run(socket, "m", "mutation { setHello }")) == ["next", "complete"]
        assert types(await run(socket, "s", "subscription { ticks(n: 3) }")) == ["next", "next", "next", "complete"]


async def test_an_id_is_free_again_when_its_operation_has_ended(edge: Edge) -> None:
    async with ready(edge) as socket:
        for _ in range(5):
            assert types(await run(socket, "same", "{ hello }")) == ["next", "complete"]


async def test_each_operation_has_a_context_of_its_own_that_is_closed_again(edge: Edge) -> None:
    async with ready(edge) as socket:
        numbers = [(await run(socket, "q", "{ contextNumber }"))[0]["payload"]["data"] for _ in range(3)]
        assert numbers == [{"contextNumber": 1}, {"contextNumber": 2}, {"contextNumber": 3}]
        await run(socket, "s", "subscription { ticks(n: 1) }")
        assert (edge.state.opened, edge.state.closed) == (4, 4)


async def test_operations_run_side_by_side_and_a_complete_stops_its_own(edge: Edge) -> None:
    async with ready(edge) as socket:
        await send(socket, subscribe("l", LONG))
        await edge.state.until(streams=1)
        assert types(await run(socket, "q", "{ hello }")) == ["next", "complete"]
        await send(socket, {"type": "complete", "id": "l"})
        await edge.state.until(streams=0)
        assert types(await run(socket, "l", "{ hello }")) == ["next", "complete"]


async def test_after_its_complete_a_subscription_says_nothing_more(edge: Edge) -> None:
    async with ready(edge) as socket:
        await send(socket, subscribe("l", "subscription { ticks(n: 1000000) }"))
        assert [(await receive(socket))["payload"]["data"]["ticks"] for _ in range(3)] == [0, 1, 2]
        await send(socket, {"type": "complete", "id": "l"}, {"type": "ping"})
        while (await receive(socket))["type"] != "pong":  # what was on its way
            pass
        await edge.state.until(streams=0)
        await send(socket, subscribe("q", "{ hello }"))
        assert [((m := await receive(socket))["id"], m["type"]) for _ in range(2)] == [("q", "next"), ("q", "complete")]
        assert types(await run(socket, "l", "{ hello }")) == ["next", "complete"]


async def test_a_thousand_pings_have_a_thousand_pongs_and_a_long_id_is_served(edge: Edge) -> None:
    async with ready(edge) as socket:
        await send(socket, *[{"type": "ping"}] * 1_000)
        assert types([await receive(socket) for _ in range(1_000)]) == ["pong"] * 1_000
        assert types(await run(socket, "i" * 200, "{ hello }")) == ["next", "complete"]


async def test_a_client_that_goes_away_frees_its_subscriptions(edge: Edge) -> None:
    async with ready(edge) as socket:
        await send(socket, *[subscribe(str(number), LONG) for number in range(5)])
        await edge.state.until(streams=5)
        socket.transport.abort()
        await edge.state.until(streams=0)
    assert len(edge.registry) == 0


@pytest.mark.parametrize(
    ("query", "more", "code"),
    [
        ("{ a ", {}, "DOCUMENT_INVALID"),
        ("", {}, "DOCUMENT_INVALID"),
        ("{ nope }", {}, "DOCUMENT_INVALID"),
        ("query A { hello } query B { who }", {"operationName": "C"}, "DOCUMENT_INVALID"),
        ('query($n: Int!) { echo(text: "x", number: $n) }', {}, "DOCUMENT_INVALID"),
        ("subscription($n: Int!) { ticks(n: $n) }", {}, "DOCUMENT_INVALID"),
        ("{" + "tree {" * 13 + "name" + "}" * 14, {}, "DOCUMENT_TOO_COMPLEX"),
    ],
)
async def test_a_document_that_can_not_run_ends_its_operation_only(
    edge: Edge, query: str, more: dict[str, object], code: str
) -> None:
    async with ready(edge) as socket:
        messages = await run(socket, "e", query, **more)
        assert (types(messages), code_of(messages[0])) == (["error"], code)
        assert types(await run(socket, "e", "{ hello }")) == ["next", "complete"]


async def test_a_crash_is_masked_and_the_socket_lives(edge: Edge) -> None:
    async with ready(edge) as socket:
        answer, end = await run(socket, "1", "{ crash }")
        assert answer["payload"]["errors"][0]["extensions"] == {"code": "INTERNAL"}
        messages = await run(socket, "2", "subscription { breaks }")
        assert SECRET not in json.dumps([answer, end, messages])
        assert types(await run(socket, "3", "{ hello }")) == ["next", "complete"]


async def test_a_context_that_refuses_ends_the_operation(edge: Edge) -> None:
    async with ready(edge) as socket:
        edge.hooks.refuse = RequestError(RequestErrorCode.RATE_LIMITED, "600 requests a minute.", retry_after=2)
        for query in ("{ hello }", "subscription { ticks }"):
            messages = await run(socket, "1", query)
            assert (types(messages), code_of(messages[0])) == (["error"], "RATE_LIMITED")


async def test_a_quiet_socket_has_pings_once_it_is_acknowledged() -> None:
    async with serving(EdgeLimits(heartbeat_seconds=0.01, init_seconds=30)) as edge, opened(edge) as socket:
        await send(socket, init("good"), subscribe("1", LONG))
        assert [await receive(socket) for _ in range(4)] == [{"type": "connection_ack"}, *[{"type": "ping"}] * 3]
        await send(socket, {"type": "pong"}, {"type": "complete", "id": "1"})
        assert types([m for m in await run(socket, "2", "{ hello }") if m["type"] != "ping"]) == ["next", "complete"]


# ---------------------------------------------------------------- limits
async def test_operations_in_one_socket_are_limited() -> None:
    async with serving(EdgeLimits(operations_per_socket=2)) as edge, ready(edge) as socket:
        await send(socket, subscribe("1", LONG), subscribe("2", LONG))
        messages = await run(socket, "3", "{ hello }")
        assert (types(messages), code_of(messages[0])) == (["error"], "RATE_LIMITED")
        assert "limited to 2" in messages[0]["payload"][0]["message"]
        await send(socket, {"type": "complete", "id": "1"})
        assert types(await run(socket, "3", "{ hello }")) == ["next", "complete"]


async def test_sockets_of_one_user_are_limited_and_free_again() -> None:
    async with serving(EdgeLimits(sockets_per_user=2)) as edge:
        async with ready(edge), ready(edge), ready(edge, "good-other"), opened(edge) as third:
            await send(third, init("good"))
            code, reason = await closed(third)
            assert (code, "2 a user" in reason) == (1013, True)
        async with ready(edge):
            pass


async def test_zero_turns_the_limits_off() -> None:
    limits = EdgeLimits(sockets_per_user=0, operations_per_socket=0)
    async with serving(limits) as edge, ready(edge), ready(edge) as socket:
        await send(socket, *[subscribe(str(number), LONG) for number in range(30)])
        await edge.state.until(streams=30)
