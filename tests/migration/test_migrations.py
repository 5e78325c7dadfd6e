"""The migrations make what the models say, go down and up again, and may be run by anybody at any time."""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import Connection, text

from core import embedded
from core.dsn import Dsn
from core.errors import ConfigurationError
from migrations import runner
from models.base import metadata
from tests.conftest import new_user
from tests.migration.conftest import opened
from tests.support.owners import as_owner, make_database, make_role

SHAPE = """
    SELECT 'column', c.relname::text || '.' || a.attname, format_type(a.atttypid, a.atttypmod) || ' '
        || a.attnotnull || ' ' || a.attgenerated::text || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '-')
        || ' ' || a.attcollation::regcollation::text
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (c.oid, a.attnum)
    WHERE c.relnamespace = 'tasktalk'::regnamespace AND c.relkind = 'r' AND c.relname = ANY (:tables)
    UNION ALL
    SELECT 'constraint', n.conrelid::regclass::text || '.' || n.conname, pg_get_constraintdef(n.oid)
    FROM pg_constraint n JOIN pg_class c ON c.oid = n.conrelid
    WHERE c.relnamespace = 'tasktalk'::regnamespace AND c.relname = ANY (:tables)
    UNION ALL
    SELECT 'index', indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'tasktalk' AND tablename = ANY (:tables)
"""
"""Columns, constraints and indexes in PostgreSQL's own words, expressions included."""


async def shape(dsn: Dsn) -> set[tuple[str, str, str]]:
    async with as_owner(dsn) as connection:
        found = await connection.execute(text(SHAPE), {"tables": [table.name for table in metadata.tables.values()]})
        return {(kind, name, definition) for kind, name, definition in found}


# PostgreSQL gives a computed column's expression back in its own words; the next test compares those.
@pytest.mark.filterwarnings("ignore:Computed default on tasks.due_order:UserWarning")
async def test_alembic_finds_nothing_to_add(dsn: Dsn) -> None:
    def check(connection: Connection) -> None:
        config = runner.configuration(connection)
        config.stdout = io.StringIO()
        command.check(config)

    engine = runner.owner_engine(dsn)
    async with engine.connect() as connection:
        await connection.run_sync(check)
    await engine.dispose()


async def test_the_migrated_tables_are_those_of_the_models_to_the_last_expression(server: str, dsn: Dsn) -> None:
    """Alembic compares no CHECK, no computed column and no index expression; PostgreSQL's own words tell all."""
    modelled = await make_database(server)
    engine = runner.owner_engine(modelled)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE SCHEMA tasktalk"))
        await connection.run_sync(metadata.create_all)
    await engine.dispose()
    assert await shape(dsn) == await shape(modelled)


async def test_an_empty_database_has_no_revision_and_gets_the_newest(server: str) -> None:
    empty = await make_database(server)
    assert await runner.current(empty) is None
    assert await runner.migrate(empty) == runner.newest()
    assert await runner.current(empty) == runner.newest()


async def test_migrating_again_changes_nothing(server: str) -> None:
    migrated = await make_database(server)
    await runner.migrate(migrated)
    async with opened(migrated) as (database, _):
        user = await new_user(database)
    before = await shape(migrated)
    assert await runner.migrate(migrated) == runner.newest()
    assert await shape(migrated) == before
    async with as_owner(migrated) as owner:
        assert list(await owner.scalars(text("SELECT id FROM tasktalk.users"))) == [user]


async def test_many_that_migrate_at_once_make_one_schema(server: str) -> None:
    shared = await make_database(server)
    assert await asyncio.gather(*(runner.migrate(shared) for _ in range(4))) == [runner.newest()] * 4
    async with as_owner(shared) as owner:
        assert list(await owner.scalars(text("SELECT version_num FROM tasktalk.alembic_version"))) == [runner.newest()]


async def test_going_down_leaves_nothing_and_up_again_makes_the_same(server: str, dsn: Dsn) -> None:
    migrated = await make_database(server)
    await runner.migrate(migrated)

    def downgrade(connection: Connection) -> None:
        command.downgrade(runner.configuration(connection), "base")

    engine = runner.owner_engine(migrated)
    async with engine.connect() as connection:
        await connection.run_sync(downgrade)
        await connection.commit()
    await engine.dispose()
    assert await runner.current(migrated) is None
    assert await shape(migrated) == set()
    assert await runner.migrate(migrated) == runner.newest()
    assert await shape(migrated) == await shape(dsn)


async def test_nothing_is_made_outside_the_schema(server: str) -> None:
    """The database may be one that others use already."""
    migrated = await make_database(server)
    await runner.migrate(migrated)
    outside = (
        "SELECT n.nspname || '.' || name FROM (SELECT relnamespace, relname FROM pg_class"
        " UNION ALL SELECT pronamespace, proname FROM pg_proc UNION ALL SELECT typnamespace, typname FROM pg_type)"
        " AS made (place, name) JOIN pg_namespace n ON n.oid = place"
        " WHERE n.nspname NOT IN ('tasktalk', 'pg_catalog', 'information_schema', 'pg_toast')"
    )
    async with as_owner(migrated) as owner:
        assert list(await owner.scalars(text(outside))) == []


async def test_a_user_without_the_role_is_told_what_an_administrator_runs(server: str, dsn: Dsn) -> None:
    """`dsn` comes first: the role is there, but this owner isn't a member of it."""
    name = await make_role(server)
    own = await make_database(server, name)
    with pytest.raises(ConfigurationError) as caught:
        await runner.migrate(own)
    assert runner.ROLE_SQL in str(caught.value)
    assert await runner.current(own) is None
    grant = runner.ROLE_SQL.splitlines()[1].replace("<the user of DATABASE_URL>", name)
    async with as_owner(Dsn.parse(server)) as admin:
        await admin.execute(text(grant))
    assert await runner.migrate(own) == runner.newest()


@pytest.fixture
async def fresh_server() -> AsyncIterator[str]:
    """A server of the test's own, on which nothing was migrated: the role is one for all databases of a server."""
    with tempfile.TemporaryDirectory() as directory:
        started = await embedded.start(Path(directory))
        yield started.dsn
        await started.stop()


async def test_an_owner_who_may_create_roles_needs_no_administrator(fresh_server: str) -> None:
    own = await make_database(fresh_server, await make_role(fresh_server, "CREATEROLE"))
    assert await asyncio.gather(*(runner.migrate(own) for _ in range(2))) == [runner.newest()] * 2
    async with opened(own) as (database, _):
        user = await new_user(database)
        async with database.snapshot(user) as session:
            assert await session.scalar(text("SELECT current_user::text")) == "tasktalk_app"


async def test_the_role_may_be_made_by_another_databases_migration_meanwhile(fresh_server: str) -> None:
    first, second = await make_database(fresh_server), await make_database(fresh_server)
    engine = runner.owner_engine(first)
    async with as_owner(first) as watcher, engine.connect() as other:
        await other.execute(text(runner.ROLE_SQL.splitlines()[0]))
        migrating = asyncio.create_task(runner.migrate(second))
        while not await watcher.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            assert not migrating.done(), "it waits for the other's role"
        await other.commit()
        assert await migrating == runner.newest()
    await engine.dispose()
