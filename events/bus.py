"""The bus between processes: wake-ups and deltas, over broadcaster, supervised. Correctness never rests on it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from types import TracebackType

from events.bus_backends import LinkLost
from events.bus_link import Link
from events.bus_outbox import Messages, Outbox
from events.bus_redis import check_url, make_backend
from events.subscription import RESYNC, Channels, Parcel, Received, Subscription

__all__ = ["MAX_MESSAGE_BYTES", "RESYNC", "Backoff", "Bus", "BusStats", "Received", "Subscription"]

log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the next attempt to reach the broker, in seconds; half of it is jitter."""

    first: float = 0.1
    longest: float = 10.0

    def delay(self, failures: int) -> float:
        """The wait after that many attempts in a row that failed."""
        whole = min(self.longest, self.first * 2.0 ** min(failures, 32))
        return whole * random.uniform(0.5, 1)  # noqa: S311 - spreads the replicas' attempts; no secret


@dataclass(slots=True)
class BusStats:
    """Counts since the bus was made.

    `published`: handed to the broker. `dropped`: not handed over, for the broker was away or too slow.
    `rebuilt`: connections that replaced a lost one. `overflowed`: readers' queues dropped for a RESYNC.
    """

    published: int = 0
    dropped: int = 0
    rebuilt: int = 0
    overflowed: int = 0


class Bus:
    """Carries short messages between the readers and writers of channels in all processes of one broker.

    Local readers of one channel share one broker subscription. When the connection is lost (its end is noticed, or a
    probe isn't heard), it is rebuilt with backoff, every channel is joined again and every reader gets RESYNC. While
    it is away messages are dropped and counted.

    Times are seconds. `answer_within` bounds connecting, joining and the probe's echo; `publish_within` a publish.
    Raises ConfigurationError for a URL that isn't memory://, redis:// or rediss://.
    """

    def __init__(
        self,
        url: str,
        *,
        probe_every: float = 5.0,
        answer_within: float = 2.0,
        publish_within: float = 1.0,
        backoff: Backoff | None = None,
        queue_size: int = 256,
    ) -> None:
        if queue_size < 2:
            raise ValueError("queue_size: at least 2, room for a RESYNC and what follows it")
        self._broker = check_url(url)
        self._url = url
        self._probe_every = probe_every
        self._answer_within = answer_within
        self._publish_within = publish_within
        self._backoff = backoff or Backoff()
        self._queue_size = queue_size
        self._stats = BusStats()
        self._channels = Channels()
        self._outbox = Outbox(self._hand_over)
        self._sender: asyncio.Task[None] | None = None
        self._link: Link | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._attempted = asyncio.Event()
        self._was_up = False
        self._stopping = asyncio.Event()

    @property
    def healthy(self) -> bool:
        """Whether the last probe came back and nothing has been lost since."""
        return self._link is not None and self._link.up

    @property
    def stats(self) -> BusStats:
        """A copy of the counts."""
        return replace(self._stats)

    async def start(self) -> None:
        """Begin; returns after the first attempt to connect, whether or not it succeeded. To be called once."""
        if self._supervisor is not None or self._stopping.is_set():
            raise RuntimeError("a bus starts once")
        self._supervisor = asyncio.create_task(self._supervise(), name="bus")
        self._sender = asyncio.create_task(self._outbox.run(), name="bus-outbox")
        try:
            await self._attempted.wait()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End every subscription, close the connections and wait for all tasks. Calling it again does nothing."""
        self._stopping.set()
        self._channels.close_all()
        if self._link is not None:
            self._link.end()
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.wait([self._sender])
        if self._supervisor is not None:  # asked to end, not cancelled: it may be closing a lost link's connections
            await asyncio.wait([self._supervisor])

    async def __aenter__(self) -> Bus:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def publish(self, channel: str, message: bytes | str) -> None:
        """Send a wake-up or a delta: UTF-8 text of at most 64 KiB.

        Never raises for a fault of the broker and takes `publish_within` at most: what can't be sent is dropped and
        counted. Raises ValueError for a message that is too long or isn't text.
        """
        await self._hand_over([(channel, _checked(message))])

    def send(self, channel: str, parcel: Parcel) -> None:
        """Send a value, and wait for nothing: what can't be sent is dropped and counted.

        In one process the readers get the value itself, at once. Otherwise it goes as text, together with what else is
        sent until the broker has taken what went before; it keeps its place among what is sent, not among what is
        published.
        """
        if self._broker != "memory":
            self._stats.dropped += not self._outbox.put(channel, _checked(parcel.encode()))
        elif self.healthy:
            self._stats.published += 1
            self._stats.overflowed += self._channels.deliver(channel, Received("", parcel))
        else:
            self._stats.dropped += 1

    async def _hand_over(self, messages: Messages) -> None:
        """Have the broker publish them, or drop them."""
        link = self._link
        if link is None or not link.up:
            self._stats.dropped += len(messages)
            return
        try:
            async with asyncio.timeout(self._publish_within):
                await link.publish_all(messages)
        except Exception:  # the client's failures are no one tree: RedisError, OSError, RuntimeError of a closing pool
            self._stats.dropped += len(messages)
            link.doubt()
        else:
            self._stats.published += len(messages)

    @asynccontextmanager
    async def subscribe(self, channel: str) -> AsyncIterator[Subscription]:
        """Read a channel.

        On a healthy bus the block begins once the broker has confirmed: what is published from then on arrives. On an
        unhealthy one it begins at once, and RESYNC arrives when the broker is back.
        """
        reader = Subscription(self._queue_size)
        if self._stopping.is_set():
            reader.close()
            yield reader
            return
        entered = self._channels.enter(channel, reader)
        try:
            if self.healthy:
                await entered.settled()
            if not entered.active:
                reader.owed_resync = True
            yield reader
        finally:
            self._channels.leave(entered, reader)

    async def _supervise(self) -> None:
        """Make a link, and another when it is lost, until stopped."""
        failures = 0
        while not self._stopping.is_set():
            link = self._link = Link(
                make_backend(self._url, answer_within=self._answer_within),
                self._channels,
                answer_within=self._answer_within,
                probe_every=self._probe_every,
                on_overflow=self._count_overflow,
            )
            try:
                await link.run(self._came_up)
            except Exception as error:  # whatever ended the link, the cure is the same: another one
                if not self._stopping.is_set():
                    level = logging.DEBUG if failures else logging.WARNING
                    log.log(level, "the bus lost %s: %s", self._broker, _cause(error))
            finally:
                self._attempted.set()
            failures = 0 if link.proven else failures + 1
            with suppress(TimeoutError):
                async with asyncio.timeout(self._backoff.delay(failures)):
                    await self._stopping.wait()

    def _came_up(self) -> None:
        log.info("the bus is connected to %s", self._broker)
        if self._was_up:
            self._stats.rebuilt += 1
        self._was_up = True
        self._attempted.set()

    def _count_overflow(self, readers: int) -> None:
        self._stats.overflowed += readers


def _checked(message: bytes | str) -> str:
    try:
        data = message.encode() if isinstance(message, str) else message
        text = message if isinstance(message, str) else message.decode()
    except UnicodeError:
        raise ValueError("message: must be UTF-8 text") from None
    if len(data) > MAX_MESSAGE_BYTES:
        raise ValueError(f"message: at most {MAX_MESSAGE_BYTES} bytes, got {len(data)}")
    return text


def _cause(error: BaseException) -> str:
    """What to log of a failure: our own words, or a foreign error's name only, for its text may hold a secret."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) if isinstance(error, LinkLost) else type(error).__name__
