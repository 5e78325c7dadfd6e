"""What the assistant asks back in words of its own, and what an answer to that makes of it."""

from __future__ import annotations

import re

from assistant.interpreter.commands.kinds import Command, Complete, Delete
from assistant.interpreter.commands.past import to_do
from assistant.interpreter.commands.text import target
from assistant.interpreter.commands.titles import Setting, adds

ASK_TITLE = "What should I add?"
ASK_TARGET = {"delete": "Which task should I delete?", "complete": "Which task is done?"}
ASK_CHANGE = "Which task should I change, and how? You can say “move the dentist to Friday”."
NOTHING_WAITS = "All right. Nothing is waiting for your yes, so I changed nothing."
FAREWELL = "All right, your list stays as it is."
ALL_RIGHT = "All right."
_MEANT_START = "Did you mean “"
_MEANT = re.compile(rf"{_MEANT_START}(?P<words>.+)”\?", re.S)
_LABELLED = re.compile(r"It will be labelled “(?P<label>.+)”\.")
_ASKS = re.compile(r"(?:what|when|where|who|how|why|which)\b", re.I)
_TARGET_AT_MOST = 12
"""Words of an answer that names a task."""


def ask_labelled(label: str | None) -> str:
    """Asks for the first task of a list that a person names: such a list is a label."""
    return f"{ASK_TITLE} It will be labelled “{label}”." if label else ASK_TITLE


def ask_meant(words: str) -> str:
    """Asks whether a command was meant, in words that are one."""
    return f"{_MEANT_START}{words}”?"


def not_yet(words: str) -> str:
    """The reply to who only thinks of it: how to say it, where it is a command at all."""
    return f"All right, I changed nothing. Say “{words}” when you want that."


def meant(question: str | None) -> str | None:
    """The command that a question asked about; None where it asked something else."""
    found = _MEANT.search(question or "")
    return found["words"] if found else None


def asks_back(reply: str) -> bool:
    """Whether a whole reply is one of these questions."""
    return reply.strip().startswith((ASK_TITLE, ASK_CHANGE, *ASK_TARGET.values(), _MEANT_START))


def suggested(question: str | None) -> str | None:
    """The title or target in the command that a question asked about."""
    words = meant(question)
    return words.partition(" ")[2] if words else None


def answered_plainly(text: str, question: str | None, setting: Setting) -> tuple[Command, ...]:
    """The command of words that are no command by themselves, after a question that they answer."""
    if question is None or text.endswith("?") or _ASKS.match(text):
        return ()
    if ASK_TITLE in question:
        labelled = _LABELLED.search(question)
        return adds(text, setting, labelled["label"] if labelled else None)
    for kind, asked in ASK_TARGET.items():
        if asked in question and 0 < len(text.split()) <= _TARGET_AT_MOST:
            return (Delete(target(text)),) if kind == "delete" else (Complete(to_do(target(text))),)
    return ()
