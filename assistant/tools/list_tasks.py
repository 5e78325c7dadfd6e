"""list_tasks: the tasks that are due then, of that label, that important; numbered by due date."""

from __future__ import annotations

from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from assistant.tools.answers import TASKS_LIMIT, found
from assistant.tools.base import (
    DueWords,
    LabelName,
    Parameters,
    PriorityName,
    StatusOrDeleted,
    Tool,
    ToolContext,
    ToolOutcome,
    Words,
)
from assistant.tools.due import read_past, read_window
from models.enums import OperationType, Priority, ToolName
from models.tasks import TASK_TITLE_LIMIT
from services.tasks import TaskQuery, deleted_tasks, list_tasks, with_labels

COMPLETED = {"open": False, "completed": True, "all": None}
"""What a status asks of a task's completion."""


class ListTasks(Parameters):
    due: (
        Annotated[
            DueWords,
            Field(
                description='Due when, in the user\'s words: "today", "next week", "before Friday", any date or period,'
                ' "overdue", or "none" for tasks without a due date.'
            ),
        ]
        | None
    ) = None
    status: Annotated[
        StatusOrDeleted,
        Field(description='Open tasks unless the user asks for others. "deleted" goes alone: the last deleted first.'),
    ] = "open"
    label: Annotated[LabelName, Field(description="Only tasks with this label.")] | None = None
    priority_at_least: Annotated[PriorityName, Field(description="Only tasks this important or more.")] | None = None
    completed: (
        Annotated[
            DueWords,
            Field(
                description='Done when, in the user\'s words: "today", "last week", "since Monday". Only done tasks.'
            ),
        ]
        | None
    ) = None
    text: (
        Annotated[Words, Field(max_length=TASK_TITLE_LIMIT, description="Only tasks that contain this text.")] | None
    ) = None

    @model_validator(mode="after")
    def _deleted_alone(self) -> Self:
        others = (self.due, self.label, self.priority_at_least, self.completed, self.text)
        if self.status == "deleted" and any(value is not None for value in others):
            raise ValueError("deleted tasks are listed without other filters")
        return self


async def run(context: ToolContext, parameters: ListTasks) -> ToolOutcome:
    if parameters.status == "deleted":
        gone = await deleted_tasks(context.work, TASKS_LIMIT)
        return found(await with_labels(context.work, gone), len(gone))
    query = TaskQuery(
        is_completed=COMPLETED[parameters.status] if parameters.completed is None else True,
        due=read_window(parameters.due, context) if parameters.due else None,
        label=parameters.label,
        priority_at_least=Priority[parameters.priority_at_least] if parameters.priority_at_least else None,
        text=parameters.text,
        completed=read_past(parameters.completed, context) if parameters.completed else None,
    )
    listed, total = await list_tasks(context.work, query, ZoneInfo(context.time_zone), now=context.now)
    return found(listed, total)


TOOL = Tool(
    name=ToolName.LIST_TASKS,
    description="List the user's tasks, open ones by default, at most 100, numbered by due date.",
    operation=OperationType.SEARCH,
    parameters=ListTasks,
    run=run,
)
