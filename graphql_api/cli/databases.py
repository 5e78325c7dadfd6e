"""Which database a command works on: the one of DATABASE_URL, or the embedded server while the command runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core import embedded
from core.dsn import Dsn
from core.errors import ConfigurationError
from core.settings import Settings
from migrations import runner

log = structlog.get_logger()

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at whether the embedded server lives."""


@asynccontextmanager
async def reachable(settings: Settings) -> AsyncIterator[Dsn]:
    """The database. The embedded server is kept alive, and stops with its last user. Raises ConfigurationError."""
    if settings.dsn is not None:
        yield settings.dsn
        return
    server = await embedded.start(settings.data_dir)
    keeper = asyncio.create_task(_keep_alive(server), name="embedded-server")
    try:
        yield Dsn.parse(server.dsn)
    finally:
        keeper.cancel()
        await asyncio.wait([keeper])
        await server.stop()


@asynccontextmanager
async def migrated(settings: Settings) -> AsyncIterator[Dsn]:
    """The database at the newest revision. Raises ConfigurationError."""
    async with reachable(settings) as dsn:
        with explained(dsn):
            await runner.migrate(dsn)
        yield dsn


@contextmanager
def explained(dsn: Dsn) -> Iterator[None]:
    """What the database refuses or can't be asked, as a ConfigurationError without the driver's text."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        cause = getattr(error, "orig", None) or error
        kind = type(cause.__cause__ or cause).__name__
        raise ConfigurationError(f"DATABASE_URL: {dsn.redacted()} can't be used ({kind}).") from error


async def _keep_alive(server: embedded.EmbeddedServer) -> None:
    """Start the server again whenever it was killed; connections to it come back by themselves."""
    while True:
        await asyncio.sleep(LOOK_EVERY)
        if not _is_gone(server.pid):
            continue
        log.warning("embedded_server_gone")
        try:
            await server.revive()
        except ConfigurationError as error:
            log.error("embedded_server_not_revived", reason=error.message)


def _is_gone(pid: int) -> bool:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # as process 1 of a container it is our child, and stays a zombie until then
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
