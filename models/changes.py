"""The change log: one gapless sequence a user, and the counter row whose update gives out its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, ForeignKeyConstraint, Index, Table, Text, Uuid, func

from models.base import SCHEMA, metadata, one_of, user_column
from models.enums import Actor, ChangeKind, TaskAction

change_counters = Table(
    "change_counters",
    metadata,
    Column("user_id", Text, ForeignKey(f"{SCHEMA}.users.id", ondelete="CASCADE"), primary_key=True),
    Column("epoch", Uuid, nullable=False, server_default=func.gen_random_uuid()),
    Column("seq", BigInteger, nullable=False, server_default="0"),
    Column("kept_from", BigInteger, nullable=False, server_default="0"),
)

change_log = Table(
    "change_log",
    metadata,
    user_column(),
    Column("seq", BigInteger, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("kind", Text, nullable=False),
    Column("entity_id", Uuid),
    Column("conversation_id", Uuid),
    Column("action", Text),
    Column("actor", Text),
    Column("revision_id", Uuid),
    Column("tool_call_id", Uuid),
    ForeignKeyConstraint(["user_id"], [f"{SCHEMA}.users.id"], ondelete="CASCADE"),
    one_of("kind", ChangeKind),
    one_of("action", TaskAction, nullable=True),
    one_of("actor", Actor, nullable=True),
    Index("ix_change_log_conversation", "user_id", "conversation_id", "seq"),
    Index("ix_change_log_at", "at"),
)


@dataclass(frozen=True, slots=True)
class LoggedChange:
    user_id: str
    seq: int
    at: datetime
    kind: str
    entity_id: UUID | None
    conversation_id: UUID | None
    action: str | None
    actor: str | None
    revision_id: UUID | None
    tool_call_id: UUID | None
