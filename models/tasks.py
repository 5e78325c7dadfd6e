"""Tasks, labels and each task's revisions: what it was before and after a change, who changed it, by which call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Time,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from models.base import SCHEMA, id_column, metadata, one_of, owned_by, user_column
from models.enums import Actor, RecurrenceFrom, TaskAction

TASK_TITLE_LIMIT = 500
DESCRIPTION_LIMIT = 10_000
LABEL_LIMIT = 100
LABELS_PER_TASK = 50
LABELS_PER_USER = 500
RECURRENCE_LIMIT = 500
REMIND_BEFORE_LIMIT = 527_040
"""Minutes of a leap year."""

DUE_ORDER = "coalesce(due_at AT TIME ZONE 'UTC', due_date + interval '1 day', '{}infinity'::timestamp)"
"""Where a due date sorts among due instants: an all-day task at the end of its day, read as UTC. An infinity stands for
none, so that these come last in both directions. Columns, since under a policy no COALESCE is part of an index range.
"""

REMINDER = "coalesce(snoozed_until, remind_at)"
"""When a task's reminder is due next, or was last."""

PENDING_REMINDER = (
    f"{REMINDER} IS NOT NULL AND {REMINDER} IS DISTINCT FROM reminded_for"
    " AND completed_at IS NULL AND deleted_at IS NULL"
)
"""Whether it still has to be fired. A task that is done or deleted reminds nobody."""

POSITION_LIMIT = 64
"""Digits of a position at most; `services.tasks.positions` keeps to half of them."""

OPEN = "completed_at IS NULL AND deleted_at IS NULL"
"""What a list of things to do shows: of a long-time user's tasks the few that are left, so each order has an index."""

OPEN_ORDERS = (
    ("position", "position"),
    ("due", "due_order"),
    ("due_desc", "due_order_desc"),
    ("created", "created_at"),
    ("updated", "updated_at"),
    ("priority", "priority"),
)

tasks = Table(
    "tasks",
    metadata,
    user_column(),
    id_column(),
    Column("title", Text, nullable=False),
    Column("description", Text),
    Column("completed_at", DateTime(timezone=True)),
    Column("due_date", Date),
    Column("due_at", DateTime(timezone=True)),
    Column("time_zone", Text),
    Column("recurrence", Text),
    Column("recurrence_from", Text, nullable=False, server_default=RecurrenceFrom.DUE.value),
    Column("recurrence_time", Time),
    Column("remind_at", DateTime(timezone=True)),
    Column("remind_before", Integer),
    Column("snoozed_until", DateTime(timezone=True)),
    Column("reminded_for", DateTime(timezone=True)),
    Column("priority", SmallInteger, nullable=False, server_default="0"),
    Column("parent_id", Uuid),
    Column("position", Text(collation="C"), nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
    Column("idempotency_key", Text),
    Column("idempotency_digest", LargeBinary),
    Column("due_order", DateTime, Computed(DUE_ORDER.format(""), persisted=True)),
    Column("due_order_desc", DateTime, Computed(DUE_ORDER.format("-"), persisted=True)),
    ForeignKeyConstraint(["user_id"], [f"{SCHEMA}.users.id"], ondelete="CASCADE"),
    CheckConstraint(f"char_length(title) BETWEEN 1 AND {TASK_TITLE_LIMIT}", name="title"),
    CheckConstraint(f"char_length(description) <= {DESCRIPTION_LIMIT}", name="description"),
    CheckConstraint("due_date IS NULL OR due_at IS NULL", name="due"),
    CheckConstraint("due_at IS NULL OR time_zone IS NOT NULL", name="time_zone"),
    CheckConstraint(f"char_length(recurrence) BETWEEN 1 AND {RECURRENCE_LIMIT}", name="recurrence"),
    CheckConstraint("recurrence IS NULL OR due_date IS NOT NULL OR due_at IS NOT NULL", name="recurrence_due"),
    one_of("recurrence_from", RecurrenceFrom),
    CheckConstraint(f"remind_before BETWEEN 0 AND {REMIND_BEFORE_LIMIT}", name="remind_before"),
    CheckConstraint("remind_before IS NULL OR (due_at IS NOT NULL AND remind_at IS NOT NULL)", name="remind_due"),
    CheckConstraint("snoozed_until IS NULL OR remind_at IS NOT NULL", name="snoozed_until"),
    CheckConstraint("priority BETWEEN 0 AND 4", name="priority"),
    owned_by("tasks", "parent_id"),
    CheckConstraint("parent_id <> id", name="parent"),
    CheckConstraint(f"position ~ '^[0-9a-f]*[1-9a-f]$' AND char_length(position) <= {POSITION_LIMIT}", name="position"),
    Index("ix_tasks_position", "user_id", "position", "id"),
    Index("ix_tasks_parent", "user_id", "parent_id", "position", "id", postgresql_where=text("parent_id IS NOT NULL")),
    Index("ix_tasks_deleted", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")),
    Index("ix_tasks_due", "user_id", "due_order", "id"),
    Index("ix_tasks_due_desc", "user_id", "due_order_desc", "id"),
    Index("ix_tasks_created", "user_id", "created_at", "id"),
    Index("ix_tasks_updated", "user_id", "updated_at", "id"),
    Index("ix_tasks_reminder", text(REMINDER), postgresql_where=text(PENDING_REMINDER)),
    Index("ix_tasks_priority", "user_id", "priority", "id"),
    *(Index(f"ix_tasks_open_{order}", "user_id", key, "id", postgresql_where=text(OPEN)) for order, key in OPEN_ORDERS),
    Index(
        "uq_tasks_key", "user_id", "idempotency_key", unique=True, postgresql_where=text("idempotency_key IS NOT NULL")
    ),
)

labels = Table(
    "labels",
    metadata,
    user_column(),
    id_column(),
    Column("name", Text, nullable=False),
    Column("name_key", Text, nullable=False),
    Column("color", Text),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("idempotency_key", Text),
    Column("idempotency_digest", LargeBinary),
    ForeignKeyConstraint(["user_id"], [f"{SCHEMA}.users.id"], ondelete="CASCADE"),
    CheckConstraint(f"char_length(name) BETWEEN 1 AND {LABEL_LIMIT}", name="name"),
    CheckConstraint("color ~ '^#[0-9a-f]{6}$'", name="color"),
    Index("uq_labels_name", "user_id", "name_key", unique=True),
    Index(
        "uq_labels_key", "user_id", "idempotency_key", unique=True, postgresql_where=text("idempotency_key IS NOT NULL")
    ),
)

task_labels = Table(
    "task_labels",
    metadata,
    user_column(),
    Column("task_id", Uuid, primary_key=True),
    Column("label_id", Uuid, primary_key=True),
    owned_by("tasks", "task_id"),
    owned_by("labels", "label_id"),
    Index("ix_task_labels_label", "user_id", "label_id", "task_id"),
)

task_revisions = Table(
    "task_revisions",
    metadata,
    user_column(),
    id_column(),
    Column("task_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("tool_call_id", Uuid),
    Column("changes", JSONB, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    owned_by("tasks", "task_id"),
    one_of("action", TaskAction),
    one_of("actor", Actor),
    Index("uq_task_revisions_version", "user_id", "task_id", "version", unique=True),
    Index("ix_task_revisions_call", "user_id", "tool_call_id", "id"),
)


@dataclass(frozen=True, slots=True)
class Task:
    user_id: str
    id: UUID
    title: str
    description: str | None
    completed_at: datetime | None
    due_date: date | None
    due_at: datetime | None
    time_zone: str | None
    recurrence: str | None
    recurrence_from: str
    recurrence_time: time | None
    """The time of day that the rule means, where the clock skips it on the present due date; else that of `due_at`."""
    remind_at: datetime | None
    remind_before: int | None
    """Minutes before `due_at` that `remind_at` keeps; None: it is a time of its own."""
    snoozed_until: datetime | None
    """When the present reminder comes again instead."""
    reminded_for: datetime | None
    """The reminder that was fired last, or was over when it was set: it isn't fired again."""
    priority: int
    parent_id: UUID | None
    position: str
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    idempotency_key: str | None
    idempotency_digest: bytes | None


@dataclass(frozen=True, slots=True)
class Label:
    user_id: str
    id: UUID
    name: str
    name_key: str
    color: str | None
    version: int
    idempotency_key: str | None
    idempotency_digest: bytes | None


@dataclass(frozen=True, slots=True)
class TaskRevision:
    user_id: str
    id: UUID
    task_id: UUID
    version: int
    action: str
    actor: str
    tool_call_id: UUID | None
    changes: Sequence[Mapping[str, Any]]
    at: datetime
