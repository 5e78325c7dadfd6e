"""Tasks in memory, as revisions are taken off them one after another. Reads nothing and writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any, Final
from uuid import UUID

from core.ids import parse_global_id
from models.enums import Priority, TaskAction
from models.tasks import Task, TaskRevision
from services.labels import name_key
from services.tasks.revisions import State, instant

_UNCHECKED: Final = frozenset({"position", "isCompleted"})
"""Reordering is no conflict; `completedAt` says more than `isCompleted` does."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """A field that no longer has the value which a revision gave it, or that can't have its former one."""

    task_id: UUID
    version: int
    field: str


class Rewind:
    """The fields of some tasks, first as they are and then as they were."""

    def __init__(self, present: Mapping[UUID, State], now: datetime) -> None:
        self.present: dict[UUID, dict[str, Any]] = {task_id: dict(fields) for task_id, fields in present.items()}
        self._now = instant(now)
        self.fields: dict[UUID, dict[str, Any]] = {task_id: dict(fields) for task_id, fields in present.items()}
        self.doubts: list[Doubt] = []

    def add(self, task_id: UUID, present: State) -> None:
        """Another task, as it is."""
        self.present[task_id], self.fields[task_id] = dict(present), dict(present)

    def goes(self, task_id: UUID) -> bool:
        """Whether a task that isn't deleted now is so in memory."""
        return self.fields[task_id]["deletedAt"] is not None and self.present[task_id]["deletedAt"] is None

    def take_off(self, revision: TaskRevision) -> None:
        """Put back what the revision changed; newer ones of the calls that are taken back are off by now."""
        fields = self.fields[revision.task_id]
        for change in revision.changes:
            field, before, after = change["field"], change["before"], change["after"]
            unchanged = _same(field, fields[field], after)
            if not unchanged and field not in _UNCHECKED:
                self.doubts.append(Doubt(revision.task_id, revision.version, field))
            if revision.action == TaskAction.CREATED or (field == "position" and not unchanged):
                continue
            fields[field] = _put_back(fields["labels"], before, after) if field == "labels" else before
        if revision.action == TaskAction.CREATED:
            # A task that is deleted already stays so, since the same instant.
            fields["deletedAt"] = fields["deletedAt"] or self.present[revision.task_id]["deletedAt"] or self._now

    def clashes(self) -> list[tuple[UUID, str]]:
        """Tasks whose fields can't stand together now, since one that wasn't put back excludes one that was."""
        found: list[tuple[UUID, str]] = []
        for task_id, fields in self.fields.items():
            if fields["dueAt"] is not None and fields["dueDate"] is not None:
                found.append((task_id, "dueDate" if self.present[task_id]["dueDate"] is not None else "dueAt"))
            elif fields["dueAt"] is not None and fields["timeZone"] is None:
                found.append((task_id, "timeZone"))
            elif fields["recurrence"] is not None and fields["dueAt"] is None and fields["dueDate"] is None:
                found.append((task_id, "recurrence"))
            elif fields["remindBefore"] is not None and fields["dueAt"] is None:
                found.append((task_id, "remindBefore"))
            elif fields["snoozedUntil"] is not None and fields["remindAt"] is None:
                found.append((task_id, "snoozedUntil"))
        return found

    def changed(self, task_id: UUID) -> bool:
        """Whether the task now stands otherwise than it is."""
        return any(
            not _same(field, value, self.fields[task_id][field]) for field, value in self.present[task_id].items()
        )

    def task(self, present: Task) -> Task:
        """The task as it now stands in memory; its labels aside."""
        fields = self.fields[present.id]
        return replace(
            present,
            title=fields["title"],
            description=fields["description"],
            completed_at=_instant(fields["completedAt"]),
            due_date=date.fromisoformat(fields["dueDate"]) if fields["dueDate"] else None,
            due_at=_instant(fields["dueAt"]),
            time_zone=fields["timeZone"],
            recurrence=fields["recurrence"],
            recurrence_from=fields["recurrenceFrom"],
            recurrence_time=time.fromisoformat(fields["recurrenceTime"]) if fields["recurrenceTime"] else None,
            remind_at=_instant(fields["remindAt"]),
            remind_before=fields["remindBefore"],
            snoozed_until=_instant(fields["snoozedUntil"]),
            priority=int(Priority[fields["priority"]]),
            parent_id=parse_global_id(fields["parentId"], "Task") if fields["parentId"] else None,
            position=fields["position"],
            deleted_at=_instant(fields["deletedAt"]),
        )


def keyed(names: Iterable[str]) -> dict[str, str]:
    """Label names by what their spellings share."""
    return {name_key(name): name for name in names}


def action_of(before: Task, after: Task) -> TaskAction:
    """What the change as a whole is called."""
    if (before.deleted_at is None) != (after.deleted_at is None):
        return TaskAction.RESTORED if after.deleted_at is None else TaskAction.DELETED
    if (before.completed_at is None) != (after.completed_at is None):
        return TaskAction.REOPENED if after.completed_at is None else TaskAction.COMPLETED
    return TaskAction.UPDATED


def _same(field: str, present: Any, written: Any) -> bool:  # Any: a field's value in JSON
    return keyed(present).keys() == keyed(written).keys() if field == "labels" else bool(present == written)


def _put_back(present: Sequence[str], before: Sequence[str], after: Sequence[str]) -> list[str]:
    """The names as before, where labels were neither renamed nor deleted since: those are no changes of a task.

    Else by what the change put on and took off, so that a renamed label stays and a deleted one stays away. Revisions
    know names only: where all that is missing was put on by the change, the names that it doesn't know are those.
    """
    borne, old, new = keyed(present), keyed(before), keyed(after)
    put_on, missing = new.keys() - old.keys(), new.keys() - borne.keys()
    renamed = borne.keys() - new.keys() if missing and missing <= put_on else set()
    kept = {key: name for key, name in borne.items() if key not in put_on and key not in renamed}
    taken_off = {key: name for key, name in old.items() if key not in new}
    both = {**taken_off, **kept}
    return [both[key] for key in sorted(both)]


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
