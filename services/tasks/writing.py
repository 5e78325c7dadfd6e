"""The one way in which tasks that exist are written: locked by id, compared, then stored with their revisions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Concatenate, Final, ParamSpec, Protocol
from uuid import UUID

from sqlalchemy import and_, bindparam, func, select, update

from core.errors import DomainError, ErrorCode
from core.statements import Prepared, prepared
from core.unit_of_work import UnitOfWork
from models.base import columns_of
from models.enums import TaskAction
from models.tasks import Task, task_revisions, tasks
from models.turns import tool_calls
from services.tasks.checks import not_found
from services.tasks.family import Along, lock
from services.tasks.labelling import UNTOUCHED, Labelling, write_labels
from services.tasks.revisions import Revised, differences, state, write_revisions
from services.tasks.values import Author
from services.versions import check_version

BATCH_LIMIT: Final = 100
"""Tasks that one step may change."""

_ALWAYS: Final = frozenset({"version", "updated_at"})
_SEVERAL: Final = ("input", "taskIds")
_VERSIONS: Final = ("input", "expectedVersions")

Versions = int | Sequence[int | None] | None
"""The version that each of several tasks is expected at: one for all, or one each in their order; None: any."""

More = ParamSpec("More")


class OfOne(Protocol[More]):
    """What is done to one task."""

    async def __call__(self, work: UnitOfWork, task_id: UUID, *args: More.args, **more: More.kwargs) -> Task: ...


def of_one(several: Callable[Concatenate[UnitOfWork, Sequence[UUID], More], Awaitable[list[Task]]]) -> OfOne[More]:
    """The same for one task, whose id has a field of its own in the input."""

    async def one(work: UnitOfWork, task_id: UUID, *args: More.args, **more: More.kwargs) -> Task:
        try:
            [task] = await several(work, [task_id], *args, **more)
        except DomainError as error:
            if error.field is not None and error.field[:2] == _SEVERAL:
                error.field = ("input", "taskId")
            raise
        return task

    return one


async def hold(
    work: UnitOfWork,
    task_ids: Sequence[UUID],
    expected_version: Versions = None,
    *,
    deleted: bool = False,
    along: Along | None = None,
    parent_id: UUID | None = None,
) -> list[Task]:
    """These tasks, locked until COMMIT, in the order given and each once. Deleted ones only where `deleted` is set.

    Locked with them: their families where subtasks may go `along`, and the task that is to become their parent.
    Raises DomainError NOT_FOUND, VERSION_CONFLICT with the task as its node, or INVALID: not 1 to 100 ids.
    """
    if not 1 <= len(task_ids) <= BATCH_LIMIT:
        message = f"taskIds takes 1 to {BATCH_LIMIT} ids."
        raise DomainError(ErrorCode.INVALID, message, field=_SEVERAL)
    if isinstance(expected_version, Sequence) and len(expected_version) != len(task_ids):
        raise DomainError(ErrorCode.INVALID, "expectedVersions takes one for each of taskIds.", field=_VERSIONS)
    held = await lock(work, [*task_ids, *([parent_id] if parent_id else ())], along)
    for place, task_id in enumerate(task_ids):
        task = held.get(task_id)
        if task is None or (task.deleted_at is not None and not deleted):
            raise not_found((*_SEVERAL, str(place)))
        if isinstance(expected_version, Sequence):
            check_version(("Task", task_id), task.version, expected_version[place], (*_VERSIONS, str(place)))
        else:
            check_version(("Task", task_id), task.version, expected_version)
    return [held[task_id] for task_id in dict.fromkeys(task_ids)]


hold_one: Final = of_one(hold)


async def check_unchanged(work: UnitOfWork, seen: Sequence[tuple[UUID, int]], *, turn_id: UUID) -> None:
    """Hold these tasks until COMMIT. Raises DomainError VERSION_CONFLICT, with the task as its node, where one is no
    longer at the version given, or gone. What that turn's own calls wrote since doesn't count: its user knows them."""
    held = await lock(work, [task_id for task_id, _ in seen])
    for task_id, version in seen:
        task = held.get(task_id)
        own = 0 if task is None or task.version == version else await _written_since(work, turn_id, task_id, version)
        if task is None or task.version != version + own:
            name = f"“{task.title}”" if task is not None else "A task"
            message = f"{name} has changed since you were asked; nothing of this was done."
            raise DomainError(ErrorCode.VERSION_CONFLICT, message, node=("Task", task_id))


async def _written_since(work: UnitOfWork, turn_id: UUID, task_id: UUID, version: int) -> int:
    """How many of the task's versions past that one the turn's calls wrote."""
    of_call = and_(tool_calls.c.user_id == task_revisions.c.user_id, tool_calls.c.id == task_revisions.c.tool_call_id)
    statement = (
        select(func.count())
        .select_from(task_revisions.join(tool_calls, of_call))
        .where(
            task_revisions.c.user_id == work.user_id,
            task_revisions.c.task_id == task_id,
            task_revisions.c.version > version,
            tool_calls.c.turn_id == turn_id,
        )
    )
    return int(await work.scalar(statement))


async def write(
    work: UnitOfWork,
    before: Sequence[Task],
    after: Sequence[Task],
    action: TaskAction,
    author: Author,
    labels: Mapping[UUID, Labelling] | None = None,
) -> list[Task]:
    """Store what differs: version, `updated_at`, a revision and a log entry each; nothing where nothing changes."""
    plans = labels or {}
    revised: list[Revised] = []
    result: list[Task] = []
    columns: set[str] = set(_ALWAYS)
    for old, new in zip(before, after, strict=True):
        plan = plans.get(old.id, UNTOUCHED)
        changes = differences(state(old, _names(plan.before)), state(new, _names(plan.after)))
        if changes:
            columns |= {name for name, value in columns_of(new).items() if getattr(old, name) != value}
            new = replace(new, version=old.version + 1, updated_at=max(work.now, old.updated_at))
            revised.append(Revised(new, changes))
        result.append(new)
    if revised:
        await _store(work, [one.task for one in revised], sorted(columns))
        await write_labels(work, {one.task.id: plans[one.task.id] for one in revised if one.task.id in plans})
        write_revisions(work, revised, action, author)
    return result


async def _store(work: UnitOfWork, changed: Sequence[Task], columns: Sequence[str]) -> None:
    """One statement, run for each task, with the columns that differ in any of them."""
    rows = [{"id": task.id, **{name: getattr(task, name) for name in columns}} for task in changed]
    await work.run_each(_storing(tuple(columns)), rows)


@cache
def _storing(columns: tuple[str, ...]) -> Prepared[Any]:  # Any: it answers nothing
    this = (tasks.c.user_id == bindparam("user_id"), tasks.c.id == bindparam("id"))
    return prepared(update(tasks).where(*this), columns=columns)


def _names(plan: Sequence[Any]) -> list[str]:  # Any: labels, of which only the name counts
    return [label.name for label in plan]
