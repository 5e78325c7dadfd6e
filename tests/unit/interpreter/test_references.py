"""Words for several tasks, quick-add notation, several commands in one sentence, and text that means harm."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assistant.interpreter import targets
from assistant.interpreter.commands import (
    Add,
    Command,
    Complete,
    Delete,
    ListTasks,
    Reopen,
    Reschedule,
    Setting,
    Update,
    selections,
    understand,
)
from assistant.interpreter.referring import Referents
from assistant.interpreter.several import looks, spread

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
HERE = Setting(NOW, "Europe/Berlin", "en")
ABC = A, B, C = ("A", "B", "C")


def read(text: str) -> tuple[Command, ...]:
    return understand(text, now=NOW, time_zone="Europe/Berlin").commands


@pytest.mark.parametrize(
    ("words", "places"),
    [
        ("them", (1, 2, 3, 4)),
        ("all of these", (1, 2, 3, 4)),
        ("the last two", (3, 4)),
        ("the first three tasks", (1, 2, 3)),
        ("1 and 3", (1, 3)),
        ("#2, #4", (2, 4)),
        ("the second and the last one", (2, 4)),
        ("2-4", (2, 3, 4)),
        ("both", None),
        ("the last nine", None),
        ("5 and 6", None),
        ("it", None),
        ("the second one", None),
        ("milk and eggs", None),
        ("2-9", None),
    ],
)
def test_places_in_a_list_of_four(words: str, places: tuple[int, ...] | None) -> None:
    assert targets.places(words, 4) == places


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("all done ones", ListTasks(status="completed")),
        ("the completed tasks", ListTasks(status="completed")),
        ("everything", ListTasks()),
        ("all my tasks", ListTasks()),
        ("everything due today", ListTasks("today")),
        ("all overdue tasks", ListTasks("overdue")),
        ("all tasks labelled work", ListTasks(label="work")),
        ("all #work tasks", ListTasks(label="work")),
        ("all shopping tasks", ListTasks(label="shopping")),
        ("everything on my shopping list", ListTasks(label="shopping")),
        ("my calendar for saturday", ListTasks("saturday")),
        ("all urgent tasks", ListTasks(priority_at_least="URGENT")),
        ("all tasks about milk", ListTasks(text="milk")),
    ],
)
def test_what_tasks_have_in_common_selects_them(words: str, asked: ListTasks) -> None:
    assert selections(words, HERE)[0] == asked


def test_a_plain_plural_is_a_label_or_else_a_word_of_titles() -> None:
    assert selections("all meetings on friday", HERE) == (
        ListTasks("friday", label="meetings"),
        ListTasks("friday", text="meeting"),
    )
    assert selections("all groceries", HERE) == (ListTasks(label="groceries"), ListTasks(text="grocer"))
    assert selections("all work tasks", HERE) == (ListTasks(label="work"), ListTasks(text="work"))


@pytest.mark.parametrize(
    "words", ["milk", "all the laundry", "everything bagel", "any milk", "all of them", "it", "list"]
)
def test_other_words_select_nothing(words: str) -> None:
    assert selections(words, HERE) == ()


def test_commands_about_several_become_one_about_each() -> None:
    shown = Referents(ABC, ABC)
    assert spread([Complete("the last two")], shown, {}, HERE) == (Complete(B), Complete(C))
    assert spread([Reschedule(("them",), "friday")], shown, {}, HERE) == (Reschedule(ABC, "friday"),)
    assert spread([Delete("it"), Add("milk")], shown, {}, HERE) == (Delete("it"), Add("milk"))


def test_a_selection_is_looked_up_first_by_what_the_command_can_be_about() -> None:
    assert looks([Complete("all my tasks"), Complete("all my tasks")], Referents(), HERE) == (ListTasks(),)
    assert looks([Reopen("all my tasks")], Referents(), HERE) == (ListTasks(status="completed"),)
    seen = {ListTasks(status="completed"): ("A", "B")}
    assert spread([Delete("all done ones")], Referents(), seen, HERE) == (Delete("A"), Delete("B"))
    assert spread([Delete("all done ones"), Add("milk")], Referents(), {ListTasks(status="completed"): ()}, HERE) == (
        Add("milk"),
    )


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("add buy milk #errands !low", (Add("buy milk", priority="LOW", labels=("errands",)),)),
        ("submit essay p2 @friday #school", (Add("submit essay", "friday", "HIGH", ("school",)),)),
        ("every monday remind me to water the plants", (Add("water the plants", "every monday"),)),
        ("add: eggs; milk; bread", (Add("eggs"), Add("milk"), Add("bread"))),
        ("move all my tasks for today to tomorrow", (Reschedule(("all my tasks for today",), "tomorrow"),)),
        ("put the dentist off until friday", (Reschedule(("the dentist",), "friday"),)),
        ("add notes to the report: ask bob", (Update("the report", description="ask bob"),)),
        ("todo: email anna #work", (Add("email anna", labels=("work",)),)),
        ("remind me to cancel the call", (Add("cancel the call"),)),
        ("remind me to delete the old photos tomorrow", (Add("delete the old photos", "tomorrow"),)),
        ("give me a nudge at 9am about the gas bill", (Add("the gas bill", "9am", remind="when it is due"),)),
        ("set a reminder to take out the trash", (Add("take out the trash"),)),
        ("on my to do list, add dishes", (Add("dishes"),)),
        ("schedule lunch with anna tomorrow at noon", (Add("lunch with anna", "tomorrow at noon"),)),
        ("i have a dentist appointment tomorrow, please remind me", (Add("dentist appointment", "tomorrow"),)),
        ("delete my reminder about the english lesson", (Delete("the english lesson"),)),
        ("i no longer need the alert to take my pills", (Delete("take my pills"),)),
        ("don't remind me to call the bank", (Delete("call the bank"),)),
        ("remove dinner with suzie from my calendar", (Delete("dinner with suzie"),)),
        ("push the dentist back by an hour", (Reschedule(("the dentist",), "by an hour"),)),
        ("add dinnr with jhon and mispeled thigns", (Add("dinnr with jhon and mispeled thigns"),)),
        (
            "finish the report, delete milk and add call mom tomorrow",
            (Complete("the report"), Delete("milk"), Add("call mom", "tomorrow")),
        ),
    ],
)
def test_what_people_type(text: str, commands: tuple[Command, ...]) -> None:
    assert read(text) == commands


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10_000,
        "remind me " * 1000,
        "delete " * 1400,
        "on the " * 1400 + "to",
        "don't tell me to " * 580,
        "all of the " * 900,
        "1, " * 3300,
        "i don't need " * 760 + "on my list",
        "'" * 10_000,
        "take " + "the list off my " * 620,
        "(((((" * 2000,
        ", " * 5000,
        "add" + " : ;" * 2400,
        "\n, " * 3300,
        "5" * 10_000,
        "1 and ²",
        "create a new list called " * 400,
    ],
)
def test_ten_thousand_characters_are_read_without_an_end_of_patience(text: str) -> None:
    """No pattern may take the square of its text: this would hang, not fail."""
    assert read(text)
    selections(text, HERE)
    targets.places(text, 20)
