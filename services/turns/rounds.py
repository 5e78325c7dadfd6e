"""What a turn keeps while it runs: its draft, its rounds and their calls, committed before the first call runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.ids import new_id
from core.unit_of_work import Change, Session, UnitOfWork
from models.base import rows_of
from models.conversations import Message
from models.enums import ChangeKind, OperationType, ToolName, TurnNotice
from models.turns import Round, ToolCall, Turn, drafts, rounds, tool_calls, turns
from services.turns.leases import Lease, fence, of_turn
from services.usage import Spent, count_usage


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call of a round, before its parameters were looked at: its place and the tool it names."""

    index: int
    tool: ToolName
    operation: OperationType


@dataclass(frozen=True, slots=True)
class Committed:
    """The calls of a stored round, and the tokens that the user's model calls took today."""

    calls: Sequence[ToolCall]
    tokens_today: int


@dataclass(frozen=True, slots=True)
class Understanding:
    """What was found in the user's message; kept on its turn."""

    intent: str | None
    confidence: float
    entities: Sequence[Mapping[str, Any]]


async def start_anew(
    work: UnitOfWork,
    lease: Lease,
    attempt: int,
    notice: TurnNotice,
    *,
    text: str = "",
    until: datetime | None = None,
    spent: Spent | None = None,
) -> None:
    """The text starts anew from that of the committed rounds: earlier attempts no longer count. Raises LeaseLost.

    `notice` says why, and `until` when the attempt begins. `spent` is what an answer took that is thrown away.
    """
    turn = await fence(work, lease)
    values: dict[str, Any] = {"attempt": attempt, "notice": notice.value, "notice_until": until}
    if spent is not None:
        values |= _counted(spent)
        await count_usage(work, model_calls=1, spent=spent)
    await work.execute(update(turns).where(of_turn(work, turn.id)).values(**values, version=turns.c.version + 1))
    if text:
        await write_draft(work, turn.id, attempt, text)
    work.record(Change(ChangeKind.TURN, turn.id, conversation_id=turn.conversation_id))


def _counted(spent: Spent) -> dict[str, Any]:
    return {
        "input_tokens": turns.c.input_tokens + spent.input_tokens,
        "output_tokens": turns.c.output_tokens + spent.output_tokens,
        "model_calls": turns.c.model_calls + 1,
    }


async def save_draft(work: UnitOfWork, lease: Lease, attempt: int, text: str) -> None:
    """Keep the text so far, for those who join later. Raises LeaseLost."""
    await fence(work, lease)
    await write_draft(work, lease.turn_id, attempt, text)


async def show_again(work: UnitOfWork, lease: Lease, attempt: int, text: str) -> None:
    """Begin a new attempt with the text of the rounds that are done; its followers read it. Raises LeaseLost."""
    turn = await fence(work, lease)
    await write_draft(work, turn.id, attempt, text)
    work.record(Change(ChangeKind.TURN, turn.id, conversation_id=turn.conversation_id))


async def write_draft(work: UnitOfWork, turn_id: UUID, attempt: int, text: str) -> None:
    """Store the draft of a turn that is held by this transaction."""
    made = upsert(drafts).values(user_id=work.user_id, turn_id=turn_id, attempt=attempt, text=text)
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
) -> Committed:
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
    values = {**_counted(spent), "notice": None, "notice_until": None, "version": turns.c.version + 1}
    if understanding is not None:
        values |= {
            "intent": understanding.intent,
            "confidence": understanding.confidence,
            "entities": [dict(entity) for entity in understanding.entities],
        }
    await work.execute(update(turns).where(of_turn(work, turn.id)).values(values))
    if turn.notice is not None:
        work.record(Change(ChangeKind.TURN, turn.id, conversation_id=turn.conversation_id))
    tokens_today = await count_usage(work, model_calls=1, spent=spent)
    return Committed(made, tokens_today)


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


async def read_draft(session: Session, turn_id: UUID) -> str:
    """The turn's text so far: its draft as last saved, or where none was the text of its rounds."""
    draft = await session.scalar(
        select(drafts.c.text).where(drafts.c.user_id == session.user_id, drafts.c.turn_id == turn_id)
    )
    if draft is not None:
        return str(draft)
    done, _ = await read_progress(session, turn_id)
    return joined(one.text for one in done)


def joined(texts: Iterable[str]) -> str:
    """The texts of rounds as one, so that offsets never go back within an attempt."""
    return "\n\n".join(text for text in texts if text)


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
