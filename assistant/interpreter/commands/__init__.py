"""Commands in a person's words. What isn't clearly about their tasks is `Nothing`: no command is ever guessed at."""

from assistant.interpreter.commands.kinds import (
    Add,
    Categorize,
    Command,
    Complete,
    Delete,
    Greet,
    Help,
    ListTasks,
    Nothing,
    Reopen,
    Reschedule,
    Search,
    Thanks,
    Understanding,
    Update,
)
from assistant.interpreter.commands.understanding import ASK_TITLE, is_choice, understand

__all__ = [
    "ASK_TITLE",
    "Add",
    "Categorize",
    "Command",
    "Complete",
    "Delete",
    "Greet",
    "Help",
    "ListTasks",
    "Nothing",
    "Reopen",
    "Reschedule",
    "Search",
    "Thanks",
    "Understanding",
    "Update",
    "is_choice",
    "understand",
]
