"""Commands in a person's words. What isn't clearly about their tasks is `Nothing`: no command is ever guessed at."""

from assistant.interpreter.commands.answers import read_answer
from assistant.interpreter.commands.choosing import is_choice, picks_all
from assistant.interpreter.commands.kinds import (
    Add,
    Categorize,
    Command,
    Complete,
    Delete,
    Greet,
    Help,
    ListTasks,
    NeverMind,
    Nothing,
    Reopen,
    Reschedule,
    Search,
    Thanks,
    Understanding,
    Undo,
    Update,
)
from assistant.interpreter.commands.understanding import ASK_TITLE, understand

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
    "NeverMind",
    "Nothing",
    "Reopen",
    "Reschedule",
    "Search",
    "Thanks",
    "Understanding",
    "Undo",
    "Update",
    "is_choice",
    "picks_all",
    "read_answer",
    "understand",
]
