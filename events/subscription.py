"""The local side of the bus: a channel's readers, each with a bounded queue of its own. Knows no broker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal, Protocol

from core.gates import Bell, Gate


class Parcel(Protocol):
    """A value that is handed over as it is within a process, and as text between processes."""

    def encode(self) -> str:
        """What is sent to other processes. At most the bus' bound."""
        ...


@dataclass(frozen=True, slots=True)
class Received:
    """One message, as it was published; or the `parcel` itself, where it was sent or handed over in this process."""

    message: str
    parcel: object = None


@dataclass(frozen=True, slots=True)
class _Handed:
    """What another source hands over, in its place among the messages. `taken` is done when it was read."""

    received: Received
    taken: asyncio.Future[None]


class Marker(Enum):
    """What a subscription yields besides messages."""

    RESYNC = "resync"


RESYNC: Final = Marker.RESYNC
"""Messages may have been missed before this point: read the state again from where it is stored."""

Item = Received | Literal[Marker.RESYNC]


class Subscription:
    """An async iterator of what a channel brings; ends when it is left or the bus stops.

    At most `size` items wait. A reader that falls further behind loses all messages and finds RESYNC in their place,
    followed by what came after.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._items: list[Item | _Handed] = []  # a few at most, and mostly none: a deque takes 600 bytes
        self._more = Bell()
        self._closed = False
        self.owed_resync = False

    def put(self, item: Item) -> bool:
        """Queue an item. False where the queue was full and has been dropped for a RESYNC."""
        if self._closed or (item is RESYNC and self._items and self._items[-1] is RESYNC):
            return True
        fits = len(self._items) < self._size
        if not fits:
            self._items = [one for one in self._items if isinstance(one, _Handed)]
            self._items.append(RESYNC)
        if fits or item is not RESYNC:
            self._items.append(item)
        self._more.ring()
        return fits

    async def hand(self, parcel: object) -> None:
        """Queue what another source has, and wait until it was taken: that source can't run ahead of its reader."""
        handed = _Handed(Received("", parcel), asyncio.get_running_loop().create_future())
        self._items.append(handed)
        self._more.ring()
        await handed.taken

    def close(self) -> None:
        """End the iteration at once; what still waits is dropped."""
        self._closed = True
        self._items.clear()
        self._more.ring()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Item:
        while not self._items:
            if self._closed:
                raise StopAsyncIteration
            await self._more.wait()
        item = self._items.pop(0)
        if not isinstance(item, _Handed):
            return item
        if not item.taken.done():
            item.taken.set_result(None)
        return item.received


class Channel:
    """The readers of one channel, and where its one broker subscription stands.

    `held`: the present link has, asks for, or is giving up the broker subscription.
    `active`: the broker has confirmed it, so a message published from now on arrives.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.readers: set[Subscription] = set()
        self.held = False
        self.active = False
        self._settled = Gate(is_open=False)

    def deliver(self, received: Received) -> int:
        """Hand a message to every reader; the number of those whose queue overflowed."""
        return sum(not reader.put(received) for reader in self.readers)

    def activate(self) -> None:
        """The broker subscription stands: release who waits for it, tell the rest of the gap before it."""
        self.active = True
        self._settled.set()
        for reader in self.readers:
            if reader.owed_resync:
                reader.owed_resync = False
                reader.put(RESYNC)

    def suspend(self) -> None:
        """The broker subscription is being given up: newcomers wait for the next one."""
        self.active = False
        self._settled.clear()

    def lose(self) -> None:
        """The link is gone: every reader is owed a RESYNC, and nobody waits for it to come back."""
        self.held = self.active = False
        self._settled.set()
        for reader in self.readers:
            reader.owed_resync = True

    async def settled(self) -> None:
        """Wait until the broker subscription stands or the link is lost."""
        if not self.active:
            self._settled.clear()
            await self._settled.wait()


class Channels:
    """All channels that someone reads or that the link still holds, and which of them need the link's attention."""

    def __init__(self) -> None:
        self._by_name: dict[str, Channel] = {}
        self._touched: set[Channel] = set()
        self.changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._by_name)

    def enter(self, name: str, reader: Subscription) -> Channel:
        """Add a reader to the channel of that name."""
        channel = self._by_name.get(name)
        if channel is None:
            channel = self._by_name[name] = Channel(name)
        channel.readers.add(reader)
        if not channel.active:
            self._touch((channel,))
        return channel

    def leave(self, channel: Channel, reader: Subscription) -> None:
        """Take a reader out; a channel that nobody reads is forgotten once the link has let go of it."""
        reader.close()
        channel.readers.discard(reader)
        if not channel.readers:
            if channel.held:
                self._touch((channel,))
            else:
                self.forget_unused(channel)

    def deliver(self, name: str, received: Received) -> int:
        """Hand a message to the readers of a channel, as its broker would; the number of queues that overflowed."""
        channel = self._by_name.get(name)
        return channel.deliver(received) if channel is not None and channel.active else 0

    def forget_unused(self, channel: Channel) -> None:
        """Drop a channel without readers that no link holds."""
        if not channel.readers and not channel.held and self._by_name.get(channel.name) is channel:
            del self._by_name[channel.name]
            self._touched.discard(channel)

    def touch_all(self) -> None:
        """A new link has to look at every channel."""
        self._touch(self._by_name.values())

    def take_touched(self) -> set[Channel]:
        """The channels that joined or lost their readers since the last call."""
        touched, self._touched = self._touched, set()
        self.changed.clear()
        return touched

    def lose_all(self) -> None:
        """The link is gone."""
        for channel in list(self._by_name.values()):
            channel.lose()
            self.forget_unused(channel)

    def close_all(self) -> None:
        """The bus has stopped: every iteration ends."""
        for channel in self._by_name.values():
            channel.lose()
            for reader in channel.readers:
                reader.close()
        self._by_name.clear()
        self._touched.clear()

    def _touch(self, channels: Iterable[Channel]) -> None:
        self._touched.update(channels)
        self.changed.set()
