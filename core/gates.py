"""What waiting needs of objects of which there are thousands: a gate that is mostly open, and a bell for one waiter."""

from __future__ import annotations

import asyncio


class Gate:
    """What asyncio.Event is, for the little that is used of it; an event takes 800 bytes where this takes 40."""

    __slots__ = ("_shut",)

    def __init__(self, *, is_open: bool) -> None:
        self._shut: asyncio.Event | None = None if is_open else asyncio.Event()

    def clear(self) -> None:
        if self._shut is None:
            self._shut = asyncio.Event()

    def set(self) -> None:
        shut, self._shut = self._shut, None
        if shut is not None:
            shut.set()

    async def wait(self) -> None:
        while self._shut is not None:
            await self._shut.wait()


class Bell:
    """Wakes the one who waits; rung where nobody does it is not remembered. A future, where an event holds a queue."""

    __slots__ = ("_waiter",)

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None

    def ring(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self) -> None:
        """Until it is rung. One waits at a time."""
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
