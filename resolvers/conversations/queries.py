"""Reading conversations, messages, turns and tool calls."""

from __future__ import annotations

from typing import Annotated, Any, cast

import strawberry
from sqlalchemy import ColumnElement, exists, not_
from strawberry.types import Info

from assistant.tools import TOOLS
from models.conversations import conversations, messages
from models.enums import SearchKind
from models.turns import tool_call_tasks, tool_calls
from resolvers.conversations.types import (
    CONVERSATIONS,
    MESSAGES,
    TOOL_CALLS,
    Conversation,
    Message,
    Tool,
    ToolCall,
    Turn,
)
from resolvers.enums import OperationType, ToolCallStatus, ToolName
from resolvers.fields import AfterArgument, BeforeArgument, Connection, FirstArgument, LastArgument
from resolvers.nodes import IdArgument, load
from resolvers.payloads import id_of
from services.conversations import is_active
from services.search import narrowed
from services.tasks.filters import contains


@strawberry.input(description="Which conversations; all given parts must hold.")
class ConversationFilter:
    is_active: bool | None = strawberry.field(default=None, description="Whether something can be said there now.")
    text: str | None = strawberry.field(default=None, description="Part of the title, whatever the case.")


@strawberry.input(description="Which tool calls; all given parts must hold.")
class ToolCallFilter:
    conversation_id: strawberry.ID | None = strawberry.field(default=None, description="Made in this conversation.")
    task_id: strawberry.ID | None = strawberry.field(default=None, description="Touched or found this task.")
    operation: OperationType | None = strawberry.field(default=None, description="Does this.")
    status: ToolCallStatus | None = strawberry.field(default=None, description="Stands there.")
    tool_name: ToolName | None = strawberry.field(default=None, description="Of this tool.")


def _conversation_conditions(info: Info, filter_: ConversationFilter | None) -> list[ColumnElement[bool]]:
    if filter_ is None:
        return []
    found: list[ColumnElement[bool]] = []
    if filter_.is_active is not None:
        active = is_active(info.context.settings.conversation_idle_seconds, info.context.edges.scope.now)
        found.append(active if filter_.is_active else not_(active))
    if filter_.text:
        found.append(contains(conversations.c.title, filter_.text))
    return found


def _call_conditions(filter_: ToolCallFilter | None) -> list[ColumnElement[bool]]:
    if filter_ is None:
        return []
    found: list[ColumnElement[bool]] = []
    if filter_.conversation_id is not None:
        conversation_id = id_of(filter_.conversation_id, "Conversation", "conversationId")
        found.append(tool_calls.c.conversation_id == conversation_id)
    if filter_.task_id is not None:
        touched = exists().where(
            tool_call_tasks.c.user_id == tool_calls.c.user_id,
            tool_call_tasks.c.tool_call_id == tool_calls.c.id,
            tool_call_tasks.c.task_id == id_of(filter_.task_id, "Task", "taskId"),
        )
        found.append(touched)
    for column, value in (
        (tool_calls.c.operation, filter_.operation),
        (tool_calls.c.status, filter_.status),
        (tool_calls.c.tool_name, filter_.tool_name),
    ):
        if value is not None:
            found.append(column == value.value)
    return found


@strawberry.type
class ConversationQueries:
    @strawberry.field(description="A conversation by its id.")
    async def conversation(self, info: Info, id: IdArgument) -> Conversation | None:
        return await load(info, id, "Conversation")  # type: ignore[return-value]  # of that type, or None

    @strawberry.field(description="The viewer's conversations, the latest activity first.")
    async def conversations(
        self,
        info: Info,
        first: FirstArgument = None,
        after: AfterArgument = None,
        last: LastArgument = None,
        before: BeforeArgument = None,
        filter: Annotated[ConversationFilter | None, strawberry.argument(description="Which ones.")] = None,
    ) -> Connection[Conversation]:
        where = _conversation_conditions(info, filter)
        text = filter.text if filter else None
        if text:
            async with info.context.reading() as session:
                where += await narrowed(session, conversations.c.id, [text], SearchKind.CONVERSATION)
        page: Connection[Conversation] = await info.context.edges.root_page(
            info,
            CONVERSATIONS,
            (first, after, last, before),
            where,
            filter_=strawberry.asdict(filter) if filter else None,
            by_value=bool(text),
        )
        return page

    @strawberry.field(description="Its messages, oldest to newest; with neither first nor last the newest 20.")
    async def messages(
        self,
        info: Info,
        conversation_id: Annotated[strawberry.ID, strawberry.argument(description="The conversation's id.")],
        first: FirstArgument = None,
        after: AfterArgument = None,
        last: LastArgument = None,
        before: BeforeArgument = None,
    ) -> Connection[Message]:
        page: Connection[Message] = await info.context.edges.root_page(
            info,
            MESSAGES,
            (first, after, last, before),
            [messages.c.conversation_id == id_of(conversation_id, "Conversation", "conversationId")],
            filter_={"of": str(conversation_id)},
            newest=True,
        )
        return page

    @strawberry.field(description="A turn by its id.")
    async def turn(self, info: Info, id: IdArgument) -> Turn | None:
        return await load(info, id, "Turn")  # type: ignore[return-value]  # of that type, or None

    @strawberry.field(description="The viewer's tool calls, oldest first.")
    async def tool_calls(
        self,
        info: Info,
        first: FirstArgument = None,
        after: AfterArgument = None,
        last: LastArgument = None,
        before: BeforeArgument = None,
        filter: Annotated[ToolCallFilter | None, strawberry.argument(description="Which ones.")] = None,
    ) -> Connection[ToolCall]:
        page: Connection[ToolCall] = await info.context.edges.root_page(
            info,
            TOOL_CALLS,
            (first, after, last, before),
            _call_conditions(filter),
            filter_=strawberry.asdict(filter) if filter else None,
            by_value=filter is not None,
        )
        return page

    @strawberry.field(description="The tools that the assistant can call.")
    def tools(self) -> list[Tool]:
        return [
            Tool(
                name=tool.name.value,
                description=tool.description,
                operation=tool.operation.value,
                parameters_schema=cast("Any", tool.parameters.model_json_schema()),
                destructive=tool.destructive,
            )
            for tool in TOOLS.values()
        ]
