"""Commands in a person's words. What isn't clearly about their tasks is `Nothing`: no command is ever guessed at."""

from assistant.interpreter.commands.answers import read_answer
from assistant.interpreter.commands.choosing import is_choice, picks_all
from assistant.interpreter.commands.clauses import read
from assistant.interpreter.commands.follow_ups import ASK_CHANGE, ASK_TARGET, ASK_TITLE, asks_back, meant, suggested
from assistant.interpreter.commands.kinds import (
    Add,
    Arrange,
    Categorize,
    Command,
    Complete,
    Correct,
    Delete,
    Greet,
    Help,
    ListTasks,
    NeverMind,
    Nothing,
    Reopen,
    Repeat,
    Reschedule,
    Search,
    Skip,
    Snooze,
    Thanks,
    Understanding,
    Undo,
    Update,
    intent_of,
)
from assistant.interpreter.commands.selecting import selections
from assistant.interpreter.commands.titles import Setting
from assistant.interpreter.commands.understanding import understand

__all__ = [
    "ASK_CHANGE",
    "ASK_TARGET",
    "ASK_TITLE",
    "Add",
    "Arrange",
    "Categorize",
    "Command",
    "Complete",
    "Correct",
    "Delete",
    "Greet",
    "Help",
    "ListTasks",
    "NeverMind",
    "Nothing",
    "Reopen",
    "Repeat",
    "Reschedule",
    "Search",
    "Setting",
    "Skip",
    "Snooze",
    "Thanks",
    "Understanding",
    "Undo",
    "Update",
    "asks_back",
    "intent_of",
    "is_choice",
    "meant",
    "picks_all",
    "read",
    "read_answer",
    "selections",
    "suggested",
    "understand",
]
