"""The whole server with a subscription that ticks and a counter of those that ended: what checks of the protocol from
outside need. `python -m tests.support.protocol_server DIRECTORY` serves until SIGTERM and prints the checks' settings.
"""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import strawberry

from core.database import Database
from core.dsn import Dsn
from core.settings import Settings
from events.bus import Bus
from graphql_api.app import backend
from graphql_api.cli.databases import migrated
from graphql_api.documents import EdgeSchema
from graphql_api.schema import Subscription, make_schema
from tests.support.replica import Replica, replica


class Counter:
    """How many ticking subscriptions have ended; served as `{"n": …}`."""

    def __init__(self) -> None:
        self.ended = 0
        self.url = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            body = b'{"n": %d}' % self.ended
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            self.url = "http://{}:{}/".format(*server.sockets[0].getsockname())
            yield


@dataclass
class ProtocolServer:
    server: Replica
    counter: Counter

    def settings(self, user: str) -> dict[str, str]:
        """The checks' environment."""
        address, directory = self.server.address, self.server.data_dir
        command = f"{sys.executable} -m graphql_api.cli.main token --data-dir {directory} --user {user} --ttl 3"
        return {
            "WS_URL": f"ws://{address}/graphql",
            "TOKEN": self.server.token(user),
            "EXPIRED_TOKEN": self.server.expired(user),
            "SHORT_TOKEN_CMD": f"{command} | tail -1",
            "ORIGIN_OK": f"http://{address}",
            "MUTATION": 'mutation { createTask(input: {title: "x"}) { task { id } } }',
            "INIT_TIMEOUT_S": "5",
            "STOPPED_URL": self.counter.url,
        }


@asynccontextmanager
async def protocol_server(database: Database, bus: Bus, dsn: Dsn, directory: Path) -> AsyncIterator[ProtocolServer]:
    counter = Counter()
    async with counter.serving(), replica(database, bus, dsn, directory, ticking(counter)) as server:
        yield ProtocolServer(server, counter)


def ticking(counter: Counter) -> EdgeSchema:
    """The schema, and `ticks`."""

    @strawberry.type(name="Subscription")
    class Ticking(Subscription):
        @strawberry.subscription
        async def ticks(self, n: int, every: float) -> AsyncGenerator[int, None]:
            try:
                for tick in range(n):
                    yield tick
                    await asyncio.sleep(every)
            finally:
                counter.ended += 1

    return make_schema(Settings(introspection=True), subscription=Ticking)


async def main(directory: Path) -> None:
    settings = Settings(data_dir=directory)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with (
        migrated(settings) as dsn,
        backend(settings, dsn) as shared,
        protocol_server(shared.database, shared.bus, dsn, directory) as served,
    ):
        lines = [f"{name}={shlex.quote(value)}" for name, value in served.settings("checks").items()]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
