"""delete_task: exactly one task a call (and its subtasks), so that each deletion is a call of its own in the record."""

from __future__ import annotations

from uuid import UUID

from assistant.tools.answers import changed_family, mark
from assistant.tools.base import Parameters, Target, Tool, ToolContext, ToolOutcome
from assistant.tools.finding import find_task
from models.enums import Actor, OperationType, ToolName
from services.tasks import delete_task
from services.tasks.family import Along, with_subtasks


class DeleteTask(Parameters):
    task: Target


async def affected(context: ToolContext, parameters: DeleteTask) -> list[UUID]:
    return await with_subtasks(context.work, await find_task(context, parameters.task), Along.LIVE)


async def run(context: ToolContext, parameters: DeleteTask) -> ToolOutcome:
    since = mark(context.work)
    await delete_task(
        context.work,
        context.targets[0],
        Actor.ASSISTANT,
        tool_call_id=context.tool_call_id,
        conversation_id=context.conversation_id,
    )
    return await changed_family(context, "deleted", since)


TOOL = Tool(
    name=ToolName.DELETE_TASK,
    description="Delete one task and its subtasks. Only where the user asks for it to be deleted; what is done is"
    " completed instead.",
    operation=OperationType.DELETE,
    parameters=DeleteTask,
    run=run,
    affected=affected,
    destructive=True,
)
