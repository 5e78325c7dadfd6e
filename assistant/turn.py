"""The turn loop: ask the provider, commit the round, run its calls, feed the results back, until it stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog

from assistant.asking import Asker, Heard, told
from assistant.calls import Surroundings, find_tool, run_call
from assistant.history import call_id, items_of_rounds, read_history, shown_by
from assistant.progress import Engine, Progress
from assistant.prompt import build_prompt
from assistant.providers.base import (
    Item,
    ModelCall,
    Prompt,
    ProviderError,
    UserSaid,
)
from core.database import is_away
from core.errors import ErrorCode
from core.ids import parse_global_id
from core.unit_of_work import UnitOfWork
from models.enums import FinishReason, ToolCallStatus
from models.turns import Round, ToolCall
from services import conversations, turns
from services.turns import Claimed, Lease, LeaseLost, NewCall, Reply
from services.users import read_settings

log = structlog.get_logger()

ROUNDS: Final = 8
CALLS: Final = 64
"""Calls of one round; what the model asks past that is dropped."""

TEXT_LIMIT: Final = 200_000

FALLBACK_NOTE: Final = "(The model can't be reached just now, so the built-in interpreter answered.)"


class TooManySteps(Exception):
    """The model still calls tools after the last round it may have."""


class TurnRunner:
    """Runs one claimed turn to its end, or until the lease is lost. Raises only what a database that is away raises."""

    def __init__(self, engine: Engine, claimed: Claimed) -> None:
        self._engine = engine
        self._turn = claimed.turn
        self._message = claimed.message
        self._lease: Lease = claimed.lease
        self._asker = Asker(engine, claimed.lease)
        self._log = log.bind(turn=str(claimed.turn.id))

    async def run(self) -> None:
        """Answer the message. Cancelling hands the turn on to another worker; only its user ever cancels a turn."""
        try:
            async with asyncio.timeout(self._engine.turn_seconds):
                await self._answer()
        except LeaseLost:
            self._log.info("lease_lost")
        except asyncio.CancelledError:
            await asyncio.shield(self._hand_on())
            raise
        except TimeoutError:
            await self._fail(ErrorCode.ASSISTANT_TIMEOUT, "The assistant took too long.")
        except TooManySteps:
            await self._fail(ErrorCode.TOO_MANY_STEPS, f"The assistant needed more than {ROUNDS} steps.")
        except ProviderError as error:
            self._log.warning("model_failed", fault=error.fault.value)
            await self._fail(*told(error), retryable=error.retryable)
        except Exception as error:
            if is_away(error):  # an outage is not the turn's end: the worker goes on with it when the database is back
                raise
            # The boundary of a turn: whatever went wrong, the turn must end, and its user must see that it did.
            self._log.exception("turn_failed")
            await self._fail(ErrorCode.INTERNAL, "Something went wrong on the server.")

    async def _hand_on(self) -> None:
        try:
            await self._work(lambda work: turns.hand_on(work, self._lease))
        except LeaseLost:
            self._log.info("lease_lost")

    async def _fail(self, code: ErrorCode, message: str, *, retryable: bool = True) -> None:
        try:
            await self._work(
                lambda work: turns.fail(
                    work,
                    self._lease,
                    code,
                    message,
                    retryable=retryable,
                    conversation_id=self._turn.conversation_id,
                )
            )
        except LeaseLost:
            self._log.info("lease_lost")

    async def _work(self, action: Callable[[UnitOfWork], Any]) -> Any:
        return await self._engine.database.work(self._lease.user_id, action)

    async def _answer(self) -> None:
        progress = await self._read()
        await self._run_calls(progress)
        while not progress.done:
            if len(progress.rounds) >= ROUNDS:
                raise TooManySteps
            heard = await self._asker.ask(progress, self._prompt(progress))
            await self._commit(progress, heard)
            await self._run_calls(progress)
        await self._finish(progress)

    async def _read(self) -> Progress:
        async with self._engine.database.snapshot(self._lease.user_id) as session:
            conversation = await conversations.find(session, self._turn.conversation_id)
            if conversation is None:
                raise LeaseLost
            done, calls = await turns.read_progress(session, self._turn.id)
            history = await read_history(session, self._turn, conversation.context)
            settings = await read_settings(session)
        progress = Progress(
            history=history,
            context=dict(conversation.context),
            locale=settings.locale,
            now=self._message.created_at,
            rounds=done,
            calls=calls,
            attempt=self._turn.attempt,
            provider=self._engine.provider,
            shown=history.shown,
        )
        for call in calls:
            progress.shown = shown_by(call, progress.shown)
        return progress

    def _prompt(self, progress: Progress) -> Prompt:
        items: tuple[Item, ...] = (
            *progress.history.items,
            UserSaid(self._message.content),
            *items_of_rounds(progress.rounds, progress.calls),
        )
        return build_prompt(
            items,
            now=progress.now,
            time_zone=self._turn.time_zone,
            locale=progress.locale,
            context=progress.context,
        )

    async def _commit(self, progress: Progress, heard: Heard) -> None:
        """The round, whole, before its first call runs: a restart goes on from here and never asks for it again."""
        number = len(progress.rounds)
        asked = heard.calls[:CALLS]
        done = Round(
            user_id=self._lease.user_id,
            turn_id=self._turn.id,
            number=number,
            text="".join(heard.text)[:TEXT_LIMIT].strip(),
            calls=[{"name": call.name, "arguments": call.arguments} for call in asked],
            finish_reason=heard.reason.value,
        )
        known = [
            NewCall(index, tool.name, tool.operation)
            for index, call in enumerate(asked)
            if (tool := find_tool(call.name)) is not None
        ]
        made = await self._work(
            lambda work: turns.commit_round(
                work,
                self._lease,
                done,
                known,
                heard.spent,
                message=self._message,
                understanding=heard.understanding,
            )
        )
        progress.rounds.append(done)
        progress.calls.extend(made)

    async def _run_calls(self, progress: Progress) -> None:
        """Run what is PENDING of the last round, in order, each in its own transaction."""
        if not progress.rounds:
            return
        last = progress.rounds[-1]
        for call in progress.calls:
            if call.round == last.number and call.status == ToolCallStatus.PENDING:
                raw = last.calls[call.index]
                await self._run_call(
                    progress, call, ModelCall(call_id(last.number, call.index), raw["name"], raw["arguments"])
                )
        _, progress.calls = await self._progress()
        for call in progress.calls:
            if call.round == last.number:
                progress.shown = shown_by(call, progress.shown)

    async def _run_call(self, progress: Progress, call: ToolCall, raw: ModelCall) -> None:
        surroundings = Surroundings(
            now=progress.now,
            time_zone=self._turn.time_zone,
            locale=progress.locale,
            shown=tuple(parse_global_id(task, "Task") for task in progress.shown),
        )
        await self._work(lambda work: run_call(work, self._lease, call, raw, surroundings))

    async def _progress(self) -> tuple[list[Round], list[ToolCall]]:
        async with self._engine.database.snapshot(self._lease.user_id) as session:
            return await turns.read_progress(session, self._turn.id)

    async def _finish(self, progress: Progress) -> None:
        text = progress.text or _silent(progress.calls)
        if progress.fell_back:
            text = f"{text}\n\n{FALLBACK_NOTE}"
        reply = Reply(
            text=text,
            model=progress.provider.name,
            finish_reason=FinishReason(progress.rounds[-1].finish_reason),
            raw={"rounds": len(progress.rounds), "fallback": progress.fell_back},
            shown=progress.shown,
        )
        await self._work(
            lambda work: turns.complete(work, self._lease, reply, conversation_id=self._turn.conversation_id)
        )


def _silent(calls: Sequence[ToolCall]) -> str:
    """What stands where the model said nothing at all."""
    done = sum(call.status == ToolCallStatus.COMPLETED for call in calls)
    return "Done." if done else "I have nothing to say to that."
