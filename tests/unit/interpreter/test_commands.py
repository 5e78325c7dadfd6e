"""Commands in words: what is asked, of which task, and that nothing is done where nothing was asked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from assistant.interpreter.commands import (
    ASK_TITLE,
    Add,
    Categorize,
    Command,
    Complete,
    Delete,
    Greet,
    Help,
    ListTasks,
    Nothing,
    Reopen,
    Reschedule,
    Search,
    Skip,
    Snooze,
    Thanks,
    Understanding,
    Update,
    is_choice,
    understand,
)

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)


def read(text: str, last_question: str | None = None) -> Understanding:
    return understand(text, now=NOW, time_zone="Europe/Berlin", last_question=last_question)


ONE = [
    ("add buy milk tomorrow at 5pm", Add("buy milk", "tomorrow at 5pm")),
    ("Add Buy Milk", Add("Buy Milk")),
    ("remind me to call mom on Friday", Add("call mom", "Friday")),
    ("remind me tomorrow to call dad at 5pm", Add("call dad", "tomorrow at 5pm", remind="when it is due")),
    ("remind me in 2 hours to check the oven", Add("check the oven", "in 2 hours", remind="when it is due")),
    ("I need to buy milk", Add("buy milk")),
    ("put the laundry on my list", Add("the laundry")),
    ("don't let me forget to water the plants", Add("water the plants")),
    ("don’t forget to water the plants", Add("water the plants")),
    ("could you please add walk the dog tomorrow?", Add("walk the dog", "tomorrow")),
    ("add bread and butter pudding", Add("bread and butter pudding")),
    ("add call mom and dad", Add("call mom and dad")),
    ("add buy milk, eggs and bread", Add("buy milk, eggs and bread")),
    ('add "Friday Night Lights" to my watch list', Add("Friday Night Lights", labels=("watch",))),
    ("add milk to my to-do list", Add("milk")),
    ("add task: water plants", Add("water plants")),
    ("add a high priority task to file taxes by april 15", Add("file taxes", "april 15", "HIGH")),
    ("pay rent friday #home !high", Add("pay rent", "friday", "HIGH", ("home",))),
    ("add call Bob p1 @friday", Add("call Bob", "friday", "URGENT")),
    ("remind me to water the plants every monday", Add("water the plants", "every monday")),
    ("set a reminder to stretch tomorrow at 10", Add("stretch", "tomorrow at 10", remind="when it is due")),
    ("remind me every day at 8 to take pills", Add("take pills", "every day at 8", remind="when it is due")),
    ("add daily standup", Add("daily standup")),
    ("add read the weekly report", Add("read the weekly report")),
    ("skip the standup", Skip("the standup")),
    ("skip water plants this week", Skip("water plants")),
    ("snooze it for 10 minutes", Snooze("10 minutes")),
    ("snooze 10 minutes", Snooze("10 minutes")),
    ("snooze it until 5pm", Snooze("5pm")),
    ("snooze the standup for 15 minutes", Snooze("15 minutes", "the standup")),
    ("snooze the report until friday", Snooze("friday", "the report")),
    ("make the report repeat every other monday", Update("the report", recurrence="every other monday")),
    ("water plants doesn't repeat any more", Update("water plants", recurrence="none")),
    ("stop repeating the report", Update("the report", recurrence="none")),
    ("remind me 30 minutes before the dentist", Update("the dentist", remind="30 minutes before")),
    ("remind me to wash and remove the covers", Add("wash and remove the covers")),
    ("add review notes from yesterday", Add("review notes from yesterday")),
    ("add prepare monday presentation", Add("prepare monday presentation")),
    ("what do I have today?", ListTasks("today")),
    ("show my open tasks", ListTasks()),
    ("what's overdue?", ListTasks("overdue")),
    ("what's next", ListTasks()),
    ("do I have anything tomorrow?", ListTasks("tomorrow")),
    ("list completed tasks", ListTasks(status="completed")),
    ("how many tasks do I have?", ListTasks()),
    ("what tasks are due this week?", ListTasks("this week")),
    ("show me my shopping list", ListTasks(label="shopping")),
    ("show urgent tasks", ListTasks(priority_at_least="URGENT")),
    ("find milk", Search("milk")),
    ("search for the dentist", Search("dentist")),
    ("is milk on my list?", Search("milk")),
    ("mark buy milk as done", Complete("buy milk")),
    ("Mark Buy Milk done.", Complete("Buy Milk")),
    ("X is done", Complete("X")),
    ("I finished the report", Complete("the report")),
    ("I've finished the laundry", Complete("the laundry")),
    ("check off eggs", Complete("eggs")),
    ("check eggs off my list", Complete("eggs")),
    ("complete the second one", Complete("the second one")),
    ("reopen the laundry", Reopen("the laundry")),
    ("uncheck eggs", Reopen("eggs")),
    ("mark the report as not done", Reopen("the report")),
    ("move call mom to next Monday 9am", Reschedule(("call mom",), "next Monday 9am")),
    ("push the dentist back to Friday", Reschedule(("the dentist",), "Friday")),
    ("reschedule dentist for next Tuesday at 3", Reschedule(("dentist",), "next Tuesday at 3")),
    ("change the due date of the report to friday", Reschedule(("the report",), "friday")),
    ("remove the due date from the report", Reschedule(("the report",), "none")),
    ("rename bread to sourdough bread", Update("bread", title="sourdough bread")),
    ("change bread to sourdough bread", Update("bread", title="sourdough bread")),
    ("make eggs high priority", Update("eggs", priority="HIGH")),
    ("set the priority of eggs to low", Update("eggs", priority="LOW")),
    ("mark eggs as urgent", Update("eggs", priority="URGENT")),
    ("label butter as groceries", Categorize(("butter",), ("groceries",))),
    ("tag eggs with home", Categorize(("eggs",), ("home",))),
    ("label butter and milk as groceries", Categorize(("butter", "milk"), ("groceries",))),
    ("remove the label home from eggs", Categorize(("eggs",), remove=("home",))),
    ("delete the second one", Delete("the second one")),
    ("delete butter", Delete("butter")),
    ("remove eggs", Delete("eggs")),
    ("can you remove the milk from my list please", Delete("the milk")),
    ("get rid of the dentist task", Delete("the dentist")),
    ("hello", Greet()),
    ("hi there!", Greet()),
    ("thanks a lot", Thanks()),
    ("what can you do?", Help()),
    ("help", Help()),
]


@pytest.mark.parametrize(("text", "command"), ONE)
def test_one_sentence_is_one_command(text: str, command: Command) -> None:
    assert read(text).commands == (command,)


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("add eggs, bread and butter", [Add("eggs"), Add("bread"), Add("butter")]),
        ("add milk and eggs", [Add("milk"), Add("eggs")]),
        ("add milk and eggs for tomorrow", [Add("milk", "tomorrow"), Add("eggs", "tomorrow")]),
        (
            "add milk and eggs, and move the dentist to Friday",
            [Add("milk"), Add("eggs"), Reschedule(("the dentist",), "Friday")],
        ),
        ("delete milk and then add oat milk", [Delete("milk"), Add("oat milk")]),
        ("mark milk as done. Delete butter.", [Complete("milk"), Delete("butter")]),
        ("please mark milk, eggs and bread as done", [Complete("milk"), Complete("eggs"), Complete("bread")]),
        ("what's the weather? delete butter", [Delete("butter")]),
        ("if you can, add milk", [Add("milk")]),
        ("- milk\n- call Bob tomorrow", [Add("milk"), Add("call Bob", "tomorrow")]),
    ],
)
def test_several_commands_keep_their_order(text: str, commands: list[Command]) -> None:
    assert list(read(text).commands) == commands


@pytest.mark.parametrize(
    "text",
    [
        "what's the weather?",
        "who won the game",
        "tell me a joke",
        "I like milk",
        "the milk is in the fridge",
        "I bought the milk",
        "how do I delete a task?",
        "should I add milk?",
        "don't delete milk",
        "don't add milk",
        "please do not add milk",
        "dont complete the report",
        "never delete the report",
        "you don't have to add eggs",
        "forget it",
        "never mind",
        "undo that",
        "if it rains, delete the picnic",
        "how do I add milk, delete eggs?",
        "don't add milk, delete eggs",
        "find me a good restaurant",
        "play some music",
        "set the volume to low",
        "cancel my flight",
        "yes",
        "no",
        "",
        "   ",
        "?!",
        "🎉",
        "add 45 to 87",
        "i need to know the time",
        "what does done mean",
        '"',
        "(((((",
        "\x07",
    ],
)
def test_what_asks_nothing_of_the_tasks_does_nothing(text: str) -> None:
    commands = read(text).commands
    assert all(not isinstance(c, Add | Complete | Reopen | Update | Reschedule | Categorize | Delete) for c in commands)


@pytest.mark.parametrize("text", ["what's the weather?", "I like milk", "tell me a joke", "who won the game"])
def test_other_talk_is_nothing(text: str) -> None:
    understood = read(text)
    assert understood.commands == (Nothing(),)
    assert understood.confidence < 0.9


@pytest.mark.parametrize("text", ["add", "remind me", "add a task", "new reminder"])
def test_a_command_without_its_object_asks_for_it(text: str) -> None:
    assert read(text).commands == (Nothing(question=ASK_TITLE),)


def test_after_the_question_plain_words_are_the_title() -> None:
    assert read("oat milk tomorrow", ASK_TITLE).commands == (Add("oat milk", "tomorrow"),)
    assert read("oat milk", None).commands == (Nothing(),)
    assert read("what's the weather?", ASK_TITLE).commands == (Nothing(),)


@pytest.mark.parametrize(
    "text", ["2", "#2", "the second one", "the first", "last", "number 3 please", "The second one."]
)
def test_a_choice_is_a_place_and_nothing_else(text: str) -> None:
    assert is_choice(text)


@pytest.mark.parametrize("text", ["delete 2", "second hand shop", "milk", "", "the"])
def test_other_words_are_no_choice(text: str) -> None:
    assert not is_choice(text)


def test_entities_name_what_was_found() -> None:
    entities = read("pay rent friday #home !high").entities
    assert [(e["kind"], e["text"]) for e in entities] == [
        ("title", "pay rent"),
        ("due", "friday"),
        ("priority", "HIGH"),
        ("label", "home"),
    ]


def test_how_far_to_move_a_task_is_left_to_the_server_to_refuse() -> None:
    assert read("postpone the report by a week").commands == (Reschedule(("the report",), "by a week"),)


def test_a_very_long_message_is_read() -> None:
    assert len(read("add " + "milk, " * 1600 + "eggs").commands) == 1601
    assert len(read("\n".join(["add milk"] * 1000)).commands) == 1000
    assert len(read("add milk and delete eggs and " * 300).commands) == 600
    assert read("move x to " * 1000).commands == (Nothing(),)
