"""Text deltas of a turn, past the log: publishing, following, and the rule by which they become a draft again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, Protocol
from uuid import UUID

import orjson

from events.bus import Bus
from events.subscription import RESYNC, Marker, Subscription

PAUSE: Final = 0.02
"""Seconds between two publications of a turn's text."""

PIECE: Final = 8_000
"""Code points a message: at 6 bytes each, JSON's worst, within the bus' 64 KiB."""


class Publisher(Protocol):
    """The part of the bus that writing needs."""

    async def publish(self, channel: str, message: bytes | str) -> None: ...


@dataclass(frozen=True, slots=True)
class Delta:
    """Text to append to the draft of that attempt at `offset` (UTF-16 code units)."""

    attempt: int
    offset: int
    text: str


@dataclass(frozen=True, slots=True)
class Look:
    """The turn's row or its calls have changed: read them again. `version` is the turn's."""

    version: int


Update = Delta | Look | Literal[Marker.RESYNC]


def turn_channel(turn_id: UUID) -> str:
    """The channel of a turn's deltas."""
    return f"turn:{turn_id}"


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units, as browsers count. Raises UnicodeEncodeError for a lone surrogate."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


async def publish_look(bus: Publisher, turn_id: UUID, version: int) -> None:
    """Have the followers of a turn read it again. To be called after COMMIT."""
    await bus.publish(turn_channel(turn_id), orjson.dumps({"s": version}))


class DeltaWriter:
    """Publishes the text of one turn as it grows: the first piece at once, then one publication every 20 ms at most.

    A context manager. Leaving it well publishes what waits; leaving it by an exception publishes nothing more, as
    whoever lost the turn must not. `base` is the length of the attempt's draft so far, in UTF-16 code units; `pause`
    waits between publications.
    """

    def __init__(
        self,
        bus: Publisher,
        turn_id: UUID,
        attempt: int,
        *,
        base: int = 0,
        pause: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._bus = bus
        self._turn_id = turn_id
        self._attempt = attempt
        self._published_to = self._offset = base
        self._pause = pause or _pause
        self._waiting: list[str] = []
        self._more = asyncio.Event()
        self._publishing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    @property
    def attempt(self) -> int:
        return self._attempt

    @property
    def offset(self) -> int:
        """Length of the draft with all that was added, in UTF-16 code units."""
        return self._offset

    async def __aenter__(self) -> DeltaWriter:
        self._task = asyncio.create_task(self._run(), name="deltas")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.flush()
        finally:
            if self._task is not None:
                self._task.cancel()
                await asyncio.wait([self._task])

    async def add(self, text: str) -> None:
        """Append text; it is published soon. Raises UnicodeEncodeError, and adds nothing, for a lone surrogate."""
        if text:
            self._offset += utf16_length(text)
            self._waiting.append(text)
            self._more.set()

    async def flush(self) -> None:
        """Publish what waits now."""
        async with self._publishing:
            self._more.clear()
            text, offset, attempt = "".join(self._waiting), self._published_to, self._attempt
            self._waiting.clear()
            self._published_to = self._offset
            for piece in _pieces(text):
                message = orjson.dumps({"a": attempt, "o": offset, "t": piece})
                offset += utf16_length(piece)
                await self._bus.publish(turn_channel(self._turn_id), message)

    async def restart(self, attempt: int, base: int = 0) -> None:
        """The text starts anew: another attempt, with a draft of `base` units. What waits of the old one is dropped."""
        async with self._publishing:
            self._attempt = attempt
            self._waiting.clear()
            self._published_to = self._offset = base

    async def look(self, version: int) -> None:
        """Publish what waits, and then that the turn has changed."""
        await self.flush()
        await publish_look(self._bus, self._turn_id, version)

    async def _run(self) -> None:
        while True:
            await self._more.wait()
            await self.flush()
            await self._pause()


async def _pause() -> None:
    await asyncio.sleep(PAUSE)


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))


@asynccontextmanager
async def follow_turn(bus: Bus, turn_id: UUID) -> AsyncIterator[AsyncIterator[Update]]:
    """What is published about a turn from when the block begins: read the snapshot to start from inside it.

    RESYNC stands where something was missed (the bus bounds what waits): read the turn again there.
    """
    async with bus.subscribe(turn_channel(turn_id)) as subscription:
        updates = _updates(subscription)
        try:
            yield updates
        finally:
            subscription.close()


async def _updates(subscription: Subscription) -> AsyncIterator[Update]:
    async for item in subscription:
        yield RESYNC if item is RESYNC else _parse(item.message)


def _parse(message: str) -> Update:
    """What was published; RESYNC for what isn't ours, for then the channel can't be trusted to have brought all."""
    try:
        match orjson.loads(message):
            case {"a": int(attempt), "o": int(offset), "t": str(text)}:
                return Delta(attempt, offset, text)
            case {"s": int(version)}:
                return Look(version)
    except orjson.JSONDecodeError:
        pass
    return RESYNC


class DraftView:
    """The draft as a client shows it: a snapshot, and the deltas since."""

    def __init__(self, attempt: int, text: str) -> None:
        self.attempt = attempt
        self.text = text
        self.offset = utf16_length(text)

    def apply(self, delta: Delta) -> Delta | Literal["drop", "hole"]:
        """Append a delta and return what of it was new, to be handed on.

        "drop": of an older attempt, or known already. "hole": something is missing before it, or it contradicts what
        is here; a newer snapshot has to follow, and nothing was changed.
        """
        if delta.attempt < self.attempt:
            return "drop"
        if delta.attempt > self.attempt or delta.offset > self.offset:
            return "hole"
        new = delta if delta.offset == self.offset else self._beyond(delta)
        if new is None:
            return "hole"
        if not new.text:
            return "drop"
        self.text += new.text
        self.offset += utf16_length(new.text)
        return new

    def _beyond(self, delta: Delta) -> Delta | None:
        """The part of an overlapping delta that is new; None where the overlap isn't the text that is here."""
        here, there = self.text.encode("utf-16-le"), delta.text.encode("utf-16-le")
        known = here[2 * delta.offset :]
        if delta.offset < 0 or known[: len(there)] != there[: len(known)]:
            return None
        # The text that is here ends between characters, and the overlap is the same: so does the cut.
        return Delta(self.attempt, self.offset, there[len(known) :].decode("utf-16-le"))
