"""The running summary: turns that left the window, a line each, told by fixed rules and without a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import Any, Final

from assistant.past import Attempts, PastCall, PastTurn, by_message, read_past
from core.errors import DomainError
from core.unit_of_work import UnitOfWork
from models.enums import ToolCallStatus, TurnStatus
from models.turns import Turn
from services import conversations, summaries
from services.summaries import MORE

SAID_LIMIT: Final = 80
LINE_LIMIT: Final = 200
TITLES: Final = 3
"""Titles that a line names of one call; the rest are counted."""

FOLD_AT: Final = 40
"""Unsummarised turns that are let be; with more, all but KEPT are folded: once in some 20 turns."""

KEPT: Final = 20


def line_of(attempts: Attempts) -> str:
    """A message and what came of it: “said” → what was done; how it ended. One line, at most LINE_LIMIT characters."""
    *earlier, last = attempts
    parts = [_deed(call) for one in earlier for call in one.calls if call.completed]
    parts += [_deed(call) for call in last.calls]
    if last.reply and (not parts or last.reply.rstrip().endswith("?")):
        parts.append(("asked " if last.reply.rstrip().endswith("?") else "answered ") + _quoted(last.reply))
    parts += _ending(last)
    return _clipped(f"{_quoted(last.said)} → {'; '.join(parts) or 'nothing'}", LINE_LIMIT)


def _deed(call: PastCall) -> str:
    answer: Mapping[str, Any] = call.answer or {}
    undone = " (undone)" if call.undone_at is not None else ""
    if call.completed:
        found = answer.get("total")
        if isinstance(found, int):
            return f"{call.tool_name} found {found}{undone}"
        return f"{call.tool_name} {_titles(answer.get('tasks'))}".rstrip() + undone
    if call.status != ToolCallStatus.FAILED:
        return f"{call.tool_name} not run"
    if candidates := _titles(answer.get("candidates")):
        return f"{call.tool_name} asked: {candidates}"
    return f"{call.tool_name} failed ({call.error_code})"


def _titles(listed: object) -> str:
    if not isinstance(listed, list):
        return ""
    named = [_quoted(str(task["title"]), 40) for task in listed if isinstance(task, dict) and "title" in task]
    rest = [f"{len(named) - TITLES} more"] if len(named) > TITLES else []
    return ", ".join([*named[:TITLES], *rest])


def _ending(turn: PastTurn) -> list[str]:
    match turn.status:
        case TurnStatus.COMPLETED:
            return []
        case TurnStatus.CANCELLED:
            return ["stopped by the user"]
        case TurnStatus.FAILED:
            return [f"failed ({turn.error_code})"]
        case _:
            return ["not ended"]


def _quoted(text: str, limit: int = SAID_LIMIT) -> str:
    """On one line, cut."""
    return f"“{_clipped(' '.join(text.split()), limit)}”"


def _clipped(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def lines_before(summary: str, past: Sequence[PastTurn], summarised_to: int) -> list[str]:
    """The stored lines, and "…" where turns between them and `past` are in neither: those of a backlog too long."""
    lines = summaries.lines_of(summary)
    if past and past[0].number > summarised_to + 1:
        lines.append(MORE)
    return lines


async def fold(work: UnitOfWork, turn: Turn) -> None:
    """Fold the conversation's turns before this one into its summary, where there are too many.

    It reads under the conversation's lock: of two at once the second finds little to fold, and a call is undone either
    before it is read here or after its line is stored (`services.summaries.note_undone`).
    """
    try:
        conversation = await conversations.lock(work, turn.conversation_id)
    except DomainError:
        return  # it is gone, and the turn with it: its next fence says so
    past = await read_past(work, turn.conversation_id, before=turn.number, after=conversation.summarised_to)
    old = foldable(past)
    if not old:
        return
    lines = lines_before(conversation.summary, past, conversation.summarised_to)
    lines += [line_of(attempts) for attempts in by_message(old)]
    await summaries.store(
        work,
        conversation.id,
        lines,
        since=conversation.summarised_to,
        summarised_to=old[-1].number,
    )


def needs_fold(past: Sequence[PastTurn]) -> bool:
    return len(past) > FOLD_AT


def foldable(past: Sequence[PastTurn]) -> list[PastTurn]:
    """All but the newest, up to the first that hasn't ended, and with all attempts of a message or none."""
    if not needs_fold(past):
        return []
    old = list(takewhile(lambda one: one.ended, past[:-KEPT]))
    following = past[len(old)]
    whole = list(_before_message(old, following))
    return whole or old


def _before_message(old: Iterable[PastTurn], following: PastTurn) -> Iterable[PastTurn]:
    return takewhile(lambda one: one.message_id != following.message_id, old)
