"""How many requests a user may make of one process."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

from core.errors import RequestError, RequestErrorCode

WINDOW: Final = 60.0
"""Seconds of a window."""


class RequestCounter:
    """Requests a user and minute. The windows are the same for all users; `limit` 0 counts nothing."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._window = 0.0
        self._used: Counter[str] = Counter()

    def count(self, user_id: str) -> None:
        """Count a request. Raises RequestError RATE_LIMITED past the limit, with the seconds to the next window."""
        if not self._limit:
            return
        window, elapsed = divmod(self._clock(), WINDOW)
        if window != self._window:
            self._window = window
            self._used.clear()
        if self._used[user_id] >= self._limit:
            message = f"Requests are limited to {self._limit} a minute."
            raise RequestError(RequestErrorCode.RATE_LIMITED, message, retry_after=WINDOW - elapsed)
        self._used[user_id] += 1
