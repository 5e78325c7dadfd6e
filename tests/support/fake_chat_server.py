"""A server that speaks graphql-transport-ws from a script: what the terminal client's tests talk to."""

from __future__ import annotations

import asyncio
import http
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("graphql-transport-ws")


class Cut(Exception):
    """The connection goes away without a goodbye."""


class Close(Exception):
    """The connection is closed with a code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Errors(Exception):
    """The operation ends with a top-level error."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.errors = [{"message": message, "extensions": {"code": code}}]


class Raw(str):
    """A frame to send as it stands."""

    __slots__ = ()


# Data of one result, or a raw frame. A script gets the variables and how often its operation was asked for before.
Step = dict[str, Any] | Raw
Script = Callable[[dict[str, Any], int], AsyncIterator[Step]]


class FakeServer:
    """`scripts` by operation name; `asked` holds the variables of each operation that came, `tokens` each init."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.asked: dict[str, list[dict[str, Any]]] = {}
        self.completed: list[str] = []
        self.tokens: list[str] = []
        self.at_init: list[int] = []  # close codes for the next connections
        self.pings = 0  # how often to ping before the acknowledgement
        self.pongs = 0
        self.statuses: list[http.HTTPStatus] = []  # for the next handshakes
        self.redirect: str | None = None
        self.port = 0
        self._server: Server | None = None
        self._changed = asyncio.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[FakeServer]:
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def start(self) -> None:
        """Listen; again on the same port where it did before."""
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self.port,
            subprotocols=[PROTOCOL],
            process_request=self._handshake,
            compression=None,
            close_timeout=1,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        """Close with 1001, as a server that shuts down."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for something that is looked at whenever a message came."""
        async with self._changed:
            await self._changed.wait_for(reached)

    def _handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path == "/healthz":
            response = connection.respond(http.HTTPStatus.OK, '{"status":"ok"}')
            return response
        if self.redirect is not None:
            response = connection.respond(http.HTTPStatus.FOUND, "")
            response.headers["Location"] = self.redirect
            return response
        return connection.respond(self.statuses.pop(0), "no") if self.statuses else None

    async def _serve(self, connection: ServerConnection) -> None:
        running: dict[str, asyncio.Task[None]] = {}
        try:
            async with asyncio.TaskGroup() as group:
                try:
                    await self._talk(connection, group, running)
                finally:
                    for task in running.values():
                        task.cancel()
        except* (Cut, ConnectionClosed):
            connection.transport.abort()
        except* Close as closing:
            code = next(error.code for error in closing.exceptions if isinstance(error, Close))
            await connection.close(code, "closing")

    async def _talk(
        self, connection: ServerConnection, group: asyncio.TaskGroup, running: dict[str, asyncio.Task[None]]
    ) -> None:
        async for frame in connection:
            message = json.loads(frame)
            match message["type"]:
                case "connection_init":
                    self.tokens.append(message["payload"]["Authorization"])
                    if self.at_init:
                        await connection.close(self.at_init.pop(0), "no")
                        return
                    for _ in range(self.pings):
                        await connection.send('{"type":"ping"}')
                    await connection.send('{"type":"connection_ack"}')
                case "pong":
                    self.pongs += 1
                case "subscribe":
                    running[message["id"]] = group.create_task(self._operate(connection, message))
                case "complete":
                    self.completed.append(message["id"])
                    running[message["id"]].cancel()
            async with self._changed:
                self._changed.notify_all()

    async def _operate(self, connection: ServerConnection, message: dict[str, Any]) -> None:
        operation_id, payload = message["id"], message["payload"]
        found = re.match(r"\w+ (\w+)", payload["query"])
        assert found is not None
        asked = self.asked.setdefault(found[1], [])
        asked.append(payload["variables"])
        async with self._changed:
            self._changed.notify_all()
        steps = self.scripts[found[1]](payload["variables"], len(asked) - 1)
        assert isinstance(steps, AsyncGenerator)
        try:
            async with aclosing(steps):
                async for step in steps:
                    next_ = {"id": operation_id, "type": "next", "payload": {"data": step}}
                    await connection.send(step if isinstance(step, Raw) else json.dumps(next_))
        except Errors as failed:
            await connection.send(json.dumps({"id": operation_id, "type": "error", "payload": failed.errors}))
            return
        await connection.send(json.dumps({"id": operation_id, "type": "complete"}))
