"""Taking a conversation's next turn under a lease, and giving it back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final
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
    waiting: Turn | None = None
    """The earlier turn that waits for its user's word: this message is first read as the answer."""


_LEASE_END: Final = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, bindparam("seconds", type_=Float))
"""By the database's clock: workers' own may differ."""

# PostgreSQL locks the rows of a result in the order of these clauses.
_LIMITS_AND_CONVERSATION: Final = prepared(
    rows_of(conversations)
    .join_from(conversations, user_limits, user_limits.c.user_id == conversations.c.user_id)
    .where(conversations.c.user_id == bindparam("user_id"), conversations.c.id == bindparam("id"))
    .with_for_update(key_share=True, of=[user_limits, conversations]),
    Conversation,
)
_LIVE: Final = prepared(
    rows_of(turns)
    .where(
        turns.c.user_id == bindparam("user_id"),
        turns.c.conversation_id == bindparam("conversation_id"),
        turns.c.status.in_([status.value for status in TurnStatus if not status.ended]),
    )
    .order_by(turns.c.number.desc())
    .with_for_update(key_share=True),
    Turn,
)
_RUNNING: Final = prepared(
    select(func.count()).where(turns.c.user_id == bindparam("user_id"), turns.c.status == TurnStatus.RUNNING.value)
)
_TAKEN: Final = prepared(
    update(turns)
    .where(THIS_TURN)
    .values(
        status=TurnStatus.RUNNING.value,
        lease_number=turns.c.lease_number + 1,
        lease_until=_LEASE_END,
        attempt=turns.c.attempt + 1,
        notice=None,
        notice_until=None,
        version=turns.c.version + 1,
    )
    .returning(*turns.c),
    Turn,
    columns=("lease_owner", "lost_leases", "started_at"),
)
_MESSAGE: Final = prepared(
    rows_of(messages).where(messages.c.user_id == bindparam("user_id"), messages.c.id == bindparam("id")), Message
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
    live = await _live(work, conversation_id)
    running, waiting = live.get(TurnStatus.RUNNING), live.get(TurnStatus.AWAITING_CONFIRMATION)
    if waiting is not None and await is_expired(work, waiting):
        await expire(work, conversation, waiting)
        waiting = None
    if running is not None:
        if not await _is_over(work, running):
            return None
        if (lost := running.lost_leases + 1) < LOST_LEASES:
            return await _take(work, running, owner, lease_seconds, lost_leases=lost, waiting=waiting)
        await fail_turn(work, running, ErrorCode.INTERRUPTED, "The server was interrupted too often.", retryable=True)
    queued = live.get(TurnStatus.QUEUED)
    if queued is None or (running_limit and await _running(work) >= running_limit):
        return None
    return await _take(work, queued, owner, lease_seconds, lost_leases=queued.lost_leases, waiting=waiting)


async def _live(work: UnitOfWork, conversation_id: UUID) -> dict[TurnStatus, Turn]:
    """The conversation's turns that haven't ended, locked: the one that runs, the one that waits for its user, and of
    the queued ones the oldest."""
    found = await work.every(_LIVE, conversation_id=conversation_id)
    return {TurnStatus(turn.status): turn for turn in found}


async def _is_over(work: UnitOfWork, turn: Turn) -> bool:
    return bool(await work.scalar(select(literal(turn.lease_until, turns.c.lease_until.type) < func.clock_timestamp())))


async def _running(work: UnitOfWork) -> int:
    return int(await work.value(_RUNNING))


async def _take(
    work: UnitOfWork,
    turn: Turn,
    owner: str,
    lease_seconds: float,
    *,
    lost_leases: int,
    waiting: Turn | None = None,
) -> Claimed:
    held = await work.first(
        _TAKEN,
        id=turn.id,
        lease_owner=owner,
        seconds=lease_seconds,
        lost_leases=lost_leases,
        started_at=turn.started_at or work.now,
    )
    message = await work.first(_MESSAGE, id=turn.message_id)
    assert held is not None, "the row is locked"
    assert message is not None, "the turn refers to it"
    work.record(Change(ChangeKind.TURN, turn.id, conversation_id=turn.conversation_id))
    return Claimed(Lease(work.user_id, turn.id, owner, held.lease_number), held, message, waiting)


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
