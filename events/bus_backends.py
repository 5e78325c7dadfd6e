"""Backends for broadcaster, by its public BroadcastBackend: they say when they are lost, and buffer within bounds.

broadcaster's own Redis backend loses its reader without a word, buffers without bound, opens a connection for every
publish under way and returns from subscribe before Redis has confirmed; its memory backend buffers without bound.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Sequence

from broadcaster import BroadcastBackend, Event

WAITING_IN_MEMORY = 1024


class LinkLost(Exception):
    """The broker is gone or answers no more. The message names no address and no secret."""


class Backend(BroadcastBackend):
    """What a link asks of a backend beyond broadcaster's own wishes.

    Joining and parting happen in `join` and `part`, for many channels at once. `subscribe` and `unsubscribe`, which
    broadcaster calls, find it done: where they fail or are cancelled, broadcaster's `finally` raises a KeyError that
    hides the cause, a cancellation too.
    """

    def __init__(self) -> None:
        self.lost: asyncio.Future[LinkLost] = asyncio.get_running_loop().create_future()
        self.listener_ended = False
        self._listening = asyncio.Event()
        self._ended = asyncio.Event()

    def lose(self, why: str) -> None:
        """Note that nothing more will be heard."""
        if not self.lost.done():
            self.lost.set_result(LinkLost(why))

    @abstractmethod
    async def join(self, channels: Sequence[str]) -> None:
        """Return once the broker sends what is published on these channels."""

    @abstractmethod
    async def part(self, channels: Sequence[str]) -> None:
        """Have the broker stop sending these channels."""

    @abstractmethod
    async def _read(self) -> Event:
        """The next message of a joined channel."""

    @abstractmethod
    async def _close(self) -> None:
        """Close all connections."""

    async def publish_all(self, messages: Sequence[tuple[str, str]]) -> None:
        """Publish (channel, message) pairs in order."""
        for channel, message in messages:
            await self.publish(channel, message)

    async def subscribe(self, group: str) -> None:
        pass

    async def unsubscribe(self, group: str) -> None:
        pass

    async def next_published(self) -> Event:
        """The next message. Once the link is lost it waits for its cancellation.

        Were it to raise, broadcaster's listener would die of it, and disconnect() raise in its turn instead of
        closing the connections.
        """
        self._listening.set()
        try:
            try:
                return await self._read()
            except Exception as error:  # whatever ends the reading (RedisError, OSError, a parser's fault): same cure
                self.lose(f"reading ended with {type(error).__name__}")
            never: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
            return await never
        except asyncio.CancelledError:
            self.listener_ended = True
            self._ended.set()
            self.lose("the listener was cancelled")
            raise

    async def disconnect(self) -> None:
        """Close the connections, after broadcaster's cancelled listener, which it doesn't wait for, has ended."""
        if self._listening.is_set():
            await self._ended.wait()
        else:
            await asyncio.sleep(0)  # cancelled before its first step: it ends in the loop's next turn
        await self._close()


class MemoryBackend(Backend):
    """Within one process. A publisher that outruns the listener waits."""

    def __init__(self) -> None:
        super().__init__()
        self._joined: set[str] = set()
        self._published: asyncio.Queue[Event] = asyncio.Queue(WAITING_IN_MEMORY)

    async def connect(self) -> None:
        pass

    async def join(self, channels: Sequence[str]) -> None:
        self._joined.update(channels)

    async def part(self, channels: Sequence[str]) -> None:
        self._joined.difference_update(channels)

    async def publish(self, channel: str, message: str) -> None:
        if channel in self._joined:
            await self._published.put(Event(channel, message))

    async def _read(self) -> Event:
        return await self._published.get()

    async def _close(self) -> None:
        pass
