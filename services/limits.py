"""What a user may do in a time: messages a minute and tokens a UTC day, exact across replicas: PostgreSQL counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import DateTime, Interval, Text, bindparam, select, text, update

from core.errors import DomainError, ErrorCode, UserGone
from core.statements import prepared
from core.unit_of_work import Session, UnitOfWork
from models.users import usage, user_limits

WINDOW: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Window:
    """The minute in which a user's messages are counted, and the zone that they are meant in."""

    window_start: datetime
    sends: int
    time_zone: str


# PostgreSQL locks the rows of a result in the order of these clauses.
_LIMITS: Final = prepared(
    text(
        """
        SELECT l.window_start, l.sends, s.time_zone
        FROM tasktalk.users u
        JOIN tasktalk.user_limits l ON l.user_id = u.id
        JOIN tasktalk.settings s ON s.user_id = u.id
        WHERE u.id = :user_id
        FOR KEY SHARE OF u FOR NO KEY UPDATE OF l
        """
    ).bindparams(bindparam("user_id", type_=Text)),
    Window,
)
_HELD_AND_COUNTED: Final = prepared(
    text(
        """
        UPDATE tasktalk.user_limits l
        SET sends = CASE WHEN :now >= l.window_start + :window THEN 1 ELSE l.sends + 1 END,
            window_start = CASE WHEN :now >= l.window_start + :window THEN :now ELSE l.window_start END
        FROM (
            SELECT u.id, s.time_zone
            FROM tasktalk.users u JOIN tasktalk.settings s ON s.user_id = u.id
            WHERE u.id = :user_id
            FOR KEY SHARE OF u
        ) held
        WHERE l.user_id = held.id
        RETURNING l.window_start, l.sends, held.time_zone
        """
    ).bindparams(
        bindparam("user_id", type_=Text),
        bindparam("now", type_=DateTime(timezone=True)),
        bindparam("window", type_=Interval),
    ),
    Window,
)
_COUNTED: Final = prepared(
    update(user_limits).where(user_limits.c.user_id == bindparam("user_id")), columns=("sends", "window_start")
)
_USED: Final = prepared(
    select(usage.c.input_tokens + usage.c.output_tokens).where(
        usage.c.user_id == bindparam("user_id"), usage.c.day == bindparam("day")
    )
)


async def lock_limits(work: UnitOfWork) -> Window:
    """The user's row against deletion, then their limits against other sends: the first two of the order of locks."""
    found = await work.first(_LIMITS)
    if found is None:
        raise UserGone
    return found


async def lock_limits_and_count(work: UnitOfWork, limit: int) -> Window:
    """`lock_limits` and `count_send` in one. Raises DomainError RATE_LIMITED past `limit` (0: none)."""
    found = await work.first(_HELD_AND_COUNTED, now=work.now, window=WINDOW)
    if found is None:
        raise LookupError("the user is gone")
    if limit and found.sends > limit:
        raise _too_often(found, limit)
    return found


async def count_send(work: UnitOfWork, window: Window, limit: int) -> None:
    """Count one message in its minute. Raises DomainError RATE_LIMITED past `limit` (0: none)."""
    fresh = work.now >= window.window_start + WINDOW
    sends = 1 if fresh else window.sends + 1
    if limit and sends > limit:
        raise _too_often(window, limit)
    await work.run(_COUNTED, sends=sends, window_start=work.now if fresh else window.window_start)


def _too_often(window: Window, limit: int) -> DomainError:
    message = f"At most {limit} messages a minute. Try again shortly."
    return DomainError(ErrorCode.RATE_LIMITED, message, retry_at=window.window_start + WINDOW)


async def check_quota(session: Session, limit: int) -> None:
    """Raises DomainError QUOTA_EXCEEDED where the tokens of the present UTC day are used up (`limit` 0: never)."""
    if limit and await tokens_today(session) >= limit:
        raise quota_exceeded(limit, session.now)


async def tokens_today(session: Session) -> int:
    """What the user's model calls took since midnight UTC, in tokens."""
    today = session.now.astimezone(UTC).date()
    return int(await session.value(_USED, day=today) or 0)


def quota_exceeded(limit: int, now: datetime) -> DomainError:
    """QUOTA_EXCEEDED, with the next midnight UTC as the time to try again."""
    tomorrow = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), datetime.min.time(), UTC)
    message = f"The {limit:,} tokens of today are used up. They are there again at {tomorrow:%H:%M} UTC."
    return DomainError(ErrorCode.QUOTA_EXCEEDED, message, retry_at=tomorrow)
