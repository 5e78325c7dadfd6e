"""Markdown checklists and plain lines: a title a line, in Markdown with a box, subtasks indented, under headings."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from services.exchange.lines import Line
from services.exchange.sources import Sources
from services.exchange.values import Bad, Dates, Draft, Growing, Item
from services.tasks import LabelledTask, NewTask

# Both are for a line without blanks at its end: each pattern then goes over it once, whatever it holds.
_ENTRY: Final = re.compile(r"(?P<indent>[ \t]*)(?:[-*+]|\d{1,9}[.)])[ \t]+(?:\[(?P<box>[ xX])\][ \t]+)?(?P<title>\S.*)")
_HEADING: Final = re.compile(r"#{1,6}(?:[ \t]+(?P<name>.*))?")


@dataclass(slots=True)
class _Open:
    """A task whose description may go on."""

    number: int
    indent: int
    title: str
    is_completed: bool
    label: str | None
    parent: str | None
    described: Growing = field(default_factory=Growing)

    def draft(self, sources: Sources) -> Draft:
        new = NewTask(self.title, description=self.described.text(), labels=[self.label] if self.label else ())
        source = sources.of(self.parent, self.title, self.label)
        return Draft(self.number, new, source, self.parent, is_completed=self.is_completed)


async def read_markdown(lines: AsyncIterable[Line], _dates: Dates) -> AsyncIterator[Item]:
    """A heading is the label of what follows. A line that is indented and has no bullet goes on the description."""
    sources = Sources("markdown")
    label: str | None = None
    top: tuple[int, str] | None = None  # indent and source of the last task that isn't a subtask
    opened: _Open | None = None
    async for line in lines:
        if line.fault:
            yield Bad(line.number, f"The line {line.fault}.")
            continue
        text = line.text.rstrip()
        entry, heading = _ENTRY.fullmatch(text), _HEADING.fullmatch(text)
        if entry is None and heading is None:
            if opened is not None and line.text[:1] in (" ", "\t"):
                opened.described.add(line.text.strip())
            continue
        if opened is not None:
            draft = opened.draft(sources)
            top = top if opened.parent else (opened.indent, draft.source)
            yield draft
            opened = None
        if heading is not None:
            label, top = (heading["name"] or "").rstrip("#").rstrip() or None, None
        elif entry is not None:
            indent = len(entry["indent"].expandtabs(4))
            parent = top[1] if top is not None and indent > top[0] else None
            done = (entry["box"] or " ") != " "
            opened = _Open(line.number, indent, entry["title"], done, label, parent)
    if opened is not None:
        yield opened.draft(sources)


async def read_lines(lines: AsyncIterable[Line], _dates: Dates) -> AsyncIterator[Item]:
    """Every line that isn't empty is an open task, without the bullet before it."""
    sources = Sources("lines")
    async for line in lines:
        if line.fault:
            yield Bad(line.number, f"The line {line.fault}.")
        elif line.text.strip():
            entry = _ENTRY.fullmatch(line.text.rstrip())
            title = entry["title"] if entry else line.text.strip()
            done = entry is not None and (entry["box"] or " ") != " "
            yield Draft(line.number, NewTask(title), sources.of(title), is_completed=done)


def write_markdown(labelled: LabelledTask) -> bytes:
    """A box and the title, indented under its parent; the description's lines indented below."""
    task = labelled.task
    margin = "  " if task.parent_id else ""
    box = "x" if task.completed_at else " "
    described = [f"{margin}  {part.strip()}" for part in (task.description or "").splitlines() if part.strip()]
    return "\n".join([f"{margin}- [{box}] {_one_line(task.title)}", *described, ""]).encode()


def write_line(labelled: LabelledTask) -> bytes:
    """The title."""
    return f"{_one_line(labelled.task.title)}\n".encode()


def _one_line(text: str) -> str:
    return " ".join(text.split())
