"""reschedule_tasks: another due date for one or more tasks, all or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import Field

from assistant.tools.answers import changed, mark
from assistant.tools.base import DueWords, Parameters, RecurrenceWords, Targets, Tool, ToolContext, ToolOutcome
from assistant.tools.due import due_patch
from assistant.tools.finding import find_tasks
from assistant.tools.moving_due import shift_of
from models.enums import Actor, OperationType, ToolName
from models.tasks import Task
from services.tasks import get_tasks, update_tasks


class RescheduleTasks(Parameters):
    tasks: Targets
    due: Annotated[DueWords, Field(description='The new due date in the user\'s words; "none" clears it.')]
    recurrence: RecurrenceWords | None = None


async def affected(context: ToolContext, parameters: RescheduleTasks) -> list[UUID]:
    return await find_tasks(context, parameters.tasks)


async def run(context: ToolContext, parameters: RescheduleTasks) -> ToolOutcome:
    shifts = shift_of(parameters.due, context) is not None  # each from its own due date
    known = await get_tasks(context.work, context.targets) if shifts or len(context.targets) == 1 else []
    since = mark(context.work)
    if shifts:
        touched = [task for one in known for task in await _update(context, parameters, [one.id], one)]
    else:
        touched = await _update(context, parameters, context.targets, known[0] if known else None)
    return await changed(context, "updated", touched, since)


async def _update(
    context: ToolContext, parameters: RescheduleTasks, some: Sequence[UUID], only: Task | None
) -> list[Task]:
    patch = due_patch(context, parameters.due, parameters.recurrence, task=only)
    return await update_tasks(context.work, some, patch, Actor.ASSISTANT, **context.by)


TOOL = Tool(
    name=ToolName.RESCHEDULE_TASKS,
    description="Give tasks another due date, once or repeating, or none.",
    operation=OperationType.UPDATE,
    parameters=RescheduleTasks,
    run=run,
    affected=affected,
)
