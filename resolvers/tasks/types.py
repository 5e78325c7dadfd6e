"""Task, Label and TaskRevision, declared on their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry.scalars import JSON

from models.tasks import Task as TaskRow
from models.tasks import labels, task_labels, task_revisions, tasks
from resolvers.enums import Actor, Priority, RecurrenceFrom, TaskAction, TaskOrder
from resolvers.fields import (
    Connection,
    Key,
    Keyset,
    Node,
    Through,
    column,
    connection,
    many,
    node,
    one,
    pure,
    pure_list,
    some,
)
from resolvers.scalars import TimeZone, invalid_argument
from services.recurrence import Series, following

if TYPE_CHECKING:
    from resolvers.conversations.types import ToolCall

REVISIONS = Keyset("revisions", (Key.number(task_revisions.c.version), Key.uuid(task_revisions.c.id)), descending=True)


def _wall(value: Any) -> datetime:
    """A cursor's due order: asyncpg reads PostgreSQL's infinities as the ends of Python's calendar."""
    return datetime.fromisoformat(value)


def task_keyset(order: Any, *, descending: bool) -> Keyset:
    """The order of a task list."""
    first = {
        TaskOrder.POSITION: Key.text(tasks.c.position),
        TaskOrder.DUE: Key(tasks.c.due_order_desc if descending else tasks.c.due_order, _wall),
        TaskOrder.CREATED: Key.instant(tasks.c.created_at),
        TaskOrder.UPDATED: Key.instant(tasks.c.updated_at),
        TaskOrder.PRIORITY: Key.number(tasks.c.priority),
    }[order]
    return Keyset(f"tasks by {order.value}", (first, Key.uuid(tasks.c.id)), descending)


@node(labels, description="A name that tasks can bear; a list that a person names is one as well.")
class Label(Node):
    name: str = column(description="Its name, unique among the user's labels whatever the case.")
    color: str | None = column(description="Its colour as #rrggbb.")
    version: int = column(description="Rises at every change.")


@strawberry.type(description="One field of a task before and after a change.")
class FieldChange:
    field: str = strawberry.field(description="The field, named as in GraphQL.")
    before: JSON | None = strawberry.field(description="What it was.")
    after: JSON | None = strawberry.field(description="What it became.")


def _changes(changes: Sequence[Mapping[str, Any]]) -> list[FieldChange]:
    return [FieldChange(field=one["field"], before=one["before"], after=one["after"]) for one in changes]


@node(task_revisions, description="One change of a task: what, by whom, by which call.")
class TaskRevision(Node):
    version: int = column(description="The task's version that this change made.")
    action: TaskAction = column(description="What happened.")
    actor: Actor = column(description="Who did it.")
    tool_call: Annotated[ToolCall, strawberry.lazy("resolvers.conversations.types")] | None = one(
        task_revisions.c.tool_call_id, description="The call that did it, if the assistant did."
    )
    changes: list[FieldChange] = pure(
        _changes, needs=[task_revisions.c.changes], description="The fields that changed."
    )
    at: datetime = column(description="When.")


def _is_set(value: Any) -> bool:
    return value is not None


def _clock(value: time | None) -> str | None:
    return None if value is None else value.isoformat()


@strawberry.type(description="One time at which a task that repeats is due.")
class Occurrence:
    date: date = strawberry.field(description="The day, in the task's zone.")
    at: datetime | None = strawberry.field(description="The instant; null where it is all day.")


def _occurrences(recurrence: str | None, *present: Any) -> list[Occurrence]:
    """Any: the columns that `Series.of` takes, whether the task is done, and how many are asked for."""
    *due, completed_at, first = present
    if not 1 <= first <= 100:
        raise invalid_argument("first must be 1..100.")
    if recurrence is None or completed_at is not None:
        return []
    found = islice(following(Series.of(recurrence, *due)), first)
    return [Occurrence(date=each.date, at=each.at) for each in found]


@node(tasks, description="Something to do.", value=TaskRow)
class Task(Node):
    title: str = column(description="What is to do, 1..500 characters.")
    description: str | None = column(description="More about it, up to 10,000 characters.")
    is_completed: bool = pure(_is_set, needs=[tasks.c.completed_at], description="Whether it is done.")
    completed_at: datetime | None = column(description="When it was done.")
    due_date: date | None = column(description="The day it is due, all day; exclusive with dueAt.")
    due_at: datetime | None = column(description="The instant it is due, meant in `timeZone`.")
    time_zone: TimeZone | None = column(description="The zone that the due time is meant in.")
    recurrence: str | None = column(
        description="An RRULE (RFC 5545), e.g. FREQ=MONTHLY;BYMONTHDAY=1, counted from the due date; COUNT is what is"
        " left of it. Completing an occurrence moves the due date to the next; with the last one the task is done."
    )
    recurrence_from: RecurrenceFrom = column(description="What the next due date is counted from.")
    recurrence_time: str | None = pure(
        _clock,
        needs=[tasks.c.recurrence_time],
        description="The rule's time of day where the clock skips it on the due date: 02:30:00 for one at 03:30.",
    )
    next_occurrences: list[Occurrence] = pure_list(
        _occurrences,
        needs=[
            tasks.c.recurrence,
            tasks.c.due_date,
            tasks.c.due_at,
            tasks.c.time_zone,
            tasks.c.recurrence_time,
            tasks.c.completed_at,
        ],
        first=5,
        description="When it is due after the present due date, were each done on its day; else empty.",
    )
    remind_at: datetime | None = column(description="When it reminds its user; one that is fired stays.")
    remind_before: int | None = column(
        description="The minutes before dueAt that remindAt keeps; null: it is a time of its own."
    )
    snoozed_until: datetime | None = column(description="When the present reminder comes (again) instead.")
    priority: Priority = column(description="How much it matters.")
    labels: list[Label] = many(
        Through(task_labels.c.task_id, task_labels.c.label_id),
        order=[labels.c.name_key],
        limit=100,
        description="Its labels, by name.",
    )
    parent: Task | None = one(tasks.c.parent_id, description="The task that it is a subtask of.")
    subtasks: list[Task] = some(
        tasks.c.parent_id,
        order=[tasks.c.position, tasks.c.id],
        where=[tasks.c.deleted_at.is_(None)],
        first=50,
        description="Its subtasks in the user's own order, deleted ones aside. One level: a subtask has none itself.",
    )
    position: str = column(description="Where it stands in the user's own order: compare as text.")
    version: int = column(description="Rises at every change; give it as expectedVersion.")
    created_at: datetime = column(description="When it was made.")
    updated_at: datetime = column(description="When it last changed.")
    deleted_at: datetime | None = column(description="When it was deleted; it can be restored.")
    history: Connection[TaskRevision] = connection(
        task_revisions.c.task_id,
        keyset=REVISIONS,
        backwards=False,
        description="Who changed what and why, newest first.",
    )
