"""The heartbeat of a quiet connection: proxies keep it open, and a client can tell quiet from gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Heartbeat:
    """Calls `beat` after each span of `seconds` in which nothing was sent. One timer, whatever is sent."""

    def __init__(self, seconds: float, beat: Callable[[], None]) -> None:
        self._seconds = seconds
        self._beat = beat
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._timer = self._loop.call_later(seconds, self._look)

    def sent(self) -> None:
        """Something was sent just now."""
        self._last = self._loop.time()

    def stop(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        due = self._last + self._seconds
        if now >= due:
            self._beat()
            due = now + self._seconds
        self._timer = self._loop.call_at(due, self._look)
