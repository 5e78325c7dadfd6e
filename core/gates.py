"""A gate that is mostly open, for objects of which there are thousands."""

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
