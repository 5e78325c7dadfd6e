"""Moving a task to another place in the user's own order."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from sqlalchemy import func, select

from core.errors import DomainError, ErrorCode
from core.unit_of_work import UnitOfWork
from models.enums import Actor, TaskAction
from models.tasks import Task, tasks
from services.inputs import Field
from services.tasks.checks import not_found
from services.tasks.positions import between, last_position
from services.tasks.values import Author
from services.tasks.writing import hold, write


async def move_task(
    work: UnitOfWork,
    task_id: UUID,
    actor: Actor,
    *,
    after_id: UUID | None = None,
    before_id: UUID | None = None,
    expected_version: int | None = None,
) -> Task:
    """Put the task behind `after_id`, ahead of `before_id`, or between both.

    Raises DomainError INVALID (neither is given, the task itself, or they stand the other way round), NOT_FOUND or
    VERSION_CONFLICT.
    """
    if after_id is None and before_id is None:
        raise DomainError(ErrorCode.INVALID, "Give afterId, beforeId or both.", field=("input", "afterId"))
    if task_id in (after_id, before_id):
        raise DomainError(ErrorCode.INVALID, "A task can't be moved next to itself.", field=("input", "afterId"))
    [task] = await hold(work, [task_id], expected_version)
    low = await _position(work, after_id, ("input", "afterId")) if after_id else None
    high = await _position(work, before_id, ("input", "beforeId")) if before_id else None
    if high is None:
        assert low is not None, "one of them is given"
        high = await _neighbour(work, task_id, after=low)
    elif low is None:
        low = await _neighbour(work, task_id, before=high)
    if low is not None and high is not None and low >= high:
        raise DomainError(ErrorCode.INVALID, "afterId must stand before beforeId.", field=("input", "beforeId"))
    inside = task.position > (low or "") and (high is None or task.position < high)
    position = task.position if inside else last_position() if high is None else between(low or "", high)
    moved = await write(work, [task], [replace(task, position=position)], TaskAction.UPDATED, Author(actor))
    return moved[0]


async def _position(work: UnitOfWork, task_id: UUID, field: Field) -> str:
    own = (tasks.c.user_id == work.user_id, tasks.c.id == task_id, tasks.c.deleted_at.is_(None))
    found: str | None = await work.scalar(select(tasks.c.position).where(*own))
    if found is None:
        raise not_found(field)
    return found


async def _neighbour(
    work: UnitOfWork, moving: UUID, *, after: str | None = None, before: str | None = None
) -> str | None:
    """The nearest position on that side of other tasks, or None at the end of the list."""
    wanted = func.max(tasks.c.position) if after is None else func.min(tasks.c.position)
    side = tasks.c.position < before if after is None else tasks.c.position > after
    own = (tasks.c.user_id == work.user_id, tasks.c.deleted_at.is_(None), tasks.c.id != moving)
    found: str | None = await work.scalar(select(wanted).where(*own, side))
    return found
