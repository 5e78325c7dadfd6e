"""Terse, chatty and mistyped messages, as people type them when they are in a hurry."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assistant.interpreter.commands import (
    Add,
    Arrange,
    Command,
    Complete,
    Correct,
    Delete,
    Greet,
    ListTasks,
    Nothing,
    Reschedule,
    Search,
    Thanks,
    Update,
    understand,
)

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


def read(text: str, last_question: str | None = None) -> tuple[Command, ...]:
    return understand(text, now=NOW, time_zone="Europe/Berlin", last_question=last_question).commands


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("need to call the dentist tmrw", (Add("call the dentist", "tmrw"),)),
        ("gotta pay rent by the 1st", (Add("pay rent", "the 1st"),)),
        ("and water plants every sunday", (Add("water plants", "every sunday"),)),
        ("dont forget milk", (Add("milk"),)),
        ("groceries: milk, eggs", (Add("milk", labels=("groceries",)), Add("eggs", labels=("groceries",)))),
        ("add party: cake, candles", (Add("cake", labels=("party",)), Add("candles", labels=("party",)))),
        ("add milk and eggs to groceries", (Add("milk", labels=("groceries",)), Add("eggs", labels=("groceries",)))),
        ("add sub-task butter to baking", (Add("butter", parent="baking"),)),
        ("laundry's done", (Complete("laundry"),)),
        ("delte milk", (Delete("milk"),)),
        ("complet eggs", (Complete("eggs"),)),
        ("remnd me to cal mom tomorow", (Add("cal mom", "tomorow"),)),
        ("mark today as the first day of school", (Add("the first day of school", "today"),)),
        ("please have the party removed from my calendar", (Delete("the party"),)),
        ("change the deadline to december 20", (Reschedule(("it",), "december 20"),)),
        ("did i add eggs", (Search("eggs"),)),
        (
            "hi can you please add a task for me, it's to renew my passport by june 3, thanks a lot!",
            (Add("renew my passport", "june 3"),),
        ),
        ("first one done", (Complete("first one"),)),
        ("mark call dad & call sis done", (Complete("call dad"), Complete("call sis"))),
        ("rent is urgent", (Update("rent", priority="URGENT"),)),
        ("make it high instead", (Update("it", priority="HIGH"),)),
        ("and make it urgent", (Update("it", priority="URGENT"),)),
        ("remove the urgent flag from milk", (Update("milk", priority="NONE"),)),
        ("set a reminder 15 min before", (Update("it", remind="15 min before"),)),
        ("turn off the reminder for the dentist", (Update("the dentist", remind="none"),)),
        ("move it an hour later", (Reschedule(("it",), "by an hour"),)),
        ("move rent 2 days earlier", (Reschedule(("rent",), "2 days earlier"),)),
        ("move it to 5", (Reschedule(("it",), "at 5"),)),
        ("show", (ListTasks(),)),
        ("show all", (ListTasks(),)),
        ("what's urgent", (ListTasks(priority_at_least="URGENT"),)),
        ("whats in party", (ListTasks(label="party"),)),
        ("show party tasks", (ListTasks(label="party"),)),
        ("show my open tasks", (ListTasks(),)),
        ("next month?", (ListTasks("next month"),)),
        ("is bacon done?", (Search("bacon"),)),
        ("what was done today", (ListTasks(status="completed", completed="today"),)),
        ("tasks completed last week", (ListTasks(status="completed", completed="last week"),)),
        ("did i do the laundry today", (Search("laundry today"),)),
        ("no, I meant friday", (Correct("friday", is_time=True),)),
        ("make that friday", (Correct("friday", is_time=True),)),
        ("5pm instead", (Correct("5pm", is_time=True),)),
        ("I meant the dentist, not the doctor", (Correct("the dentist"),)),
        ("whats up", (Greet(),)),
        ("ok cool thanks!", (Thanks(),)),
        ("when I get home, remind me to feed the cat", (Add("feed the cat when I get home"),)),
        ("move milk to the top", (Arrange("milk", to="TOP"),)),
    ],
)
def test_a_few_words_are_enough(text: str, commands: tuple[Command, ...]) -> None:
    assert read(text) == commands


@pytest.mark.parametrize(
    "text",
    [
        "bye",
        "yes",
        "ok",
        "👍",
        "no thanks",
        "i mean it",
        "well done",
        "are you done",
        "lol",
        "that's all",
        "great",
        "call me later",
        "add it",
        "rename yourself to betty",
    ],
)
def test_small_talk_does_nothing(text: str) -> None:
    assert all(isinstance(one, Nothing) for one in read(text))


def test_what_is_told_of_the_past_is_asked_about_by_the_name_of_the_task() -> None:
    assert read("I already bought bread") == (Nothing(question="Did you mean “complete buy bread”?"),)
    assert read("yes", "Did you mean “complete buy bread”?") == (Complete("buy bread"),)
    assert read("I called mom", "Which task is done?") == (Complete("call mom"),)
    assert read("what about the print thing", "Which task is done?") == (Nothing(),)


def test_what_may_be_a_label_is_left_to_the_tasks_to_tell() -> None:
    assert read("add balloons to party") == (Add("balloons to party", into=("balloons", "party")),)
    assert read("add talk to paris") == (Add("talk to paris"),)
    assert read("add reply to bob") == (Add("reply to bob"),)
