"""What an undo minds of parents and subtasks: none is left under a parent that is gone, and there is one level."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from core.ids import parse_global_id, to_global_id
from core.unit_of_work import Session, UnitOfWork
from models.tasks import Task
from services.tasks.family import lock, relatives_of
from services.tasks.revisions import state
from services.undo.reading import Record
from services.undo.rewinding import Rewind

Fields = dict[str, Any]  # Any: a task's fields in JSON


async def settle(session: Session, record: Record, rewind: Rewind) -> list[tuple[UUID, str]]:
    """Take along the subtasks of tasks that go, and let those that come back alone whose parent can't take them.

    The tasks of the record are locked by now; in a unit of work the others that matter here are, too. A former parent
    that can't be one any more is a clash, which is returned.
    """
    going = {task_id for task_id in rewind.fields if rewind.goes(task_id)}
    coming = [task_id for task_id, fields in rewind.fields.items() if _finds_parent(fields, rewind.present[task_id])]
    if not going and not coming:
        return []
    parents = {_parent(rewind.fields[task_id]) for task_id in coming} - record.tasks.keys()
    others = await _others(session, record, going.union(coming), parents)
    for task in others.values():
        if task.parent_id in going:
            record.tasks[task.id], record.labels[task.id] = task, ()
            rewind.add(task.id, state(task, ()))
    for fields in rewind.fields.values():
        if _parent(fields) in going and fields["deletedAt"] is None:
            fields["deletedAt"] = rewind.fields[_parent(fields)]["deletedAt"]
    everybody = {task.id: state(task, ()) for task in others.values()} | rewind.fields
    clashes = []
    for task_id in coming:
        fields = rewind.fields[task_id]
        if fields["deletedAt"] is None and not _fits(task_id, everybody):
            if fields["parentId"] != rewind.present[task_id]["parentId"]:
                clashes.append((task_id, "parentId"))
            fields["parentId"] = None
    return clashes


def _finds_parent(fields: Fields, present: Fields) -> bool:
    """Whether the task comes to a parent, or back from its deletion to the one it had."""
    changes = fields["parentId"] != present["parentId"] or present["deletedAt"] is not None
    return fields["parentId"] is not None and fields["deletedAt"] is None and changes


def _fits(task_id: UUID, everybody: dict[UUID, Fields]) -> bool:
    parent = everybody.get(_parent(everybody[task_id]))
    own = to_global_id("Task", task_id)
    is_parent = any(fields["parentId"] == own and fields["deletedAt"] is None for fields in everybody.values())
    return parent is not None and parent["deletedAt"] is None and parent["parentId"] is None and not is_parent


def _parent(fields: Fields) -> UUID:
    """The id of its parent; one that no task has where it has none."""
    return parse_global_id(fields["parentId"], "Task") if fields["parentId"] else UUID(int=0)


async def _others(session: Session, record: Record, of: Iterable[UUID], parents: Iterable[UUID]) -> dict[UUID, Task]:
    """Subtasks of these tasks and the parents, those of the record aside."""
    found = await relatives_of(session, list(of), list(parents))
    others = {task.id: task for task in found if task.id not in record.tasks}
    return await lock(session, list(others)) if others and isinstance(session, UnitOfWork) else others
