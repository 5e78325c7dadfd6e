"""A conversation's earlier turns as they are stored, read by keyset: what the history and the summary are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import ARRAY, Select, Table, Uuid, and_, any_, bindparam, select

from core.statements import prepared
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


Kept = TypeVar("Kept", Round, PastCall)

Attempts = Sequence[PastTurn]
"""The turns of one message, oldest first; never empty."""

_CALL_COLUMNS: Final = [tool_calls.c[name] for name in PastCall.__dataclass_fields__]


async def read_past(session: Session, conversation_id: UUID, *, before: int, after: int) -> list[PastTurn]:
    """The newest turns with after < number < before, at most LOOK, oldest first. Three statements, or one."""
    found = await session.every(_NEWEST, conversation_id=conversation_id, before=before, after=after)
    if not found:
        return []
    ids = [row[0] for row in found]
    rounds_of = _by_turn(await session.every(_ROUNDS, ids=ids))
    calls_of = _by_turn(await session.every(_CALLS, ids=ids))
    return [PastTurn(*(*row, rounds_of[row[0]], calls_of[row[0]])) for row in reversed(found)]


def _newest() -> Select[Any]:
    reply = messages.alias("reply")
    of_message = and_(messages.c.user_id == turns.c.user_id, messages.c.id == turns.c.message_id)
    of_reply = and_(reply.c.user_id == turns.c.user_id, reply.c.id == turns.c.reply_id)
    own = [turns.c[name] for name in ("id", "number", "message_id", "status", "error_code", "error_message")]
    return (
        select(*own, messages.c.content, reply.c.content)
        .select_from(turns.join(messages, of_message).outerjoin(reply, of_reply))
        .where(
            turns.c.user_id == bindparam("user_id"),
            turns.c.conversation_id == bindparam("conversation_id"),
            turns.c.number < bindparam("before"),
            turns.c.number > bindparam("after"),
        )
        .order_by(turns.c.number.desc())
        .limit(LOOK)
    )


def _of_turns(columns: Select[Any], table: Table) -> Select[Any]:
    """One array, not a list of parameters: the statement is the same for any number of turns."""
    return columns.where(
        table.c.user_id == bindparam("user_id"), table.c.turn_id == any_(bindparam("ids", type_=ARRAY(Uuid)))
    )


_NEWEST: Final = prepared(_newest())
_ROUNDS: Final = prepared(_of_turns(rows_of(rounds), rounds).order_by(rounds.c.number), Round)
_CALLS: Final = prepared(
    _of_turns(select(*_CALL_COLUMNS), tool_calls).order_by(tool_calls.c.round, tool_calls.c.index), PastCall
)


def _by_turn(found: Iterable[Kept]) -> dict[UUID, list[Kept]]:
    grouped: dict[UUID, list[Kept]] = defaultdict(list)
    for one in found:
        grouped[one.turn_id].append(one)
    return grouped


def by_message(past: Sequence[PastTurn]) -> list[Attempts]:
    """The attempts of each message, messages in the order of their newest attempt."""
    grouped: dict[UUID, list[PastTurn]] = {}
    for one in past:
        grouped.setdefault(one.message_id, []).append(one)
    return sorted(grouped.values(), key=lambda attempts: attempts[-1].number)
