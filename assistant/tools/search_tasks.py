"""search_tasks: the tasks whose title or description holds all of the words."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from assistant.tools.answers import found
from assistant.tools.base import Parameters, Status, Tool, ToolContext, ToolOutcome, Words
from assistant.tools.list_tasks import COMPLETED
from models.enums import OperationType, ToolName
from models.tasks import TASK_TITLE_LIMIT
from services.tasks import TaskQuery, list_tasks


class SearchTasks(Parameters):
    query: Annotated[
        Words, Field(min_length=1, max_length=TASK_TITLE_LIMIT, description="Words of the title or the description.")
    ]
    status: Annotated[Status, Field(description="All tasks unless the user asks for some.")] = "all"


async def run(context: ToolContext, parameters: SearchTasks) -> ToolOutcome:
    query = TaskQuery(is_completed=COMPLETED[parameters.status], words=tuple(parameters.query.split()))
    listed, total = await list_tasks(context.work, query, ZoneInfo(context.time_zone), now=context.now)
    return found(listed, total)


TOOL = Tool(
    name=ToolName.SEARCH_TASKS,
    description="Find tasks by words of their title or description, completed ones too, at most 100.",
    operation=OperationType.SEARCH,
    parameters=SearchTasks,
    run=run,
)
