"""One model call: its events put together, and its text cut, streamed and saved as it grows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from assistant.drafts import Kept
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
from events.deltas import DeltaWriter
from models.conversations import MESSAGE_LIMIT
from models.enums import FinishReason
from services.turns import Spent, Understanding


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
    """Hears one attempt of a round. `running` is its text so far, which `kept` saves."""

    def __init__(self, running: RunningText, kept: Kept) -> None:
        self.running = running
        self._heard = Heard()
        self._kept = kept

    async def hear(self, events: AsyncGenerator[ProviderEvent, None], deltas: DeltaWriter) -> Heard:
        """All that a model call says. Raises ProviderError, with what was said until then saved, and LeaseLost."""
        try:
            fault = await self._hear(events, deltas)
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        if fault is not None:
            await self._kept.save()
            raise fault
        self._heard.text = self.running.text
        if self.running.cut:
            self._heard.reason = FinishReason.LENGTH
        return self._heard

    async def _hear(self, events: AsyncGenerator[ProviderEvent, None], deltas: DeltaWriter) -> ProviderError | None:
        async with asyncio.TaskGroup() as group:  # a turn that was lost ends the call
            losing = group.create_task(_fail_with(self._kept.lost), name="draft")
            fault = None
            try:
                with deltas:
                    async with aclosing(events):
                        async for event in events:
                            self._take(event, deltas)
            except ProviderError as error:
                fault = error
            losing.cancel()
        return fault

    def _take(self, event: ProviderEvent, deltas: DeltaWriter) -> None:
        match event:
            case TextDelta(text):
                if grown := self.running.add(text):
                    deltas.add(grown)
                    self._kept.grow()
            case CallReady(call):
                self._heard.calls.append(call)
            case UsageReported(input_tokens, output_tokens):
                self._heard.spent = Spent(input_tokens, output_tokens)
            case Understood(intent, confidence, entities):
                self._heard.understanding = Understanding(intent, confidence, entities)
            case Finished(reason):
                self._heard.reason = reason


async def _fail_with(lost: asyncio.Future[None]) -> None:
    await asyncio.wait([lost])  # is not cancelled with who waits for it
    lost.result()
