"""What every test stands on: one embedded PostgreSQL a run, one migrated database a worker, a new user a test."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from core import embedded
from core.database import Database, make_links
from core.dsn import Dsn
from events.bus import Bus
from events.log import ChangeLog
from migrations import runner
from services.users import Identity, admit


@pytest.fixture(scope="session")
def server(testrun_uid: str) -> Iterator[str]:
    """The URL of the run's server, which its workers share.

    Not below pytest's own temporary directory: each pytest that begins closes that to others, and as root the server
    runs as a user of its own.
    """
    directory = Path(tempfile.gettempdir()) / f"tasktalk-tests-{testrun_uid}"
    directory.mkdir(exist_ok=True)
    started = asyncio.run(embedded.start(directory))
    yield started.dsn
    pid = started.pid
    asyncio.run(started.stop())
    if not psutil.pid_exists(pid):
        shutil.rmtree(directory, ignore_errors=True)


async def _create_database(server: str, name: str) -> Dsn:
    engine = runner.owner_engine(Dsn.parse(server, "DATABASE_URL"))
    async with engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await autocommit.execute(text(f'CREATE DATABASE "{name}"'))
    await engine.dispose()
    return Dsn.parse(server.replace("/tasktalk?", f"/{name}?"), "DATABASE_URL")


@pytest.fixture(scope="session")
def dsn(server: str) -> Dsn:
    """A migrated database of this worker's own."""

    async def make() -> Dsn:
        made = await _create_database(server, f"test_{uuid.uuid4().hex}")
        await runner.migrate(made)
        return made

    return asyncio.run(make())


@pytest.fixture
async def bus() -> AsyncIterator[Bus]:
    async with Bus("memory://") as started:
        yield started


@pytest.fixture
async def database(dsn: Dsn, bus: Bus) -> AsyncIterator[Database]:
    opened = Database(make_links(dsn, size=10, wait=30), ChangeLog(bus))
    yield opened
    await opened.close()


@pytest.fixture
async def user(database: Database) -> str:
    """The id of a user of this test alone."""
    return await new_user(database)


async def new_user(database: Database) -> str:
    name = f"u{uuid.uuid4().hex}"
    await admit(database, Identity(user_id=name, email=None, name=None, token_hash=uuid.uuid4().bytes * 2))
    return name
