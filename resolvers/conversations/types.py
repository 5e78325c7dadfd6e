"""Conversation, Message, Turn and ToolCall, declared on their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry.scalars import JSON

from models.conversations import conversations, messages
from models.enums import OperationType as Operations
from models.enums import ToolCallStatus as Statuses
from models.enums import ToolName as Tools
from models.enums import TurnNotice as Notices
from models.tasks import task_revisions
from models.turns import tool_call_tasks, tool_calls, turns, undone_calls
from resolvers.conversations.expressions import (
    ACTIVE,
    ACTIVE_TURN,
    ASKED_BY,
    CAN_UNDO,
    DRAFT,
    IDLE_EXPIRES_AT,
    INACTIVE_REASON,
    MESSAGE_FACTS,
    MESSAGE_TURN,
    ONLY_TASK,
)
from resolvers.enums import (
    ErrorCode,
    FinishReason,
    InactiveReason,
    OperationType,
    Sender,
    TitleSource,
    ToolCallStatus,
    ToolName,
    TurnNoticeKind,
    TurnStatus,
)
from resolvers.fields import (
    Connection,
    Key,
    Keyset,
    Node,
    Through,
    column,
    connection,
    expr,
    many,
    node,
    one,
    pure,
)
from resolvers.tasks.types import Task, TaskRevision

MESSAGES = Keyset("messages", (Key.number(messages.c.position), Key.uuid(messages.c.id)))
TOOL_CALLS = Keyset("tool calls", (Key.uuid(tool_calls.c.id),))
CONVERSATIONS = Keyset(
    "conversations", (Key.instant(conversations.c.last_activity_at), Key.uuid(conversations.c.id)), descending=True
)


@node(conversations, description="An ongoing talk between a person and the assistant.")
class Conversation(Node):
    user_id: str = column(description="Whose it is: the token's sub.")
    title: str = column(description="Its title; empty until titled.")
    title_source: TitleSource = column(description="Who gave the title.")
    is_active: bool = expr(*ACTIVE, description="Whether something can be said here now.")
    inactive_reason: InactiveReason | None = expr(*INACTIVE_REASON, description="Why not, where nothing can be said.")
    idle_expires_at: datetime | None = expr(
        *IDLE_EXPIRES_AT, description="When it goes inactive if nothing more is said; null where idle expiry is off."
    )
    context: JSON = column(
        description="What the client told the assistant and, under `assistant`, what it keeps for continuity."
    )
    created_at: datetime = column(description="When it began.")
    updated_at: datetime = column(description="When anything of it last changed.")
    last_activity_at: datetime = column(
        description="The last message or turn; drives idle expiry and the list's order."
    )
    version: int = column(description="Rises at every change.")
    messages: Connection[Message] = connection(
        messages.c.conversation_id,
        keyset=MESSAGES,
        newest=True,
        description="What was said, oldest to newest; with neither first nor last the newest 20.",
    )
    tool_call_history: Connection[ToolCall] = connection(
        tool_calls.c.conversation_id, keyset=TOOL_CALLS, description="All tool calls made here, oldest first."
    )
    active_turn: Turn | None = one(
        ACTIVE_TURN, description="The turn that runs or, if none does, waits for the user or is next."
    )


@strawberry.type(description="Something found in a user's message.")
class Entity:
    kind: str = strawberry.field(description="What it is: date, time, title, label …")
    text: str = strawberry.field(description="The user's words.")
    value: JSON | None = strawberry.field(description="What they were taken to mean.")


@strawberry.type(description="What is known about a message beside its text.")
class MessageMetadata:
    model: str | None = strawberry.field(description="Who wrote it, e.g. openai:gpt-5-mini, or rules.")
    finish_reason: FinishReason | None = strawberry.field(description="Why the assistant stopped.")
    intent: OperationType | None = strawberry.field(description="What a user's message asked for.")
    confidence: float | None = strawberry.field(description="How sure that is, 0..1.")
    entities: list[Entity] = strawberry.field(description="What was found in a user's message.")
    raw: JSON = strawberry.field(description="What else the server noted.")


def _metadata(facts: Mapping[str, Any]) -> MessageMetadata:
    return MessageMetadata(
        model=facts["model"],
        finish_reason=facts["finish_reason"],
        intent=facts.get("intent"),
        confidence=facts.get("confidence"),
        entities=[
            Entity(kind=one["kind"], text=one["text"], value=one.get("value")) for one in facts.get("entities") or ()
        ],
        raw=facts["raw"],
    )


@strawberry.type(description="Something the user can pick where the assistant asks back.")
class Choice:
    task_key: strawberry.Private[UUID | None]
    label: str = strawberry.field(description="What to show.")
    content: str = strawberry.field(description="Sending this picks it.")
    task: Task | None = one("task_key", description="The task that it stands for, if it stands for one.")


def _choices(stored: Sequence[Mapping[str, Any]]) -> list[Choice]:
    return [
        Choice(
            label=choice["label"],
            content=choice["content"],
            task_key=UUID(choice["task_id"]) if choice.get("task_id") else None,
        )
        for choice in stored
    ]


@node(messages, description="One thing that was said. It never changes.")
class Message(Node):
    conversation: Conversation = one(messages.c.conversation_id, description="Where it was said.")
    sender: Sender = column(description="Who said it.")
    content: str = column(description="The text, 1..10,000 characters.")
    created_at: datetime = column(description="When it was said.")
    metadata: MessageMetadata = expr(*MESSAGE_FACTS, convert=_metadata, description="What is known beside its text.")
    turn: Turn = one(MESSAGE_TURN, description="The newest turn that answers it, or the one that wrote it.")
    turns: list[Turn] = many(
        turns.c.message_id, key=ASKED_BY, order=[turns.c.number], limit=100, description="All turns of its exchange."
    )
    idempotency_key: str | None = column(description="The key it was sent with: an optimistic row finds its message.")
    choices: list[Choice] = pure(
        _choices, needs=[messages.c.choices], description="What the user can pick where the assistant asks back."
    )
    tool_calls: list[ToolCall] = many(
        tool_calls.c.turn_id,
        key=MESSAGE_TURN,
        order=[tool_calls.c.round, tool_calls.c.index],
        limit=100,
        description="The calls that it triggered (a user's), or that led to it (the assistant's), in order.",
    )


@strawberry.type(description="Why a turn failed.")
class TurnError:
    code: ErrorCode = strawberry.field(description="For programs.")
    message: str = strawberry.field(description="For people.")
    retryable: bool = strawberry.field(description="Whether another try may succeed.")


@strawberry.type(description="What a turn took.")
class TurnUsage:
    input_tokens: int = strawberry.field(description="Tokens that the model read.")
    output_tokens: int = strawberry.field(description="Tokens that it wrote.")
    model_calls: int = strawberry.field(description="How often it was asked.")


@strawberry.type(description="What holds a running turn up.")
class TurnNotice:
    kind: TurnNoticeKind = strawberry.field(description="For programs.")
    message: str = strawberry.field(description="For people.")
    until: datetime | None = strawberry.field(description="When it goes on, where that is known.")


_NOTICES = {
    Notices.RETRYING: "The model didn't answer as it should; asking it again.",
    Notices.FALLBACK: "The model can't be reached; the built-in interpreter answers.",
}


def _notice(kind: str | None, until: datetime | None) -> TurnNotice | None:
    return None if kind is None else TurnNotice(kind=kind, message=_NOTICES[Notices(kind)], until=until)


def _turn_error(code: str | None, message: str | None, retryable: bool | None) -> TurnError | None:
    return None if code is None else TurnError(code=code, message=message or "", retryable=bool(retryable))


def _turn_usage(model_calls: int, input_tokens: int, output_tokens: int) -> TurnUsage | None:
    if not model_calls:
        return None
    return TurnUsage(input_tokens=input_tokens, output_tokens=output_tokens, model_calls=model_calls)


@node(turns, description="One user message being answered: from QUEUED through any number of calls to one message.")
class Turn(Node):
    conversation: Conversation = one(turns.c.conversation_id, description="Where.")
    status: TurnStatus = column(description="Where it stands.")
    message: Message = one(turns.c.message_id, description="The user's message that it answers.")
    draft: str = expr(
        *DRAFT, description="The assistant's text so far; survives a reload, a lost socket and a restart."
    )
    reply: Message | None = one(turns.c.reply_id, description="The assistant's message; null until the turn ends.")
    retry_of: Turn | None = one(turns.c.retry_of, description="The turn that this one answers anew, if it does.")
    attempt: int = column(description="Rises whenever the text starts anew.")
    notice: TurnNotice | None = pure(
        _notice,
        needs=[turns.c.notice, turns.c.notice_until],
        description="What holds it up while it runs, if anything.",
    )
    confirm_until: datetime | None = column(description="Until when it waits for the user's word; null: without end.")
    version: int = column(description="Rises at every change.")
    tool_calls: list[ToolCall] = many(
        tool_calls.c.turn_id,
        order=[tool_calls.c.round, tool_calls.c.index],
        limit=100,
        description="Its tool calls, in order.",
    )
    error: TurnError | None = pure(
        _turn_error,
        needs=[turns.c.error_code, turns.c.error_message, turns.c.error_retryable],
        description="Why it failed, if it did.",
    )
    usage: TurnUsage | None = pure(
        _turn_usage,
        needs=[turns.c.model_calls, turns.c.input_tokens, turns.c.output_tokens],
        description="What it took so far.",
    )
    created_at: datetime = column(description="When it was queued.")
    started_at: datetime | None = column(description="When it was first taken up.")
    finished_at: datetime | None = column(description="When it ended.")
    can_undo: bool = expr(
        *CAN_UNDO,
        description="It has calls that changed something and aren't undone; undoing may still find a conflict.",
    )


_TASKS_OF_CALL = Through(tool_call_tasks.c.tool_call_id, tool_call_tasks.c.task_id)


@strawberry.type(description="What a call changed.")
class TasksChanged:
    id: strawberry.Private[Any]
    tasks: list[Task] = many(
        _TASKS_OF_CALL, order=[tool_call_tasks.c.position], limit=100, description="The tasks, as they are now."
    )
    revisions: list[TaskRevision] = many(
        task_revisions.c.tool_call_id, order=[task_revisions.c.id], limit=200, description="Each change it made."
    )


@strawberry.type(description="What a call found.")
class TasksFound:
    id: strawberry.Private[Any]
    tasks: list[Task] = many(
        _TASKS_OF_CALL, order=[tool_call_tasks.c.position], limit=100, description="The first 100, as they are now."
    )
    total_count: int = strawberry.field(description="How many there were in all.")


_UNDONE = Through(undone_calls.c.tool_call_id, undone_calls.c.undone_call_id)


@strawberry.type(description="What a call of the tool undo took back.")
class Undone:
    id: strawberry.Private[Any]
    tool_calls: list[ToolCall] = many(
        _UNDONE, order=[undone_calls.c.position], limit=100, description="The calls, in the order it took them back."
    )
    tasks: list[Task] = many(
        _TASKS_OF_CALL, order=[tool_call_tasks.c.position], limit=100, description="The tasks, as they are now."
    )


ToolResult = Annotated[
    TasksChanged | TasksFound | Undone, strawberry.union("ToolResult", description="What a completed call did.")
]


@strawberry.type(description="Why a call failed.")
class ToolError:
    code: ErrorCode = strawberry.field(description="For programs.")
    message: str = strawberry.field(description="For people, and for the model.")


def _result(
    call_id: Any, status: str, tool: str, operation: str, total: int | None
) -> TasksChanged | TasksFound | Undone | None:
    if status != Statuses.COMPLETED:
        return None
    if tool == Tools.UNDO:
        return Undone(id=call_id)
    if operation == Operations.SEARCH:
        return TasksFound(id=call_id, total_count=total or 0)
    return TasksChanged(id=call_id)


def _waits(status: str, asked_at: datetime | None, decided_at: datetime | None) -> bool:
    return status == Statuses.PENDING and asked_at is not None and decided_at is None


def _tool_error(code: str | None, message: str | None) -> ToolError | None:
    return None if code is None else ToolError(code=code, message=message or "")


@node(tool_calls, description="One action of the assistant on the user's tasks: also a task operation.")
class ToolCall(Node):
    user_id: str = column(description="Whose it is: the token's sub.")
    message: Message = one(tool_calls.c.message_id, description="The user's message that triggered it.")
    turn: Turn = one(tool_calls.c.turn_id, description="The turn that made it.")
    conversation: Conversation = one(tool_calls.c.conversation_id, description="Where.")
    tool_name: ToolName = column(description="The tool.")
    operation: OperationType = column(description="What it does; complete and reschedule are UPDATE, lists SEARCH.")
    input_text: str = column(description="The user's words that led to it.")
    parameters: JSON = column(description="The structured command, once validated against the tool's schema.")
    status: ToolCallStatus = column(description="Where it stands.")
    result: ToolResult | None = pure(
        _result,
        needs=[
            tool_calls.c.id,
            tool_calls.c.status,
            tool_calls.c.tool_name,
            tool_calls.c.operation,
            tool_calls.c.total_count,
        ],
        description="What it did, once completed.",
    )
    error: ToolError | None = pure(
        _tool_error, needs=[tool_calls.c.error_code, tool_calls.c.error_message], description="Why it failed."
    )
    task: Task | None = one(ONLY_TASK, description="The task it touches or found, where that is exactly one.")
    tasks: list[Task] = many(
        _TASKS_OF_CALL,
        order=[tool_call_tasks.c.position],
        limit=100,
        description="All of them, at most 100; for a waiting call those it would change.",
    )
    needs_confirmation: bool = pure(
        _waits,
        needs=[tool_calls.c.status, tool_calls.c.asked_at, tool_calls.c.decided_at],
        description="Whether it waits for the user's word (`decideToolCalls`).",
    )
    created_at: datetime = column(description="When it was asked for.")
    executed_at: datetime | None = column(description="When it ran.")
    undone_at: datetime | None = column(description="When it was taken back, if it is.")
    version: int = column(description="Rises at every step.")


@strawberry.type(description="A tool that the assistant can call.")
class Tool:
    name: ToolName = strawberry.field(description="Its name.")
    description: str = strawberry.field(description="What it does, as the model is told.")
    operation: OperationType = strawberry.field(description="What a call of it does to tasks.")
    parameters_schema: JSON = strawberry.field(description="The JSON schema of its parameters.")
    destructive: bool = strawberry.field(description="Whether it deletes.")
