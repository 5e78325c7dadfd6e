"""What readers make of a file, and what becomes of each row of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID

from models.tasks import DESCRIPTION_LIMIT
from services.tasks import NewTask


@dataclass(frozen=True, slots=True)
class Dated:
    """What words for a date mean: a day or an instant with its zone, and the RRULE of what repeats.

    `meant` is the time of day that was said, where the clock skips it on that day.
    """

    date: date | None = None
    at: datetime | None = None
    time_zone: str | None = None
    recurrence: str | None = None
    meant: time | None = None


Dates = Callable[[str, str | None], Dated | None]
"""Reads a person's words for a date, in a zone where one is named; None for words that it doesn't know."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A task that a file tells of in words of its own. `source` tells it from the others of any file of that kind.

    `parent` is the source of its parent. `own_id` is that of the task which was once written to such a file from here.
    """

    number: int
    new: NewTask
    source: str
    parent: str | None = None
    own_id: UUID | None = None
    completed_at: datetime | None = None
    is_completed: bool = False
    recurrence_time: time | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """A task as it was exported, with everything that it had; `values` are the fields of `models.tasks.Task`."""

    number: int
    new: NewTask
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LabelRow:
    number: int
    name: str
    color: str | None


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that can't be read, and why; the rows after it are read on."""

    number: int
    message: str


Item = Draft | Whole | LabelRow | Bad


class Result(StrEnum):
    """What became of a row; in a dry run, what would."""

    MADE = "MADE"
    KNOWN = "KNOWN"
    BAD = "BAD"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`number` counts the file's lines, or an iCalendar's to-dos, from 1."""

    number: int
    result: Result
    title: str = ""
    message: str = ""


class Growing:
    """A description that comes line by line. What is past the limit of one is counted no further, only known of.

    So a file of any size costs what its descriptions may have, and its row is refused for being too long.
    """

    def __init__(self, first: str = "") -> None:
        self._lines: list[str] = [first] if first else []
        self._size = len(first)

    def add(self, line: str) -> None:
        if self._size <= DESCRIPTION_LIMIT:
            self._lines.append(line)
            self._size += len(line) + 1

    def text(self) -> str | None:
        """What came so far; None for nothing."""
        return "\n".join(self._lines).strip() or None
