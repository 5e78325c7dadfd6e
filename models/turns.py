"""Turns, what they keep while they run (rounds, drafts) and the tool calls they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from core.errors import ErrorCode
from models.base import id_column, metadata, one_of, owned_by, user_column
from models.enums import ChangeKind, OperationType, ToolCallStatus, ToolName, TurnNotice, TurnStatus

turns = Table(
    "turns",
    metadata,
    user_column(),
    id_column(),
    Column("conversation_id", Uuid, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("reply_id", Uuid),
    Column("retry_of", Uuid),
    Column("answer_to", Uuid),
    Column("number", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("time_zone", Text, nullable=False),
    Column("lease_owner", Text),
    Column("lease_number", Integer, nullable=False, server_default="0"),
    Column("lease_until", DateTime(timezone=True)),
    Column("lost_leases", Integer, nullable=False, server_default="0"),
    Column("cancel_requested_at", DateTime(timezone=True)),
    Column("confirm_until", DateTime(timezone=True)),
    Column("notice", Text),
    Column("notice_until", DateTime(timezone=True)),
    Column("intent", Text),
    Column("confidence", Float),
    Column("entities", JSONB, nullable=False, server_default="[]"),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("error_retryable", Boolean),
    Column("input_tokens", BigInteger, nullable=False, server_default="0"),
    Column("output_tokens", BigInteger, nullable=False, server_default="0"),
    Column("model_calls", Integer, nullable=False, server_default="0"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("started_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    Column("version", Integer, nullable=False, server_default="1"),
    owned_by("conversations", "conversation_id"),
    owned_by("messages", "message_id"),
    owned_by("turns", "retry_of"),
    owned_by("turns", "answer_to"),
    one_of("status", TurnStatus),
    one_of("notice", TurnNotice, nullable=True),
    one_of("intent", OperationType, nullable=True),
    one_of("error_code", ErrorCode, nullable=True),
    CheckConstraint("(status = 'FAILED') = (error_code IS NOT NULL)", name="error"),
    CheckConstraint("(status IN ('COMPLETED', 'FAILED', 'CANCELLED')) = (finished_at IS NOT NULL)", name="finished"),
    CheckConstraint("(status = 'RUNNING') = (lease_owner IS NOT NULL)", name="lease"),
    Index("uq_turns_number", "user_id", "conversation_id", "number", unique=True),
    Index("ix_turns_message", "user_id", "message_id", "number"),
    Index("uq_turns_running", "user_id", "conversation_id", unique=True, postgresql_where=text("status = 'RUNNING'")),
    Index(
        "uq_turns_waiting",
        "user_id",
        "conversation_id",
        unique=True,
        postgresql_where=text("status = 'AWAITING_CONFIRMATION'"),
    ),
    Index("ix_turns_retry", "user_id", "retry_of", postgresql_where=text("retry_of IS NOT NULL")),
    Index("ix_turns_answer", "user_id", "answer_to", postgresql_where=text("answer_to IS NOT NULL")),
    Index("ix_turns_confirm", "confirm_until", postgresql_where=text("status = 'AWAITING_CONFIRMATION'")),
    Index("ix_turns_live", "status", "lease_until", postgresql_where=text("status IN ('QUEUED', 'RUNNING')")),
    Index("ix_turns_leased", "id", postgresql_where=text("status = 'RUNNING'")),
    Index("ix_turns_user_live", "user_id", "status", postgresql_where=text("status IN ('QUEUED', 'RUNNING')")),
)

rounds = Table(
    "rounds",
    metadata,
    user_column(),
    Column("turn_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("text", Text, nullable=False),
    Column("calls", JSONB, nullable=False, server_default="[]"),
    Column("finish_reason", Text, nullable=False),
    owned_by("turns", "turn_id"),
)

drafts = Table(
    "drafts",
    metadata,
    user_column(),
    Column("turn_id", Uuid, primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("text", Text, nullable=False),
    owned_by("turns", "turn_id"),
)

tool_calls = Table(
    "tool_calls",
    metadata,
    user_column(),
    id_column(),
    Column("conversation_id", Uuid, nullable=False),
    Column("message_id", Uuid, nullable=False),
    Column("turn_id", Uuid, nullable=False),
    Column("round", Integer, nullable=False),
    Column("index", Integer, nullable=False),
    Column("tool_name", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("input_text", Text, nullable=False),
    Column("parameters", JSONB, nullable=False, server_default="{}"),
    Column("status", Text, nullable=False),
    Column("answer", JSONB),
    Column("total_count", Integer),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("asked_at", DateTime(timezone=True)),
    Column("decided_at", DateTime(timezone=True)),
    Column("decision_reason", Text),
    Column("executed_at", DateTime(timezone=True)),
    Column("undone_at", DateTime(timezone=True)),
    Column("version", Integer, nullable=False, server_default="1"),
    owned_by("conversations", "conversation_id"),
    owned_by("messages", "message_id"),
    owned_by("turns", "turn_id"),
    one_of("tool_name", ToolName),
    one_of("operation", OperationType),
    one_of("status", ToolCallStatus),
    one_of("error_code", ErrorCode, nullable=True),
    CheckConstraint("(status = 'FAILED') = (error_code IS NOT NULL)", name="error"),
    CheckConstraint("char_length(input_text) > 0", name="input_text"),
    Index("uq_tool_calls_place", "user_id", "turn_id", "round", "index", unique=True),
    Index("ix_tool_calls_message", "user_id", "message_id", "round", "index"),
    Index("ix_tool_calls_status", "user_id", "status", "id"),
    Index("ix_tool_calls_conversation", "user_id", "conversation_id", "id"),
)

tool_call_tasks = Table(
    "tool_call_tasks",
    metadata,
    user_column(),
    Column("tool_call_id", Uuid, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("task_id", Uuid, nullable=False),
    Column("version", Integer),
    owned_by("tool_calls", "tool_call_id"),
    owned_by("tasks", "task_id"),
    Index("ix_tool_call_tasks_task", "user_id", "task_id", "tool_call_id"),
)
"""The tasks that a call touched or found; of a call that waits for the user those it would change, with the version
that the user was shown."""

undone_calls = Table(
    "undone_calls",
    metadata,
    user_column(),
    Column("tool_call_id", Uuid, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("undone_call_id", Uuid, nullable=False),
    owned_by("tool_calls", "tool_call_id"),
    owned_by("tool_calls", "undone_call_id"),
    Index("ix_undone_calls_undone", "user_id", "undone_call_id"),
)
"""What a call of the tool `undo` took back, in the order in which it did."""

call_changes = Table(
    "call_changes",
    metadata,
    user_column(),
    Column("tool_call_id", Uuid, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("entity_id", Uuid),
    Column("before", JSONB),
    Column("after", JSONB),
    owned_by("tool_calls", "tool_call_id"),
    one_of("kind", (ChangeKind.LABEL, ChangeKind.SETTINGS)),
    CheckConstraint("(kind = 'LABEL') = (entity_id IS NOT NULL)", name="entity_id"),
)
"""What a call changed that is no task, before and after; null: it wasn't there. Of tasks, their revisions say it."""


@dataclass(frozen=True, slots=True)
class Turn:
    user_id: str
    id: UUID
    conversation_id: UUID
    message_id: UUID
    reply_id: UUID | None
    retry_of: UUID | None
    answer_to: UUID | None
    number: int
    status: str
    attempt: int
    time_zone: str
    lease_owner: str | None
    lease_number: int
    lease_until: datetime | None
    lost_leases: int
    cancel_requested_at: datetime | None
    confirm_until: datetime | None
    notice: str | None
    notice_until: datetime | None
    intent: str | None
    confidence: float | None
    entities: Sequence[Mapping[str, Any]]
    error_code: str | None
    error_message: str | None
    error_retryable: bool | None
    input_tokens: int
    output_tokens: int
    model_calls: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class Round:
    user_id: str
    turn_id: UUID
    number: int
    text: str
    calls: Sequence[Mapping[str, str]]
    finish_reason: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    user_id: str
    id: UUID
    conversation_id: UUID
    message_id: UUID
    turn_id: UUID
    round: int
    index: int
    tool_name: str
    operation: str
    input_text: str
    parameters: Mapping[str, Any]
    status: str
    answer: Mapping[str, Any] | None
    total_count: int | None
    error_code: str | None
    error_message: str | None
    created_at: datetime
    asked_at: datetime | None
    decided_at: datetime | None
    decision_reason: str | None
    executed_at: datetime | None
    undone_at: datetime | None
    version: int
