"""A graphql-transport-ws client for the benches. Cheap: the driver shares the machine with what it measures."""

from __future__ import annotations

import asyncio
import base64
import os
import struct
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

_TEXT: Final = 1
_PING: Final = 9
_PONG: Final = 10


class Subscriber(asyncio.Protocol):
    """One open socket. `heard` gets each text message as it arrives, in UTF-8."""

    def __init__(self, host: str, path: str, heard: Callable[[bytes], None]) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._heard = heard
        self._rest = b""
        key = base64.b64encode(os.urandom(16)).decode()
        self._hello = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
        ).encode()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self._hello)

    def connection_lost(self, error: Exception | None) -> None:
        lost = error or ConnectionError(f"the server closed the socket: {self._rest[:100]!r}")
        if not self.opened.done():
            self.opened.set_exception(lost)
        if not self.lost.done():
            self.lost.set_result(None)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        if not self.opened.done():
            head, end, data = data.partition(b"\r\n\r\n")
            if not end or b" 101 " not in head[:16]:
                self._rest = head
                return
            self.opened.set_result(None)
        self._rest = data[self._frames(data) :]

    def send(self, message: dict[str, Any]) -> None:
        """One message of the protocol."""
        self._write(_TEXT, orjson.dumps(message))

    def close(self) -> None:
        self._transport.abort()

    def _frames(self, data: bytes) -> int:
        """Take the whole frames; where the rest begins."""
        at = 0
        while len(data) - at >= 2:
            size, head = data[at + 1] & 127, 2
            if size >= 126:
                head = 4 if size == 126 else 10
                if len(data) - at < head:
                    break
                size = int.from_bytes(data[at + 2 : at + head], "big")
            end = at + head + size
            if len(data) < end:
                break
            kind, payload = data[at] & 15, data[at + head : end]
            if kind == _TEXT:
                self._heard(payload)
            elif kind == _PING:
                self._write(_PONG, payload)
            at = end
        return at

    def _write(self, kind: int, payload: bytes) -> None:
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else struct.pack("!BH", 0x80 | 126, size)
        self._transport.write(bytes([0x80 | kind]) + length + b"\0\0\0\0" + payload)


async def connected(url: str, heard: Callable[[bytes], None], **init: str) -> Subscriber:
    """A socket after connection_ack. `url` is the HTTP one; `init` is the payload of connection_init."""
    parts = urlsplit(url)
    acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def hear(message: bytes) -> None:
        if acknowledged.done():
            heard(message)
        elif b"connection_ack" in message:
            acknowledged.set_result(None)

    made = Subscriber(parts.netloc, parts.path, hear)
    await asyncio.get_running_loop().create_connection(lambda: made, parts.hostname, parts.port)
    await made.opened
    made.send({"type": "connection_init", "payload": init})
    await asyncio.wait([acknowledged, made.lost], return_when=asyncio.FIRST_COMPLETED)
    if not acknowledged.done():
        raise ConnectionError("the server refused the socket")
    return made
