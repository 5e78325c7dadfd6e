"""Brings a database to the newest schema, one process at a time, and tells how far one is."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from asyncpg import PostgresError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from core.database import ROLE, SCHEMA, sqlstate
from core.dsn import Dsn
from core.errors import ConfigurationError

LOCK: Final = 7_305_415_120_260_001
"""Key of the advisory lock under which a database is migrated."""

INSUFFICIENT_PRIVILEGE: Final = "42501"

ROLE_SQL: Final = (
    f"CREATE ROLE {ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOINHERIT;\n"
    f"GRANT {ROLE} TO <the user of DATABASE_URL> WITH SET TRUE;"
)
"""What an administrator runs where DATABASE_URL's user may not create roles."""


_NEW_EPOCHS: Final = text("UPDATE tasktalk.change_counters SET epoch = gen_random_uuid()")


def configuration(connection: Connection | None = None) -> Config:
    """Alembic's configuration, with no file: the scripts stand beside this module."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def newest() -> str:
    """The revision that this program needs."""
    head = ScriptDirectory.from_config(configuration()).get_current_head()
    assert head is not None, "there is at least one migration"
    return head


def _upgrade(connection: Connection) -> None:
    command.upgrade(configuration(connection), "head")


def _current(connection: Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA})
    return context.get_current_revision()


def owner_engine(dsn: Dsn) -> AsyncEngine:
    """One connection as the user of the URL, who owns the tables: for migrations and the doctor alone."""
    url, connect_args = dsn.asyncpg_url_and_args()
    return create_async_engine(url, connect_args=connect_args, poolclass=NullPool)


async def migrate(dsn: Dsn) -> str:
    """Apply what is missing and return the revision. Raises ConfigurationError where rights are missing."""
    engine = owner_engine(dsn)
    try:
        async with engine.connect() as connection:
            if await connection.run_sync(_current) == newest():
                return newest()
            await connection.rollback()
            # Held by the transaction that waits, so it also holds through a transaction-mode pooler.
            async with engine.connect() as guard:
                await guard.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
                if await connection.run_sync(_current) != newest():
                    await connection.rollback()
                    await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
                    await connection.commit()
                    await connection.run_sync(_upgrade)
                    await connection.commit()
        return newest()
    except (DBAPIError, PostgresError) as error:  # a whole script goes to the driver, whose errors come as they are
        if sqlstate(error) == INSUFFICIENT_PRIVILEGE:
            raise ConfigurationError(
                f"DATABASE_URL: its user lacks a right that migrating needs. As an administrator run:\n{ROLE_SQL}"
            ) from error
        raise
    finally:
        await engine.dispose()


async def begin_new_epochs(dsn: Dsn) -> int:
    """Make every cursor that clients hold one of another time, for the log may have gone back behind them and on in
    another way since; how many logs there are. The database is migrated."""
    engine = owner_engine(dsn)
    try:
        async with engine.begin() as connection:
            done = await connection.execute(_NEW_EPOCHS)
            return done.rowcount
    finally:
        await engine.dispose()


async def current(dsn: Dsn) -> str | None:
    """The revision that a database is at, or None where it was never migrated."""
    engine = owner_engine(dsn)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(_current)
    finally:
        await engine.dispose()
