"""One life of the connection to the broker: a Broadcast, the channels it carries, and the probe that watches it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Any
from uuid import uuid4

from broadcaster import Broadcast, Event

from events.bus_backends import Backend, LinkLost
from events.subscription import Channel, Channels, Received

log = logging.getLogger(__name__)

BATCH = 500
"""Channels joined or left by one command."""


class _Sink:
    """Stands where broadcaster has a queue, which knows no bound: what comes is delivered at once."""

    __slots__ = ("_deliver",)

    def __init__(self, deliver: Callable[[str], None]) -> None:
        self._deliver = deliver

    async def put(self, event: Event) -> None:
        self._deliver(event.message)


class _Broadcast(Broadcast):
    """Without a queue, a task to empty it and a context for each of thousands of channels: docs/decisions/0039."""

    _subscribers: dict[str, Any]  # Any: sinks, in place of the sets of queues that broadcaster keeps there

    def carry(self, channel: str, deliver: Callable[[str], None]) -> None:
        """Deliver what comes on a channel that the backend has joined."""
        self._subscribers[channel] = (_Sink(deliver),)

    def drop(self, channel: str) -> None:
        """Deliver no more of it; parting from the channel is left to the backend."""
        del self._subscribers[channel]

    def drop_all(self) -> None:
        self._subscribers.clear()


class Link:
    """Lives until it is lost; the bus then makes another.

    One task alone joins and leaves channels, so a leave can't overlap a join and leave the newcomer deaf, and nobody's
    cancellation tears a join in half.
    """

    def __init__(
        self,
        backend: Backend,
        channels: Channels,
        *,
        answer_within: float,
        probe_every: float,
        on_overflow: Callable[[int], None],
    ) -> None:
        self.up = False
        self.proven = False
        self._backend = backend
        self._broadcast = _Broadcast(backend=backend)
        self._connected = False
        self._channels = channels
        self._answer_within = answer_within
        self._probe_every = probe_every
        self._on_overflow = on_overflow
        self._group = asyncio.TaskGroup()
        self._probe_channel = f"probe:{uuid4().hex}"
        self._probes = count()
        self._echo: tuple[str, asyncio.Future[None]] | None = None
        self._doubt = asyncio.Event()

    async def run(self, on_up: Callable[[], None]) -> None:
        """Connect, join every channel, call `on_up` and hold the link.

        Ends only by raising: LinkLost or the client's own error, in an ExceptionGroup, or its caller's cancellation.
        """
        try:
            async with self._group as group:
                group.create_task(self._serve(on_up))
                raise await self._backend.lost
        finally:
            self.up = False
            self._channels.lose_all()
            await self._close()

    async def publish_all(self, messages: Sequence[tuple[str, str]]) -> None:
        """Hand channels' messages to the broker in one go, in order. Raises what the client raises."""
        await self._backend.publish_all(messages)

    def end(self) -> None:
        """Have `run` close the connections and raise, as if the link were lost."""
        self._backend.lose("ended")

    def doubt(self) -> None:
        """Probe now: something went wrong that the link may not have noticed."""
        self._doubt.set()

    async def _serve(self, on_up: Callable[[], None]) -> None:
        async with self._bounded("connecting"):
            await self._broadcast.connect()
            self._connected = True
        async with self._bounded("joining the probe's channel"):
            await self._backend.join([self._probe_channel])
        self._broadcast.carry(self._probe_channel, self._heard_probe)
        await self._probe()
        self._channels.touch_all()
        await self._settle()
        self.up = True
        on_up()
        self._group.create_task(self._keep_probing())
        while True:
            await self._channels.changed.wait()
            await self._settle()

    async def _settle(self) -> None:
        """Bring the broker's subscriptions in line with who reads what."""
        touched = self._channels.take_touched()
        for batch in _batches([channel for channel in touched if channel.held]):
            await self._leave([channel for channel in batch if not channel.readers])
        for batch in _batches([channel for channel in touched if not channel.held]):
            await self._join([channel for channel in batch if channel.readers])

    async def _join(self, channels: Sequence[Channel]) -> None:
        if not channels:
            return
        for channel in channels:
            channel.held = True
        async with self._bounded("joining a channel"):
            await self._backend.join([channel.name for channel in channels])
        for channel in channels:
            self._broadcast.carry(channel.name, self._deliver_to(channel))
            channel.activate()

    async def _leave(self, channels: Sequence[Channel]) -> None:
        if not channels:
            return
        for channel in channels:
            channel.suspend()
            self._broadcast.drop(channel.name)
        async with self._bounded("leaving a channel"):
            await self._backend.part([channel.name for channel in channels])
        for channel in channels:
            channel.held = False
            self._channels.forget_unused(channel)

    def _deliver_to(self, channel: Channel) -> Callable[[str], None]:
        def deliver(message: str) -> None:
            overflowed = channel.deliver(Received(message))
            if overflowed:
                self._on_overflow(overflowed)

        return deliver

    async def _keep_probing(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._probe_every):
                    await self._doubt.wait()
            self._doubt.clear()
            await self._probe()
            self.proven = True

    async def _probe(self) -> None:
        """Publish to ourselves and wait for the echo: the whole way works or the link is lost."""
        token = str(next(self._probes))
        heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._echo = token, heard
        async with self._bounded("the probe's echo"):
            await self._broadcast.publish(self._probe_channel, token)
            await heard

    def _heard_probe(self, message: str) -> None:
        if self._echo is not None and self._echo[0] == message and not self._echo[1].done():
            self._echo[1].set_result(None)

    async def _close(self) -> None:
        self._broadcast.drop_all()
        try:
            async with asyncio.timeout(self._answer_within):
                if self._connected and not self._backend.listener_ended:
                    await self._broadcast.disconnect()
                else:  # its disconnect() would raise what ended the listener, and close nothing
                    await self._backend.disconnect()
        except Exception as error:  # a connection that is broken already may fail to close in any way
            log.debug("closing the broker's connection failed: %s", type(error).__name__)

    @asynccontextmanager
    async def _bounded(self, what: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._answer_within):
                yield
        except TimeoutError:
            raise LinkLost(f"{what} took longer than {self._answer_within:g} s") from None


def _batches(channels: Sequence[Channel]) -> Iterator[Sequence[Channel]]:
    return (channels[start : start + BATCH] for start in range(0, len(channels), BATCH))
