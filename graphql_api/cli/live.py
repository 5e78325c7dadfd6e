"""A small graphql-transport-ws client (enisdenjo/graphql-ws PROTOCOL.md): one socket, opened anew when it is lost."""

from __future__ import annotations

import asyncio
import itertools
import random
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from core.errors import TasktalkError
from services.auth.development import is_loopback_host

PROTOCOL: Final = "graphql-transport-ws"
LARGEST_FRAME: Final = 4 * 1024 * 1024
"""Bytes of one frame from the server."""

_OPEN_SECONDS: Final = 10.0
_CLOSE_SECONDS: Final = 2.0
_WAITING: Final = 2_000  # messages of one operation; with more the client is too slow, and resumes from its place
_LOSSES: Final = 20  # of the socket, under one request
_UNREADABLE: Final = "The server's answer can't be read: is it a Tasktalk server of this version?"
# What says that the server won't take this client, however often it comes back.
_TOKEN_REFUSED: Final = frozenset({4401, 4403})
_MESSAGE_REFUSED: Final = frozenset({1009, 4400})
_PROTOCOL_REFUSED: Final = frozenset({4400, 4406, 4429})
_PASSING: Final = frozenset({"INTERNAL", "TIMEOUT", "RATE_LIMITED"})

# The JSON of a GraphQL result: whatever the schema's scalars give.
Data = dict[str, Any]
Shape = TypeVar("Shape", bound=BaseModel)


class ClientError(TasktalkError):
    """Something to tell the person, in one sentence."""


class Refused(ClientError):
    """The server won't have this client: its token, or what it says."""


class ServerLost(ClientError):
    """No server answers, and no more tries are left."""


class OperationFailed(ClientError):
    """A top-level error of the contract. `code` is its `extensions.code`, empty where it had none."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code

    @property
    def passing(self) -> bool:
        """Whether asking again later may help."""
        return self.code in _PASSING


class Lost(Exception):
    """The socket is gone; whoever used it goes on with the next one. `code` is its close code, if it had one."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the server is (`http://…` or `https://…`, no slash at the end) and the token to show it."""

    url: str
    token: str = field(repr=False)

    @property
    def socket_url(self) -> str:
        return "ws" + self.url.removeprefix("http") + "/graphql"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait before each try: for a server never seen yet, and for one that was lost."""

    first: Callable[[], Iterable[float]]
    again: Callable[[], Iterable[float]]


def _backoff() -> Iterator[float]:
    """From a tenth of a second to five, for some ten minutes."""
    for attempt in range(120):
        yield min(5.0, 0.1 * 2.0**attempt) * random.uniform(0.7, 1.3)  # noqa: S311  # spreads clients, hides nothing


PATIENCE: Final = Patience(first=lambda: (0.1, 0.3, 0.6, 1.0), again=_backoff)


class _Connect(connect):
    """websockets follows redirects, and the token is sent after the handshake: it would go wherever they lead."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Socket:
    """One open connection. Its reader hands what arrives to the operation that it is for."""

    def __init__(self, connection: ClientConnection) -> None:
        self.closed = False
        self._connection = connection
        self._ids = itertools.count(1)
        self._operations: dict[str, asyncio.Queue[Data | None]] = {}
        self._reader = asyncio.create_task(self._read(), name="socket reader")

    @classmethod
    async def open(cls, endpoint: Endpoint) -> Socket:
        """Connect and say who it is. Raises Lost where trying again may help, Refused where it won't."""
        connection = await _connect(endpoint)
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                await _initialise(connection, endpoint.token)
            return cls(connection)
        except BaseException as error:
            await connection.close()
            if isinstance(error, ConnectionClosed | TimeoutError):
                raise _at_the_door(connection.close_code, connection.close_reason or "") from None
            raise

    async def close(self) -> None:
        """End the connection and everything on it."""
        self.closed = True
        await self._connection.close()
        await asyncio.wait([self._reader])

    async def operate(self, document: str, variables: Mapping[str, object]) -> AsyncGenerator[Data, None]:
        """The `data` of each result, to the end. Raises OperationFailed, or Lost with the socket."""
        operation_id = str(next(self._ids))
        queue = self._operations[operation_id] = asyncio.Queue()
        over = False
        try:
            payload = {"query": document, "variables": variables}
            await self._send({"id": operation_id, "type": "subscribe", "payload": payload})
            while (message := await queue.get()) is not None:
                match message.get("type"):
                    case "next":
                        yield _data(message.get("payload"))
                    case "error":
                        over = True
                        raise _failure(message.get("payload"))
                    case _:
                        over = True
                        return
            raise Lost(self._connection.close_code)
        finally:
            del self._operations[operation_id]
            if not over:
                with suppress(Lost):
                    await self._send({"id": operation_id, "type": "complete"})

    async def _send(self, message: Data) -> None:
        if self.closed:
            raise Lost(self._connection.close_code)
        try:
            await self._connection.send(orjson.dumps(message).decode())
        except ConnectionClosed:
            raise Lost(self._connection.close_code) from None

    async def _read(self) -> None:
        try:
            with suppress(ConnectionClosed, ClientError):
                async for frame in self._connection:
                    message = _message(frame)
                    if message.get("type") == "ping":
                        await self._connection.send('{"type":"pong"}')
                    elif (queue := self._operations.get(str(message.get("id")))) is not None:
                        if queue.qsize() >= _WAITING:
                            break
                        queue.put_nowait(message)
        finally:
            self.closed = True
            await self._connection.close()
            for queue in self._operations.values():
                queue.put_nowait(None)


class Live:
    """The server, whichever socket leads to it just now. Use as a context manager.

    `endpoint` is asked before each try, so a token may be new and a server elsewhere. `on_state` hears False when the
    server was lost and True when it is back.
    """

    def __init__(
        self,
        endpoint: Callable[[], Awaitable[Endpoint]],
        on_state: Callable[[bool], None],
        patience: Patience = PATIENCE,
    ) -> None:
        self._endpoint = endpoint
        self._on_state = on_state
        self._patience = patience
        self._delays = iter(patience.first())
        self._opening = asyncio.Lock()
        self._socket: Socket | None = None
        self._present = True

    async def __aenter__(self) -> Live:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._socket is not None:
            await self._socket.close()

    async def ask(self, document: str, variables: Mapping[str, object], shape: type[Shape]) -> Shape:
        """One answer. After a lost socket it is asked again, so a mutation must carry an idempotency key."""
        for _ in range(_LOSSES):
            try:
                socket = await self._ready()
                async with aclosing(socket.operate(document, variables)) as answers:
                    async for data in answers:
                        self._is_well()
                        return _read_as(shape, data)
                raise OperationFailed("The server ended the request without an answer.")
            except Lost as lost:
                if lost.code in _MESSAGE_REFUSED:
                    raise OperationFailed("The server can't take this request: it is too large or malformed.") from None
        raise ServerLost("The server was lost again and again while it answered.")

    async def follow(
        self, document: str, variables: Callable[[], Mapping[str, object]], shape: type[Shape]
    ) -> AsyncGenerator[Shape, None]:
        """A subscription's answers until the server completes it. On a new socket it is made anew, with the
        `variables` of then."""
        while True:
            try:
                socket = await self._ready()
                async with aclosing(socket.operate(document, variables())) as answers:
                    async for data in answers:
                        self._is_well()
                        yield _read_as(shape, data)
                return
            except Lost:
                continue
            except OperationFailed as failure:
                if not failure.passing:
                    raise
                await self.pause(failure)

    async def pause(self, failure: ClientError) -> None:
        """Wait before another try, longer each time. Raises `failure` where no try is left."""
        delay = next(self._delays, None)
        if delay is None:
            raise failure
        await asyncio.sleep(delay)

    async def _ready(self) -> Socket:
        async with self._opening:
            while self._socket is None or self._socket.closed:
                if self._socket is not None:
                    self._socket = None
                    self._report(present=False)
                    await self.pause(ServerLost("The server is gone."))
                await self._try()
            return self._socket

    async def _try(self) -> None:
        endpoint = await self._endpoint()
        try:
            opened = await Socket.open(endpoint)
        except Lost:
            await self.pause(ServerLost(f"No server answers at {endpoint.url}."))
            return
        self._socket = opened
        self._report(present=True)

    def _report(self, *, present: bool) -> None:
        if present != self._present:
            self._present = present
            self._on_state(present)

    def _is_well(self) -> None:
        """Something arrived: whatever goes wrong next is a new fault, with all its tries."""
        self._delays = iter(self._patience.again())


async def _connect(endpoint: Endpoint) -> ClientConnection:
    # A proxy has no business between two programs of this machine.
    try:
        dialling = _Connect(
            endpoint.socket_url,
            subprotocols=[Subprotocol(PROTOCOL)],
            proxy=None if is_loopback_host(endpoint.url.partition("://")[2].partition("/")[0]) else True,
            compression=None,
            open_timeout=_OPEN_SECONDS,
            close_timeout=_CLOSE_SECONDS,
            max_size=LARGEST_FRAME,
        )
        return await dialling
    except (InvalidURI, ValueError):
        raise Refused(f"{endpoint.url} is not the address of a server.") from None
    except InvalidStatus as error:
        status = error.response.status_code
        if status >= 500 or status == 429:
            raise Lost from None
        raise Refused(f"{endpoint.url} doesn't answer as a Tasktalk server (HTTP {status}).") from None
    except ssl.SSLCertVerificationError:
        raise Refused(f"{endpoint.url} shows a certificate that isn't valid.") from None
    except (OSError, TimeoutError, InvalidHandshake):
        raise Lost from None


async def _initialise(connection: ClientConnection, token: str) -> None:
    hello = {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}
    await connection.send(orjson.dumps(hello).decode())
    while (kind := _message(await connection.recv()).get("type")) != "connection_ack":
        if kind == "ping":
            await connection.send('{"type":"pong"}')


def _at_the_door(code: int | None, reason: str) -> Exception:
    """What a connection that closed before it was acknowledged means."""
    if code in _TOKEN_REFUSED:
        return Refused("The server refused the token.")
    if code in _PROTOCOL_REFUSED:
        return Refused(f"The server doesn't understand this client ({code} {reason}).".replace(" )", ")"))
    return Lost(code)


def _message(frame: str | bytes) -> Data:
    try:
        message = orjson.loads(frame)
    except orjson.JSONDecodeError:
        message = None
    if not isinstance(message, dict):
        raise ClientError(_UNREADABLE)
    return message


def _data(payload: object) -> Data:
    match payload:
        case {"errors": [_, *_] as errors}:
            raise _failure(errors)
        case {"data": dict(data)}:
            return data
    raise OperationFailed(_UNREADABLE)


def _failure(errors: object) -> OperationFailed:
    match errors:
        case [{"message": str(message), **rest}, *_]:
            extensions = rest.get("extensions")
            code = extensions.get("code") if isinstance(extensions, dict) else None
            return OperationFailed(message, code if isinstance(code, str) else "")
    return OperationFailed(_UNREADABLE)


def _read_as(shape: type[Shape], data: Data) -> Shape:
    try:
        return shape.model_validate(data)
    except ValidationError:
        raise OperationFailed(_UNREADABLE) from None
