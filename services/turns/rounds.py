"""What a turn keeps while it runs: its draft, its rounds and their calls, committed before the first call runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, insert, select
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as upsert

from core.ids import new_id
from core.statements import prepared
from core.unit_of_work import Change, Session, UnitOfWork
from models.base import columns_of, rows_of, stored
from models.conversations import Message
from models.enums import ChangeKind, OperationType, ToolCallStatus, ToolName, TurnNotice, TurnStatus
from models.turns import Round, ToolCall, Turn, drafts, rounds, tool_calls
from services import conversations
from services.turns.ending import Reply, ending, insert_reply, let_others_run
from services.turns.keeping import keep_round
from services.turns.leases import Lease, fence, write
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


def _draft() -> Insert:
    made = upsert(drafts)
    return made.on_conflict_do_update(
        index_elements=[drafts.c.user_id, drafts.c.turn_id],
        set_={"attempt": made.excluded.attempt, "text": made.excluded.text},
    )


_DRAFT: Final = prepared(_draft(), columns=("user_id", "turn_id", "attempt", "text"))
_CALL: Final = prepared(
    insert(tool_calls), columns=[column.name for column in stored(tool_calls) if column.name != "answer"]
)
_DRAFTED: Final = prepared(
    select(drafts.c.text).where(drafts.c.user_id == bindparam("user_id"), drafts.c.turn_id == bindparam("turn_id"))
)
_ROUNDS: Final = prepared(
    rows_of(rounds)
    .where(rounds.c.user_id == bindparam("user_id"), rounds.c.turn_id == bindparam("turn_id"))
    .order_by(rounds.c.number),
    Round,
)
_CALLS: Final = prepared(
    rows_of(tool_calls)
    .where(tool_calls.c.user_id == bindparam("user_id"), tool_calls.c.turn_id == bindparam("turn_id"))
    .order_by(tool_calls.c.round, tool_calls.c.index),
    ToolCall,
)


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
        values |= _counted(turn, spent)
        await count_usage(work, model_calls=1, spent=spent)
    await write(work, turn, **values)
    if text:
        await write_draft(work, turn.id, attempt, text)


def _counted(turn: Turn, spent: Spent) -> dict[str, int]:
    """The counters of a locked turn, with one model call more."""
    return {
        "input_tokens": turn.input_tokens + spent.input_tokens,
        "output_tokens": turn.output_tokens + spent.output_tokens,
        "model_calls": turn.model_calls + 1,
    }


async def show_again(work: UnitOfWork, lease: Lease, attempt: int, text: str) -> None:
    """Begin a new attempt with the text of the rounds that are done; its followers read it. Raises LeaseLost."""
    turn = await fence(work, lease)
    await write_draft(work, turn.id, attempt, text)
    work.record(Change(ChangeKind.TURN, turn.id, conversation_id=turn.conversation_id))


async def write_draft(work: UnitOfWork, turn_id: UUID, attempt: int, text: str) -> None:
    """Store the draft of a turn that is held by this transaction."""
    await work.run(_DRAFT, turn_id=turn_id, attempt=attempt, text=text)


async def commit_round(
    work: UnitOfWork,
    lease: Lease,
    done: Round,
    calls: Sequence[NewCall],
    spent: Spent,
    *,
    message: Message,
    understanding: Understanding | None,
    noticed: bool = False,
) -> Committed:
    """Keep what the model said in one round, and its calls as PENDING, before the first runs. Raises LeaseLost.

    `noticed`: the turn has a notice, which its watchers see go.
    """
    found = _understood(understanding)
    tokens_today = await keep_round(work, lease, done, spent, notice=None, notice_until=None, **found)
    if noticed:
        work.record(Change(ChangeKind.TURN, lease.turn_id, conversation_id=message.conversation_id))
    return Committed(await _insert_calls(work, lease, done.number, calls, message), tokens_today)


async def complete_round(
    work: UnitOfWork,
    lease: Lease,
    done: Round,
    reply: Reply,
    spent: Spent,
    *,
    message: Message,
    understanding: Understanding | None,
) -> None:
    """Keep a turn's last round, store the assistant's message and end the turn, in the fewest steps. Raises LeaseLost.

    The same as `commit_round` and then `complete`.
    """
    conversation_id = message.conversation_id
    position = await conversations.add_reply(work, conversation_id, reply.shown)
    ended = ending(work, TurnStatus.COMPLETED, reply_id=new_id())
    await keep_round(work, lease, done, spent, ended=1, **ended, **_understood(understanding))
    work.record(Change(ChangeKind.TURN, lease.turn_id, conversation_id=conversation_id))
    await insert_reply(work, conversation_id, lease.turn_id, ended["reply_id"], position, reply)
    await let_others_run(work, conversation_id, lease.turn_id)


def _understood(understanding: Understanding | None) -> dict[str, Any]:
    """What of it is kept on the turn."""
    if understanding is None:
        return {}
    return {
        "intent": understanding.intent,
        "confidence": understanding.confidence,
        "entities": [dict(entity) for entity in understanding.entities],
    }


async def _insert_calls(
    work: UnitOfWork, lease: Lease, round_number: int, calls: Sequence[NewCall], message: Message
) -> list[ToolCall]:
    made = [
        ToolCall(
            user_id=work.user_id,
            id=new_id(),
            conversation_id=message.conversation_id,
            message_id=message.id,
            turn_id=lease.turn_id,
            round=round_number,
            index=call.index,
            tool_name=call.tool.value,
            operation=call.operation.value,
            input_text=message.content,
            parameters={},
            status=ToolCallStatus.PENDING.value,
            answer=None,
            total_count=None,
            error_code=None,
            error_message=None,
            created_at=work.now,
            asked_at=None,
            decided_at=None,
            decision_reason=None,
            executed_at=None,
            undone_at=None,
            version=1,
        )
        for call in calls
    ]
    await work.run_each(_CALL, [columns_of(call) for call in made])
    for call in made:
        work.record(Change(ChangeKind.TOOL_CALL, call.id, conversation_id=call.conversation_id))
    return made


async def read_draft(session: Session, turn_id: UUID) -> str:
    """The turn's text so far: its draft as last saved, or where none was the text of its rounds."""
    draft = await session.value(_DRAFTED, turn_id=turn_id)
    if draft is not None:
        return str(draft)
    done, _ = await read_progress(session, turn_id)
    return joined(one.text for one in done)


def joined(texts: Iterable[str]) -> str:
    """The texts of rounds as one, so that offsets never go back within an attempt."""
    return "\n\n".join(text for text in texts if text)


async def read_progress(session: Session, turn_id: UUID) -> tuple[list[Round], list[ToolCall]]:
    """The rounds that are committed and the calls they made, in order: where a restart goes on from."""
    return await session.every(_ROUNDS, turn_id=turn_id), await session.every(_CALLS, turn_id=turn_id)
