"""Roles and databases of a test's own, and a connection as a database's owner."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.dsn import Dsn
from migrations import runner


@asynccontextmanager
async def as_owner(dsn: Dsn) -> AsyncIterator[AsyncConnection]:
    """The URL's own user, past row-level security where it owns the tables; each statement commits by itself."""
    engine = runner.owner_engine(dsn)
    try:
        async with engine.connect() as connection:
            yield await connection.execution_options(isolation_level="AUTOCOMMIT")
    finally:
        await engine.dispose()


async def make_role(server: str, rights: str = "") -> str:
    """A role that may log in and has no right but `rights`."""
    name = f"tt_owner_{uuid4().hex}"
    async with as_owner(Dsn.parse(server)) as admin:
        await admin.execute(text(f"CREATE ROLE {name} LOGIN {rights}"))
    return name


async def make_database(server: str, owner: str | None = None) -> Dsn:
    """An empty database, to be reached as its owner (the server's superuser where none is named)."""
    name = f"test_{uuid4().hex}"
    administrator = Dsn.parse(server)
    async with as_owner(administrator) as admin:
        await admin.execute(text(f"CREATE DATABASE {name}" + (f" OWNER {owner}" if owner else "")))
    return replace(administrator, database=name, user=owner or administrator.user)
