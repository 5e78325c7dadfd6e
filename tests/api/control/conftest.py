"""A database of the module's own, in which no other test's worker finds its turns, and a person who talks in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from core.database import Database
from core.dsn import Dsn
from events.bus import Bus
from tests.support.controlling import Person, person
from tests.support.stage import own_database


@pytest.fixture(scope="module")
def dsn(server: str) -> Dsn:
    return asyncio.run(own_database(server, f"control_{uuid4().hex}"))


@pytest.fixture
async def ann(database: Database, bus: Bus, dsn: Dsn, user: str) -> AsyncIterator[Person]:
    async with person(database, bus, dsn, user) as someone:
        yield someone
