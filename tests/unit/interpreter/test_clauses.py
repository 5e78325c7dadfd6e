"""Where a sentence is cut, whose date it is, and what is only said and not asked for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assistant.interpreter.commands import (
    Add,
    Command,
    Delete,
    ListTasks,
    Nothing,
    Reschedule,
    Setting,
    Undo,
    Update,
    selections,
    understand,
)

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


def read(text: str) -> tuple[Command, ...]:
    return understand(text, now=NOW, time_zone="Europe/Berlin").commands


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("add milk, eggs and bread for tomorrow", {"milk": "tomorrow", "eggs": "tomorrow", "bread": "tomorrow"}),
        ("add milk, eggs, and bread for tomorrow", {"milk": "tomorrow", "eggs": "tomorrow", "bread": "tomorrow"}),
        (
            "add milk and eggs, and standup every weekday at 9",
            {"milk": None, "eggs": None, "standup": "every weekday at 9"},
        ),
        ("add milk, and call bob tomorrow", {"milk": None, "call bob": "tomorrow"}),
        ("add milk, eggs and call bob tomorrow", {"milk": None, "eggs": None, "call bob": "tomorrow"}),
        ("add call mom and call dad tomorrow", {"call mom": "tomorrow", "call dad": "tomorrow"}),
    ],
)
def test_a_date_is_that_of_an_even_list_and_else_of_what_it_stands_beside(
    text: str, due: dict[str, str | None]
) -> None:
    made = read(text)
    assert {one.title: one.due for one in made if isinstance(one, Add)} == due
    assert len(made) == len(due)


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("add milk but don't add eggs", ["milk"]),
        ("add milk, don't add eggs", ["milk"]),
        ("add milk and do not add eggs", ["milk"]),
        ("add milk but not eggs", ["milk"]),
        ("don't add milk but add eggs", ["eggs"]),
        ("add milk and don't forget to call bob", ["milk", "call bob"]),
        ("remind me to move the plants but don't move the ficus", ["move the plants but don't move the ficus"]),
        ("add '; drop table tasks; --", ["'; drop table tasks; --"]),
        ("add fix the login; see ticket 42", ["fix the login; see ticket 42"]),
        ("add eggs; milk; bread", ["eggs", "milk", "bread"]),
        ("add 🥛; 🍞", ["🥛", "🍞"]),
    ],
)
def test_what_is_ruled_out_is_not_added_and_a_title_keeps_its_signs(text: str, titles: list[str]) -> None:
    assert [one.title for one in read(text) if isinstance(one, Add)] == titles
    assert len(read(text)) == len(titles)


@pytest.mark.parametrize("text", ["add x; delete milk", "add x. delete milk", "add x and delete milk"])
def test_a_command_after_a_sign_is_a_command(text: str) -> None:
    assert read(text) == (Add("x"), Delete("milk"))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("I might add tea later", "“add tea later”"),
        ("maybe I'll add milk tomorrow", "“add milk tomorrow”"),
        ("i could delete the report", "“delete the report”"),
        ("i will finish it later", None),
        ("I was thinking about moving the dentist", None),
        ("we may run out of milk", None),
    ],
)
def test_thinking_aloud_does_nothing_and_is_told_how_to_ask(text: str, hint: str | None) -> None:
    [said] = read(text)
    assert isinstance(said, Nothing)
    assert "?" not in (said.question or "")
    assert hint is None or hint in (said.question or "")


@pytest.mark.parametrize(
    "text",
    [
        "undo",
        "cancel what i just did",
        "delete my last change",
        "remove the last change to my to do list",
        "i take that back",
        "put it back the way it was",
        "that's not what I meant",
        "ctrl+z",
    ],
)
def test_taking_back_has_many_words(text: str) -> None:
    assert read(text) == (Undo(),)


def test_what_only_begins_like_taking_back_is_asked_about() -> None:
    assert read("undo the last item") == (Nothing(question="Did you mean “undo”?"),)
    assert read("delete the last one") == (Delete("the last one"),)


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("add buy 3 apples, 2 pears and 1 melon", (Add("buy 3 apples, 2 pears and 1 melon"),)),
        ('add task: Say "hello" to Anna; then wave', (Add('Say "hello" to Anna; then wave'),)),
        ('add "pay rent" for friday', (Add("pay rent", "friday"),)),
        (
            "schedule dentist next tue 3pm and remind me 1h before",
            (Add("dentist", "next tue 3pm", remind="1h before"),),
        ),
        (
            "add dentist tuesday 3pm with a reminder an hour before",
            (Add("dentist", "tuesday 3pm", remind="an hour before"),),
        ),
        ("no reminder for the cake", (Update("the cake", remind="none"),)),
        ("push everything from today to tomorrow", (Reschedule(("everything from today",), "tomorrow"),)),
    ],
)
def test_no_word_of_what_is_asked_gets_lost(text: str, commands: tuple[Command, ...]) -> None:
    assert read(text) == commands


def test_what_may_be_added_elsewhere_is_asked_about_and_a_mere_it_too() -> None:
    assert read("add email to bob@example.com about https://x.y/z") == (
        Nothing(question="Did you mean “add email to bob@example.com about https://x.y/z”?"),
    )
    assert read("ok add it") == (Nothing(question="What should I add?"),)


@pytest.mark.parametrize(
    "words",
    [
        "everything not urgent",
        "everything except milk",
        "all tasks that i added today",
        "everything overdue from last month",
        "all but the first",
    ],
)
def test_a_selection_with_a_word_that_is_not_understood_selects_nothing(words: str) -> None:
    assert selections(words, Setting(NOW, "Europe/Berlin", "en")) == ()


def test_a_selection_by_a_day_is_of_that_day() -> None:
    setting = Setting(NOW, "Europe/Berlin", "en")
    for words in ("everything from today", "all of today's tasks", "everything due today"):
        assert selections(words, setting) == (ListTasks("today"),)
