"""The subscription to the change log: from any cursor on, and shared by all who ask for the same."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final
from uuid import UUID

import strawberry
from strawberry.types import Info

from events.cursors import Cursor
from events.hub import Batch, Resync
from events.reading import position
from models.changes import LoggedChange
from resolvers.changes import (
    AfterCursor,
    Change,
    KindsArgument,
    Progress,
    ResyncRequired,
    event_of,
    marker_of,
    names_of,
    start_of,
)
from resolvers.operation import Application, Operation, reading_as
from resolvers.payloads import id_of
from resolvers.sharing import Live, Shareable, Step

QUIET: Final = 50
"""Changes that a filter may pass over before a Progress moves its client's cursor."""

_TOLD: Final = -1
"""In place of the end of a replay: that it came was told."""


@strawberry.type
class ChangeSubscriptions:
    @strawberry.subscription(
        description="Every change of the viewer's data, in order and without a gap: first those after `after`, then"
        " each as it commits. The entities are as of now (null once gone); ids always come."
    )
    async def changes(
        self,
        info: Info,
        after: AfterCursor = None,
        kinds: KindsArgument = None,
        conversation_id: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="Only this conversation's own, and the tasks that its calls changed."),
        ] = None,
    ) -> AsyncIterable[Change]:
        operation: Operation = info.context
        operation.live()
        place = id_of(conversation_id, "Conversation", "conversationId") if conversation_id is not None else None
        async with operation.reading() as session:
            start = await start_of(operation, session, after)
            end = (await position(session)).seq
        return ChangeStream(operation, Wanted(operation.user_id, names_of(kinds), place), start, end)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose changes, and which of them. None: all."""

    user_id: str
    kinds: frozenset[str] | None
    conversation_id: UUID | None

    def has(self, change: LoggedChange) -> bool:
        return (self.kinds is None or change.kind in self.kinds) and self.conversation_id in (
            None,
            change.conversation_id,
        )


class ChangeStream(Shareable):
    """What one operation asked for. `end` is where the log stood then: a Progress says that the replay is over."""

    def __init__(self, operation: Operation, wanted: Wanted, start: Cursor | Resync, end: int) -> None:
        self.key = wanted
        self._application = operation.application
        self._operation: Operation | None = operation
        self._wanted = wanted
        self._start = start
        self._end = end

    async def __aiter__(self) -> AsyncIterator[Change]:
        """The events alone, to be read in the operation's own context."""
        operation = self._operation
        assert operation is not None, "it is read in one way"
        async with aclosing(self.begin()) as steps:
            async for step in steps:
                await operation.renew()
                for _, event in step.events:
                    yield event

    def begin(self) -> AsyncGenerator[Step, None]:
        self._operation = None  # whoever reads by steps may do so long after it has ended
        return self._steps(self._start, self._end)

    def resume(self, place: Cursor) -> AsyncGenerator[Step, None]:
        return self._steps(place, _TOLD)

    def live(self, place: Cursor, wake: Callable[[], None]) -> Live:
        return LiveChanges(self._application, self._wanted, place, wake)

    def reading(self, step: Step) -> AbstractAsyncContextManager[Operation]:
        return reading_as(self._application, self._wanted.user_id, step.rows)

    async def _steps(self, start: Cursor | Resync, replayed_to: int) -> AsyncGenerator[Step, None]:
        follow = self._application.hub.follow
        item: Resync | None = start if isinstance(start, Resync) else None
        teller = Teller(self._wanted, start.position.cursor if isinstance(start, Resync) else start, replayed_to)
        while True:
            first = teller.begin() if item is None else teller.tell(item)
            if first.events:
                yield first
            item = None
            async with aclosing(follow(self._wanted.user_id, first.end.seq, epoch=first.end.epoch)) as items:
                async for found in items:
                    if isinstance(found, Resync):
                        item = found
                        break
                    yield teller.tell(found)
            if item is None:
                return


class LiveChanges(Live):
    """The changes after a place, for the many who stand there."""

    def __init__(self, application: Application, wanted: Wanted, place: Cursor, wake: Callable[[], None]) -> None:
        self.over = False
        self._application = application
        self._wanted = wanted
        self._wake = wake
        self._teller = Teller(wanted, place, _TOLD)
        self._tap = application.hub.tap(wanted.user_id, place.seq, place.epoch, wake)

    async def take(self) -> Step | None:
        item = await self._tap.take()
        if item is None:
            self.over = self._tap.over
            return None
        if isinstance(item, Resync):
            self._tap.close()
            place = item.position.cursor
            self._tap = self._application.hub.tap(self._wanted.user_id, place.seq, place.epoch, self._wake)
            return self._teller.tell(item)
        step = self._teller.tell(item)
        # Where something later waits already, entities are read as they are now.
        return step if self._tap.behind else replace(step, rows=item.rows)

    def owe(self, place: Cursor) -> None:
        self._teller.told = min(self._teller.told, place.seq)

    def close(self) -> None:
        self._tap.close()


class Teller:
    """Makes steps of what the log brings: the events that are wanted, and a Progress where there were none for long or
    the replay is over. `told` is the last number that was told."""

    def __init__(self, wanted: Wanted, place: Cursor, replayed_to: int) -> None:
        self.told = place.seq
        self._wanted = wanted
        self._place = place
        self._replayed_to = replayed_to

    def begin(self) -> Step:
        """What there is to say before anything happens."""
        if self._place.seq < self._replayed_to or self._replayed_to == _TOLD:
            return Step((), self._place)
        return Step((self._marker(Progress, self._place),), self._place)

    def tell(self, item: Batch | Resync) -> Step:
        if isinstance(item, Resync):
            self._place = item.position.cursor
            self.told = self._place.seq
            self._replayed_to = _TOLD
            return Step([self._marker(kind, self._place) for kind in (ResyncRequired, Progress)], self._place)
        epoch, wanted = self._place.epoch, self._wanted
        events: list[tuple[Cursor, Change]] = [
            (Cursor(epoch, change.seq), event_of(change, epoch)) for change in item.changes if wanted.has(change)
        ]
        if events:
            self.told = events[-1][0].seq
        self._place = Cursor(epoch, item.up_to)
        if item.up_to >= self._replayed_to > _TOLD or item.up_to - self.told >= QUIET:
            events.append(self._marker(Progress, self._place))
        return Step(events, self._place)

    def _marker(self, kind: type[Progress | ResyncRequired], place: Cursor) -> tuple[Cursor, Any]:
        if place.seq >= self._replayed_to:
            self._replayed_to = _TOLD
        self.told = place.seq
        return place, marker_of(kind, self._wanted.user_id, place)
