"""Saying something, and looking after conversations."""

from __future__ import annotations

from typing import Annotated, Any, cast
from uuid import UUID

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from core.errors import DomainError
from core.ids import to_global_id
from core.unit_of_work import UnitOfWork
from resolvers.conversations.types import Conversation, Message, Turn
from resolvers.conversations.waiting import check_wait, work_and_wait
from resolvers.fields import one
from resolvers.payloads import UserError, expected_version, id_of, mutate, user_error
from resolvers.scalars import TimeZone
from services import conversations, turns
from services.messages import NewMessage, send


@strawberry.input(description="What is said, and where.")
class SendMessageInput:
    content: str = strawberry.field(description="The text: 1..10,000 characters after trimming.")
    conversation_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where; without it a new conversation begins."
    )
    context: JSON | None = strawberry.field(
        default=None, description="Merged into the conversation's context (RFC 7396); at most 16 KiB in all."
    )
    time_zone: TimeZone | None = strawberry.field(
        default=None, description="The zone of this message; otherwise the viewer's."
    )
    idempotency_key: str | None = strawberry.field(
        default=None, description="1..200 characters: the same key and content answer the same turn, for good."
    )
    wait_seconds: int | None = strawberry.field(
        default=0,
        description="0..60: answer when the turn has ended or waits for the user; the payload is one snapshot.",
    )


@strawberry.type(description="What was stored.")
class SendMessagePayload:
    user_errors: list[UserError] = strawberry.field(description="What stood in the way; then nothing was stored.")
    conversation_id: strawberry.Private[UUID | None] = None
    message_id: strawberry.Private[UUID | None] = None
    turn_id: strawberry.Private[UUID | None] = None
    conversation: Conversation | None = one("conversation_id", description="The conversation.")
    message: Message | None = one("message_id", description="The message.")
    turn: Turn | None = one("turn_id", description="The turn that answers it.")


@strawberry.type(description="The conversation as it became.")
class ConversationPayload:
    user_errors: list[UserError] = strawberry.field(description="What stood in the way; then nothing changed.")
    conversation_id: strawberry.Private[UUID | None] = None
    conversation: Conversation | None = one(
        "conversation_id", description="The conversation; with VERSION_CONFLICT as it is now."
    )


@strawberry.type(description="What was deleted.")
class DeletePayload:
    deleted_id: strawberry.ID | None = strawberry.field(default=None, description="Its id.")
    user_errors: list[UserError] = strawberry.field(description="What stood in the way; then nothing changed.")


@strawberry.input(description="A new conversation.")
class CreateConversationInput:
    title: str | None = strawberry.field(default=None, description="Its title, up to 200 characters.")
    context: JSON | None = strawberry.field(default=None, description="What the assistant should know; up to 16 KiB.")
    idempotency_key: str | None = strawberry.field(
        default=None, description="1..200 characters: the same key and input answer the same conversation."
    )


@strawberry.input(description="A conversation and its new title.")
class RenameConversationInput:
    conversation_id: strawberry.ID = strawberry.field(description="Which one.")
    title: str = strawberry.field(description="Up to 200 characters; empty gives the naming back to the server.")
    expected_version: int | None = expected_version()


@strawberry.input(description="A conversation.")
class ConversationIdInput:
    conversation_id: strawberry.ID = strawberry.field(description="Which one.")
    expected_version: int | None = expected_version()


async def _on_conversation(
    info: Info, input: ConversationIdInput | RenameConversationInput, action: Any
) -> ConversationPayload:
    async def run(work: UnitOfWork) -> dict[str, Any]:
        conversation_id = id_of(input.conversation_id, "Conversation", "conversationId")
        await action(work, conversation_id, expected_version=input.expected_version)
        return {"conversation_id": conversation_id}

    return await mutate(info, ConversationPayload, run, conflict="conversation_id")


@strawberry.type
class ConversationMutations:
    @strawberry.mutation(description="Store the message and start its turn.")
    async def send_message(
        self, info: Info, input: Annotated[SendMessageInput, strawberry.argument(description="The input.")]
    ) -> SendMessagePayload:
        operation = info.context
        try:
            seconds = check_wait(input.wait_seconds or 0)
            where = input.conversation_id
            new = NewMessage(
                content=input.content,
                conversation_id=id_of(where, "Conversation", "conversationId") if where is not None else None,
                context=cast("Any", input.context),
                time_zone=input.time_zone,
                idempotency_key=input.idempotency_key,
            )
            said = await work_and_wait(
                operation, seconds, lambda work: send(work, new, operation.settings), lambda said: said.turn_id
            )
        except DomainError as error:
            return SendMessagePayload(user_errors=[user_error(error)])
        return SendMessagePayload(
            user_errors=[],
            conversation_id=said.conversation_id,
            message_id=said.message_id,
            turn_id=said.turn_id,
        )

    @strawberry.mutation(description="Begin a conversation without saying anything yet.")
    async def create_conversation(
        self, info: Info, input: Annotated[CreateConversationInput, strawberry.argument(description="The input.")]
    ) -> ConversationPayload:
        async def action(work: UnitOfWork) -> dict[str, Any]:
            made = await conversations.create(
                work, title=input.title, context=input.context, idempotency_key=input.idempotency_key
            )
            return {"conversation_id": made}

        return await mutate(info, ConversationPayload, action)

    @strawberry.mutation(description="Give a title; the assistant never overwrites it.")
    async def rename_conversation(
        self, info: Info, input: Annotated[RenameConversationInput, strawberry.argument(description="The input.")]
    ) -> ConversationPayload:
        return await _on_conversation(
            info, input, lambda work, id_, **more: conversations.rename(work, id_, input.title, **more)
        )

    @strawberry.mutation(description="Close it: it can be read and reopened, and nothing can be said until then.")
    async def close_conversation(
        self, info: Info, input: Annotated[ConversationIdInput, strawberry.argument(description="The input.")]
    ) -> ConversationPayload:
        return await _on_conversation(info, input, conversations.close)

    @strawberry.mutation(description="Make an idle or closed conversation active again; counts as activity.")
    async def reopen_conversation(
        self, info: Info, input: Annotated[ConversationIdInput, strawberry.argument(description="The input.")]
    ) -> ConversationPayload:
        idle = info.context.settings.conversation_idle_seconds
        return await _on_conversation(
            info, input, lambda work, id_, **more: conversations.reopen(work, id_, idle_seconds=idle, **more)
        )

    @strawberry.mutation(description="Delete it with its messages, turns and calls; the tasks stay.")
    async def delete_conversation(
        self, info: Info, input: Annotated[ConversationIdInput, strawberry.argument(description="The input.")]
    ) -> DeletePayload:
        async def action(work: UnitOfWork) -> dict[str, Any]:
            conversation_id = id_of(input.conversation_id, "Conversation", "conversationId")
            await conversations.remove(work, conversation_id, expected_version=input.expected_version)
            await turns.wake_waiting(work, conversation_id)
            return {"deleted_id": strawberry.ID(to_global_id("Conversation", conversation_id))}

        return await mutate(info, DeletePayload, action)
