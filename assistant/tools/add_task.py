"""add_task: one new task."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from assistant.tools.answers import changed, mark
from assistant.tools.base import (
    DueWords,
    LabelNames,
    Parameters,
    PriorityName,
    RecurrenceWords,
    RemindWords,
    Target,
    Tool,
    ToolContext,
    ToolOutcome,
    Words,
)
from assistant.tools.due import due_patch
from assistant.tools.finding import Prefer, find_task
from models.enums import Actor, OperationType, Priority, ToolName
from models.tasks import DESCRIPTION_LIMIT, TASK_TITLE_LIMIT
from services.inputs import given
from services.tasks import NewTask, create_task


class AddTask(Parameters):
    title: Annotated[
        Words, Field(min_length=1, max_length=TASK_TITLE_LIMIT, description="What is to be done, without its due date.")
    ]
    description: Annotated[Words, Field(max_length=DESCRIPTION_LIMIT, description="Notes.")] | None = None
    due: (
        Annotated[DueWords, Field(description='When, in the user\'s words: "next Friday 3pm", "this weekend".')] | None
    ) = None
    recurrence: RecurrenceWords | None = None
    remind: RemindWords | None = None
    priority: Annotated[PriorityName, Field(description="How important it is, where the user says so.")] | None = None
    labels: Annotated[LabelNames, Field(description="Names of labels or lists; made where missing.")] | None = None
    parent: (
        Annotated[Target, Field(description="The task that this becomes a subtask of, named as a target.")] | None
    ) = None


async def run(context: ToolContext, parameters: AddTask) -> ToolOutcome:
    due = due_patch(context, parameters.due, parameters.recurrence, parameters.remind, lengths=True)
    parent_id = await find_task(context, parameters.parent, Prefer.OPEN) if parameters.parent else None
    since = mark(context.work)
    task = await create_task(
        context.work,
        NewTask(
            title=parameters.title,
            description=parameters.description,
            due_date=given(due.due_date, None),
            due_at=given(due.due_at, None),
            time_zone=given(due.time_zone, None),
            recurrence=given(due.recurrence, None),
            recurrence_from=given(due.recurrence_from, None),
            remind_at=given(due.remind_at, None),
            remind_before=given(due.remind_before, None),
            priority=Priority[parameters.priority] if parameters.priority else None,
            labels=parameters.labels or (),
            parent_id=parent_id,
        ),
        Actor.ASSISTANT,
        context.tool_call_id,
        context.conversation_id,
    )
    return await changed(context, "created", [task], since, unlabelled=not parameters.labels)


TOOL = Tool(
    name=ToolName.ADD_TASK,
    description="Add one task to the user's list.",
    operation=OperationType.CREATE,
    parameters=AddTask,
    run=run,
)
