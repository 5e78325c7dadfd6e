"""update_task: other words, due date, priority, labels, parent or place for one task, or a deleted one back."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from assistant.tools.answers import changed, changed_family, mark
from assistant.tools.base import (
    DueWords,
    End,
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
from assistant.tools.finding import Prefer, find_deleted, find_task
from models.enums import Actor, OperationType, Priority, ToolName
from models.tasks import DESCRIPTION_LIMIT, TASK_TITLE_LIMIT
from services.inputs import UNSET, Unset
from services.tasks import ListEnd, Place, TaskPatch, get_task, move_task, restore_task, update_task


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
    recurrence: RecurrenceWords | None = None
    remind: RemindWords | None = None
    priority: Annotated[PriorityName, Field(description="The new priority; NONE clears it.")] | None = None
    labels: Annotated[LabelNames, Field(description="All labels that it shall have; [] clears them.")] | None = None
    parent: (
        Annotated[Target, Field(description='The task that it becomes a subtask of; "none" makes it one of its own.')]
        | None
    ) = None
    before: Annotated[Target, Field(description="The task that it moves right before (above).")] | None = None
    after: Annotated[Target, Field(description="The task that it moves right after (below).")] | None = None
    to: Annotated[End, Field(description="The end of the user's own order that it moves to.")] | None = None
    restore: Annotated[bool, Field(description="true brings a deleted task back; then nothing else is changed.")] = (
        False
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.restore and self.model_fields_set - {"task", "restore"}:
            raise ValueError("restore goes alone: change the task once it is back")
        if not self.restore and not self.changes and not self.moves:
            raise ValueError(
                "give what to change: title, description, due, recurrence, remind, priority, labels, parent or a place"
            )
        return self

    @property
    def moves(self) -> bool:
        return any(value is not None for value in (self.before, self.after, self.to))

    @property
    def changes(self) -> bool:
        words = (self.title, self.description, self.due, self.recurrence, self.remind)
        return any(value is not None for value in (*words, self.priority, self.labels, self.parent))


async def affected(context: ToolContext, parameters: UpdateTask) -> list[UUID]:
    if parameters.restore:
        return await find_deleted(context, parameters.task)
    return [await find_task(context, parameters.task)]


async def run(context: ToolContext, parameters: UpdateTask) -> ToolOutcome:
    since = mark(context.work)
    if parameters.restore:
        await restore_task(context.work, context.targets[0], Actor.ASSISTANT, **context.by)
        return await changed_family(context, "restored", since)
    if parameters.moves:  # before its row is locked: moves wait for each other first
        place = await _place(context, parameters)
        task = await move_task(context.work, context.targets[0], place, Actor.ASSISTANT, **context.by)
    if parameters.changes:
        patch = await _patch(context, parameters)
        task = await update_task(context.work, context.targets[0], patch, Actor.ASSISTANT, **context.by)
    return await changed(context, "updated" if parameters.changes else "moved", [task], since)


async def _place(context: ToolContext, parameters: UpdateTask) -> Place:
    return Place(
        after_id=await find_task(context, parameters.after) if parameters.after else None,
        before_id=await find_task(context, parameters.before) if parameters.before else None,
        end=ListEnd(parameters.to) if parameters.to else None,
    )


async def _patch(context: ToolContext, parameters: UpdateTask) -> TaskPatch:
    timed = parameters.due or parameters.recurrence or parameters.remind
    present = await get_task(context.work, context.targets[0]) if timed else None
    parent_id: UUID | Unset | None = UNSET
    if parameters.parent is not None:
        none = parameters.parent.casefold() == "none"
        parent_id = None if none else await find_task(context, parameters.parent, Prefer.OPEN)
    return replace(
        due_patch(context, parameters.due, parameters.recurrence, parameters.remind, task=present),
        title=UNSET if parameters.title is None else parameters.title,
        description=UNSET if parameters.description is None else parameters.description,
        priority=Priority[parameters.priority] if parameters.priority else UNSET,
        labels=UNSET if parameters.labels is None else parameters.labels,
        parent_id=parent_id,
    )


TOOL = Tool(
    name=ToolName.UPDATE_TASK,
    description="Change one task: its title, notes, due date, repeating, reminder, priority, labels, parent or place in"
    " the user's order; or bring a deleted one back.",
    operation=OperationType.UPDATE,
    parameters=UpdateTask,
    run=run,
    affected=affected,
)
