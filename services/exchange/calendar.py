"""iCalendar (RFC 5545) in: each VTODO a task, read one at a time by the icalendar library."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from icalendar import GloballyUniqueTZIDGuessed, Todo

from models.enums import Priority
from models.tasks import REMIND_BEFORE_LIMIT
from services.exchange.calendar_output import HOUSE, PRIORITIES
from services.exchange.lines import LINE_LIMIT, Line
from services.exchange.values import Bad, Dated, Dates, Draft, Item
from services.recurrence import skipped_time
from services.tasks import NewTask

CHILDREN: Final = 10_000_000
"""Characters of subtasks that wait for their parents, which may stand behind them; more are read without theirs."""


class _Unread(ValueError):
    """What is wrong with a to-do, in words of our own."""


async def read(lines: AsyncIterable[Line], dates: Dates) -> AsyncIterator[Item]:
    """Everything but VTODOs is passed over. Numbers count those."""
    children: list[Draft] = []
    waiting = 0
    async for number, block, fault in _todos(lines):
        try:
            if fault:
                raise _Unread(fault)
            draft = _draft(number, _parsed(block), dates)
        # The library raises whatever its parts do for what isn't well formed.
        except Exception as error:
            yield Bad(number, str(error) if isinstance(error, _Unread) else _malformed(error))
            continue
        if draft.parent is not None:
            waiting += _size(draft)
            if waiting <= CHILDREN:
                children.append(draft)
                continue
        yield draft
    for child in children:
        yield child


def _parsed(block: str) -> Any:  # Any: the library's component
    with warnings.catch_warnings():
        # A zone such as /vendor/Europe/Berlin is taken for Europe/Berlin, which the library would say on stderr.
        warnings.simplefilter("ignore", GloballyUniqueTZIDGuessed)
        return Todo.from_ical(block)


def _malformed(error: Exception) -> str:
    """What the library says is about what stands in the file, of which it may quote much."""
    said = " ".join(str(error).split()) if isinstance(error, ValueError) else ""
    return f"The to-do is not well formed: {said[:120]}." if said else "The to-do is not well formed."


def _size(draft: Draft) -> int:
    return len(draft.new.title) + len(draft.new.description or "") + len(draft.source)


async def _todos(lines: AsyncIterable[Line]) -> AsyncIterator[tuple[int, str, str]]:
    number, block, size, fault = 0, list[str](), 0, ""
    async for line in lines:
        mark = line.text.strip().upper()
        if mark == "BEGIN:VTODO":
            number, block, size, fault = number + 1, [], 0, ""
        if number and (block or mark == "BEGIN:VTODO"):
            fault = fault or (line.fault and f"A line of it {line.fault}.")
            size += len(line.text)
            if size <= LINE_LIMIT:
                block.append(line.text)
            elif not fault:
                fault = f"It has more than {LINE_LIMIT:,} characters."
            if mark == "END:VTODO":
                yield number, "\r\n".join(block) + "\r\n", fault
                block = []
    if block:
        yield number, "", "It has no end."


def _draft(number: int, todo: Any, dates: Dates) -> Draft:  # Any: the library's component
    title = " ".join(str(todo.get("summary", "")).split())
    uid = str(todo.get("uid", ""))
    if not title or not uid:
        raise _Unread("A to-do needs a SUMMARY and a UID.")
    if str(todo.get("status", "")).upper() == "CANCELLED":
        raise _Unread("It was cancelled: there is nothing to do.")
    due = _due(todo.get("due") or todo.get("dtstart"), dates)
    rule = todo.get("rrule")
    remind_at, remind_before = _reminder(todo, due)
    completed = todo.get("completed")
    new = NewTask(
        title,
        description=str(todo.get("description", "")).strip() or None,
        due_date=due.date,
        due_at=due.at,
        time_zone=due.time_zone,
        recurrence=rule.to_ical().decode() if rule is not None and (due.date or due.at) else None,
        remind_at=remind_at,
        remind_before=remind_before,
        priority=_priority(int(todo.get("priority", 0))),
        labels=[str(name).strip() for each in _several(todo.get("categories")) for name in each.cats],
    )
    return Draft(
        number,
        new,
        f"uid:{uid}",
        parent=next((f"uid:{one}" for one in _several(todo.get("related-to")) if _is_parent(one)), None),
        own_id=_own(uid),
        completed_at=completed.dt.astimezone(UTC)
        if completed is not None and isinstance(completed.dt, datetime)
        else None,
        is_completed=completed is not None or str(todo.get("status", "")).upper() == "COMPLETED",
        recurrence_time=due.meant,
    )


def _due(value: Any, dates: Dates) -> Dated:
    if value is None:
        return Dated()
    if not isinstance(value.dt, datetime):
        return Dated(date=value.dt)
    if value.dt.tzinfo is None and (zone_id := value.params.get("TZID")):
        # Its definition may stand in the file, but a rule for its clocks can be written to take for ever.
        raise _Unread(f"TZID {zone_id[:60]} is no time zone known by name.")
    if value.dt.tzinfo is None:  # floating: meant in the zone of whoever reads it
        return dates(value.dt.isoformat(timespec="minutes"), None) or Dated()
    zone = value.dt.tzinfo.key if isinstance(value.dt.tzinfo, ZoneInfo) else None
    meant = skipped_time(value.dt) if zone else None
    return Dated(at=value.dt.astimezone(UTC), time_zone=None if zone == "UTC" else zone, meant=meant)


def _reminder(todo: Any, due: Dated) -> tuple[datetime | None, int | None]:
    for alarm in todo.subcomponents:
        trigger = alarm.get("trigger")
        if alarm.name == "VALARM" and trigger is not None:
            if isinstance(trigger.dt, timedelta):
                minutes = int(-trigger.dt.total_seconds() // 60)
                if due.at is not None and 0 <= minutes <= REMIND_BEFORE_LIMIT:
                    return None, minutes
            elif isinstance(trigger.dt, datetime) and trigger.dt.tzinfo is not None:
                return trigger.dt.astimezone(UTC), None
    return None, None


def _priority(value: int) -> Priority:
    if value <= 0:
        return Priority.NONE
    return next((level for level, number in PRIORITIES.items() if value <= number), Priority.LOW)


def _several(value: Any) -> Iterable[Any]:
    return () if value is None else value if isinstance(value, list) else (value,)


def _is_parent(related: Any) -> bool:
    return str(related.params.get("RELTYPE", "PARENT")).upper() == "PARENT"


def _own(uid: str) -> UUID | None:
    try:
        return UUID(uid.removesuffix(HOUSE)) if uid.endswith(HOUSE) else None
    except ValueError:
        return None
