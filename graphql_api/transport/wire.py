"""uvicorn's protocols with what they lack: a client that takes nothing is let go, a text can be written to a socket at
once, and what an open socket doesn't need isn't kept. docs/decisions/0020 has what each is worth."""

from __future__ import annotations

import asyncio
from asyncio import BaseTransport, TimerHandle, Transport
from collections.abc import Callable
from typing import Any, Final, cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from core.gates import Bell, Gate

_EXTENSION: Final = "tasktalk.wire"


class _Impatient(asyncio.Protocol):
    """Ends a connection whose client takes nothing for `patience` seconds while something waits for it, whether it is
    open or being closed: a transport that is closed waits for its buffer to empty, however long."""

    transport: Transport
    loop: asyncio.AbstractEventLoop
    patience = 30.0
    _stuck: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        # Paused as soon as the system's own buffer is full: nothing piles up in the process.
        cast(Transport, transport).set_write_buffer_limits(high=0)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stuck is None:
            self._wait(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        self._unstick()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unstick()
        super().connection_lost(exc)

    def _wait(self, waiting: int) -> None:
        self._stuck = self.loop.call_later(self.patience, self._look, waiting)

    def _look(self, before: int) -> None:
        waiting = self.transport.get_write_buffer_size()
        if waiting < before:
            self._wait(waiting)
        else:
            self.transport.abort()

    def _unstick(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None


class HttpProtocol(_Impatient, HttpToolsProtocol):
    """Requests, event streams among them."""


class Wire(_Impatient, WebSocketsSansIOProtocol):
    """A WebSocket. Its application finds it by `wire_of`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue = cast(Any, _Inbox())
        self.writable = cast(Any, Gate(is_open=True))
        self.on_writable: Callable[[], None] | None = None

    def write_text(self, text: bytes) -> bool:
        """Send UTF-8 as a text frame (RFC 6455 section 5.2: FIN, no mask). False where the connection isn't open."""
        if not self.handshake_complete or self.close_sent or self.disconnected or self.transport.is_closing():
            return False
        self.transport.write(_head(len(text)) + text)
        return True

    @property
    def is_writable(self) -> bool:
        """Whether the client takes what is written, as far as the system's buffer tells."""
        return self._stuck is None

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.on_writable is not None:
            self.on_writable()

    def connection_lost(self, exc: Exception | None) -> None:
        self.on_writable = None
        super().connection_lost(exc)

    async def run_asgi(self) -> None:
        self.scope["extensions"][_EXTENSION] = {"wire": self}
        await super().run_asgi()

    def slim(self) -> None:
        """Let go of the handshake."""
        self.request.headers.clear()
        self.response.headers.clear()
        cast(list[Any], self.scope["headers"]).clear()


def wire_of(scope: Scope) -> Wire:
    """The connection of an ASGI scope. The server must run with `uvicorn_options`."""
    wire: Wire = scope["extensions"][_EXTENSION]["wire"]
    return wire


def _head(length: int) -> bytes:
    if length < 126:
        return bytes((0x81, length))
    if length < 0x10000:
        return b"\x81\x7e" + length.to_bytes(2, "big")
    return b"\x81\x7f" + length.to_bytes(8, "big")


class _Inbox:
    """What uvicorn uses of asyncio.Queue, for its one reader. A queue of asyncio's takes 3 KB."""

    __slots__ = ("_bell", "_items")

    def __init__(self) -> None:
        self._items: list[Any] = []
        self._bell = Bell()

    def empty(self) -> bool:
        return not self._items

    def put_nowait(self, item: Any) -> None:
        self._items.append(item)
        self._bell.ring()

    async def get(self) -> Any:
        while not self._items:
            await self._bell.wait()
        return self._items.pop(0)
