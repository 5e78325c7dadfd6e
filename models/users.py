"""Users, their settings, their limits and daily usage, and revoked tokens (which belong to no user)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Time,
    func,
)

from models.base import SCHEMA, metadata, one_of
from models.enums import ConfirmPolicy, WeekStart

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text),
    Column("name", Text),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("id ~ '^[A-Za-z0-9_-]{1,64}$'", name="id"),
)


def _owner() -> Column[str]:
    return Column("user_id", Text, ForeignKey(f"{SCHEMA}.users.id", ondelete="CASCADE"), primary_key=True)


settings = Table(
    "settings",
    metadata,
    _owner(),
    Column("time_zone", Text, nullable=False, server_default="UTC"),
    Column("locale", Text, nullable=False, server_default="en"),
    Column("confirm", Text, nullable=False, server_default=ConfirmPolicy.BULK_DESTRUCTIVE.value),
    Column("week_start", Text, nullable=False, server_default=WeekStart.MONDAY.value),
    Column("default_due_time", Time),
    Column("version", Integer, nullable=False, server_default="1"),
    one_of("confirm", ConfirmPolicy),
    one_of("week_start", WeekStart),
)

user_limits = Table(
    "user_limits",
    metadata,
    _owner(),
    Column("window_start", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("sends", Integer, nullable=False, server_default="0"),
)

usage = Table(
    "usage",
    metadata,
    _owner(),
    Column("day", Date, primary_key=True),
    Column("turns", Integer, nullable=False, server_default="0"),
    Column("model_calls", Integer, nullable=False, server_default="0"),
    Column("input_tokens", BigInteger, nullable=False, server_default="0"),
    Column("output_tokens", BigInteger, nullable=False, server_default="0"),
)

calendar_feeds = Table(
    "calendar_feeds",
    metadata,
    _owner(),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("octet_length(secret_hash) = 32", name="secret_hash"),
    Index("uq_calendar_feeds_secret", "secret_hash", unique=True),
)

revoked_tokens = Table(
    "revoked_tokens",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    CheckConstraint("octet_length(token_hash) = 32", name="token_hash"),
)


@dataclass(frozen=True, slots=True)
class User:
    id: str
    email: str | None
    name: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Settings:
    user_id: str
    time_zone: str
    locale: str
    confirm: str
    week_start: str
    default_due_time: time | None
    version: int


@dataclass(frozen=True, slots=True)
class DailyUsage:
    user_id: str
    day: date
    turns: int
    model_calls: int
    input_tokens: int
    output_tokens: int
