"""The running summary of a conversation as it is stored: where it ends, and what was undone since it was written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, and_, select, update

from core.unit_of_work import UnitOfWork
from models.conversations import conversations
from models.turns import ToolCall, turns

SUMMARY_LIMIT: Final = 2_000
"""Characters of a stored summary."""

WORDS: Final = 60
"""Characters of a message that a note names."""

MORE: Final = "…"
"""The line that stands where older ones were."""


def lines_of(summary: str) -> list[str]:
    """A stored summary as its lines, oldest first."""
    return summary.split("\n") if summary else []


def newest_lines(lines: Sequence[str], limit: int, measure: Callable[[str], int] = len) -> list[str]:
    """The newest lines that fit into `limit`, each measured with its break; what is left out leaves "…" behind."""
    sizes = [measure(line) + 1 for line in lines]
    if sum(sizes) <= limit:
        return list(lines)
    left = limit - measure(MORE) - 1
    kept: list[str] = []
    for line, needed in zip(reversed(lines), reversed(sizes), strict=True):
        if needed > left:
            break
        left -= needed
        kept.append(line)
    return [MORE, *reversed(kept)] if not kept or kept[-1] != MORE else kept[::-1]


async def store(
    work: UnitOfWork, conversation_id: UUID, lines: Sequence[str], *, since: int, summarised_to: int
) -> bool:
    """Replace the summary that ended at turn `since`; False, and nothing written, where it ends elsewhere by now.

    The oldest lines give way past the limit. No version and no change-log row: nobody but the assistant reads it.
    """
    statement = (
        update(conversations)
        .where(
            conversations.c.user_id == work.user_id,
            conversations.c.id == conversation_id,
            conversations.c.summarised_to == since,
        )
        .values(summary="\n".join(newest_lines(lines, SUMMARY_LIMIT)), summarised_to=summarised_to)
    )
    return (await work.execute(statement)).rowcount == 1


async def note_undone(work: UnitOfWork, calls: Sequence[ToolCall], *, undone: Collection[UUID]) -> None:
    """Say in the summary of those calls whose turns are in it that they were undone or, not among `undone`, done again.

    Their conversations are locked by now. The fold reads under the same lock, so that a call is either folded as undone
    or noted here. A turn past the summary's end needs no note.
    """
    of_turn = and_(conversations.c.user_id == turns.c.user_id, conversations.c.id == turns.c.conversation_id)
    folded: Select[Any] = (
        select(turns.c.id, conversations.c.id, conversations.c.summary, conversations.c.summarised_to)
        .join(conversations, of_turn)
        .where(
            turns.c.user_id == work.user_id,
            turns.c.id.in_({call.turn_id for call in calls}),
            turns.c.number <= conversations.c.summarised_to,
        )
    )
    notes: dict[tuple[UUID, str, int], list[str]] = {}
    rows: Sequence[Any] = (await work.execute(folded)).all()
    for turn_id, conversation_id, summary, end in rows:
        own = [_note(call, call.id in undone) for call in calls if call.turn_id == turn_id]
        notes.setdefault((conversation_id, summary, end), []).extend(own)
    for (noted_in, before, until), lines in notes.items():
        await store(work, noted_in, [*lines_of(before), *lines], since=until, summarised_to=until)


def _note(call: ToolCall, undone: bool) -> str:
    words = " ".join(call.input_text.split())[:WORDS]
    return f"{'undone' if undone else 'done again'} since: {call.tool_name} of “{words}”"
