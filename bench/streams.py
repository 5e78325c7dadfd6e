"""Streams of stamped tokens, read as their clients get them: as events over HTTP, or by a subscription on a socket.

The model stamps each token with the moment it is sent, by the clock that all processes of a machine share. Tokens are
told by their stamps, however many arrive together, and each counts once, where it is seen first.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from bench.load import Connection, post
from bench.subscriber import Subscriber, connected

PATIENCE: Final = 120.0
"""Seconds that a stream may take in all."""

_STAMP: Final = re.compile(rb"T(\d{10,18})(?!\d)")
_TAIL: Final = 40

_SAY = "mutation Say($input: SendMessageInput!) { sendMessage(input: $input) { turn { id } userErrors { code } } }"
_FOLLOW = """subscription Follow($id: ID!) { turn(id: $id) {
  __typename
  ... on TurnSnapshot { draft attempt offset }
  ... on TextDelta { text attempt offset }
} }"""
_RELAY = "subscription Deltas($key: String!) { deltas(key: $key) { key text done } }"
_SEND = 'mutation Send($key: String!, $model: String!) { send(key: $key, text: "hi", model: $model) }'


class Arrivals:
    """When the tokens of one stream came, in milliseconds since they were stamped."""

    def __init__(self) -> None:
        self.took: list[float] = []
        self.pieces = 0
        self._seen: set[bytes] = set()

    def take(self, data: bytes) -> None:
        """What has come just now, in which every stamp is whole."""
        now = time.monotonic_ns()
        before = len(self.took)
        for stamp in _STAMP.findall(data):
            if stamp not in self._seen:
                self._seen.add(stamp)
                self.took.append((now - int(stamp)) / 1e6)
        self.pieces += len(self.took) > before


Stream = Callable[[int, Arrivals], Awaitable[None]]
"""Reads one stream, of the client of that number, to its end."""


class _Body(asyncio.Protocol):
    """One request over a connection of its own, whose answer is read as it comes."""

    def __init__(self, request: bytes, arrivals: Arrivals) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._arrivals = arrivals
        self._rest = b""

    def connection_made(self, transport: Any) -> None:
        transport.write(self._request)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        end = data.rfind(b"\n") + 1  # an event is a line, so nothing before is torn
        self._arrivals.take(data[:end])
        self._rest = data[end:]
        if data.endswith(b"0\r\n\r\n") and not self.ended.done():
            self.ended.set_result(None)


def posted(url: str, body: dict[str, Any]) -> Stream:
    """A POST whose answer streams."""
    parts = urlsplit(url)
    request = post(url, orjson.dumps(body))

    async def stream(number: int, arrivals: Arrivals) -> None:
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.create_connection(lambda: _Body(request, arrivals), parts.hostname, parts.port)
        async with asyncio.timeout(PATIENCE):
            await protocol.ended
        transport.abort()

    return stream


async def _asked(url: str, query: str, variables: dict[str, Any], **headers: str) -> dict[str, Any]:
    """One operation over a connection of its own; its data."""
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, parts.hostname, parts.port)
    try:
        body = orjson.dumps({"query": query, "variables": variables})
        _, answer = await connection.ask(post(url, body, Accept="application/json", **headers))
        data: dict[str, Any] = orjson.loads(answer)["data"]
        return data
    finally:
        connection.close()


def _subscribe(socket: Subscriber, query: str, variables: dict[str, Any]) -> None:
    socket.send({"id": "1", "type": "subscribe", "payload": {"query": query, "variables": variables}})


def subscribed(url: str, bearer: Callable[[int], str], said: str) -> Stream:
    """Ours: a message is sent over HTTP, and its turn followed on a socket that is open by then."""

    async def stream(number: int, arrivals: Arrivals) -> None:
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def heard(message: bytes) -> None:
            arrivals.take(message)
            if message.endswith(b'"type":"complete"}') or b'"type":"error"' in message:
                ended.set_result(None)

        authorization = bearer(number)
        socket = await connected(url, heard, Authorization=authorization)
        try:
            variables = {"input": {"content": said}}
            data = await _asked(url, _SAY, variables, Authorization=authorization)
            _subscribe(socket, _FOLLOW, {"id": data["sendMessage"]["turn"]["id"]})
            async with asyncio.timeout(PATIENCE):
                await asyncio.wait([ended, socket.lost], return_when=asyncio.FIRST_COMPLETED)
        finally:
            socket.close()

    return stream


def relayed(url: str, model: str) -> Stream:
    """The peer that relays by a subscription: followed first, by a key, then asked by a mutation that waits."""

    async def stream(number: int, arrivals: Arrivals) -> None:
        key = f"{number}-{time.monotonic_ns()}"
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def heard(message: bytes) -> None:
            arrivals.take(message)
            if b'"done": true' in message or b'"done":true' in message:
                ended.set_result(None)

        socket = await connected(url, heard)
        try:
            _subscribe(socket, _RELAY, {"key": key})
            await asyncio.sleep(0.2)  # its resolver runs: nothing it sends says so
            async with asyncio.timeout(PATIENCE):
                await _asked(url, _SEND, {"key": key, "model": model})
                await asyncio.wait([ended, socket.lost], return_when=asyncio.FIRST_COMPLETED)
        finally:
            socket.close()

    return stream
