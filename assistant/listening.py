"""One model call: its events put together, and its text cut, streamed and saved as it grows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from assistant.providers.base import (
    CallReady,
    Finished,
    ModelCall,
    ProviderError,
    ProviderEvent,
    TextDelta,
    Understood,
    UsageReported,
)
from core.database import is_away
from core.unit_of_work import UnitOfWork
from events.deltas import DeltaWriter
from models.conversations import MESSAGE_LIMIT
from models.enums import FinishReason
from services import turns
from services.turns import Lease, Spent, Understanding

log = structlog.get_logger()

DRAFT_EVERY: Final = 0.3
"""Seconds within which text that was said is saved."""

Work = Callable[[Callable[[UnitOfWork], Any]], Awaitable[Any]]


@dataclass(slots=True)
class Heard:
    """What one model call said."""

    text: str = ""
    calls: list[ModelCall] = field(default_factory=list)
    spent: Spent = field(default_factory=Spent)
    reason: FinishReason = FinishReason.STOP
    understanding: Understanding | None = None


class RunningText:
    """The text of a round as the reply will have it: without white space at its ends, and no longer than a message has
    room for `after` the text of the rounds before."""

    def __init__(self, after: str) -> None:
        self.cut = False
        self._after = after
        self._break = "\n\n" if after else ""
        self._room = MESSAGE_LIMIT - len(after) - len(self._break)
        self._said: list[str] = []
        self._size = 0
        self._held = ""

    @property
    def text(self) -> str:
        """The round's own text."""
        return "".join(self._said)

    @property
    def draft(self) -> str:
        """The text of all rounds."""
        return self._after + self._break + self.text if self._said else self._after

    def add(self, piece: str) -> str:
        """What the draft grows by. White space is held back until something follows it."""
        if self.cut:
            return ""
        piece = self._held + piece
        if not self._said:
            piece = piece.lstrip()
        kept = piece.rstrip()
        self._held = piece[len(kept) :][:MESSAGE_LIMIT]
        if self._size + len(kept) > self._room:
            self.cut = True
            kept = kept[: max(0, self._room - self._size)].rstrip()
        if not kept:
            return ""
        grown = kept if self._said else self._break + kept
        self._said.append(kept)
        self._size += len(kept)
        return grown


class Listener:
    """Hears one attempt of a round. `running` is its text so far."""

    def __init__(self, work: Work, lease: Lease, attempt: int, running: RunningText) -> None:
        self.running = running
        self._heard = Heard()
        self._saver = _DraftSaver(work, lease, attempt, running)

    async def hear(self, events: AsyncGenerator[ProviderEvent, None], deltas: DeltaWriter) -> Heard:
        """All that a model call says. Raises ProviderError, with what was said until then saved, and LeaseLost."""
        try:
            fault = await self._hear(events, deltas)
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        if fault is not None:
            await self._saver.save()
            raise fault
        self._heard.text = self.running.text
        if self.running.cut:
            self._heard.reason = FinishReason.LENGTH
        return self._heard

    async def _hear(self, events: AsyncGenerator[ProviderEvent, None], deltas: DeltaWriter) -> ProviderError | None:
        async with asyncio.TaskGroup() as group:  # a saver that fails ends the call
            saving = group.create_task(self._saver.run(), name="draft")
            fault = None
            try:
                async with deltas, aclosing(events):
                    async for event in events:
                        await self._take(event, deltas)
            except ProviderError as error:
                fault = error
            async with self._saver.between_saves:
                saving.cancel()
        return fault

    async def _take(self, event: ProviderEvent, deltas: DeltaWriter) -> None:
        match event:
            case TextDelta(text):
                if grown := self.running.add(text):
                    await deltas.add(grown)
                    self._saver.grown.set()
            case CallReady(call):
                self._heard.calls.append(call)
            case UsageReported(input_tokens, output_tokens):
                self._heard.spent = Spent(input_tokens, output_tokens)
            case Understood(intent, confidence, entities):
                self._heard.understanding = Understanding(intent, confidence, entities)
            case Finished(reason):
                self._heard.reason = reason


class _DraftSaver:
    """Saves a running text a few times a second while it grows, fenced, so that a reload finds it."""

    def __init__(self, work: Work, lease: Lease, attempt: int, running: RunningText) -> None:
        self.grown = asyncio.Event()
        self.between_saves = asyncio.Lock()
        """Whoever holds it stops the saver in no statement's midst, which would cost the connection."""
        self._work = work
        self._lease = lease
        self._attempt = attempt
        self._running = running

    async def run(self) -> None:
        """Save for ever. Raises LeaseLost."""
        while True:
            await asyncio.sleep(DRAFT_EVERY)
            await self.grown.wait()
            await self.save()

    async def save(self) -> None:
        """Save what is new. A database that is away is tried again at the next save: the round's commit decides."""
        async with self.between_saves:
            if not self.grown.is_set():
                return
            self.grown.clear()
            draft = self._running.draft
            try:
                await self._work(lambda work: turns.save_draft(work, self._lease, self._attempt, draft))
            except Exception as error:
                if not is_away(error):
                    raise
                log.warning("draft_not_saved", turn=str(self._lease.turn_id), error=type(error).__name__)
                self.grown.set()
