"""iCalendar (RFC 5545) out: tasks as VTODOs or VEVENTs, each zone before the first that is told in it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from icalendar import Alarm, Event, Timezone, Todo, vRecur

from models.enums import Priority
from models.tasks import Task
from services.tasks import LabelledTask
from services.tasks.repeating import series_of

HOUSE: Final = "@tasktalk"
"""What stands behind a task's id in the UID of what was written here."""

PRIORITIES: Final = {Priority.URGENT: 1, Priority.HIGH: 3, Priority.MEDIUM: 5, Priority.LOW: 9}

HEAD: Final = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Tasktalk//Tasks//EN\r\nX-WR-CALNAME:Tasktalk\r\n"
    b"REFRESH-INTERVAL;VALUE=DURATION:PT15M\r\nX-PUBLISHED-TTL:PT15M\r\n"  # RFC 7986, and what came before it
)
TAIL: Final = b"END:VCALENDAR\r\n"


class Writer:
    """Writes one calendar's tasks. RFC 5545 wants each zone that is named to be defined in the same calendar."""

    def __init__(self, *, events: bool) -> None:
        self._events = events
        self._zones: set[str] = set()

    def __call__(self, labelled: LabelledTask) -> bytes:
        due = due_of(labelled.task)
        written: bytes = (_event(labelled, due) if self._events else _todo(labelled, due)).to_ical()
        if isinstance(due, datetime) and isinstance(due.tzinfo, ZoneInfo) and due.tzinfo.key not in self._zones:
            self._zones.add(due.tzinfo.key)
            written = _zone(due.tzinfo.key) + written
        return written


def todo_writer() -> Writer:
    return Writer(events=False)


def event_writer() -> Writer:
    return Writer(events=True)


def due_of(task: Task) -> date | datetime | None:
    """What repeats at a time is written in its zone, other times in UTC."""
    due: date | datetime | None = task.due_date or task.due_at
    series = series_of(task)
    if series is None or series.wall_time is None or series.zone is None:
        return due
    return datetime.combine(series.day, series.wall_time, ZoneInfo(series.zone))  # where a clock skips it, too


@lru_cache(maxsize=64)
def _zone(name: str) -> bytes:
    written: bytes = Timezone.from_tzid(name).to_ical()
    return written


def _common(component: Todo | Event, labelled: LabelledTask) -> None:
    task = labelled.task
    component.add("uid", f"{task.id}{HOUSE}")
    component.add("dtstamp", task.updated_at)
    component.add("created", task.created_at)
    component.add("last-modified", task.updated_at)
    component.add("summary", task.title)
    if task.description:
        component.add("description", task.description)
    if task.priority:
        component.add("priority", PRIORITIES[Priority(task.priority)])
    if labelled.labels:
        component.add("categories", [label.name for label in labelled.labels])
    if task.remind_at is not None:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", task.title)
        if task.remind_before is None:
            alarm.add("trigger", task.remind_at)
        else:  # counted from the start where nothing is said, which a VTODO needn't have
            related = {"RELATED": "END"} if isinstance(component, Todo) else {}
            alarm.add("trigger", -timedelta(minutes=task.remind_before), parameters=related)
        component.add_component(alarm)


def _todo(labelled: LabelledTask, due: date | datetime | None) -> Todo:
    task, todo = labelled.task, Todo()
    _common(todo, labelled)
    if due is not None:
        todo.add("due", due)
        if task.recurrence:
            todo.add("dtstart", due)
            todo.add("rrule", vRecur.from_ical(task.recurrence))
    if task.parent_id is not None:
        todo.add("related-to", f"{task.parent_id}{HOUSE}")
    if task.completed_at is not None:
        todo.add("completed", task.completed_at)
    todo.add("status", "COMPLETED" if task.completed_at else "NEEDS-ACTION")
    return todo


def _event(labelled: LabelledTask, due: date | datetime | None) -> Event:
    """Without an end: a day lasts that day, a time takes none. It doesn't make anybody busy."""
    event = Event()
    _common(event, labelled)
    event.add("dtstart", due)
    if labelled.task.recurrence:
        event.add("rrule", vRecur.from_ical(labelled.task.recurrence))
    event.add("transp", "TRANSPARENT")
    return event
