"""A crowd of subscribers in one process: as little work a delivery as can be, for it shares the machine with what it
measures."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from bench.load import Connection, post, quantile
from bench.servers import Server

_STAMP = re.compile(rb"T(\d{11,19}) ")


@dataclass(frozen=True)
class Words:
    """How a target is spoken to. The payload that is published comes back in each delivery."""

    subscribe: str
    publish: str
    variables: Callable[[str, str], dict[str, Any]]


@dataclass(frozen=True)
class Crowd:
    """How many subscribe, as how many users; over WebSockets, or event streams."""

    sockets: int
    users: int
    streams: bool = False


@dataclass(frozen=True)
class Figures:
    """One round. CPU in µs a delivery, all processes of the server and the publishing included; latency in ms."""

    cpu: float
    p50: float
    p99: float
    lost: float
    kilobytes: float
    driver: float


@dataclass
class Heard:
    """What has arrived: nanoseconds since each was published."""

    took: list[int] = field(default_factory=list)

    async def until(self, count: int, seconds: float) -> None:
        """Until so many have arrived, or that long."""
        for _ in range(max(1, int(seconds / 0.02))):
            if len(self.took) >= count:
                return
            await asyncio.sleep(0.02)


class Subscriber(asyncio.Protocol):
    """One connection. It looks at what comes for stamps alone."""

    def __init__(self, opening: bytes, then: list[tuple[bytes, bytes]], heard: Heard) -> None:
        self.ready = asyncio.get_running_loop().create_future()
        self._opening = opening
        self._then = then
        self._heard = heard
        self._seen = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self._opening)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(f"closed after {self._seen[:200]!r}"))

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        if not self.ready.done():
            self._greet(data)
            return
        # A message is shorter than a segment of the loopback; one that is torn counts as lost, and it shows.
        self._heard.took += [now - int(stamp) for stamp in _STAMP.findall(data)]

    def _greet(self, data: bytes) -> None:
        self._seen += data
        while self._then and self._then[0][0] in self._seen:
            _, answer = self._then.pop(0)
            self._seen = b""
            if answer:
                self.transport.write(answer)
        if not self._then:
            self.ready.set_result(None)


def _frame(text: bytes) -> bytes:
    """A client's text frame under the mask 0 (RFC 6455 section 5.3)."""
    length = len(text)
    head = bytes((0x81, 0x80 | length)) if length < 126 else b"\x81\xfe" + length.to_bytes(2, "big")
    return head + b"\0\0\0\0" + text


def _over_websocket(url: str, token: str, words: Words) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    parts = urlsplit(url)
    key = base64.b64encode(os.urandom(16)).decode()
    head = (
        f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    )
    init = orjson.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
    subscribe = orjson.dumps({"id": "1", "type": "subscribe", "payload": {"query": words.subscribe}})
    return head.encode(), [(b"\r\n\r\n", _frame(init)), (b"connection_ack", _frame(subscribe))]


def _over_stream(url: str, token: str, words: Words) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    body = orjson.dumps({"query": words.subscribe})
    return post(url, body, Authorization=f"Bearer {token}", Accept="text/event-stream"), [(b":\n\n", b"")]


async def measure(
    server: Server, words: Words, crowd: Crowd, tokens: list[str], *, seconds: float, rate: float
) -> Figures:
    """Connect the crowd, let it be, then publish at that rate."""
    parts = urlsplit(server.url)
    loop = asyncio.get_running_loop()
    heard = Heard()
    _, publisher = await loop.create_connection(Connection, parts.hostname, parts.port)

    async def publish(number: int) -> None:
        variables = words.variables(f"bench-{number}", f"T{time.monotonic_ns()} said")
        body = orjson.dumps({"query": words.publish, "variables": variables})
        headers = {"Authorization": f"Bearer {tokens[number]}", "Accept": "application/json"}
        status, answer = await publisher.ask(post(server.url, body, **headers))
        if status != 200 or b'"errors"' in answer or b'"message"' in answer:
            raise SystemExit(f"{server.url} refused to publish: {answer[:300]!r}")

    for _ in range(3):
        await publish(0)
    before = server.resident()
    subscribers = await _connect(server.url, words, crowd, tokens, heard)
    await asyncio.sleep(1 + crowd.sockets / 1000)
    kilobytes = (server.resident() - before) / crowd.sockets / 1000
    publisher.close()  # a server may have closed it meanwhile
    _, publisher = await loop.create_connection(Connection, parts.hostname, parts.port)
    for _ in range(3):
        await publish(0)
    await asyncio.sleep(0.5)
    heard.took.clear()
    cpu, own, began, sent = server.cpu() + server.postgres_cpu(), time.process_time(), time.perf_counter(), 0
    while (now := time.perf_counter()) - began < seconds:
        await asyncio.sleep(max(0.0, began + sent / rate - now))
        await publish(sent % crowd.users)
        sent += 1
    expected = sent * (crowd.sockets // crowd.users)
    await heard.until(expected, began + seconds + 5 - time.perf_counter())
    elapsed = time.perf_counter() - began
    figures = Figures(
        cpu=(server.cpu() + server.postgres_cpu() - cpu) * 1e6 / max(1, len(heard.took)),
        p50=quantile([took / 1e6 for took in heard.took], 0.5),
        p99=quantile([took / 1e6 for took in heard.took], 0.99),
        lost=expected - len(heard.took),
        kilobytes=kilobytes,
        driver=(time.process_time() - own) / elapsed * 100,
    )
    for subscriber in subscribers:
        subscriber.transport.abort()
    publisher.close()
    return figures


async def _connect(url: str, words: Words, crowd: Crowd, tokens: list[str], heard: Heard) -> list[Subscriber]:
    parts = urlsplit(url)
    at_once = asyncio.Semaphore(16)
    speak = _over_stream if crowd.streams else _over_websocket

    async def one(number: int) -> Subscriber:
        opening, then = speak(url, tokens[number % crowd.users], words)
        async with at_once, asyncio.timeout(60):
            _, made = await asyncio.get_running_loop().create_connection(
                lambda: Subscriber(opening, then, heard), parts.hostname, parts.port
            )
            await made.ready
            return made

    return list(await asyncio.gather(*(one(number) for number in range(crowd.sockets))))
