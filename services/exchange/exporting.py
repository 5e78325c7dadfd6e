"""Writing tasks out: page by page, each parent before its subtasks. Deleted tasks stay where they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from sqlalchemy import or_

from core.database import Database
from models.base import rows_of
from models.tasks import Task, tasks
from services.exchange.formats import Output
from services.labels import list_labels
from services.tasks import LabelledTask, with_labels

PAGE: Final = 200


async def export_tasks(
    database: Database, user_id: str, output: Output, *, due_only: bool = False
) -> AsyncIterator[bytes]:
    """The file, in pieces. A page is read in a snapshot of its own: no transaction waits for who takes them.

    `due_only`: open tasks that have a due date.
    """
    async with database.snapshot(user_id) as session:
        yield output.head(await list_labels(session))
    write = output.writer()
    after: UUID | None = None
    while True:
        async with database.snapshot(user_id) as session:
            own = rows_of(tasks).where(tasks.c.user_id == user_id, tasks.c.deleted_at.is_(None))
            if due_only:
                due = or_(tasks.c.due_date.is_not(None), tasks.c.due_at.is_not(None))
                top = own.where(tasks.c.completed_at.is_(None), due)
            else:
                top = own.where(tasks.c.parent_id.is_(None))
            if after is not None:
                top = top.where(tasks.c.id > after)
            page = await session.all(top.order_by(tasks.c.id).limit(PAGE), Task)
            ids = [task.id for task in page]
            below = own.where(tasks.c.parent_id.in_(ids)).order_by(tasks.c.position, tasks.c.id)
            children = await session.all(below, Task) if page and not due_only else []
            labelled = await with_labels(session, [*page, *children])
        order = {task_id: place for place, task_id in enumerate(ids)}
        labelled.sort(key=lambda one: order[one.task.parent_id if one.task.parent_id in order else one.task.id])
        yield b"".join(write(one) for one in (_still_open(labelled) if output.open_only else labelled))
        if len(page) < PAGE:
            break
        after = page[-1].id
    yield output.tail


def _still_open(labelled: Sequence[LabelledTask]) -> list[LabelledTask]:
    """Without what is done; an open subtask of that stands by itself."""
    kept = [one for one in labelled if one.task.completed_at is None]
    there = {one.task.id for one in kept}
    return [
        one if one.task.parent_id in there else replace(one, task=replace(one.task, parent_id=None)) for one in kept
    ]
