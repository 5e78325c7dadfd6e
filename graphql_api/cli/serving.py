"""The commands that stay: serving the API, and working alone."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from typing import Final

import uvicorn

from core.dsn import Dsn
from core.errors import ConfigurationError
from core.logging import configure
from core.settings import Settings
from graphql_api.app import Backend, backend, edge_limits, make_app
from graphql_api.cli.databases import explained, migrated
from graphql_api.cli.memory import release_collector
from graphql_api.cli.process import address_of, bind, check_address, until_signal
from graphql_api.schema import make_schema
from graphql_api.transport import SocketRegistry, uvicorn_options

GRACE: Final = 10
"""Seconds that running requests get at a shutdown."""


class _Server(uvicorn.Server):
    """Leaves signals to us, for there is more to end than the server, and says when it is ready."""

    def __init__(self, config: uvicorn.Config, open_sockets: SocketRegistry) -> None:
        super().__init__(config)
        self._open_sockets = open_sockets

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit as end:  # its way to say that the lifespan failed, and why is in the log
            raise ConfigurationError("The server could not start; the log says why.") from end
        release_collector()
        for bound in sockets or ():
            _say(f"Tasktalk listens on {address_of(bound)}")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._open_sockets.stopping.set()  # event streams, which uvicorn would take for running requests
        await super().shutdown(sockets)

    def end(self) -> bool:
        """Let running requests finish; asked again, don't. False before there is anything to let finish."""
        if self.started:
            self.force_exit, self.should_exit = self.should_exit, True
        return self.started


async def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Raises ConfigurationError."""
    check_address(settings)
    configure(settings.log_level)
    servers: list[_Server] = []

    async def action() -> None:
        with closing(bind(settings)) as bound:
            async with migrated(settings) as dsn:
                await _serve(settings, dsn, bound, servers)

    await until_signal(action(), lambda: bool(servers) and servers[0].end())


async def _serve(settings: Settings, dsn: Dsn, bound: socket.socket, servers: list[_Server]) -> None:
    open_sockets = SocketRegistry(settings.limit_sockets_per_user)
    async with _opened(settings, dsn) as shared:
        config = uvicorn.Config(
            make_app(shared, make_schema(settings), open_sockets),
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=GRACE,
            lifespan="on",
            **uvicorn_options(edge_limits(settings)),
        )
        servers.append(_Server(config, open_sockets))
        await servers[0].serve([bound])


async def work(settings: Settings) -> None:
    """Run turns until SIGINT or SIGTERM; what is under way is handed on. Raises ConfigurationError."""
    configure(settings.log_level)

    async def action() -> None:
        async with migrated(settings) as dsn, _opened(settings, dsn) as shared, shared.worker():
            release_collector()
            _say("Tasktalk works on turns")
            await asyncio.Event().wait()

    await until_signal(action())


@asynccontextmanager
async def _opened(settings: Settings, dsn: Dsn) -> AsyncIterator[Backend]:
    """The backend, whose database is first asked for something here. Raises ConfigurationError."""
    async with AsyncExitStack() as stack:
        with explained(dsn):
            shared = await stack.enter_async_context(backend(settings, dsn))
        yield shared


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
