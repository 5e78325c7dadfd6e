"""Databases owned by a superuser and by a plain role, each with two users who have rows in every table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import Database, make_links
from core.dsn import Dsn
from events.bus import Bus
from events.log import ChangeLog
from migrations import runner
from tests.migration.seeding import seed
from tests.support.owners import as_owner, make_database, make_role


@dataclass(frozen=True)
class Home:
    """A migrated database and its two users."""

    dsn: Dsn
    ann: str
    bob: str


async def _make_home(server: str, kind: str) -> Home:
    owner = None
    if kind == "plain owner":
        owner = await make_role(server)
        async with as_owner(Dsn.parse(server)) as admin:
            # As runner.ROLE_SQL says, where DATABASE_URL's user may not create roles.
            await admin.execute(text(f"GRANT tasktalk_app TO {owner} WITH SET TRUE"))
    dsn = await make_database(server, owner)
    await runner.migrate(dsn)
    async with opened(dsn) as (database, bus):
        ann, bob = f"ann_{uuid4().hex}", f"bob_{uuid4().hex}"
        for user in (ann, bob):
            await seed(database, bus, dsn, user)
    return Home(dsn, ann, bob)


@asynccontextmanager
async def opened(dsn: Dsn, *, pool_size: int = 5) -> AsyncIterator[tuple[Database, Bus]]:
    async with Bus("memory://") as bus:
        database = Database(make_links(dsn, size=pool_size), ChangeLog(bus))
        try:
            yield database, bus
        finally:
            await database.close()


@pytest.fixture(scope="session", params=["superuser", "plain owner"])
def home(request: pytest.FixtureRequest, server: str, dsn: Dsn) -> Home:
    """Twice: what holds for a superuser's tables must hold for those of a role with no rights but its own.

    `dsn` comes first: migrating it made the role that the plain owner isn't allowed to make.
    """
    return asyncio.run(_make_home(server, request.param))


@pytest.fixture
async def housed(home: Home) -> AsyncIterator[Database]:
    """The program's way into that database."""
    async with opened(home.dsn) as (database, _):
        yield database


@pytest.fixture
async def owner(home: Home) -> AsyncIterator[AsyncConnection]:
    """The tables' owner, each statement committed by itself."""
    async with as_owner(home.dsn) as connection:
        yield connection
