"""What the assistant can do to a person's tasks: one module a tool, all of them listed here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from assistant.providers.base import ToolSpec
from assistant.tools import (
    add_task,
    categorize_tasks,
    complete_task,
    delete_label,
    delete_task,
    list_labels,
    list_tasks,
    reschedule_tasks,
    search_tasks,
    skip_occurrence,
    snooze_reminder,
    undo,
    update_label,
    update_settings,
    update_task,
)
from assistant.tools.base import Tool

_MODULES: Final = (
    add_task,
    list_tasks,
    update_task,
    complete_task,
    skip_occurrence,
    snooze_reminder,
    delete_task,
    search_tasks,
    categorize_tasks,
    reschedule_tasks,
    list_labels,
    update_label,
    delete_label,
    update_settings,
    undo,
)

TOOLS: Final[Mapping[str, Tool]] = MappingProxyType({module.TOOL.name.value: module.TOOL for module in _MODULES})


@cache
def specs() -> tuple[ToolSpec, ...]:
    """All tools as a provider offers them to a model."""
    return tuple(ToolSpec(tool.name.value, tool.description, tool.schema) for tool in TOOLS.values())
