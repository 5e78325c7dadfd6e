"""What a tool is: its name and schema for the model, its handler, what the handler may know and what it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Annotated, Any, Literal, TypedDict
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from assistant.interpreter import dates
from core.errors import ErrorCode, TasktalkError
from core.unit_of_work import UnitOfWork
from models.enums import OperationType, ToolName, WeekStart
from models.tasks import LABEL_LIMIT, LABELS_PER_TASK


class By(TypedDict):
    tool_call_id: UUID
    conversation_id: UUID


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a call runs in. `now` is an aware instant, `time_zone` an IANA name, `locale` a BCP 47 tag; `week_start` and
    `due_time` are the user's settings.

    `shown` are the tasks of the list last shown in this conversation, in order; `message_text` is what the user said;
    `targets` are the tasks that the call is to change: found by the tool's `affected`, or those that the user was shown
    and agreed to.
    """

    work: UnitOfWork
    now: datetime
    time_zone: str
    locale: str
    shown: tuple[UUID, ...]
    conversation_id: UUID
    turn_id: UUID
    tool_call_id: UUID
    message_text: str
    targets: tuple[UUID, ...] = ()
    week_start: WeekStart = WeekStart.MONDAY
    due_time: time | None = None

    @property
    def by(self) -> By:
        """Which call of which conversation acts, as the services take it."""
        return By(tool_call_id=self.tool_call_id, conversation_id=self.conversation_id)

    def resolve(self, words: str) -> dates.Value | None:
        """What words for a time mean to the user; None where they are none."""
        return dates.resolve(words, now=self.now, time_zone=self.time_zone, locale=self.locale)

    def with_targets(self, targets: tuple[UUID, ...]) -> ToolContext:
        """The same, with the tasks that the call is to change."""
        return replace(self, targets=targets)


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What a call did: the tasks it touched or found, in order, and the JSON that goes back to the model.

    `total` counts what was found, listed or not; `shown` is the list that "the second one" now means, None to keep it.
    """

    tasks: tuple[UUID, ...]
    answer: dict[str, Any]  # Any: JSON
    total: int | None = None
    shown: tuple[UUID, ...] | None = None


class ToolFailure(TasktalkError):
    """The tool can't do what was asked and has changed nothing. `candidates` are the tasks (JSON) to choose from."""

    def __init__(self, code: ErrorCode, message: str, candidates: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.candidates = tuple(candidates)

    def answer(self) -> dict[str, Any]:
        """The JSON that goes back to the model."""
        told: dict[str, Any] = {"ok": False, "error": {"code": self.code.value, "message": self.message}}
        return {**told, "candidates": list(self.candidates)} if self.candidates else told


@dataclass(frozen=True, slots=True)
class Tool:
    """`run` takes the validated parameters. It raises ToolFailure or DomainError, and nothing is kept of it then.

    `affected` finds the tasks that a call would change, and changes nothing; None: it changes none that exist. It
    raises as `run` does. One that `reaches_back` touches other turns than its own, so the conversation is locked first.
    """

    name: ToolName
    description: str
    operation: OperationType
    parameters: type[BaseModel]
    run: Callable[[ToolContext, Any], Awaitable[ToolOutcome]]  # Any: an instance of `parameters`
    affected: Callable[[ToolContext, Any], Awaitable[list[UUID]]] | None = None  # Any: as above
    destructive: bool = False
    reaches_back: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of the parameters, without the titles that only repeat the names."""
        pruned: dict[str, Any] = _without_titles(self.parameters.model_json_schema())
        pruned.pop("description", None)
        return pruned


def _without_titles(node: Any) -> Any:  # Any: JSON
    if isinstance(node, dict):
        return {k: _without_titles(v) for k, v in node.items() if not (k == "title" and isinstance(v, str))}
    return [_without_titles(item) for item in node] if isinstance(node, list) else node


class Parameters(BaseModel):
    """Trimmed, and nothing that the schema doesn't name."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


def _storable(text: str) -> str:
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds a character that can't be stored")
    return text


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


Words = Annotated[str, AfterValidator(_storable)]
Target = Annotated[
    Words,
    Field(
        min_length=1,
        max_length=600,
        description="Which task: its title or words of it, its place in the list last shown"
        ' ("the second one"), or its id.',
    ),
]
Targets = Annotated[list[Target], Field(min_length=1, max_length=100, description="Which tasks, each as a target.")]
DueWords = Annotated[Words, Field(min_length=1, max_length=200)]
RecurrenceWords = Annotated[
    DueWords,
    Field(
        description='How it repeats, in the user\'s words: "every other Monday at 9", "every 3 days after it is done";'
        ' "none" where it shall repeat no more.'
    ),
]
RemindWords = Annotated[
    DueWords,
    Field(
        description='When to remind, in the user\'s words: "30 minutes before", "when it is due", "Friday at 3"; "none"'
        " for not at all."
    ),
]
LabelName = Annotated[Words, Field(min_length=1, max_length=LABEL_LIMIT)]
LabelNames = Annotated[list[LabelName], Field(max_length=LABELS_PER_TASK)]
PriorityName = Annotated[Literal["NONE", "LOW", "MEDIUM", "HIGH", "URGENT"], BeforeValidator(_upper)]
End = Annotated[Literal["TOP", "BOTTOM"], BeforeValidator(_upper)]
WeekStartName = Annotated[Literal["MONDAY", "SATURDAY", "SUNDAY"], BeforeValidator(_upper)]
SubtasksWord = Annotated[Literal["ASK", "COMPLETE", "KEEP"], BeforeValidator(_upper)]
Status = Annotated[Literal["open", "completed", "all"], BeforeValidator(_lower)]
StatusOrDeleted = Annotated[Literal["open", "completed", "all", "deleted"], BeforeValidator(_lower)]
