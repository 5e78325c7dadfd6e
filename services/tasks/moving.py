"""Moving a task in the user's own order. Moves of one user wait for each other, so each finds what the last one left.

Where positions have become long, or two tasks share one, those around are spread anew: changes of the system's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Integer, Text, Uuid, bindparam, func, select, tuple_

from core.errors import DomainError, ErrorCode
from core.statements import Prepared, prepared
from core.unit_of_work import Session, UnitOfWork
from models.base import rows_of
from models.enums import Actor, TaskAction
from models.tasks import Task, tasks
from services.inputs import Field
from services.tasks.checks import not_found
from services.tasks.family import lock
from services.tasks.positions import position_between, positions_between
from services.tasks.values import Author
from services.tasks.writing import hold_one, write

LONG: Final = 32
"""Digits of a position at most; a longer one has those around it spread anew."""

SPREAD: Final = 24
"""Digits that spreading shall come down to, so that there is room for a while."""

WINDOWS: Final = (32, 128, 512)
"""Tasks to either side that are spread; the next where the one before doesn't come down to that."""


class ListEnd(StrEnum):
    TOP = "TOP"
    BOTTOM = "BOTTOM"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task is to stand: right after one, right before one (or between both), or at an end of the list."""

    after_id: UUID | None = None
    before_id: UUID | None = None
    end: ListEnd | None = None


@dataclass(frozen=True, slots=True)
class _Gap:
    """What it is to stand between; None is an end of the list."""

    low: Task | None
    high: Task | None


async def move_task(
    work: UnitOfWork,
    task_id: UUID,
    place: Place,
    actor: Actor,
    *,
    expected_version: int | None = None,
    tool_call_id: UUID | None = None,
    conversation_id: UUID | None = None,
) -> Task:
    """Move a task; one that stands there already is left as it is.

    Raises DomainError NOT_FOUND, VERSION_CONFLICT with the task as its node, or INVALID.
    """
    _check(place, task_id)
    await work.run(_ORDER)
    task = await hold_one(work, task_id, expected_version)
    gap = await _gap(work, task, place)
    if (gap.low is None or _key(gap.low) < _key(task)) and (gap.high is None or _key(task) < _key(gap.high)):
        return task
    position = position_between(_position(gap.low), _position(gap.high))
    if position is None or len(position) > LONG:
        position = await _spread(work, task, gap)
    author = Author(actor, tool_call_id, conversation_id)
    [moved] = await write(work, [task], [replace(task, position=position)], TaskAction.UPDATED, author)
    return moved


def _check(place: Place, task_id: UUID) -> None:
    if (place.end is None) == (place.after_id is None and place.before_id is None):
        message = "Give afterId, beforeId or both, or else an end of the list."
        raise DomainError(ErrorCode.INVALID, message, field=("input", "afterId"))
    for field, anchor_id in (("afterId", place.after_id), ("beforeId", place.before_id)):
        if anchor_id == task_id:
            message = "A task can't stand before or after itself."
            raise DomainError(ErrorCode.INVALID, message, field=("input", field))


async def _gap(work: UnitOfWork, task: Task, place: Place) -> _Gap:
    """The place that was asked for, as if the task itself weren't in the list."""
    if place.end is ListEnd.TOP:
        return _Gap(None, next(iter(await _ahead(work, "", task, 1)), None))
    if place.end is ListEnd.BOTTOM:
        return _Gap(next(iter(await _behind(work, "g", task, 1)), None), None)
    after = await _anchor(work, place.after_id, ("input", "afterId")) if place.after_id else None
    before = await _anchor(work, place.before_id, ("input", "beforeId")) if place.before_id else None
    if after is not None and before is not None and _key(after) >= _key(before):
        message = "The task of afterId doesn't stand before that of beforeId."
        raise DomainError(ErrorCode.INVALID, message, field=("input", "beforeId"), node=("Task", before.id))
    if after is not None:
        return _Gap(after, next(iter(await _ahead(work, after, task, 1)), None))
    assert before is not None, "one of them is given"
    return _Gap(next(iter(await _behind(work, before, task, 1)), None), before)


async def _anchor(work: UnitOfWork, task_id: UUID, field: Field) -> Task:
    found = await work.first(_LIVE, id=task_id)
    if found is None:
        raise not_found(field)
    return found


async def _spread(work: UnitOfWork, task: Task, gap: _Gap) -> str:
    """Give the tasks around the gap new positions, evenly, and answer the one in the gap."""
    for window in WINDOWS:
        low = [gap.low, *await _behind(work, gap.low, task, window)] if gap.low else []
        high = [gap.high, *await _ahead(work, gap.high, task, window)] if gap.high else []
        below, inner_low = (low[-1], low[:-1]) if len(low) > window else (None, low)
        above, inner_high = (high[-1], high[:-1]) if len(high) > window else (None, high)
        count = len(inner_low) + 1 + len(inner_high)
        spread = positions_between(_position(below), _position(above), count)
        if spread is not None and (max(map(len, spread)) <= SPREAD or window == WINDOWS[-1]):
            break
    else:
        raise AssertionError("so many tasks don't share one position")
    own = spread.pop(len(inner_low))
    wanted = {one.id: position for one, position in zip([*inner_low[::-1], *inner_high], spread, strict=True)}
    around = list((await lock(work, list(wanted))).values())
    respread = [replace(one, position=wanted[one.id]) for one in around]
    await write(work, around, respread, TaskAction.UPDATED, Author(Actor.SYSTEM))
    return own


def _position(task: Task | None) -> str | None:
    return None if task is None else task.position


def _key(task: Task) -> tuple[str, UUID]:
    return task.position, task.id


async def _ahead(session: Session, of: Task | str, but: Task, limit: int) -> Sequence[Task]:
    """Tasks after one, or after a position, in order; the task that is moved aside."""
    return await _beside(session, _AHEAD, of, but, limit)


async def _behind(session: Session, of: Task | str, but: Task, limit: int) -> Sequence[Task]:
    """Tasks before it, the nearest first."""
    return await _beside(session, _BEHIND, of, but, limit)


async def _beside(session: Session, statement: Prepared[Task], of: Task | str, but: Task, limit: int) -> Sequence[Task]:
    position, task_id = (of, UUID(int=0)) if isinstance(of, str) else _key(of)
    return await session.every(statement, position=position, id=task_id, but=but.id, limit=limit)


_ORDER: Final = prepared(
    select(func.pg_advisory_xact_lock(func.hashtextextended("tasktalk.order:" + bindparam("user_id", type_=Text), 0)))
)
"""Held until COMMIT. In the order of locks it stands right before the tasks."""

_MINE: Final = (tasks.c.user_id == bindparam("user_id"), tasks.c.deleted_at.is_(None))
_LIVE: Final = prepared(rows_of(tasks).where(*_MINE, tasks.c.id == bindparam("id")), Task)

_HERE: Final = tuple_(tasks.c.position, tasks.c.id)
_THERE: Final = tuple_(bindparam("position", type_=Text), bindparam("id", type_=Uuid))
_OTHERS: Final = (
    rows_of(tasks).where(*_MINE, tasks.c.id != bindparam("but", type_=Uuid)).limit(bindparam("limit", type_=Integer))
)
_AHEAD: Final = prepared(_OTHERS.where(_HERE > _THERE).order_by(tasks.c.position, tasks.c.id), Task)
_BEHIND: Final = prepared(_OTHERS.where(_HERE < _THERE).order_by(tasks.c.position.desc(), tasks.c.id.desc()), Task)
