"""Reading tasks by their ids, with their labels, and those that can be restored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy.sql import Select

from core.unit_of_work import Session
from models.base import rows_of
from models.tasks import Label, Task, tasks
from services.labels import labels_of

LIST_LIMIT: Final = 100


@dataclass(frozen=True, slots=True)
class LabelledTask:
    task: Task
    labels: tuple[Label, ...]


async def get_task(session: Session, task_id: UUID) -> Task | None:
    """The task, deleted ones too, or None where the user has no such task."""
    return await session.one(_own(session).where(tasks.c.id == task_id), Task)


async def get_tasks(session: Session, task_ids: Sequence[UUID], *, deleted: bool = False) -> list[Task]:
    """Those of the tasks that exist, in the order given, each once; deleted ones only where `deleted` is set."""
    if not task_ids:
        return []
    statement = _own(session).where(tasks.c.id.in_(task_ids))
    found = await session.all(statement if deleted else statement.where(tasks.c.deleted_at.is_(None)), Task)
    by_id = {task.id: task for task in found}
    return [by_id[task_id] for task_id in dict.fromkeys(task_ids) if task_id in by_id]


async def with_labels(session: Session, found: Sequence[Task]) -> list[LabelledTask]:
    """Each task beside its labels, in one statement."""
    borne = await labels_of(session, [task.id for task in found])
    return [LabelledTask(task, borne[task.id]) for task in found]


async def deleted_tasks(session: Session, limit: int) -> list[Task]:
    """Tasks that can be restored, the last deleted first; a parent before the subtasks that went along with it."""
    statement = _own(session).where(tasks.c.deleted_at.is_not(None))
    newest = statement.order_by(tasks.c.deleted_at.desc(), tasks.c.parent_id.is_not(None), tasks.c.id.desc())
    return await session.all(newest.limit(limit), Task)


def _own(session: Session) -> Select[Any]:  # Any: as rows_of gives it
    return rows_of(tasks).where(tasks.c.user_id == session.user_id)
