"""The formats by name: how each is read and written, and which endings of file names mean it."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from models.tasks import Label
from services.exchange import calendar, calendar_output, checklists, jsonl, todoist
from services.exchange.lines import Line
from services.exchange.values import Dates, Item
from services.tasks import LabelledTask

Read = Callable[[AsyncIterable[Line], Dates], AsyncIterator[Item]]
Write = Callable[[LabelledTask], bytes]


@dataclass(frozen=True, slots=True)
class Output:
    """How tasks are written. `writer` begins a file; `head` and `tail` stand around the tasks.

    `open_only`: what is done has no place in it.
    """

    media_type: str
    writer: Callable[[], Write]
    head: Callable[[list[Label]], bytes] = lambda _: b""
    tail: bytes = b""
    open_only: bool = False


@dataclass(frozen=True, slots=True)
class Format:
    """`endings` of file names; what is written has the first."""

    name: str
    endings: tuple[str, ...]
    read: Read
    output: Output


TODOS: Final = Output(
    "text/calendar", calendar_output.todo_writer, lambda _: calendar_output.HEAD, calendar_output.TAIL
)
"""An iCalendar of to-dos."""

EVENTS: Final = Output(
    "text/calendar", calendar_output.event_writer, lambda _: calendar_output.HEAD, calendar_output.TAIL, open_only=True
)
"""An iCalendar of events, of tasks that are due some time: what calendars show that know no to-dos."""

FORMATS: Final[Mapping[str, Format]] = {
    one.name: one
    for one in (
        Format(
            "jsonl", (".jsonl", ".ndjson"), jsonl.read,
            Output("application/x-ndjson", lambda: jsonl.write, jsonl.head),
        ),
        Format(
            "todoist", (".csv",), todoist.read,
            Output("text/csv", lambda: todoist.write, lambda _: todoist.head(), open_only=True),
        ),
        Format("ical", (".ics", ".ical"), calendar.read, TODOS),
        Format(
            "markdown", (".md", ".markdown"), checklists.read_markdown,
            Output("text/markdown", lambda: checklists.write_markdown),
        ),
        Format(
            "lines", (".txt",), checklists.read_lines,
            Output("text/plain", lambda: checklists.write_line, open_only=True),
        ),
    )
}  # fmt: skip


def format_of(file_name: str) -> Format | None:
    """The format that a file's name ends like."""
    lowered = file_name.lower()
    return next((one for one in FORMATS.values() if lowered.endswith(one.endings)), None)
