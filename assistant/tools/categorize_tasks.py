"""categorize_tasks: labels put on tasks, or taken off."""

from __future__ import annotations

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from assistant.tools.answers import changed, mark
from assistant.tools.base import LabelNames, Parameters, Targets, Tool, ToolContext, ToolOutcome
from assistant.tools.finding import find_tasks
from models.enums import Actor, OperationType, ToolName
from services.tasks import TaskPatch, update_tasks


class CategorizeTasks(Parameters):
    tasks: Targets
    add_labels: Annotated[LabelNames, Field(description="Labels to put on; made where missing.")] | None = None
    remove_labels: Annotated[LabelNames, Field(description="Labels to take off.")] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.add_labels and not self.remove_labels:
            raise ValueError("give add_labels, remove_labels or both")
        return self


async def affected(context: ToolContext, parameters: CategorizeTasks) -> list[UUID]:
    return await find_tasks(context, parameters.tasks)


async def run(context: ToolContext, parameters: CategorizeTasks) -> ToolOutcome:
    since = mark(context.work)
    touched = await update_tasks(
        context.work,
        context.targets,
        TaskPatch(add_labels=parameters.add_labels or (), remove_labels=parameters.remove_labels or ()),
        Actor.ASSISTANT,
        tool_call_id=context.tool_call_id,
        conversation_id=context.conversation_id,
    )
    return await changed(context, "updated", touched, since)


TOOL = Tool(
    name=ToolName.CATEGORIZE_TASKS,
    description="Put labels on tasks or take them off. Other labels stay.",
    operation=OperationType.CATEGORIZE,
    parameters=CategorizeTasks,
    run=run,
    affected=affected,
)
