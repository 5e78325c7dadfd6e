"""list_labels: the user's labels by name, with how many open tasks bear each."""

from __future__ import annotations

from assistant.tools.base import Parameters, Tool, ToolContext, ToolOutcome
from assistant.tools.labels import label_json
from models.enums import OperationType, ToolName
from services.labels import list_labels, open_counts


class ListLabels(Parameters):
    pass


async def run(context: ToolContext, parameters: ListLabels) -> ToolOutcome:
    found = await list_labels(context.work)
    counts = await open_counts(context.work)
    listed = [{**label_json(label), "open_tasks": counts.get(label.id, 0)} for label in found]
    return ToolOutcome(tasks=(), answer={"ok": True, "action": "found", "labels": listed})


TOOL = Tool(
    name=ToolName.LIST_LABELS,
    description="List the user's labels (lists), with their colours and how many open tasks each has.",
    operation=OperationType.SEARCH,
    parameters=ListLabels,
    run=run,
)
