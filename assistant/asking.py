"""One round of the model: asked, tried again where the fault may pass, answered by the fallback where it doesn't."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import structlog

from assistant.listening import Heard, Listener, RunningText
from assistant.progress import Engine, Progress
from assistant.providers.base import AssistantSaid, Prompt, ProviderError, ProviderFault, UserSaid
from assistant.tools import specs
from core import clock
from core.errors import ErrorCode
from core.unit_of_work import UnitOfWork
from events.deltas import DeltaWriter, utf16_length
from models.enums import FinishReason, ToolCallStatus, TurnNotice
from services import turns
from services.turns import Lease, Spent

log = structlog.get_logger()

TRIES: Final = 3
"""Model calls of one round, the first included, where the fault may pass."""

TIMEOUTS: Final = 2
"""How many of them may end by silence, so that no turn is silent for long."""

FIRST_WAIT: Final = 0.5
"""Seconds before the second try; each further one waits twice as long."""

LONGEST_WAIT: Final = 10.0
"""Seconds that a Retry-After may hold a turn. A longer one is not asked again too early: it isn't asked again."""


@dataclass(slots=True)
class _Patience:
    """What a round bears of its provider."""

    failures: int = 0
    timeouts: int = 0
    silent_once: bool = False

    def wait_after(self, error: ProviderError) -> float | None:
        """Seconds until the next try; None where there is none."""
        self.failures += 1
        self.timeouts += error.fault is ProviderFault.TIMEOUT
        if not error.retryable or self.failures >= TRIES or self.timeouts >= TIMEOUTS:
            return None
        wait = max(error.retry_after or 0.0, FIRST_WAIT * 2 ** (self.failures - 1))
        return wait if wait <= LONGEST_WAIT else None

    def asks_again_after(self, heard: Heard) -> bool:
        """An answer with nothing in it gets one more chance, where the model doesn't say why it is empty."""
        empty = not heard.text and not heard.calls and heard.reason is FinishReason.STOP
        again, self.silent_once = empty and not self.silent_once, self.silent_once or empty
        return again


class Asker:
    """Asks for the rounds of one turn, under its lease."""

    def __init__(self, engine: Engine, lease: Lease) -> None:
        self._engine = engine
        self._lease = lease
        self._log = log.bind(turn=str(lease.turn_id))
        self._running = RunningText("")
        self._asked: tuple[Progress, int] | None = None
        self._fallback_from = 0

    @property
    def text_so_far(self) -> str:
        """The text of the round under way, also after `ask` was cancelled; empty once the round is committed."""
        if self._asked is None:
            return ""
        progress, number = self._asked
        return self._running.text if len(progress.rounds) == number else ""

    async def ask(self, progress: Progress, prompt: Prompt) -> Heard:
        """One round. Raises ProviderError and LeaseLost. Cancelling it closes the model call at once."""
        patience = _Patience()
        while True:
            try:
                heard = await self._listen(progress, prompt)
            except ProviderError as error:
                await self._go_on_after(error, progress, patience)
                continue
            if progress.text or not patience.asks_again_after(heard):
                return heard
            await self._start_anew(progress, TurnNotice.RETRYING, spent=heard.spent)

    async def _go_on_after(self, error: ProviderError, progress: Progress, patience: _Patience) -> None:
        """Wait for the next try, or let the fallback have it. Raises the error where there is neither."""
        self._log.warning("model_call_failed", fault=error.fault.value, attempt=progress.attempt)
        wait = None if progress.fell_back else patience.wait_after(error)
        if wait is not None:
            await self._start_anew(progress, TurnNotice.RETRYING, wait=wait)
            await self._engine.pause(wait)
        elif self._engine.fallback is not None and self._may_fall_back(progress, error):
            progress.provider, progress.fell_back = self._engine.fallback, True
            self._fallback_from = len(progress.rounds)
            await self._start_anew(progress, TurnNotice.FALLBACK)
        else:
            raise error

    def _may_fall_back(self, progress: Progress, error: ProviderError) -> bool:
        """Only where the model is out of reach and nothing was done yet: two minds must not finish one job."""
        done = any(call.status == ToolCallStatus.COMPLETED for call in progress.calls)
        return error.retryable and not done and not progress.fell_back

    async def _start_anew(
        self, progress: Progress, notice: TurnNotice, *, wait: float | None = None, spent: Spent | None = None
    ) -> None:
        progress.attempt += 1
        progress.noticed = True
        until = None if wait is None else clock.now() + timedelta(seconds=wait)
        values: dict[str, Any] = {"text": progress.text, "until": until, "spent": spent}
        await self._work(lambda work: turns.start_anew(work, self._lease, progress.attempt, notice, **values))
        self._running = RunningText(progress.text)

    async def _work(self, action: Callable[[UnitOfWork], Any]) -> Any:
        return await self._engine.database.work(self._lease.user_id, action)

    async def _listen(self, progress: Progress, prompt: Prompt) -> Heard:
        before = progress.text
        self._asked = progress, len(progress.rounds)
        self._running = RunningText(before)
        if progress.fell_back:
            prompt = without_rounds(prompt, self._fallback_from)
        deltas = DeltaWriter(self._engine.bus, self._lease.turn_id, progress.attempt, base=utf16_length(before))
        running = self._running
        async with self._engine.drafts.keeping(self._lease, progress.attempt, lambda: running.draft) as kept:
            return await Listener(running, kept).hear(progress.provider.stream(prompt, specs()), deltas)


def without_rounds(prompt: Prompt, count: int) -> Prompt:
    """The prompt without the first rounds of the present turn, for who takes the turn over from another provider."""
    said = max(place for place, item in enumerate(prompt.items) if isinstance(item, UserSaid))
    left = list(prompt.items[said + 1 :])
    begun = [place for place, item in enumerate(left) if isinstance(item, AssistantSaid)]
    kept = left[begun[count] :] if count < len(begun) else []
    return replace(prompt, items=(*prompt.items[: said + 1], *kept))


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
