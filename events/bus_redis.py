"""The Redis backend, and which URL gets which backend."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from broadcaster import Event
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import parse_url

from core.errors import ConfigurationError
from events.bus_backends import Backend, LinkLost, MemoryBackend

PREFIX = "tasktalk:"
"""Stands before every channel's name in Redis: its channels are shared by all databases of a server."""

PUBLISHERS = 8
"""Connections that publish at once; further publishes wait for one."""


class RedisBackend(Backend):
    """Redis publish/subscribe. The read-ahead is bounded by the socket's buffers: nothing is queued here."""

    def __init__(self, url: str, *, answer_within: float) -> None:
        super().__init__()
        self._client = Redis.from_pool(BlockingConnectionPool(**_connection_options(url, answer_within)))
        self._pubsub = self._client.pubsub()
        self._confirmations: dict[str, asyncio.Future[None]] = {}
        self._publishing = 0
        self._all_published = asyncio.Event()
        self._closing = False

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
        await self.publish_all([(channel, message)])

    async def publish_all(self, messages: Sequence[tuple[str, str]]) -> None:
        if self._closing:
            raise LinkLost("the link is being closed")
        self._publishing += 1
        try:
            if len(messages) == 1:
                await self._client.publish(PREFIX + messages[0][0], messages[0][1])
                return
            pipeline = self._client.pipeline(transaction=False)
            for channel, message in messages:
                pipeline.publish(PREFIX + channel, message)
            await pipeline.execute()
        finally:
            self._publishing -= 1
            if not self._publishing:
                self._all_published.set()

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
        """Close, which breaks off the publishes under way, and again: one that was connecting connects once more."""
        self._closing = True
        try:
            await self._pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py leaves it unannotated
            await self._client.aclose()
            while self._publishing:
                self._all_published.clear()
                await self._all_published.wait()
        finally:
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
    """A fresh backend for a URL that `check_url` has passed. `answer_within` seconds bound each connect."""
    if url.lower().startswith("memory://"):
        return MemoryBackend()
    return RedisBackend(url, answer_within=answer_within)


def _connection_options(url: str, answer_within: float) -> dict[str, Any]:  # Any: as the pool takes them
    """The URL's own options, overruled where the backend rests on one.

    No retries and no health check of the client's own: both would reconnect behind our back and hide the gap.
    No socket_timeout either: the client would send under asyncio.wait_for, which in Python 3.11 loses a cancellation
    that meets its end (gh-86296); whoever waits here sets the bound. RESP2, which every server and proxy speaks.
    """
    return {
        **parse_url(url),
        "protocol": 2,
        "decode_responses": False,
        "health_check_interval": 0,
        "retry_on_timeout": False,
        "socket_timeout": None,
        "socket_connect_timeout": answer_within,
        "max_connections": PUBLISHERS + 1,
        "timeout": answer_within,
    }
