"""A whole message that is a yes or a no, and everything that is neither."""

from __future__ import annotations

import pytest

from assistant.interpreter.commands import read_answer


@pytest.mark.parametrize(
    "text",
    [
        "yes", "Yes.", "y", "Yep!", "yeah", "sure", "ok", "OK!", "okay then", "alright", "do it", "go ahead", "confirm",
        "yes please", "yes, delete them", "Yes, all of them", "yes. delete both", "ok, go ahead", "please do it",
        "sure, why not", "yes yes", "absolutely", "that's fine", "approved", "yes, mark it as done", "ja", "oui", "sí",
        "claro que sim", "👍", "👍🏽", "✅", "yes 👍", "  YES  ",
    ],
)  # fmt: skip
def test_a_yes_is_one_in_all_of_its_forms(text: str) -> None:
    assert read_answer(text) is True


@pytest.mark.parametrize(
    "text",
    [
        "no", "No!", "n", "nope", "nah", "don't", "Don’t do it", "do not", "no, don't do it", "cancel", "cancel that",
        "stop", "abort", "never mind", "nevermind", "no thanks", "no thank you", "leave it", "leave them alone",
        "not now", "ok, never mind", "no, keep them", "please don't delete them", "no, stop", "forget it",
        "I changed my mind", "reject", "nein", "non", "não", "👎", "👎🏿", "❌",
    ],
)  # fmt: skip
def test_a_no_is_one_in_all_of_its_forms(text: str) -> None:
    assert read_answer(text) is False


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "...", "yes but keep milk", "yes, and add eggs", "yes, delete milk", "sure, but not the first",
        "no, delete milk instead", "no, delete them", "no, move them to Friday", "yes no", "no, go ahead", "yes?",
        "ok?", "what?", "maybe", "thanks", "please", "both", "add milk", "delete them", "ok add milk", "ok, undo",
        "no milk", "stop the car", "cancel the meeting", "don't delete milk", "the second one", "yes " * 100, "2", "🎉",
    ],
)  # fmt: skip
def test_anything_that_says_more_or_something_else_is_neither(text: str) -> None:
    assert read_answer(text) is None
