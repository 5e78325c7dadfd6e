"""search_tasks: the tasks whose title or description holds all of the words, or something close to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field

from assistant.tools.answers import found
from assistant.tools.base import Parameters, Status, Tool, ToolContext, ToolOutcome, Words
from assistant.tools.list_tasks import COMPLETED
from models.enums import OperationType, SearchKind, ToolName
from models.tasks import TASK_TITLE_LIMIT
from services.search import search
from services.tasks import LIST_LIMIT, LabelledTask, TaskQuery, get_tasks, list_tasks, with_labels


class SearchTasks(Parameters):
    query: Annotated[
        Words, Field(min_length=1, max_length=TASK_TITLE_LIMIT, description="Words of the title or the description.")
    ]
    status: Annotated[Status, Field(description="All tasks unless the user asks for some.")] = "all"


async def run(context: ToolContext, parameters: SearchTasks) -> ToolOutcome:
    """Those that hold the words as they are, by due date; where none does, the closest."""
    hits = [hit.id for hit in (await search(context.work, parameters.query, (SearchKind.TASK,))).hits]
    among = hits or None  # words within words, and signs, are no words of a search: then all are looked at
    words = tuple(parameters.query.split())
    query = TaskQuery(is_completed=COMPLETED[parameters.status], words=words, among=among)
    listed, total = await list_tasks(context.work, query, ZoneInfo(context.time_zone), now=context.now)
    if not total:
        listed = await _close_to(context, parameters, hits)
        total = len(listed)
    return found(listed, total)


async def _close_to(context: ToolContext, parameters: SearchTasks, hits: Sequence[UUID]) -> list[LabelledTask]:
    """The tasks that the words find when they may be mistyped or in another form, the best first."""
    close = await get_tasks(context.work, hits)
    wanted = COMPLETED[parameters.status]
    kept = [task for task in close if wanted is None or (task.completed_at is not None) is wanted]
    return await with_labels(context.work, kept[:LIST_LIMIT])


TOOL = Tool(
    name=ToolName.SEARCH_TASKS,
    description="Find tasks by words of their title or description, completed ones too, at most 100.",
    operation=OperationType.SEARCH,
    parameters=SearchTasks,
    run=run,
)
