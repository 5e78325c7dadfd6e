"""One turn as it happens: a snapshot, then deltas and calls as they come, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

import strawberry
from sqlalchemy import and_, bindparam, select
from strawberry.types import Info

from core.errors import RequestError, RequestErrorCode
from core.ids import parse_global_id, to_global_id
from core.statements import prepared
from events.deltas import Delta, DraftView, Updates, follow_turn, utf16_length
from events.hub import Batch
from events.reading import position
from models.conversations import messages
from models.enums import ChangeKind, TurnStatus
from models.turns import drafts, tool_calls, turns
from resolvers.conversations.types import ToolCall, Turn
from resolvers.fields import one
from resolvers.nodes import IdArgument
from resolvers.operation import Operation

BEYOND: Final = 256
"""Deltas after a hole that are kept until it is filled."""

CATCH_UP: Final = 0.35
"""Seconds after which a hole is looked at again: the draft is saved a little more often."""

SILENT: Final = 1.0
"""Seconds without a word of a running turn after which it is looked at: where the bus doesn't carry its deltas to this
process, its text goes on from the drafts that are saved."""


@strawberry.type(
    description="Replaces the draft: comes first, at each change of status, and when the text starts anew."
)
class TurnSnapshot:
    turn_key: strawberry.Private[UUID]
    turn: Turn = one("turn_key", description="The turn.")
    attempt: int = strawberry.field(description="Which try the draft is of.")
    draft: str = strawberry.field(description="The text so far.")
    offset: int = strawberry.field(description="Its length in UTF-16 code units: where the next delta goes.")


@strawberry.type(description="Text to append. Of another attempt: drop it. A hole: a snapshot follows.")
class TextDelta:
    turn_id: strawberry.ID = strawberry.field(description="The turn's id.")
    attempt: int = strawberry.field(description="Which try it is of.")
    offset: int = strawberry.field(description="Where it goes, in UTF-16 code units.")
    text: str = strawberry.field(description="The text.")


@strawberry.type(description="A tool call moved on.")
class ToolCallUpdate:
    call_key: strawberry.Private[UUID]
    tool_call: ToolCall = one("call_key", description="The call.")


@strawberry.type(description="The turn has ended; nothing follows.")
class TurnEnded:
    turn_key: strawberry.Private[UUID]
    turn: Turn = one("turn_key", description="The turn.")


TurnUpdate = Annotated[
    TurnSnapshot | TextDelta | ToolCallUpdate | TurnEnded,
    strawberry.union("TurnUpdate", description="What happens in a turn."),
]


@dataclass(frozen=True, slots=True)
class _State:
    """A turn as stored, with the text that its draft or its reply has."""

    conversation_id: UUID
    status: TurnStatus
    attempt: int
    text: str
    notice: str | None


def _state(conversation_id: UUID, status: str, attempt: int, notice: str | None, *texts: str | None) -> _State:
    said, draft = texts
    return _State(conversation_id, TurnStatus(status), attempt, draft or "" if said is None else said, notice)


_SAID: Final = (
    select(messages.c.content)
    .where(messages.c.user_id == turns.c.user_id, messages.c.id == turns.c.reply_id)
    .scalar_subquery()
)
_DRAFTED: Final = and_(
    drafts.c.user_id == turns.c.user_id, drafts.c.turn_id == turns.c.id, drafts.c.attempt == turns.c.attempt
)
_STATE: Final = prepared(
    select(turns.c.conversation_id, turns.c.status, turns.c.attempt, turns.c.notice, _SAID, drafts.c.text)
    .outerjoin(drafts, _DRAFTED)
    .where(turns.c.user_id == bindparam("user_id"), turns.c.id == bindparam("id")),
    _state,
)


@dataclass(frozen=True, slots=True)
class _Over:
    """A source has ended: by its failure, or because the server stops."""

    failure: Exception | None


async def _pump(source: AsyncIterable[Any], updates: Updates) -> None:
    """Hand a source on, and its end or its failure as well: a stream must not wait for a source that is gone."""
    failure: Exception | None = None
    try:
        async for item in source:
            await updates.hand(item)
    except Exception as error:  # raised again where the stream is read
        failure = error
    await updates.hand(_Over(failure))


@strawberry.type
class TurnSubscriptions:
    @strawberry.subscription(description="One turn as it happens: first a snapshot, then deltas; ends with TurnEnded.")
    def turn(self, info: Info, id: IdArgument) -> AsyncGenerator[TurnUpdate, None]:
        operation: Operation = info.context
        operation.live()
        try:
            turn_id = parse_global_id(id, "Turn")
        except ValueError:
            raise _absent() from None
        return _TurnStream(operation, turn_id).updates()


def _absent() -> RequestError:
    return RequestError(RequestErrorCode.DOCUMENT_INVALID, "id: there is no such turn.")


class _TurnStream:
    """Merges the log (status and calls) with the deltas into what a client can apply one by one."""

    def __init__(self, operation: Operation, turn_id: UUID) -> None:
        self._operation = operation
        self._turn_id = turn_id
        self._id = strawberry.ID(to_global_id("Turn", turn_id))
        self._view = DraftView(0, "")
        self._status = TurnStatus.QUEUED
        self._notice: str | None = None
        self._conversation_id: UUID | None = None
        self._gone = False
        self._beyond: list[Delta] = []
        self._look_again: asyncio.TimerHandle | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._heard = 0.0
        self._updates: Updates | None = None

    async def updates(self) -> AsyncGenerator[Any, None]:
        """Deltas are followed before the state is read, so that none falls between the two."""
        operation = self._operation
        async with follow_turn(operation.application.bus, self._turn_id) as updates:
            state, seq = await self._begin()
            self._updates = updates
            self._conversation_id = state.conversation_id
            yield self._snapshot(state)
            log = operation.application.hub.follow(operation.user_id, seq)
            pump = asyncio.create_task(_pump(log, updates))
            try:
                if state.status.ended:
                    yield TurnEnded(turn_key=self._turn_id)
                    return
                if state.status is TurnStatus.RUNNING:
                    self._look_soon()  # what was said between the last save and now is in no delta to come
                self._watch_silence()
                async for update in self._merged(updates):
                    yield update
            finally:
                self._stop_timers()
                pump.cancel()
                await asyncio.wait([pump])
                await log.aclose()

    async def _merged(self, updates: Updates) -> AsyncGenerator[Any, None]:
        """What the bus and the log bring, until the turn's end."""
        loop = asyncio.get_running_loop()
        async for item in updates:
            self._heard = loop.time()
            if type(item) is Delta:  # nearly always
                if (delta := self._append(item)) is not None:
                    yield delta
                continue
            if isinstance(item, _Over):
                if item.failure is not None:
                    raise item.failure
                return
            async for update in self._updates_of(item):
                yield update
                if isinstance(update, TurnEnded):
                    return
            if self._gone:
                return

    async def _updates_of(self, item: Any) -> AsyncGenerator[Any, None]:
        match item:
            case Batch():
                for call_id in await self._calls_in(item):
                    yield ToolCallUpdate(call_key=call_id)
                concerned = (self._turn_id, self._conversation_id)
                if any(change.entity_id in concerned for change in item.changes):
                    async for update in self._look():
                        yield update
            case _:
                async for update in self._look():
                    yield update

    def _append(self, delta: Delta) -> TextDelta | None:
        applied = self._view.apply(delta)
        if applied == "hole":
            self._beyond = [*self._beyond[-BEYOND:], delta]
            self._look_soon()
            return None
        if applied == "drop":
            return None
        return TextDelta(
            turn_id=self._id,
            attempt=applied.attempt,
            offset=applied.offset,
            text=applied.text,
        )

    def _look_soon(self) -> None:
        if self._look_again is None:
            self._look_again = asyncio.get_running_loop().call_later(CATCH_UP, self._remind)

    def _remind(self) -> None:
        self._look_again = None
        self._wake()

    def _watch_silence(self) -> None:
        loop = asyncio.get_running_loop()
        if self._status is TurnStatus.RUNNING and loop.time() - self._heard >= SILENT:
            self._wake()
        self._silence = loop.call_later(SILENT, self._watch_silence)

    def _stop_timers(self) -> None:
        for timer in (self._look_again, self._silence):
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        """Have the turn read again, after what waits."""
        if self._updates is not None:
            self._updates.look_again()

    async def _look(self) -> AsyncGenerator[Any, None]:
        """Read the turn again; a snapshot where its status, its attempt or its text is not what the client has.

        Of a turn that was deleted with its conversation there is nothing to tell any more.
        """
        state = await self._read()
        if state is None:
            self._gone = True
            return
        behind = state.attempt == self._view.attempt and self._view.text.startswith(state.text)
        if state.status.ended:
            if not behind or self._view.text != state.text:
                yield self._snapshot(state)
            yield TurnEnded(turn_key=self._turn_id)
        elif (state.status, state.notice) != (self._status, self._notice) or not behind:
            yield self._snapshot(state)

    def _snapshot(self, state: _State) -> TurnSnapshot:
        keep = state.attempt == self._view.attempt and self._view.text.startswith(state.text) and not state.status.ended
        if not keep:
            self._view = DraftView(state.attempt, state.text)
        waiting, self._beyond = self._beyond, []
        for delta in waiting:
            if self._view.apply(delta) == "hole":
                self._beyond.append(delta)
        if self._beyond:
            self._look_soon()
        self._status, self._notice = state.status, state.notice
        text = self._view.text
        return TurnSnapshot(turn_key=self._turn_id, attempt=self._view.attempt, draft=text, offset=utf16_length(text))

    async def _begin(self) -> tuple[_State, int]:
        """The turn as it is, and where the log stands with it."""
        await self._operation.renew()
        async with self._operation.reading() as session:
            state = await session.first(_STATE, id=self._turn_id)
            seq = (await position(session)).seq
        if state is None:
            raise _absent()
        return state, seq

    async def _read(self) -> _State | None:
        await self._operation.renew()
        async with self._operation.reading() as session:
            return await session.first(_STATE, id=self._turn_id)

    async def _calls_in(self, batch: Batch) -> Sequence[UUID]:
        """The calls of this turn that a batch is about, in order, each once."""
        moved = dict.fromkeys(change.entity_id for change in batch.changes if change.kind == ChangeKind.TOOL_CALL)
        if not moved:
            return ()
        await self._operation.renew()
        statement = select(tool_calls.c.id).where(
            tool_calls.c.user_id == self._operation.user_id,
            tool_calls.c.turn_id == self._turn_id,
            tool_calls.c.id.in_([one for one in moved if one is not None]),
        )
        async with self._operation.reading() as session:
            own = set((await session.execute(statement)).scalars())
        return [one for one in moved if one in own and one is not None]
