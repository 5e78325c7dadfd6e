"""What is sent without waiting: gathered while the broker takes what went before, and handed over together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

WAITING: Final = 4096
"""Messages that wait for a broker at most."""

Messages = Sequence[tuple[str, str]]
"""Pairs of channel and message, in order."""


class Outbox:
    """Owned by the bus, which runs it and cancels it. `deliver` must not raise."""

    def __init__(self, deliver: Callable[[Messages], Awaitable[None]]) -> None:
        self._deliver = deliver
        self._waiting: list[tuple[str, str]] = []
        self._more = asyncio.Event()

    def put(self, channel: str, message: str) -> bool:
        """Queue a message. False where too many wait: it was dropped."""
        if len(self._waiting) >= WAITING:
            return False
        self._waiting.append((channel, message))
        self._more.set()
        return True

    async def run(self) -> None:
        """Send for ever."""
        while True:
            await self._more.wait()
            self._more.clear()
            messages, self._waiting = self._waiting, []
            await self._deliver(messages)
