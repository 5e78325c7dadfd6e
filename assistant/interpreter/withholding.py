"""Sentences on calls that wait for the user's word, that didn't get it, or that were taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from assistant.interpreter.housekeeping_words import TOOLS, about_to
from assistant.interpreter.outcomes import Outcome, Shown, is_task_id
from assistant.interpreter.wording import joined, title

NAMED_AT_MOST = 20
_AS_BEFORE = {
    "delete_label": "the label is back",
    "update_label": "the label is as it was before",
    "update_settings": "your settings are as they were",
}


class Planned(NamedTuple):
    """A call that waits: its tool's name, its parameters, and the titles of the tasks that it would change."""

    tool: str
    parameters: Mapping[str, object]
    titles: Sequence[str] = ()


def asks(planned: Sequence[Planned]) -> str:
    """What is about to be done, as one question: "I'm about to delete “a” and “b”. Shall I?" """
    deeds: list[str] = []
    for (before, after), some in groupby(planned, key=_deed):
        names = list(dict.fromkeys(name for call in some for name in _names(call)))
        deeds.append(" ".join(part for part in (before, _listed(names), after) if part))
    return f"I'm about to {joined(deeds) or 'go on'}. Shall I?"


def _names(call: Planned) -> list[str]:
    """The titles of a call's tasks; the words that named them where no title is known, the title of a new one."""
    tool, parameters, titles = call
    if tool in TOOLS:
        return []
    if tool == "add_task" or not titles:
        return _words(parameters.get("title" if tool == "add_task" else "tasks" if "tasks" in parameters else "task"))
    return list(titles)


def _words(raw: object) -> list[str]:
    return [str(one) for one in raw] if isinstance(raw, list | tuple) else [str(raw)] if raw else []


def _listed(names: Sequence[str]) -> str:
    told = [title(name) for name in names if not is_task_id(name)]
    named, more = told[:NAMED_AT_MOST], len(told[NAMED_AT_MOST:])
    untold = len(names) - len(told)
    others = ["that task" if untold == 1 else f"those {untold} tasks"] if untold else []
    return joined([*named, *others, *([f"{more} more"] if more else [])])


def _deed(call: Planned) -> tuple[str, str]:
    """What stands before and after the titles."""
    tool, parameters, titles = call
    match tool:
        case "add_task":
            due = parameters.get("due")
            return "add", f"for {title(str(due))}" if due else ""
        case "complete_task":
            return ("reopen", "") if parameters.get("completed") is False else ("mark", "as done")
        case "delete_task":
            return "delete", ""
        case "skip_occurrence":
            return "skip", "this time"
        case "snooze_reminder":
            return "snooze the reminder of", f"for {title(str(parameters.get('until', '')))}"
        case "update_task":
            new = parameters.get("title")
            return ("rename", f"to {title(str(new))}") if new else ("change", "")
        case "reschedule_tasks":
            due = str(parameters.get("due", ""))
            return ("take the due date off", "") if due.casefold() == "none" else ("move", f"to {title(due)}")
        case "categorize_tasks":
            return _labelling(parameters)
        case "undo":
            return ("undo what I did to" if titles else "undo what I did last", "")
        case _:
            return about_to(tool, parameters) if tool in TOOLS else "change", ""


def _labelling(parameters: Mapping[str, object]) -> tuple[str, str]:
    added, removed = _words(parameters.get("add_labels")), _words(parameters.get("remove_labels"))
    if added and removed:
        return "change the labels of", ""
    if added:
        return "label", f"as {_listed(added)}"
    return f"take the label{'s' if len(removed) > 1 else ''} {_listed(removed)} off", ""


def withheld(some: Sequence[Outcome]) -> str:
    """Which tasks were left alone, without a full stop."""
    kept = [name for one in some if one.tool not in ("add_task", "undo", "update_settings") for name in _titles(one)]
    unmade = [one.target for one in some if one.tool == "add_task"]
    if not kept and not unmade:
        return "I changed nothing"
    parts = [f"I left {_listed(list(dict.fromkeys(kept)))} alone"] if kept else []
    parts += [f"I didn't add {_listed(unmade)}"] if unmade else []
    return joined(parts)


def _titles(outcome: Outcome) -> list[str]:
    """The titles that the result tells, or the words that named the tasks."""
    named = outcome.arguments.get("tasks") or outcome.arguments.get("task") or outcome.arguments.get("label")
    return [task.title for task in outcome.tasks] or _words(named)


def undone(outcome: Outcome) -> str:
    """What became of the tasks whose changes were taken back."""
    if not outcome.tasks:
        beside = joined([words for tool, words in _AS_BEFORE.items() if tool in outcome.undone])
        return (f"Undone: {beside}." if beside else "Undone.") if outcome.undone else "There was nothing left to undo."
    gone = [task for task in outcome.tasks if task.is_deleted]
    there = [task for task in outcome.tasks if not task.is_deleted]
    back = set(outcome.undone) == {"delete_task"}
    parts = [
        *([_fared(gone, "gone again", "gone again")] if gone else []),
        *([_fared(there, "back" if back else "as it was", "back" if back else "as they were")] if there else []),
    ]
    return f"Undone: {joined(parts)}."


def _fared(tasks: Sequence[Shown], one: str, many: str) -> str:
    names = _listed([task.title for task in tasks])
    return f"{names} is {one}" if len(tasks) == 1 else f"{names} are {many}"
