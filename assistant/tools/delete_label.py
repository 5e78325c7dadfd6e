"""delete_label: a label goes, and is taken off its tasks, which stay."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from assistant.tools.base import LabelName, Parameters, Tool, ToolContext, ToolOutcome
from assistant.tools.labels import find_label, label_json
from models.enums import OperationType, ToolName
from services.undo import note, remove_label


class DeleteLabel(Parameters):
    label: Annotated[LabelName, Field(description="The label's name.")]


async def run(context: ToolContext, parameters: DeleteLabel) -> ToolOutcome:
    label = await find_label(context, parameters.label)
    removed = await remove_label(context.work, label)
    await note(context.work, context.tool_call_id, [removed])
    borne = len((removed.before or {}).get("taskIds", ()))
    answer = {"ok": True, "action": "deleted", "label": label_json(label), "taken_off": borne}
    return ToolOutcome(tasks=(), answer=answer)


TOOL = Tool(
    name=ToolName.DELETE_LABEL,
    description="Delete a label. The tasks that bore it stay; to delete them, delete_task.",
    operation=OperationType.DELETE,
    parameters=DeleteLabel,
    run=run,
    destructive=True,
)
