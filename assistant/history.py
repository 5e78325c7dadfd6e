"""What a conversation said so far, as a provider needs it: whole call/result pairs, newest first within a budget."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from assistant.providers.base import AssistantSaid, CallResult, Item, ModelCall, UserSaid
from core.errors import ErrorCode
from core.unit_of_work import Session
from models.base import rows_of
from models.conversations import Message, messages
from models.turns import Round, ToolCall, Turn, rounds, tool_calls, turns

TURNS: Final = 30
"""Earlier turns that are looked at; fewer go out where the budget ends first."""

BUDGET: Final = 24_000
"""Characters of earlier turns that go out: some 6,000 tokens."""


@dataclass(frozen=True, slots=True)
class History:
    """Earlier turns as items, oldest first, and the global ids of the tasks that the conversation last showed."""

    items: tuple[Item, ...]
    shown: tuple[str, ...]


def call_id(round_number: int, index: int) -> str:
    """The id that pairs a call with its result. Ours: endpoints' own may repeat or be missing."""
    return f"call_{round_number}_{index}"


def items_of_rounds(done: Sequence[Round], calls: Sequence[ToolCall]) -> list[Item]:
    """Finished rounds as items: each call stands with its result, and one that never ran says so."""
    answers = {(call.round, call.index): call for call in calls}
    items: list[Item] = []
    for one in done:
        raw = [
            ModelCall(call_id(one.number, index), call["name"], call["arguments"])
            for index, call in enumerate(one.calls)
        ]
        items.append(AssistantSaid(one.text, tuple(raw)))
        for index, call in enumerate(raw):
            items.append(CallResult(call.id, _result(call, answers.get((one.number, index)))))
    return items


def _result(raw: ModelCall, call: ToolCall | None) -> str:
    if call is None:
        return error_answer(ErrorCode.NOT_FOUND, f"There is no tool named {raw.name[:60]!r}.")
    if call.answer is None:
        return error_answer(ErrorCode.INTERRUPTED, call.error_message or "This call did not run.")
    return orjson.dumps(call.answer).decode()


def error_answer(code: ErrorCode, message: str) -> str:
    """The result of a call that failed, as JSON text."""
    return orjson.dumps({"ok": False, "error": {"code": code.value, "message": message}}).decode()


def shown_by(call: ToolCall, before: tuple[str, ...]) -> tuple[str, ...]:
    """The tasks that a finished call put before the user: what "the second one" then means."""
    answer: Mapping[str, Any] = call.answer or {}
    listed = answer.get("candidates") if call.error_code else answer.get("tasks")
    return tuple(task["id"] for task in listed) if listed else before


async def read_history(session: Session, turn: Turn, context: Mapping[str, Any]) -> History:
    """The turns before this one, newest first within the budget, at whole turns. Three keyset queries."""
    earlier = (
        rows_of(turns)
        .where(
            turns.c.user_id == session.user_id,
            turns.c.conversation_id == turn.conversation_id,
            turns.c.number < turn.number,
        )
        .order_by(turns.c.number.desc())
        .limit(TURNS)
    )
    past = await session.all(earlier, Turn)
    kept = context.get("assistant", {}).get("shown", [])
    if not past:
        return History((), tuple(kept))
    ids = [one.id for one in past]
    said = await _messages(session, past)
    rounds_of = await _grouped(session, rounds, Round, ids, rounds.c.number)
    calls_of = await _grouped(session, tool_calls, ToolCall, ids, tool_calls.c.round, tool_calls.c.index)
    chosen: list[list[Item]] = []
    left = BUDGET
    for one in past:
        items: list[Item] = [UserSaid(said[one.message_id].content)]
        items += items_of_rounds(rounds_of[one.id], calls_of[one.id])
        left -= sum(_size(item) for item in items)
        if left < 0 and chosen:
            break
        chosen.append(items)
    return History(tuple(item for items in reversed(chosen) for item in items), tuple(kept))


def _size(item: Item) -> int:
    match item:
        case UserSaid(text):
            return len(text)
        case AssistantSaid(text, calls):
            return len(text) + sum(len(call.name) + len(call.arguments) for call in calls)
        case CallResult(_, content):
            return len(content)


async def _messages(session: Session, past: Sequence[Turn]) -> dict[UUID, Message]:
    asked = [one.message_id for one in past]
    statement = rows_of(messages).where(messages.c.user_id == session.user_id, messages.c.id.in_(asked))
    return {message.id: message for message in await session.all(statement, Message)}


async def _grouped(session: Session, table: Any, value: type[Any], ids: Sequence[UUID], *order: Any) -> Any:
    statement = rows_of(table).where(table.c.user_id == session.user_id, table.c.turn_id.in_(ids)).order_by(*order)
    grouped: dict[UUID, list[Any]] = defaultdict(list)
    for one in await session.all(statement, value):
        grouped[one.turn_id].append(one)
    return grouped
