"""A conversation's earlier turns as they are stored, read by keyset: what the history and the summary are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, and_, any_, literal, select

from core.unit_of_work import Session
from models.base import rows_of
from models.conversations import messages
from models.enums import ToolCallStatus, TurnStatus
from models.turns import Round, rounds, tool_calls, turns

LOOK: Final = 60
"""Turns that are looked at, at most. Folding keeps fewer than that unsummarised; only a backlog has more."""


@dataclass(frozen=True, slots=True)
class PastCall:
    """What history needs of a stored call."""

    turn_id: UUID
    round: int
    index: int
    tool_name: str
    status: str
    answer: Mapping[str, Any] | None
    error_code: str | None
    error_message: str | None
    undone_at: datetime | None

    @property
    def completed(self) -> bool:
        return self.status == ToolCallStatus.COMPLETED


@dataclass(frozen=True, slots=True)
class PastTurn:
    """One attempt at answering a message: what was said, what was done, and how it ended."""

    id: UUID
    number: int
    message_id: UUID
    status: str
    error_code: str | None
    error_message: str | None
    said: str
    reply: str | None
    rounds: Sequence[Round]
    calls: Sequence[PastCall]

    @property
    def ended(self) -> bool:
        return TurnStatus(self.status).ended


Attempts = Sequence[PastTurn]
"""The turns of one message, oldest first; never empty."""

_CALL_COLUMNS: Final = [tool_calls.c[name] for name in PastCall.__dataclass_fields__]


async def read_past(session: Session, conversation_id: UUID, *, before: int, after: int) -> list[PastTurn]:
    """The newest turns with after < number < before, at most LOOK, oldest first. Three statements, or one."""
    reply = messages.alias("reply")
    of_message = and_(messages.c.user_id == turns.c.user_id, messages.c.id == turns.c.message_id)
    of_reply = and_(reply.c.user_id == turns.c.user_id, reply.c.id == turns.c.reply_id)
    own = [turns.c[name] for name in ("id", "number", "message_id", "status", "error_code", "error_message")]
    newest: Select[Any] = (
        select(*own, messages.c.content, reply.c.content)
        .select_from(turns.join(messages, of_message).outerjoin(reply, of_reply))
        .where(
            turns.c.user_id == session.user_id,
            turns.c.conversation_id == conversation_id,
            turns.c.number < before,
            turns.c.number > after,
        )
        .order_by(turns.c.number.desc())
        .limit(LOOK)
    )
    found: Sequence[Any] = (await session.execute(newest)).all()
    if not found:
        return []
    ids = [row[0] for row in found]
    rounds_of = await _grouped(session, rows_of(rounds), rounds, Round, ids, rounds.c.number)
    order = (tool_calls.c.round, tool_calls.c.index)
    calls_of = await _grouped(session, select(*_CALL_COLUMNS), tool_calls, PastCall, ids, *order)
    return [PastTurn(*(*row, rounds_of[row[0]], calls_of[row[0]])) for row in reversed(found)]


async def _grouped(
    session: Session, columns: Any, table: Any, value: type[Any], ids: Sequence[UUID], *order: Any
) -> dict[UUID, list[Any]]:
    """The rows of these turns. One array, not a list of parameters: the statement is the same for any number."""
    of_turns = table.c.turn_id == any_(literal(list(ids), ARRAY(Uuid)))
    statement = columns.where(table.c.user_id == session.user_id, of_turns).order_by(*order)
    grouped: dict[UUID, list[Any]] = defaultdict(list)
    for one in await session.all(statement, value):
        grouped[one.turn_id].append(one)
    return grouped


def by_message(past: Sequence[PastTurn]) -> list[Attempts]:
    """The attempts of each message, messages in the order of their newest attempt."""
    grouped: dict[UUID, list[PastTurn]] = {}
    for one in past:
        grouped.setdefault(one.message_id, []).append(one)
    return sorted(grouped.values(), key=lambda attempts: attempts[-1].number)
