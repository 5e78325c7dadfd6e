"""What changed: the types of the change log, and its pull form. `change_stream` has the subscription."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import strawberry
from strawberry.types import Info

from core import clock
from core.ids import to_global_id
from events import cursors
from events.cursors import Cursor
from events.hub import Resync
from events.reading import position, read, resume
from models.changes import LoggedChange
from models.enums import ChangeKind as Kinds
from resolvers.conversations.types import Conversation, Message, ToolCall, Turn
from resolvers.enums import Actor, ChangeKind, TaskAction
from resolvers.fields import one
from resolvers.operation import Operation
from resolvers.scalars import invalid_argument
from resolvers.tasks.types import Label, Task, TaskRevision
from resolvers.viewer import Settings

PAGE: Final = 100


@strawberry.interface(description="One change of the viewer's data.")
class Change:
    cursor: str = strawberry.field(description="The place after this change: resume from it.")
    at: datetime = strawberry.field(description="When it was committed.")


def _id(type_name: str, attribute: str, description: str) -> Any:
    def resolve(root: Any) -> strawberry.ID:
        return strawberry.ID(to_global_id(type_name, getattr(root, attribute)))

    return strawberry.field(resolver=resolve, description=description)


@strawberry.type(description="Something was said.")
class MessageAdded(Change):
    conversation_id: strawberry.ID = _id("Conversation", "conversation", "Where.")
    message_id: strawberry.ID = _id("Message", "entity", "The message's id.")
    message: Message | None = one("entity", description="The message; null once it is gone.")


@strawberry.type(description="A conversation was made, changed or deleted.")
class ConversationChanged(Change):
    conversation_id: strawberry.ID = _id("Conversation", "entity", "Its id.")
    conversation: Conversation | None = one("entity", description="As it is now; null once it is gone.")


@strawberry.type(description="A turn moved on.")
class TurnChanged(Change):
    conversation_id: strawberry.ID = _id("Conversation", "conversation", "Where.")
    turn_id: strawberry.ID = _id("Turn", "entity", "Its id.")
    turn: Turn | None = one("entity", description="As it is now; null once it is gone.")


@strawberry.type(description="A tool call moved on.")
class ToolCallChanged(Change):
    conversation_id: strawberry.ID = _id("Conversation", "conversation", "Where.")
    tool_call_id: strawberry.ID = _id("ToolCall", "entity", "Its id.")
    tool_call: ToolCall | None = one("entity", description="As it is now; null once it is gone.")


@strawberry.type(description="A task changed.")
class TaskChanged(Change):
    task_id: strawberry.ID = _id("Task", "entity", "Its id.")
    action: TaskAction = strawberry.field(description="What happened.")
    actor: Actor = strawberry.field(description="Who did it.")
    task: Task | None = one("entity", description="As it is now.")
    revision: TaskRevision | None = one("revision_key", description="The change itself.")
    tool_call: ToolCall | None = one("call_key", description="The call that did it, if one did.")


@strawberry.type(description="A label was made, changed or deleted: so on all tasks that bear it, which don't change.")
class LabelChanged(Change):
    label_id: strawberry.ID = _id("Label", "entity", "Its id.")
    label: Label | None = one("entity", description="As it is now; null once it is gone.")


@strawberry.type(description="The settings changed.")
class SettingsChanged(Change):
    settings: Settings | None = one("entity", description="As they are now.")


@strawberry.type(description="A task's reminder came due.")
class ReminderDue(Change):
    task_id: strawberry.ID = _id("Task", "entity", "Its id.")
    task: Task | None = one("entity", description="As it is now; null once it is gone.")


@strawberry.type(
    description="Nothing new of the kinds asked for, up to here: a replay ended, or a quiet filter's cursor moves on."
)
class Progress(Change):
    pass


@strawberry.type(description="The cursor is of another time: read everything again, then go on from this one.")
class ResyncRequired(Change):
    pass


CHANGE_TYPES: Final[dict[str, type[Change]]] = {
    Kinds.MESSAGE: MessageAdded,
    Kinds.CONVERSATION: ConversationChanged,
    Kinds.TURN: TurnChanged,
    Kinds.TOOL_CALL: ToolCallChanged,
    Kinds.TASK: TaskChanged,
    Kinds.LABEL: LabelChanged,
    Kinds.SETTINGS: SettingsChanged,
    Kinds.REMINDER: ReminderDue,
}


@strawberry.type(description="A page of the changes after a cursor.")
class ChangePage:
    changes: list[Change] = strawberry.field(description="In order.")
    cursor: str = strawberry.field(description="Go on after this.")
    has_more: bool = strawberry.field(description="Whether the log goes on.")


AfterCursor = Annotated[
    str | None, strawberry.argument(description="A cursor as it was answered; without it, from now on.")
]
KindsArgument = Annotated[list[ChangeKind] | None, strawberry.argument(description="Only these kinds.")]


def event_of(change: LoggedChange, epoch: UUID) -> Change:
    """A logged change as its type, made past the constructor: its edges read what the log row refers to."""
    made: Any = object.__new__(CHANGE_TYPES[change.kind])
    made.cursor = cursors.encode(Cursor(epoch, change.seq), change.user_id)
    made.at = change.at
    made.entity = change.user_id if change.kind == Kinds.SETTINGS else change.entity_id
    made.conversation = change.conversation_id
    made.action, made.actor = change.action, change.actor
    made.revision_key, made.call_key = change.revision_id, change.tool_call_id
    event: Change = made
    return event


def names_of(kinds: Sequence[Any] | None) -> frozenset[str] | None:
    return None if kinds is None else frozenset(kind.value for kind in kinds)


def marker_of(kind: type[Progress | ResyncRequired], user_id: str, place: Cursor) -> Change:
    """One that tells of a place, and of no change."""
    return kind(cursor=cursors.encode(place, user_id), at=clock.now())


@strawberry.type
class ChangeQueries:
    @strawberry.field(description="What changed for the viewer after a cursor; the pull form of the subscription.")
    async def changes(
        self,
        info: Info,
        after: AfterCursor = None,
        first: Annotated[int | None, strawberry.argument(description="How many, 1..100; 100 by default.")] = None,
        kinds: KindsArgument = None,
    ) -> ChangePage:
        operation: Operation = info.context
        if first is not None and not 1 <= first <= PAGE:
            raise invalid_argument(f"first must be 1..{PAGE}.")
        async with operation.reading() as session:
            start = await start_of(operation, session, after)
            if isinstance(start, Resync):
                marker = marker_of(ResyncRequired, operation.user_id, start.position.cursor)
                return ChangePage(changes=[marker], cursor=marker.cursor, has_more=False)
            page = await read(session, start.seq, first or PAGE, names_of(kinds))
        return ChangePage(
            changes=[event_of(change, start.epoch) for change in page.changes],
            cursor=cursors.encode(Cursor(start.epoch, page.up_to), operation.user_id),
            has_more=page.has_more,
        )


async def start_of(operation: Operation, session: Any, after: str | None) -> Cursor | Resync:
    """Where to read on from. Raises DomainError INVALID for a cursor that isn't the viewer's."""
    if after is None:
        return (await position(session)).cursor
    cursor = cursors.decode(after, operation.user_id)
    found = await resume(session, cursor)
    return found if isinstance(found, Resync) else cursor
