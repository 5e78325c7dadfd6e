"""A way to a server that a test can cut: TCP connections that end without a goodbye, at once or after some bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

_CHUNK = 1024


class CuttingProxy:
    """`after()` gives how many bytes from the server the next connection lets through before it is cut; None: all."""

    def __init__(self, upstream: int, after: Callable[[], int | None] = lambda: None) -> None:
        self.upstream = upstream
        self.port = 0
        self.cuts = 0
        self._after = after
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._handlers: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """End all that is open."""
        for writer in self._open:
            writer.transport.abort()
        self.cuts += len(self._open)
        self._open.clear()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = asyncio.current_task()
        assert handler is not None
        self._handlers.add(handler)
        self._open.add(writer)
        beyond = None
        try:
            with suppress(OSError, asyncio.CancelledError):
                there, beyond = await asyncio.open_connection("127.0.0.1", self.upstream)
                await self._carry(reader, writer, there, beyond)
        finally:
            self._handlers.discard(handler)
            self._open.discard(writer)
            for end in (writer, beyond):
                if end is not None:
                    end.transport.abort()

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        there: asyncio.StreamReader,
        beyond: asyncio.StreamWriter,
    ) -> None:
        """Until either direction ends."""
        ways = [
            asyncio.create_task(self._pump(reader, beyond, None)),
            asyncio.create_task(self._pump(there, writer, self._after())),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: int | None) -> None:
        with suppress(OSError):
            while left != 0 and (chunk := await reader.read(_CHUNK)):
                through = chunk if left is None else chunk[:left]
                writer.write(through)
                await writer.drain()
                left = None if left is None else left - len(through)
            if left == 0:
                self.cuts += 1
