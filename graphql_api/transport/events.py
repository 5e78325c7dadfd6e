"""GraphQL over server-sent events, distinct connections mode (enisdenjo/graphql-sse PROTOCOL.md): one POST, one
operation, its results as events until its end. docs/decisions/0017 has what the protocol leaves open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from enum import Enum, auto
from typing import Final

from starlette.types import Message, Receive, Scope, Send

from core.errors import RequestError, RequestErrorCode, Unauthenticated
from graphql_api.documents import PreparedQuery
from graphql_api.transport.answers import Answer
from graphql_api.transport.body import GraphQLRequest
from graphql_api.transport.headers import EVENTS
from graphql_api.transport.heartbeat import Heartbeat
from graphql_api.transport.hooks import Caller, EdgeLimits, Identity
from graphql_api.transport.operations import Operations, is_subscription
from graphql_api.transport.sockets import SocketRegistry, end_of

COMMENT: Final = b":\n\n"
COMPLETE: Final = b"event: complete\ndata: \n\n"
_HEADERS: Final = [
    (b"content-type", f"{EVENTS}; charset=utf-8".encode()),
    (b"x-accel-buffering", b"no"),  # nginx would hold events back until a buffer is full
]
_PATIENCE: Final = 3
"""Heartbeats for which a client may take nothing of what waits for it; then it is let go."""

_CLOSE_SECONDS: Final = 5.0
"""What the last events may take to be sent: a client that doesn't read holds them up."""


class _End(Enum):
    """Why a stream ends before its operation does."""

    TOKEN = auto()  # it ended or was revoked
    STOP = auto()  # the server stops; the client resumes elsewhere
    GONE = auto()  # nobody reads


class EventStreams:
    """Opens streams, and counts them among their user's sockets."""

    def __init__(self, operations: Operations, limits: EdgeLimits, registry: SocketRegistry) -> None:
        self._operations = operations
        self._limits = limits
        self._registry = registry
        self._token_end = _next(operations.refusal([Unauthenticated("The token has ended.")])) + COMPLETE

    def open(self, query: PreparedQuery | Answer, request: GraphQLRequest, caller: Caller) -> EventStream:
        """A stream that is counted until it has been served. Raises RequestError RATE_LIMITED."""
        stream = EventStream(
            self._events(query, request, caller),
            caller.identity,
            self._registry,
            heartbeat_seconds=self._limits.heartbeat_seconds,
            token_end=self._token_end,
            endless=isinstance(query, PreparedQuery) and is_subscription(query),
        )
        if not self._registry.add(caller.identity.user_id, stream):
            message = f"Sockets and event streams are limited to {self._limits.sockets_per_user} a user."
            raise RequestError(RequestErrorCode.RATE_LIMITED, message)
        return stream

    async def _events(
        self, query: PreparedQuery | Answer, request: GraphQLRequest, caller: Caller
    ) -> AsyncGenerator[bytes, None]:
        if isinstance(query, Answer):
            yield _next(query)
        elif is_subscription(query):
            async with aclosing(self._operations.follow(query, request, caller)) as answers:
                async for answer in answers:
                    yield _next(answer)
        else:
            yield _next(await self._operations.run(query, request, caller))


class EventStream:
    """One stream, as an ASGI response. Whatever ends it early does so through its one clock, which otherwise ends it
    with its token."""

    _asgi_send: Send
    _heart: Heartbeat

    def __init__(
        self,
        events: AsyncGenerator[bytes, None],
        identity: Identity,
        registry: SocketRegistry,
        *,
        heartbeat_seconds: float,
        token_end: bytes,
        endless: bool,
    ) -> None:
        self.identity = identity
        self._events = events
        self._registry = registry
        self._heartbeat_seconds = heartbeat_seconds
        self._token_end = token_end
        self._endless = endless
        self._tasks = asyncio.TaskGroup()
        self._clock = asyncio.timeout_at(end_of(identity))
        self._beating: asyncio.Task[None] | None = None
        self._ending: _End | None = None
        self._running = False
        self._started = False
        self._sending = False
        self._missed = 0

    def end(self) -> None:
        """End with UNAUTHENTICATED, soon; doesn't wait for it."""
        self._finish(_End.TOKEN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Until the operation, the client, the token or the server ends; then the operation has ended as well."""
        self._asgi_send = send
        self._heart = Heartbeat(self._heartbeat_seconds, self._beat)
        try:
            async with self._tasks:
                watching = [self._tasks.create_task(self._until_gone(receive))]
                if self._endless:
                    watching.append(self._tasks.create_task(self._until_stopped()))
                try:
                    await self._stream()
                finally:
                    self._be_quiet()
                    for task in watching:
                        task.cancel()
        finally:
            self._registry.remove(self.identity.user_id, self)

    async def _stream(self) -> None:
        try:
            async with self._clock, aclosing(self._events) as events:
                self._running = True
                if self._ending is not None:
                    self._break()
                await self._start()
                async for event in events:
                    await self._write(event)
                    # Where the client is gone a server takes what is sent at once: what says so must get its turn.
                    await asyncio.sleep(0)
        except TimeoutError:
            self._be_quiet()
            await self._break_off(self._ending or _End.TOKEN)
        else:
            self._be_quiet()
            await self._write(COMPLETE, more=False)

    async def _start(self) -> None:
        await self._send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        self._started = True
        # Some browsers take no answer for begun before its first byte.
        await self._write(COMMENT)

    async def _break_off(self, why: _End) -> None:
        """Say why, where there is somebody to say it to. What ends without `complete` is opened anew by its client."""
        if why is _End.GONE or not self._started:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._write(self._token_end if why is _End.TOKEN else b"", more=False)

    def _finish(self, why: _End) -> None:
        if self._ending is None:
            self._ending = why
            self._break()

    def _break(self) -> None:
        if self._running and not self._clock.expired():
            self._clock.reschedule(asyncio.get_running_loop().time())

    def _be_quiet(self) -> None:
        """No more heartbeats, and nothing left to break off."""
        self._running = False
        self._heart.stop()
        if self._beating is not None:
            self._beating.cancel()

    async def _write(self, body: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    async def _send(self, message: Message) -> None:
        self._sending = True
        try:
            await self._asgi_send(message)
        except OSError:  # what a server may raise once the client is gone (ASGI 2.4)
            self._finish(_End.GONE)
        finally:
            self._sending = False
        self._missed = 0
        self._heart.sent()

    def _beat(self) -> None:
        if not self._sending:
            self._beating = self._tasks.create_task(self._write(COMMENT))
            return
        self._missed += 1
        if self._missed >= _PATIENCE:
            self._finish(_End.GONE)

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._finish(_End.GONE)

    async def _until_stopped(self) -> None:
        await self._registry.stopping.wait()
        self._finish(_End.STOP)


def _next(answer: Answer) -> bytes:
    # JSON as it is encoded has no line breaks, so one `data` line holds it.
    return b"event: next\ndata: %b\n\n" % answer.body
