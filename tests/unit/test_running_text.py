"""The text of a round as it is streamed is the text that its reply will have."""

from __future__ import annotations

import random

import pytest

from assistant.listening import RunningText
from models.conversations import MESSAGE_LIMIT


@pytest.mark.parametrize(
    ("after", "pieces", "grown", "draft"),
    [
        ("", ["Hello", " ", "there", " \n"], ["Hello", "", " there", ""], "Hello there"),
        ("", [" \n", " Hello"], ["", "Hello"], "Hello"),
        ("On it.", ["\n", "Done."], ["", "\n\nDone."], "On it.\n\nDone."),
        ("On it.", [" "], [""], "On it."),
        ("", [], [], ""),
    ],
)
def test_white_space_waits_for_what_follows(after: str, pieces: list[str], grown: list[str], draft: str) -> None:
    running = RunningText(after)

    assert [running.add(piece) for piece in pieces] == grown
    assert (running.draft, running.cut) == (draft, False)


@pytest.mark.parametrize("size", [1, 7, 9_999, 10_000, 10_001, 30_000])
@pytest.mark.parametrize("after", ["", "x" * 9_990, "x" * MESSAGE_LIMIT])
def test_pieces_of_any_size_are_cut_alike(size: int, after: str) -> None:
    dice = random.Random(size)
    whole = "".join(dice.choice("ab🥐  \n") for _ in range(15_000))
    running = RunningText(after)
    published = "".join(running.add(whole[start : start + size]) for start in range(0, len(whole), size))

    expected = f"{after}\n\n{whole.strip()}" if after else whole.strip()
    assert running.cut
    assert after + published == running.draft
    assert running.draft == expected[:MESSAGE_LIMIT].rstrip()


def test_a_text_that_fits_exactly_is_not_cut() -> None:
    running = RunningText("x" * 5_000)
    assert running.add("y" * 4_998) == "\n\n" + "y" * 4_998
    assert running.add(" \n") == ""
    assert (len(running.draft), running.cut) == (MESSAGE_LIMIT, False)
    assert running.add("z") == ""
    assert running.cut


def test_white_space_without_end_takes_no_room() -> None:
    running = RunningText("")
    running.add("a")
    for _ in range(300):
        assert running.add(" " * 1_000) == ""
    assert not running.cut
    assert running.add("b") == ""
    assert (running.text, running.cut) == ("a", True)
