"""A turn's stored life: claimed under a lease, fenced at every step, its rounds and calls kept, ended once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Float, and_, delete, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.errors import ErrorCode
from core.ids import new_id
from core.unit_of_work import Change, Session, UnitOfWork
from models.base import rows_of
from models.conversations import MESSAGE_LIMIT, Conversation, Message, messages
from models.conversations import conversations as conversation_rows
from models.enums import ChangeKind, FinishReason, OperationType, Sender, ToolName, TurnStatus
from models.turns import Round, ToolCall, Turn, drafts, rounds, tool_calls, turns
from models.users import usage, user_limits
from services import conversations
from services.context import ASSISTANT_KEY
from services.messages import wake

LEASES: Final = 5
"""A turn whose worker was lost so many times ends FAILED, INTERRUPTED."""


class LeaseLost(Exception):
    """Another worker has the turn, or it has ended: write nothing more and publish nothing more."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may write to a turn: its owner and the number of the lease. Every transaction of a turn checks both."""

    user_id: str
    turn_id: UUID
    owner: str
    number: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """A turn that this worker now runs, with the message it answers."""

    lease: Lease
    turn: Turn
    message: Message


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call of a round, before its parameters were looked at: its place and the tool it names."""

    index: int
    tool: ToolName
    operation: OperationType


@dataclass(frozen=True, slots=True)
class Spent:
    """What one model call took."""

    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Understanding:
    """What was found in the user's message; kept on its turn."""

    intent: str | None
    confidence: float
    entities: Sequence[Mapping[str, Any]]


def _turn(session: Session, turn_id: UUID) -> Any:
    return and_(turns.c.user_id == session.user_id, turns.c.id == turn_id)


def _lease_end(seconds: float) -> Any:
    """By the database's clock: workers' own may differ."""
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, literal(seconds, Float))


async def claim(
    work: UnitOfWork, conversation_id: UUID, *, owner: str, lease_seconds: float, running_limit: int
) -> Claimed | None:
    """Take the conversation's running turn if its lease is over, else its oldest queued one, if there is room.

    Locks in the house's order: the user's limits (two conversations must not both take the last place), the
    conversation, the turn. A turn past its last lease ends here, FAILED, and the next one is taken.
    """
    await work.execute(
        select(user_limits.c.user_id).where(user_limits.c.user_id == work.user_id).with_for_update(key_share=True)
    )
    conversation = await work.one(
        rows_of(conversation_rows)
        .where(conversation_rows.c.user_id == work.user_id, conversation_rows.c.id == conversation_id)
        .with_for_update(key_share=True),
        Conversation,
    )
    if conversation is None:
        return None
    live = await work.all(
        rows_of(turns)
        .where(
            turns.c.user_id == work.user_id,
            turns.c.conversation_id == conversation_id,
            turns.c.status.in_([TurnStatus.QUEUED.value, TurnStatus.RUNNING.value]),
        )
        .order_by(turns.c.number)
        .with_for_update(key_share=True),
        Turn,
    )
    for turn in sorted(live, key=lambda one: one.status != TurnStatus.RUNNING):
        if turn.status == TurnStatus.RUNNING and not await _is_over(work, turn):
            return None
        if turn.lease_number >= LEASES:
            await _fail(work, turn, ErrorCode.INTERRUPTED, "The server was interrupted too often.", retryable=True)
            continue
        if turn.status == TurnStatus.QUEUED and running_limit and await _running(work) >= running_limit:
            return None
        return await _take(work, turn, owner, lease_seconds)
    return None


async def _is_over(work: UnitOfWork, turn: Turn) -> bool:
    return bool(await work.scalar(select(literal(turn.lease_until, turns.c.lease_until.type) < func.clock_timestamp())))


async def _running(work: UnitOfWork) -> int:
    statement = select(func.count()).where(turns.c.user_id == work.user_id, turns.c.status == TurnStatus.RUNNING.value)
    return int(await work.scalar(statement))


async def _take(work: UnitOfWork, turn: Turn, owner: str, lease_seconds: float) -> Claimed:
    taken = (
        update(turns)
        .where(_turn(work, turn.id))
        .values(
            status=TurnStatus.RUNNING.value,
            lease_owner=owner,
            lease_number=turns.c.lease_number + 1,
            lease_until=_lease_end(lease_seconds),
            attempt=turns.c.attempt + 1,
            started_at=func.coalesce(turns.c.started_at, work.now),
            version=turns.c.version + 1,
        )
        .returning(*turns.c)
    )
    held = await work.one(taken, Turn)
    message = await work.one(
        rows_of(messages).where(messages.c.user_id == work.user_id, messages.c.id == turn.message_id), Message
    )
    assert held is not None, "the row is locked"
    assert message is not None, "the turn refers to it"
    work.record(Change(ChangeKind.TURN, turn.id, conversation_id=turn.conversation_id))
    return Claimed(Lease(work.user_id, turn.id, owner, held.lease_number), held, message)


async def fence(work: UnitOfWork, lease: Lease) -> Turn:
    """The turn, locked, if the lease still holds. Raises LeaseLost."""
    turn = await work.one(rows_of(turns).where(_turn(work, lease.turn_id)).with_for_update(key_share=True), Turn)
    if (
        turn is None
        or turn.status != TurnStatus.RUNNING
        or (turn.lease_owner, turn.lease_number) != (lease.owner, lease.number)
    ):
        raise LeaseLost
    return turn


async def start_anew(work: UnitOfWork, lease: Lease, attempt: int) -> None:
    """The text starts anew: drafts and deltas of earlier attempts no longer count. Raises LeaseLost."""
    turn = await fence(work, lease)
    await work.execute(update(turns).where(_turn(work, turn.id)).values(attempt=attempt, version=turns.c.version + 1))
    work.record(Change(ChangeKind.TURN, turn.id, conversation_id=turn.conversation_id))


async def hand_on(work: UnitOfWork, lease: Lease) -> None:
    """Give the turn back, as a worker that shuts down does: another goes on from the last round. Raises LeaseLost."""
    turn = await fence(work, lease)
    await work.execute(
        update(turns)
        .where(_turn(work, turn.id))
        .values(status=TurnStatus.QUEUED.value, lease_owner=None, lease_until=None, version=turns.c.version + 1)
    )
    work.record(Change(ChangeKind.TURN, turn.id, conversation_id=turn.conversation_id))
    await wake(work, turn.conversation_id)


async def save_draft(work: UnitOfWork, lease: Lease, attempt: int, text: str) -> None:
    """Keep the text so far, for those who join later. Raises LeaseLost."""
    await fence(work, lease)
    made = upsert(drafts).values(user_id=work.user_id, turn_id=lease.turn_id, attempt=attempt, text=text)
    await work.execute(
        made.on_conflict_do_update(
            index_elements=[drafts.c.user_id, drafts.c.turn_id],
            set_={"attempt": made.excluded.attempt, "text": made.excluded.text},
        )
    )


async def commit_round(
    work: UnitOfWork,
    lease: Lease,
    done: Round,
    calls: Sequence[NewCall],
    spent: Spent,
    *,
    message: Message,
    understanding: Understanding | None,
) -> list[ToolCall]:
    """Keep what the model said in one round, and its calls as PENDING, before the first runs. Raises LeaseLost."""
    turn = await fence(work, lease)
    await work.execute(
        insert(rounds).values(
            user_id=work.user_id,
            turn_id=turn.id,
            number=done.number,
            text=done.text,
            calls=[dict(call) for call in done.calls],
            finish_reason=done.finish_reason,
        )
    )
    made = await _insert_calls(work, turn, done.number, calls, message)
    values: dict[str, Any] = {
        "input_tokens": turns.c.input_tokens + spent.input_tokens,
        "output_tokens": turns.c.output_tokens + spent.output_tokens,
        "model_calls": turns.c.model_calls + 1,
        "version": turns.c.version + 1,
    }
    if understanding is not None:
        values |= {
            "intent": understanding.intent,
            "confidence": understanding.confidence,
            "entities": [dict(entity) for entity in understanding.entities],
        }
    await work.execute(update(turns).where(_turn(work, turn.id)).values(values))
    await count_usage(work, model_calls=1, spent=spent)
    return made


async def _insert_calls(
    work: UnitOfWork, turn: Turn, round_number: int, calls: Sequence[NewCall], message: Message
) -> list[ToolCall]:
    if not calls:
        return []
    values = [
        {
            "user_id": work.user_id,
            "id": new_id(),
            "conversation_id": turn.conversation_id,
            "message_id": turn.message_id,
            "turn_id": turn.id,
            "round": round_number,
            "index": call.index,
            "tool_name": call.tool.value,
            "operation": call.operation.value,
            "input_text": message.content,
            "status": "PENDING",
            "created_at": work.now,
        }
        for call in calls
    ]
    made = await work.all(insert(tool_calls).values(values).returning(*tool_calls.c), ToolCall)
    for call in made:
        work.record(Change(ChangeKind.TOOL_CALL, call.id, conversation_id=turn.conversation_id))
    return sorted(made, key=lambda call: call.index)


async def count_usage(work: UnitOfWork, *, turns_: int = 0, model_calls: int = 0, spent: Spent | None = None) -> None:
    """Add to the user's counters of the present UTC day."""
    took = spent or Spent()
    made = upsert(usage).values(
        user_id=work.user_id,
        day=work.now.astimezone(UTC).date(),
        turns=turns_,
        model_calls=model_calls,
        input_tokens=took.input_tokens,
        output_tokens=took.output_tokens,
    )
    names = ("turns", "model_calls", "input_tokens", "output_tokens")
    await work.execute(
        made.on_conflict_do_update(
            index_elements=[usage.c.user_id, usage.c.day],
            set_={name: usage.c[name] + made.excluded[name] for name in names},
        )
    )


async def read_progress(session: Session, turn_id: UUID) -> tuple[list[Round], list[ToolCall]]:
    """The rounds that are committed and the calls they made, in order: where a restart goes on from."""
    of_turn = and_(rounds.c.user_id == session.user_id, rounds.c.turn_id == turn_id)
    done = await session.all(rows_of(rounds).where(of_turn).order_by(rounds.c.number), Round)
    calls = await session.all(
        rows_of(tool_calls)
        .where(tool_calls.c.user_id == session.user_id, tool_calls.c.turn_id == turn_id)
        .order_by(tool_calls.c.round, tool_calls.c.index),
        ToolCall,
    )
    return done, calls


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
    await _fail(work, turn, code, message, retryable=retryable)
    await conversations.save(work, conversation, last_activity_at=work.now)


async def _fail(work: UnitOfWork, turn: Turn, code: ErrorCode, message: str, *, retryable: bool) -> None:
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
        .where(_turn(work, turn.id))
        .values(**values, lease_owner=None, lease_until=None, finished_at=work.now, version=turns.c.version + 1)
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
