"""Subscriptions that ask for the same share what they are told: each step of the source is read and encoded once, and
its bytes go to all who have come as far. docs/decisions/0019 has why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from events.cursors import Cursor
from graphql_api.documents import PreparedQuery
from graphql_api.transport.answers import Answer
from graphql_api.transport.encoding import encode
from resolvers.sharing import Live, Shareable, Step

KEPT: Final = 256
"""Answers that wait for the slowest of an audience; whoever is further behind reads for itself."""

KEPT_BYTES: Final = 1024 * 1024
RECENT: Final = 8
"""Answers that are kept when nobody waits for them: where much happens newcomers are a step behind."""


@dataclass(frozen=True, slots=True)
class Told:
    """An answer, and the place that it leads to."""

    place: Cursor
    answer: Answer


@dataclass(frozen=True, slots=True)
class Asked:
    """A subscription that can be shared: what it follows, and how its results are read."""

    source: Shareable
    query: PreparedQuery
    variables: dict[str, Any] | None  # JSON values, for graphql-core to coerce

    @property
    def key(self) -> Hashable:
        """Equal where all results are: the document, what is followed, the variables but for the place to begin at."""
        rest = {name: value for name, value in (self.variables or {}).items() if name != self.query.place}
        return self.source.key, str(self.query), self.query.operation_name, encode(sorted(rest.items()))


Read = Callable[[Asked, Step], AsyncGenerator[Sequence[Told], None]]
"""Reads a step's results, some at a time."""

Refuse = Callable[[Exception], Answer]


class Audiences:
    """Those of one process, by what they asked for. One event loop only."""

    def __init__(self, read: Read, refuse: Refuse) -> None:
        self.read = read
        self.refuse = refuse
        self._by_key: dict[Hashable, Audience] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._by_key)

    def admit(self, member: Member, place: Cursor) -> bool:
        """Take a member in where it has come as far as the others. The first makes the audience."""
        key = member.asked.key
        audience = self._by_key.get(key)
        if audience is None:
            audience = self._by_key[key] = Audience(self, key, member.asked, place)
        return audience.admit(member, place)

    def forget(self, key: Hashable, task: asyncio.Task[None] | None) -> None:
        """An audience is over; what it still runs ends."""
        del self._by_key[key]
        if task is not None:
            task.cancel()
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def settled(self) -> None:
        """Wait until nothing runs of audiences that are over."""
        if self._ending:
            await asyncio.wait(self._ending)


class Audience:
    """Everybody who asked for the same and has come as far: hears of each step as soon as it has been read.

    Its answers are numbered. Those that someone has yet to take are kept, within bounds; members know the number of
    their next one. A task runs only while there is a step to read.
    """

    def __init__(self, audiences: Audiences, key: Hashable, asked: Asked, place: Cursor) -> None:
        self.first = 0
        self.kept: list[Told] = []
        self.over = False
        self.refusal: Answer | None = None
        self.asked = asked
        self._audiences = audiences
        self._key = key
        self._members: dict[Member, None] = {}
        self._place = self._floor = place
        self._since = 0
        self._size = 0
        self._task: asyncio.Task[None] | None = None
        self._live: Live = asked.source.live(place, self._wake)
        self._wake()

    @property
    def end(self) -> int:
        """The number of the answer to come."""
        return self.first + len(self.kept)

    def admit(self, member: Member, place: Cursor) -> bool:
        """Whether all that follows the member's place is here or to come."""
        if self.over or place.epoch != self._place.epoch or place.seq < self._floor.seq:
            return False
        number = self.end
        while number > max(self.first, self._since) and _follows(self.kept[number - 1 - self.first].place, place):
            number -= 1
        self._members[member] = None
        self._live.owe(place)
        member.join(self, number, place)
        return True

    def leave(self, member: Member) -> None:
        self._members.pop(member, None)
        if not self._members and not self.over:
            self._close()

    def _wake(self) -> None:
        if self._task is None and not self.over:
            self._task = asyncio.create_task(self._advance(), name="audience")

    async def _advance(self) -> None:
        """Tell what there is to tell. Between the last look and the end of the task nothing else runs."""
        try:
            while (step := await self._live.take()) is not None:
                if not _reaches(step.end, self._place):
                    self._begin_anew(step.end)
                async with aclosing(self._audiences.read(self.asked, step)) as parts:
                    async for part in parts:
                        self._tell(part)
                self._place = step.end
        # A process boundary: masked, and logged by the presenter. It is the end of the subscription for all.
        except Exception as error:
            self.refusal = self._audiences.refuse(error)
            self._end()
        else:
            if self._live.over:
                self._end()
        finally:
            self._task = None

    def _tell(self, part: Sequence[Told]) -> None:
        self.kept += part
        self._size += sum(len(told.answer.body) for told in part)
        for member in tuple(self._members):
            member.wake()
        self._trim()

    def _begin_anew(self, place: Cursor) -> None:
        """The log is another one: what was told of the old one leads nobody here."""
        for member in self._members:
            member.begin_anew()
        self._since, self._floor, self._place = self.end, place, place

    def _trim(self) -> None:
        """Let go of what nobody waits for, and of what there is too much of."""
        end = self.end
        oldest = min((member.number for member in self._members), default=end)
        keep = max(end - oldest, RECENT)
        drop = max(0, len(self.kept) - min(keep, KEPT))
        size = self._size - sum(len(told.answer.body) for told in self.kept[:drop])
        while size > KEPT_BYTES and drop < len(self.kept):
            size -= len(self.kept[drop].answer.body)
            drop += 1
        if drop:
            if self.first + drop > self._since:
                self._floor = self.kept[drop - 1].place
            del self.kept[:drop]
            self.first += drop
            self._size = size

    def _end(self) -> None:
        """Nothing follows: members take what is left, and then learn it."""
        self._task = None  # it runs this
        self._close()
        for member in tuple(self._members):
            member.wake()

    def _close(self) -> None:
        self.over = True
        self._audiences.forget(self._key, self._task)
        self._live.close()


class Member:
    """One operation's part in it: by itself until it has come as far as the others, then among them.

    `alone` reads for it; once that ends it is `joined`, or the subscription is over. Joined, it may `take` what there
    is each time `wake` is called; where it fell too far behind it is joined no more, and has to go on alone.
    """

    __slots__ = ("_ahead", "_audience", "_audiences", "_place", "asked", "number", "over", "refusal", "wake")

    def __init__(self, audiences: Audiences, asked: Asked, wake: Callable[[], None]) -> None:
        self.asked = asked
        self.wake = wake
        self.number = 0
        self.over = False
        self.refusal: Answer | None = None
        self._audiences = audiences
        self._audience: Audience | None = None
        self._place: Cursor | None = None
        self._ahead: Cursor | None = None

    @property
    def joined(self) -> bool:
        return self._audience is not None

    async def alone(self) -> AsyncGenerator[Answer, None]:
        """Answers from where it stands until it has joined, or the subscription is over. Raises what ends it."""
        source, place = self.asked.source, self._place
        async with aclosing(source.begin() if place is None else source.resume(place)) as steps:
            async for step in steps:
                async with aclosing(self._audiences.read(self.asked, step)) as parts:
                    async for part in parts:
                        for told in part:
                            yield told.answer
                            self._place = told.place
                self._place = step.end
                if self._audiences.admit(self, step.end):
                    return
        self.over = True

    def join(self, audience: Audience, number: int, place: Cursor) -> None:
        """Called by the audience: its next answer is that of the number, or the first of them that follows `place`."""
        self._audience, self.number, self._ahead = audience, number, place
        self.asked = audience.asked

    def take(self) -> Answer | None:
        """The next answer, if there is one."""
        self._pass_over()
        audience = self._audience
        if audience is None:
            return None
        index = self.number - audience.first
        if 0 <= index < len(audience.kept):
            told = audience.kept[index]
            self.number += 1
            self._place, self._ahead = told.place, None
            return told.answer
        if index < 0:
            self.leave()
        elif audience.over:
            self.over, self.refusal = True, audience.refusal
            self.leave()
        return None

    def begin_anew(self) -> None:
        """The places to come don't compare with those before."""
        self._pass_over()
        self._ahead = None

    def _pass_over(self) -> None:
        """What it was ahead of: the others are told of what it knows already."""
        audience, ahead = self._audience, self._ahead
        if audience is None or ahead is None or self.number < audience.first:
            return
        while self.number < audience.end and not _follows(audience.kept[self.number - audience.first].place, ahead):
            self.number += 1

    def leave(self) -> None:
        """Be told no more."""
        audience, self._audience = self._audience, None
        if audience is not None:
            audience.leave(self)


def _follows(one: Cursor, other: Cursor) -> bool:
    return one.epoch == other.epoch and one.seq > other.seq


def _reaches(one: Cursor, other: Cursor) -> bool:
    return one.epoch == other.epoch and one.seq >= other.seq
