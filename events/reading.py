"""Reading the change log: where it stands, a page of it, and whether a cursor still points into it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Select, bindparam, select

from core.errors import UserGone
from core.statements import prepared
from core.unit_of_work import Session
from events.cursors import Cursor
from models.base import rows_of
from models.changes import LoggedChange, change_counters, change_log

PAGE: Final = 500
SCANNED: Final = 10_000
"""Log rows that one page with filters looks at: a filter that nothing matches mustn't cost the whole history."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a user's log stands: its newest number (0: empty), and `kept_from`, the last one that was trimmed away."""

    epoch: UUID
    seq: int
    kept_from: int

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.epoch, self.seq)

    def can_serve(self, cursor: Cursor) -> bool:
        """Whether everything after the cursor is in the log."""
        return cursor.epoch == self.epoch and self.kept_from <= cursor.seq <= self.seq


@dataclass(frozen=True, slots=True)
class Resync:
    """The log can't be followed from where one was: read everything again, then go on from this position."""

    position: Position


@dataclass(frozen=True, slots=True)
class Page:
    """Changes in order; all that passes the filters up to and including `up_to` is in this page or before it.

    `has_more`: the log goes on after `up_to` as of this snapshot; with filters it isn't known whether any of it passes.
    """

    changes: list[LoggedChange]
    up_to: int
    has_more: bool
    position: Position


_POSITION: Final = prepared(
    select(change_counters.c.epoch, change_counters.c.seq, change_counters.c.kept_from).where(
        change_counters.c.user_id == bindparam("user_id")
    ),
    Position,
)
_ALL_AFTER: Final = prepared(
    rows_of(change_log)
    .where(
        change_log.c.user_id == bindparam("user_id"),
        change_log.c.seq > bindparam("after"),
        change_log.c.seq <= bindparam("end"),
    )
    .order_by(change_log.c.seq)
    .limit(bindparam("limit", type_=BigInteger)),
    LoggedChange,
)


async def position(session: Session) -> Position:
    """Where the log of the session's user stands. Raises UserGone."""
    found = await session.first(_POSITION)
    if found is None:
        raise UserGone
    return found


async def resume(session: Session, cursor: Cursor) -> int | Resync:
    """The number to read on after, or Resync: the cursor is of another epoch, ahead of the log or older than it.

    Raises UserGone.
    """
    now_at = await position(session)
    return cursor.seq if now_at.can_serve(cursor) else Resync(now_at)


async def read(
    session: Session,
    after_seq: int,
    limit: int = PAGE,
    kinds: Collection[str] | None = None,
    conversation_id: UUID | None = None,
) -> Page:
    """At most `limit` changes after `after_seq`, which the caller has from `resume`. Raises UserGone.

    `conversation_id` leaves the rows that the log files under it: the conversation's own, and those of the tasks that
    its calls changed. Filters are free to match nothing; `up_to` moves on all the same.
    """
    return await _read_up_to(session, await position(session), after_seq, limit, kinds, conversation_id)


async def read_on(session: Session, after_seq: int, epoch: UUID | None) -> Page | Resync:
    """The page after `after_seq` of that epoch (None: the present one), or Resync. Raises UserGone."""
    now_at = await position(session)
    if not now_at.can_serve(Cursor(epoch or now_at.epoch, after_seq)):
        return Resync(now_at)
    return await _read_up_to(session, now_at, after_seq, PAGE, None, None)


async def _read_up_to(
    session: Session,
    now_at: Position,
    after_seq: int,
    limit: int,
    kinds: Collection[str] | None,
    conversation_id: UUID | None,
) -> Page:
    filtered = kinds is not None or conversation_id is not None
    end = min(now_at.seq, after_seq + SCANNED) if filtered else now_at.seq
    if end <= after_seq:
        return Page([], after_seq, False, now_at)
    if not filtered:
        changes = await session.every(_ALL_AFTER, after=after_seq, end=end, limit=limit)
    else:
        changes = await session.all(_filtered(session, after_seq, end, limit, kinds, conversation_id), LoggedChange)
    up_to = changes[-1].seq if len(changes) == limit else end
    return Page(changes, up_to, up_to < now_at.seq, now_at)


def _filtered(
    session: Session,
    after_seq: int,
    end: int,
    limit: int,
    kinds: Collection[str] | None,
    conversation_id: UUID | None,
) -> Select[Any]:
    log = change_log.c
    wanted = rows_of(change_log).where(log.user_id == session.user_id, log.seq > after_seq, log.seq <= end)
    if kinds is not None:
        wanted = wanted.where(log.kind.in_(sorted(kinds)))
    if conversation_id is not None:
        wanted = wanted.where(log.conversation_id == conversation_id)
    return wanted.order_by(log.seq).limit(limit)
