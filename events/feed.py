"""One user's feed within a process: the log is read once a wake-up and handed to all of the user's followers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from uuid import UUID

from core.errors import UserGone
from core.gates import Gate
from events.reading import Page, Resync
from events.subscription import RESYNC, Subscription
from models.changes import LoggedChange


class Stopped(Exception):
    """The hub stops while the database is away."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Batch:
    """The log from `first_seq` to `up_to`, both included, without a gap.

    Followers of one user share the object; it hashes by identity, so what is made of it can be kept beside it.
    """

    user_id: str
    changes: tuple[LoggedChange, ...]
    first_seq: int
    up_to: int
    going_on: frozenset[UUID | None] = frozenset()
    """Turns of it that surely haven't ended: known of what this process has committed."""
    rows: Mapping[UUID | None, object] = field(default_factory=dict)
    """Rows of its entities as they were committed with it, by id: likewise."""

    def after(self, seq: int) -> Batch:
        """What of it comes after `seq`."""
        if seq < self.first_seq:
            return self
        kept = tuple(change for change in self.changes if change.seq > seq)
        return replace(self, changes=kept, first_seq=seq + 1)


class Follower:
    """One reader of a feed: its place, and the batches that wait for it.

    While it is `live` the feed brings it batches; otherwise it reads the log by itself, from its own place. At most
    `size` changes wait (a single batch may be larger). `wake` is called when a batch is there, or it isn't live any
    more; without it `next` waits for either.
    """

    __slots__ = ("_more", "_queued_to", "_size", "_waiting", "_wake", "_weight", "after_seq", "epoch", "live")

    def __init__(self, after_seq: int, epoch: UUID | None, size: int, wake: Callable[[], None] | None = None) -> None:
        self.after_seq = after_seq
        self.epoch = epoch
        self.live = False
        self._size = size
        self._wake = wake
        self._waiting: list[Batch] = []  # a few at most, and mostly none: a deque takes 600 bytes
        self._weight = 0
        self._queued_to = after_seq
        self._more: asyncio.Event | None = None

    def go_live(self) -> None:
        self._queued_to = self.after_seq
        self.live = True

    def offer(self, batch: Batch) -> bool:
        """Queue what is new of a batch. False where the follower is too slow for it and must read for itself."""
        if batch.up_to <= self._queued_to:
            return True
        fits = not self._waiting or self._weight + len(batch.changes) <= self._size
        if not fits or batch.first_seq > self._queued_to + 1:
            return False
        self._waiting.append(batch.after(self._queued_to))
        self._weight += len(self._waiting[-1].changes)
        self._queued_to = batch.up_to
        self._tell()
        return True

    def drop(self) -> None:
        """Out of the feed: what waits is let go, its owner reads from its own place."""
        self.live = False
        self._waiting.clear()
        self._weight = 0
        self._tell()

    @property
    def waiting(self) -> bool:
        """Whether a batch waits."""
        return bool(self._waiting)

    def take(self) -> Batch | None:
        """The next batch that waits, if one does."""
        if not self._waiting:
            return None
        batch = self._waiting.pop(0)
        self._weight -= len(batch.changes)
        self.after_seq = batch.up_to
        return batch

    async def next(self) -> Batch | None:
        """The next batch, or None once it isn't live any more."""
        if self._more is None:
            self._more = asyncio.Event()
        while self.live and not self._waiting:
            self._more.clear()
            await self._more.wait()
        return self.take()

    def _tell(self) -> None:
        if self._more is not None:
            self._more.set()
        if self._wake is not None:
            self._wake()


class Feed:
    """Listens to a user's wake-ups and reads the log for the live followers.

    `read_to` is how far it has read. `read` reads on after a number and bears the database's faults; `on_gap` is
    called where wake-ups may have been missed; `on_overflow` where a follower was too slow.
    """

    def __init__(
        self,
        user_id: str,
        *,
        read: Callable[[str, int, UUID | None], Awaitable[Page | Resync]],
        on_gap: Callable[[], None],
        on_overflow: Callable[[], None],
    ) -> None:
        self.user_id = user_id
        self.followers: set[Follower] = set()
        self.listening = Gate(is_open=False)
        self.epoch: UUID | None = None
        self.read_to = 0
        self._live: set[Follower] = set()
        self._announced = 0
        self._reading = False
        self._missed = False
        self._reader: asyncio.Task[None] | None = None
        self._read = read
        self._on_gap = on_gap
        self._on_overflow = on_overflow

    @property
    def live(self) -> bool:
        """Whether anyone waits for it to read."""
        return bool(self._live)

    @property
    def _behind(self) -> bool:
        return self._missed or self._announced > self.read_to

    async def run(self, subscription: AbstractAsyncContextManager[Subscription]) -> None:
        """Listen until cancelled; another task reads while there is something to read."""
        try:
            await self._listen(subscription)
        finally:
            if self._reader is not None:
                self._reader.cancel()
                await asyncio.wait([self._reader])

    def look(self) -> None:
        """Read the log even though no number was announced."""
        self._missed = True
        self._read_soon()

    def hand_over(self, batch: Batch, epoch: UUID) -> None:
        """Take what this process has just committed, if it is what comes next: then it needn't be read.

        Anything else is left to the wake-up that follows it.
        """
        if self._live and not self._reading and (epoch, batch.first_seq) == (self.epoch, self.read_to + 1):
            self._hand_out(batch)

    def admit(self, follower: Follower) -> None:
        """Make a follower live that has read the log to its end.

        Not where the feed is ahead of it (the end has moved: it reads once more) or knows another epoch.
        """
        if not self._live:
            self.epoch, self.read_to = follower.epoch, follower.after_seq
        elif self.epoch != follower.epoch:
            self.look()
            return
        elif follower.after_seq < self.read_to:
            return
        follower.go_live()
        self._live.add(follower)
        self._hear(follower.after_seq)

    def leave(self, follower: Follower) -> None:
        """Forget a follower."""
        follower.drop()
        self._live.discard(follower)
        self.followers.discard(follower)

    def close(self) -> None:
        """Let go of everyone who waits."""
        self.listening.set()
        self._drop_all()

    async def _listen(self, subscription: AbstractAsyncContextManager[Subscription]) -> None:
        async with subscription as items:
            self.listening.set()
            async for item in items:
                if item is RESYNC:
                    self._note_gap()
                elif item.message.isascii() and item.message.isdigit() and len(item.message) < 20:
                    self._hear(int(item.message))
                else:
                    self.look()

    def _note_gap(self) -> None:
        if self._live:
            self._on_gap()
        else:
            self._missed = True

    def _hear(self, seq: int) -> None:
        self._announced = max(self._announced, seq)
        self._read_soon()

    def _read_soon(self) -> None:
        if self._reader is None and self._live and self._behind:
            self._reader = asyncio.create_task(self._read_on(), name="feed-reader")

    async def _read_on(self) -> None:
        try:
            while self._live and self._behind:
                await self._advance()
        finally:
            self._reader = None

    async def _advance(self) -> None:
        """Read one page on and hand it out."""
        start = self.epoch, self.read_to
        self._missed = False
        self._announced = 0  # what was heard before the read is in its snapshot, or was never true
        self._reading = True
        try:
            page = await self._read(self.user_id, self.read_to, self.epoch)
        except (UserGone, Stopped):
            self._drop_all()
            return
        finally:
            self._reading = False
        if start != (self.epoch, self.read_to):  # all left meanwhile, and who came then stands elsewhere
            self._missed = True
        elif isinstance(page, Resync):
            self._drop_all()  # each finds it by itself, after its own place
        else:
            # What was heard since may be beyond it, however low: the log may have been restored to an earlier place.
            self._announced = max(page.position.seq, self._announced)
            self._hand_out(Batch(self.user_id, tuple(page.changes), self.read_to + 1, page.up_to))

    def _hand_out(self, batch: Batch) -> None:
        if batch.changes:
            for follower in [follower for follower in self._live if not follower.offer(batch)]:
                self._live.discard(follower)
                follower.drop()
                self._on_overflow()
        self.read_to = batch.up_to

    def _drop_all(self) -> None:
        for follower in self._live:
            follower.drop()
        self._live.clear()
