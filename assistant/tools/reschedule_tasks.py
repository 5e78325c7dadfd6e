"""reschedule_tasks: another due date for one or more tasks, all or none."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from assistant.tools.answers import changed, mark
from assistant.tools.base import DueWords, Parameters, RecurrenceWords, Targets, Tool, ToolContext, ToolOutcome
from assistant.tools.due import due_patch
from assistant.tools.finding import find_tasks
from models.enums import Actor, OperationType, ToolName
from services.tasks import get_tasks, update_tasks


class RescheduleTasks(Parameters):
    tasks: Targets
    due: Annotated[DueWords, Field(description='The new due date in the user\'s words; "none" clears it.')]
    recurrence: RecurrenceWords | None = None


async def affected(context: ToolContext, parameters: RescheduleTasks) -> list[UUID]:
    return await find_tasks(context, parameters.tasks)


async def run(context: ToolContext, parameters: RescheduleTasks) -> ToolOutcome:
    [only] = await get_tasks(context.work, context.targets) if len(context.targets) == 1 else [None]
    patch = due_patch(context, parameters.due, parameters.recurrence, task=only)
    since = mark(context.work)
    touched = await update_tasks(
        context.work,
        context.targets,
        patch,
        Actor.ASSISTANT,
        tool_call_id=context.tool_call_id,
        conversation_id=context.conversation_id,
    )
    return await changed(context, "updated", touched, since)


TOOL = Tool(
    name=ToolName.RESCHEDULE_TASKS,
    description="Give tasks another due date, once or repeating, or none.",
    operation=OperationType.UPDATE,
    parameters=RescheduleTasks,
    run=run,
    affected=affected,
)
