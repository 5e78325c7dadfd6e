"""The hub: followers of the change log in this process, fed by wake-ups and by a look at the positions now and then."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from types import TracebackType
from uuid import UUID

from sqlalchemy import ARRAY, Text, bindparam, text

from core.database import Database
from core.errors import UserGone
from core.unit_of_work import Written
from events.bus import Backoff, Bus
from events.feed import Batch, Feed, Follower, Stopped
from events.log import wake_channel
from events.reading import Page, Resync, read_on
from models.changes import LoggedChange

__all__ = ["Batch", "Ear", "Hub", "HubStats", "Resync", "UserGone"]

log = logging.getLogger(__name__)

Ear = Callable[[Written], AsyncGenerator[Batch | Resync, None]]
"""Follows what comes after a unit of work that was committed since one listens."""

_POSITIONS = text("SELECT user_id, epoch, seq FROM tasktalk.positions(:users)").bindparams(
    bindparam("users", type_=ARRAY(Text))
)


@dataclass(slots=True)
class HubStats:
    """Counts since the hub was made.

    `reads`: reads of a user's log, for a feed or a follower by itself. `polls`: looks at the positions. `failures`:
    of both, those that the database refused. `overflowed`: followers that were too slow and fell back to the log.
    """

    reads: int = 0
    polls: int = 0
    failures: int = 0
    overflowed: int = 0


class Tap:
    """A follower that is asked for what there is, so that nothing of it runs while nothing happens.

    `wake` of its Hub.tap is called whenever there may be something to take. To be taken from by one task at a time, and
    closed.
    """

    __slots__ = ("_feed", "_follower", "_hub", "over")

    def __init__(self, hub: Hub, user_id: str, follower: Follower) -> None:
        self.over = False
        self._hub = hub
        self._follower = follower
        self._feed = hub._join(user_id, follower)

    async def take(self) -> Batch | Resync | None:
        """What comes next. None where nothing does for now, and once it is `over`: after a Resync, or when the hub has
        stopped. Raises UserGone."""
        await self._feed.listening.wait()
        try:
            while not self.over and not self._hub._stopped.is_set():
                if self._follower.live:
                    return self._follower.take()
                item = await self._hub._catch_up(self._feed, self._follower)
                self.over = isinstance(item, Resync)
                if item is not None:
                    return item
        except Stopped:
            pass
        self.over = True
        return None

    @property
    def behind(self) -> bool:
        """Whether more waits already."""
        return self._follower.waiting

    def close(self) -> None:
        """Follow no more."""
        self._hub._leave(self._feed, self._follower)


class Hub:
    """Brings every follower each change of its user once, in order, from where it was.

    Each user that is followed has one feed, however many followers. What this process commits is handed to it as it is;
    otherwise it reads the log when the bus says so. The bus only makes it fast: every `poll_every`
    seconds one query looks at the positions of all followed users, and none where nobody follows. At most
    `queue_size` changes wait for a follower; a slower one reads the log by itself. While the database is away
    followers stay, and go on from where they were.
    """

    def __init__(
        self,
        database: Database,
        bus: Bus,
        *,
        poll_every: float = 5.0,
        queue_size: int = 256,
        backoff: Backoff | None = None,
    ) -> None:
        self._database = database
        self._bus = bus
        self._poll_every = poll_every
        self._queue_size = queue_size
        self._backoff = backoff or Backoff()
        self._stats = HubStats()
        self._feeds: dict[str, Feed] = {}
        self._tasks: dict[Feed, asyncio.Task[None]] = {}
        self._poller: asyncio.Task[None] | None = None
        self._followed = asyncio.Event()
        self._poll_now = asyncio.Event()
        self._stopped = asyncio.Event()

    @property
    def stats(self) -> HubStats:
        """A copy of the counts."""
        return replace(self._stats)

    @property
    def followers(self) -> int:
        """How many follow now, of all users."""
        return sum(len(feed.followers) for feed in self._feeds.values())

    async def __aenter__(self) -> Hub:
        if self._poller is not None:
            raise RuntimeError("a hub starts once")
        self._poller = asyncio.create_task(self._keep_polling(), name="hub")
        self._database.listeners.append(self._hand_over)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every iteration and wait for all tasks."""
        self._database.listeners.remove(self._hand_over)
        self._stopped.set()
        for feed in self._feeds.values():
            feed.close()
        tasks = {*self._tasks.values()} | ({self._poller} if self._poller else set())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def follow(
        self, user_id: str, after_seq: int, *, epoch: UUID | None = None
    ) -> AsyncGenerator[Batch | Resync, None]:
        """Every change after `after_seq`: those in the log first, then each as it commits.

        Ends after a Resync (the log was emptied, restored or trimmed past the follower), or when the hub stops. With
        `epoch` given, that of the caller's cursor, a change of epoch before the first read is seen too. Raises
        UserGone. Close it (`contextlib.aclosing`) to be done with it at once.
        """
        if self._poller is None:
            raise RuntimeError("the hub hasn't been started")
        if self._stopped.is_set():
            return
        async with self._joined(user_id, Follower(after_seq, epoch, self._queue_size)) as (feed, follower):
            async for item in self._items(feed, follower):
                yield item

    def tap(self, user_id: str, after_seq: int, epoch: UUID, wake: Callable[[], None]) -> Tap:
        """Follow without a task that waits; see Tap."""
        return Tap(self, user_id, Follower(after_seq, epoch, self._queue_size, wake))

    @asynccontextmanager
    async def listening(self, user_id: str) -> AsyncIterator[Ear | None]:
        """Hear of the user's changes from when the block begins, so that those after one that is committed in it can be
        followed with no look at the log. None once the hub has stopped."""
        if self._stopped.is_set():
            yield None
            return
        async with self._joined(user_id, Follower(0, None, self._queue_size)) as (feed, follower):

            def follow(written: Written) -> AsyncGenerator[Batch | Resync, None]:
                follower.after_seq, follower.epoch = written.seq, written.epoch
                feed.admit(follower)
                return self._items(feed, follower)

            yield follow

    @asynccontextmanager
    async def _joined(self, user_id: str, follower: Follower) -> AsyncIterator[tuple[Feed, Follower]]:
        feed = self._join(user_id, follower)
        try:
            await feed.listening.wait()  # before any look at the log, so that no commit falls between the two
            yield feed, follower
        finally:
            self._leave(feed, follower)

    async def _items(self, feed: Feed, follower: Follower) -> AsyncGenerator[Batch | Resync, None]:
        try:
            while not self._stopped.is_set():
                item = await follower.next() if follower.live else await self._catch_up(feed, follower)
                if item is None:
                    continue
                yield item
                if isinstance(item, Resync):
                    return
        except Stopped:
            return

    def _hand_over(self, user_id: str, written: Written) -> None:
        feed = self._feeds.get(user_id)
        if feed is not None and feed.live:
            first = written.seq - len(written.changes) + 1
            changes = tuple(
                LoggedChange(
                    user_id,
                    seq,
                    written.at,
                    change.kind,
                    change.entity_id,
                    change.conversation_id,
                    change.action,
                    change.actor,
                    change.revision_id,
                    change.tool_call_id,
                )
                for seq, change in enumerate(written.changes, start=first)
            )
            going_on = frozenset(change.entity_id for change in written.changes if change.going_on)
            feed.hand_over(Batch(user_id, changes, first, written.seq, going_on, written.rows), written.epoch)

    async def poll(self) -> None:
        """Look at the positions of all followed users now. Raises what the database raises."""
        users = [user_id for user_id, feed in self._feeds.items() if feed.live]
        if not users:
            return
        self._stats.polls += 1
        async with self._database.for_nobody() as connection:
            rows = await connection.execute(_POSITIONS, {"users": users})
            found = {row.user_id: (row.epoch, row.seq) for row in rows}
        for user_id in users:
            feed = self._feeds.get(user_id)
            if feed is not None and found.get(user_id) != (feed.epoch, feed.read_to):
                feed.look()

    def _join(self, user_id: str, follower: Follower) -> Feed:
        feed = self._feeds.get(user_id)
        if feed is None:
            feed = self._feeds[user_id] = Feed(
                user_id, read=self._read, on_gap=self._poll_now.set, on_overflow=self._count_overflow
            )
            self._start(feed)
            self._followed.set()
        feed.followers.add(follower)
        return feed

    def _leave(self, feed: Feed, follower: Follower) -> None:
        feed.leave(follower)
        if feed.followers:
            return
        if self._feeds.get(feed.user_id) is feed:
            del self._feeds[feed.user_id]
        if feed in self._tasks:
            self._tasks[feed].cancel()
        if not self._feeds:
            self._followed.clear()

    def _start(self, feed: Feed) -> None:
        task = asyncio.create_task(feed.run(self._bus.subscribe(wake_channel(feed.user_id))), name="feed")
        self._tasks[feed] = task
        task.add_done_callback(lambda _: self._tasks.pop(feed, None))

    async def _catch_up(self, feed: Feed, follower: Follower) -> Batch | Resync | None:
        """Read a page from the follower's own place; at the log's end it goes live."""
        page = await self._read(feed.user_id, follower.after_seq, follower.epoch)
        if isinstance(page, Resync):
            return page
        batch = Batch(feed.user_id, tuple(page.changes), follower.after_seq + 1, page.up_to)
        follower.epoch, follower.after_seq = page.position.epoch, page.up_to
        if not page.has_more and not self._stopped.is_set():
            feed.admit(follower)
        return batch if batch.changes else None

    async def _read(self, user_id: str, after_seq: int, epoch: UUID | None) -> Page | Resync:
        """Read on; again and again while the database refuses. Raises UserGone, or Stopped after a failure."""
        failures = 0
        while True:
            self._stats.reads += 1
            try:
                async with self._database.snapshot(user_id) as session:
                    return await read_on(session, after_seq, epoch)
            except UserGone:
                raise
            except Exception as error:  # the drivers' failures are no one tree, and the cure is the same: again
                failures += 1
                self._note_failure("reading a log", error, failures)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._backoff.delay(failures)):
                    await self._stopped.wait()
                raise Stopped

    async def _keep_polling(self) -> None:
        failures = 0
        while True:
            await self._followed.wait()
            wait = min(self._poll_every, self._backoff.delay(failures)) if failures else self._poll_every
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._poll_now.wait()
            self._poll_now.clear()
            try:
                await self.poll()
                failures = 0
            except Exception as error:  # as in _read: whatever the database's failure, the next look comes
                failures += 1
                self._note_failure("looking at the positions", error, failures)

    def _note_failure(self, what: str, error: Exception, failures: int) -> None:
        self._stats.failures += 1
        level = logging.WARNING if failures == 1 else logging.DEBUG
        log.log(level, "%s failed: %s", what, type(error).__name__)

    def _count_overflow(self) -> None:
        self._stats.overflowed += 1
