"""Starting and stopping: the embedded server where it is needed, migrations, the HTTP server, a worker alone."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from core import embedded
from core.dsn import Dsn
from core.errors import ConfigurationError
from core.logging import configure
from core.settings import Settings
from graphql_api.app import backend, edge_limits, make_app
from graphql_api.transport import uvicorn_options
from migrations import runner
from services.auth.development import issue, load_key

GRACE = 10
"""Seconds that running requests get at a shutdown."""


def check_address(settings: Settings) -> None:
    """Raises ConfigurationError for any but a loopback address in development mode."""
    try:
        loopback = settings.host == "localhost" or ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        loopback = False
    if settings.development and not loopback:
        raise ConfigurationError(
            f"TASKTALK_HOST: {settings.host} is not loopback, and no authentication is set up. "
            "Set BETTER_AUTH_URL or BETTER_AUTH_SECRET first."
        )


@asynccontextmanager
async def reachable(settings: Settings) -> AsyncIterator[Dsn]:
    """The migrated database: the one of DATABASE_URL, or the embedded server, which stops with its last user."""
    if settings.dsn is not None:
        await _migrate(settings.dsn)
        yield settings.dsn
        return
    server = await embedded.start(settings.data_dir)
    try:
        dsn = Dsn.parse(server.dsn)
        await _migrate(dsn)
        yield dsn
    finally:
        await server.stop()


async def _migrate(dsn: Dsn) -> str:
    try:
        return await runner.migrate(dsn)
    except (OSError, SQLAlchemyError) as error:
        raise ConfigurationError(f"DATABASE_URL: {dsn.redacted()} can't be used ({type(error).__name__}).") from error


async def migrate(settings: Settings) -> str:
    """Bring the database to the newest revision and return it."""
    async with reachable(settings):
        return runner.newest()


def development_token(settings: Settings, user: str, ttl: int) -> str:
    """A token of the data directory's key. Raises ConfigurationError where authentication is set up."""
    if not settings.development:
        raise ConfigurationError("Tokens come from Better Auth here: BETTER_AUTH_URL or BETTER_AUTH_SECRET is set.")
    embedded.prepare(settings.data_dir)
    try:
        return issue(load_key(settings.data_dir), user, ttl)
    except ValueError as error:
        raise ConfigurationError(str(error)) from None


class _Server(uvicorn.Server):
    """Says where it listens once it does: with port 0 only then is that known."""

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]  # wider on purpose
        await super().startup(sockets)  # type: ignore[arg-type]  # handed through as it came
        for server in self.servers if self.started else ():
            for listening in server.sockets:
                host, port = listening.getsockname()[:2]
                shown = f"[{host}]" if ":" in host else host
                sys.stdout.write(f"Tasktalk listens on http://{shown}:{port}\n")
                sys.stdout.flush()


async def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM. Raises ConfigurationError."""
    check_address(settings)
    configure(settings.log_level)
    async with reachable(settings) as dsn:
        config = uvicorn.Config(
            make_app(settings, dsn),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=GRACE,
            lifespan="on",
            **uvicorn_options(edge_limits(settings)),
        )
        server = _Server(config)
        await server.serve()
        if not server.started:
            raise ConfigurationError(f"The server could not start on {settings.host}:{settings.port}; see the log.")


async def work(settings: Settings) -> None:
    """Run turns until SIGINT or SIGTERM; what is under way is handed on. Raises ConfigurationError."""
    configure(settings.log_level)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with reachable(settings) as dsn, backend(settings, dsn) as shared, shared.worker():
        sys.stdout.write("Tasktalk worker runs\n")
        sys.stdout.flush()
        await stop.wait()
