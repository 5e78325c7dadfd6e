"""graphql-transport-ws over one socket: the control flow of enisdenjo/graphql-ws PROTOCOL.md, with its timers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from functools import partial
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from core.errors import RequestError, RequestErrorCode, Unauthenticated
from graphql_api.documents import PreparedQuery
from graphql_api.transport.answers import Answer
from graphql_api.transport.audience import Asked, Member
from graphql_api.transport.body import GraphQLRequest
from graphql_api.transport.headers import bearer_token, origin_allowed
from graphql_api.transport.heartbeat import Heartbeat
from graphql_api.transport.hooks import Caller, EdgeHooks, EdgeLimits, Identity
from graphql_api.transport.messages import (
    ClientMessage,
    CloseCode,
    Closing,
    Complete,
    Init,
    Ping,
    Pong,
    Subscribe,
    parse_message,
)
from graphql_api.transport.operations import Operations, is_subscription
from graphql_api.transport.sockets import SocketRegistry, end_of
from graphql_api.transport.wire import wire_of

PROTOCOL = "graphql-transport-ws"
# A peer that doesn't read can hold up even the close frame; uvicorn's keep-alive then ends the connection.
_CLOSE_SECONDS = 5.0


class WebSocketEndpoint:
    """ASGI application for WebSocket handshakes."""

    def __init__(self, operations: Operations, hooks: EdgeHooks, limits: EdgeLimits, registry: SocketRegistry) -> None:
        self._operations = operations
        self._hooks = hooks
        self._limits = limits
        self._registry = registry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        if not origin_allowed(Headers(scope=scope), self._limits.origins):
            # Closing before accepting is a 403 (RFC 6455 section 10.2). uvicorn logs an error for a denial with a body.
            await socket.close()
        elif PROTOCOL not in scope["subprotocols"]:
            await socket.accept()
            await socket.close(CloseCode.SUBPROTOCOL, "Subprotocol not acceptable")
        else:
            await socket.accept(PROTOCOL)
            wire_of(scope).slim()
            await Connection(socket, self._operations, self._hooks, self._limits, self._registry).serve()


class _Running:
    """An operation of a socket: a task runs it, or it is a member of an audience and nothing runs."""

    __slots__ = ("_next", "id", "member", "task")

    def __init__(self, operation_id: str) -> None:
        self.id = operation_id
        self.task: asyncio.Task[None] | None = None
        self.member: Member | None = None
        self._next = b'{"id":%b,"type":"next","payload":' % orjson.dumps(operation_id)

    def next(self, answer: Answer) -> bytes:
        """The message that brings an answer."""
        return self._next + answer.body + b"}"

    def end(self) -> None:
        if self.member is not None:
            self.member.leave()
        if self.task is not None:
            self.task.cancel()


class Connection:
    """One open socket. It owns its operations, and its one clock: first the time for connection_init, then the end of
    the token."""

    def __init__(
        self,
        socket: WebSocket,
        operations: Operations,
        hooks: EdgeHooks,
        limits: EdgeLimits,
        registry: SocketRegistry,
    ) -> None:
        self.identity: Identity | None = None
        self._socket = socket
        self._operations = operations
        self._hooks = hooks
        self._limits = limits
        self._registry = registry
        self._clock = asyncio.timeout(limits.init_seconds)
        self._wire = wire_of(socket.scope)
        self._running: dict[str, _Running] = {}
        self._tasks = asyncio.TaskGroup()
        self._heart: Heartbeat | None = None
        self._initialised = False
        self._ending = False
        self._open = True

    async def serve(self) -> None:
        """Until either side closes; then every operation has been cancelled and has ended."""
        self._wire.on_writable = self._hand_on_all
        async with self._tasks:
            try:
                closing = await self._until_closing()
                if closing is not None:
                    await self._close(closing)
            finally:
                self._open = False
                if self._heart is not None:
                    self._heart.stop()
                if self.identity is not None:
                    self._registry.remove(self.identity.user_id, self)
                for running in self._running.values():
                    running.end()
        await self._operations.audiences.settled()

    def refresh(self, identity: Identity) -> None:
        """Go on as `identity`, until its token ends. Raises ValueError for another user's, or where it is closing."""
        if self.identity is None or identity.user_id != self.identity.user_id:
            raise ValueError("the token belongs to another user")
        if not self._open or self._ending or self._clock.expired():
            raise ValueError("the socket is closing")
        self._become(identity)

    def end(self) -> None:
        """Close with 4403, soon; doesn't wait for it."""
        self._set_clock(asyncio.get_running_loop().time())
        self._ending = True

    async def _until_closing(self) -> Closing | None:
        """Reads messages; why the server ends it, or None where the client hung up."""
        try:
            async with self._clock:
                while True:
                    frame = await self._socket.receive()
                    if frame["type"] == "websocket.disconnect":
                        return None
                    if frame.get("text") is None:
                        raise Closing(CloseCode.BAD_REQUEST, "Message must be text")
                    await self._handle(self._parse(frame["text"]))
        except Closing as closing:
            return closing
        except TimeoutError:
            if self.identity is None:
                return Closing(CloseCode.INIT_TIMEOUT, "Connection initialisation timeout")
            return Closing(CloseCode.FORBIDDEN, "The token has ended")

    def _parse(self, text: str) -> ClientMessage:
        return parse_message(text, frame_bytes=self._limits.frame_bytes, depth=self._limits.json_depth)

    async def _handle(self, message: ClientMessage) -> None:
        match message:
            case Init(payload):
                await self._initialise(payload)
            case Ping():
                await self._send_text(b'{"type":"pong"}')
            case Pong():
                pass
            case Subscribe(id=operation_id, request=request):
                await self._subscribe(operation_id, request)
            case Complete(id=operation_id):
                # An id that isn't running is no error: both sides may complete at once.
                if running := self._running.pop(operation_id, None):
                    running.end()

    async def _initialise(self, payload: dict[str, Any]) -> None:
        if self._initialised:
            raise Closing(CloseCode.SECOND_INIT, "Too many initialisation requests")
        self._initialised = True
        identity = await self._authenticate(payload)
        if not self._registry.add(identity.user_id, self):
            limit = self._limits.sockets_per_user
            raise Closing(CloseCode.TRY_LATER, f"Sockets are limited to {limit} a user: try again later")
        self._become(identity)
        await self._send_text(b'{"type":"connection_ack"}')
        self._heart = Heartbeat(self._limits.heartbeat_seconds, self._beat)

    async def _authenticate(self, payload: dict[str, Any]) -> Identity:
        try:
            return await self._hooks.authenticate_token(_token(payload))
        except Unauthenticated:
            raise Closing(CloseCode.FORBIDDEN, "Forbidden") from None
        except RequestError as error:
            code = CloseCode.FORBIDDEN if error.code is RequestErrorCode.FORBIDDEN else CloseCode.TRY_LATER
            raise Closing(code, error.code.value) from None
        # A process boundary: masked, and logged by the presenter.
        except Exception as error:
            self._hooks.presenter.fault(error)
            raise Closing(CloseCode.INTERNAL, "Internal server error") from None

    def _become(self, identity: Identity) -> None:
        self.identity = identity
        self._set_clock(end_of(identity))

    def _set_clock(self, when: float | None) -> None:
        # A clock that is ending the connection, or has, isn't to be set again.
        if self._open and not self._ending and not self._clock.expired():
            self._clock.reschedule(when)

    async def _subscribe(self, operation_id: str, request: GraphQLRequest) -> None:
        if self.identity is None:
            raise Closing(CloseCode.UNAUTHORIZED, "Unauthorized")
        if operation_id in self._running:
            shown = operation_id if len(operation_id) <= 24 else operation_id[:20] + "…"
            raise Closing(CloseCode.DUPLICATE_ID, f"Subscriber for {shown} already exists")
        limit = self._limits.operations_per_socket
        if limit and len(self._running) >= limit:
            message = f"Operations are limited to {limit} at a time in one socket."
            error = RequestError(RequestErrorCode.RATE_LIMITED, message)
            await self._send_end(operation_id, self._operations.refusal([error]))
            return
        caller = Caller(self.identity, self._socket.scope, self)
        running = self._running[operation_id] = _Running(operation_id)
        running.task = self._tasks.create_task(self._operate(running, partial(self._answer, running, request, caller)))

    async def _operate(self, running: _Running, work: Callable[[], Awaitable[Answer | None]]) -> None:
        """Run an operation, to its end or until it is joined to an audience."""
        try:
            refusal = await work()
        # What goes wrong with an operation ends it, never the socket.
        except Exception as error:
            refusal = self._operations.refusal([error])
        running.task = None
        if refusal is None and running.member is not None and running.member.joined:
            self._hand_on(running)
            return
        # The id is free before the client can read that it is.
        if self._running.get(running.id) is running:
            del self._running[running.id]
        await self._send_end(running.id, refusal)

    async def _answer(self, running: _Running, request: GraphQLRequest, caller: Caller) -> Answer | None:
        """Sends the operation's results; the answer that refuses it, if one does."""
        query = self._operations.prepare(request)
        if isinstance(query, Answer):
            return query
        if is_subscription(query):
            return await self._follow(running, query, request, caller)
        answer = await self._operations.run(query, request, caller)
        if not answer.ran:
            return answer
        await self._send_text(running.next(answer))
        return None

    async def _follow(
        self, running: _Running, query: PreparedQuery, request: GraphQLRequest, caller: Caller
    ) -> Answer | None:
        async with aclosing(self._operations.begin(query, request, caller)) as items:
            async for item in items:
                if isinstance(item, Asked):
                    running.member = Member(self._operations.audiences, item, partial(self._hand_on, running))
                elif not item.ran:
                    return item
                else:
                    await self._send_text(running.next(item))
        return None if running.member is None else await self._read_alone(running, running.member)

    async def _read_alone(self, running: _Running, member: Member) -> Answer | None:
        async with aclosing(self._operations.alone(member)) as answers:
            async for answer in answers:
                if not answer.ran:
                    return answer
                await self._send_text(running.next(answer))
        return None

    async def _ended(self, _: _Running, member: Member) -> Answer | None:
        return member.refusal

    def _hand_on_all(self) -> None:
        for running in tuple(self._running.values()):
            if running.task is None:
                self._hand_on(running)

    def _hand_on(self, running: _Running) -> None:
        """Write what an audience has for one of its members, as far as the client takes it."""
        member = running.member
        if member is None or running.task is not None or not self._open:
            return
        while self._wire.is_writable:
            answer = member.take()
            if answer is None:
                break
            self._write(running.next(answer))
        if not member.joined:
            work = partial(self._ended if member.over else self._read_alone, running, member)
            running.task = self._tasks.create_task(self._operate(running, work))

    async def _send_end(self, operation_id: str, refusal: Answer | None) -> None:
        if refusal is None:
            await self._send_text(b'{"id":%b,"type":"complete"}' % orjson.dumps(operation_id))
        else:
            start = b'{"id":%b,"type":"error","payload":' % orjson.dumps(operation_id)
            await self._send_text(start + refusal.errors + b"}")

    async def _send_text(self, text: bytes) -> None:
        """Send once the client takes it. Where it is gone the reading side ends the operations; what they still send
        goes nowhere."""
        if self._open:
            await self._wire.writable.wait()
            if not self._write(text):
                await asyncio.sleep(0)

    def _write(self, text: bytes) -> bool:
        if self._heart is not None:
            self._heart.sent()
        return self._wire.write_text(text)

    def _beat(self) -> None:
        # Behind what waits for a slow client a ping would tell nothing.
        if self._wire.is_writable:
            self._write(b'{"type":"ping"}')

    async def _close(self, closing: Closing) -> None:
        self._open = False
        with suppress(TimeoutError, WebSocketDisconnect):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._socket.close(closing.code, closing.reason)


def _token(payload: dict[str, Any]) -> str:
    """The bearer token of a connection_init payload. Raises Unauthenticated without exactly one."""
    values = [value for name, value in payload.items() if name.lower() == "authorization"]
    if len(values) != 1 or not isinstance(values[0], str):
        raise Unauthenticated
    return bearer_token(values[0])
