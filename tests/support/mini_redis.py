"""A Redis of a few commands inside the test process, for machines without the binary: what publish/subscribe needs."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable


class MiniRedis:
    """RESP2 on loopback. Can be killed, started again on its port, frozen and thawed, as a real server can."""

    def __init__(self, password: str | None = None) -> None:
        self._password = password
        self._port = 0
        self._server: asyncio.Server | None = None
        self._clients: set[_Client] = set()
        self._running = asyncio.Event()
        self.channels: defaultdict[bytes, set[_Client]] = defaultdict(set)

    @property
    def url(self) -> str:
        credentials = f":{self._password}@" if self._password else ""
        return f"redis://{credentials}127.0.0.1:{self._port}/0"

    async def start(self) -> None:
        self._running.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def kill(self) -> None:
        """Drop every connection without a word and stop listening."""
        self.thaw()
        if self._server is not None:
            self._server.close()
            for client in list(self._clients):
                client.writer.transport.abort()
            await asyncio.gather(*(client.done.wait() for client in list(self._clients)))
            await self._server.wait_closed()
            self._server = None

    async def restart(self) -> None:
        await self.kill()
        await self.start()

    async def drop_listeners(self) -> None:
        for client in {client for clients in self.channels.values() for client in clients}:
            client.writer.transport.abort()
            await client.done.wait()

    def freeze(self) -> None:
        """Stop answering; connections stay open and the kernel goes on accepting."""
        self._running.clear()

    def thaw(self) -> None:
        self._running.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _Client(self, writer, authenticated=self._password is None)
        self._clients.add(client)
        try:
            while True:
                arguments = await _command(reader)
                await self._running.wait()
                client.handle(arguments)
                await writer.drain()
        except (EOFError, OSError):  # the client went away, or kill() threw it out
            pass
        finally:
            for members in self.channels.values():
                members.discard(client)
            self._clients.discard(client)
            writer.close()
            client.done.set()

    def client_list(self) -> bytes:
        return "".join(f"id={number} addr=127.0.0.1:1\n" for number, _ in enumerate(self._clients)).encode()

    def accepts(self, password: bytes) -> bool:
        return self._password is not None and password == self._password.encode()


class _Client:
    def __init__(self, server: MiniRedis, writer: asyncio.StreamWriter, *, authenticated: bool) -> None:
        self.writer = writer
        self.done = asyncio.Event()
        self._server = server
        self._authenticated = authenticated
        self._channels: set[bytes] = set()
        self._commands: dict[bytes, Callable[[list[bytes]], None]] = {
            b"AUTH": self._auth,
            b"CLIENT": self._client,
            b"PING": lambda _: self._send(b"+PONG\r\n"),
            b"SELECT": lambda _: self._send(b"+OK\r\n"),
            b"SUBSCRIBE": self._subscribe,
            b"UNSUBSCRIBE": self._unsubscribe,
            b"PUBLISH": self._publish,
        }

    def handle(self, arguments: list[bytes]) -> None:
        name = arguments[0].upper()
        command = self._commands.get(name)
        if command is None:
            self._send(b"-ERR unknown command\r\n")
        elif not self._authenticated and name != b"AUTH":
            self._send(b"-NOAUTH Authentication required.\r\n")
        else:
            command(arguments[1:])

    def push(self, kind: bytes, channel: bytes, data: bytes) -> None:
        self._send(b"*3\r\n" + _bulk(kind) + _bulk(channel) + data)

    def _auth(self, arguments: list[bytes]) -> None:
        self._authenticated = self._server.accepts(arguments[-1])
        self._send(b"+OK\r\n" if self._authenticated else b"-WRONGPASS invalid username-password pair\r\n")

    def _client(self, arguments: list[bytes]) -> None:
        self._send(_bulk(self._server.client_list()) if arguments[0].upper() == b"LIST" else b"+OK\r\n")

    def _subscribe(self, channels: list[bytes]) -> None:
        for channel in channels:
            self._channels.add(channel)
            self._server.channels[channel].add(self)
            self.push(b"subscribe", channel, b":%d\r\n" % len(self._channels))

    def _unsubscribe(self, channels: list[bytes]) -> None:
        for channel in channels:
            self._channels.discard(channel)
            self._server.channels[channel].discard(self)
            self.push(b"unsubscribe", channel, b":%d\r\n" % len(self._channels))

    def _publish(self, arguments: list[bytes]) -> None:
        channel, message = arguments
        members = self._server.channels[channel]
        for member in members:
            member.push(b"message", channel, _bulk(message))
        self._send(b":%d\r\n" % len(members))

    def _send(self, data: bytes) -> None:
        self.writer.write(data)


def _bulk(data: bytes) -> bytes:
    return b"$%d\r\n%b\r\n" % (len(data), data)


async def _command(reader: asyncio.StreamReader) -> list[bytes]:
    """One command: an array of bulk strings (RESP2)."""
    length = int((await reader.readuntil(b"\r\n"))[1:])
    arguments = []
    for _ in range(length):
        size = int((await reader.readuntil(b"\r\n"))[1:])
        arguments.append((await reader.readexactly(size + 2))[:-2])
    return arguments
