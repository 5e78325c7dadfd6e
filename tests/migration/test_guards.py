"""What the database refuses whoever asks: steps that no state allows, and changes of what was said."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Table, func, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import now
from core.database import Database, sqlstate
from core.ids import new_id
from core.settings import Settings
from core.unit_of_work import UnitOfWork
from models.changes import change_log
from models.conversations import messages
from models.enums import ToolCallStatus, TurnStatus
from models.tasks import task_revisions, tasks
from models.turns import rounds, tool_calls, turns
from models.users import users
from services.messages import NewMessage, Said, send
from tests.migration.conftest import Home
from tests.migration.seeding import Row, rows

IMMUTABLE = "23001"  # restrict_violation: what the triggers raise

TOOL_CALL_STEPS = {
    ("PENDING", "PROCESSING"),
    ("PENDING", "FAILED"),
    ("PROCESSING", "COMPLETED"),
    ("PROCESSING", "FAILED"),
}
TURN_STEPS = {
    ("QUEUED", "RUNNING"),
    ("QUEUED", "FAILED"),
    ("QUEUED", "CANCELLED"),
    ("RUNNING", "QUEUED"),
    ("RUNNING", "AWAITING_CONFIRMATION"),
    ("RUNNING", "COMPLETED"),
    ("RUNNING", "FAILED"),
    ("RUNNING", "CANCELLED"),
    ("AWAITING_CONFIRMATION", "QUEUED"),
    ("AWAITING_CONFIRMATION", "COMPLETED"),
    ("AWAITING_CONFIRMATION", "FAILED"),
    ("AWAITING_CONFIRMATION", "CANCELLED"),
}
WAYS = {
    tool_calls: {
        "PENDING": [],
        "PROCESSING": ["PROCESSING"],
        "COMPLETED": ["PROCESSING", "COMPLETED"],
        "FAILED": ["FAILED"],
    },
    turns: {
        "QUEUED": [],
        "RUNNING": ["RUNNING"],
        "AWAITING_CONFIRMATION": ["RUNNING", "AWAITING_CONFIRMATION"],
        "COMPLETED": ["RUNNING", "COMPLETED"],
        "FAILED": ["FAILED"],
        "CANCELLED": ["CANCELLED"],
    },
}
"""How each state is reached from the first."""


@dataclass(frozen=True)
class Spoken:
    """A queued turn of the test's user, and a call of it that is PENDING."""

    database: Database
    user: str
    said: Said
    call_id: UUID

    def row(self, table: Table) -> UUID:
        return self.said.turn_id if table is turns else self.call_id

    async def step(self, table: Table, status: str) -> None:
        """Set the status, with all that the table's other rules want beside it."""
        statement = update(table).where(table.c.id == self.row(table)).values(beside(table, status))
        await self.database.work(self.user, lambda work: work.execute(statement))

    async def status(self, table: Table) -> str:
        async with self.database.snapshot(self.user) as session:
            return str(await session.scalar(select(table.c.status).where(table.c.id == self.row(table))))


def beside(table: Table, status: str) -> Row:
    values: Row = {"status": status, "error_code": "INTERNAL" if status == "FAILED" else None}
    if table is turns:
        values["lease_owner"] = "worker" if status == "RUNNING" else None
        values["finished_at"] = now() if TurnStatus(status).ended else None
    return values


def new_call(user: str, said: Said, **values: Any) -> Row:  # Any: a column's value, of its type
    return {
        "user_id": user,
        "id": new_id(),
        "conversation_id": said.conversation_id,
        "message_id": said.message_id,
        "turn_id": said.turn_id,
        "round": 1,
        "index": 0,
        "tool_name": "add_task",
        "operation": "CREATE",
        "input_text": "add milk",
        "created_at": now(),
        **beside(tool_calls, "PENDING"),
        **values,
    }


@pytest.fixture
async def spoken(database: Database, user: str) -> Spoken:
    said = await database.work(user, lambda work: send(work, NewMessage("add milk"), Settings()))
    call = new_call(user, said)
    await database.work(user, lambda work: work.execute(insert(tool_calls).values(call)))
    return Spoken(database, user, said, call["id"])


async def check_step(spoken: Spoken, table: Table, start: str, end: str, *, allowed: bool) -> None:
    for state in WAYS[table][start]:
        await spoken.step(table, state)
    assert await spoken.status(table) == start
    if allowed:
        await spoken.step(table, end)
        assert await spoken.status(table) == end
    else:
        with pytest.raises(DBAPIError, match=f"can't go from {start} to {end}") as caught:
            await spoken.step(table, end)
        assert sqlstate(caught.value) == IMMUTABLE
        assert await spoken.status(table) == start


@pytest.mark.parametrize(("start", "end"), list(product(ToolCallStatus, repeat=2)))
async def test_a_tool_call_takes_only_the_steps_of_its_states(
    spoken: Spoken, start: ToolCallStatus, end: ToolCallStatus
) -> None:
    allowed = start is end or (start.value, end.value) in TOOL_CALL_STEPS
    await check_step(spoken, tool_calls, start.value, end.value, allowed=allowed)


@pytest.mark.parametrize(("start", "end"), list(product(TurnStatus, repeat=2)))
async def test_a_turn_takes_only_the_steps_of_its_states(spoken: Spoken, start: TurnStatus, end: TurnStatus) -> None:
    allowed = start is end or (start.value, end.value) in TURN_STEPS
    await check_step(spoken, turns, start.value, end.value, allowed=allowed)


@pytest.mark.parametrize("status", ["PROCESSING", "COMPLETED", "FAILED"])
async def test_a_tool_call_starts_pending(spoken: Spoken, status: str) -> None:
    made = new_call(spoken.user, spoken.said, index=1, **beside(tool_calls, status))
    with pytest.raises(DBAPIError, match=f"starts PENDING, not {status}") as caught:
        await spoken.database.work(spoken.user, lambda work: work.execute(insert(tool_calls).values(made)))
    assert sqlstate(caught.value) == IMMUTABLE
    assert len(await rows(spoken.database, spoken.user, tool_calls)) == 1


@pytest.mark.parametrize("status", ["RUNNING", "COMPLETED", "FAILED"])
async def test_a_turn_starts_queued(spoken: Spoken, status: str) -> None:
    (kept,) = await rows(spoken.database, spoken.user, turns)
    made = kept | {"id": new_id(), "number": 2} | beside(turns, status)
    with pytest.raises(DBAPIError, match=f"starts QUEUED, not {status}") as caught:
        await spoken.database.work(spoken.user, lambda work: work.execute(insert(turns).values(made)))
    assert sqlstate(caught.value) == IMMUTABLE
    assert await rows(spoken.database, spoken.user, turns) == [kept]


async def test_a_conversation_has_one_running_turn_at_most(spoken: Spoken) -> None:
    await spoken.step(turns, "RUNNING")
    second = await spoken.database.work(
        spoken.user,
        lambda work: send(work, NewMessage("and bread", conversation_id=spoken.said.conversation_id), Settings()),
    )
    other = Spoken(spoken.database, spoken.user, second, spoken.call_id)
    with pytest.raises(IntegrityError, match="uq_turns_running"):
        await other.step(turns, "RUNNING")
    assert await other.status(turns) == "QUEUED"


@pytest.mark.parametrize("table", [messages, rounds, task_revisions, change_log], ids=lambda table: table.name)
async def test_what_was_said_and_done_is_immutable_even_for_the_owner(
    home: Home, housed: Database, owner: AsyncConnection, table: Table
) -> None:
    before = await rows(housed, home.ann, table)
    last = list(table.columns)[-1]
    for changed in (update(table).values({last: last}), update(table).values(user_id=home.bob)):
        with pytest.raises(DBAPIError, match=f"{table.name} rows are immutable") as caught:
            await owner.execute(changed.where(table.c.user_id == home.ann))
        assert sqlstate(caught.value) == IMMUTABLE
    assert await rows(housed, home.ann, table) == before


BROKEN: list[tuple[Table, Row, str]] = [
    (messages, {"content": ""}, "ck_messages_content"),
    (messages, {"content": "x" * 10_001}, "ck_messages_content"),
    (messages, {"sender": "SYSTEM"}, "ck_messages_sender"),
    (messages, {"sender": "ASSISTANT", "turn_id": None}, "ck_messages_turn"),
    (tool_calls, {"tool_name": "drop_table", "status": "PENDING"}, "ck_tool_calls_tool_name"),
    (tool_calls, {"input_text": "", "status": "PENDING"}, "ck_tool_calls_input_text"),
    (tasks, {"title": ""}, "ck_tasks_title"),
    (tasks, {"title": "x" * 501}, "ck_tasks_title"),
    (tasks, {"priority": 5}, "ck_tasks_priority"),
    (tasks, {"due_at": now(), "time_zone": None}, "ck_tasks_time_zone"),
    (tasks, {"due_at": now(), "due_date": now().date(), "time_zone": "UTC"}, "ck_tasks_due"),
]


@pytest.mark.parametrize(
    ("table", "values", "rule"), BROKEN, ids=[f"{rule}-{n}" for n, (*_, rule) in enumerate(BROKEN)]
)
async def test_a_row_that_breaks_a_rule_is_not_stored(
    home: Home, housed: Database, table: Table, values: Row, rule: str
) -> None:
    before = await rows(housed, home.ann, table)
    fresh = {name: value for name, value in {"position": 999, "index": 999}.items() if name in table.c}
    if table is tasks:
        fresh = {}
    broken = before[0] | {"id": new_id(), **fresh, **values}
    with pytest.raises(IntegrityError, match=rule):
        await housed.work(home.ann, lambda work: work.execute(insert(table).values(broken)))
    assert await rows(housed, home.ann, table) == before


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "naïve", "a\n", "../etc"])
async def test_a_users_id_is_of_plain_characters(database: Database, owner: AsyncConnection, name: str) -> None:
    async def action(work: UnitOfWork) -> None:
        await work.execute(insert(users).values(id=name))

    with pytest.raises(DBAPIError):
        await database.work(name, action)
    assert await owner.scalar(select(func.count()).where(users.c.id == name)) == 0
