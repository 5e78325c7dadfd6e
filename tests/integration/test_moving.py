"""The user's own order: a task moves beside others or to an end, and moves at once end as if one came after another."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from core.database import Database
from core.errors import DomainError, ErrorCode
from core.unit_of_work import UnitOfWork
from models.base import rows_of
from models.changes import LoggedChange, change_log
from models.enums import Actor, ChangeKind
from models.tasks import Task, TaskRevision, task_revisions, tasks
from services.tasks import ListEnd, NewTask, Place, create_task, delete_task, move_task
from services.tasks.moving import LONG
from services.tasks.positions import last_position, position_between, positions_between
from tests.conftest import new_user

TOP, BOTTOM = Place(end=ListEnd.TOP), Place(end=ListEnd.BOTTOM)


async def make(database: Database, user: str, *titles: str) -> list[Task]:
    async def action(work: UnitOfWork) -> list[Task]:
        return [await create_task(work, NewTask(title), Actor.USER) for title in titles]

    return await database.work(user, action)


async def move(database: Database, user: str, task: Task, place: Place, **more: Any) -> Task:
    return await database.work(user, lambda work: move_task(work, task.id, place, Actor.USER, **more))


async def in_order(database: Database, user: str) -> list[Task]:
    statement = rows_of(tasks).where(tasks.c.deleted_at.is_(None)).order_by(tasks.c.position, tasks.c.id)
    async with database.snapshot(user) as session:
        return await session.all(statement, Task)


async def titles(database: Database, user: str) -> str:
    return "".join(task.title for task in await in_order(database, user))


async def place_at(database: Database, user: str, positions: dict[UUID, str]) -> None:
    async def action(work: UnitOfWork) -> None:
        for task_id, position in positions.items():
            await work.execute(update(tasks).where(tasks.c.id == task_id).values(position=position))

    await database.work(user, action)


# ---------------------------------------------------------------- positions

POSITION = st.text("0123456789abcdef", min_size=1, max_size=40).map(lambda text: text.rstrip("0")).filter(bool)


@given(st.none() | POSITION, st.none() | POSITION, st.integers(1, 300))
def test_positions_between_two_stand_between_them_in_order(low: str | None, high: str | None, count: int) -> None:
    made, several = position_between(low, high), positions_between(low, high, count)
    if low is not None and high is not None and low >= high:
        assert (made, several) == (None, None)
        return
    assert made is not None
    found = [made]
    assert several is not None or (high is None and low is not None and low > last_position())
    for listed in (found, several or []):
        whole = [low or "", *listed, high or "g"]
        assert whole == sorted(set(whole))
        assert not any(position.endswith("0") for position in listed)


def test_a_position_beyond_an_end_gets_no_longer() -> None:
    first = last = last_position()
    for _ in range(5000):
        first, last = position_between(None, first) or "", position_between(last, None) or ""
    assert (len(first) <= 15, len(last) <= 15) == (True, True)


# ---------------------------------------------------------------- one at a time


async def test_a_task_moves_after_before_between_and_to_an_end(database: Database, user: str) -> None:
    a, b, c, d = await make(database, user, *"abcd")
    for task, place, then in (
        (d, Place(after_id=a.id), "adbc"),
        (a, Place(before_id=c.id), "dbac"),
        (c, Place(after_id=d.id, before_id=a.id), "dcba"),
        (a, TOP, "adcb"),
        (a, BOTTOM, "dcba"),
    ):
        moved = await move(database, user, task, place)
        assert await titles(database, user) == then
        assert moved in await in_order(database, user)
    [e] = await make(database, user, "e")
    assert await titles(database, user) == "dcbae"
    assert (await move(database, user, b, Place(after_id=e.id))).version == 2
    assert await titles(database, user) == "dcaeb"


async def test_a_move_is_a_revision_and_one_that_changes_nothing_leaves_no_trace(database: Database, user: str) -> None:
    a, b, c = await make(database, user, *"abc")
    for place in (Place(after_id=a.id), Place(before_id=c.id), Place(after_id=a.id, before_id=c.id)):
        assert await move(database, user, b, place) == b
    assert await move(database, user, a, TOP) == a
    assert await move(database, user, c, BOTTOM) == c
    moved = await move(database, user, c, TOP, expected_version=1)
    statement = rows_of(task_revisions).where(task_revisions.c.task_id == c.id).order_by(task_revisions.c.version)
    async with database.snapshot(user) as session:
        _, revision = await session.all(statement, TaskRevision)
    assert (revision.action, revision.actor, revision.version) == ("UPDATED", "USER", 2)
    assert revision.changes == [{"field": "position", "before": c.position, "after": moved.position}]


async def test_a_place_that_is_none_is_a_clear_error(database: Database, user: str) -> None:
    a, b, gone = await make(database, user, *"abc")
    [theirs] = await make(database, await new_user(database), "theirs")
    await database.work(user, lambda work: delete_task(work, gone.id, Actor.USER))
    for task_id, place, code, field in (
        (a.id, Place(), ErrorCode.INVALID, "afterId"),
        (a.id, Place(after_id=b.id, end=ListEnd.TOP), ErrorCode.INVALID, "afterId"),
        (a.id, Place(before_id=a.id), ErrorCode.INVALID, "beforeId"),
        (a.id, Place(after_id=a.id), ErrorCode.INVALID, "afterId"),
        (a.id, Place(after_id=gone.id), ErrorCode.NOT_FOUND, "afterId"),
        (a.id, Place(before_id=theirs.id), ErrorCode.NOT_FOUND, "beforeId"),
        (gone.id, TOP, ErrorCode.NOT_FOUND, "taskId"),
        (uuid4(), TOP, ErrorCode.NOT_FOUND, "taskId"),
    ):
        with pytest.raises(DomainError) as caught:
            await database.work(
                user, lambda work, task_id=task_id, place=place: move_task(work, task_id, place, Actor.USER)
            )
        assert (caught.value.code, caught.value.field) == (code, ("input", field))
    [d] = await make(database, user, "d")
    with pytest.raises(DomainError) as caught:
        await move(database, user, d, Place(after_id=b.id, before_id=a.id))
    assert caught.value.field == ("input", "beforeId")
    with pytest.raises(DomainError) as caught:
        await move(database, user, d, TOP, expected_version=7)
    assert (caught.value.code, caught.value.node) == (ErrorCode.VERSION_CONFLICT, ("Task", d.id))
    assert await titles(database, user) == "abd"


async def test_tasks_that_share_a_position_are_spread_by_the_system(database: Database, user: str) -> None:
    a, b, c, d = await make(database, user, *"abcd")
    await place_at(database, user, dict.fromkeys((a.id, b.id, c.id), "8"))
    await move(database, user, d, Place(after_id=a.id))
    assert await titles(database, user) == "adbc"
    assert len({task.position for task in await in_order(database, user)}) == 4
    async with database.snapshot(user) as session:
        statement = rows_of(change_log).where(change_log.c.kind == ChangeKind.TASK, change_log.c.actor == Actor.SYSTEM)
        spread = await session.all(statement, LoggedChange)
    assert {change.entity_id for change in spread} == {a.id, b.id, c.id}  # so that every client hears of it


# ---------------------------------------------------------------- at once


def witness(order: list[UUID], task_id: UUID, place: Place) -> None:
    """The same move in a list."""
    order.remove(task_id)
    if place.end is not None:
        order.insert(0 if place.end is ListEnd.TOP else len(order), task_id)
    elif place.after_id is not None:
        order.insert(order.index(place.after_id) + 1, task_id)
    elif place.before_id is not None:
        order.insert(order.index(place.before_id), task_id)


async def moved_in_log_order(database: Database, user: str, since: int) -> Sequence[UUID]:
    statement = rows_of(change_log).where(change_log.c.seq > since, change_log.c.actor == Actor.USER)
    async with database.snapshot(user) as session:
        return [change.entity_id for change in await session.all(statement.order_by(change_log.c.seq), LoggedChange)]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_moves_at_once_end_as_the_log_tells_them_one_after_another(
    database: Database, user: str, seed: int
) -> None:
    """They start crowded, with no room between them, so that they have to be spread while others move."""
    chance = random.Random(seed)
    made = await make(database, user, *(chr(ord("a") + place) for place in range(14)))
    order = [task.id for task in made]
    seen = len(made)
    for _ in range(6):
        crowded = {task_id: f"8{'0' * (LONG - 2)}{place + 1:x}" for place, task_id in enumerate(order)}
        await place_at(database, user, crowded)
        movers = chance.sample(made, 7)
        anchors = [task for task in made if task not in movers]
        places = {}
        for task in movers:
            anchor = chance.choice(anchors[:2])  # many at the same place
            places[task.id] = chance.choice(
                [Place(after_id=anchor.id), Place(after_id=anchor.id), Place(before_id=anchor.id), TOP, BOTTOM]
            )
        await asyncio.gather(*(move(database, user, task, places[task.id]) for task in movers))
        for task_id in await moved_in_log_order(database, user, seen):
            witness(order, task_id, places[task_id])
        found = await in_order(database, user)
        assert [task.id for task in found] == order
        assert max(len(task.position) for task in found) <= LONG
        async with database.snapshot(user) as session:
            logged = await session.all(rows_of(change_log), LoggedChange)
            seen = max(change.seq for change in logged)
    assert any(change.actor == Actor.SYSTEM for change in logged)
