"""Calls that wait for their user's word: asked for, decided, left unanswered. A waiting turn holds no worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select

from core.errors import DomainError, ErrorCode
from core.unit_of_work import Session, UnitOfWork
from models.base import rows_of
from models.conversations import Conversation
from models.enums import ToolCallStatus, TurnStatus
from models.turns import ToolCall, Turn, tool_calls
from services import conversations
from services import tool_calls as calls
from services.messages import wake
from services.tool_calls import Target
from services.turns.ending import Reply, end_with_reply, fail_turn, wake_waiting
from services.turns.leases import Lease, LeaseLost, fence, hold, write
from services.turns.locking import lock_turn
from services.turns.rounds import read_progress, write_draft

ANOTHER_SUBJECT: Final = "They went on to something else."


@dataclass(frozen=True, slots=True)
class Edited:
    """Parameters that the user put in place of the call's own, validated, and what the call would now change."""

    parameters: Mapping[str, Any]
    targets: Sequence[Target]


@dataclass(frozen=True, slots=True)
class Decision:
    """The user's word on one waiting call. `reason` is told to the model."""

    call: ToolCall
    approve: bool
    reason: str | None = None
    edited: Edited | None = None


async def wait_for_user(
    work: UnitOfWork, lease: Lease, *, seconds: int, attempt: int, draft: str, conversation_id: UUID
) -> None:
    """RUNNING to AWAITING_CONFIRMATION; its calls have been asked for in this transaction. `seconds` 0: without end.

    `draft` is the text so far with the question at its end. Raises LeaseLost.
    """
    _, turn = await hold(work, lease, conversation_id)
    until = work.now + timedelta(seconds=seconds) if seconds else None
    await _move(work, turn, TurnStatus.AWAITING_CONFIRMATION, confirm_until=until)
    await write_draft(work, turn.id, attempt, draft)
    # What was said meanwhile may be the answer; and the time without one is looked at when it is over.
    await wake_waiting(work, turn.conversation_id)
    if seconds:
        await wake(work, turn.conversation_id, after=timedelta(seconds=seconds))


async def waiting_calls(session: Session, turn_id: UUID) -> list[ToolCall]:
    """The calls of a turn that wait for the user's word, in order."""
    statement = (
        rows_of(tool_calls)
        .where(
            tool_calls.c.user_id == session.user_id,
            tool_calls.c.turn_id == turn_id,
            tool_calls.c.status == ToolCallStatus.PENDING.value,
            tool_calls.c.asked_at.is_not(None),
            tool_calls.c.decided_at.is_(None),
        )
        .order_by(tool_calls.c.round, tool_calls.c.index)
    )
    return await session.all(statement, ToolCall)


async def decide(work: UnitOfWork, turn: Turn, decisions: Sequence[Decision]) -> None:
    """Write down what the user decided; the turn queues again once no call of it waits. The turn is locked."""
    for decision in decisions:
        if not decision.approve:
            await calls.reject(work, decision.call, decision.reason)
            continue
        if decision.edited is not None:
            await calls.ask(work, decision.call, decision.edited.parameters, decision.edited.targets)
        await calls.approve(work, decision.call, decision.reason)
    if await waiting_calls(work, turn.id):
        return
    await _move(work, turn, TurnStatus.QUEUED, confirm_until=None)
    await wake(work, turn.conversation_id)


async def answer_with(work: UnitOfWork, lease: Lease, waiting_id: UUID, *, approve: bool) -> bool:
    """Take the lease's own message as the answer to all calls of the waiting turn; False where that has ended.

    The decided turn queues before this one, which is given back and will say what was done; so it is too where the
    calls were decided otherwise meanwhile. Raises LeaseLost.
    """
    _, asked, turn = await _hold_both(work, lease, waiting_id)
    if TurnStatus(asked.status).ended:
        return False
    if asked.status == TurnStatus.AWAITING_CONFIRMATION:
        await decide(work, asked, [Decision(call, approve) for call in await waiting_calls(work, asked.id)])
    await _give_way(work, turn, answer_to=asked.id)
    return True


async def pass_over(work: UnitOfWork, lease: Lease, waiting_id: UUID, reply: Reply) -> bool:
    """Reject what waits, since its user went on to something else, and end that turn with `reply`. Raises LeaseLost.

    True where it has something to do first, for its user agreed to some of it: then the lease's own turn is given back.
    """
    conversation, asked, turn = await _hold_both(work, lease, waiting_id)
    if TurnStatus(asked.status).ended:
        return False
    if asked.status == TurnStatus.AWAITING_CONFIRMATION:
        waiting = await waiting_calls(work, asked.id)
        if not await _agreed(work, asked.id):
            for call in waiting:
                await calls.reject(work, call, ANOTHER_SUBJECT)
            await end_with_reply(work, conversation, asked, reply, TurnStatus.COMPLETED)
            return False
        await decide(work, asked, [Decision(call, approve=False, reason=ANOTHER_SUBJECT) for call in waiting])
    await _give_way(work, turn)
    return True


async def _hold_both(work: UnitOfWork, lease: Lease, waiting_id: UUID) -> tuple[Conversation, Turn, Turn]:
    """The conversation, the turn that waits or has waited, and the lease's own, locked. Raises LeaseLost."""
    try:
        conversation, asked = await lock_turn(work, waiting_id)
    except DomainError:
        raise LeaseLost from None  # the conversation was deleted, and both turns with it
    return conversation, asked, await fence(work, lease)


async def _agreed(session: Session, turn_id: UUID) -> bool:
    """Whether the turn has calls that its user said yes to, and that haven't run."""
    _, made = await read_progress(session, turn_id)
    return any(call.status == ToolCallStatus.PENDING and call.decided_at is not None for call in made)


async def _give_way(work: UnitOfWork, turn: Turn, **values: Any) -> None:
    """Give a turn back that another goes before."""
    await _move(work, turn, TurnStatus.QUEUED, **values)
    await wake(work, turn.conversation_id)


async def is_expired(session: Session, turn: Turn) -> bool:
    """Whether the time to answer is over, by the database's clock."""
    if turn.confirm_until is None:
        return False
    now = func.clock_timestamp()
    return bool(await session.scalar(select(now >= turn.confirm_until)))


async def expire(work: UnitOfWork, conversation: Conversation, turn: Turn) -> None:
    """End a turn that nobody answered: FAILED, with its waiting calls. Both rows are locked."""
    message = "What waited for your word wasn't confirmed in time; nothing of it was done."
    await fail_turn(work, turn, ErrorCode.CONFIRMATION_EXPIRED, message, retryable=True)
    await conversations.save(work, conversation)


def no_longer_waiting(call: ToolCall, field: tuple[str, ...]) -> DomainError:
    """Why a decision on this call comes too late."""
    if call.error_code == ErrorCode.CONFIRMATION_EXPIRED:
        return expired(call, field)
    message = "This call doesn't wait for a decision."
    return DomainError(ErrorCode.ALREADY_DECIDED, message, field=field, node=("ToolCall", call.id))


def expired(call: ToolCall, field: tuple[str, ...]) -> DomainError:
    """A decision after the time to answer."""
    message = "The time to confirm this call is over."
    return DomainError(ErrorCode.CONFIRMATION_EXPIRED, message, field=field, node=("ToolCall", call.id))


async def _move(work: UnitOfWork, turn: Turn, status: TurnStatus, **values: Any) -> None:
    if turn.status == TurnStatus.RUNNING:
        values |= {"lease_owner": None, "lease_until": None, "notice": None, "notice_until": None}
    await write(work, turn, status=status.value, **values)
