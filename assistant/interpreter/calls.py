"""The tool calls that commands come to, and which of them are still to be made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.interpreter.commands import (
    ASK_TARGET,
    Add,
    Arrange,
    Categorize,
    Command,
    Complete,
    Correct,
    Delete,
    Keep,
    ListTasks,
    Reopen,
    Repeat,
    Reschedule,
    Search,
    Setting,
    Skip,
    Snooze,
    Undo,
    Update,
)
from assistant.interpreter.correcting import corrected
from assistant.interpreter.outcomes import Outcome
from assistant.interpreter.questions import same_call
from assistant.interpreter.referring import Referents
from assistant.interpreter.several import looks, spread
from assistant.interpreter.targets import IT

_OPERATIONS = {
    Add: "CREATE", Update: "UPDATE", Complete: "UPDATE", Reopen: "UPDATE", Skip: "UPDATE", Snooze: "UPDATE",
    Reschedule: "UPDATE", Delete: "DELETE",
    ListTasks: "SEARCH", Search: "SEARCH", Categorize: "CATEGORIZE", Undo: "UPDATE",
    Arrange: "UPDATE", Correct: "UPDATE",
}  # fmt: skip

Call = tuple[str, dict[str, object]]
"""A tool's name and its arguments."""


def operation_of(commands: Sequence[Command]) -> str | None:
    """What the first command that needs a tool does."""
    return next((found for command in commands if (found := _operation(command))), None)


def _operation(command: Command) -> str | None:
    return operation_of_tool(command.tool) if isinstance(command, Keep) else _OPERATIONS.get(type(command))


def operation_of_tool(tool: str) -> str:
    """What a tool does that takes targets, or that changes labels or settings."""
    deeds = {
        "delete_task": "DELETE",
        "delete_label": "DELETE",
        "categorize_tasks": "CATEGORIZE",
        "list_labels": "SEARCH",
    }
    return deeds.get(tool, "UPDATE")


def calls_of(commands: Sequence[Command], before: Sequence[Outcome]) -> list[Call]:
    """The calls of the commands, in their order. `before` is what the turn before this one came to."""
    made = (tool for command in commands if (tool := _tool(_back(command, before))))
    return [(name, {key: value for key, value in arguments.items() if value is not None}) for name, arguments in made]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a message comes to. `looking`: the calls only find out which tasks are meant; the plan is then made anew.

    `question` is asked instead where it isn't clear what is meant.
    """

    calls: list[Call]
    looking: bool = False
    question: str | None = None


def plan_of(
    commands: Sequence[Command],
    before: Sequence[Outcome],
    known: Referents,
    finished: Sequence[Outcome],
    setting: Setting,
) -> Plan:
    """The calls that come next. `known` is what it may refer to, `finished` what the turn has done.

    Commands about "all done ones" need a look at the tasks first.
    """
    commands = [made for command in commands for made in _in_place(command, before, setting)]
    if unclear := next((one for one in commands[:1] if _unclear(one, known)), None):
        return Plan([], question=ASK_TARGET[unclear.kind])
    wanted = {look: _called(look) for look in looks(commands, known, setting)}
    seen = {}
    for look, (name, arguments) in wanted.items():
        found = next((one for one in finished if same_call(name, arguments, one) and one.message is None), None)
        if found is None:
            return Plan(list(wanted.values()), looking=True)
        seen[look] = [task.id for task in found.tasks]
    return Plan(calls_of(spread(commands, known, seen, setting), before))


def _in_place(command: Command, before: Sequence[Outcome], setting: Setting) -> tuple[Command, ...]:
    """A command as what the turn before makes of it."""
    return corrected(command, before, setting) if isinstance(command, Correct) else (_back(command, before),)


def _unclear(command: Command, known: Referents) -> bool:
    """ "Delete it" after several were spoken of: the server would take the last of them."""
    return isinstance(command, Delete | Complete) and command.target.casefold() in IT and len(known.latest) > 1


def _called(command: ListTasks) -> Call:
    [call] = calls_of([command], ())
    return call


def missing(wanted: Sequence[Call], done: Sequence[Outcome]) -> list[Call]:
    """The calls that earlier attempts haven't completed: each of theirs stands for one that is the same."""
    left, lacking = list(done), []
    for name, arguments in wanted:
        same = next((i for i, one in enumerate(left) if same_call(name, arguments, one)), None)
        if same is None:
            lacking.append((name, arguments))
        else:
            del left[same]
    return lacking


def _back(command: Command, before: Sequence[Outcome]) -> Command:
    """ "Bring it back" takes a deletion back; where the turn before deleted nothing, it opens a task again."""
    if not isinstance(command, Undo) or not command.restores:
        return command
    wrote = [outcome for outcome in before if outcome.wrote]
    return Undo() if wrote and wrote[-1].action == "deleted" else Reopen("it")


def _tool(command: Command) -> tuple[str, dict[str, object]] | None:
    """The tool call of a command; None where it needs none."""
    match command:
        case Add(title, due, priority, labels, remind, parent):
            given = {"title": title, "due": due, "priority": priority, "labels": list(labels) or None}
            return "add_task", {**given, "remind": remind, "parent": parent}
        case ListTasks(due, status, label, priority, text, completed):
            asked = {"due": due, "status": status, "label": label, "priority_at_least": priority, "text": text}
            return "list_tasks", {**asked, "completed": completed}
        case Search(query):
            return "search_tasks", {"query": query}
        case Update(target, title, description, priority, recurrence, remind):
            changed = {"title": title, "description": description, "priority": priority}
            return "update_task", {"task": target, **changed, "recurrence": recurrence, "remind": remind}
        case Skip(target):
            return "skip_occurrence", {"task": target}
        case Snooze(until, snoozed):
            return "snooze_reminder", {"task": snoozed, "until": until}
        case Complete(target, subtasks):
            return "complete_task", {"task": target, "subtasks": subtasks}
        case Arrange(target, parent, before, after, to, restore):
            places = {"parent": parent, "before": before, "after": after, "to": to, "restore": restore}
            return "update_task", {"task": target, **places}
        case Reopen(target):
            return "complete_task", {"task": target, "completed": False}
        case Delete(target):
            return "delete_task", {"task": target}
        case _:
            return _tool_of_many(command)


def _tool_of_many(command: Command) -> tuple[str, dict[str, object]] | None:
    match command:
        case Categorize(names, added, removed):
            labels = {"add_labels": list(added) or None, "remove_labels": list(removed) or None}
            return "categorize_tasks", {"tasks": list(names), **labels}
        case Reschedule(names, due):
            return "reschedule_tasks", {"tasks": list(names), "due": due}
        case Undo():
            return "undo", {}
        case Repeat(tool, arguments) | Keep(tool, arguments):
            return tool, dict(arguments)
        case _:
            return None
