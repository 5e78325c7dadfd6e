"""The last transaction of a turn: its reply or its error, and the wake-up of what waited for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, insert, select, update

from core.errors import ErrorCode
from core.ids import new_id
from core.unit_of_work import Change, UnitOfWork
from models.conversations import MESSAGE_LIMIT, messages
from models.enums import ChangeKind, FinishReason, Sender, TurnStatus
from models.turns import Turn, drafts, tool_calls, turns
from services import conversations
from services.context import ASSISTANT_KEY
from services.messages import wake
from services.turns.leases import Lease, fence, of_turn
from services.usage import count_usage


@dataclass(frozen=True, slots=True)
class Reply:
    """The assistant's message as the loop made it."""

    text: str
    model: str
    finish_reason: FinishReason
    raw: Mapping[str, Any]
    shown: Sequence[str] | None
    """Global ids of the tasks that the conversation now shows, or None: as before."""


async def complete(work: UnitOfWork, lease: Lease, reply: Reply, *, conversation_id: UUID) -> UUID:
    """Store the assistant's message and end the turn. The message's id. Raises LeaseLost."""
    conversation = await conversations.lock(work, conversation_id)
    turn = await fence(work, lease)
    message_id = new_id()
    cut = len(reply.text) > MESSAGE_LIMIT
    await work.execute(
        insert(messages).values(
            user_id=work.user_id,
            id=message_id,
            conversation_id=conversation_id,
            position=conversation.message_count + 1,
            sender=Sender.ASSISTANT.value,
            content=reply.text[:MESSAGE_LIMIT],
            created_at=work.now,
            turn_id=turn.id,
            model=reply.model,
            finish_reason=(FinishReason.LENGTH if cut else reply.finish_reason).value,
            raw=dict(reply.raw),
        )
    )
    work.record(Change(ChangeKind.MESSAGE, message_id, conversation_id=conversation_id))
    await _end(work, turn, {"status": TurnStatus.COMPLETED.value, "reply_id": message_id})
    values: dict[str, Any] = {"message_count": conversation.message_count + 1, "last_activity_at": work.now}
    if reply.shown is not None:
        kept = conversation.context.get(ASSISTANT_KEY, {})
        values["context"] = {**conversation.context, ASSISTANT_KEY: {**kept, "shown": list(reply.shown)}}
    await conversations.save(work, conversation, **values)
    return message_id


async def fail(
    work: UnitOfWork, lease: Lease, code: ErrorCode, message: str, *, retryable: bool, conversation_id: UUID
) -> None:
    """End the turn without a message; what its calls did stays, and its draft is kept. Raises LeaseLost."""
    conversation = await conversations.lock(work, conversation_id)
    turn = await fence(work, lease)
    await fail_turn(work, turn, code, message, retryable=retryable)
    await conversations.save(work, conversation, last_activity_at=work.now)


async def fail_turn(work: UnitOfWork, turn: Turn, code: ErrorCode, message: str, *, retryable: bool) -> None:
    open_calls = and_(
        tool_calls.c.user_id == work.user_id, tool_calls.c.turn_id == turn.id, tool_calls.c.status == "PENDING"
    )
    left = await work.execute(
        update(tool_calls)
        .where(open_calls)
        .values(
            status="FAILED",
            error_code=ErrorCode.INTERRUPTED.value,
            error_message="The turn ended before this call ran.",
            version=tool_calls.c.version + 1,
        )
        .returning(tool_calls.c.id)
    )
    for call_id in left.scalars():
        work.record(Change(ChangeKind.TOOL_CALL, call_id, conversation_id=turn.conversation_id))
    error = {"error_code": code.value, "error_message": message, "error_retryable": retryable}
    await _end(work, turn, {"status": TurnStatus.FAILED.value, **error})


async def _end(work: UnitOfWork, turn: Turn, values: Mapping[str, Any]) -> None:
    """The last step of a turn, and the wake-up of what waited for it: here, and past the user's limit."""
    await work.execute(
        update(turns)
        .where(of_turn(work, turn.id))
        .values(
            **values,
            lease_owner=None,
            lease_until=None,
            notice=None,
            notice_until=None,
            finished_at=work.now,
            version=turns.c.version + 1,
        )
    )
    if values["status"] == TurnStatus.COMPLETED.value:
        await work.execute(delete(drafts).where(drafts.c.user_id == work.user_id, drafts.c.turn_id == turn.id))
    work.record(Change(ChangeKind.TURN, turn.id, conversation_id=turn.conversation_id))
    await count_usage(work, turns_=1)
    await _wake_waiting(work, turn.conversation_id)


async def _wake_waiting(work: UnitOfWork, conversation_id: UUID) -> None:
    """This conversation's next turn, and the user's oldest that waits for a free place elsewhere."""
    queued = select(turns.c.conversation_id).where(
        turns.c.user_id == work.user_id, turns.c.status == TurnStatus.QUEUED.value
    )
    here = queued.where(turns.c.conversation_id == conversation_id).limit(1)
    running = select(turns.c.conversation_id).where(
        turns.c.user_id == work.user_id,
        turns.c.status == TurnStatus.RUNNING.value,
        turns.c.conversation_id != conversation_id,
    )
    elsewhere = (
        queued.where(turns.c.conversation_id != conversation_id, turns.c.conversation_id.not_in(running))
        .order_by(turns.c.created_at)
        .limit(1)
    )
    for statement in (here, elsewhere):
        waiting = await work.scalar(statement)
        if waiting is not None:
            await wake(work, waiting)
