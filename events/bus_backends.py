"""Backends for broadcaster, by its public BroadcastBackend: they say when they are lost, and buffer within bounds.

broadcaster's own Redis backend loses its reader without a word, buffers without bound, opens a connection for every
publish under way and returns from subscribe before Redis has confirmed; its memory backend buffers without bound.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from broadcaster import BroadcastBackend, Event
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import parse_url

from core.errors import ConfigurationError

PREFIX = "tasktalk:"
"""Stands before every channel's name in Redis: its channels are shared by all databases of a server."""

PUBLISHERS = 8
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


class RedisBackend(Backend):
    """Redis publish/subscribe. The read-ahead is bounded by the socket's buffers: nothing is queued here."""

    def __init__(self, url: str, *, answer_within: float) -> None:
        super().__init__()
        self._client = Redis.from_pool(BlockingConnectionPool(**_connection_options(url, answer_within)))
        self._pubsub = self._client.pubsub()
        self._confirmations: dict[str, asyncio.Future[None]] = {}

    async def connect(self) -> None:
        await self._pubsub.connect()  # type: ignore[no-untyped-call]  # redis-py leaves it unannotated

    async def join(self, channels: Sequence[str]) -> None:
        loop = asyncio.get_running_loop()
        asked = {PREFIX + channel: loop.create_future() for channel in channels}
        self._confirmations.update(asked)
        await self._pubsub.subscribe(*asked)
        for confirmation in asked.values():
            await confirmation

    async def part(self, channels: Sequence[str]) -> None:
        await self._pubsub.unsubscribe(*(PREFIX + channel for channel in channels))

    async def publish(self, channel: str, message: str) -> None:
        await self._client.publish(PREFIX + channel, message)

    async def _read(self) -> Event:
        while True:
            message = await self._pubsub.get_message(timeout=None)
            if message is None:
                continue
            channel = message["channel"].decode(errors="replace")
            if message["type"] == "message":
                # Others can publish here too: bytes that aren't UTF-8 must not end the reading.
                return Event(channel.removeprefix(PREFIX), message["data"].decode(errors="replace"))
            confirmation = self._confirmations.pop(channel, None) if message["type"] == "subscribe" else None
            if confirmation is not None and not confirmation.done():
                confirmation.set_result(None)

    async def _close(self) -> None:
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it unannotated
        await self._client.aclose()


def check_url(url: str) -> str:
    """The broker's name for the log, without credentials. Raises ConfigurationError for a URL that can't be used."""
    scheme = url.partition("://")[0].lower()
    if scheme == "memory":
        return "memory"
    if scheme not in ("redis", "rediss"):
        raise ConfigurationError("BROADCAST_URL: give memory://, redis:// or rediss://.")
    try:
        options = _connection_options(url, answer_within=1)
        BlockingConnectionPool(**options).make_connection()  # type: ignore[no-untyped-call]  # unannotated in redis-py
        address = urlsplit(url)
        return f"{address.hostname or 'localhost'}:{address.port or 6379}"
    except Exception:  # many kinds (ValueError, TypeError, RedisError), and their texts can quote the password
        raise ConfigurationError("BROADCAST_URL: not a Redis URL that the client understands.") from None


def make_backend(url: str, *, answer_within: float) -> Backend:
    """A fresh backend for a URL that `check_url` has passed. Seconds bound each connect and each publish."""
    if url.lower().startswith("memory://"):
        return MemoryBackend()
    return RedisBackend(url, answer_within=answer_within)


def _connection_options(url: str, answer_within: float) -> dict[str, Any]:  # Any: as the pool takes them
    """The URL's own options, overruled where the backend rests on one.

    No retries and no health check of the client's own: both would reconnect behind our back and hide the gap.
    RESP2, which every server and proxy speaks.
    """
    return {
        **parse_url(url),
        "protocol": 2,
        "decode_responses": False,
        "health_check_interval": 0,
        "retry_on_timeout": False,
        "socket_timeout": answer_within,
        "socket_connect_timeout": answer_within,
        "max_connections": PUBLISHERS + 1,
        "timeout": answer_within,
    }
