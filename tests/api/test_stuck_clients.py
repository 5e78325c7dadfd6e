"""A client that reads no more holds nothing for long: neither memory nor its place."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable

import pytest

from graphql_api.transport import EdgeLimits
from tests.support.edge_app import serving
from tests.support.reading import GUARD, until

HANDSHAKE = (
    "GET /graphql HTTP/1.1\r\nhost: {host}\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    "sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    "sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
)


def frame(**message: object) -> bytes:
    text = json.dumps(message).encode()
    assert len(text) < 126
    return bytes((0x81, 0x80 | len(text))) + b"\0\0\0\0" + text


def over_websocket(host: str) -> list[bytes]:
    init = frame(type="connection_init", payload={"authorization": "Bearer good"})
    return [HANDSHAKE.format(host=host).encode(), init + frame(id="1", type="subscribe", payload={"query": FLOOD})]


def as_stream(host: str) -> list[bytes]:
    body = json.dumps({"query": FLOOD}).encode()
    head = f"POST /graphql HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer good\r\naccept: text/event-stream\r\n"
    return [head.encode() + b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body]


FLOOD = "subscription { flood }"


@pytest.mark.parametrize("opening", [over_websocket, as_stream])
async def test_who_stops_reading_is_let_go(opening: Callable[[str], list[bytes]]) -> None:
    loop = asyncio.get_running_loop()
    async with serving(EdgeLimits(stuck_seconds=0.05, heartbeat_seconds=3600)) as edge, asyncio.timeout(GUARD):
        host, _, port = edge.address.partition(":")
        with socket.socket() as client:
            client.setblocking(False)
            await loop.sock_connect(client, (host, int(port)))
            for part in opening(edge.address):
                await loop.sock_sendall(client, part)
                assert await loop.sock_recv(client, 1024)  # the handshake's answer, or the stream's; then nothing
            await until(lambda: edge.state.closed == 1)
            await until(lambda: len(edge.registry) == 0)
