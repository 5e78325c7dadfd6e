"""What changed: the pull form and the subscription of the change log."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
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
from events.reading import Position, position, read, resume
from models.changes import LoggedChange
from models.enums import ChangeKind as Kinds
from resolvers.conversations.types import Conversation, Message, ToolCall, Turn
from resolvers.enums import Actor, ChangeKind, TaskAction
from resolvers.fields import one
from resolvers.operation import Operation
from resolvers.payloads import id_of
from resolvers.scalars import invalid_argument
from resolvers.tasks.types import Label, Task, TaskRevision
from resolvers.viewer import Settings

PAGE: Final = 100
QUIET: Final = 50
"""Changes that a filter may pass over before a Progress moves its client's cursor."""


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


def _event(change: LoggedChange, epoch: UUID) -> Change:
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


def _names(kinds: Sequence[Any] | None) -> frozenset[str] | None:
    return None if kinds is None else frozenset(kind.value for kind in kinds)


def _marker(kind: type[Progress | ResyncRequired], operation: Operation, cursor: Cursor) -> Change:
    return kind(cursor=cursors.encode(cursor, operation.user_id), at=clock.now())


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
            start = await _start(operation, session, after)
            if isinstance(start, Resync):
                marker = _marker(ResyncRequired, operation, start.position.cursor)
                return ChangePage(changes=[marker], cursor=marker.cursor, has_more=False)
            epoch, seq = start
            page = await read(session, seq, first or PAGE, _names(kinds))
        return ChangePage(
            changes=[_event(change, epoch) for change in page.changes],
            cursor=cursors.encode(Cursor(epoch, page.up_to), operation.user_id),
            has_more=page.has_more,
        )


async def _start(operation: Operation, session: Any, after: str | None) -> tuple[UUID, int] | Resync:
    """Where to read on from. Raises DomainError INVALID for a cursor that isn't the viewer's."""
    if after is None:
        here: Position = await position(session)
        return here.epoch, here.seq
    cursor = cursors.decode(after, operation.user_id)
    found = await resume(session, cursor)
    return found if isinstance(found, Resync) else (cursor.epoch, found)


@strawberry.type
class ChangeSubscriptions:
    @strawberry.subscription(
        description="Every change of the viewer's data, in order and without a gap: first those after `after`, then"
        " each as it commits. The entities are as of now (null once gone); ids always come."
    )
    async def changes(
        self,
        info: Info,
        after: AfterCursor = None,
        kinds: KindsArgument = None,
        conversation_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Only this conversation's own, and the tasks that its calls changed."),
        ] = None,
    ) -> AsyncGenerator[Change, None]:
        operation: Operation = info.context
        operation.live()
        place = id_of(conversation_id, "Conversation", "conversationId") if conversation_id is not None else None
        async with aclosing(_follow(operation, after, _names(kinds), place)) as events:
            async for event in events:
                yield event


async def _follow(
    operation: Operation, after: str | None, kinds: frozenset[str] | None, conversation_id: UUID | None
) -> AsyncGenerator[Change, None]:
    async with operation.reading() as session:
        start = await _start(operation, session, after)
        replayed_to = (await position(session)).seq
    await operation.renew()
    while True:
        if isinstance(start, Resync):
            yield _marker(ResyncRequired, operation, start.position.cursor)
            start = start.position.epoch, start.position.seq
        epoch, seq = start
        told = seq
        if seq >= replayed_to:
            yield _marker(Progress, operation, Cursor(epoch, seq))
            replayed_to = -1
        start_again: Resync | None = None
        async with aclosing(operation.application.hub.follow(operation.user_id, seq, epoch=epoch)) as items:
            async for item in items:
                if isinstance(item, Resync):
                    start_again = item
                    break
                await operation.renew()
                for change in item.changes:
                    if _passes(change, kinds, conversation_id):
                        told = change.seq
                        yield _event(change, epoch)
                if item.up_to >= replayed_to >= 0 or item.up_to - told >= QUIET:
                    if item.up_to >= replayed_to:
                        replayed_to = -1
                    told = item.up_to
                    yield _marker(Progress, operation, Cursor(epoch, item.up_to))
        if start_again is None:
            return
        start, replayed_to = start_again, -1


def _passes(change: LoggedChange, kinds: frozenset[str] | None, conversation_id: UUID | None) -> bool:
    return (kinds is None or change.kind in kinds) and conversation_id in (None, change.conversation_id)
