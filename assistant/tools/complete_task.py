"""complete_task: done, or open again."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from assistant.tools.answers import changed, mark
from assistant.tools.base import Parameters, Target, Tool, ToolContext, ToolOutcome
from assistant.tools.finding import Prefer, find_task
from models.enums import Actor, OperationType, ToolName
from services.tasks import complete_task, reopen_task


class CompleteTask(Parameters):
    task: Target
    completed: Annotated[bool, Field(description="false opens it again.")] = True


async def affected(context: ToolContext, parameters: CompleteTask) -> list[UUID]:
    return [await find_task(context, parameters.task, Prefer.OPEN if parameters.completed else Prefer.COMPLETED)]


async def run(context: ToolContext, parameters: CompleteTask) -> ToolOutcome:
    since = mark(context.work)
    step = complete_task if parameters.completed else reopen_task
    task = await step(
        context.work,
        context.targets[0],
        Actor.ASSISTANT,
        tool_call_id=context.tool_call_id,
        conversation_id=context.conversation_id,
    )
    return await changed(context, "completed" if parameters.completed else "reopened", [task], since)


TOOL = Tool(
    name=ToolName.COMPLETE_TASK,
    description="Mark one task as done, or with completed=false as open again.",
    operation=OperationType.UPDATE,
    parameters=CompleteTask,
    run=run,
    affected=affected,
)
