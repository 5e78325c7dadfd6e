"""What a reply that asks back offers to choose from, and the list that places in the answer then refer to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final
from uuid import UUID

from assistant.interpreter.commands import asks_back, meant
from assistant.interpreter.outcomes import Outcome, Shown, outcome_of
from assistant.interpreter.phrases import Viewpoint
from assistant.interpreter.questions import open_questions, place_words
from assistant.interpreter.wording import calendar_day, clock_time, one_line
from core.errors import ErrorCode
from core.ids import parse_global_id
from models.turns import ToolCall

OFFERED: Final = 20
"""Candidates that are offered; the list may be longer, and the others can be named."""

DROP: Final = "never mind"
"""What a person says to leave everything as it is."""


@dataclass(frozen=True, slots=True)
class Choice:
    """`content` is what choosing it says; `task_id` is the task's UUID, None where it means none."""

    label: str
    content: str
    task_id: UUID | None = None

    def stored(self) -> dict[str, str | None]:
        """As JSON."""
        return {"label": self.label, "content": self.content, "task_id": str(self.task_id) if self.task_id else None}


def choices_of(calls: Sequence[ToolCall], view: Viewpoint) -> list[dict[str, str | None]]:
    """The candidates of the first question that the turn's calls left open, and none of them; empty without one."""
    question = _open_question(calls)
    if question is None:
        return _about_subtasks(calls)
    offered = question.candidates[:OFFERED]
    labels = _labels(offered, view)
    found = [
        Choice(label, place_words(place), _task_id(task.id))
        for place, (label, task) in enumerate(zip(labels, offered, strict=True), start=1)
    ]
    return [choice.stored() for choice in (*found, Choice("None of these", DROP))]


def _about_subtasks(calls: Sequence[ToolCall]) -> list[dict[str, str | None]]:
    """What becomes of open subtasks, where completing their parent asked; empty where nothing did."""
    asked = next((call for call in calls if call.error_code == ErrorCode.OPEN_SUBTASKS), None)
    if asked is None:
        return []
    words = outcome_of(asked.tool_name, asked.parameters, asked.answer or {}).target
    offered = (
        Choice("Complete them as well", f"complete {words} with its subtasks"),
        Choice("Complete only the task", f"complete only {words}"),
        Choice("Leave all open", DROP),
    )
    return [choice.stored() for choice in offered]


def choices_of_reply(reply: str) -> list[dict[str, str | None]]:
    """What a question of the built-in provider that names no tasks leaves to say; empty for any other reply."""
    if not asks_back(reply):
        return []
    words = meant(reply)
    said = [Choice(f"Yes, {words}", words)] if words else []
    return [choice.stored() for choice in (*said, Choice("Never mind", DROP))]


def asked_about(calls: Sequence[ToolCall]) -> tuple[str, ...]:
    """The global ids of the tasks that the turn leaves the user to choose from, in order; empty without a question."""
    question = _open_question(calls)
    return tuple(task.id for task in question.candidates) if question else ()


def _open_question(calls: Sequence[ToolCall]) -> Outcome | None:
    ordered = sorted(calls, key=lambda call: (call.round, call.index))
    rounds = [
        [outcome_of(call.tool_name, call.parameters, call.answer or {}) for call in some]
        for _, some in groupby(ordered, key=lambda call: call.round)
    ]
    return next(iter(open_questions(rounds)), None)


def _labels(tasks: Sequence[Shown], view: Viewpoint) -> list[str]:
    """Titles with what tells them apart: when they are due and whether done, and more only where that is the same."""
    short = [_label(task, _notes(task, view)) for task in tasks]
    return [
        _label(task, [*_notes(task, view), *_more(task)]) if short.count(label) > 1 else label
        for task, label in zip(tasks, short, strict=True)
    ]


def _label(task: Shown, notes: Sequence[str]) -> str:
    return one_line(task.title) + (f" ({', '.join(notes)})" if notes else "")


def _notes(task: Shown, view: Viewpoint) -> list[str]:
    """The day by the calendar: a choice may be looked at on a later one."""
    notes = []
    if task.due_at is not None:
        local = task.due_at.astimezone(view.zone)
        notes.append(f"{calendar_day(local.date(), view.today)} at {clock_time(local, view.locale)}")
    elif task.due_date is not None:
        notes.append(calendar_day(task.due_date, view.today))
    return [*notes, "done"] if task.is_completed else notes


def _more(task: Shown) -> list[str]:
    priority = [f"{task.priority.lower()} priority"] if task.priority != "NONE" else []
    return [*priority, *(f"#{label}" for label in task.labels)]


def _task_id(global_id: str) -> UUID | None:
    try:
        return parse_global_id(global_id, "Task")
    except ValueError:
        return None
