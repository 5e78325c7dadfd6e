"""Conversations and their messages. A message is immutable: a trigger refuses UPDATE, and the rows go only with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from models.base import SCHEMA, id_column, metadata, one_of, owned_by, user_column
from models.enums import FinishReason, Sender, TitleSource

MESSAGE_LIMIT = 10_000
"""Code points of a message's content."""

TITLE_LIMIT = 200
"""Code points of a conversation's title."""

UNNOTED = "closed_at IS NULL AND (idle_noted_at IS NULL OR idle_noted_at < last_activity_at)"
"""What may yet go idle. An index of all open ones would be taken for a user's list of them, and be everybody's."""

conversations = Table(
    "conversations",
    metadata,
    user_column(),
    id_column(),
    Column("title", Text, nullable=False, server_default=""),
    Column("title_source", Text, nullable=False, server_default=TitleSource.AUTO.value),
    Column("context", JSONB, nullable=False, server_default="{}"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("last_activity_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("idle_noted_at", DateTime(timezone=True)),
    Column("message_count", Integer, nullable=False, server_default="0"),
    Column("turn_count", Integer, nullable=False, server_default="0"),
    Column("summary", Text, nullable=False, server_default=""),
    Column("summarised_to", Integer, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("idempotency_key", Text),
    Column("idempotency_digest", LargeBinary),
    ForeignKeyConstraint(["user_id"], [f"{SCHEMA}.users.id"], ondelete="CASCADE"),
    CheckConstraint(f"char_length(title) <= {TITLE_LIMIT}", name="title"),
    one_of("title_source", TitleSource),
    Index("ix_conversations_activity", "user_id", "last_activity_at", "id"),
    Index(
        "uq_conversations_key",
        "user_id",
        "idempotency_key",
        unique=True,
        postgresql_where=text("idempotency_key IS NOT NULL"),
    ),
    Index("ix_conversations_quiet", "last_activity_at", postgresql_where=text(UNNOTED)),
)

messages = Table(
    "messages",
    metadata,
    user_column(),
    id_column(),
    Column("conversation_id", Uuid, nullable=False),
    Column("position", Integer, nullable=False),
    Column("sender", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("turn_id", Uuid),
    Column("model", Text),
    Column("finish_reason", Text),
    Column("raw", JSONB, nullable=False, server_default="{}"),
    Column("choices", JSONB, nullable=False, server_default="[]"),
    Column("idempotency_key", Text),
    owned_by("conversations", "conversation_id"),
    CheckConstraint(f"char_length(content) BETWEEN 1 AND {MESSAGE_LIMIT}", name="content"),
    CheckConstraint("(sender = 'ASSISTANT') = (turn_id IS NOT NULL)", name="turn"),
    one_of("sender", Sender),
    one_of("finish_reason", FinishReason, nullable=True),
    Index("uq_messages_position", "user_id", "conversation_id", "position", unique=True),
    Index(
        "uq_messages_key",
        "user_id",
        "idempotency_key",
        unique=True,
        postgresql_where=text("idempotency_key IS NOT NULL"),
    ),
)


@dataclass(frozen=True, slots=True)
class Conversation:
    user_id: str
    id: UUID
    title: str
    title_source: str
    context: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime
    last_activity_at: datetime
    closed_at: datetime | None
    idle_noted_at: datetime | None
    message_count: int
    turn_count: int
    summary: str
    summarised_to: int
    version: int
    idempotency_key: str | None
    idempotency_digest: bytes | None


@dataclass(frozen=True, slots=True)
class Message:
    user_id: str
    id: UUID
    conversation_id: UUID
    position: int
    sender: str
    content: str
    created_at: datetime
    turn_id: UUID | None
    model: str | None
    finish_reason: str | None
    raw: Mapping[str, Any]
    choices: Sequence[Mapping[str, Any]]
    idempotency_key: str | None
