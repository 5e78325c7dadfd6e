"""update_label: another name or colour for a label, or a new one."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from assistant.tools.base import LabelName, Parameters, Tool, ToolContext, ToolOutcome, Words
from assistant.tools.labels import find_label, label_json, read_color
from models.enums import ChangeKind, OperationType, ToolName
from services.inputs import UNSET
from services.labels import create_label, update_label
from services.undo import Beside, label_state, note


class UpdateLabel(Parameters):
    label: Annotated[LabelName, Field(description="The label's name; with create=true that of the new one.")]
    name: Annotated[LabelName, Field(description="Its new name.")] | None = None
    color: (
        Annotated[
            Words, Field(min_length=1, max_length=40, description='A colour: "blue", "#1e88e5"; "none" for none.')
        ]
        | None
    ) = None
    create: Annotated[bool, Field(description="true makes a label of that name, where there is none yet.")] = False

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.create and self.name is not None:
            raise ValueError("a new label's name is given as label")
        if not self.create and self.name is None and self.color is None:
            raise ValueError("give what to change: name or color, or create=true")
        return self


async def run(context: ToolContext, parameters: UpdateLabel) -> ToolOutcome:
    work = context.work
    said = None if parameters.color is None else read_color(parameters.color)
    if parameters.create:
        made = await create_label(work, parameters.label, said)
        await note(work, context.tool_call_id, [Beside(ChangeKind.LABEL, made.id, None, label_state(made))])
        return ToolOutcome(tasks=(), answer={"ok": True, "action": "created", "label": label_json(made)})
    label = await find_label(context, parameters.label)
    name = UNSET if parameters.name is None else parameters.name
    color = UNSET if parameters.color is None else said
    changed = await update_label(work, label.id, name=name, color=color)
    await note(
        work, context.tool_call_id, [Beside(ChangeKind.LABEL, label.id, label_state(label), label_state(changed))]
    )
    answer = {"action": "updated" if changed != label else "unchanged", "label": label_json(changed)}
    return ToolOutcome(tasks=(), answer={"ok": True, **answer})


TOOL = Tool(
    name=ToolName.UPDATE_LABEL,
    description="Rename or colour a label, or make a new one. Which tasks bear it, categorize_tasks changes.",
    operation=OperationType.UPDATE,
    parameters=UpdateLabel,
    run=run,
)
