"""skip_occurrence: a task that repeats goes on to its next occurrence, this one undone."""

from __future__ import annotations

from uuid import UUID

from assistant.tools.answers import mark, moved_on
from assistant.tools.base import Parameters, Target, Tool, ToolContext, ToolOutcome
from assistant.tools.finding import Prefer, find_task
from models.enums import Actor, OperationType, ToolName
from services.tasks import skip_occurrence
from services.tasks.family import Along, with_subtasks


class SkipOccurrence(Parameters):
    task: Target


async def affected(context: ToolContext, parameters: SkipOccurrence) -> list[UUID]:
    task_id = await find_task(context, parameters.task, Prefer.OPEN)
    return await with_subtasks(context.work, task_id, Along.AGAIN)


async def run(context: ToolContext, parameters: SkipOccurrence) -> ToolOutcome:
    since = mark(context.work)
    task = await skip_occurrence(
        context.work,
        context.targets[0],
        Actor.ASSISTANT,
        tool_call_id=context.tool_call_id,
        conversation_id=context.conversation_id,
    )
    return await moved_on(context, "skipped", task, since)


TOOL = Tool(
    name=ToolName.SKIP_OCCURRENCE,
    description="Skip the present occurrence of a task that repeats: it is then due at its next one.",
    operation=OperationType.UPDATE,
    parameters=SkipOccurrence,
    run=run,
    affected=affected,
)
