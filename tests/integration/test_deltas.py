"""A turn's text arrives whole however it is cut, coalesced and split, in the units that browsers count."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import new_id
from events.bus import MAX_MESSAGE_BYTES, RESYNC, Bus
from events.deltas import (
    Delta,
    DeltaWriter,
    DraftView,
    Look,
    Update,
    follow_turn,
    publish_look,
    turn_channel,
    utf16_length,
)
from tests.support.reading import GUARD, other_tasks, until

PIECES = ("Done ", "✅", "👩‍👩‍👧", " e\u0301", " 買い物", " 🇩🇪", "\n\n", "𝒳", "end")
TEXT = "".join(PIECES)


class Recorder:
    """A publisher that keeps what it is given; each of the `gates` holds one publication."""

    def __init__(self) -> None:
        self.messages: list[dict[str, object]] = []
        self.sizes: list[int] = []
        self.gates: list[asyncio.Event] = []

    async def publish(self, channel: str, message: bytes | str) -> None:
        if self.gates:
            await self.gates.pop(0).wait()
        self.sizes.append(len(message))
        self.messages.append(orjson.loads(message))

    @property
    def view(self) -> DraftView:
        view = DraftView(1, "")
        for message in self.messages:
            new = view.apply(Delta(int(str(message["a"])), int(str(message["o"])), str(message["t"])))
            assert isinstance(new, Delta)
        return view


class Pause:
    """The pause between publications, ended by the test."""

    def __init__(self) -> None:
        self.begun = 0
        self._over = asyncio.Semaphore(0)

    async def __call__(self) -> None:
        self.begun += 1
        await self._over.acquire()

    def end(self) -> None:
        self._over.release()


@pytest.fixture
def turn() -> UUID:
    return new_id()


async def following(updates: AsyncIterator[Update]) -> Update:
    async with asyncio.timeout(GUARD):
        return await anext(updates)


async def test_followers_put_the_text_together_again(bus: Bus, turn: UUID) -> None:
    async with follow_turn(bus, turn) as one, follow_turn(bus, turn) as other:
        async with DeltaWriter(bus, turn, 1) as writer:
            for piece in PIECES:
                await writer.add(piece)
                await writer.flush()
            await writer.look(7)
        for updates in (one, other):
            view = DraftView(1, "")
            while isinstance(update := await following(updates), Delta):
                assert view.apply(update) == update
            assert update == Look(7)
            assert view.text == TEXT
            assert view.offset == len(TEXT.encode("utf-16-le")) // 2


async def test_the_first_piece_goes_at_once_and_the_rest_together_after_a_pause(turn: UUID) -> None:
    recorder, pause = Recorder(), Pause()
    async with DeltaWriter(recorder, turn, 1, pause=pause) as writer:
        await writer.add("a")
        await until(lambda: pause.begun == 1)
        assert [message["t"] for message in recorder.messages] == ["a"]
        for piece in ("b", "👍", "c"):
            await writer.add(piece)
        pause.end()
        await until(lambda: pause.begun == 2)
        assert recorder.messages[1:] == [{"a": 1, "o": 1, "t": "b👍c"}]
        pause.end()
        await writer.add("d")
        await until(lambda: pause.begun == 3)
        await writer.add("e")
    assert recorder.messages[2:] == [{"a": 1, "o": 5, "t": "d"}, {"a": 1, "o": 6, "t": "e"}]


async def test_what_is_added_while_a_publication_is_under_way_keeps_its_order(turn: UUID) -> None:
    recorder, pause = Recorder(), Pause()
    gate = asyncio.Event()
    recorder.gates.append(gate)
    async with DeltaWriter(recorder, turn, 1, pause=pause) as writer:
        await writer.add("a")
        await until(lambda: not recorder.gates)
        await writer.add("b")
        flushing = asyncio.create_task(writer.flush())
        await asyncio.sleep(0)
        gate.set()
        await flushing
    assert recorder.view.text == "ab"


async def test_a_long_text_is_split_within_the_bound_of_the_bus_and_between_characters(turn: UUID) -> None:
    recorder = Recorder()
    worst = "\x01" * 9_000 + "👍" * 20_001 + '"' * 9_000 + "語" * 9_000
    async with DeltaWriter(recorder, turn, 1) as writer:
        await writer.add(worst)
    assert max(recorder.sizes) <= MAX_MESSAGE_BYTES
    assert len(recorder.sizes) > 1
    assert recorder.view.text == worst


async def test_a_new_attempt_starts_at_its_own_base_and_drops_what_waits_of_the_old(turn: UUID) -> None:
    recorder, pause = Recorder(), Pause()
    async with DeltaWriter(recorder, turn, 1, base=10, pause=pause) as writer:
        await writer.add("old")
        await until(lambda: pause.begun == 1)
        await writer.add("lost")
        await writer.restart(2, base=4)
        assert (writer.attempt, writer.offset) == (2, 4)
        await writer.add("new")
    assert recorder.messages == [{"a": 1, "o": 10, "t": "old"}, {"a": 2, "o": 4, "t": "new"}]


async def test_who_leaves_by_an_exception_publishes_nothing_more(turn: UUID) -> None:
    recorder, pause, before = Recorder(), Pause(), other_tasks()

    async def lose_the_turn() -> None:
        async with DeltaWriter(recorder, turn, 1, pause=pause) as writer:
            await writer.add("a")
            await until(lambda: pause.begun == 1)
            await writer.add("b")
            raise RuntimeError("the turn was lost")

    with pytest.raises(RuntimeError, match="the turn was lost"):
        await lose_the_turn()
    assert [message["t"] for message in recorder.messages] == ["a"]
    assert other_tasks() == before


async def test_nothing_is_published_for_nothing_and_half_a_character_is_refused(turn: UUID) -> None:
    recorder = Recorder()
    async with DeltaWriter(recorder, turn, 1) as writer:
        await writer.add("")
        with pytest.raises(UnicodeEncodeError):
            await writer.add("\ud83d")
        assert writer.offset == 0
    assert recorder.messages == []


async def test_anyone_can_have_the_followers_look_again(bus: Bus, turn: UUID) -> None:
    async with follow_turn(bus, turn) as updates:
        await publish_look(bus, turn, 3)
        assert await following(updates) == Look(3)


@pytest.mark.parametrize("message", ["", "{", "[]", '{"a": "1", "o": 0, "t": ""}', '{"s": null}', '{"t": "\\ud800"}'])
async def test_a_message_that_isnt_ours_means_that_something_may_be_missing(bus: Bus, turn: UUID, message: str) -> None:
    async with follow_turn(bus, turn) as updates:
        await bus.publish(turn_channel(turn), message)
        assert await following(updates) is RESYNC


async def test_a_follower_that_is_too_slow_finds_a_resync_and_memory_stays_bounded(turn: UUID) -> None:
    async with Bus("memory://", queue_size=4) as bus, follow_turn(bus, turn) as slow, follow_turn(bus, turn) as quick:
        async with DeltaWriter(bus, turn, 1) as writer:
            for _ in range(6):
                await writer.add("x")
                await writer.flush()
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
