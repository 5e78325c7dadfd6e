"""Taking back what calls did to tasks, labels and settings: all of it or none, and marked so. Nothing here commits."""

from services.undo.besides import Beside, label_state, note, remove_label, settings_state
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
    "Beside",
    "Undoable",
    "Undone",
    "label_state",
    "last_undoable",
    "note",
    "preview",
    "remove_label",
    "settings_state",
    "undo_calls",
    "undo_tool_call",
    "undo_turn",
    "undoable_call",
]
