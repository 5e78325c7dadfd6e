"""The formats by name: how each is read and written, and which endings of file names mean it."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from models.tasks import Label
from services.exchange import calendar, checklists, jsonl, todoist
from services.exchange.lines import Line
from services.exchange.values import Dates, Item
from services.tasks import LabelledTask

Read = Callable[[AsyncIterable[Line], Dates], AsyncIterator[Item]]


@dataclass(frozen=True, slots=True)
class Format:
    """`head` and `tail` stand around the tasks. `open_only`: what is done has no place in it."""

    name: str
    media_type: str
    endings: tuple[str, ...]
    read: Read
    write: Callable[[LabelledTask], bytes]
    head: Callable[[list[Label]], bytes] = lambda _: b""
    tail: bytes = b""
    open_only: bool = False


FORMATS: Final[Mapping[str, Format]] = {
    one.name: one
    for one in (
        Format("jsonl", "application/x-ndjson", (".jsonl", ".ndjson"), jsonl.read, jsonl.write, jsonl.head),
        Format("todoist", "text/csv", (".csv",), todoist.read, todoist.write, lambda _: todoist.head(), open_only=True),
        Format(
            "ical", "text/calendar", (".ics", ".ical"), calendar.read, calendar.write, lambda _: calendar.head(),
            calendar.TAIL,
        ),
        Format("markdown", "text/markdown", (".md", ".markdown"), checklists.read_markdown, checklists.write_markdown),
        Format("lines", "text/plain", (".txt",), checklists.read_lines, checklists.write_line, open_only=True),
    )
}  # fmt: skip


def format_of(file_name: str) -> Format | None:
    """The format that a file's name ends like."""
    lowered = file_name.lower()
    return next((one for one in FORMATS.values() if lowered.endswith(one.endings)), None)
