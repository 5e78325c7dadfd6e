"""Grammar and model weighed: what one of them alone sees is asked about before anything is destroyed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assistant.choices import choices_of_reply
from assistant.interpreter import model
from assistant.interpreter.commands import (
    Add,
    Command,
    Complete,
    Delete,
    ListTasks,
    Nothing,
    Search,
    Understanding,
    Undo,
    understand,
)
from assistant.interpreter.model.weights import KINDS, unpack

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


def read(text: str, last_question: str | None = None) -> Understanding:
    return understand(text, now=NOW, time_zone="Europe/Berlin", last_question=last_question)


def question(text: str) -> str:
    [command] = read(text).commands
    assert isinstance(command, Nothing)
    assert command.question is not None
    return command.question


def test_the_weights_fit_the_features_and_give_probabilities() -> None:
    said = model.probabilities("delete the dentist appointment")
    assert set(said) == set(KINDS)
    assert sum(said.values()) == pytest.approx(1)
    assert max(said, key=lambda kind: said[kind]) == "delete"
    assert unpack(model.load().packed()) == model.load()
    with pytest.raises(ValueError, match="weights"):
        unpack(b"other")


def test_a_deletion_that_only_the_model_sees_is_asked_about_and_a_yes_does_it() -> None:
    asked = question("i already got the milk so take it off the shopping list for me")
    assert asked.startswith(("Did you mean “delete", "Which task should I delete?"))
    assert choices_of_reply(asked)[-1]["content"] == "never mind"
    assert read("yes", "Did you mean “delete milk”?").commands == (Delete("milk"),)
    assert read("delete milk", "Did you mean “delete milk”?").commands == (Delete("milk"),)
    assert read("yes", "Did you mean “delete milk”?").intent == "delete"


def test_a_question_that_suggests_a_command_offers_it() -> None:
    said = [(choice["label"], choice["content"]) for choice in choices_of_reply("Did you mean “delete milk”?")]
    assert said == [("Yes, delete milk", "delete milk"), ("Never mind", "never mind")]
    assert choices_of_reply("Deleted “milk”.") == []


@pytest.mark.parametrize(
    ("asked", "said", "command"),
    [
        ("Which task should I delete?", "the milk", Delete("the milk")),
        ("Which task is done?", "the second one", Complete("the second one")),
        ("What should I add? It will be labelled “groceries”.", "milk", Add("milk", labels=("groceries",))),
    ],
)
def test_words_after_a_question_answer_it(asked: str, said: str, command: Add | Complete | Delete) -> None:
    assert read(said, asked).commands == (command,)


def test_a_new_list_comes_with_its_first_task() -> None:
    assert question("create a list called groceries") == "What should I add? It will be labelled “groceries”."
    assert question("make a new list") == "What should I add?"


def test_an_add_that_only_the_model_sees_is_done_where_it_is_likely() -> None:
    [made] = read("we are out of trash bags please put that on the shopping list").commands
    assert isinstance(made, Add)


@pytest.mark.parametrize(
    "text",
    [
        "what is the weather going to be like tomorrow",
        "set an alarm for 7 am",
        "cancel my credit card",
        "add twelve and thirty",
        "play the next song on my list of favorites",
        "when is the next train to london",
        "how do i remove a stain from a shirt",
        "mark my words",
        "did you finish the report",
        "I finished reading a great book about rome",
        "may flowers bloom in the second week",
        "the meeting was boring",
        "remove the last song from the playlist",
    ],
)
def test_talk_of_other_things_does_nothing(text: str) -> None:
    understood = read(text)
    assert understood.commands == (Nothing(),)
    assert understood.intent == "none"


@pytest.mark.parametrize(
    ("text", "suggested"),
    [
        ("buy milk", "add buy milk"),
        ("dentist friday 3pm", "add dentist friday 3pm"),
        ("tomorrow call mom", "add tomorrow call mom"),
    ],
)
def test_what_looks_like_a_thing_to_do_is_offered_and_not_done(text: str, suggested: str) -> None:
    asked = question(text)
    assert asked == f"Did you mean “{suggested}”?"
    [added] = read("yes", asked).commands
    assert isinstance(added, Add)


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("did I finish the report?", Search("report")),
        ("when is my haircut?", Search("haircut")),
        ("and friday?", ListTasks("friday")),
        ("what about tomorrow", ListTasks("tomorrow")),
        ("finish report by friday", Add("finish report", "friday")),
        ("finish report", Complete("report")),
        ("i want to undo that", Undo()),
        ("scratch that last change", Undo()),
        ("remind me to undo the settings", Add("undo the settings")),
    ],
)
def test_words_that_could_be_taken_for_another_command(text: str, command: Command) -> None:
    assert read(text).commands == (command,)


def test_what_a_message_asks_for_is_its_first_change() -> None:
    assert read("find the groceries task and mark it done").intent == "complete"
    assert read("show my tasks and delete milk").intent == "delete"
    assert read("show my tasks").intent == "list"
