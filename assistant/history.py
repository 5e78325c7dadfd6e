"""What a conversation said so far, as a provider needs it: whole call/result pairs, newest first within a budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from assistant.fitting import fitted, least, size_of, tokens
from assistant.past import Attempts, PastCall, PastTurn, by_message, read_past
from assistant.providers.base import AssistantSaid, CallResult, Item, ModelCall, UserSaid
from assistant.summary import line_of, lines_before, needs_fold
from core.errors import ErrorCode
from core.unit_of_work import Session
from models.conversations import Conversation
from models.enums import TurnStatus
from models.turns import Round, ToolCall, Turn
from services.context import ASSISTANT_KEY
from services.summaries import newest_lines
from services.tool_calls import failure
from services.turns import joined

MOST_OF_ONE: Final = 2
"""One turn takes at most this part of the budget (a half): a list of 100 tasks must not be all that is remembered."""

FOR_LINES: Final = 3
"""What stands as lines takes at most this part of the budget (a third), and has it where turns don't fit."""


@dataclass(frozen=True, slots=True)
class History:
    """Earlier turns as items, oldest first, and the global ids of the tasks that the conversation last showed.

    `summary` are the lines of the turns that aren't among the items, oldest first. `retry`: the message being answered
    was answered before, and the last items are it and what its earlier attempts have done, if anything.
    """

    items: tuple[Item, ...]
    shown: tuple[str, ...]
    summary: tuple[str, ...] = ()
    retry: bool = False
    needs_fold: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether earlier attempts have done something; turns that are no attempts close with a text."""
        return self.retry and bool(self.items) and isinstance(self.items[-1], CallResult)


def call_id(turn_number: int, round_number: int, index: int) -> str:
    """The id that pairs a call with its result: ours, since endpoints' own may repeat, and unique in a conversation."""
    return f"call_{turn_number}_{round_number}_{index}"


def items_of_rounds(
    turn_number: int, done: Sequence[Round], calls: Sequence[ToolCall] | Sequence[PastCall]
) -> list[Item]:
    """Finished rounds as items: each call stands with its result, and one that never ran says so."""
    answers = {(call.round, call.index): call for call in calls}
    items: list[Item] = []
    for one in done:
        raw = [
            ModelCall(call_id(turn_number, one.number, index), call["name"], call["arguments"])
            for index, call in enumerate(one.calls)
        ]
        items.append(AssistantSaid(one.text, tuple(raw)))
        for index, call in enumerate(raw):
            items.append(CallResult(call.id, _result(call, answers.get((one.number, index)))))
    return items


def _result(raw: ModelCall, call: ToolCall | PastCall | None) -> str:
    if call is None:
        return error_answer(ErrorCode.NOT_FOUND, f"There is no tool named {raw.name[:60]!r}.")
    if call.answer is None:
        code = ErrorCode(call.error_code) if call.error_code else ErrorCode.INTERRUPTED
        return error_answer(code, call.error_message or "This call did not run.")
    answer = {**call.answer, "undone": True} if call.undone_at is not None else call.answer
    return orjson.dumps(answer).decode()


def error_answer(code: ErrorCode, message: str) -> str:
    """The result of a call that failed, as JSON text."""
    return orjson.dumps(failure(code, message)).decode()


def shown_by(call: ToolCall, before: tuple[str, ...]) -> tuple[str, ...]:
    """The tasks that a finished call put before the user: what "the second one" then means."""
    answer: Mapping[str, Any] = call.answer or {}
    listed = answer.get("candidates") if call.error_code else answer.get("tasks")
    return tuple(task["id"] for task in listed) if listed else before


async def read_history(session: Session, turn: Turn, conversation: Conversation, *, budget: int) -> History:
    """The turns before this one within `budget` tokens. What it reads doesn't grow with the conversation.

    Every turn is there once: in the stored summary, as items, or, where the budget ends first, as a line of its own.
    """
    past: list[PastTurn] = []
    if turn.number > conversation.summarised_to + 1:
        past = await read_past(session, turn.conversation_id, before=turn.number, after=conversation.summarised_to)
    lines = lines_before(conversation.summary, past, conversation.summarised_to)
    items, summary = arranged(past, turn.message_id, lines, budget)
    return History(
        items=tuple(items),
        shown=tuple(conversation.context.get(ASSISTANT_KEY, {}).get("shown", [])),
        summary=tuple(summary),
        retry=turn.retry_of is not None,
        needs_fold=needs_fold(past),
    )


def arranged(
    past: Sequence[PastTurn], answering: UUID, lines: Sequence[str], budget: int
) -> tuple[list[Item], list[str]]:
    """The items and the summary's lines of earlier turns (oldest first) for a turn that answers that message.

    Where the message has earlier attempts, what they have done comes last, past the budget: the turn must know it.
    """
    earlier = [attempts for attempts in by_message(past) if attempts[-1].message_id != answering]
    items, summary = _within(earlier, lines, budget)
    own = [one for one in past if one.message_id == answering]
    if done := _done_by(own):
        again = [UserSaid(own[-1].said), *done]
        items += fitted(again, budget) or least(again)
    return items, summary


def _within(earlier: Sequence[Attempts], lines: Sequence[str], budget: int) -> tuple[list[Item], list[str]]:
    """Whole turns, newest first, and the lines of all others. Both together fit into the budget."""
    kept = newest_lines(lines, budget // FOR_LINES, tokens)
    left = budget - sum(tokens(line) + 1 for line in kept)
    chosen: list[list[Item]] = []
    for attempts in reversed(earlier):
        items = fitted(_items_of(attempts), min(left, budget // MOST_OF_ONE))
        if items is None:
            break
        left -= size_of(items)
        chosen.append(items)
    used = sum(map(size_of, chosen))
    if len(chosen) < len(earlier):
        while used > budget - budget // FOR_LINES:
            used -= size_of(chosen.pop())
    left_out = earlier[: len(earlier) - len(chosen)]
    summary = newest_lines([*lines, *map(line_of, left_out)], budget - used, tokens)
    return [item for items in reversed(chosen) for item in items], summary


def _items_of(attempts: Attempts) -> list[Item]:
    """A message, what its earlier attempts have done, and its newest attempt with its ending: a text always closes."""
    *earlier, last = attempts
    items: list[Item] = [UserSaid(last.said), *_done_by(earlier)]
    items += items_of_rounds(last.number, last.rounds, last.calls)
    own = items.pop() if isinstance(items[-1], AssistantSaid) else AssistantSaid("")
    assert isinstance(own, AssistantSaid), "and it has no calls: their results would follow"
    closing = joined((_closing(last, own.text), _ending(last)))
    return [*items, AssistantSaid(closing or "(No answer.)")]


def _done_by(attempts: Sequence[PastTurn]) -> list[Item]:
    """The completed calls of attempts that were given up, each with its result, unless undone; nothing else of them."""
    items: list[Item] = []
    for one in attempts:
        raw = {round_.number: round_.calls for round_ in one.rounds}
        done = [call for call in one.calls if call.completed and call.undone_at is None]
        calls = [_raw(one.number, call, raw[call.round][call.index]) for call in done]
        if calls:
            items.append(AssistantSaid("", tuple(calls)))
            items += [CallResult(call.id, _result(call, ran)) for call, ran in zip(calls, done, strict=True)]
    return items


def _raw(turn_number: int, call: PastCall, raw: Mapping[str, str]) -> ModelCall:
    return ModelCall(call_id(turn_number, call.round, call.index), raw["name"], raw["arguments"])


def _closing(turn: PastTurn, own: str) -> str:
    """The last text: `own` of the last round, with what the stored reply adds to the rounds' (notes, a draft), and
    without what it was cut by."""
    spoken = joined(one.text for one in turn.rounds)
    reply = turn.reply or ""
    if not reply or reply.startswith(spoken):
        return (own + reply[len(spoken) :]).strip()
    if spoken.startswith(reply):
        return own[: max(0, len(own) - len(spoken) + len(reply))].strip()
    return reply


def _ending(turn: PastTurn) -> str:
    match turn.status:
        case TurnStatus.COMPLETED:
            return ""
        case TurnStatus.CANCELLED:
            return "(Stopped by the user.)"
        case TurnStatus.FAILED:
            return f"(This turn failed: {turn.error_message})"
        case _:
            return "(This turn has not ended.)"
