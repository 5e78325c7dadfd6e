"""JSON lines: one object a line, a label or a task with everything that it has. What goes out comes in the same."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Final
from uuid import UUID

import orjson

from core.errors import DomainError
from models.enums import Priority, RecurrenceFrom
from models.tasks import POSITION_LIMIT, Label
from services.exchange.lines import Line
from services.exchange.values import Bad, Dates, Item, LabelRow, Whole
from services.recurrence import Series
from services.tasks import LabelledTask, NewTask
from services.users import check_time_zone

_POSITION: Final = re.compile(rf"(?=.{{1,{POSITION_LIMIT}}}$)[0-9a-f]*[1-9a-f]")
Read = Callable[[Any], Any]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("is not a text")
    return value


def _instant(value: Any) -> datetime:
    at = datetime.fromisoformat(_text(value))
    if at.tzinfo is None:
        raise ValueError("needs an offset, e.g. Z")
    return at.astimezone(UTC)


def _wall_time(value: Any) -> time:
    at = time.fromisoformat(_text(value))
    if at.tzinfo is not None:
        raise ValueError("has an offset")
    return at


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("is not a whole number")
    return value


def _position(value: Any) -> str:
    if not _POSITION.fullmatch(_text(value)):
        raise ValueError("is no position")
    return str(value)


FIELDS: Final[Mapping[str, tuple[str, Read]]] = {
    "id": ("id", lambda value: UUID(_text(value))),
    "title": ("title", _text),
    "description": ("description", _text),
    "completedAt": ("completed_at", _instant),
    "dueDate": ("due_date", lambda value: date.fromisoformat(_text(value))),
    "dueAt": ("due_at", _instant),
    "timeZone": ("time_zone", _text),
    "recurrence": ("recurrence", _text),
    "recurrenceFrom": ("recurrence_from", lambda value: RecurrenceFrom(_text(value)).value),
    "recurrenceTime": ("recurrence_time", _wall_time),
    "remindAt": ("remind_at", _instant),
    "remindBefore": ("remind_before", _number),
    "snoozedUntil": ("snoozed_until", _instant),
    "remindedFor": ("reminded_for", _instant),
    "priority": ("priority", lambda value: int(Priority[_text(value)])),
    "parentId": ("parent_id", lambda value: UUID(_text(value))),
    "position": ("position", _position),
    "createdAt": ("created_at", _instant),
    "updatedAt": ("updated_at", _instant),
}
"""The members of a task's line, the columns that they are, and how they are read."""

_NEEDED: Final = frozenset({"id", "title", "position", "createdAt", "updatedAt"})


async def read(lines: AsyncIterable[Line], _dates: Dates) -> AsyncIterator[Item]:
    """Empty lines are passed over."""
    async for line in lines:
        if line.fault:
            yield Bad(line.number, f"The line {line.fault}.")
        elif line.text.strip():
            try:
                yield _item(line)
            except (ValueError, KeyError, DomainError) as error:
                yield Bad(line.number, str(error))


def _item(line: Line) -> Item:
    try:
        value = orjson.loads(line.text)
    except orjson.JSONDecodeError:
        raise ValueError("The line is not JSON.") from None
    if not isinstance(value, dict):
        raise ValueError("The line is not a JSON object.")
    match value.get("type"):
        case "label":
            color = value.get("color")
            return LabelRow(line.number, _text(value.get("name")), None if color is None else _text(color))
        case "task":
            return _task(line.number, value)
        case _:
            raise ValueError("type must be task or label.")


def _task(number: int, given: Mapping[str, Any]) -> Whole:
    unknown = given.keys() - FIELDS.keys() - {"type", "labels"}
    if unknown:
        raise ValueError(f"{min(unknown)[:60]} is no member of a task.")
    if missing := _NEEDED - {name for name, value in given.items() if value is not None}:
        raise ValueError(f"{min(missing)} is missing.")
    values: dict[str, Any] = {column: None for column, _ in FIELDS.values()}
    values |= {"recurrence_from": RecurrenceFrom.DUE.value, "priority": 0}
    for name, (column, parse) in FIELDS.items():
        if given.get(name) is not None:
            try:
                values[column] = parse(given[name])
            except (ValueError, KeyError, OverflowError):
                raise ValueError(f"{name} can't be {str(given[name])[:60]}.") from None
    labels = given.get("labels", [])
    if not isinstance(labels, list):
        raise ValueError("labels is not a list.")
    _check_meant(values)
    new = NewTask(
        title=values["title"],
        description=values["description"],
        due_date=values["due_date"],
        due_at=values["due_at"],
        time_zone=values["time_zone"],
        recurrence=values["recurrence"],
        remind_at=None if values["remind_before"] is not None else values["remind_at"],
        remind_before=values["remind_before"],
        labels=[_text(name) for name in labels],
        parent_id=values["parent_id"],
    )
    return Whole(number, new, values)


def _check_meant(values: Mapping[str, Any]) -> None:
    """Whether the time that a rule means comes to the due time. Raises ValueError or DomainError."""
    meant, at, rule, zone = (values[name] for name in ("recurrence_time", "due_at", "recurrence", "time_zone"))
    if meant is None:
        return
    if at is None or rule is None or zone is None:
        raise ValueError("recurrenceTime goes with recurrence, dueAt and timeZone.")
    series = Series.of(rule, None, at, check_time_zone(zone, ("timeZone",)), meant)
    if series.at(series.day).at != at:
        raise ValueError(f"recurrenceTime can't be {meant}: the clock doesn't skip it then.")


def head(labels: list[Label]) -> bytes:
    """The lines of labels, which come first: a task's line names its labels alone."""
    rows = [{"type": "label", "name": label.name, "color": label.color} for label in labels]
    return b"".join(orjson.dumps(row) + b"\n" for row in rows)


def write(labelled: LabelledTask) -> bytes:
    """A task's line, without what it doesn't have."""
    task = labelled.task
    row: dict[str, Any] = {"type": "task"}
    for name, (column, _) in FIELDS.items():
        value = getattr(task, column)
        if value is not None:
            row[name] = Priority(value).name if name == "priority" else value
    row["labels"] = [label.name for label in labelled.labels]
    return orjson.dumps(row, default=str, option=orjson.OPT_UTC_Z) + b"\n"  # the driver has a UUID of its own
