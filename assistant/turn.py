"""The turn loop: ask the provider, commit the round, run its calls, feed the results back, until it stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog

from assistant.calls import Surroundings, find_tool, run_call
from assistant.history import History, call_id, items_of_rounds, read_history, shown_by
from assistant.prompt import build_prompt
from assistant.providers.base import (
    CallReady,
    Finished,
    Item,
    ModelCall,
    Prompt,
    Provider,
    ProviderError,
    ProviderFault,
    TextDelta,
    Understood,
    UsageReported,
    UserSaid,
)
from assistant.tools import specs
from core.database import Database, lost_connection
from core.errors import ErrorCode
from core.ids import parse_global_id
from core.unit_of_work import UnitOfWork
from events.bus import Bus
from events.deltas import DeltaWriter, utf16_length
from models.enums import FinishReason, ToolCallStatus
from models.turns import Round, ToolCall
from services import conversations, turns
from services.turns import Claimed, Lease, LeaseLost, NewCall, Reply, Spent, Understanding
from services.users import read_settings

log = structlog.get_logger()

ROUNDS: Final = 8
CALLS: Final = 64
"""Calls of one round; what the model asks past that is dropped."""

TRIES: Final = 3
"""Model calls of one round, the first included, where the fault may pass."""

LONGEST_WAIT: Final = 10.0
"""Seconds that a Retry-After may hold a turn."""

DRAFT_EVERY: Final = 0.3
"""Seconds between two saves of the draft."""

TEXT_LIMIT: Final = 200_000

FALLBACK_NOTE: Final = "(The model can't be reached just now, so the built-in interpreter answered.)"

Pause = Callable[[float], Coroutine[Any, Any, None]]


class TooManySteps(Exception):
    """The model still calls tools after the last round it may have."""


@dataclass(frozen=True, slots=True)
class Engine:
    """What every turn of a process runs with. `fallback` answers where the provider is unreachable, if there is one."""

    database: Database
    bus: Bus
    provider: Provider
    fallback: Provider | None
    turn_seconds: float
    pause: Pause = asyncio.sleep


@dataclass(slots=True)
class _Progress:
    """A turn as far as it is committed, and what the loop needs to go on from there."""

    history: History
    context: dict[str, Any]
    locale: str
    now: datetime
    rounds: list[Round]
    calls: list[ToolCall]
    attempt: int
    provider: Provider
    fell_back: bool = False
    shown: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The committed text: what `draft` holds before the present round."""
        return joined(one.text for one in self.rounds)

    @property
    def done(self) -> bool:
        return bool(self.rounds) and not self.rounds[-1].calls


@dataclass(slots=True)
class _Heard:
    """What one model call said."""

    text: list[str] = field(default_factory=list)
    calls: list[ModelCall] = field(default_factory=list)
    spent: Spent = field(default_factory=Spent)
    reason: FinishReason = FinishReason.STOP
    understanding: Understanding | None = None


def joined(texts: Any) -> str:
    """The texts of rounds as one, so that offsets never go back within an attempt."""
    return "\n\n".join(text for text in texts if text)


class TurnRunner:
    """Runs one claimed turn to its end, or until the lease is lost. Never raises for the turn's own faults."""

    def __init__(self, engine: Engine, claimed: Claimed) -> None:
        self._engine = engine
        self._turn = claimed.turn
        self._message = claimed.message
        self._lease: Lease = claimed.lease
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
            await self._fail(*_told(error), retryable=error.retryable)
        except Exception as error:
            if lost_connection(error):
                # An outage is not the turn's end: its lease runs out, and a worker that reaches the database goes on.
                self._log.warning("database_lost", error=type(error).__name__)
                return
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
            heard = await self._ask(progress)
            await self._commit(progress, heard)
            await self._run_calls(progress)
        await self._finish(progress)

    async def _read(self) -> _Progress:
        async with self._engine.database.snapshot(self._lease.user_id) as session:
            conversation = await conversations.find(session, self._turn.conversation_id)
            if conversation is None:
                raise LeaseLost
            done, calls = await turns.read_progress(session, self._turn.id)
            history = await read_history(session, self._turn, conversation.context)
            settings = await read_settings(session)
        progress = _Progress(
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

    async def _ask(self, progress: _Progress) -> _Heard:
        """One round of the model: tried again where the fault may pass, answered by the fallback where it doesn't."""
        for attempt in range(1, TRIES + 1):
            try:
                return await self._listen(progress)
            except ProviderError as error:
                self._log.warning("model_call_failed", fault=error.fault.value, attempt=attempt)
                if error.retryable and attempt < TRIES and not progress.fell_back:
                    await self._start_anew(progress)
                    await self._engine.pause(min(error.retry_after or 0.25 * 2**attempt, LONGEST_WAIT))
                    continue
                if not self._may_fall_back(progress, error):
                    raise
                break
        assert self._engine.fallback is not None, "that is what _may_fall_back asks"
        progress.provider, progress.fell_back = self._engine.fallback, True
        await self._start_anew(progress)
        return await self._listen(progress)

    def _may_fall_back(self, progress: _Progress, error: ProviderError) -> bool:
        """Only where the model is out of reach and nothing was done yet: two minds must not finish one job."""
        done = any(call.status == ToolCallStatus.COMPLETED for call in progress.calls)
        return self._engine.fallback is not None and error.retryable and not done and not progress.fell_back

    async def _start_anew(self, progress: _Progress) -> None:
        progress.attempt += 1
        await self._work(lambda work: turns.start_anew(work, self._lease, progress.attempt))

    async def _listen(self, progress: _Progress) -> _Heard:
        heard = _Heard()
        before = progress.text
        base = f"{before}\n\n" if before else ""
        saver = _DraftSaver(self, progress.attempt)
        begun = False
        async with (
            DeltaWriter(self._engine.bus, self._turn.id, progress.attempt, base=utf16_length(before)) as deltas,
            aclosing(progress.provider.stream(self._prompt(progress), specs())) as events,
        ):
            async for event in events:
                match event:
                    case TextDelta(text):
                        piece = text if begun or not base else f"\n\n{text}"
                        begun = True
                        heard.text.append(text)
                        await deltas.add(piece)
                        await saver.maybe(base + "".join(heard.text))
                    case CallReady(call):
                        heard.calls.append(call)
                    case UsageReported(input_tokens, output_tokens):
                        heard.spent = Spent(input_tokens, output_tokens)
                    case Understood(intent, confidence, entities):
                        heard.understanding = Understanding(intent, confidence, entities)
                    case Finished(reason):
                        heard.reason = reason
        return heard

    def _prompt(self, progress: _Progress) -> Prompt:
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

    async def _commit(self, progress: _Progress, heard: _Heard) -> None:
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

    async def _run_calls(self, progress: _Progress) -> None:
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

    async def _run_call(self, progress: _Progress, call: ToolCall, raw: ModelCall) -> None:
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

    async def _finish(self, progress: _Progress) -> None:
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


class _DraftSaver:
    """Saves a running text a few times a second, fenced, so that a reload finds it."""

    def __init__(self, runner: TurnRunner, attempt: int) -> None:
        self._runner = runner
        self._attempt = attempt
        self._last = asyncio.get_running_loop().time()

    async def maybe(self, text: str) -> None:
        moment = asyncio.get_running_loop().time()
        if moment - self._last >= DRAFT_EVERY:
            self._last = moment
            runner = self._runner
            await runner._work(lambda work: turns.save_draft(work, runner._lease, self._attempt, text))


def _silent(calls: Sequence[ToolCall]) -> str:
    """What stands where the model said nothing at all."""
    done = sum(call.status == ToolCallStatus.COMPLETED for call in calls)
    return "Done." if done else "I have nothing to say to that."


def _told(error: ProviderError) -> tuple[ErrorCode, str]:
    match error.fault:
        case ProviderFault.TIMEOUT:
            return ErrorCode.ASSISTANT_TIMEOUT, "The model did not answer in time."
        case ProviderFault.RATE_LIMITED:
            return ErrorCode.ASSISTANT_UNAVAILABLE, "The model is busy; try again shortly."
        case ProviderFault.REFUSED:
            return ErrorCode.ASSISTANT_UNAVAILABLE, "The model refused the request; its settings need a look."
        case ProviderFault.UNAVAILABLE:
            return ErrorCode.ASSISTANT_UNAVAILABLE, "The model can't be reached."
