"""No user sees, makes, changes or deletes a row of another's, whatever statement the program sends."""

from __future__ import annotations

import pytest
from sqlalchemy import ForeignKeyConstraint, Table, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.database import Database, sqlstate
from core.ids import new_id
from core.unit_of_work import UnitOfWork
from migrations import runner
from models.base import metadata, stored
from models.conversations import conversations, messages
from models.tasks import tasks
from models.turns import drafts, rounds, tool_call_tasks, tool_calls, turns, undone_calls
from models.users import users
from services.conversations import remove
from tests.migration.conftest import Home, opened
from tests.migration.seeding import INITIAL, OWNED, Row, owner_column, rows, seed

REFUSED = "42501"  # insufficient_privilege: what a policy and a missing grant both answer

every_table = pytest.mark.parametrize("table", OWNED, ids=lambda table: table.name)

REFERENCES = [
    (table, constraint)
    for table in OWNED
    for constraint in sorted(table.constraints, key=lambda one: str(one.name))
    if isinstance(constraint, ForeignKeyConstraint) and len(constraint.columns) == 2
]


async def try_as(database: Database, user: str, statement: object) -> int:
    """Rows that the statement changed; 0 where the role isn't granted it at all."""

    async def action(work: UnitOfWork) -> int:
        return (await work.execute(statement)).rowcount  # type: ignore[arg-type]  # each of them is an Executable

    try:
        return await database.work(user, action)
    except ProgrammingError as error:
        if sqlstate(error) != REFUSED:
            raise
        return 0


async def refusal(database: Database, user: str, statement: object) -> str | None:
    async def action(work: UnitOfWork) -> None:
        await work.execute(statement)  # type: ignore[arg-type]  # each of them is an Executable

    with pytest.raises(DBAPIError) as caught:
        await database.work(user, action)
    return sqlstate(caught.value)


@every_table
async def test_each_user_sees_their_own_rows_and_only_those(housed: Database, home: Home, table: Table) -> None:
    for user in (home.ann, home.bob):
        owners = {row[owner_column(table)] for row in await rows(housed, user, table)}
        assert owners == {user}


@every_table
async def test_naming_another_user_finds_nothing(housed: Database, home: Home, table: Table) -> None:
    async with housed.snapshot(home.ann) as session:
        theirs = select(func.count()).where(table.c[owner_column(table)] == home.bob)
        assert await session.scalar(theirs) == 0


@every_table
async def test_no_row_can_be_made_for_another_user(housed: Database, home: Home, table: Table) -> None:
    before = await rows(housed, home.bob, table)
    forged = {**before[0], **INITIAL.get(table.name, {})}
    assert await refusal(housed, home.ann, insert(table).values(forged)) == REFUSED
    assert await rows(housed, home.bob, table) == before


@every_table
async def test_another_users_rows_do_not_change(housed: Database, home: Home, table: Table) -> None:
    owner = table.c[owner_column(table)]
    before = await rows(housed, home.bob, table)
    assert await try_as(housed, home.ann, update(table).values({owner: owner}).where(owner == home.bob)) == 0
    assert await rows(housed, home.bob, table) == before


@every_table
async def test_no_row_can_be_given_to_another_user(housed: Database, home: Home, table: Table) -> None:
    owner = table.c[owner_column(table)]
    before = await rows(housed, home.ann, table), await rows(housed, home.bob, table)
    assert await refusal(housed, home.ann, update(table).values({owner: home.bob}).where(owner == home.ann)) == REFUSED
    assert (await rows(housed, home.ann, table), await rows(housed, home.bob, table)) == before


@every_table
async def test_another_users_rows_are_not_deleted(housed: Database, home: Home, table: Table) -> None:
    before = await rows(housed, home.bob, table)
    theirs = delete(table).where(table.c[owner_column(table)] == home.bob)
    assert await try_as(housed, home.ann, theirs) == 0
    assert await rows(housed, home.bob, table) == before


async def test_an_upsert_does_not_reach_another_users_row(housed: Database, home: Home) -> None:
    before = await rows(housed, home.bob, users)
    made = upsert(users).values(id=home.bob, name="Mallory")
    taken = made.on_conflict_do_update(index_elements=["id"], set_={"name": made.excluded.name})
    assert await refusal(housed, home.ann, taken) == REFUSED
    assert await rows(housed, home.bob, users) == before


async def test_work_of_nobody_sees_no_row_of_anybody(housed: Database, home: Home) -> None:
    async with housed.for_nobody() as connection:
        counts = {table.name: await connection.scalar(select(func.count()).select_from(table)) for table in OWNED}
    assert counts == dict.fromkeys(counts, 0)


async def test_the_role_alone_without_a_user_ever_named_sees_nothing(home: Home) -> None:
    engine = runner.owner_engine(home.dsn)
    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL ROLE tasktalk_app"))
        counts = {table.name: await connection.scalar(select(func.count()).select_from(table)) for table in OWNED}
    await engine.dispose()
    assert counts == dict.fromkeys(counts, 0)


async def test_two_users_on_one_pooled_connection_do_not_mix(home: Home) -> None:
    ask = text(
        "SELECT pg_backend_pid() AS backend, array_agg(id) AS ids, current_user::text AS role FROM tasktalk.users"
    )
    seen = set()
    async with opened(home.dsn, pool_size=1) as (database, _):
        for user in (home.ann, home.bob, home.ann):
            async with database.snapshot(user) as session:
                row = (await session.execute(ask)).one()
                assert (row.ids, row.role) == ([user], "tasktalk_app")
                seen.add(row.backend)
            with pytest.raises(RuntimeError, match="half way"):
                await database.work(user, _fail_half_way)
        bare = await database.links.take()
        left = await bare.connection.execute(
            text("SELECT pg_backend_pid(), current_user = session_user, current_setting('app.user_id', true)")
        )
        backend, is_itself, named = left.one()
        await database.links.give(bare)
    assert seen == {backend}
    assert is_itself
    assert not named


async def _fail_half_way(work: UnitOfWork) -> None:
    await work.execute(update(users).values(name="half way"))
    raise RuntimeError("half way")


@pytest.mark.parametrize(
    ("table", "constraint"), REFERENCES, ids=[f"{table.name}.{one.columns[1].name}" for table, one in REFERENCES]
)
async def test_a_row_cannot_refer_to_another_users(
    housed: Database, home: Home, table: Table, constraint: ForeignKeyConstraint
) -> None:
    """Foreign keys are checked past row-level security, so each carries the owner as well."""
    column = constraint.columns[1].name
    before = await rows(housed, home.ann, table)
    theirs = (await rows(housed, home.bob, constraint.referred_table))[0]["id"]
    forged = _fresh(before[0], table) | {column: theirs}
    with pytest.raises(IntegrityError, match="violates foreign key constraint") as caught:
        await housed.work(home.ann, lambda work: work.execute(insert(table).values(forged)))
    assert sqlstate(caught.value) == "23503"
    assert await rows(housed, home.ann, table) == before


def _fresh(row: Row, table: Table) -> Row:
    """A copy that breaks no key of its table."""
    new: Row = {"id": new_id(), "number": 999, "position": 999, "index": 999, "version": 999, "idempotency_key": None}
    names = {column.name for column in stored(table)}
    if table is tasks:
        names.remove("position")  # a text there, and no key
    return row | {name: value for name, value in new.items() if name in names} | INITIAL.get(table.name, {})


async def test_a_deleted_conversation_takes_its_rows_with_it_and_leaves_the_tasks(home: Home) -> None:
    """The role may not delete a message; the foreign key's cascade does, for the conversation's owner."""
    async with opened(home.dsn) as (database, bus):
        user = f"cid_{new_id().hex}"
        await seed(database, bus, home.dsn, user)
        (conversation,) = await rows(database, user, conversations)
        kept = await rows(database, user, tasks)
        await database.work(user, lambda work: remove(work, conversation["id"]))
        for table in (conversations, messages, turns, rounds, drafts, tool_calls, tool_call_tasks, undone_calls):
            assert await rows(database, user, table) == []
        assert await rows(database, user, tasks) == kept


async def test_the_queue_is_out_of_the_roles_reach(housed: Database, home: Home, owner: AsyncConnection) -> None:
    names = await owner.scalars(
        text("SELECT tablename FROM pg_tables WHERE schemaname = 'tasktalk' AND tablename LIKE 'procrastinate%'")
    )
    found = names.all()
    assert "procrastinate_jobs" in found
    for name in found:
        assert await refusal(housed, home.ann, text(f"SELECT FROM tasktalk.{name}")) == REFUSED


async def test_every_owned_table_is_probed(owner: AsyncConnection) -> None:
    """The list that these tests go through is the database's own."""
    found = await owner.scalars(
        text(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = 'tasktalk' AND column_name = :name"
        ),
        {"name": "user_id"},
    )
    assert {table.name for table in OWNED} == {*found, "users"}
    assert len(metadata.tables) == len(OWNED) + 1
