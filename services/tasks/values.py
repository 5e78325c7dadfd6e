"""What the services on tasks take: a new task, a patch, and who acts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from models.enums import Actor, Priority, RecurrenceFrom
from services.inputs import UNSET, Unset


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task to be made. `due_date` and `due_at` (aware) exclude each other; `time_zone` is an IANA name.

    `recurrence` is an RRULE; without a due date the task is due on its first day from today on. `remind_at` (aware)
    and `remind_before` (minutes before `due_at`) exclude each other.
    """

    title: str
    description: str | None = None
    due_date: date | None = None
    due_at: datetime | None = None
    time_zone: str | None = None
    recurrence: str | None = None
    recurrence_from: RecurrenceFrom | None = None
    remind_at: datetime | None = None
    remind_before: int | None = None
    priority: Priority | None = None
    labels: Sequence[str] = ()
    parent_id: UUID | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class TaskPatch:
    """What to change of a task: a field left UNSET stays, None clears it.

    `labels` replaces all of them; `add_labels` and `remove_labels` go by what the task bears at that moment, so they
    don't undo what someone else does to its labels meanwhile. A due date that is cleared ends the repeating; one that
    moves takes `remind_before` along.
    """

    title: str | Unset | None = UNSET
    description: str | Unset | None = UNSET
    due_date: date | Unset | None = UNSET
    due_at: datetime | Unset | None = UNSET
    time_zone: str | Unset | None = UNSET
    recurrence: str | Unset | None = UNSET
    recurrence_from: RecurrenceFrom | Unset | None = UNSET
    remind_at: datetime | Unset | None = UNSET
    remind_before: int | Unset | None = UNSET
    priority: Priority | Unset | None = UNSET
    labels: Sequence[str] | Unset | None = UNSET
    parent_id: UUID | Unset | None = UNSET
    add_labels: Sequence[str] = ()
    remove_labels: Sequence[str] = ()

    @property
    def touches_labels(self) -> bool:
        return self.labels is not UNSET or bool(self.add_labels or self.remove_labels)


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes a task, and by which call of which conversation."""

    actor: Actor
    tool_call_id: UUID | None = None
    conversation_id: UUID | None = None
