"""undo: what earlier calls of this conversation did is taken back; an undo among them, so that it is done again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import select

from assistant.tools.answers import TASKS_LIMIT, numbered
from assistant.tools.base import Parameters, Tool, ToolContext, ToolFailure, ToolOutcome, Words
from core.errors import ErrorCode
from core.ids import parse_global_id, to_global_id
from models.enums import Actor, OperationType, ToolName
from models.turns import ToolCall, turns
from services.tasks import get_tasks, with_labels
from services.tasks.values import Author
from services.undo import Undoable, Undone, last_undoable, preview, undo_calls, undoable_call


class Undo(Parameters):
    tool_call: (
        Annotated[
            Words,
            Field(min_length=1, max_length=200, description="The id of the call to take back; without it, the last."),
        ]
        | None
    ) = None


async def run(context: ToolContext, parameters: Undo) -> ToolOutcome:
    calls = await _meant(context, parameters)
    author = Author(Actor.ASSISTANT, context.tool_call_id, context.conversation_id)
    undone = await undo_calls(context.work, calls, author)
    listed = undone.task_ids[:TASKS_LIMIT]
    shown = await get_tasks(context.work, listed, deleted=True)
    answer: dict[str, Any] = {  # Any: JSON
        "ok": True,
        "action": "undone",
        "tasks": numbered(await with_labels(context.work, shown)),
        "undone": _named(calls, undone),
    }
    if len(undone.task_ids) > len(listed):
        answer["total"] = len(undone.task_ids)
    return ToolOutcome(tasks=listed, answer=answer, shown=listed or None)


async def affected(context: ToolContext, parameters: Undo) -> list[UUID]:
    """The tasks that the call would change; nothing is changed. Raises as `run` would."""
    return await preview(context.work, await _meant(context, parameters))


async def _meant(context: ToolContext, parameters: Undo) -> Undoable:
    """The calls to take back. Raises ToolFailure or DomainError, NOT_FOUND or NOT_UNDOABLE."""
    if parameters.tool_call is not None:
        return await _named_call(context, parameters.tool_call)
    number = await context.work.scalar(
        select(turns.c.number).where(turns.c.user_id == context.work.user_id, turns.c.id == context.turn_id)
    )
    calls = await last_undoable(context.work, context.conversation_id, number)
    if not calls:
        raise ToolFailure(ErrorCode.NOT_UNDOABLE, "There is nothing to take back in this conversation.")
    return calls


async def _named_call(context: ToolContext, words: str) -> Undoable:
    nothing = ToolFailure(ErrorCode.NOT_FOUND, "There is no such tool call in this conversation.")
    try:
        call_id = parse_global_id(words, "ToolCall")
    except ValueError:
        raise nothing from None
    calls = await undoable_call(context.work, call_id)
    if any(call.conversation_id != context.conversation_id for call in calls):
        raise nothing
    return calls


def _named(calls: Sequence[ToolCall], undone: Undone) -> list[dict[str, str]]:
    names = {call.id: call.tool_name for call in calls}
    return [{"id": to_global_id("ToolCall", call_id), "tool": names[call_id]} for call_id in undone.tool_call_ids]


TOOL = Tool(
    name=ToolName.UNDO,
    description="Take back what was done before: the last thing that changed tasks, or one call by its id. Taking back"
    " an undo does again what it took back.",
    operation=OperationType.UPDATE,
    parameters=Undo,
    run=run,
    affected=affected,
    reaches_back=True,
)
