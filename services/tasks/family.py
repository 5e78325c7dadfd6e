"""One level of subtasks: who may be whose parent, and which subtasks go along with what is done to their parent.

A task that isn't deleted has a parent that isn't deleted and is no subtask itself. A parent is locked whenever one
becomes its subtask or comes back to it, so none is deleted or becomes a subtask meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from functools import cache
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, and_, any_, bindparam, func, or_, select, union_all

from core.errors import DomainError, ErrorCode
from core.statements import Prepared, prepared
from core.unit_of_work import Session, UnitOfWork
from models.base import rows_of
from models.tasks import Task, tasks
from services.inputs import Field
from services.tasks.checks import not_found

SUBTASKS_LIMIT: Final = 500
"""Subtasks of one task, deleted ones aside."""

CASCADE_LIMIT: Final = 1000
"""Tasks that one step may change, subtasks that go along included."""

_PARENT: Final[Field] = ("input", "parentId")
_IDS: Final = bindparam("ids", type_=ARRAY(Uuid))
_MINE: Final = tasks.c.user_id == bindparam("user_id")
_PARENTS: Final = tasks.alias()
_REPEATING: Final = select(_PARENTS.c.id).where(
    _PARENTS.c.user_id == bindparam("user_id"), _PARENTS.c.id == any_(_IDS), _PARENTS.c.recurrence.is_not(None)
)


class Along(Enum):
    """Which subtasks go along with their parents: the open ones, all that aren't deleted, or deleted ones.

    AGAIN: those that are done, of a parent that repeats. OCCURRENCE: these and the open ones.
    """

    OPEN = "OPEN"
    AGAIN = "AGAIN"
    OCCURRENCE = "OCCURRENCE"
    LIVE = "LIVE"
    DELETED = "DELETED"

    @property
    def condition(self) -> ColumnElement[bool]:
        live, is_open = tasks.c.deleted_at.is_(None), tasks.c.completed_at.is_(None)
        match self:
            case Along.OPEN:
                return live & is_open
            case Along.AGAIN:
                return live & ~is_open & tasks.c.parent_id.in_(_REPEATING)
            case Along.OCCURRENCE:
                return live & (is_open | tasks.c.parent_id.in_(_REPEATING))
            case Along.LIVE:
                return live
            case Along.DELETED:
                return ~live


_HELD: Final = prepared(
    rows_of(tasks).where(_MINE, tasks.c.id == any_(_IDS)).order_by(tasks.c.id).with_for_update(key_share=True), Task
)


async def lock(work: UnitOfWork, task_ids: Sequence[UUID], along: Along | None = None) -> dict[UUID, Task]:
    """Tasks by id, locked in the order of their ids; with `along` those subtasks and all parents are locked as well.

    Subtasks that came while this waited are locked by `subtasks_of`.
    """
    statement = _HELD if along is None else _family(along)
    return {task.id: task for task in await work.every(statement, ids=list(task_ids))}


async def subtasks_of(work: UnitOfWork, parents: Sequence[Task], along: Along) -> list[Task]:
    """The subtasks that go along with these locked tasks and aren't among them. Raises DomainError INVALID: too many.

    Deleted ones go along with a deleted parent where it was its deletion that took them: theirs is of that instant.
    """
    by_id = {parent.id: parent for parent in parents}
    found = await work.every(_subtasks(along), ids=list(by_id))
    taken = [task for task in found if task.id not in by_id and _goes_along(task, by_id, along)]
    if len(by_id) + len(taken) > CASCADE_LIMIT:
        message = f"With their subtasks that is more than {CASCADE_LIMIT:,} tasks at once."
        raise DomainError(ErrorCode.INVALID, message, field=("input",))
    return taken


def _goes_along(task: Task, parents: dict[UUID, Task], along: Along) -> bool:
    assert task.parent_id is not None, "it was looked for by that"
    return along is not Along.DELETED or task.deleted_at == parents[task.parent_id].deleted_at


async def check_parent(work: UnitOfWork, parent_id: UUID, children: Sequence[Task] | None = None) -> None:
    """Whether the task may become the parent of these locked ones; of one that is being made where none are given.

    Locks the parent: where there are children, it was locked with them. Raises DomainError NOT_FOUND or INVALID.
    """
    parent = await work.first(_HELD, ids=[parent_id])
    if parent is None or parent.deleted_at is not None:
        raise not_found(_PARENT)
    ids = [child.id for child in children or ()]
    if parent_id in ids:
        raise _refused("A task can't be a subtask of itself.", parent_id)
    if parent.parent_id is not None:
        raise _refused(f"“{parent.title}” is a subtask itself, and a subtask has none.", parent_id)
    if has := await work.first(_SOME_PARENT, ids=ids):
        raise _refused(f"“{has.title}” has subtasks, so it can't become one.", has.id)
    joining = 1 if children is None else sum(child.parent_id != parent_id for child in children)
    if joining and await work.value(_COUNTED, ids=[parent_id]) + joining > SUBTASKS_LIMIT:
        raise _refused(f"A task has at most {SUBTASKS_LIMIT} subtasks.", parent_id)


async def at_home(session: Session, restored: Sequence[Task]) -> list[Task]:
    """These tasks as they come back: one whose parent is deleted, or a subtask itself by now, comes back without it.

    The parents are locked, or among the tasks.
    """
    among = {task.id: task for task in restored}
    elsewhere = {task.parent_id for task in restored if task.parent_id} - among.keys()
    found = await session.every(_ROWS, ids=list(elsewhere)) if elsewhere else []
    live = {task.id for task in found if task.deleted_at is None} | among.keys()
    nested = {task.id for task in (*found, *restored) if task.parent_id}
    return [
        task if task.parent_id is None or task.parent_id in live - nested else replace(task, parent_id=None)
        for task in restored
    ]


async def with_subtasks(session: Session, task_id: UUID, along: Along) -> list[UUID]:
    """The task, and the subtasks that would go along with it. Nothing is locked."""
    found = await session.every(_reading(along), ids=[task_id])
    return [task_id, *(task.id for task in found)]


async def with_deleted_subtasks(session: Session, task_ids: Sequence[UUID]) -> list[UUID]:
    """The tasks, and all their deleted subtasks. Nothing is locked."""
    found = await session.every(_reading(Along.DELETED), ids=list(task_ids))
    return list(dict.fromkeys([*task_ids, *(task.id for task in found)]))


async def restored_with(session: Session, task_id: UUID) -> list[UUID]:
    """The deleted task, and the subtasks that come back with it. Nothing is locked."""
    [parent] = await session.every(_ROWS, ids=[task_id])
    found = await session.every(_reading(Along.DELETED), ids=[task_id])
    return [task_id, *(task.id for task in found if _goes_along(task, {task_id: parent}, Along.DELETED))]


async def relatives_of(session: Session, task_ids: Sequence[UUID], others: Sequence[UUID]) -> list[Task]:
    """The subtasks of these tasks that aren't deleted, and the other tasks whatever they are. Nothing is locked."""
    return await session.every(_RELATIVES, ids=list(task_ids), others=list(others))


def _refused(message: str, task_id: UUID) -> DomainError:
    return DomainError(ErrorCode.INVALID, message, field=_PARENT, node=("Task", task_id))


_OTHERS: Final = bindparam("others", type_=ARRAY(Uuid))
_RELATIVES: Final = prepared(
    rows_of(tasks).where(
        _MINE,
        or_(tasks.c.id == any_(_OTHERS), and_(tasks.c.parent_id == any_(_IDS), Along.LIVE.condition)),
    ),
    Task,
)
_ROWS: Final = prepared(rows_of(tasks).where(_MINE, tasks.c.id == any_(_IDS)), Task)


@cache
def _subtasks(along: Along) -> Prepared[Task]:
    return prepared(_children(along).order_by(tasks.c.id).with_for_update(key_share=True), Task)


@cache
def _reading(along: Along) -> Prepared[Task]:
    return prepared(_children(along).order_by(tasks.c.position, tasks.c.id), Task)


@cache
def _family(along: Along) -> Prepared[Task]:
    given = select(func.unnest(_IDS).label("id"))
    children = _children(along).with_only_columns(tasks.c.id)
    parents = select(tasks.c.parent_id).where(_MINE, tasks.c.id == any_(_IDS), tasks.c.parent_id.is_not(None))
    everybody = tasks.c.id.in_(select(union_all(given, children, parents).subquery()))
    return prepared(rows_of(tasks).where(_MINE, everybody).order_by(tasks.c.id).with_for_update(key_share=True), Task)


def _children(along: Along) -> Select[tuple[Task]]:
    return rows_of(tasks).where(_MINE, tasks.c.parent_id == any_(_IDS), along.condition)


_SOME_PARENT: Final = prepared(
    rows_of(tasks).where(
        _MINE,
        tasks.c.id
        == select(tasks.c.parent_id)
        .where(_MINE, tasks.c.parent_id == any_(_IDS), Along.LIVE.condition)
        .limit(1)
        .scalar_subquery(),
    ),
    Task,
)
_COUNTED: Final = prepared(select(func.count()).where(_MINE, tasks.c.parent_id == any_(_IDS), Along.LIVE.condition))
