"""Reading tasks and labels."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import strawberry
from sqlalchemy import select
from strawberry.types import Info

from models.enums import Priority as Priorities
from models.enums import WeekStart
from models.tasks import labels, tasks
from resolvers.enums import DueBucket, Priority, SortDirection, TaskOrder
from resolvers.fields import AfterArgument, BeforeArgument, Connection, FirstArgument, LastArgument
from resolvers.nodes import IdArgument, load
from resolvers.payloads import id_of
from resolvers.tasks.types import Label, Task, task_keyset
from services.search import narrowed
from services.tasks import DueBucket as DueBuckets
from services.tasks import TaskFilter as Conditions
from services.tasks import task_conditions
from services.users import read_settings


@strawberry.input(description="Which tasks; all given parts must hold.")
class TaskFilter:
    is_completed: bool | None = strawberry.field(default=None, description="Whether they are done.")
    due_before: datetime | None = strawberry.field(default=None, description="Due before this instant.")
    due_after: datetime | None = strawberry.field(default=None, description="Due at this instant or after it.")
    due: DueBucket | None = strawberry.field(default=None, description="Due then, by the days of the viewer's zone.")
    label_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Bear one of these labels.")
    priority_at_least: Priority | None = strawberry.field(default=None, description="Matter at least so much.")
    parent_id: strawberry.ID | None = strawberry.field(default=None, description="Subtasks of this task.")
    is_subtask: bool | None = strawberry.field(default=None, description="Whether they are subtasks of any task.")
    text: str | None = strawberry.field(default=None, description="Part of title or description, whatever the case.")
    include_deleted: bool | None = strawberry.field(default=False, description="Deleted ones as well.")

    def conditions(self) -> Conditions:
        """As the services take it. Raises DomainError."""
        return Conditions(
            is_completed=self.is_completed,
            due_before=self.due_before,
            due_after=self.due_after,
            due=DueBuckets(self.due.value) if self.due else None,
            label_ids=[id_of(one, "Label", "labelIds", of="filter") for one in self.label_ids or ()],
            priority_at_least=Priorities(self.priority_at_least.value) if self.priority_at_least else None,
            parent_id=id_of(self.parent_id, "Task", "parentId", of="filter") if self.parent_id else None,
            is_subtask=self.is_subtask,
            text=self.text,
            include_deleted=bool(self.include_deleted),
        )


@strawberry.type
class TaskQueries:
    @strawberry.field(description="A task by its id, deleted or not.")
    async def task(self, info: Info, id: IdArgument) -> Task | None:
        return await load(info, id, "Task")  # type: ignore[return-value]  # of that type, or None

    @strawberry.field(description="The viewer's tasks.")
    async def tasks(
        self,
        info: Info,
        first: FirstArgument = None,
        after: AfterArgument = None,
        last: LastArgument = None,
        before: BeforeArgument = None,
        filter: Annotated[TaskFilter | None, strawberry.argument(description="Which ones.")] = None,
        order_by: Annotated[TaskOrder | None, strawberry.argument(description="By what; POSITION by default.")] = None,
        direction: Annotated[SortDirection | None, strawberry.argument(description="ASC by default.")] = None,
    ) -> Connection[Task]:
        operation = info.context
        chosen = filter or TaskFilter()
        async with operation.reading() as session:
            settings = await read_settings(session)
            where = task_conditions(
                chosen.conditions(),
                operation.edges.scope.now,
                ZoneInfo(settings.time_zone),
                WeekStart(settings.week_start),
            )
            if chosen.text and not chosen.include_deleted:
                where += await narrowed(session, tasks.c.id, [chosen.text])
        page: Connection[Task] = await operation.edges.root_page(
            info,
            task_keyset(order_by or TaskOrder.POSITION, descending=direction is SortDirection.DESC),
            (first, after, last, before),
            where,
            filter_=strawberry.asdict(chosen),
            by_value=filter is not None,
        )
        return page

    @strawberry.field(description="The viewer's labels, by name.")
    async def labels(self, info: Info) -> list[Label]:
        own = select(labels).where(labels.c.user_id == info.context.user_id).order_by(labels.c.name_key)
        found: list[Label] = await info.context.edges.rows(info, own, "Label")
        return found
