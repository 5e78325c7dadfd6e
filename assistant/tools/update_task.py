"""update_task: other words, due date, priority or labels for one task."""

from __future__ import annotations

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from assistant.tools.answers import changed, mark
from assistant.tools.base import (
    DueWords,
    LabelNames,
    Parameters,
    PriorityName,
    Target,
    Tool,
    ToolContext,
    ToolOutcome,
    Words,
)
from assistant.tools.due import read_due
from assistant.tools.finding import find_task
from models.enums import Actor, OperationType, Priority, ToolName
from models.tasks import DESCRIPTION_LIMIT, TASK_TITLE_LIMIT
from services.inputs import UNSET
from services.tasks import TaskPatch, update_task


class UpdateTask(Parameters):
    task: Target
    title: Annotated[Words, Field(min_length=1, max_length=TASK_TITLE_LIMIT, description="The new title.")] | None = (
        None
    )
    description: (
        Annotated[Words, Field(max_length=DESCRIPTION_LIMIT, description="The new notes; empty clears them.")] | None
    ) = None
    due: Annotated[DueWords, Field(description='The new due date in the user\'s words; "none" clears it.')] | None = (
        None
    )
    priority: Annotated[PriorityName, Field(description="The new priority; NONE clears it.")] | None = None
    labels: Annotated[LabelNames, Field(description="All labels that it shall have; [] clears them.")] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        given = (self.title, self.description, self.due, self.priority, self.labels)
        if all(value is None for value in given):
            raise ValueError("give what to change: title, description, due, priority or labels")
        return self


async def affected(context: ToolContext, parameters: UpdateTask) -> list[UUID]:
    return [await find_task(context, parameters.task)]


async def run(context: ToolContext, parameters: UpdateTask) -> ToolOutcome:
    due = read_due(parameters.due, context) if parameters.due else None
    patch = TaskPatch(
        title=UNSET if parameters.title is None else parameters.title,
        description=UNSET if parameters.description is None else parameters.description,
        due_date=due.date if due else UNSET,
        due_at=due.at if due else UNSET,
        time_zone=due.time_zone if due else UNSET,
        priority=Priority[parameters.priority] if parameters.priority else UNSET,
        labels=UNSET if parameters.labels is None else parameters.labels,
    )
    since = mark(context.work)
    task = await update_task(
        context.work,
        context.targets[0],
        patch,
        Actor.ASSISTANT,
        tool_call_id=context.tool_call_id,
        conversation_id=context.conversation_id,
    )
    return await changed(context, "updated", [task], since)


TOOL = Tool(
    name=ToolName.UPDATE_TASK,
    description="Change one task: its title, notes, due date, priority or labels.",
    operation=OperationType.UPDATE,
    parameters=UpdateTask,
    run=run,
    affected=affected,
)
