"""Reads the body of a streamed answer: pieces into events, each wait timed, a whole answer told from a torn one."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

import aiohttp
import httpx2

from assistant.providers.openai_faults import timed_out, unavailable
from assistant.providers.sse import EventTooLarge, ServerEvent, SseParser

MAX_EVENT = 1024 * 1024  # bytes of one event, or of a whole answer that isn't streamed
_DONE = b"[DONE]"
# aiohttp and ssl: failures that the SDK's transport lets through as they are, such as an answer that isn't HTTP.
TRANSPORT_ERRORS = (httpx2.HTTPError, httpx2.StreamError, aiohttp.ClientError, ssl.SSLError)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds. How long a whole call may take is the loop's to say.

    `first_byte` runs from the request to the first byte of the body; `tail` is how long a finished answer is kept
    open for the usage and the end mark that should follow it; `reuse` is the wait for the end of the body, without
    which the connection can't serve the next call.
    """

    connect: float = 5.0
    first_byte: float = 30.0
    silence: float = 30.0
    tail: float = 2.0
    reuse: float = 0.1


class BodyReader:
    """Takes the events out of a body. `deadline` (loop time) is that of the first byte.

    `is_stream` is False for plain JSON, which some endpoints answer to a request for a stream, under any content type.
    `saw_done` says whether the end mark has come.
    """

    def __init__(self, body: AsyncGenerator[bytes, None], timeouts: Timeouts, deadline: float) -> None:
        self.is_stream = True
        self.saw_done = False
        self._body = body
        self._timeouts = timeouts
        self._deadline = deadline
        self._waiting_for, self._wait = "first byte", timeouts.first_byte
        self._clock = _Clock()
        self._reader: _Reader | None = None
        self._ended = False

    async def next(self, *, finished: bool) -> list[ServerEvent] | None:
        """The next events, possibly none; None at the end. Raises ProviderError and EventTooLarge.

        Once the answer is `finished`, neither silence nor a lost connection takes it back: they are an end.
        """
        if self._ended:
            return None
        piece = await self._piece(finished)
        self._waiting_for, self._wait = "more", self._timeouts.silence
        self._deadline = now() + self._wait
        if piece is None:
            self._ended = True
            return await self._up_to_done(self._reader.end() if self._reader else [])
        if self._reader is None:
            if not piece.strip():
                return []
            self.is_stream = not piece.lstrip().startswith(b"{")
            self._reader = SseParser(MAX_EVENT) if self.is_stream else _WholeBody()
        return await self._up_to_done(self._reader.feed(piece))

    def close(self) -> None:
        """Nothing more is read."""
        self._clock.stop()

    async def _piece(self, finished: bool) -> bytes | None:
        deadline = min(self._deadline, now() + self._timeouts.tail) if finished else self._deadline
        try:
            return await self._receive(deadline)
        except TimeoutError:
            fault = timed_out(self._waiting_for, self._wait)
        except TRANSPORT_ERRORS:
            fault = unavailable("broke the answer off")
        if finished:
            return None
        raise fault  # outside the handlers, as in openai_faults.from_sdk

    async def _up_to_done(self, events: list[ServerEvent]) -> list[ServerEvent]:
        for position, event in enumerate(events):
            if event.data.strip() == _DONE:
                self.saw_done = True
                if not self._ended:
                    await self._drain()
                self._ended = True
                return events[:position]
        return events

    async def _drain(self) -> None:
        """Let the connection go back to the pool. The answer is whole, so what goes wrong here doesn't matter."""
        try:
            await self._receive(now() + self._timeouts.reuse)
        except (TimeoutError, *TRANSPORT_ERRORS):
            return

    async def _receive(self, deadline: float) -> bytes | None:
        async with asyncio.timeout(None) as wait:
            self._clock.begin(wait, deadline)
            try:
                return await anext(self._body, None)
            finally:
                self._clock.end()


class _Clock:
    """Times waits that follow each other by one timer, which rings for the earliest end and then looks whether the wait
    that is under way is over. A timer set anew for each token costs more than reading the token.
    """

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None
        self._wait: asyncio.Timeout | None = None
        self._deadline = 0.0

    def begin(self, wait: asyncio.Timeout, deadline: float) -> None:
        """Have `wait`, which has begun, end at `deadline`, unless it is over by then."""
        self._wait, self._deadline = wait, deadline
        if self._timer is None or deadline < self._timer.when():
            self._set()

    def end(self) -> None:
        """The wait is over."""
        self._wait = None

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self) -> None:
        self.stop()
        self._timer = asyncio.get_running_loop().call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if now() < self._deadline:
            self._set()
        elif self._wait is not None:
            self._wait.reschedule(self._deadline)


def now() -> float:
    """The loop's clock, in seconds: what deadlines here are measured by."""
    return asyncio.get_running_loop().time()


class _Reader(Protocol):
    def feed(self, chunk: bytes) -> list[ServerEvent]: ...

    def end(self) -> list[ServerEvent]: ...


class _WholeBody:
    """Reads a body as one event."""

    def __init__(self) -> None:
        self._body = bytearray()

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        self._body += chunk
        if len(self._body) > MAX_EVENT:
            raise EventTooLarge
        return []

    def end(self) -> list[ServerEvent]:
        return [ServerEvent(bytes(self._body))]
