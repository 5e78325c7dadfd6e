"""A turn's text arrives whole however it is cut, coalesced and split, in the units that browsers count."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import new_id
from events.bus import MAX_MESSAGE_BYTES, RESYNC, Bus
from events.deltas import (
    BUSY,
    LONGEST,
    PAUSE,
    QUIET,
    Delta,
    DeltaWriter,
    DraftView,
    Look,
    Update,
    follow_turn,
    send_look,
    turn_channel,
    utf16_length,
)
from events.subscription import Parcel
from tests.support.reading import GUARD, until

PIECES = ("Done ", "✅", "👩‍👩‍👧", " e\u0301", " 買い物", " 🇩🇪", "\n\n", "𝒳", "end")
TEXT = "".join(PIECES)


class Recorder:
    """A bus that keeps what it is given."""

    def __init__(self) -> None:
        self.messages: list[dict[str, object]] = []
        self.sizes: list[int] = []

    def send(self, channel: str, parcel: Parcel) -> None:
        self.sizes.append(len(parcel.encode().encode()))
        self.messages.append(orjson.loads(parcel.encode()))

    @property
    def texts(self) -> list[object]:
        return [message["t"] for message in self.messages]

    @property
    def view(self) -> DraftView:
        view = DraftView(1, "")
        for message in self.messages:
            new = view.apply(Delta(int(str(message["a"])), int(str(message["o"])), str(message["t"])))
            assert isinstance(new, Delta)
        return view


class Hands:
    """A clock whose hands the test moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due: list[tuple[float, Callable[[], object]]] = []

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[[], object]) -> Hands:
        return self.call_at(self.now, callback)

    def call_at(self, when: float, callback: Callable[[], object]) -> Hands:
        assert when >= self.now
        self.due.append((when, callback))
        return self

    def cancel(self) -> None:
        self.due.clear()

    def be_late(self, seconds: float) -> None:
        """Time passes, and nothing is done."""
        self.now += seconds

    def pass_by(self, seconds: float = 0.0) -> None:
        """What gets due is done when it is."""
        end = self.now + seconds
        while self.due and self.due[0][0] <= end:
            when, callback = self.due.pop(0)
            self.now = max(self.now, when)
            callback()
        self.now = end


@pytest.fixture
def turn() -> UUID:
    return new_id()


async def following(updates: AsyncIterator[Update]) -> Update:
    async with asyncio.timeout(GUARD):
        return await anext(updates)


async def test_followers_put_the_text_together_again(bus: Bus, turn: UUID) -> None:
    async with follow_turn(bus, turn) as one, follow_turn(bus, turn) as other:
        with DeltaWriter(bus, turn, 1) as writer:
            for piece in PIECES:
                writer.add(piece)
                writer.flush()
            writer.look(7)
        for updates in (one, other):
            view = DraftView(1, "")
            while isinstance(update := await following(updates), Delta):
                assert view.apply(update) == update
            assert update == Look(7)
            assert view.text == TEXT
            assert view.offset == len(TEXT.encode("utf-16-le")) // 2


def test_text_that_comes_slowly_goes_at_once_and_text_that_comes_quickly_together_after_a_pause(turn: UUID) -> None:
    recorder, hands = Recorder(), Hands()
    with DeltaWriter(recorder, turn, 1, timers=hands) as writer:
        for piece in ("a", "b", "c"):
            writer.add(piece)
            hands.pass_by(1.5 * QUIET)
        assert recorder.texts == ["a", "b", "c"]
        for piece in ("d", "👍", "e"):
            writer.add(piece)
            hands.pass_by(QUIET / 4)
        assert recorder.texts == ["a", "b", "c", "d"]
        hands.pass_by(PAUSE)
        assert recorder.messages[4:] == [{"a": 1, "o": 4, "t": "👍e"}]
        hands.pass_by(PAUSE)
        writer.add("f")
        hands.pass_by()
        writer.add("g")
    assert recorder.messages[5:] == [{"a": 1, "o": 7, "t": "f"}, {"a": 1, "o": 8, "t": "g"}]
    assert hands.due == []


def test_where_the_loop_is_late_text_waits_for_more_and_goes_at_once_again_where_it_is_not(turn: UUID) -> None:
    recorder, hands = Recorder(), Hands()
    with DeltaWriter(recorder, turn, 1, timers=hands) as writer:
        writer.add("a")
        hands.be_late(PAUSE)
        hands.pass_by(1.5 * QUIET)
        writer.add("b")
        hands.pass_by(1.5 * PAUSE)
        writer.add("c")
        assert recorder.texts == ["a"]
        hands.pass_by(BUSY * PAUSE)
        assert recorder.texts == ["a", "bc"]
        hands.be_late(100 * LONGEST)
        writer.add("d")
        hands.pass_by()
        assert recorder.texts == ["a", "bc", "d"]


def test_what_comes_together_goes_together(turn: UUID) -> None:
    recorder, hands = Recorder(), Hands()
    with DeltaWriter(recorder, turn, 1, timers=hands) as writer:
        for piece in PIECES:
            writer.add(piece)
        hands.pass_by()
        assert recorder.texts == [TEXT]


def test_a_publication_asked_for_takes_what_waits_for_the_pause_along(turn: UUID) -> None:
    recorder, hands = Recorder(), Hands()
    with DeltaWriter(recorder, turn, 1, timers=hands) as writer:
        writer.add("a")
        hands.pass_by()
        writer.add("b")
        writer.flush()
        hands.pass_by(PAUSE)
        assert recorder.texts == ["a", "b"]
    assert recorder.view.text == "ab"


def test_a_long_text_is_split_within_the_bound_of_the_bus_and_between_characters(turn: UUID) -> None:
    recorder = Recorder()
    worst = "\x01" * 9_000 + "👍" * 20_001 + '"' * 9_000 + "語" * 9_000
    with DeltaWriter(recorder, turn, 1, timers=Hands()) as writer:
        writer.add(worst)
    assert max(recorder.sizes) <= MAX_MESSAGE_BYTES
    assert len(recorder.sizes) > 1
    assert recorder.view.text == worst


def test_a_new_attempt_starts_at_its_own_base_and_drops_what_waits_of_the_old(turn: UUID) -> None:
    recorder, hands = Recorder(), Hands()
    with DeltaWriter(recorder, turn, 1, base=10, timers=hands) as writer:
        writer.add("old")
        hands.pass_by()
        writer.add("lost")
        writer.restart(2, base=4)
        assert (writer.attempt, writer.offset) == (2, 4)
        writer.add("new")
    assert recorder.messages == [{"a": 1, "o": 10, "t": "old"}, {"a": 2, "o": 4, "t": "new"}]


def test_who_leaves_by_an_exception_publishes_nothing_more(turn: UUID) -> None:
    recorder, hands = Recorder(), Hands()

    def lose_the_turn() -> None:
        with DeltaWriter(recorder, turn, 1, timers=hands) as writer:
            writer.add("a")
            hands.pass_by()
            writer.add("b")
            raise RuntimeError("the turn was lost")

    with pytest.raises(RuntimeError, match="the turn was lost"):
        lose_the_turn()
    hands.pass_by(PAUSE)
    assert recorder.texts == ["a"]


def test_nothing_is_published_for_nothing_and_half_a_character_is_refused(turn: UUID) -> None:
    recorder = Recorder()
    with DeltaWriter(recorder, turn, 1, timers=Hands()) as writer:
        writer.add("")
        with pytest.raises(UnicodeEncodeError):
            writer.add("\ud83d")
        assert writer.offset == 0
    assert recorder.messages == []


async def test_anyone_can_have_the_followers_look_again(bus: Bus, turn: UUID) -> None:
    async with follow_turn(bus, turn) as updates:
        send_look(bus, turn, 3)
        assert await following(updates) == Look(3)


@pytest.mark.parametrize("message", ["", "{", "[]", '{"a": "1", "o": 0, "t": ""}', '{"s": null}', '{"t": "\\ud800"}'])
async def test_a_message_that_isnt_ours_means_that_something_may_be_missing(bus: Bus, turn: UUID, message: str) -> None:
    async with follow_turn(bus, turn) as updates:
        await bus.publish(turn_channel(turn), message)
        assert await following(updates) is RESYNC


async def test_a_follower_that_is_too_slow_finds_a_resync_and_memory_stays_bounded(turn: UUID) -> None:
    async with Bus("memory://", queue_size=4) as bus, follow_turn(bus, turn) as slow, follow_turn(bus, turn) as quick:
        with DeltaWriter(bus, turn, 1) as writer:
            for _ in range(6):
                writer.add("x")
                writer.flush()
                await following(quick)
        assert await following(slow) is RESYNC
        view, snapshot = DraftView(1, ""), DraftView(1, "xxxxxx")
        late = await following(slow)
        assert isinstance(late, Delta)
        assert (view.apply(late), snapshot.apply(late)) == ("hole", "drop")


async def test_following_ends_with_the_block(bus: Bus, turn: UUID) -> None:
    async with follow_turn(bus, turn) as updates:
        pass
    assert await anext(updates, None) is None
    await until(lambda: len(bus._channels) == 0)


def test_a_draft_appends_what_is_new_and_drops_what_is_old() -> None:
    view = DraftView(2, "a👍")
    assert view.apply(Delta(1, 3, "of another attempt")) == "drop"
    assert view.apply(Delta(2, 0, "a👍")) == "drop"
    assert view.apply(Delta(2, 1, "👍b")) == Delta(2, 3, "b")
    assert view.apply(Delta(2, 4, "")) == "drop"
    assert view.apply(Delta(2, 4, "é")) == Delta(2, 4, "é")
    assert (view.text, view.offset) == ("a👍bé", 5)


@pytest.mark.parametrize(
    "delta", [Delta(2, 4, "far"), Delta(3, 0, "newer"), Delta(2, 2, "cut"), Delta(2, 1, "🙁!"), Delta(2, -1, "x")]
)
def test_a_draft_with_a_hole_is_left_as_it_was(delta: Delta) -> None:
    view = DraftView(2, "a👍")
    assert view.apply(delta) == "hole"
    assert (view.text, view.offset) == ("a👍", 3)


@given(st.lists(st.text(max_size=5), max_size=20), st.data())
def test_a_snapshot_and_the_deltas_around_it_make_the_text(pieces: list[str], data: st.DataObject) -> None:
    """Whatever of the deltas came before the snapshot was taken, the follower ends with the whole text."""
    deltas, offset = [], 0
    for piece in pieces:
        deltas.append(Delta(1, offset, piece))
        offset += utf16_length(piece)
    text = "".join(pieces)
    view = DraftView(1, text[: data.draw(st.integers(0, len(text)))])
    start = view.text
    sent = [new.text for delta in deltas if isinstance(new := view.apply(delta), Delta)]
    assert view.text == text == start + "".join(sent)
    assert view.offset == offset == utf16_length(text)
