"""What to show of what the server says: pure, and free of the terminal. Text from the server is data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core import clock
from graphql_api.cli.chat_api import (
    Call,
    Change,
    Task,
    TextDelta,
    ToolCallUpdate,
    Turn,
    TurnEnded,
    TurnSnapshot,
    TurnUpdate,
)
from tasktalk_client import ENDED, Draft, Repeats

_NAMED: Final = 3  # tasks that one line names
_TITLE: Final = 80  # characters of a title or an error within a line
# C0 but tab and newline, DEL and C1, surrogates, and what turns the direction of text: escape sequences and disguises.
_UNSHOWN: Final = dict.fromkeys(
    [
        *(code for code in range(0x20) if chr(code) not in "\t\n"),
        *range(0x7F, 0xA0),
        *range(0xD800, 0xE000),
        *(0x061C, 0x200E, 0x200F, 0xFEFF),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    ]
)
_ACTIONS: Final = {
    "CREATED": "added",
    "UPDATED": "changed",
    "COMPLETED": "done",
    "SKIPPED": "skipped this time",
    "REOPENED": "open again",
    "DELETED": "deleted",
    "RESTORED": "restored",
}


@dataclass(frozen=True, slots=True)
class Text:
    """More of the reply."""

    text: str


@dataclass(frozen=True, slots=True)
class Restart:
    """The reply starts anew: what was shown of it no longer holds."""


@dataclass(frozen=True, slots=True)
class Note:
    """A line beside the reply."""

    line: str


Shown = Text | Restart | Note


def clean(text: str) -> str:
    """Text that can't steer a terminal; its lines stay."""
    return text.translate(_UNSHOWN)


def clean_line(text: str, limit: int = _TITLE) -> str:
    """The same on one line, and cut."""
    line = " ".join(clean(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


class TurnView:
    """One turn as it is shown. `done` once it has ended, or (`waits`) needs the person's word to go on."""

    def __init__(self) -> None:
        self.done = False
        self.waits = False
        self._draft = Draft()
        self._shown = ""
        self._noted: set[tuple[str, str]] = set()

    def apply(self, update: TurnUpdate) -> list[Shown]:
        """What an update adds to the screen; nothing where it was known already."""
        match update:
            case TurnSnapshot(attempt=attempt, draft=draft, turn=turn):
                self._draft.take(attempt, draft)
                return [*self._calls(turn.tool_calls), *self._catch_up(), *self._waiting(turn)]
            case TextDelta(attempt=attempt, offset=offset, text=text):
                # One that doesn't fit is let go: a snapshot follows.
                return self._catch_up() if self._draft.append(attempt, offset, text) else []
            case ToolCallUpdate(tool_call=call):
                return self._calls([call])
            case TurnEnded(turn=turn):
                return self.end(turn)

    def end(self, turn: Turn) -> list[Shown]:
        """What is left to show of a turn that has ended."""
        if self.done:
            return []
        self.done = True
        shown = self._calls(turn.tool_calls)
        if turn.reply is not None and turn.reply.content != self._shown:
            if not turn.reply.content.startswith(self._shown):
                shown.append(Restart())
                self._shown = ""
            shown.append(Text(turn.reply.content[len(self._shown) :]))
            self._shown = turn.reply.content
        if turn.status == "CANCELLED":
            shown.append(Note("The answer was cancelled."))
        elif turn.status != "COMPLETED":
            reason = turn.error.message if turn.error is not None else "The message could not be answered."
            shown.append(Note(f"✗ {clean_line(reason, 300)}"))
        return shown

    def _catch_up(self) -> list[Shown]:
        """From what is shown to the draft. A draft that is behind (a server that came back) isn't taken for a new one
        until it differs."""
        text = self._draft.text
        if self._shown.startswith(text):
            return []
        if text.startswith(self._shown):
            more: list[Shown] = [Text(text[len(self._shown) :])]
        else:
            more = [Restart(), Text(text)]
        self._shown = text
        return more

    def _calls(self, calls: Sequence[Call]) -> list[Shown]:
        new = [call for call in calls if call.status in ENDED and (call.id, call.status) not in self._noted]
        self._noted.update((call.id, call.status) for call in new)
        return [Note(call_line(call)) for call in new]

    def _waiting(self, turn: Turn) -> list[Shown]:
        if turn.status != "AWAITING_CONFIRMATION" or self.done:
            return []
        self.done = self.waits = True
        pending = [Note(f"? {_named(call)}") for call in turn.tool_calls if call.status == "PENDING"]
        return [*pending, Note("Waits for your word: yes or no?")]


class ChangeView:
    """Changes of the viewer's data that were made elsewhere. `own` holds the ids of turns shown in full already."""

    def __init__(self) -> None:
        self.own: set[str] = set()
        self.conversation_id: str | None = None
        self._seen = Repeats()

    def apply(self, change: Change) -> str | None:
        """A line about it, or None where it is a repeat, one's own, or nothing to show."""
        if self._seen.has(change.cursor, change.kind):
            return None
        match change.kind:
            case "TaskChanged":
                return self._task(change)
            case "ReminderDue":
                return f"⏰ {clean_line(change.task.title)}" if change.task is not None else None
            case "MessageAdded":
                return self._message(change)
            case "ResyncRequired":
                return "Some changes were missed; /tasks shows how it stands."
        return None

    def _task(self, change: Change) -> str | None:
        if change.tool_call is not None and change.tool_call.turn.id in self.own:
            return None
        title = f"“{clean_line(change.task.title)}”" if change.task is not None else "a task"
        return f"• {title} {_ACTIONS.get(change.action or '', 'changed')} elsewhere"

    def _message(self, change: Change) -> str | None:
        message = change.message
        if message is None or message.turn.id in self.own or change.conversation_id != self.conversation_id:
            return None
        who = "you, elsewhere" if message.sender == "USER" else "assistant"
        return f"• {who}: {clean_line(message.content, 300)}"


def call_line(call: Call) -> str:
    """A finished call on one line: its tool, and what it touched or why it failed."""
    if call.status != "COMPLETED":
        reason = call.error.message if call.error is not None else "it failed"
        return f"✗ {clean_line(call.tool_name)}: {clean_line(reason, 300)}"
    if call.result is not None and call.result.total_count is not None:
        found = call.result.total_count
        return f"✓ {clean_line(call.tool_name)}: {found} task{'' if found == 1 else 's'}"
    return f"✓ {_named(call)}"


def task_line(task: Task) -> str:
    """A task on one line. Without a number: the assistant counts the lists that it has shown itself."""
    parts = [clean_line(task.title, 200)]
    if due := due_text(task):
        parts.append(due)
    if task.priority != "NONE":
        parts.append(clean_line(task.priority).lower())
    parts += [f"#{clean_line(label.name)}" for label in task.labels]
    return f"{'✓' if task.is_completed else '•'} {' · '.join(parts)}"


def due_text(task: Task) -> str:
    """The due day, or instant on the task's own clock; empty without one."""
    if task.due_at is not None:
        local = task.due_at.astimezone(_zone(task.time_zone))
        return f"{_day(local)} {local:%H:%M}"
    return _day(task.due_date) if task.due_date is not None else ""


def _named(call: Call) -> str:
    names = [f"“{clean_line(task.title)}”" for task in call.tasks[:_NAMED]]
    if len(call.tasks) == 1 and (due := due_text(call.tasks[0])):
        names[0] += f" ({due})"
    more = len(call.tasks) - _NAMED
    return f"{clean_line(call.tool_name)} {', '.join(names)}{f' and {more} more' if more > 0 else ''}".rstrip()


def _day(day: date | datetime) -> str:
    year = f" {day.year}" if day.year != clock.now().year else ""
    return f"{day:%a} {day.day} {day:%b}{year}"


def _zone(name: str | None) -> ZoneInfo:
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
