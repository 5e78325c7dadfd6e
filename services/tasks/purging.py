"""Rows of tasks that were deleted long ago go for good, with all that hangs on them: subtasks, revisions, labels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, delete

from core.statements import prepared
from core.unit_of_work import Change, UnitOfWork
from models.enums import Actor, ChangeKind, TaskAction
from models.tasks import tasks
from services.tasks.family import lock, with_deleted_subtasks

_GONE: Final = prepared(
    delete(tasks).where(
        tasks.c.user_id == bindparam("user_id"), tasks.c.id == any_(bindparam("ids", type_=ARRAY(Uuid)))
    )
)


async def purge(work: UnitOfWork, task_ids: Sequence[UUID], deleted_before: datetime) -> int:
    """Those of the tasks that are still deleted since before then; how many went. The log tells each as deleted by the
    system, and its readers find no task any more."""
    held = await lock(work, await with_deleted_subtasks(work, task_ids))
    old = {task.id for task in held.values() if task.deleted_at is not None and task.deleted_at < deleted_before}
    going = [task_id for task_id in held if task_id in old]
    if going:
        await work.run(_GONE, ids=going)
    for task_id in going:
        work.record(Change(ChangeKind.TASK, task_id, action=TaskAction.DELETED, actor=Actor.SYSTEM))
    return len(going)
