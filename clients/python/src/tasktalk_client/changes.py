"""A change of the viewer's data as a type of its own: a view of what the subscription's document selected."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from tasktalk_client.entities import Conversation, Label, Message, Settings, Task, ToolCall, Turn
from tasktalk_client.errors import UNREADABLE, OperationFailed


@dataclass(frozen=True, slots=True)
class Change:
    """`cursor` is the place after it: resume from there. `data` is all of it, as it came; a kind that this version
    doesn't know is a plain Change. An entity is as it is now, and None once it is gone."""

    cursor: str
    kind: str
    data: Mapping[str, Any] = field(repr=False)  # JSON, by the document

    @property
    def at(self) -> datetime:
        """When it was committed."""
        return datetime.fromisoformat(self.data["at"])


class MessageAdded(Change):
    """Something was said."""

    __slots__ = ()

    @property
    def conversation_id(self) -> str:
        return str(self.data["conversationId"])

    @property
    def message_id(self) -> str:
        return str(self.data["messageId"])

    @property
    def message(self) -> Message | None:
        found: Message | None = self.data["message"]
        return found


class ConversationChanged(Change):
    """A conversation was made, changed or deleted."""

    __slots__ = ()

    @property
    def conversation_id(self) -> str:
        return str(self.data["conversationId"])

    @property
    def conversation(self) -> Conversation | None:
        found: Conversation | None = self.data["conversation"]
        return found


class TurnChanged(Change):
    """A turn moved on."""

    __slots__ = ()

    @property
    def conversation_id(self) -> str:
        return str(self.data["conversationId"])

    @property
    def turn_id(self) -> str:
        return str(self.data["turnId"])

    @property
    def turn(self) -> Turn | None:
        found: Turn | None = self.data["turn"]
        return found


class ToolCallChanged(Change):
    """A tool call moved on."""

    __slots__ = ()

    @property
    def conversation_id(self) -> str:
        return str(self.data["conversationId"])

    @property
    def tool_call_id(self) -> str:
        return str(self.data["toolCallId"])

    @property
    def tool_call(self) -> ToolCall | None:
        found: ToolCall | None = self.data["toolCall"]
        return found


class TaskChanged(Change):
    """A task changed: `action` is CREATED, UPDATED, COMPLETED, …, `actor` USER, ASSISTANT or SYSTEM."""

    __slots__ = ()

    @property
    def task_id(self) -> str:
        return str(self.data["taskId"])

    @property
    def action(self) -> str:
        return str(self.data["action"])

    @property
    def actor(self) -> str:
        return str(self.data["actor"])

    @property
    def task(self) -> Task | None:
        found: Task | None = self.data["task"]
        return found


class LabelChanged(Change):
    """A label was made, changed or deleted."""

    __slots__ = ()

    @property
    def label_id(self) -> str:
        return str(self.data["labelId"])

    @property
    def label(self) -> Label | None:
        found: Label | None = self.data["label"]
        return found


class SettingsChanged(Change):
    """The settings changed."""

    __slots__ = ()

    @property
    def settings(self) -> Settings | None:
        found: Settings | None = self.data["settings"]
        return found


class ReminderDue(Change):
    """A task's reminder came due."""

    __slots__ = ()

    @property
    def task_id(self) -> str:
        return str(self.data["taskId"])

    @property
    def task(self) -> Task | None:
        found: Task | None = self.data["task"]
        return found


class Progress(Change):
    """Nothing new of the kinds asked for, up to here: keep the cursor."""

    __slots__ = ()


class ResyncRequired(Change):
    """The log doesn't reach back to the cursor: read everything again. The changes go on from here."""

    __slots__ = ()


_KINDS: Final[dict[str, type[Change]]] = {
    kind.__name__: kind
    for kind in (
        MessageAdded,
        ConversationChanged,
        TurnChanged,
        ToolCallChanged,
        TaskChanged,
        LabelChanged,
        SettingsChanged,
        ReminderDue,
        Progress,
        ResyncRequired,
    )
}


def read_change(data: object) -> Change:
    """The change in a result. Raises OperationFailed for anything else."""
    if isinstance(data, dict):
        kind, cursor = data.get("__typename"), data.get("cursor")
        if isinstance(kind, str) and isinstance(cursor, str):
            return _KINDS.get(kind, Change)(cursor, kind, data)
    raise OperationFailed(UNREADABLE)


class Repeats:
    """Which changes were seen already. The server repeats none after a cursor; this holds where one does all the
    same. Bounded: it knows the latest `remembered`."""

    def __init__(self, remembered: int = 1_000) -> None:
        self._remembered = remembered
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def has(self, cursor: str, kind: str) -> bool:
        """Whether it is a repeat; from now on it is."""
        if (cursor, kind) in self._seen:
            return True
        self._seen[cursor, kind] = None
        if len(self._seen) > self._remembered:
            self._seen.popitem(last=False)
        return False
