"""What the built-in assistant says. Every fact comes from the results of calls, never from what was meant to happen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import groupby

from assistant.interpreter import dates
from assistant.interpreter.changing import ALIKE, OFFER_UNDO, changed, worth_undoing
from assistant.interpreter.housekeeping_words import TOOLS, kept
from assistant.interpreter.outcomes import Outcome, Shown
from assistant.interpreter.questions import unclear_words
from assistant.interpreter.withholding import Planned, asks, undone, withheld
from assistant.interpreter.wording import Viewpoint, calendar_day, day_words, due_words, joined, one_line, title
from core.errors import ErrorCode

__all__ = [
    "EXAMPLES",
    "GREETING",
    "HELP",
    "NEVER_MIND",
    "NOTHING",
    "THANKS",
    "Planned",
    "Viewpoint",
    "answer",
    "asks",
    "day_words",
    "due_words",
    "failure",
    "found",
    "joined",
    "title",
]

EXAMPLES = "“add buy milk tomorrow at 5pm”, “what do I have today?” or “mark buy milk as done”"
GREETING = f"Hello! Tell me what to do with your tasks, for example {EXAMPLES}."
HELP = (
    "I keep your to-do list. I can add, show, find, complete, reopen, rename, move, prioritise, label and delete tasks,"
    f" and undo what I did. Try {EXAMPLES}."
)
THANKS = "You're welcome."
NEVER_MIND = "All right, I left everything as it is."
NOTHING = f"I changed nothing: I didn't see what to do with your tasks in that. You can say {EXAMPLES}."
SHOWN_AT_MOST = 20
LINE = "\n"
_SUBTASKS = re.compile(r".* has (?:(?P<one>an open subtask)|\d+ open subtasks)(?=:)", re.S)
_PREPOSITION = re.compile(r"(?:at|on|in|over|during)\s", re.I)
_SIDE = re.compile(r"(?:due\s+)?(?:before|until|till|by|up to|after|from|since|within|between)\s+", re.I)


def answer(outcomes: Sequence[Outcome], view: Viewpoint, *, offer_undo: bool = False) -> str:
    """The reply to a whole round of calls, in their order; tasks that fared alike are named in one sentence.

    Where calls ask which task was meant, the first asks, last of all, and the others are named to come after it.
    `offer_undo`: it ends with the way back where much was done.
    """
    asking = [outcome for outcome in outcomes if outcome.candidates]
    told = [outcome for outcome in outcomes if not outcome.candidates]
    said = [_alike(kind, list(some), view) for kind, some in groupby(told, key=_kind)]
    if offer_undo and not asking and said and worth_undoing(told):
        said[-1] += f"{LINE if LINE in said[-1] else ' '}{OFFER_UNDO}"
    if asking:
        said.append(failure(asking[0], view))
    if asking[1:]:
        said.append(f"After that I'll ask about {joined([title(unclear_words(one)) for one in asking[1:]])}.")
    return "\n".join(part for part in said if part)


def left_over(calls: Sequence[tuple[str, Mapping[str, object]]]) -> str:
    """What a message asked for beyond what is done at once."""
    first = next((str(name) for name in (calls[0][1].get("title"), calls[0][1].get("task")) if name), "")
    where = f", from {title(first)} on" if first else ""
    return (
        f"That is as much as I do at once: {len(calls)} of what you asked for are left{where}. Please say them again."
    )


def _kind(outcome: Outcome) -> str:
    if outcome.message is None:
        return outcome.action if outcome.action in ALIKE and outcome.tool not in TOOLS else ""
    return str(outcome.code) if outcome.code in (ErrorCode.REJECTED_BY_USER, ErrorCode.CONFIRMATION_EXPIRED) else ""


def _alike(kind: str, some: Sequence[Outcome], view: Viewpoint) -> str:
    match kind:
        case ErrorCode.REJECTED_BY_USER:
            return f"{withheld(some)}, as you said."
        case ErrorCode.CONFIRMATION_EXPIRED:
            return f"{withheld(some)}: nobody confirmed it in time."
        case "":
            return "\n".join(_one(outcome, view) for outcome in some)
        case _:
            return changed(kind, some, view)


def _one(outcome: Outcome, view: Viewpoint) -> str:
    if outcome.message is not None:
        return failure(outcome, view)
    if outcome.tool in TOOLS:
        return kept(outcome)
    if outcome.action == "found":
        return found(outcome, view)
    if outcome.action == "undone":
        return undone(outcome)
    return changed("updated", [outcome], view)


def failure(outcome: Outcome, view: Viewpoint) -> str:
    """Why a call failed, and the question back where several tasks were meant."""
    message = outcome.message or ""
    if outcome.code == ErrorCode.OPEN_SUBTASKS and (told := _SUBTASKS.match(message)):
        return f"{told[0]}. Shall I complete {'it' if told['one'] else 'them'} as well, or only the task?"
    if not outcome.candidates:
        return message
    lines = [
        f"{task.number if task.number is not None else place}. {_line(task, view)}"
        for place, task in enumerate(outcome.candidates[:SHOWN_AT_MOST], start=1)
    ]
    return "\n".join([f"{message.rstrip()} Which one?".strip(), *lines, *_more(len(outcome.candidates) - len(lines))])


def found(outcome: Outcome, view: Viewpoint) -> str:
    """A numbered list of what was found, under a line that counts all of it."""
    total = max(outcome.total, len(outcome.tasks))
    head = _heading(outcome, total, view)
    if not outcome.tasks:
        return head + "."
    lines = [
        f"{task.number if task.number is not None else place}. {_line(task, view)}"
        for place, task in enumerate(outcome.tasks[:SHOWN_AT_MOST], start=1)
    ]
    return "\n".join([head + ":", *lines, *_more(total - len(lines))])


def _more(count: int) -> list[str]:
    return [f"… and {count} more"] if count > 0 else []


def _heading(outcome: Outcome, total: int, view: Viewpoint) -> str:
    asked = outcome.arguments
    count = f"{total if total else 'no'}"
    noun = "task" if total == 1 else "tasks"
    if outcome.tool == "search_tasks":
        return f"Found {count} {noun} for {title(str(asked.get('query', '')))}"
    wanted = str(asked.get("status", "open"))
    status = {"open": "open ", "completed": "completed ", "deleted": "deleted "}.get(wanted, "")
    if asked.get("due") == "overdue":  # what is overdue is open
        status = "overdue "
    text = f"You have {count} {status}{noun}"
    if completed := asked.get("completed"):
        text = f"You completed {count} {noun} {_when(str(completed), view)}"
    if due := asked.get("due"):
        text += {"overdue": "", "none": " without a due date"}.get(str(due), _due_then(str(due), view))
    if priority := asked.get("priority_at_least"):
        text += f" of {str(priority).lower()} priority or more"
    text += f" labelled {title(str(asked['label']))}" if asked.get("label") else ""
    return text + (f" with {title(str(asked['text']))} in them" if asked.get("text") else "")


def _due_then(due: str, view: Viewpoint) -> str:
    """ " for tomorrow (Tue 24 Nov)", " due by friday (Fri 27 Nov)", " due at the weekend"."""
    said = _SIDE.match(due) or _PREPOSITION.match(due)
    return f" {'due' if said else 'for'} {_when(due, view)}"


def _when(words: str, view: Viewpoint) -> str:
    """The words for a time that a list was asked for, as they were read, with the day that they mean."""
    read = dates.spelt(words)
    day = _SIDE.sub("", read, count=1)
    value = dates.resolve(day, now=view.now, time_zone=view.time_zone, locale=view.locale)
    plain = calendar_day(value.date, view.today) if isinstance(value, dates.DateValue) else day
    return read if plain.casefold() == day.casefold() else f"{read} ({plain})"


def _line(task: Shown, view: Viewpoint) -> str:
    notes = [
        due_words(task, view),
        task.repeats,
        f"{task.priority.lower()} priority" if task.priority != "NONE" else None,
    ]
    notes += ["done" if task.is_completed else None, *(f"#{label}" for label in task.labels)]
    said = [note for note in notes if note]
    return one_line(task.title) + (f" — {', '.join(said)}" if said else "")
