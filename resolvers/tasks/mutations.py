"""Changing tasks and labels."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

import strawberry
from strawberry.types import Info

from core.ids import to_global_id
from core.unit_of_work import UnitOfWork
from models.enums import Actor
from models.enums import OpenSubtasks as OpenSubtasksWord
from models.enums import Priority as Priorities
from models.enums import RecurrenceFrom as Origins
from resolvers.conversations.mutations import DeletePayload
from resolvers.enums import OpenSubtasks, Priority, RecurrenceFrom
from resolvers.fields import one
from resolvers.payloads import UserError, expected_version, id_of, mutate
from resolvers.scalars import TimeZone
from resolvers.tasks.types import Label, Task
from services import labels, tasks
from services.inputs import UNSET
from services.reminders import snooze
from services.tasks import NewTask, TaskPatch
from services.tasks.values import Author


@strawberry.type(description="The task as it became.")
class TaskPayload:
    user_errors: list[UserError] = strawberry.field(description="What stood in the way; then nothing changed.")
    task_id: strawberry.Private[UUID | None] = None
    task: Task | None = one("task_id", description="The task; with VERSION_CONFLICT as it is now.")


@strawberry.type(description="The label as it became.")
class LabelPayload:
    user_errors: list[UserError] = strawberry.field(description="What stood in the way; then nothing changed.")
    label_id: strawberry.Private[UUID | None] = None
    label: Label | None = one("label_id", description="The label; with VERSION_CONFLICT as it is now.")


@strawberry.input(description="A new task.")
class CreateTaskInput:
    title: str = strawberry.field(description="1..500 characters after trimming.")
    description: str | None = strawberry.field(default=None, description="Up to 10,000 characters.")
    due_date: date | None = strawberry.field(default=None, description="Due that day; exclusive with dueAt.")
    due_at: datetime | None = strawberry.field(default=None, description="Due at that instant.")
    time_zone: TimeZone | None = strawberry.field(
        default=None, description="The zone that dueAt is meant in; otherwise the viewer's."
    )
    recurrence: str | None = strawberry.field(
        default=None,
        description="An RRULE (RFC 5545), daily or slower, at most 500 characters; without a due date the task is due"
        " on its first day from today on.",
    )
    recurrence_from: RecurrenceFrom | None = strawberry.field(
        default=None, description="What the next due date is counted from; DUE by default."
    )
    remind_at: datetime | None = strawberry.field(
        default=None, description="When to remind; over for less than a day: at once; for longer: INVALID."
    )
    remind_before: int | None = strawberry.field(
        default=None, description="Minutes before dueAt, 0..527,040; exclusive with remindAt."
    )
    priority: Priority | None = strawberry.field(default=None, description="NONE by default.")
    labels: list[str] | None = strawberry.field(
        default=None, description="By name, at most 50; made where missing, 500 at most."
    )
    parent_id: strawberry.ID | None = strawberry.field(
        default=None, description="The task that it is a subtask of; one that is no subtask itself."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="1..200 characters: the same key and input answer the same task."
    )


_PATCHED: Final = (
    "title", "description", "due_date", "due_at", "time_zone", "recurrence", "recurrence_from", "remind_at",
    "remind_before", "priority", "labels",
)  # fmt: skip


@strawberry.input(description="What to change of a task: a field left out stays as it is, null clears it.")
class UpdateTaskInput:
    task_id: strawberry.ID = strawberry.field(description="Which one.")
    expected_version: int | None = expected_version()
    title: str | None = strawberry.field(default=strawberry.UNSET, description="1..500 characters after trimming.")
    description: str | None = strawberry.field(default=strawberry.UNSET, description="Up to 10,000 characters.")
    due_date: date | None = strawberry.field(default=strawberry.UNSET, description="A day; clears dueAt.")
    due_at: datetime | None = strawberry.field(default=strawberry.UNSET, description="An instant; clears dueDate.")
    time_zone: TimeZone | None = strawberry.field(
        default=strawberry.UNSET, description="The zone that dueAt is meant in."
    )
    recurrence: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="An RRULE (RFC 5545), daily or slower; null ends the repeating, and so does clearing the due date.",
    )
    recurrence_from: RecurrenceFrom | None = strawberry.field(
        default=strawberry.UNSET, description="What the next due date is counted from."
    )
    remind_at: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="When to remind, as in createTask; clears remindBefore. null: not at all."
    )
    remind_before: int | None = strawberry.field(
        default=strawberry.UNSET, description="Minutes before dueAt, whenever that is; replaces remindAt."
    )
    priority: Priority | None = strawberry.field(default=strawberry.UNSET, description="How much it matters.")
    labels: list[str] | None = strawberry.field(default=strawberry.UNSET, description="All its labels, by name.")
    parent_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The task that it is a subtask of; one that is no subtask itself."
    )

    def patch(self) -> TaskPatch:
        """As the services take it."""
        values: dict[str, Any] = {}
        for name in _PATCHED:
            value = getattr(self, name)
            values[name] = UNSET if value is strawberry.UNSET else value
        if isinstance(values["priority"], Priority):
            values["priority"] = Priorities(values["priority"].value)
        if isinstance(values["recurrence_from"], RecurrenceFrom):
            values["recurrence_from"] = Origins(values["recurrence_from"].value)
        values["parent_id"] = _parent(self.parent_id)
        return TaskPatch(**values)


def _parent(given: Any) -> Any:
    """An id, or what stands for none. Raises DomainError."""
    if given is strawberry.UNSET:
        return UNSET
    return id_of(given, "Task", "parentId") if given else None


@strawberry.input(description="A task.")
class TaskIdInput:
    task_id: strawberry.ID = strawberry.field(description="Which one.")
    expected_version: int | None = expected_version()


@strawberry.input(description="A task, and when its reminder shall come: give either minutes or until.")
class SnoozeReminderInput:
    task_id: strawberry.ID = strawberry.field(description="Which one.")
    expected_version: int | None = strawberry.field(
        default=None, description="Where given and stale, nothing changes and the answer is VERSION_CONFLICT."
    )
    minutes: int | None = strawberry.field(default=None, description="In so many minutes, 1..527,040.")
    until: datetime | None = strawberry.field(default=None, description="At this instant, a leap year ahead at most.")


@strawberry.input(description="A new label.")
class CreateLabelInput:
    name: str = strawberry.field(description="1..100 characters, unique whatever the case; 500 labels at most.")
    color: str | None = strawberry.field(default=None, description="#rrggbb.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="1..200 characters: the same key and input answer the same label."
    )


@strawberry.input(description="What to change of a label: a field left out stays as it is.")
class UpdateLabelInput:
    label_id: strawberry.ID = strawberry.field(description="Which one.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description="1..100 characters.")
    color: str | None = strawberry.field(default=strawberry.UNSET, description="#rrggbb; null clears it.")
    expected_version: int | None = expected_version()


@strawberry.input(description="A label.")
class LabelIdInput:
    label_id: strawberry.ID = strawberry.field(description="Which one.")
    expected_version: int | None = expected_version()


OpenSubtasksArgument = Annotated[
    OpenSubtasks, strawberry.argument(description="What becomes of subtasks that are open.")
]
TaskIdArgument = Annotated[TaskIdInput, strawberry.argument(description="The input.")]


async def _step(info: Info, input: TaskIdInput, transition: Any, **more: Any) -> TaskPayload:
    async def action(work: UnitOfWork) -> dict[str, Any]:
        task_id = id_of(input.task_id, "Task", "taskId")
        await transition(work, task_id, Actor.USER, expected_version=input.expected_version, **more)
        return {"task_id": task_id}

    return await mutate(info, TaskPayload, action, conflict="task_id")


@strawberry.type
class TaskMutations:
    @strawberry.mutation(description="Make a task.")
    async def create_task(
        self, info: Info, input: Annotated[CreateTaskInput, strawberry.argument(description="The input.")]
    ) -> TaskPayload:
        async def action(work: UnitOfWork) -> dict[str, Any]:
            new = NewTask(
                title=input.title,
                description=input.description,
                due_date=input.due_date,
                due_at=input.due_at,
                time_zone=input.time_zone,
                recurrence=input.recurrence or None,
                recurrence_from=Origins(input.recurrence_from.value) if input.recurrence_from else None,
                remind_at=input.remind_at,
                remind_before=input.remind_before,
                priority=Priorities(input.priority.value) if input.priority else None,
                labels=input.labels or (),
                parent_id=_parent(input.parent_id),
                idempotency_key=input.idempotency_key,
            )
            return {"task_id": (await tasks.create_task(work, new, Actor.USER)).id}

        return await mutate(info, TaskPayload, action)

    @strawberry.mutation(description="Change a task: a field left out stays as it is; null clears it.")
    async def update_task(
        self, info: Info, input: Annotated[UpdateTaskInput, strawberry.argument(description="The input.")]
    ) -> TaskPayload:
        async def action(work: UnitOfWork) -> dict[str, Any]:
            task_id = id_of(input.task_id, "Task", "taskId")
            version = input.expected_version
            await tasks.update_task(work, task_id, input.patch(), Actor.USER, expected_version=version)
            return {"task_id": task_id}

        return await mutate(info, TaskPayload, action, conflict="task_id")

    @strawberry.mutation(
        description="Mark a task as done; doing it twice is a success. Of one that repeats, its present occurrence: the"
        " due date moves to the next, and each call does one."
    )
    async def complete_task(
        self, info: Info, input: TaskIdArgument, open_subtasks: OpenSubtasksArgument = OpenSubtasks.ASK
    ) -> TaskPayload:
        return await _step(info, input, tasks.complete_task, open_subtasks=OpenSubtasksWord(open_subtasks.value))

    @strawberry.mutation(description="Move a task that repeats to its next occurrence, without having done this one.")
    async def skip_occurrence(self, info: Info, input: TaskIdArgument) -> TaskPayload:
        return await _step(info, input, tasks.skip_occurrence)

    @strawberry.mutation(
        description="Let a task's reminder come (again) later: in some minutes or at an instant. Its own time stays."
    )
    async def snooze_reminder(
        self, info: Info, input: Annotated[SnoozeReminderInput, strawberry.argument(description="The input.")]
    ) -> TaskPayload:
        async def action(work: UnitOfWork) -> dict[str, Any]:
            task_id = id_of(input.task_id, "Task", "taskId")
            await snooze(
                work,
                task_id,
                Author(Actor.USER),
                minutes=input.minutes,
                until=input.until,
                expected_version=input.expected_version,
            )
            return {"task_id": task_id}

        return await mutate(info, TaskPayload, action, conflict="task_id")

    @strawberry.mutation(description="Mark a task as to do again.")
    async def reopen_task(self, info: Info, input: TaskIdArgument) -> TaskPayload:
        return await _step(info, input, tasks.reopen_task)

    @strawberry.mutation(description="Delete a task and its subtasks; they can be restored.")
    async def delete_task(self, info: Info, input: TaskIdArgument) -> TaskPayload:
        return await _step(info, input, tasks.delete_task)

    @strawberry.mutation(description="Take a task's deletion back, and that of the subtasks that it took along.")
    async def restore_task(self, info: Info, input: TaskIdArgument) -> TaskPayload:
        return await _step(info, input, tasks.restore_task)

    @strawberry.mutation(description="Make a label.")
    async def create_label(
        self, info: Info, input: Annotated[CreateLabelInput, strawberry.argument(description="The input.")]
    ) -> LabelPayload:
        async def action(work: UnitOfWork) -> dict[str, Any]:
            made = await labels.create_label(work, input.name, input.color, input.idempotency_key)
            return {"label_id": made.id}

        return await mutate(info, LabelPayload, action)

    @strawberry.mutation(description="Rename or colour a label.")
    async def update_label(
        self, info: Info, input: Annotated[UpdateLabelInput, strawberry.argument(description="The input.")]
    ) -> LabelPayload:
        async def action(work: UnitOfWork) -> dict[str, Any]:
            label_id = id_of(input.label_id, "Label", "labelId")
            given = {name: getattr(input, name) for name in ("name", "color")}
            changes = {name: value for name, value in given.items() if value is not strawberry.UNSET}
            await labels.update_label(work, label_id, **changes, expected_version=input.expected_version)
            return {"label_id": label_id}

        return await mutate(info, LabelPayload, action, conflict="label_id")

    @strawberry.mutation(description="Delete a label; the tasks that bore it stay.")
    async def delete_label(
        self, info: Info, input: Annotated[LabelIdInput, strawberry.argument(description="The input.")]
    ) -> DeletePayload:
        async def action(work: UnitOfWork) -> dict[str, Any]:
            label_id = id_of(input.label_id, "Label", "labelId")
            await labels.delete_label(work, label_id, expected_version=input.expected_version)
            return {"deleted_id": strawberry.ID(to_global_id("Label", label_id))}

        return await mutate(info, DeletePayload, action)
