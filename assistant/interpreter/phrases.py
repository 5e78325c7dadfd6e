"""What the built-in assistant says. Every fact comes from the results of calls, never from what was meant to happen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from assistant.interpreter import dates
from assistant.interpreter.outcomes import Outcome, Shown

EXAMPLES = "“add buy milk tomorrow at 5pm”, “what do I have today?” or “mark buy milk as done”"
GREETING = f"Hello! Tell me what to do with your tasks, for example {EXAMPLES}."
HELP = (
    "I keep your to-do list. I can add, show, find, complete, reopen, rename, move, prioritise, label and delete tasks."
    f" Try {EXAMPLES}."
)
THANKS = "You're welcome."
NOTHING = f"I changed nothing: I didn't see what to do with your tasks in that. You can say {EXAMPLES}."
SHOWN_AT_MOST = 20
_TITLE_AT_MOST = 120
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """When and where the user reads this: an aware instant and an IANA zone."""

    now: datetime
    time_zone: str

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.time_zone)).date()


def day_words(day: date, today: date) -> str:
    """ "tomorrow (Tue 24 Nov)", "Fri 27 Nov", with the year where it isn't the present one."""
    plain = f"{_DAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}" + (
        f" {day.year}" if day.year != today.year else ""
    )
    near = {0: "today", 1: "tomorrow", -1: "yesterday"}.get((day - today).days)
    return f"{near} ({plain})" if near else plain


def due_words(task: Shown, view: Viewpoint) -> str | None:
    """When a task is due, in the user's zone, or None."""
    if task.due_at is not None:
        local = task.due_at.astimezone(ZoneInfo(view.time_zone))
        return f"{day_words(local.date(), view.today)} at {local:%H:%M}"
    return day_words(task.due_date, view.today) if task.due_date else None


def title(text: str) -> str:
    """A title on one line, in quotation marks, cut where it is very long."""
    line = " ".join(text.split())
    return f"“{line if len(line) <= _TITLE_AT_MOST else line[: _TITLE_AT_MOST - 1] + '…'}”"


def joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def answer(outcomes: Sequence[Outcome], view: Viewpoint) -> str:
    """The reply to a whole round of calls, in their order; tasks added alike are named in one sentence."""
    said: list[str] = []
    added: list[Shown] = []
    for outcome in outcomes:
        if outcome.message is None and outcome.action == "created":
            added.extend(outcome.tasks)
            continue
        if added:
            said.append(_added(added, view))
            added = []
        said.append(_one(outcome, view))
    if added:
        said.append(_added(added, view))
    return "\n".join(part for part in said if part)


def _added(tasks: Sequence[Shown], view: Viewpoint) -> str:
    groups: dict[str, list[str]] = {}
    for task in tasks:
        groups.setdefault(_details(task, view), []).append(title(task.title))
    lines = [f"Added {joined(names)}{details}." for details, names in groups.items()]
    return " ".join([*lines, *(note for task in tasks if (note := _repeat_note(task, view)))])


def _details(task: Shown, view: Viewpoint) -> str:
    due = due_words(task, view)
    text = f" for {due}" if due else ""
    if task.priority != "NONE":
        text += f", {task.priority.lower()} priority"
    return text + (f", labelled {joined([title(label) for label in task.labels])}" if task.labels else "")


def _repeat_note(task: Shown, view: Viewpoint) -> str | None:
    spans = dates.find(task.title, now=view.now, time_zone=view.time_zone)
    repeats = [s for s in spans if isinstance(s.value, dates.RecurrenceValue)]
    return f"Tasks can't repeat yet, so “{repeats[0].text}” stays in its title." if repeats else None


def _one(outcome: Outcome, view: Viewpoint) -> str:
    if outcome.message is not None:
        return failure(outcome, view)
    if outcome.action == "found":
        return found(outcome, view)
    names = joined([title(task.title) for task in outcome.tasks]) if outcome.tasks else ""
    if not names:
        return "Nothing changed."
    match outcome.action:
        case "completed":
            return f"Marked {names} as done."
        case "reopened":
            return f"Reopened {names}."
        case "deleted":
            return f"Deleted {names}."
        case "unchanged":
            return f"{names} {'was' if len(outcome.tasks) == 1 else 'were'} already like that: nothing changed."
        case _:
            return " ".join(_updated(task, outcome, view) for task in outcome.tasks)


def _updated(task: Shown, outcome: Outcome, view: Viewpoint) -> str:
    """What a changed task is like now, in the fields that the call was about."""
    name, asked, now = title(task.title), outcome.arguments, []
    if "due" in asked:
        due = due_words(task, view)
        now.append(f"due {due}" if due else "without a due date")
    if "priority" in asked:
        now.append(f"{task.priority.lower()} priority" if task.priority != "NONE" else "without a priority")
    if asked.keys() & {"labels", "add_labels", "remove_labels"}:
        labels = joined([title(label) for label in task.labels]) if task.labels else ""
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
    line = " ".join(task.title.split())
    notes = [due_words(task, view), f"{task.priority.lower()} priority" if task.priority != "NONE" else None]
    notes += ["done" if task.is_completed else None, *(f"#{label}" for label in task.labels)]
    said = [note for note in notes if note]
    return f"{line if len(line) <= _TITLE_AT_MOST else line[: _TITLE_AT_MOST - 1] + '…'}" + (
        f" — {', '.join(said)}" if said else ""
    )
