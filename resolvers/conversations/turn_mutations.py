"""A user's word on turns under way and past: stop, answer again, take back, decide what waits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Final, cast
from uuid import UUID

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from assistant.deciding import GivenDecision, decide
from assistant.stopping import end_now, stop
from core.errors import DomainError
from core.unit_of_work import UnitOfWork
from events.control import publish_stop
from models.enums import Actor
from resolvers.conversations.types import ToolCall, Turn
from resolvers.conversations.waiting import check_wait, wait_for_turn, work_and_wait
from resolvers.fields import one, several
from resolvers.payloads import UserError, id_of, mutate, user_error
from resolvers.tasks.types import Task
from services import turns, undo
from services.tasks.values import Author

GRACE: Final = 1.0
"""Seconds that the worker of a stopped turn gets to end it, before it is ended without its last words."""


@strawberry.input(description="A turn.")
class TurnIdInput:
    turn_id: strawberry.ID = strawberry.field(description="Which one.")


@strawberry.input(description="A turn to answer again.")
class RetryTurnInput:
    turn_id: strawberry.ID = strawberry.field(description="Which one: the conversation's last, once it has ended.")
    wait_seconds: int | None = strawberry.field(
        default=0, description="0..60: answer when the new turn has ended or waits for the user."
    )


@strawberry.input(description="A tool call.")
class ToolCallIdInput:
    tool_call_id: strawberry.ID = strawberry.field(description="Which one.")


@strawberry.input(description="The user's word on one call that waits for it.")
class ToolCallDecision:
    tool_call_id: strawberry.ID = strawberry.field(description="Which one.")
    approve: bool = strawberry.field(description="Whether it may run.")
    parameters: JSON | None = strawberry.field(
        default=None, description="With an approval: other parameters to run it with, validated as its own were."
    )
    reason: str | None = strawberry.field(default=None, description="Up to 1,000 characters; the assistant is told.")


@strawberry.input(description="The user's word on calls that wait for it.")
class DecideToolCallsInput:
    turn_id: strawberry.ID = strawberry.field(description="The turn that waits.")
    decisions: list[ToolCallDecision] = strawberry.field(description="One a call, 1..64; all of them count or none.")
    wait_seconds: int | None = strawberry.field(
        default=0, description="0..60: answer when the turn has ended or waits again."
    )


@strawberry.type(description="The turn as it became.")
class TurnPayload:
    user_errors: list[UserError] = strawberry.field(description="What stood in the way; then nothing changed.")
    turn_id: strawberry.Private[UUID | None] = None
    turn: Turn | None = one("turn_id", description="The turn.")


@strawberry.type(description="What was taken back.")
class UndoPayload:
    user_errors: list[UserError] = strawberry.field(description="What stood in the way; then nothing changed.")
    call_ids: strawberry.Private[Sequence[UUID]] = ()
    task_ids: strawberry.Private[Sequence[UUID]] = ()
    tool_calls: list[ToolCall] = several("call_ids", description="The calls, in the order they were taken back.")
    tasks: list[Task] = several("task_ids", description="The tasks, as they are now.")


TurnInput = Annotated[TurnIdInput, strawberry.argument(description="The input.")]


async def _on_turn(
    info: Info, action: Callable[[UnitOfWork], Awaitable[UUID]], wait_seconds: int | None
) -> TurnPayload:
    """Run one unit of work that answers a turn's id, then wait for that turn as asked."""
    operation = info.context
    try:
        seconds = check_wait(wait_seconds or 0)
        turn_id = await work_and_wait(operation, seconds, action, lambda turn_id: turn_id)
    except DomainError as error:
        return TurnPayload(user_errors=[user_error(error)])
    return TurnPayload(user_errors=[], turn_id=turn_id)


async def _undo(info: Info, action: Callable[[UnitOfWork], Awaitable[undo.Undone]]) -> UndoPayload:
    async def run(work: UnitOfWork) -> dict[str, Any]:
        undone = await action(work)
        return {"call_ids": undone.tool_call_ids, "task_ids": undone.task_ids}

    return await mutate(info, UndoPayload, run)


@strawberry.type
class TurnMutations:
    @strawberry.mutation(
        description="Stop a turn. What it has said stays as its reply and what its calls did stays done; one that has"
        " ended stays as it is."
    )
    async def cancel_turn(self, info: Info, input: TurnInput) -> TurnPayload:
        operation = info.context
        try:
            turn_id = id_of(input.turn_id, "Turn", "turnId")
            owner = await operation.work(lambda work: stop(work, turn_id))
        except DomainError as error:
            return TurnPayload(user_errors=[user_error(error)])
        if owner is not None:
            await publish_stop(operation.application.bus, owner, turn_id)
            await wait_for_turn(operation, turn_id, GRACE)
            await operation.work(lambda work: end_now(work, turn_id))
        return TurnPayload(user_errors=[], turn_id=turn_id)

    @strawberry.mutation(
        description="Answer the conversation's last message again; the former turn stays in the record, and what its"
        " calls did stays done."
    )
    async def retry_turn(
        self, info: Info, input: Annotated[RetryTurnInput, strawberry.argument(description="The input.")]
    ) -> TurnPayload:
        async def action(work: UnitOfWork) -> UUID:
            return await turns.retry(work, id_of(input.turn_id, "Turn", "turnId"), info.context.settings)

        return await _on_turn(info, action, input.wait_seconds)

    @strawberry.mutation(
        description="The user's word on calls that wait for it. The turn goes on once all of its calls are decided."
    )
    async def decide_tool_calls(
        self, info: Info, input: Annotated[DecideToolCallsInput, strawberry.argument(description="The input.")]
    ) -> TurnPayload:
        async def action(work: UnitOfWork) -> UUID:
            turn_id = id_of(input.turn_id, "Turn", "turnId")
            await decide(work, turn_id, [_given(one, place) for place, one in enumerate(input.decisions)])
            return turn_id

        return await _on_turn(info, action, input.wait_seconds)

    @strawberry.mutation(
        description="Take back what the turn's calls did, the last first: all or nothing. Doing it again does nothing."
    )
    async def undo_turn(self, info: Info, input: TurnInput) -> UndoPayload:
        return await _undo(
            info, lambda work: undo.undo_turn(work, id_of(input.turn_id, "Turn", "turnId"), Author(Actor.USER))
        )

    @strawberry.mutation(description="Take back what one call did: all or nothing. Doing it again does nothing.")
    async def undo_tool_call(
        self, info: Info, input: Annotated[ToolCallIdInput, strawberry.argument(description="The input.")]
    ) -> UndoPayload:
        return await _undo(
            info,
            lambda work: undo.undo_tool_call(
                work, id_of(input.tool_call_id, "ToolCall", "toolCallId"), Author(Actor.USER)
            ),
        )


def _given(decision: ToolCallDecision, place: int) -> GivenDecision:
    call_id = id_of(decision.tool_call_id, "ToolCall", "decisions", str(place), "toolCallId")
    return GivenDecision(call_id, decision.approve, cast("Any", decision.parameters), decision.reason)
