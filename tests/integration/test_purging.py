"""Tasks that were deleted long ago go for good, and their readers are told; what can still be restored stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from core import clock
from core.database import Database
from core.errors import DomainError, ErrorCode
from core.settings import Settings
from jobs import periodic
from jobs.periodic import keep_house, purge_tasks
from models.base import rows_of
from models.changes import LoggedChange, change_log
from models.enums import Actor, TaskAction
from models.tasks import Task, task_revisions, tasks
from services.tasks import complete_task, delete_task, restore_task
from services.tasks.purging import purge
from services.tasks.values import Author
from services.undo import undo_turn
from tests.support.acting import Acting

MONTH = Settings(deleted_tasks_kept_days=30)


@pytest.fixture
def acting(database: Database, user: str) -> Acting:
    return Acting(database, user)


async def delete(acting: Acting, task: Task, days_ago: float) -> None:
    with clock.set_to(clock.now() - timedelta(days=days_ago)):
        await acting.database.work(acting.user, lambda work: delete_task(work, task.id, Actor.USER))


async def titles(acting: Acting) -> set[str]:
    async with acting.database.snapshot(acting.user) as session:
        return {task.title for task in await session.all(rows_of(tasks), Task)}


async def last_changes(acting: Acting, count: int) -> list[LoggedChange]:
    async with acting.database.snapshot(acting.user) as session:
        statement = rows_of(change_log).order_by(change_log.c.seq.desc()).limit(count)
        return await session.all(statement, LoggedChange)


async def test_old_deletions_go_in_batches_with_their_families_and_the_log_tells(
    acting: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(periodic, "PURGED", 2)
    parent = await acting.adds("Shopping", labels=["Shop"])
    milk, oil = [await acting.adds(title, parent_id=parent.id) for title in ("Milk", "Oil")]
    await acting.does(("complete_task", {"task": "milk"}))  # tells of it, and has it among its tasks
    old, recent, kept = [await acting.adds(title) for title in ("Old", "Recent", "Kept")]
    await delete(acting, oil, 50)
    await delete(acting, parent, 40)
    await delete(acting, old, 31)
    await delete(acting, recent, 29)
    await keep_house(acting.database, MONTH)
    assert await titles(acting) == {"Recent", "Kept"}
    gone = {parent.id, milk.id, oil.id, old.id}
    last = await last_changes(acting, 4)
    assert {change.entity_id for change in last} == gone
    assert {(change.action, change.actor) for change in last} == {(TaskAction.DELETED, Actor.SYSTEM)}
    async with acting.database.snapshot(acting.user) as session:
        counted = select(func.count()).select_from(task_revisions).where(task_revisions.c.task_id.in_(gone))
        assert await session.scalar(counted) == 0
    assert await purge_tasks(acting.database, MONTH) == 0
    await acting.database.work(acting.user, lambda work: complete_task(work, kept.id, Actor.USER))
    await acting.database.work(acting.user, lambda work: restore_task(work, recent.id, Actor.USER))


async def test_a_task_that_was_restored_meanwhile_stays_and_nothing_goes_where_all_is_kept(acting: Acting) -> None:
    task = await acting.adds("Milk")
    await delete(acting, task, 400)
    assert await purge_tasks(acting.database, Settings(deleted_tasks_kept_days=0)) == 0
    await acting.database.work(acting.user, lambda work: restore_task(work, task.id, Actor.USER))
    before = clock.now()
    assert await acting.database.work(acting.user, lambda work: purge(work, [task.id], before)) == 0
    assert await titles(acting) == {"Milk"}


async def test_what_is_gone_for_good_cannot_be_taken_back(acting: Acting) -> None:
    await acting.adds("Milk")
    with clock.set_to(clock.now() - timedelta(days=31)):
        acted = await acting.does(("delete_task", {"task": "milk"}))
    await purge_tasks(acting.database, MONTH)
    with pytest.raises(DomainError) as caught:
        await acting.database.work(acting.user, lambda work: undo_turn(work, acted.turn_id, Author(Actor.USER)))
    assert caught.value.code is ErrorCode.NOT_UNDOABLE
    assert await titles(acting) == set()
