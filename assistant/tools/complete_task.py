"""complete_task: done, or open again."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from assistant.tools.answers import changed, changed_family, mark, moved_on
from assistant.tools.base import Parameters, SubtasksWord, Target, Tool, ToolContext, ToolOutcome
from assistant.tools.finding import Prefer, find_task
from models.enums import Actor, OpenSubtasks, OperationType, ToolName
from services.tasks import complete_task, completed_with, get_tasks, reopen_task


class CompleteTask(Parameters):
    task: Target
    completed: Annotated[bool, Field(description="false opens it again.")] = True
    subtasks: Annotated[
        SubtasksWord,
        Field(
            description="What becomes of its open subtasks, where the user says so: COMPLETE them as well or KEEP them"
            " open. ASK by default."
        ),
    ] = "ASK"


async def affected(context: ToolContext, parameters: CompleteTask) -> list[UUID]:
    task_id = await find_task(context, parameters.task, Prefer.OPEN if parameters.completed else Prefer.COMPLETED)
    [task] = await get_tasks(context.work, [task_id])
    return (
        await completed_with(context.work, task, OpenSubtasks(parameters.subtasks))
        if parameters.completed
        else [task_id]
    )


async def run(context: ToolContext, parameters: CompleteTask) -> ToolOutcome:
    task_id, since = context.targets[0], mark(context.work)
    if not parameters.completed:
        task = await reopen_task(context.work, task_id, Actor.ASSISTANT, **context.by)
        return await changed(context, "reopened", [task], since)
    word = OpenSubtasks(parameters.subtasks)
    task = await complete_task(context.work, task_id, Actor.ASSISTANT, open_subtasks=word, **context.by)
    if task.completed_at is None:
        return await moved_on(context, "completed", task, since)
    if word is OpenSubtasks.COMPLETE:
        return await changed_family(context, "completed", since)
    return await changed(context, "completed", [task], since)


TOOL = Tool(
    name=ToolName.COMPLETE_TASK,
    description="Mark one task as done, or with completed=false as open again. With open subtasks it says how many.",
    operation=OperationType.UPDATE,
    parameters=CompleteTask,
    run=run,
    affected=affected,
)
