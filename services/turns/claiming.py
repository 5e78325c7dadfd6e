"""Taking a conversation's next turn under a lease, and giving it back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Float, bindparam, func, literal, select, update

from core.errors import ErrorCode
from core.statements import prepared
from core.unit_of_work import Change, UnitOfWork
from models.base import rows_of
from models.conversations import Conversation, Message, conversations, messages
from models.enums import ChangeKind, TurnStatus
from models.turns import Turn, turns
from models.users import user_limits
from services.messages import wake
from services.turns.confirming import expire, is_expired
from services.turns.ending import fail_turn
from services.turns.leases import THIS_TURN, Lease, fence, write

LOST_LEASES: Final = 5
"""A turn whose worker was lost so many times ends FAILED, INTERRUPTED. One that is handed on was not lost."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A turn that this worker now runs, with the message it answers."""

    lease: Lease
    turn: Turn
    message: Message
    conversation: Conversation
    waiting: Turn | None = None
    """The earlier turn that waits for its user's word: this message is first read as the answer."""


_LEASE_END: Final = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, bindparam("seconds", type_=Float))
"""By the database's clock: workers' own may differ."""

_others: Final = turns.alias("others")

# PostgreSQL locks the rows of a result in the order of these clauses.
_LIMITS_AND_CONVERSATION: Final = prepared(
    rows_of(conversations)
    .join_from(conversations, user_limits, user_limits.c.user_id == conversations.c.user_id)
    .where(conversations.c.user_id == bindparam("user_id"), conversations.c.id == bindparam("id"))
    .with_for_update(key_share=True, of=[user_limits, conversations]),
    Conversation,
)
_ALL_RUNNING: Final = (
    select(func.count())
    .select_from(_others)
    .where(_others.c.user_id == bindparam("user_id"), _others.c.status == TurnStatus.RUNNING.value)
    .scalar_subquery()
)


def _turn_and_count(*row: Any) -> tuple[Turn, int]:
    return Turn(*row[:-1]), row[-1]


def _turn_and_message(*row: Any) -> tuple[Turn, Message]:
    width = len(Turn.__dataclass_fields__)
    return Turn(*row[:width]), Message(*row[width:])


_LIVE: Final = prepared(
    rows_of(turns)
    .add_columns(_ALL_RUNNING)
    .where(
        turns.c.user_id == bindparam("user_id"),
        turns.c.conversation_id == bindparam("conversation_id"),
        turns.c.status.in_([status.value for status in TurnStatus if not status.ended]),
    )
    .order_by(turns.c.number.desc())
    .with_for_update(key_share=True, of=turns),
    _turn_and_count,
)
_TAKEN: Final = prepared(
    update(turns)
    .where(THIS_TURN, messages.c.user_id == turns.c.user_id, messages.c.id == turns.c.message_id)
    .values(
        status=TurnStatus.RUNNING.value,
        lease_number=turns.c.lease_number + 1,
        lease_until=_LEASE_END,
        attempt=turns.c.attempt + 1,
        notice=None,
        notice_until=None,
        version=turns.c.version + 1,
    )
    .returning(*turns.c, *messages.c),
    _turn_and_message,
    columns=("lease_owner", "lost_leases", "started_at"),
)
_BEGUN_ANEW: Final = prepared(
    update(turns)
    .where(THIS_TURN)
    .values(lease_until=_LEASE_END, attempt=turns.c.attempt + 1, version=turns.c.version + 1)
    .returning(*turns.c),
    Turn,
)


async def claim(
    work: UnitOfWork, conversation_id: UUID, *, owner: str, lease_seconds: float, running_limit: int
) -> Claimed | None:
    """Take the conversation's running turn if its lease is over, else its oldest queued one, if there is room.

    Locks in the house's order: the user's limits (two conversations must not both take the last place), the
    conversation, the turn. A turn past its last lease ends here, FAILED, and the next one is taken.
    """
    conversation = await work.first(_LIMITS_AND_CONVERSATION, id=conversation_id)
    if conversation is None:
        return None
    live, count = await _live(work, conversation_id)
    running, waiting = live.get(TurnStatus.RUNNING), live.get(TurnStatus.AWAITING_CONFIRMATION)
    if waiting is not None and await is_expired(work, waiting):
        await expire(work, conversation, waiting)
        waiting = None
    if running is not None:
        if not await _is_over(work, running):
            return None
        if (lost := running.lost_leases + 1) < LOST_LEASES:
            return await _take(work, conversation, running, owner, lease_seconds, lost_leases=lost, waiting=waiting)
        await fail_turn(work, running, ErrorCode.INTERRUPTED, "The server was interrupted too often.", retryable=True)
        count -= 1
    queued = live.get(TurnStatus.QUEUED)
    if queued is None or (running_limit and count >= running_limit):
        return None
    return await _take(
        work, conversation, queued, owner, lease_seconds, lost_leases=queued.lost_leases, waiting=waiting
    )


async def _live(work: UnitOfWork, conversation_id: UUID) -> tuple[dict[TurnStatus, Turn], int]:
    """The conversation's turns that haven't ended, locked: the one that runs, the one that waits for its user, and of
    the queued ones the oldest. And how many turns of the user run."""
    found = await work.every(_LIVE, conversation_id=conversation_id)
    return {TurnStatus(turn.status): turn for turn, _ in found}, found[0][1] if found else 0


async def _is_over(work: UnitOfWork, turn: Turn) -> bool:
    return bool(await work.scalar(select(literal(turn.lease_until, turns.c.lease_until.type) < func.clock_timestamp())))


async def _take(
    work: UnitOfWork,
    conversation: Conversation,
    turn: Turn,
    owner: str,
    lease_seconds: float,
    *,
    lost_leases: int,
    waiting: Turn | None = None,
) -> Claimed:
    taken = await work.first(
        _TAKEN,
        id=turn.id,
        lease_owner=owner,
        seconds=lease_seconds,
        lost_leases=lost_leases,
        started_at=turn.started_at or work.now,
    )
    assert taken is not None, "the row is locked, and refers to its message"
    held, message = taken
    work.record(Change(ChangeKind.TURN, turn.id, conversation_id=turn.conversation_id, going_on=True))
    return Claimed(Lease(work.user_id, turn.id, owner, held.lease_number), held, message, conversation, waiting)


async def hand_on(work: UnitOfWork, lease: Lease) -> None:
    """Give the turn back, as a worker that shuts down does: another goes on from the last round. Raises LeaseLost."""
    turn = await fence(work, lease)
    await write(work, turn, status=TurnStatus.QUEUED.value, lease_owner=None, lease_until=None)
    await wake(work, turn.conversation_id)


async def resume(work: UnitOfWork, claimed: Claimed, *, lease_seconds: float) -> Claimed:
    """Begin a turn anew under the lease that was taken, over or not, if nobody else has it. Raises LeaseLost."""
    turn = await fence(work, claimed.lease)
    held = await work.first(_BEGUN_ANEW, id=turn.id, seconds=lease_seconds)
    assert held is not None, "the row is locked"
    work.record(Change(ChangeKind.TURN, turn.id, conversation_id=turn.conversation_id))
    return replace(claimed, turn=held)
