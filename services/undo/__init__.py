"""Taking back what tool calls did to tasks: all of it or none, and marked so. Nothing here commits."""

from services.undo.reading import Undoable, last_undoable
from services.undo.undoing import (
    Undone,
    preview,
    undo_calls,
    undo_tool_call,
    undo_turn,
    undoable_call,
)

__all__ = [
    "Undoable",
    "Undone",
    "last_undoable",
    "preview",
    "undo_calls",
    "undo_tool_call",
    "undo_turn",
    "undoable_call",
]
