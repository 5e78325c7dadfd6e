"""One round of the model: asked, tried again where the fault may pass, answered by the fallback, streamed and saved."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from assistant.progress import Engine, Progress
from assistant.providers.base import (
    CallReady,
    Finished,
    ModelCall,
    Prompt,
    ProviderError,
    ProviderFault,
    TextDelta,
    Understood,
    UsageReported,
)
from assistant.tools import specs
from core.errors import ErrorCode
from core.unit_of_work import UnitOfWork
from events.deltas import DeltaWriter, utf16_length
from models.enums import FinishReason, ToolCallStatus
from services import turns
from services.turns import Lease, Spent, Understanding

log = structlog.get_logger()

TRIES: Final = 3
"""Model calls of one round, the first included, where the fault may pass."""

LONGEST_WAIT: Final = 10.0
"""Seconds that a Retry-After may hold a turn."""

DRAFT_EVERY: Final = 0.3
"""Seconds between two saves of the draft."""

Work = Callable[[Callable[[UnitOfWork], Any]], Awaitable[Any]]


@dataclass(slots=True)
class Heard:
    """What one model call said."""

    text: list[str] = field(default_factory=list)
    calls: list[ModelCall] = field(default_factory=list)
    spent: Spent = field(default_factory=Spent)
    reason: FinishReason = FinishReason.STOP
    understanding: Understanding | None = None


class Asker:
    """Asks for the rounds of one turn, under its lease. Raises ProviderError and LeaseLost."""

    def __init__(self, engine: Engine, lease: Lease) -> None:
        self._engine = engine
        self._lease = lease
        self._log = log.bind(turn=str(lease.turn_id))

    async def _work(self, action: Callable[[UnitOfWork], Any]) -> Any:
        return await self._engine.database.work(self._lease.user_id, action)

    async def ask(self, progress: Progress, prompt: Prompt) -> Heard:
        """One round of the model: tried again where the fault may pass, answered by the fallback where it doesn't."""
        for attempt in range(1, TRIES + 1):
            try:
                return await self._listen(progress, prompt)
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
        return await self._listen(progress, prompt)

    def _may_fall_back(self, progress: Progress, error: ProviderError) -> bool:
        """Only where the model is out of reach and nothing was done yet: two minds must not finish one job."""
        done = any(call.status == ToolCallStatus.COMPLETED for call in progress.calls)
        return self._engine.fallback is not None and error.retryable and not done and not progress.fell_back

    async def _start_anew(self, progress: Progress) -> None:
        progress.attempt += 1
        await self._work(lambda work: turns.start_anew(work, self._lease, progress.attempt))

    async def _listen(self, progress: Progress, prompt: Prompt) -> Heard:
        heard = Heard()
        before = progress.text
        base = f"{before}\n\n" if before else ""
        saver = _DraftSaver(self._work, self._lease, progress.attempt)
        begun = False
        async with (
            DeltaWriter(self._engine.bus, self._lease.turn_id, progress.attempt, base=utf16_length(before)) as deltas,
            aclosing(progress.provider.stream(prompt, specs())) as events,
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


class _DraftSaver:
    """Saves a running text a few times a second, fenced, so that a reload finds it."""

    def __init__(self, work: Work, lease: Lease, attempt: int) -> None:
        self._work = work
        self._lease = lease
        self._attempt = attempt
        self._last = asyncio.get_running_loop().time()

    async def maybe(self, text: str) -> None:
        moment = asyncio.get_running_loop().time()
        if moment - self._last >= DRAFT_EVERY:
            self._last = moment
            await self._work(lambda work: turns.save_draft(work, self._lease, self._attempt, text))


def told(error: ProviderError) -> tuple[ErrorCode, str]:
    """What the turn's user is told of a fault."""
    match error.fault:
        case ProviderFault.TIMEOUT:
            return ErrorCode.ASSISTANT_TIMEOUT, "The model did not answer in time."
        case ProviderFault.RATE_LIMITED:
            return ErrorCode.ASSISTANT_UNAVAILABLE, "The model is busy; try again shortly."
        case ProviderFault.REFUSED:
            return ErrorCode.ASSISTANT_UNAVAILABLE, "The model refused the request; its settings need a look."
        case ProviderFault.UNAVAILABLE:
            return ErrorCode.ASSISTANT_UNAVAILABLE, "The model can't be reached."
