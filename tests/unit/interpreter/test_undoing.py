"""Taking back what was done, and dropping what was asked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assistant.interpreter.commands import ASK_TITLE, Add, Command, NeverMind, Nothing, Undo, understand

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


def read(text: str, last_question: str | None = None) -> tuple[Command, ...]:
    return understand(text, now=NOW, time_zone="Europe/Berlin", last_question=last_question).commands


@pytest.mark.parametrize(
    "text",
    [
        "undo", "Undo!", "undo that", "undo it please", "please undo", "can you undo that?", "revert that", "revert",
        "take that back", "take back that", "undo the last change", "undo my last change", "undo your last action",
        "undo what you just did", "undo the deletion", "roll back the last change", "oops, undo that", "no, undo that",
        "undo all of that", "reverse that",
    ],
)  # fmt: skip
def test_taking_back_is_one_command(text: str) -> None:
    assert read(text) == (Undo(),)


@pytest.mark.parametrize("text", ["bring it back", "put it back", "I want it back", "restore that"])
def test_asking_for_something_back_says_so(text: str) -> None:
    assert read(text) == (Undo(restores=True),)


def test_a_command_may_follow() -> None:
    assert read("undo that and add oat milk") == (Undo(), Add("oat milk"))


@pytest.mark.parametrize(
    "text", ["undo the laundry", "how do I undo that?", "don't undo that", "revert the commit", "should I undo?"]
)
def test_what_names_something_else_or_only_asks_takes_nothing_back(text: str) -> None:
    assert not any(isinstance(command, Undo) for command in read(text))


@pytest.mark.parametrize("text", ["never mind", "Nevermind.", "forget it", "none of these", "neither", "cancel that"])
def test_dropping_the_matter_needs_no_question(text: str) -> None:
    assert read(text) == (NeverMind(),)
    assert read(text, "Which one?") == (NeverMind(),)


@pytest.mark.parametrize("text", ["no", "cancel", "stop", "no thanks", "👎"])
def test_a_plain_no_drops_a_question_and_nothing_else(text: str) -> None:
    assert read(text, ASK_TITLE) == (NeverMind(),)
    assert read(text) == (Nothing(),)


def test_a_plain_yes_is_no_title() -> None:
    assert read("yes", ASK_TITLE) == (Nothing(question=ASK_TITLE),)
    assert read("yes", "Which one?") == (Nothing(),)
