"""One open graphql-transport-ws socket (enisdenjo/graphql-ws PROTOCOL.md), from its handshake to its end."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import json
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from typing import Any, Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from tasktalk_client.errors import UNREADABLE, ClientError, OperationFailed, Refused

PROTOCOL: Final = Subprotocol("graphql-transport-ws")
LARGEST_FRAME: Final = 4 * 1024 * 1024
"""Bytes of one frame from the server."""
WAITING: Final = 1_000
"""Messages of one operation that wait for its reader; one that is slower is ended, and resumes from its place."""
TOKEN_REFUSED: Final = frozenset({4401, 4403})
"""Close codes that say that the token doesn't hold (any more)."""

_OPEN_SECONDS: Final = 10.0
_CLOSE_SECONDS: Final = 2.0
_PROTOCOL_REFUSED: Final = frozenset({4400, 4406, 4429})

# The JSON of a GraphQL result: whatever the schema's scalars give.
Data = dict[str, Any]


class Lost(Exception):
    """The operation has no socket any more; it goes on with the next one. `code` is the close code, if there was one,
    and `sent` whether the server may have had the operation."""

    def __init__(self, code: int | None = None, *, sent: bool = True) -> None:
        super().__init__(code)
        self.code = code
        self.sent = sent


class _Operation:
    """What has arrived for one operation; None is the end of the socket, for it at least."""

    def __init__(self, *, lasting: bool) -> None:
        self.lasting = lasting
        self.messages: asyncio.Queue[Data | None] = asyncio.Queue()


class Socket:
    """Its reader hands what arrives to the operation that it is for. `token` is the one that it goes under now."""

    def __init__(self, connection: ClientConnection, token: str, operations: int) -> None:
        self.token = token
        self.closed = False
        self.retired = False
        self._connection = connection
        self._ids = itertools.count(1)
        self._operations: dict[str, _Operation] = {}
        # One is kept for the refreshing of the token.
        self._slots = asyncio.Semaphore(max(1, operations - 1))
        self._reader = asyncio.create_task(self._read(), name="tasktalk socket")

    @classmethod
    async def open(cls, url: str, token: str, operations: int) -> Socket:
        """Connect and say who it is. Raises Lost where trying again may help, Refused where it won't."""
        connection = await _connect(url)
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                await _initialise(connection, token)
            return cls(connection, token, operations)
        except BaseException as error:
            await connection.close()
            if isinstance(error, ConnectionClosed | TimeoutError):
                raise _at_the_door(connection.close_code, connection.close_reason or "") from None
            raise

    @property
    def code(self) -> int | None:
        """The close code, once it is closed."""
        return self._connection.close_code

    async def close(self) -> None:
        """End the connection and everything on it."""
        self.closed = True
        await self._connection.close()
        await asyncio.wait([self._reader])

    def retire(self) -> None:
        """Another socket takes over: subscriptions go there now, and requests are still answered here."""
        self.retired = True
        for operation in self._operations.values():
            if operation.lasting:
                operation.messages.put_nowait(None)

    @property
    def idle(self) -> bool:
        """Whether nothing runs on it."""
        return not self._operations

    async def operate(
        self, document: str, variables: Mapping[str, object], *, lasting: bool
    ) -> AsyncGenerator[Data, None]:
        """The `data` of each result, to the end; waits for its turn where many run. `lasting`: a subscription.
        Raises OperationFailed, or Lost with the socket."""
        async with self._slots, aclosing(self.operate_now(document, variables, lasting=lasting)) as answers:
            async for data in answers:
                yield data

    async def operate_now(
        self, document: str, variables: Mapping[str, object], *, lasting: bool
    ) -> AsyncGenerator[Data, None]:
        """The same, before all that waits."""
        if self.closed or (lasting and self.retired):
            raise Lost(self.code, sent=False)
        operation_id = str(next(self._ids))
        request = _subscribe(operation_id, document, variables)
        operation = self._operations[operation_id] = _Operation(lasting=lasting)
        over = False
        try:
            await self._send(request)
            while (message := await operation.messages.get()) is not None:
                match message.get("type"):
                    case "next":
                        yield _data(message.get("payload"))
                    case "error":
                        over = True
                        raise _failure(message.get("payload"))
                    case "complete":
                        over = True
                        return
            raise Lost(self.code)
        finally:
            self._operations.pop(operation_id, None)
            if not over:
                await self._say_goodbye(operation_id)
            if self.retired and self.idle:
                await self._connection.close()

    async def _say_goodbye(self, operation_id: str) -> None:
        with suppress(Lost):
            await self._send(json.dumps({"id": operation_id, "type": "complete"}))

    async def _send(self, message: str) -> None:
        if self.closed:
            raise Lost(self.code)
        try:
            await self._connection.send(message)
        except ConnectionClosed:
            raise Lost(self.code) from None

    async def _read(self) -> None:
        try:
            with suppress(ConnectionClosed, ClientError):
                async for frame in self._connection:
                    message = _message(frame)
                    if message.get("type") == "ping":
                        await self._connection.send('{"type":"pong"}')
                    else:
                        await self._hand_over(message)
        finally:
            self.closed = True
            await self._connection.close()
            for operation in self._operations.values():
                operation.messages.put_nowait(None)

    async def _hand_over(self, message: Data) -> None:
        operation_id = str(message.get("id"))
        operation = self._operations.get(operation_id)
        if operation is None:
            return
        if operation.messages.qsize() < WAITING:
            operation.messages.put_nowait(message)
            return
        # Its reader is too slow. It gets what waits, and then goes on from there; nobody else is held up.
        del self._operations[operation_id]
        operation.messages.put_nowait(None)
        await self._say_goodbye(operation_id)


class _Connect(connect):
    """websockets follows redirects, and the token is sent after the handshake: it would go wherever they lead."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def _connect(url: str) -> ClientConnection:
    try:
        dialling = _Connect(
            _address(url),
            subprotocols=[PROTOCOL],
            # A proxy has no business between two programs of this machine.
            proxy=None if _is_loopback(url) else True,
            compression=None,
            open_timeout=_OPEN_SECONDS,
            close_timeout=_CLOSE_SECONDS,
            max_size=LARGEST_FRAME,
        )
        return await dialling
    except (InvalidURI, ValueError):
        raise Refused(f"{url} is not the address of a server.") from None
    except InvalidStatus as error:
        status = error.response.status_code
        if status >= 500 or status == 429:
            raise Lost(sent=False) from None
        raise Refused(f"{url} doesn't answer as a Tasktalk server (HTTP {status}).") from None
    except ssl.SSLCertVerificationError:
        raise Refused(f"{url} shows a certificate that isn't valid.") from None
    except (OSError, TimeoutError, InvalidHandshake):
        raise Lost(sent=False) from None


def _address(url: str) -> str:
    """The socket's address, of the server's (`http://…` or `ws://…`, with or without `/graphql`)."""
    scheme, _, rest = url.partition("://")
    socket_scheme = {"http": "ws", "https": "wss"}.get(scheme.lower(), scheme)
    return f"{socket_scheme}://{rest.rstrip('/').removesuffix('/graphql').rstrip('/')}/graphql"


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


async def _initialise(connection: ClientConnection, token: str) -> None:
    hello = {"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}}
    await connection.send(json.dumps(hello))
    while (kind := _message(await connection.recv()).get("type")) != "connection_ack":
        if kind == "ping":
            await connection.send('{"type":"pong"}')


def _at_the_door(code: int | None, reason: str) -> Exception:
    """What a connection that closed before it was acknowledged means."""
    if code in TOKEN_REFUSED:
        return Refused("The server refused the token.")
    if code in _PROTOCOL_REFUSED:
        return Refused(f"The server doesn't understand this client ({code} {reason}).".replace(" )", ")"))
    return Lost(code, sent=False)


def _subscribe(operation_id: str, document: str, variables: Mapping[str, object]) -> str:
    payload = {"query": document, "variables": dict(variables)}
    # Escapes would make a long message in another script too large for the server's frames.
    message = json.dumps(
        {"id": operation_id, "type": "subscribe", "payload": payload}, ensure_ascii=False, allow_nan=False
    )
    try:
        message.encode()
    except UnicodeEncodeError:
        raise OperationFailed("The request holds half a surrogate pair: no text.", "DOCUMENT_INVALID") from None
    return message


def _message(frame: str | bytes) -> Data:
    try:
        message = json.loads(frame)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise ClientError(UNREADABLE)
    return message


def _data(payload: object) -> Data:
    match payload:
        case {"errors": [_, *_] as errors}:
            raise _failure(errors)
        case {"data": dict(data)}:
            return data
    raise OperationFailed(UNREADABLE)


def _failure(errors: object) -> OperationFailed:
    match errors:
        case [{"message": str(message), **rest}, *_]:
            extensions = rest.get("extensions")
            code = extensions.get("code") if isinstance(extensions, dict) else None
            return OperationFailed(message, code if isinstance(code, str) else "")
    return OperationFailed(UNREADABLE)
