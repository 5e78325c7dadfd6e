"""What a user may do in a time: messages a minute and tokens a UTC day, exact across replicas: PostgreSQL counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import select, update

from core.errors import DomainError, ErrorCode
from core.unit_of_work import Session, UnitOfWork
from models.users import settings, usage, user_limits, users

WINDOW: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Window:
    """The minute in which a user's messages are counted, and the zone that they are meant in."""

    window_start: datetime
    sends: int
    time_zone: str


async def lock_limits(work: UnitOfWork) -> Window:
    """The user's row against deletion, then their limits against other sends: the first two of the order of locks."""
    statement = (
        select(user_limits.c.window_start, user_limits.c.sends, settings.c.time_zone)
        .join_from(users, user_limits, user_limits.c.user_id == users.c.id)
        .join(settings, settings.c.user_id == users.c.id)
        .where(users.c.id == work.user_id)
    )
    await work.execute(select(users.c.id).where(users.c.id == work.user_id).with_for_update(read=True, key_share=True))
    found = await work.one(statement.with_for_update(of=user_limits, key_share=True), Window)
    if found is None:
        raise LookupError("the user is gone")
    return found


async def count_send(work: UnitOfWork, window: Window, limit: int) -> None:
    """Count one message in its minute. Raises DomainError RATE_LIMITED past `limit` (0: none)."""
    fresh = work.now >= window.window_start + WINDOW
    sends = 1 if fresh else window.sends + 1
    if limit and sends > limit:
        raise DomainError(
            ErrorCode.RATE_LIMITED,
            f"At most {limit} messages a minute. Try again shortly.",
            retry_at=window.window_start + WINDOW,
        )
    await work.execute(
        update(user_limits)
        .where(user_limits.c.user_id == work.user_id)
        .values(sends=sends, window_start=work.now if fresh else window.window_start)
    )


async def check_quota(session: Session, limit: int) -> None:
    """Raises DomainError QUOTA_EXCEEDED where the tokens of the present UTC day are used up (`limit` 0: never)."""
    if limit and await tokens_today(session) >= limit:
        raise quota_exceeded(limit, session.now)


async def tokens_today(session: Session) -> int:
    """What the user's model calls took since midnight UTC, in tokens."""
    today = session.now.astimezone(UTC).date()
    used = select(usage.c.input_tokens + usage.c.output_tokens).where(
        usage.c.user_id == session.user_id, usage.c.day == today
    )
    return int(await session.scalar(used) or 0)


def quota_exceeded(limit: int, now: datetime) -> DomainError:
    """QUOTA_EXCEEDED, with the next midnight UTC as the time to try again."""
    tomorrow = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), datetime.min.time(), UTC)
    message = f"The {limit:,} tokens of today are used up. They are there again at {tomorrow:%H:%M} UTC."
    return DomainError(ErrorCode.QUOTA_EXCEEDED, message, retry_at=tomorrow)
