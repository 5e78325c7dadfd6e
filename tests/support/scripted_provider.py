"""A provider in the test's own process: it says what it is told to, in order, and can be made to wait in mid-answer."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from assistant.providers.base import (
    CallReady,
    Finished,
    ModelCall,
    Prompt,
    ProviderEvent,
    TextDelta,
    ToolSpec,
    UsageReported,
)
from models.enums import FinishReason
from tests.support.reading import GUARD


def call(name: str, **arguments: Any) -> ModelCall:  # Any: JSON
    return ModelCall("", name, json.dumps(arguments))


@dataclass(frozen=True)
class Said:
    """One round: its text, and then its calls. With `hold` it waits after the text until it is released."""

    text: str = ""
    calls: Sequence[ModelCall] = ()
    hold: bool = False
    tokens: tuple[int, int] = (7, 3)


@dataclass
class Scripted:
    """`prompts` are those it was asked with; `open` counts the answers under way."""

    name: str = "scripted"
    prompts: list[Prompt] = field(default_factory=list)
    open: int = 0
    _script: deque[Said] = field(default_factory=deque)
    _released: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _holding: int = 0

    def then(self, *rounds: Said | str) -> None:
        """What it says next; a plain text is a round without calls."""
        self._script.extend(one if isinstance(one, Said) else Said(one) for one in rounds)

    def release(self) -> None:
        self._released.set()

    async def holds(self) -> None:
        """Wait until an answer waits in its midst."""
        async with asyncio.timeout(GUARD), self._changed:
            await self._changed.wait_for(lambda: self._holding > 0)

    async def closed(self) -> None:
        """Wait until no answer is under way."""
        async with asyncio.timeout(GUARD), self._changed:
            await self._changed.wait_for(lambda: self.open == 0)

    async def stream(self, prompt: Prompt, tools: Sequence[ToolSpec]) -> AsyncIterator[ProviderEvent]:
        said = self._script.popleft()
        self.prompts.append(prompt)
        self.open += 1
        try:
            if said.text:
                yield TextDelta(said.text)
            if said.hold:
                await self._hold()
            for number, one in enumerate(said.calls):
                yield CallReady(ModelCall(f"call_{number}", one.name, one.arguments))
            yield UsageReported(*said.tokens)
            yield Finished(FinishReason.STOP)
        finally:
            self.open -= 1
            async with self._changed:
                self._changed.notify_all()

    async def _hold(self) -> None:
        self._holding += 1
        async with self._changed:
            self._changed.notify_all()
        try:
            await self._released.wait()
        finally:
            self._holding -= 1

    async def aclose(self) -> None:
        """Nothing is held."""
