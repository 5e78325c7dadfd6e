"""The commands as values. Targets and due times stay the user's own words: the server resolves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Add:
    """`title` keeps the user's spelling; `due` is words that `dates.resolve` understands; `priority` LOW to URGENT.

    `remind` is words for when to be reminded. `into` is the title and the label that it divides into where there is
    such a label: "milk to party".
    """

    kind: ClassVar[str] = "add"
    title: str
    due: str | None = None
    priority: str | None = None
    labels: tuple[str, ...] = ()
    remind: str | None = None
    parent: str | None = None
    into: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ListTasks:
    """`due` is date words, "overdue" or "none"; `status` is "open", "completed", "all" or "deleted"; `completed` says
    when.
    """

    kind: ClassVar[str] = "list"
    due: str | None = None
    status: str = "open"
    label: str | None = None
    priority_at_least: str | None = None
    text: str | None = None
    completed: str | None = None


@dataclass(frozen=True, slots=True)
class Search:
    kind: ClassVar[str] = "search"
    query: str


@dataclass(frozen=True, slots=True)
class Complete:
    """`subtasks` is COMPLETE or KEEP where the user says what becomes of those that are open."""

    kind: ClassVar[str] = "complete"
    target: str
    subtasks: str | None = None


@dataclass(frozen=True, slots=True)
class Arrange:
    """One of the fields is set: `to` is TOP or BOTTOM, the others name tasks; `restore` brings a deleted one back."""

    kind: ClassVar[str] = "arrange"
    target: str
    parent: str | None = None
    before: str | None = None
    after: str | None = None
    to: str | None = None
    restore: bool | None = None


@dataclass(frozen=True, slots=True)
class Reopen:
    kind: ClassVar[str] = "reopen"
    target: str


@dataclass(frozen=True, slots=True)
class Skip:
    """The present occurrence of a task that repeats."""

    kind: ClassVar[str] = "skip"
    target: str


@dataclass(frozen=True, slots=True)
class Snooze:
    """A reminder, for a length of time or until then; no target: the one that came last."""

    kind: ClassVar[str] = "snooze"
    until: str
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """At least one of the fields is set. `due` isn't among them: that is Reschedule.

    `recurrence` is words for how it repeats, `remind` for when to be reminded; "none" ends either.
    """

    kind: ClassVar[str] = "update"
    target: str
    title: str | None = None
    description: str | None = None
    priority: str | None = None
    recurrence: str | None = None
    remind: str | None = None


@dataclass(frozen=True, slots=True)
class Reschedule:
    """`due` is date words, or "none" to clear it."""

    kind: ClassVar[str] = "reschedule"
    targets: tuple[str, ...]
    due: str


@dataclass(frozen=True, slots=True)
class Categorize:
    kind: ClassVar[str] = "categorize"
    targets: tuple[str, ...]
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete:
    kind: ClassVar[str] = "delete"
    target: str


@dataclass(frozen=True, slots=True)
class Undo:
    """Takes back what was done last. `restores` asks for something back that was taken away: "bring it back"."""

    kind: ClassVar[str] = "undo"
    restores: bool = False


@dataclass(frozen=True, slots=True)
class Correct:
    """Puts right what the turn before did: the words are what was meant there, a time or a name."""

    kind: ClassVar[str] = "correct"
    words: str
    is_time: bool = False


@dataclass(frozen=True, slots=True)
class Repeat:
    """A call once more, with arguments as they should have been."""

    kind: ClassVar[str] = "repeat"
    tool: str
    arguments: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Keep:
    """Labels or settings, looked at or changed: the tool's name and its arguments."""

    kind: ClassVar[str] = "keep"
    tool: str
    arguments: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Greet:
    kind: ClassVar[str] = "greet"


@dataclass(frozen=True, slots=True)
class Help:
    kind: ClassVar[str] = "help"


@dataclass(frozen=True, slots=True)
class Thanks:
    kind: ClassVar[str] = "thanks"


@dataclass(frozen=True, slots=True)
class NeverMind:
    """Drops what was asked back, or what was about to be asked for."""

    kind: ClassVar[str] = "never_mind"


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nothing was asked of the tasks. `question` is what to ask back where a command lacks its object."""

    kind: ClassVar[str] = "none"
    question: str | None = None


Command = (
    Add
    | ListTasks
    | Search
    | Complete
    | Arrange
    | Reopen
    | Skip
    | Snooze
    | Update
    | Reschedule
    | Categorize
    | Delete
    | Undo
    | Correct
    | Repeat
    | Keep
    | Greet
    | Help
    | Thanks
    | NeverMind
    | Nothing
)


_INTENTS: Mapping[type[Command], str] = {
    Add: "add", ListTasks: "list", Search: "list", Update: "update", Reopen: "update", Reschedule: "update",
    Arrange: "update", Skip: "update", Snooze: "update", Categorize: "update", Complete: "complete", Delete: "delete",
    Undo: "undo", Correct: "update",
}  # fmt: skip


def intent_of(commands: Sequence[Command]) -> str:
    """The first change that is asked for, or else "list", as the model names kinds; "undo" besides, and "none".

    Who looks for something and then has it done wants it done.
    """
    kinds = [kind for command in commands if (kind := _intent(command)) != "none"]
    return next((kind for kind in kinds if kind != "list"), kinds[0] if kinds else "none")


def _intent(command: Command) -> str:
    if isinstance(command, Keep):
        return {"list_labels": "list", "delete_label": "delete"}.get(command.tool, "update")
    return _INTENTS.get(type(command), "none")


@dataclass(frozen=True, slots=True)
class Understanding:
    """At least one command, in the order said; `confidence` is 0 to 1; entities are {"kind", "text", "value"}.

    `intent` is what was asked for, the first change of several, also where a question stands in its place: add, list,
    update, complete, delete, undo or none.
    """

    commands: tuple[Command, ...]
    confidence: float
    entities: tuple[Mapping[str, object], ...] = field(default=())
    intent: str = "none"
