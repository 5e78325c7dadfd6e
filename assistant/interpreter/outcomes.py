"""Results of tool calls, read from their JSON into values. Anything unexpected becomes a plain failure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """A task as a result tells of it; `due_at` is an aware instant."""

    number: int | None
    title: str
    is_completed: bool = False
    due_date: date | None = None
    due_at: datetime | None = None
    priority: str = "NONE"
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call and what came of it. `message` is set where it failed."""

    tool: str
    arguments: Mapping[str, object]
    action: str = ""
    tasks: tuple[Shown, ...] = ()
    total: int = 0
    message: str | None = None
    candidates: tuple[Shown, ...] = ()


def arguments_of(text: str) -> dict[str, object]:
    """The arguments of a call; empty where the text is no JSON object."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def read(tool: str, arguments: str, content: str) -> Outcome:
    """What a call came to, by its result's JSON."""
    result, given = arguments_of(content), arguments_of(arguments)
    if result.get("ok") is True:
        tasks = _tasks(result.get("tasks"))
        total = result.get("total")
        return Outcome(
            tool, given, str(result.get("action", "")), tasks, total if isinstance(total, int) else len(tasks)
        )
    error = result.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    said = message if isinstance(message, str) and message else "That didn't work."
    return Outcome(tool, given, message=said, candidates=_tasks(result.get("candidates")))


def _tasks(raw: object) -> tuple[Shown, ...]:
    return tuple(_task(item) for item in raw if isinstance(item, dict)) if isinstance(raw, list) else ()


def _task(raw: Mapping[str, object]) -> Shown:
    number, labels = raw.get("number"), raw.get("labels")
    due_date, due_at = raw.get("due_date"), raw.get("due_at")
    return Shown(
        number=number if isinstance(number, int) else None,
        title=str(raw.get("title", "")),
        is_completed=raw.get("is_completed") is True,
        due_date=_day(due_date),
        due_at=_instant(due_at),
        priority=str(raw.get("priority") or "NONE"),
        labels=tuple(str(label) for label in labels) if isinstance(labels, list) else (),
    )


def _day(raw: object) -> date | None:
    try:
        return date.fromisoformat(raw) if isinstance(raw, str) else None
    except ValueError:
        return None


def _instant(raw: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(raw) if isinstance(raw, str) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
