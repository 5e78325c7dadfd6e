"""Drives an HTTP target: kept-alive connections, one request at a time on each, and what the answers took."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import httptools

NewRequest = Callable[[int], bytes]
"""The next request of the connection of that number, head and body."""

Judge = Callable[[int, bytes], bool]
"""Whether an answer, by its status and body, is the turn that was asked for."""


def post(url: str, body: bytes, **headers: str) -> bytes:
    """A whole request."""
    parts = urlsplit(url)
    head = {"Host": parts.netloc, "Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"POST {parts.path} HTTP/1.1\r\n{lines}\r\n".encode() + body


class Connection(asyncio.Protocol):
    """One connection. Cheap on purpose: the driver shares the machine with what it measures."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        assert self._answer is not None, "only what was asked is answered"
        self._answer.set_result((self._parser.get_status_code(), bytes(self._body)))

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """The status and body of the answer."""
        self._parser, self._body = httptools.HttpResponseParser(self), bytearray()
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        self._transport.abort()


@dataclass(frozen=True)
class Load:
    """What one stretch of load came to. Times in milliseconds."""

    turns: int
    per_second: float
    p50: float
    p99: float
    bad: int


async def drive(
    url: str, request: NewRequest, judge: Judge, *, concurrency: int, seconds: float, least: int = 1
) -> Load:
    """Load of that concurrency for that time, and until `least` answers are there."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    host, port = parts.hostname, parts.port
    took: list[float] = []
    bad = 0
    began = perf_counter()

    async def one(number: int) -> None:
        nonlocal bad
        _, connection = await asyncio.get_running_loop().create_connection(Connection, host, port)
        try:
            while perf_counter() - began < seconds or len(took) < least:
                asked_at = perf_counter()
                status, body = await connection.ask(request(number))
                took.append((perf_counter() - asked_at) * 1000)
                bad += not judge(status, body)
        finally:
            connection.close()

    async with asyncio.TaskGroup() as group:
        for number in range(concurrency):
            group.create_task(one(number))
    elapsed = perf_counter() - began
    return Load(len(took), len(took) / elapsed, quantile(took, 0.5), quantile(took, 0.99), bad)


def quantile(values: list[float], share: float) -> float:
    """The value that `share` of all don't pass; nan of none."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
