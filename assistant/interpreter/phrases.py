"""What the built-in assistant says. Every fact comes from the results of calls, never from what was meant to happen."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from assistant.interpreter.outcomes import Outcome, Shown
from assistant.interpreter.questions import unclear_words
from assistant.interpreter.withholding import Planned, asks, undone, withheld
from assistant.interpreter.wording import (
    Viewpoint,
    day_words,
    due_words,
    joined,
    moment_words,
    one_line,
    repeat_words,
    title,
)
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


def answer(outcomes: Sequence[Outcome], view: Viewpoint) -> str:
    """The reply to a whole round of calls, in their order; tasks that fared alike are named in one sentence.

    Where calls ask which task was meant, the first asks, last of all, and the others are named to come after it.
    """
    asking = [outcome for outcome in outcomes if outcome.candidates]
    told = [outcome for outcome in outcomes if not outcome.candidates]
    said = [_alike(kind, list(some), view) for kind, some in groupby(told, key=_kind)]
    if asking:
        said.append(failure(asking[0], view))
    if asking[1:]:
        said.append(f"After that I'll ask about {joined([title(unclear_words(one)) for one in asking[1:]])}.")
    return "\n".join(part for part in said if part)


def _kind(outcome: Outcome) -> str:
    if outcome.code in (ErrorCode.REJECTED_BY_USER, ErrorCode.CONFIRMATION_EXPIRED):
        return str(outcome.code)
    return "created" if outcome.message is None and outcome.action == "created" else ""


def _alike(kind: str, some: Sequence[Outcome], view: Viewpoint) -> str:
    match kind:
        case "created":
            return _added([task for outcome in some for task in outcome.tasks], view)
        case ErrorCode.REJECTED_BY_USER:
            return f"{withheld(some)}, as you said."
        case ErrorCode.CONFIRMATION_EXPIRED:
            return f"{withheld(some)}: nobody confirmed it in time."
        case _:
            return "\n".join(_one(outcome, view) for outcome in some)


def _added(tasks: Sequence[Shown], view: Viewpoint) -> str:
    groups: dict[str, list[str]] = {}
    for task in tasks:
        groups.setdefault(_details(task, view), []).append(title(task.title))
    lines = [f"Added {joined(names)}{details}." for details, names in groups.items()]
    return " ".join([*lines, *_reminders(tasks, view)])


def _details(task: Shown, view: Viewpoint) -> str:
    due, repeats = due_words(task, view), repeat_words(task, view)
    text = f" for {due}" if due else ""
    if repeats:
        text = f", {repeats.replace(', next on ', ', first on ')}"
    if task.priority != "NONE":
        text += f", {task.priority.lower()} priority"
    return text + (f", labelled {joined([title(label) for label in task.labels])}" if task.labels else "")


def _reminders(tasks: Sequence[Shown], view: Viewpoint) -> list[str]:
    """When tasks remind, told once for all that do so when they are due."""
    at_due = [task for task in tasks if task.remind_at is not None and task.remind_at == task.due_at]
    other = [task for task in tasks if task.remind_at is not None and task.remind_at != task.due_at]
    return [
        *(["You'll get a reminder then."] if at_due else []),
        *(f"You'll get a reminder {moment_words(task.remind_at, view)}." for task in other if task.remind_at),
    ]


def _one(outcome: Outcome, view: Viewpoint) -> str:
    if outcome.message is not None:
        return failure(outcome, view)
    if outcome.action == "found":
        return found(outcome, view)
    if outcome.action == "undone":
        return undone(outcome)
    names = joined([title(task.title) for task in outcome.tasks])
    if not names:
        return "Nothing changed."
    match outcome.action:
        case "completed":
            return f"Marked {names} as done." + "".join(
                f" {_next(task, view)}" for task in outcome.tasks if _goes_on(task)
            )
        case "skipped":
            return f"Skipped {names} this time. " + " ".join(_next(task, view) for task in outcome.tasks)
        case "snoozed":
            return " ".join(_snoozed(task, view) for task in outcome.tasks)
        case "reopened" | "deleted" | "restored" | "moved":
            return f"{outcome.action.capitalize()} {names}."
        case "unchanged":
            return f"{names} {'was' if len(outcome.tasks) == 1 else 'were'} already like that: nothing changed."
        case _:
            return " ".join(_updated(task, outcome, view) for task in outcome.tasks)


def _goes_on(task: Shown) -> bool:
    """Whether only an occurrence of it was done."""
    return task.repeats is not None and not task.is_completed


def _next(task: Shown, view: Viewpoint) -> str:
    return f"It is next due {due_words(task, view)}."


def _snoozed(task: Shown, view: Viewpoint) -> str:
    when = moment_words(task.remind_at, view) if task.remind_at else "later"
    return f"Snoozed: the reminder of {title(task.title)} comes {when}."


def _updated(task: Shown, outcome: Outcome, view: Viewpoint) -> str:
    """What a changed task is like now, in the fields that the call was about."""
    name, asked, now = title(task.title), outcome.arguments, []
    if "due" in asked or "recurrence" in asked:
        due = repeat_words(task, view) or due_words(task, view)
        now.append(f"due {due}" if due else "without a due date")
    if "recurrence" in asked and not task.repeats:
        now.append("no longer repeating")
    if "remind" in asked:
        now.append(f"with a reminder {moment_words(task.remind_at, view)}" if task.remind_at else "without a reminder")
    if "priority" in asked:
        now.append(f"{task.priority.lower()} priority" if task.priority != "NONE" else "without a priority")
    if asked.keys() & {"labels", "add_labels", "remove_labels"}:
        labels = joined([title(label) for label in task.labels])
        now.append(f"labelled {labels}" if labels else "without labels")
    if "title" in asked:
        return f"The task is now called {name}{', ' + joined(now) if now else ''}."
    return f"{name} is now {joined(now)}." if now else f"Updated {name}."


def failure(outcome: Outcome, view: Viewpoint) -> str:
    """Why a call failed, and the question back where several tasks were meant."""
    message = outcome.message or ""
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
    head = _heading(outcome, total)
    if not outcome.tasks:
        return head + "."
    lines = [
        f"{task.number if task.number is not None else place}. {_line(task, view)}"
        for place, task in enumerate(outcome.tasks[:SHOWN_AT_MOST], start=1)
    ]
    return "\n".join([head + ":", *lines, *_more(total - len(lines))])


def _more(count: int) -> list[str]:
    return [f"… and {count} more"] if count > 0 else []


def _heading(outcome: Outcome, total: int) -> str:
    asked = outcome.arguments
    count = f"{total if total else 'no'}"
    noun = "task" if total == 1 else "tasks"
    if outcome.tool == "search_tasks":
        return f"Found {count} {noun} for {title(str(asked.get('query', '')))}"
    status = {"open": "open ", "completed": "completed "}.get(str(asked.get("status", "open")), "")
    text = f"You have {count} {status}{noun}"
    if due := asked.get("due"):
        text += {"overdue": " overdue", "none": " without a due date"}.get(str(due), f" for {due}")
    if priority := asked.get("priority_at_least"):
        text += f" of {str(priority).lower()} priority or more"
    return text + (f" labelled {title(str(asked['label']))}" if asked.get("label") else "")


def _line(task: Shown, view: Viewpoint) -> str:
    notes = [
        due_words(task, view),
        task.repeats,
        f"{task.priority.lower()} priority" if task.priority != "NONE" else None,
    ]
    notes += ["done" if task.is_completed else None, *(f"#{label}" for label in task.labels)]
    said = [note for note in notes if note]
    return one_line(task.title) + (f" — {', '.join(said)}" if said else "")
