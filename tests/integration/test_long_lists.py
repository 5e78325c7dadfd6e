"""What the tools list and find where somebody has more tasks than can be looked at one by one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

import services.tasks.listing
from core.database import Database
from core.errors import ErrorCode
from models.enums import Actor
from models.tasks import Task
from services.exchange import FORMATS, import_tasks
from services.tasks import LIST_LIMIT, NewTask, TaskQuery, complete_task, create_task, list_tasks
from services.tasks.finding import SHORT, candidates
from tests.integration.test_tools import Caller

ZONES = ("Pacific/Kiritimati", "Pacific/Pago_Pago", "America/Los_Angeles", "Asia/Kolkata")


@pytest.fixture
def caller(database: Database, user: str) -> Caller:
    return Caller(database, user)


async def bring(database: Database, user: str, titles: Sequence[str]) -> None:
    async def lines() -> AsyncIterator[bytes]:
        yield "\n".join(titles).encode()

    made = [one async for one in import_tasks(database, user, FORMATS["lines"], lines(), lambda *_: None)]
    assert {one.result.value for one in made} == {"MADE"}


async def make(database: Database, user: str, new: NewTask) -> Task:
    return await database.work(user, lambda work: create_task(work, new, Actor.USER))


async def test_the_first_of_many_are_those_due_first_in_any_zone(
    database: Database, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days and times about each other, as close as zones can tell them apart, and more than fit a list."""
    monday = date(2027, 3, 1)
    made = []
    for number in range(40):
        day = monday + timedelta(days=number * 7 % 5)
        made.append(NewTask(f"day {number}", due_date=day))
        at = datetime.combine(day, time(number * 5 % 24, 30), UTC)
        made.append(NewTask(f"time {number}", due_at=at, time_zone="UTC"))
    made += [NewTask(f"none {number}") for number in range(40)]
    tasks = [await make(database, user, new) for new in made]

    def begins(task: Task, zone: ZoneInfo) -> tuple[bool, datetime, str]:
        at = task.due_at or (datetime.combine(task.due_date, time.min, zone) if task.due_date else None)
        return at is None, at or datetime.max.replace(tzinfo=UTC), task.position

    for zone in map(ZoneInfo, ZONES):
        wanted = [task.id for task in sorted(tasks, key=lambda task, zone=zone: begins(task, zone))]  # type: ignore[misc]
        for limit in (1, 7, 33, 79, LIST_LIMIT):
            async with database.snapshot(user) as session:
                listed, total = await list_tasks(session, TaskQuery(is_completed=False), zone, limit=limit)
            assert [one.task.id for one in listed] == wanted[:limit], (zone, limit)
            assert total == len(tasks)
    monkeypatch.setattr(services.tasks.listing, "COUNTED", 110)
    async with database.snapshot(user) as session:
        assert (await list_tasks(session, TaskQuery(), ZoneInfo("UTC")))[1] == 110


async def test_a_task_is_found_by_its_words_among_more_than_are_looked_at(caller: Caller) -> None:
    database, user = caller.database, caller.user
    milk = await make(database, user, NewTask("Buy milk"))
    done = await make(database, user, NewTask("Order a cake"))
    await database.work(user, lambda work: complete_task(work, done.id, Actor.USER))
    await make(database, user, NewTask("Renew the passport"))
    signs = await make(database, user, NewTask("☕☕"))
    await make(database, user, NewTask("Order a cake"))
    await bring(database, user, [f"Buy milk and bread {number}" for number in range(SHORT)])

    async with database.snapshot(user) as session:
        found = await candidates(session, "buy MILK")
    assert not found.everything
    assert milk.id in {task.id for task in found.tasks}, "its title is the very same, though others are newer"
    assert len(found.tasks) < 2 * SHORT
    assert (await caller.one("complete_task", task="buy milk"))["title"] == "Buy milk"
    assert (await caller.one("update_task", task="renew pasport", priority="high"))["title"] == "Renew the passport"
    assert (await caller.one("complete_task", task="☕☕"))["title"] == signs.title
    assert (await caller.one("delete_task", task="buy milk and bread 12"))["title"] == "Buy milk and bread 12"
    await caller.one("complete_task", task="order a cake")  # the open one
    assert (await caller.fails("complete_task", task="milk and bread")).code is ErrorCode.INVALID
    assert (await caller.fails("delete_task", task="zebra")).code is ErrorCode.NOT_FOUND

    answer = await caller.answer("search_tasks", query="passport renew")
    assert [task["title"] for task in answer["tasks"]] == ["Renew the passport"]
    answer = await caller.answer("search_tasks", query="☕")
    assert [task["title"] for task in answer["tasks"]] == [signs.title]
    shown: tuple[UUID, ...] = (milk.id,)
    async with database.snapshot(user) as session:
        assert (await candidates(session, "zebra", shown)).tasks[0].id == milk.id
