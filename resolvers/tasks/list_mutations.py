"""Changing where a task stands, and several tasks at once."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from core.unit_of_work import UnitOfWork
from models.enums import Actor
from models.enums import OpenSubtasks as OpenSubtasksWord
from resolvers.enums import ListEnd, OpenSubtasks
from resolvers.fields import several
from resolvers.payloads import UserError, expected_version, id_of, mutate
from resolvers.tasks.mutations import OpenSubtasksArgument, TaskPayload
from resolvers.tasks.types import Task
from services import tasks
from services.tasks import ListEnd as ListEnds
from services.tasks import Place


@strawberry.input(description="Where a task is to stand in the user's own order: beside others, or at an end of it.")
class MoveTaskInput:
    task_id: strawberry.ID = strawberry.field(description="Which one.")
    after_id: strawberry.ID | None = strawberry.field(default=None, description="Right after this task.")
    before_id: strawberry.ID | None = strawberry.field(
        default=None, description="Right before this task; with afterId, after that one and before this."
    )
    to: ListEnd | None = strawberry.field(default=None, description="At an end of the list; then without the others.")
    expected_version: int | None = expected_version()

    def place(self) -> Place:
        """As the services take it. Raises DomainError."""
        return Place(
            after_id=id_of(self.after_id, "Task", "afterId") if self.after_id else None,
            before_id=id_of(self.before_id, "Task", "beforeId") if self.before_id else None,
            end=ListEnds(self.to.value) if self.to else None,
        )


@strawberry.input(description="Several tasks.")
class TaskIdsInput:
    task_ids: list[strawberry.ID] = strawberry.field(description="Which ones: 1..100. All of them change, or none.")
    expected_versions: list[int | None] | None = strawberry.field(
        default=None,
        description="One for each of taskIds, in that order; null expects none. Where one is stale, nothing changes and"
        " the answer is VERSION_CONFLICT.",
    )

    def ids(self) -> list[UUID]:
        """As the services take them. Raises DomainError, which names the place in the list."""
        return [id_of(one, "Task", "taskIds", str(place)) for place, one in enumerate(self.task_ids)]


@strawberry.type(description="The tasks as they became.")
class TasksPayload:
    user_errors: list[UserError] = strawberry.field(description="What stood in the way; then nothing changed.")
    task_ids: strawberry.Private[tuple[UUID, ...]] = ()
    tasks: list[Task] = several(
        "task_ids",
        description="The tasks asked for, in that order; what changed with them, `changes` tells. With VERSION_CONFLICT"
        " the one that it is about.",
    )


TaskIdsArgument = Annotated[TaskIdsInput, strawberry.argument(description="The input.")]


async def _step(info: Info, input: TaskIdsInput, transition: Any, **more: Any) -> TasksPayload:
    async def action(work: UnitOfWork) -> dict[str, Any]:
        changed = await transition(work, input.ids(), Actor.USER, expected_version=input.expected_versions, **more)
        return {"task_ids": tuple(task.id for task in changed)}

    return await mutate(info, TasksPayload, action, conflict="task_ids", several=True)


@strawberry.type
class TaskListMutations:
    @strawberry.mutation(description="Move a task in the user's own order; subtasks keep their parent.")
    async def move_task(
        self, info: Info, input: Annotated[MoveTaskInput, strawberry.argument(description="The input.")]
    ) -> TaskPayload:
        async def action(work: UnitOfWork) -> dict[str, Any]:
            task_id = id_of(input.task_id, "Task", "taskId")
            await tasks.move_task(work, task_id, input.place(), Actor.USER, expected_version=input.expected_version)
            return {"task_id": task_id}

        return await mutate(info, TaskPayload, action, conflict="task_id")

    @strawberry.mutation(description="Mark several tasks as done.")
    async def complete_tasks(
        self, info: Info, input: TaskIdsArgument, open_subtasks: OpenSubtasksArgument = OpenSubtasks.ASK
    ) -> TasksPayload:
        return await _step(info, input, tasks.complete_tasks, open_subtasks=OpenSubtasksWord(open_subtasks.value))

    @strawberry.mutation(description="Delete several tasks and their subtasks; they can be restored.")
    async def delete_tasks(self, info: Info, input: TaskIdsArgument) -> TasksPayload:
        return await _step(info, input, tasks.delete_tasks)
