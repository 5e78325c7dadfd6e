"""The running summary of a conversation as it is stored: where it ends, and what was undone since it was written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import update

from core.unit_of_work import UnitOfWork
from models.conversations import conversations
from models.turns import ToolCall, Turn
from services.conversations import lock

SUMMARY_LIMIT: Final = 2_000
"""Characters of a stored summary."""

LINE_LIMIT: Final = 200

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


async def note_undone(work: UnitOfWork, turn: Turn, calls: Sequence[ToolCall], *, undone: bool = True) -> None:
    """Say in the summary that calls of a summarised turn were undone (or done again, `undone` False).

    Locks the conversation: call it before any task is locked. The fold holds the same lock while it reads, so that a
    call is either folded as undone or noted here. A turn past the summary's end needs no note: it is read itself.
    """
    conversation = await lock(work, turn.conversation_id)
    if turn.number > conversation.summarised_to or not calls:
        return
    names = ", ".join(call.tool_name for call in calls)
    words = " ".join(calls[0].input_text.split())[:60]
    line = f"{'undone' if undone else 'done again'} since: {names} of “{words}”"
    await store(
        work,
        conversation.id,
        [*lines_of(conversation.summary), line[:LINE_LIMIT]],
        since=conversation.summarised_to,
        summarised_to=conversation.summarised_to,
    )
