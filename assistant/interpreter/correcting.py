"""What "no, I meant friday" comes to after the turn that it corrects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from assistant.interpreter.commands import Command, Correct, Repeat, Reschedule, Setting, Snooze, Undo, Update, read
from assistant.interpreter.outcomes import Outcome, Shown

_TIMED: Final = frozenset({"add_task", "reschedule_tasks"})
_NAMING: Final = ("task", "tasks", "query", "text", "label")
"""The arguments that name what a call is about, the first that it has."""


def corrected(command: Correct, before: Sequence[Outcome], setting: Setting) -> tuple[Command, ...]:
    """The commands that put the turn before right; none where it leaves nothing to be put right."""
    wrote = [one for one in before if one.wrote and one.tasks]
    if command.is_time and (moved := _at_another_time(command.words, wrote, before, setting)):
        return moved
    if (asked := read(command.words, setting)) and not isinstance(asked[0], Correct):
        return (*([Undo()] if wrote else []), *asked)
    return _by_another_name(command.words, wrote, before)


def _at_another_time(
    words: str, wrote: Sequence[Outcome], before: Sequence[Outcome], setting: Setting
) -> tuple[Command, ...]:
    if not wrote:
        listed = next((one for one in reversed(before) if one.tool == "list_tasks" and one.message is None), None)
        when = "due" if listed is None or "completed" not in listed.arguments else "completed"
        return () if listed is None else (Repeat("list_tasks", {**listed.arguments, when: words}),)
    last = wrote[-1]
    if last.action in ("deleted", "completed", "undone", "skipped"):
        return ()
    if last.action == "snoozed":
        return (Snooze(words, last.tasks[0].id),)
    moved = [task for one in wrote if one.tool in _TIMED for task in one.tasks] or list(last.tasks)
    whole = {_whole_time(words, task, setting) for task in moved}
    if len(whole) == 1:
        return (Reschedule(tuple(dict.fromkeys(task.id for task in moved)), whole.pop()),)
    return tuple(Reschedule((task.id,), _whole_time(words, task, setting)) for task in moved)


def _whole_time(words: str, task: Shown, setting: Setting) -> str:
    """A day is meant for the task's time of day; that a time of day is meant for its day the server knows."""
    if task.due_at is None or setting.has_time(words):
        return words
    whole = f"{words} at {task.due_at.astimezone(ZoneInfo(setting.time_zone)):%H:%M}"
    return whole if setting.is_due(whole) else words


def _by_another_name(words: str, wrote: Sequence[Outcome], before: Sequence[Outcome]) -> tuple[Command, ...]:
    """The task gets that name where it was just added; else the last call was meant for the task of that name."""
    if not before:
        return ()
    last = wrote[-1] if wrote else before[-1]
    if last.action == "created":
        return (Update(last.tasks[0].id, title=words),) if len(last.tasks) == 1 else ()
    if wrote and last.action not in ("completed", "reopened", "deleted"):
        return ()
    naming = next((name for name in _NAMING if name in last.arguments), None)
    if naming is None or last.action == "undone":
        return ()
    again = Repeat(last.tool, {**last.arguments, naming: [words] if naming == "tasks" else words})
    return (Undo(), again) if wrote else (again,)
