"""The present state of a user's data in memory: read once, then kept right by the changes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, TypeVar

from tasktalk_client.changes import (
    Change,
    ConversationChanged,
    LabelChanged,
    MessageAdded,
    ResyncRequired,
    SettingsChanged,
    TaskChanged,
    ToolCallChanged,
    TurnChanged,
)
from tasktalk_client.documents import MORE_TASKS, START
from tasktalk_client.entities import Conversation, Label, Message, Settings, Task, ToolCall, Turn
from tasktalk_client.errors import UNREADABLE, OperationFailed

if TYPE_CHECKING:
    from tasktalk_client.client import Client

_Entity = TypeVar("_Entity", bound=Mapping[str, Any])

CONVERSATIONS: Final = 20
MESSAGES: Final = 20


class Store:
    """Entities by id: every task that isn't deleted, every label, and the newest conversations with their newest
    messages, running turns and calls; of older ones what changes. `cursor` is how far it has come."""

    def __init__(self) -> None:
        self.cursor = ""
        self.settings: Settings | None = None
        self.tasks: dict[str, Task] = {}
        self.labels: dict[str, Label] = {}
        self.conversations: dict[str, Conversation] = {}
        self.messages: dict[str, Message] = {}
        self.turns: dict[str, Turn] = {}
        self.tool_calls: dict[str, ToolCall] = {}

    async def follow(self, client: Client) -> AsyncGenerator[Change, None]:
        """Read everything, then apply each change and hand it on, for good. After ResyncRequired has been handed on
        everything has been read again."""
        await self.read(client)
        async with aclosing(client.changes(self.cursor)) as changes:
            async for change in changes:
                if isinstance(change, ResyncRequired):
                    await self.read(client)
                self.apply(change)
                yield change

    async def read(self, client: Client) -> None:
        """Everything anew. What is here stays until the answer has come whole."""
        start = await client.execute(START, {"conversations": CONVERSATIONS, "messages": MESSAGES})
        fresh = Store()
        try:
            fresh._take(start)
            page = start["tasks"]
            # Pages after the first are of a later moment: the changes since the cursor come again, and do no harm.
            while page["pageInfo"]["hasNextPage"]:
                page = (await client.execute(MORE_TASKS, {"after": page["pageInfo"]["endCursor"]}))["tasks"]
                fresh.tasks |= _by_id(edge["node"] for edge in page["edges"])
        except (KeyError, TypeError):
            raise OperationFailed(UNREADABLE) from None
        vars(self).update(vars(fresh))

    def apply(self, change: Change) -> None:
        """Take a change. One that is older than what is here changes nothing."""
        match change:
            case TaskChanged(task_id=identity, task=task):
                gone = task is None or task["deletedAt"] is not None
                _put(self.tasks, identity, None if gone else task)
            case LabelChanged(label_id=identity, label=label):
                _put(self.labels, identity, label)
                self._relabel(identity)
            case MessageAdded(message_id=identity, message=message):
                _put(self.messages, identity, message)
            case TurnChanged(turn_id=identity, turn=turn):
                _put(self.turns, identity, turn)
            case ToolCallChanged(tool_call_id=identity, tool_call=call):
                _put(self.tool_calls, identity, call)
            case ConversationChanged(conversation_id=identity, conversation=conversation):
                _put(self.conversations, identity, conversation)
                if conversation is None:
                    self._forget(identity)
            case SettingsChanged(settings=settings):
                self.settings = settings
        self.cursor = change.cursor

    def _take(self, start: dict[str, Any]) -> None:
        self.cursor = start["viewer"]["cursor"]
        self.settings = start["viewer"]["settings"]
        self.labels = _by_id(start["labels"])
        self.tasks = _by_id(edge["node"] for edge in start["tasks"]["edges"])
        for edge in start["conversations"]["edges"]:
            self._take_conversation(dict(edge["node"]))

    def _take_conversation(self, node: dict[str, Any]) -> None:
        said, turn = node.pop("messages"), node.pop("activeTurn")
        self.conversations |= _by_id([node])
        self.messages |= _by_id(edge["node"] for edge in said["edges"])
        if turn is not None:
            self.tool_calls |= _by_id(turn.pop("toolCalls"))
            self.turns |= _by_id([turn])

    def _relabel(self, identity: str) -> None:
        """The tasks that bear a label follow it: its change isn't told of each of them."""
        label = self.labels.get(identity)
        for key, task in self.tasks.items():
            if any(one["id"] == identity for one in task["labels"]):
                others = [one for one in task["labels"] if one["id"] != identity]
                borne = others if label is None else sorted([*others, label], key=lambda one: one["name"].casefold())
                self.tasks[key] = {**task, "labels": borne}

    def _forget(self, conversation_id: str) -> None:
        """A conversation takes with it what was said in it."""
        parts: tuple[dict[str, Any], ...] = (self.messages, self.turns, self.tool_calls)
        for part in parts:
            for identity in [key for key, one in part.items() if one["conversation"]["id"] == conversation_id]:
                del part[identity]


def _by_id(entities: Iterable[Any]) -> dict[str, Any]:
    return {entity["id"]: entity for entity in entities}


def _put(part: dict[str, _Entity], identity: str, entity: _Entity | None) -> None:
    if entity is None:
        part.pop(identity, None)
        return
    here = part.get(identity)
    if here is None or here.get("version", 0) <= entity.get("version", 0):
        part[identity] = entity
