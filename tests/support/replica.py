"""The whole server in this process, on the tests' database: two of them are replicas of one another."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from assistant.progress import Engine
from assistant.providers.rules import RulesProvider
from core import clock
from core.database import Database
from core.dsn import Dsn
from core.settings import Settings
from events.bus import Bus
from graphql_api.app import Backend, edge_limits, make_app
from graphql_api.documents import EdgeSchema
from graphql_api.schema import make_schema
from graphql_api.transport import SocketRegistry, uvicorn_options
from services.auth.development import issue, load_key
from tests.support.reading import GUARD


@dataclass
class Replica:
    """One running server."""

    address: str
    data_dir: Path
    sockets: SocketRegistry

    @property
    def url(self) -> str:
        return f"http://{self.address}/graphql"

    def token(self, user: str, seconds: int = 3600, name: str | None = None) -> str:
        """A good token; `name` makes another one of the same second."""
        return issue(load_key(self.data_dir), user, seconds, name=name)

    def expired(self, user: str) -> str:
        """A token that was good an hour ago."""
        with clock.set_to(clock.now() - timedelta(hours=1)):
            return self.token(user, 60)

    # Any: JSON
    async def post(self, token: str, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer of a plain POST."""
        async with httpx2.AsyncClient(trust_env=False, timeout=GUARD) as client:
            body = {"query": query, "variables": variables}
            answer = await client.post(self.url, json=body, headers={"authorization": f"Bearer {token}"})
        found: dict[str, Any] = answer.json()
        return found

    @asynccontextmanager
    async def socket(self, token: str) -> AsyncIterator[LiveSocket]:
        """A WebSocket that is acknowledged."""
        protocols = [Subprotocol("graphql-transport-ws")]
        async with connect(f"ws://{self.address}/graphql", subprotocols=protocols, proxy=None) as connection:
            live = LiveSocket(connection)
            await live.send(type="connection_init", payload={"Authorization": f"Bearer {token}"})
            assert await live.receive() == {"type": "connection_ack"}
            yield live


@dataclass
class LiveSocket:
    """A client's end of graphql-transport-ws."""

    connection: ClientConnection
    _operations: int = 0

    async def send(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(GUARD):
            message: dict[str, Any] = json.loads(await self.connection.recv())
        return message

    async def subscribe(self, query: str, **variables: Any) -> str:
        """Begin an operation; its id."""
        self._operations += 1
        await self.send(type="subscribe", id=str(self._operations), payload={"query": query, "variables": variables})
        return str(self._operations)

    async def run(self, query: str, **variables: Any) -> dict[str, Any]:
        """The result of a query or mutation."""
        operation = await self.subscribe(query, **variables)
        found: dict[str, Any] | None = None
        while (message := await self.receive())["type"] != "complete" or message["id"] != operation:
            if message.get("id") == operation:
                found = message["payload"]
        assert found is not None
        return found

    async def closed(self) -> int | None:
        """The close code, after whatever still comes."""
        async with asyncio.timeout(GUARD):
            try:
                while True:
                    await self.connection.recv()
            except ConnectionClosed:
                return self.connection.close_code


@asynccontextmanager
async def replica(
    database: Database, bus: Bus, dsn: Dsn, data_dir: Path, schema: EdgeSchema | None = None, **settings: Any
) -> AsyncIterator[Replica]:
    """A server that runs no turns, with `settings`; those that share `data_dir` believe each other's tokens."""
    given = Settings(data_dir=data_dir, worker=False, **settings)
    engine = Engine(database, bus, RulesProvider(), None, turn_seconds=given.turn_seconds)
    sockets = SocketRegistry(given.limit_sockets_per_user)
    app = make_app(Backend(given, dsn, database, bus, engine), schema or make_schema(given), sockets)
    options = uvicorn_options(edge_limits(given))
    config = uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=2, **options)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        await server.startup(sockets=[listener])
        try:
            yield Replica("{}:{}".format(*listener.getsockname()), data_dir, sockets)
        finally:
            sockets.stopping.set()
            await server.shutdown(sockets=[listener])
