"""snooze_reminder: a task's reminder comes (again) later; its own time stays. A task without one is due later."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from assistant.tools.answers import changed, mark
from assistant.tools.base import DueWords, Parameters, Target, Tool, ToolContext, ToolOutcome
from assistant.tools.due import due_patch, names_due
from assistant.tools.finding import Prefer, find_task
from assistant.tools.reminding import moment
from models.enums import Actor, OperationType, ToolName
from services.reminders import last_reminded, snooze
from services.tasks import get_tasks, update_tasks
from services.tasks.values import Author

_IT: Final = frozenset({"it", "that", "this", "that one", "this one", "the reminder", "my reminder", "that reminder"})
"""Words for the reminder that has just come, which no list shows."""


class SnoozeReminder(Parameters):
    task: Target | None = None
    until: Annotated[
        DueWords,
        Field(description='For how long or until when, in the user\'s words: "10 minutes", "tomorrow at 9".'),
    ]


async def affected(context: ToolContext, parameters: SnoozeReminder) -> list[UUID]:
    words = parameters.task
    if words is None or " ".join(words.casefold().split()) in _IT:
        latest = await last_reminded(context.work)
        if latest is not None:
            return [latest]
    return [await find_task(context, words or "it", Prefer.OPEN)]


async def run(context: ToolContext, parameters: SnoozeReminder) -> ToolOutcome:
    since = mark(context.work)
    author = Author(Actor.ASSISTANT, context.tool_call_id, context.conversation_id)
    for found in await get_tasks(context.work, context.targets):
        if found.remind_at or found.completed_at or not names_due(parameters.until, context):
            break
        patch = due_patch(context, parameters.until, task=found)
        moved = await update_tasks(context.work, context.targets, patch, Actor.ASSISTANT, **context.by)
        return await changed(context, "updated", moved, since)
    task = await snooze(context.work, context.targets[0], author, until=moment(parameters.until, context))
    return await changed(context, "snoozed", [task], since)


TOOL = Tool(
    name=ToolName.SNOOZE_REMINDER,
    description="Put a task's reminder off, by default that of the task whose reminder came last. A task without a"
    " reminder is moved to that day or time.",
    operation=OperationType.UPDATE,
    parameters=SnoozeReminder,
    run=run,
    affected=affected,
)
