"""The last transaction of a turn: its reply or its error, and the wake-up of what waited for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, Uuid, bindparam, delete, func, insert, select, union_all

from core.errors import ErrorCode
from core.ids import new_id
from core.statements import prepared
from core.unit_of_work import Change, UnitOfWork
from models.conversations import MESSAGE_LIMIT, Conversation, messages
from models.enums import ChangeKind, FinishReason, Sender, TurnStatus
from models.turns import Turn, drafts, turns
from services import conversations
from services.context import ASSISTANT_KEY
from services.tool_calls import fail_pending
from services.turns.leases import Lease, hold, write
from services.usage import count_usage


@dataclass(frozen=True, slots=True)
class Reply:
    """The assistant's message as the loop made it. Past the limit of a message it is cut, and LENGTH says so."""

    text: str
    model: str | None
    finish_reason: FinishReason
    raw: Mapping[str, Any]
    shown: Sequence[str] | None
    """Global ids of the tasks that the conversation now shows, or None: as before."""
    choices: Sequence[Mapping[str, Any]] = ()
    """What the user can pick: {"label", "content", "task_id"} each."""


async def complete(work: UnitOfWork, lease: Lease, reply: Reply, *, conversation_id: UUID) -> None:
    """Store the assistant's message and end the turn. Raises LeaseLost."""
    conversation, turn = await hold(work, lease, conversation_id)
    await end_with_reply(work, conversation, turn, reply, TurnStatus.COMPLETED)


async def fail(
    work: UnitOfWork, lease: Lease, code: ErrorCode, message: str, *, retryable: bool, conversation_id: UUID
) -> None:
    """End the turn without a message; what its calls did stays, and its draft is kept. Raises LeaseLost."""
    conversation, turn = await hold(work, lease, conversation_id)
    await fail_turn(work, turn, code, message, retryable=retryable)
    await conversations.save(work, conversation, last_activity_at=work.now)


async def end_with_reply(
    work: UnitOfWork, conversation: Conversation, turn: Turn, reply: Reply, status: TurnStatus
) -> None:
    """End a turn, COMPLETED or CANCELLED, with a message. Both rows are locked; calls that never ran are FAILED."""
    if status is TurnStatus.CANCELLED:
        await fail_pending(work, turn, ErrorCode.REJECTED_BY_USER, "The turn was stopped before this call ran.")
    message_id = new_id()
    await insert_reply(work, conversation.id, turn.id, message_id, conversation.message_count + 1, reply)
    await _end(work, turn, status, reply_id=message_id)
    values: dict[str, Any] = {"message_count": conversation.message_count + 1, "last_activity_at": work.now}
    if reply.shown is not None:
        kept = conversation.context.get(ASSISTANT_KEY, {})
        values["context"] = {**conversation.context, ASSISTANT_KEY: {**kept, "shown": list(reply.shown)}}
    await conversations.save(work, conversation, **values)


async def insert_reply(
    work: UnitOfWork, conversation_id: UUID, turn_id: UUID, message_id: UUID, position: int, reply: Reply
) -> None:
    """The assistant's message, at its place in the conversation."""
    cut = len(reply.text) > MESSAGE_LIMIT
    await work.run(
        _REPLY,
        id=message_id,
        conversation_id=conversation_id,
        position=position,
        content=reply.text[:MESSAGE_LIMIT],
        created_at=work.now,
        turn_id=turn_id,
        model=reply.model,
        finish_reason=(FinishReason.LENGTH if cut else reply.finish_reason).value,
        raw=dict(reply.raw),
        choices=[dict(choice) for choice in reply.choices],
    )
    work.record(Change(ChangeKind.MESSAGE, message_id, conversation_id=conversation_id))


async def cancel_silently(work: UnitOfWork, conversation: Conversation, turn: Turn) -> None:
    """End a turn CANCELLED that was never run: there is nothing to keep. Both rows are locked."""
    await _end(work, turn, TurnStatus.CANCELLED)
    await conversations.save(work, conversation, last_activity_at=work.now)


async def fail_turn(work: UnitOfWork, turn: Turn, code: ErrorCode, message: str, *, retryable: bool) -> None:
    """End a locked turn FAILED, with its calls that never ran."""
    told = "The turn ended before this call ran."
    if code is ErrorCode.CONFIRMATION_EXPIRED:
        await fail_pending(work, turn, code, "You didn't confirm this in time.")
    else:
        await fail_pending(work, turn, ErrorCode.INTERRUPTED, told)
    error = {"error_code": code.value, "error_message": message, "error_retryable": retryable}
    await _end(work, turn, TurnStatus.FAILED, **error)


async def _end(work: UnitOfWork, turn: Turn, status: TurnStatus, **values: Any) -> None:
    """The last step of a turn, and the wake-up of what waited for it."""
    await write(work, turn, **ending(work, status, **values))
    await count_usage(work, turns_=1)
    if status is TurnStatus.FAILED:  # its draft is kept
        await wake_waiting(work, turn.conversation_id)
    else:
        await let_others_run(work, turn.conversation_id, turn.id)


def ending(work: UnitOfWork, status: TurnStatus, **values: Any) -> dict[str, Any]:  # Any: column values
    """What an ended turn's row holds, beside `values`."""
    nothing = dict.fromkeys(("lease_owner", "lease_until", "confirm_until", "notice", "notice_until"))
    return {**nothing, "status": status.value, "finished_at": work.now, **values}


async def let_others_run(work: UnitOfWork, conversation_id: UUID, turn_id: UUID) -> None:
    """Forget an ended turn's draft, and wake what waited for its end: here, and past the user's limit."""
    await work.run(_FORGET_DRAFT_AND_WAKE, conversation_id=conversation_id, turn_id=turn_id)


async def wake_waiting(work: UnitOfWork, conversation_id: UUID) -> None:
    """A turn runs no more: wake this conversation's next, and the user's oldest that waits for a place elsewhere."""
    await work.run(_WAKE_WAITING, conversation_id=conversation_id)


def _waiting() -> Select[Any]:
    """In the order of their ids: turns that end at once wake each other's, and would deadlock in any other."""
    here = bindparam("conversation_id", type_=Uuid)
    queued = select(turns.c.conversation_id).where(
        turns.c.user_id == bindparam("user_id"), turns.c.status == TurnStatus.QUEUED.value
    )
    running = select(turns.c.conversation_id).where(
        turns.c.user_id == bindparam("user_id"),
        turns.c.status == TurnStatus.RUNNING.value,
        turns.c.conversation_id != here,
    )
    elsewhere = queued.where(turns.c.conversation_id != here, turns.c.conversation_id.not_in(running))
    waiting = union_all(
        queued.where(turns.c.conversation_id == here).limit(1), elsewhere.order_by(turns.c.created_at).limit(1)
    )
    ordered = waiting.order_by("conversation_id").subquery()
    return select(func.tasktalk.wake(ordered.c.conversation_id))


_WAKE_WAITING: Final = prepared(_waiting())
_FORGET_DRAFT_AND_WAKE: Final = prepared(
    _waiting().add_cte(
        delete(drafts)
        .where(drafts.c.user_id == bindparam("user_id"), drafts.c.turn_id == bindparam("turn_id"))
        .cte("forgotten")
    )
)
_REPLY: Final = prepared(
    insert(messages).values(sender=Sender.ASSISTANT.value),
    columns=(
        *("user_id", "id", "conversation_id", "position", "content", "created_at"),
        *("turn_id", "model", "finish_reason", "raw", "choices"),
    ),
)
