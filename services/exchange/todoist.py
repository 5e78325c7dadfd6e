"""Todoist's CSV, as its backups and templates have it: sections, tasks with an indent, and notes of the task above."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import replace
from typing import Final

from models.enums import Priority
from services.exchange.lines import LINE_LIMIT, Line
from services.exchange.sources import Sources
from services.exchange.values import Bad, Dated, Dates, Draft, Growing, Item
from services.tasks import LabelledTask, NewTask

_LABEL: Final = re.compile(r"(?:^|\s)@(?P<name>[^\s@]+)")
_PRIORITIES: Final = {"1": Priority.URGENT, "2": Priority.HIGH, "3": Priority.MEDIUM, "4": Priority.NONE, "": None}
_WRITTEN: Final = {4: "1", 3: "2", 2: "3", 1: "3", 0: "4"}
COLUMNS: Final = (
    "TYPE", "CONTENT", "DESCRIPTION", "PRIORITY", "INDENT", "AUTHOR", "RESPONSIBLE", "DATE", "DATE_LANG", "TIMEZONE",
)  # fmt: skip


async def read(lines: AsyncIterable[Line], dates: Dates) -> AsyncIterator[Item]:
    """A section is the label of what follows; a task of a third level becomes one of the second."""
    names: list[str] | None = None
    sources = Sources("todoist")
    section: str | None = None
    parent: str | None = None
    held: Draft | None = None
    notes = Growing()
    async for number, cells, fault in _records(lines):
        if names is None:
            names = [cell.strip().upper() for cell in cells]
            if fault or "CONTENT" not in names:
                yield Bad(number, "The first line must name the columns, TYPE and CONTENT among them.")
                return
            continue
        row = dict(zip(names, (cell.strip() for cell in cells), strict=False))
        kind = row.get("TYPE", "task").lower()
        if fault:
            yield Bad(number, fault)
        elif kind == "note" and row.get("CONTENT"):
            if held is None:
                yield Bad(number, "It is a note of no task that was read.")
            else:
                notes.add(row["CONTENT"])
        elif kind == "section":
            section = row.get("CONTENT") or None
        elif kind == "task" and row.get("CONTENT"):
            if held is not None:
                yield _with(held, notes)
                held = None
            try:
                held = _draft(number, row, section, parent, sources, dates)
            except ValueError as error:
                yield Bad(number, str(error))
                continue
            notes = Growing(held.new.description or "")
            parent = held.source if held.parent is None else parent
    if held is not None:
        yield _with(held, notes)


def _with(draft: Draft, notes: Growing) -> Draft:
    return replace(draft, new=replace(draft.new, description=notes.text()))


async def _records(lines: AsyncIterable[Line]) -> AsyncIterator[tuple[int, list[str], str]]:
    """Records by the number of their first line; a cell in quotes may hold line ends."""
    begun, parts, size, quotes = 0, list[str](), 0, 0
    async for line in lines:
        begun = begun or line.number
        if line.fault:
            yield line.number, [], f"The line {line.fault}."
            begun, parts, size, quotes = 0, [], 0, 0
            continue
        parts.append(line.text)
        size += len(line.text) + 1
        quotes += line.text.count('"')
        if quotes % 2 and size < LINE_LIMIT:
            continue
        text = "\n".join(parts)
        if text.strip(", \t"):
            try:
                yield begun, next(csv.reader(io.StringIO(text), strict=True)), ""
            except csv.Error as error:
                yield begun, [], f"The row is not CSV: {error}."
        begun, parts, size, quotes = 0, [], 0, 0
    if parts:
        yield begun, [], "The row has no end: a quote isn't closed."


def _draft(
    number: int, row: Mapping[str, str], section: str | None, parent: str | None, sources: Sources, dates: Dates
) -> Draft:
    content = row["CONTENT"]
    labels = [found["name"] for found in _LABEL.finditer(content)]
    title = " ".join(_LABEL.sub(" ", content).split()) if labels else content
    priority = row.get("PRIORITY", "")
    if priority not in _PRIORITIES:
        raise ValueError(f"PRIORITY can't be {priority[:20]}.")
    said = row.get("DATE", "")
    due = dates(said, row.get("TIMEZONE") or None) if said else Dated()
    if due is None:
        raise ValueError(f"DATE “{said[:60]}” was not understood.")
    is_child = row.get("INDENT", "1") not in ("", "1") and parent is not None
    new = NewTask(
        title or content,
        description=row.get("DESCRIPTION") or None,
        due_date=due.date,
        due_at=due.at,
        time_zone=due.time_zone,
        recurrence=due.recurrence,
        priority=_PRIORITIES[priority],
        labels=[*([section] if section else []), *labels],
    )
    above = parent if is_child else None
    return Draft(number, new, sources.of(above, content, new.description, said, section), above)


def head() -> bytes:
    return _row(COLUMNS)


def write(labelled: LabelledTask) -> bytes:
    """A task's row. Labels stand in the content; spaces in their names become underscores."""
    task = labelled.task
    named = "".join(f" @{label.name.replace(' ', '_').replace('@', '_')}" for label in labelled.labels)
    due = task.due_date.isoformat() if task.due_date else task.due_at.isoformat() if task.due_at else ""
    cells = (
        "task",
        task.title + named,
        task.description or "",
        _WRITTEN[task.priority],
        "2" if task.parent_id else "1",
    )
    return _row((*cells, "", "", due, "en", task.time_zone or ""))


def _row(cells: tuple[str, ...]) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow(cells)
    return written.getvalue().encode()
