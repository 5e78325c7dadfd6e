"""Sentences on tasks that were added or changed: those that fared alike are named in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from assistant.interpreter.outcomes import Outcome, Shown
from assistant.interpreter.wording import Viewpoint, due_words, joined, moment_words, repeat_words, title

NAMED_AT_MOST: Final = 20
OFFER_UNDO: Final = "Say “undo” to take that back."
_PLAIN: Final[Mapping[str, str]] = {
    "completed": "Marked {} as done.",
    "reopened": "Reopened {}.",
    "deleted": "Deleted {}.",
    "restored": "Restored {}.",
    "moved": "Moved {}.",
}
ALIKE: Final = frozenset({"created", "updated", "unchanged", "skipped", "snoozed", *_PLAIN})
"""Actions whose tasks are told of together."""


def changed(action: str, some: Sequence[Outcome], view: Viewpoint) -> str:
    """What became of the tasks of calls that did the same, one after another."""
    tasks = [task for outcome in some for task in outcome.tasks]
    if not tasks:
        return "Nothing changed."
    if action == "created":
        return _added(tasks, view)
    if action == "updated":
        return _updated(some, view)
    if action == "unchanged":
        return f"{_named(tasks)} {'was' if len(tasks) == 1 else 'were'} already like that: nothing changed."
    if action == "snoozed":
        return " ".join(_snoozed(task, view) for task in tasks)
    if action == "skipped":
        return " ".join([f"Skipped {_named(tasks)} this time.", *(_next(task, view) for task in tasks)])
    going_on = [task for task in tasks if action == "completed" and task.repeats and not task.is_completed]
    return " ".join([_PLAIN[action].format(_named(tasks)), *(_next(task, view) for task in going_on)])


def worth_undoing(outcomes: Sequence[Outcome]) -> bool:
    """Whether so much was done that a person may want it back: a deletion, or a change of several tasks."""
    wrote = [one for one in outcomes if one.wrote and one.action in ALIKE - {"created", "unchanged"}]
    return any(one.action == "deleted" for one in wrote) or sum(len(one.tasks) for one in wrote) > 1


def _named(tasks: Sequence[Shown]) -> str:
    names = [title(task.title) for task in tasks[:NAMED_AT_MOST]]
    more = len(tasks) - NAMED_AT_MOST
    return joined([*names, f"{more} more"] if more > 0 else names)


def _next(task: Shown, view: Viewpoint) -> str:
    return f"It is next due {due_words(task, view)}."


def _snoozed(task: Shown, view: Viewpoint) -> str:
    when = moment_words(task.remind_at, view) if task.remind_at else "later"
    return f"Snoozed: the reminder of {title(task.title)} comes {when}."


def _added(tasks: Sequence[Shown], view: Viewpoint) -> str:
    groups: dict[str, list[Shown]] = {}
    for task in tasks:
        groups.setdefault(_details(task, view), []).append(task)
    lines = [f"Added {_named(some)}{details}." for details, some in groups.items()]
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


def _updated(some: Sequence[Outcome], view: Viewpoint) -> str:
    """What the tasks are like now, in the fields that their calls were about."""
    groups: dict[str, list[Shown]] = {}
    renamed: list[str] = []
    for outcome in some:
        for task in outcome.tasks:
            now = _now(task, outcome.arguments, view)
            if "title" in outcome.arguments:
                renamed.append(f"The task is now called {title(task.title)}{', ' + now if now else ''}.")
            else:
                groups.setdefault(now, []).append(task)
    instead = any(one.tool == "snooze_reminder" for one in some)  # the server found no reminder to put off
    told = [
        f"{_named(tasks)} has no reminder, so I moved the task: it is now {now}."
        if instead
        else f"{_named(tasks)} {'is' if len(tasks) == 1 else 'are'} now {now}."
        if now
        else f"Updated {_named(tasks)}."
        for now, tasks in groups.items()
    ]
    return " ".join([*renamed, *told])


def _now(task: Shown, asked: Mapping[str, object], view: Viewpoint) -> str:
    now = []
    if asked.keys() & {"due", "recurrence", "until"}:
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
    return joined(now)
