"""Text deltas of a turn, past the log: publishing, following, and the rule by which they become a draft again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Literal, Protocol
from uuid import UUID

import orjson

from events.bus import Bus
from events.subscription import RESYNC, Marker, Parcel, Subscription

PAUSE: Final = 0.02
"""Seconds between two publications of a text that comes quickly."""

QUIET: Final = 0.008
"""Seconds after a publication from which on text goes at once again: most models aren't quicker than that, and what
they say is not held back."""

BUSY: Final = 4
"""How many times as long as the loop was late to send text, the next waits for more to go with it: a process that can't
keep up makes fewer and larger pieces until it can."""

LONGEST: Final = 0.1
"""Seconds that it waits for that at most."""

PIECE: Final = 8_000
"""Code points a message: at 6 bytes each, JSON's worst, within the bus' 64 KiB."""


class Sender(Protocol):
    """The part of the bus that writing needs."""

    def send(self, channel: str, parcel: Parcel) -> None: ...


class Timers(Protocol):
    """The part of the event loop that writing needs."""

    def time(self) -> float: ...

    def call_soon(self, callback: Callable[[], object]) -> Timer: ...

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer: ...


class Timer(Protocol):
    def cancel(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Delta:
    """Text to append to the draft of that attempt at `offset` (UTF-16 code units)."""

    attempt: int
    offset: int
    text: str

    def encode(self) -> str:
        return orjson.dumps({"a": self.attempt, "o": self.offset, "t": self.text}).decode()


@dataclass(frozen=True, slots=True)
class Look:
    """The turn's row or its calls have changed: read them again. `version` is the turn's."""

    version: int

    def encode(self) -> str:
        return orjson.dumps({"s": self.version}).decode()


Update = Delta | Look | Literal[Marker.RESYNC]


def turn_channel(turn_id: UUID) -> str:
    """The channel of a turn's deltas."""
    return f"turn:{turn_id}"


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units, as browsers count. Raises UnicodeEncodeError for a lone surrogate."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def send_look(bus: Sender, turn_id: UUID, version: int) -> None:
    """Have the followers of a turn read it again. To be called after COMMIT."""
    bus.send(turn_channel(turn_id), Look(version))


class DeltaWriter:
    """Publishes the text of one turn as it grows: at once where it comes slowly, every 20 ms where it comes quickly,
    less often where the process is busy.

    A context manager. Leaving it well publishes what waits; leaving it by an exception publishes nothing more, as
    whoever lost the turn must not. `base` is the length of the attempt's draft so far, in UTF-16 code units; `timers`
    is the event loop, unless given.
    """

    def __init__(
        self, bus: Sender, turn_id: UUID, attempt: int, *, base: int = 0, timers: Timers | None = None
    ) -> None:
        self._bus = bus
        self._channel = turn_channel(turn_id)
        self._turn_id = turn_id
        self._attempt = attempt
        self._published_to = self._offset = base
        self._timers: Timers = timers or asyncio.get_running_loop()
        self._waiting: list[str] = []
        self._last = -LONGEST
        self._late = 0.0
        self._due: float | None = None
        self._timer: Timer | None = None

    @property
    def attempt(self) -> int:
        return self._attempt

    @property
    def offset(self) -> int:
        """Length of the draft with all that was added, in UTF-16 code units."""
        return self._offset

    def __enter__(self) -> DeltaWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.flush()
        self._cancel()

    def add(self, text: str) -> None:
        """Append text; it is published soon. Raises UnicodeEncodeError, and adds nothing, for a lone surrogate."""
        if not text:
            return
        self._offset += utf16_length(text)
        self._waiting.append(text)
        if self._timer is not None:
            return
        now = self._timers.time()
        busy = min(BUSY * self._late, LONGEST)
        if now - self._last >= max(QUIET, busy):
            self._due = now
            self._timer = self._timers.call_soon(self.flush)  # what has come together goes together
        else:
            self._due = self._last + max(PAUSE, busy)
            self._timer = self._timers.call_at(self._due, self.flush)

    def flush(self) -> None:
        """Publish what waits now."""
        self._cancel()
        if not self._waiting:
            return
        text = self._waiting[0] if len(self._waiting) == 1 else "".join(self._waiting)
        self._waiting.clear()
        offset, self._published_to = self._published_to, self._offset
        self._last = self._timers.time()
        if self._due is not None:
            self._late, self._due = max(0.0, self._last - self._due), None
        if len(text) <= PIECE:
            self._bus.send(self._channel, Delta(self._attempt, offset, text))
            return
        for piece in _pieces(text):
            self._bus.send(self._channel, Delta(self._attempt, offset, piece))
            offset += utf16_length(piece)

    def restart(self, attempt: int, base: int = 0) -> None:
        """The text starts anew: another attempt, with a draft of `base` units. What waits of the old one is dropped."""
        self._cancel()
        self._attempt = attempt
        self._waiting.clear()
        self._published_to = self._offset = base

    def look(self, version: int) -> None:
        """Publish what waits, and then that the turn has changed."""
        self.flush()
        send_look(self._bus, self._turn_id, version)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))


class Updates:
    """What is published about a turn, in order, and what another source hands in between."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription

    def __aiter__(self) -> Updates:
        return self

    async def __anext__(self) -> Any:  # an Update, or what was handed in
        item = await anext(self._subscription)
        if item is RESYNC:
            return item
        return _parse(item.message) if item.parcel is None else item.parcel

    async def hand(self, item: object) -> None:
        """Have an item read in its place; returns when it was."""
        await self._subscription.hand(item)

    def look_again(self) -> None:
        """Have RESYNC read, behind what waits."""
        self._subscription.put(RESYNC)


@asynccontextmanager
async def follow_turn(bus: Bus, turn_id: UUID) -> AsyncIterator[Updates]:
    """What is published about a turn from when the block begins: read the snapshot to start from inside it.

    RESYNC stands where something was missed (the bus bounds what waits): read the turn again there.
    """
    async with bus.subscribe(turn_channel(turn_id)) as subscription:
        try:
            yield Updates(subscription)
        finally:
            subscription.close()


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
        self.offset = utf16_length(text)
        self._pieces = [text]

    @property
    def text(self) -> str:
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0]

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
        self._pieces.append(new.text)
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
