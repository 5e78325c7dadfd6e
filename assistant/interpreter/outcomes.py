"""Results of tool calls, read from their JSON into values. Anything unexpected becomes a plain failure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from core.ids import parse_global_id


@dataclass(frozen=True, slots=True)
class Shown:
    """A task as a result tells of it; `id` is its global id, instants are aware, `repeats` is in words."""

    number: int | None
    title: str
    is_completed: bool = False
    due_date: date | None = None
    due_at: datetime | None = None
    priority: str = "NONE"
    labels: tuple[str, ...] = ()
    is_deleted: bool = False
    id: str = ""
    repeats: str | None = None
    remind_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call and what came of it. `message` and `code` are set where it failed; `undone` are the tools of the calls
    that it took back; `told` is the result as it came.
    """

    tool: str
    arguments: Mapping[str, object]
    action: str = ""
    tasks: tuple[Shown, ...] = ()
    total: int = 0
    message: str | None = None
    candidates: tuple[Shown, ...] = ()
    code: str | None = None
    undone: tuple[str, ...] = ()
    told: Mapping[str, object] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """The words that named the tasks it was about, or the title of a new one; empty where it named none."""
        named = self.arguments.get("task") or self.arguments.get("title") or self.arguments.get("tasks")
        return ", ".join(str(words) for words in named) if isinstance(named, list) else str(named or "")

    @property
    def wrote(self) -> bool:
        """Whether it is a finished call of a tool that changes tasks."""
        return self.message is None and self.action != "found"


def is_task_id(text: str) -> bool:
    """Whether a target is a task's global id rather than words."""
    try:
        parse_global_id(text, "Task")
    except ValueError:
        return False
    return True


def arguments_of(text: str) -> dict[str, object]:
    """The arguments of a call; empty where the text is no JSON object."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def read(tool: str, arguments: str, content: str) -> Outcome:
    """What a call came to, by its arguments' and its result's JSON text."""
    return outcome_of(tool, arguments_of(arguments), arguments_of(content))


def outcome_of(tool: str, arguments: Mapping[str, object], result: Mapping[str, object]) -> Outcome:
    """What a call came to, by its arguments and its result."""
    tasks = _tasks(result.get("tasks"))
    if result.get("ok") is True:
        total = result.get("total")
        return Outcome(
            tool,
            arguments,
            action=str(result.get("action", "")),
            tasks=tasks,
            total=total if isinstance(total, int) else len(tasks),
            undone=_undone(result.get("undone")),
            told=result,
        )
    error = result.get("error")
    told: Mapping[str, object] = error if isinstance(error, dict) else {}
    message, code = told.get("message"), told.get("code")
    return Outcome(
        tool,
        arguments,
        tasks=tasks,
        message=message if isinstance(message, str) and message else "That didn't work.",
        candidates=_tasks(result.get("candidates")),
        code=code if isinstance(code, str) else None,
    )


def _undone(raw: object) -> tuple[str, ...]:
    return tuple(str(call.get("tool", "")) for call in raw if isinstance(call, dict)) if isinstance(raw, list) else ()


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
        is_deleted=raw.get("is_deleted") is True,
        id=str(raw.get("id") or ""),
        repeats=str(raw["repeats"]) if raw.get("repeats") else None,
        remind_at=_instant(raw.get("remind_at")),
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
