"""Tasks: made once a key, changed with a revision each, listed by due date in the user's zone."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

import services.tasks.finding
from core import clock
from core.database import Database
from core.errors import DomainError, ErrorCode
from core.unit_of_work import UnitOfWork
from models.base import rows_of
from models.changes import LoggedChange, change_log
from models.enums import Actor, Priority, TaskAction, WeekStart
from models.tasks import Task, TaskRevision, task_revisions, tasks
from services.inputs import UNSET
from services.tasks import (
    Days,
    DueBucket,
    NewTask,
    Span,
    TaskFilter,
    TaskPatch,
    TaskQuery,
    candidates,
    complete_task,
    create_task,
    delete_task,
    delete_tasks,
    get_task,
    list_tasks,
    reopen_task,
    restore_task,
    task_conditions,
    update_task,
    update_tasks,
    with_labels,
)
from services.tasks.changing import Transition
from services.tasks.positions import last_position
from services.users import update_settings
from tests.conftest import new_user
from tests.support.statements import counted

BERLIN = ZoneInfo("Europe/Berlin")


async def make(database: Database, user: str, title: str = "Buy milk", **more: Any) -> Task:
    return await database.work(user, lambda work: create_task(work, NewTask(title, **more), Actor.USER))


async def patch(database: Database, user: str, task: Task, change: TaskPatch, **more: Any) -> Task:
    return await database.work(user, lambda work: update_task(work, task.id, change, Actor.USER, **more))


async def step_of(database: Database, user: str, task: Task, step: Transition, **more: Any) -> Task:
    return await database.work(user, lambda work: step(work, task.id, Actor.USER, **more))


async def deleted(database: Database, user: str, task_ids: list[UUID]) -> list[Task]:
    return await database.work(user, lambda work: delete_tasks(work, task_ids, Actor.USER))


async def revisions(database: Database, user: str, task: Task) -> list[TaskRevision]:
    statement = rows_of(task_revisions).where(task_revisions.c.task_id == task.id).order_by(task_revisions.c.version)
    async with database.snapshot(user) as session:
        return await session.all(statement, TaskRevision)


async def logged(database: Database, user: str) -> list[LoggedChange]:
    async with database.snapshot(user) as session:
        return await session.all(rows_of(change_log).order_by(change_log.c.seq), LoggedChange)


async def read(database: Database, user: str, task: Task) -> Task | None:
    async with database.snapshot(user) as session:
        return await get_task(session, task.id)


async def label_names(database: Database, user: str, task: Task) -> list[str]:
    async with database.snapshot(user) as session:
        return [label.name for label in (await with_labels(session, [task]))[0].labels]


async def refused(attempt: Awaitable[Any]) -> DomainError:
    with pytest.raises(DomainError) as caught:
        await attempt
    return caught.value


def changes_of(revision: TaskRevision) -> dict[str, tuple[Any, Any]]:
    return {change["field"]: (change["before"], change["after"]) for change in revision.changes}


# ---------------------------------------------------------------- making


async def test_a_new_task_is_trimmed_and_leaves_a_revision_and_a_log_entry(database: Database, user: str) -> None:
    call, conversation = uuid.uuid4(), uuid.uuid4()
    new = NewTask(
        "  Buy milk ", description=" 2 l ", due_date=date(2026, 3, 4), priority=Priority.HIGH, labels=["Home"]
    )
    task = await database.work(user, lambda work: create_task(work, new, Actor.ASSISTANT, call, conversation))
    assert (task.title, task.description, task.version) == ("Buy milk", "2 l", 1)
    assert await read(database, user, task) == task
    [revision] = await revisions(database, user, task)
    assert (revision.action, revision.actor, revision.tool_call_id, revision.version) == (
        TaskAction.CREATED, Actor.ASSISTANT, call, 1,
    )  # fmt: skip
    assert changes_of(revision) == {
        "title": (None, "Buy milk"),
        "description": (None, "2 l"),
        "dueDate": (None, "2026-03-04"),
        "priority": ("NONE", "HIGH"),
        "labels": ([], ["Home"]),
    }
    entry = (await logged(database, user))[-1]
    assert (entry.kind, entry.entity_id, entry.action, entry.actor) == ("TASK", task.id, "CREATED", "ASSISTANT")
    assert (entry.revision_id, entry.tool_call_id, entry.conversation_id) == (revision.id, call, conversation)


async def test_a_time_without_a_zone_is_meant_in_the_users(database: Database, user: str) -> None:
    await database.work(user, lambda work: update_settings(work, time_zone="Asia/Tokyo", locale=None))
    task = await make(database, user, due_at=datetime(2026, 3, 4, 9, tzinfo=UTC))
    assert task.time_zone == "Asia/Tokyo"
    other = await make(database, user, due_at=datetime(2026, 3, 4, 9, tzinfo=UTC), time_zone="Europe/Berlin")
    assert other.time_zone == "Europe/Berlin"


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"title": "  "}, ErrorCode.INVALID, "title"),
        ({"title": "x" * 501}, ErrorCode.TOO_LONG, "title"),
        ({"title": "a\x00b"}, ErrorCode.INVALID, "title"),
        ({"title": "a\ud800b"}, ErrorCode.INVALID, "title"),
        ({"description": "x" * 10_001}, ErrorCode.TOO_LONG, "description"),
        ({"due_at": datetime(2026, 1, 1, tzinfo=UTC), "due_date": date(2026, 1, 1)}, ErrorCode.INVALID, "dueAt"),
        ({"due_at": datetime(2026, 1, 1)}, ErrorCode.INVALID, "dueAt"),  # noqa: DTZ001 - naive on purpose
        ({"time_zone": "Mars/Phobos"}, ErrorCode.INVALID, "timeZone"),
        ({"labels": [" "]}, ErrorCode.INVALID, "labels"),
        ({"labels": ["x" * 101]}, ErrorCode.TOO_LONG, "labels"),
        ({"labels": [f"l{i}" for i in range(51)]}, ErrorCode.INVALID, "labels"),
        ({"idempotency_key": ""}, ErrorCode.INVALID, "idempotencyKey"),
        ({"idempotency_key": "k" * 201}, ErrorCode.TOO_LONG, "idempotencyKey"),
    ],
)
async def test_input_out_of_bounds_names_its_field_and_stores_nothing(
    database: Database, user: str, values: dict[str, Any], code: ErrorCode, field: str
) -> None:
    error = await refused(make(database, user, **{"title": "Buy milk", **values}))
    assert (error.code, error.field) == (code, ("input", field))
    async with database.snapshot(user) as session:
        assert await session.scalar(select(func.count()).select_from(tasks)) == 0
    assert await logged(database, user) == []


async def test_the_largest_input_is_taken(database: Database, user: str) -> None:
    task = await make(
        database, user, "🎉" * 500, description="x" * 10_000, labels=[f"{i:02}" + "l" * 98 for i in range(50)],
        idempotency_key="k" * 200,
    )  # fmt: skip
    assert len(task.title) == 500
    assert len(await label_names(database, user, task)) == 50


async def test_the_same_key_and_input_answer_the_same_task(database: Database, user: str) -> None:
    first = await make(database, user, idempotency_key="one", labels=["a"])
    await database.work(user, lambda work: delete_task(work, first.id, Actor.USER))
    before = await logged(database, user)
    again = await make(database, user, "  Buy milk ", idempotency_key="one", labels=["a "])
    assert again.id == first.id
    assert await logged(database, user) == before
    error = await refused(make(database, user, "Buy oil", idempotency_key="one", labels=["a"]))
    assert (error.code, error.field) == (ErrorCode.IDEMPOTENCY_CONFLICT, ("input", "idempotencyKey"))


async def test_a_key_is_looked_at_before_the_input(database: Database, user: str) -> None:
    await make(database, user, idempotency_key="one")
    assert (await refused(make(database, user, "", idempotency_key="one"))).code is ErrorCode.IDEMPOTENCY_CONFLICT


async def test_equal_keys_that_race_make_one_task(database: Database, user: str) -> None:
    made = await asyncio.gather(*(make(database, user, idempotency_key="race", labels=["x"]) for _ in range(6)))
    assert len({task.id for task in made}) == 1
    assert [entry.kind for entry in await logged(database, user)].count("TASK") == 1


async def test_new_tasks_stand_after_all_before_them() -> None:
    positions = [last_position() for _ in range(200)]
    assert positions == sorted(positions)
    assert len(set(positions)) == 200
    assert not any(position.endswith("0") for position in positions)


async def test_making_a_task_takes_few_statements(database: Database, user: str) -> None:
    await make(database, user, labels=["known"])
    with counted(database) as bare:
        await make(database, user)
    with counted(database) as keyed:
        await make(database, user, idempotency_key="one", labels=["known"])
    with counted(database) as labelled:
        await make(database, user, labels=["known", "fresh"])
    assert (len(bare), len(keyed), len(labelled)) == (2, 5, 6)  # the last of each stores the revision and the log


# ---------------------------------------------------------------- changing


async def test_an_update_keeps_what_is_left_out_and_clears_what_is_null(database: Database, user: str) -> None:
    task = await make(database, user, description="2 l", priority=Priority.HIGH, labels=["a", "b"])
    renamed = await patch(database, user, task, TaskPatch(title=" Buy oil "))
    assert (renamed.title, renamed.description, renamed.priority, renamed.version) == ("Buy oil", "2 l", 3, 2)
    cleared = await patch(database, user, task, TaskPatch(description=None, priority=None, labels=None))
    assert (cleared.description, cleared.priority, cleared.version) == (None, 0, 3)
    assert await read(database, user, task) == cleared
    assert await label_names(database, user, task) == []
    last = (await revisions(database, user, task))[-1]
    assert last.action == TaskAction.UPDATED
    assert changes_of(last) == {
        "description": ("2 l", None),
        "priority": ("HIGH", "NONE"),
        "labels": (["a", "b"], []),
    }


async def test_the_two_due_fields_clear_each_other(database: Database, user: str) -> None:
    at = datetime(2026, 3, 4, 9, tzinfo=UTC)
    task = await make(database, user, due_at=at, time_zone="Europe/Berlin")
    dated = await patch(database, user, task, TaskPatch(due_date=date(2026, 3, 5)))
    assert (dated.due_date, dated.due_at, dated.time_zone) == (date(2026, 3, 5), None, None)
    timed = await patch(database, user, task, TaskPatch(due_at=at))
    assert (timed.due_date, timed.due_at, timed.time_zone) == (None, at, "UTC")
    assert changes_of((await revisions(database, user, task))[-1]) == {
        "dueDate": ("2026-03-05", None),
        "dueAt": (None, "2026-03-04T09:00:00Z"),
        "timeZone": (None, "UTC"),
    }
    error = await refused(patch(database, user, task, TaskPatch(time_zone=None)))
    assert (error.code, error.field) == (ErrorCode.INVALID, ("input", "timeZone"))
    both = TaskPatch(due_at=at, due_date=date(2026, 3, 5))
    assert (await refused(patch(database, user, task, both))).code is ErrorCode.INVALID
    assert await read(database, user, task) == timed


async def test_what_changes_nothing_leaves_no_trace(database: Database, user: str) -> None:
    task = await make(database, user, description="2 l", labels=["Home"], due_date=date(2026, 3, 5))
    before = await logged(database, user)
    same = TaskPatch(title=" Buy milk", labels=["HOME "], due_date=date(2026, 3, 5), add_labels=["home"])
    assert await patch(database, user, task, same) == task
    assert await patch(database, user, task, TaskPatch()) == task
    assert await database.work(user, lambda work: reopen_task(work, task.id, Actor.USER)) == task
    assert await database.work(user, lambda work: restore_task(work, task.id, Actor.USER)) == task
    assert len(await revisions(database, user, task)) == 1
    assert await logged(database, user) == before


async def test_a_stale_version_changes_nothing_and_names_the_task(database: Database, user: str) -> None:
    task = await make(database, user)
    now = await patch(database, user, task, TaskPatch(title="Buy oil"), expected_version=1)
    before = await logged(database, user)
    error = await refused(patch(database, user, task, TaskPatch(title="Buy salt"), expected_version=1))
    assert (error.code, error.node) == (ErrorCode.VERSION_CONFLICT, ("Task", task.id))

    async def complete(work: UnitOfWork) -> Task:
        return await complete_task(work, task.id, Actor.USER, expected_version=1)

    assert (await refused(database.work(user, complete))).code is ErrorCode.VERSION_CONFLICT
    assert await read(database, user, task) == now
    assert await logged(database, user) == before


async def test_a_task_goes_through_its_life_once_each(database: Database, user: str) -> None:
    task = await make(database, user)
    for step, action in (
        (complete_task, TaskAction.COMPLETED),
        (reopen_task, TaskAction.REOPENED),
        (delete_task, TaskAction.DELETED),
        (restore_task, TaskAction.RESTORED),
    ):
        before = await read(database, user, task)
        first = await step_of(database, user, task, step)
        again = await step_of(database, user, task, step)
        assert before is not None
        assert first == again
        assert first.version == before.version + 1
        assert (await revisions(database, user, task))[-1].action == action
    completed = (await revisions(database, user, task))[1]
    assert changes_of(completed)["isCompleted"] == (False, True)
    assert changes_of(completed)["completedAt"][1].endswith("Z")
    assert [entry.action for entry in await logged(database, user)] == [
        "CREATED", "COMPLETED", "REOPENED", "DELETED", "RESTORED",
    ]  # fmt: skip


async def test_a_deleted_task_can_only_be_restored(database: Database, user: str) -> None:
    task = await make(database, user)
    gone = await database.work(user, lambda work: delete_task(work, task.id, Actor.USER))
    for attempt in (
        patch(database, user, task, TaskPatch(title="Buy oil")),
        database.work(user, lambda work: complete_task(work, task.id, Actor.USER)),
        database.work(user, lambda work: reopen_task(work, task.id, Actor.USER)),
    ):
        error = await refused(attempt)
        assert (error.code, error.field) == (ErrorCode.NOT_FOUND, ("input", "taskId"))
    assert await read(database, user, task) == gone


async def test_another_users_task_is_not_found_and_stays(database: Database, user: str) -> None:
    task = await make(database, user)
    stranger = await new_user(database)
    steps: list[Callable[[UnitOfWork], Awaitable[Task]]] = [
        lambda work: update_task(work, task.id, TaskPatch(title="Mine"), Actor.USER),
        lambda work: complete_task(work, task.id, Actor.USER),
        lambda work: delete_task(work, task.id, Actor.USER),
        lambda work: restore_task(work, task.id, Actor.USER),
        lambda work: update_task(work, UUID(int=1), TaskPatch(title="Mine"), Actor.USER),
    ]
    for step in steps:
        assert (await refused(database.work(stranger, step))).code is ErrorCode.NOT_FOUND
    assert await read(database, user, task) == task
    assert await read(database, stranger, task) is None
    assert await logged(database, stranger) == []


async def test_several_tasks_change_all_or_none(database: Database, user: str) -> None:
    one, two = await make(database, user, "one", labels=["a"]), await make(database, user, "two", labels=["b"])
    change = TaskPatch(add_labels=["C"], remove_labels=["A"])
    with counted(database) as statements:
        changed = await database.work(
            user, lambda work: update_tasks(work, [two.id, one.id, two.id], change, Actor.USER)
        )
    # lock, labels now, hold, lock and make, tasks, labels off, labels on, revisions and log
    assert len(statements) == 9
    assert [task.id for task in changed] == [two.id, one.id]
    assert await label_names(database, user, one) == ["C"]
    assert await label_names(database, user, two) == ["b", "C"]
    for wrong in ([], [one.id] * 101):
        error = await refused(deleted(database, user, wrong))
        assert (error.code, error.field) == (ErrorCode.INVALID, ("input", "taskIds"))
    missing = UUID(int=1)
    error = await refused(database.work(user, lambda work: delete_tasks(work, [one.id, missing], Actor.USER)))
    assert (error.code, error.field) == (ErrorCode.NOT_FOUND, ("input", "taskIds", "1"))
    kept = await read(database, user, one)
    assert kept is not None
    assert kept.deleted_at is None


async def test_too_many_labels_in_the_end_are_refused(database: Database, user: str) -> None:
    task = await make(database, user, labels=[f"l{i}" for i in range(50)])
    error = await refused(patch(database, user, task, TaskPatch(add_labels=["more"])))
    assert (error.code, error.field) == (ErrorCode.INVALID, ("input", "labels"))
    assert len(await label_names(database, user, task)) == 50


async def test_changes_of_one_task_at_once_all_count(database: Database, user: str) -> None:
    task = await make(database, user)
    await asyncio.gather(*(patch(database, user, task, TaskPatch(add_labels=[f"l{i}"])) for i in range(6)))
    now = await read(database, user, task)
    assert now is not None
    assert now.version == 7
    assert len(await label_names(database, user, task)) == 6
    assert [revision.version for revision in await revisions(database, user, task)] == list(range(1, 8))


# ---------------------------------------------------------------- reading

NOW = datetime(2026, 3, 4, 22, 30, tzinfo=UTC)  # Wednesday 23:30 in Berlin


async def dated(database: Database, user: str) -> None:
    """One task a day around NOW, all day and at a time, and one without a due date."""
    for title, day in (("tue", 3), ("wed", 4), ("thu", 5), ("sun", 8), ("mon", 9), ("far", 30)):
        await make(database, user, title, due_date=date(2026, 3, day))
    for title, at in (
        ("wed 23:00", datetime(2026, 3, 4, 22, 0, tzinfo=UTC)),
        ("wed 23:45", datetime(2026, 3, 4, 22, 45, tzinfo=UTC)),
        ("thu 00:15", datetime(2026, 3, 4, 23, 15, tzinfo=UTC)),
    ):
        await make(database, user, title, due_at=at, time_zone="Europe/Berlin")
    await make(database, user, "undated")


async def titles(database: Database, user: str, wanted: TaskFilter) -> set[str]:
    async with database.snapshot(user) as session:
        found = await session.execute(select(tasks.c.title).where(*task_conditions(wanted, NOW, BERLIN)))
        return set(found.scalars())


@pytest.mark.parametrize(
    ("bucket", "expected"),
    [
        (DueBucket.OVERDUE, {"tue", "wed 23:00"}),
        (DueBucket.TODAY, {"wed", "wed 23:00", "wed 23:45"}),
        (DueBucket.TOMORROW, {"thu", "thu 00:15"}),
        (DueBucket.THIS_WEEK, {"tue", "wed", "thu", "sun", "wed 23:00", "wed 23:45", "thu 00:15"}),
        (DueBucket.NEXT_WEEK, {"mon"}),
        (DueBucket.LATER, {"far"}),
        (DueBucket.NONE, {"undated"}),
    ],
)
async def test_due_buckets_are_days_of_the_viewers_zone(
    database: Database, user: str, bucket: DueBucket, expected: set[str]
) -> None:
    await dated(database, user)
    assert await titles(database, user, TaskFilter(due=bucket)) == expected


@pytest.mark.parametrize(
    ("begins", "this_week", "next_week"),
    [("MONDAY", {"sun"}, {"mon"}), ("SUNDAY", set(), {"sun", "mon"}), ("SATURDAY", set(), {"sun", "mon"})],
)
async def test_weeks_begin_on_the_day_of_the_settings(
    database: Database, user: str, begins: str, this_week: set[str], next_week: set[str]
) -> None:
    await dated(database, user)
    around = {"tue", "wed", "thu", "wed 23:00", "wed 23:45", "thu 00:15"}
    for bucket, expected in ((DueBucket.THIS_WEEK, around | this_week), (DueBucket.NEXT_WEEK, next_week)):
        conditions = task_conditions(TaskFilter(due=bucket), NOW, BERLIN, WeekStart(begins))
        async with database.snapshot(user) as session:
            assert set((await session.execute(select(tasks.c.title).where(*conditions))).scalars()) == expected


async def test_due_before_and_after_part_the_tasks(database: Database, user: str) -> None:
    await dated(database, user)
    midnight = datetime(2026, 3, 4, 23, 0, tzinfo=UTC)
    before = await titles(database, user, TaskFilter(due_before=midnight))
    after = await titles(database, user, TaskFilter(due_after=midnight))
    assert before == {"tue", "wed", "wed 23:00", "wed 23:45"}
    assert after == {"thu", "sun", "mon", "far", "thu 00:15"}
    thursday = TaskFilter(due_after=midnight, due_before=midnight + timedelta(days=1))
    assert await titles(database, user, thursday) == {"thu", "thu 00:15"}
    error = await refused(titles(database, user, TaskFilter(due_before=datetime.min.replace(tzinfo=UTC))))
    assert error.field == ("filter", "dueBefore")


async def test_text_is_found_in_any_case_and_wildcards_mean_themselves(database: Database, user: str) -> None:
    await make(database, user, "Äpfel 100% reif")
    await make(database, user, "apples_and", description="10x ÄPFEL")
    await make(database, user, "apples and")
    assert await titles(database, user, TaskFilter(text=" äpFEL ")) == {"Äpfel 100% reif", "apples_and"}
    assert await titles(database, user, TaskFilter(text="%")) == {"Äpfel 100% reif"}
    assert await titles(database, user, TaskFilter(text="s_a")) == {"apples_and"}
    assert await titles(database, user, TaskFilter(text="\\")) == set()
    assert (await refused(titles(database, user, TaskFilter(text="a\x00")))).field == ("filter", "text")


async def test_the_other_parts_of_a_filter(database: Database, user: str) -> None:
    low = await make(database, user, "low", priority=Priority.LOW, labels=["a"])
    await make(database, user, "high", priority=Priority.HIGH, labels=["b"])
    gone = await make(database, user, "gone", priority=Priority.URGENT)
    await database.work(user, lambda work: delete_task(work, gone.id, Actor.USER))
    await database.work(user, lambda work: complete_task(work, low.id, Actor.USER))
    async with database.snapshot(user) as session:
        [[label_id]] = [[label.id for label in one.labels] for one in await with_labels(session, [low])]
    assert await titles(database, user, TaskFilter(priority_at_least=Priority.MEDIUM)) == {"high"}
    assert await titles(database, user, TaskFilter(is_completed=True)) == {"low"}
    assert await titles(database, user, TaskFilter(is_completed=False)) == {"high"}
    assert await titles(database, user, TaskFilter(label_ids=[label_id])) == {"low"}
    assert await titles(database, user, TaskFilter(label_ids=[])) == {"low", "high"}
    assert await titles(database, user, TaskFilter(include_deleted=True)) == {"low", "high", "gone"}


async def test_lists_go_by_due_then_position_in_few_statements(database: Database, user: str) -> None:
    await dated(database, user)
    with clock.set_to(NOW):
        async with database.snapshot(user) as session:
            with counted(database) as statements:
                listed, total = await list_tasks(session, TaskQuery(), BERLIN, limit=7)
            rest, _ = await list_tasks(session, TaskQuery(due=Days(date(2026, 3, 8), None)), BERLIN)
            span = Span(NOW, NOW + timedelta(hours=1))
            soon, _ = await list_tasks(session, TaskQuery(due=span), BERLIN)
            nothing = await list_tasks(session, TaskQuery(label="no such"), BERLIN)
    assert len(statements) == 4  # how to plan, those with a due date, how many in all, labels
    assert [one.task.title for one in listed] == ["tue", "wed", "wed 23:00", "wed 23:45", "thu", "thu 00:15", "sun"]
    assert total == 10
    assert [one.task.title for one in rest] == ["sun", "mon", "far"]
    assert [one.task.title for one in soon] == ["wed 23:45", "thu 00:15"]
    assert nothing == ([], 0)


async def test_candidates_are_few_and_likely(database: Database, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services.tasks.finding, "SHORT", 2)
    for title in ("Water plants", "Call the bank", "Old milk thing"):
        await make(database, user, title)
    milk = await make(database, user, "Buy oat milk")
    for i in range(5):
        await make(database, user, f"Something {i}")
    shown = await make(database, user, "Shown before")
    found = await database.work(user, lambda work: candidates(work, "the oat milks", [shown.id]))
    assert [task.title for task in found.tasks] == ["Shown before", "Buy oat milk", "Something 4", "Something 3"]
    assert (found.tasks[1], found.everything) == (milk, False)


def test_a_field_left_out_is_not_null() -> None:
    assert TaskPatch().title is UNSET
    assert not TaskPatch().touches_labels
    assert TaskPatch(labels=None).touches_labels
