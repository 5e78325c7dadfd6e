"""The built-in provider: one round of calls, then an answer made of their results only."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest

from assistant.providers.base import (
    AssistantSaid,
    CallReady,
    CallResult,
    Finished,
    Item,
    ModelCall,
    Prompt,
    Provider,
    ProviderEvent,
    TextDelta,
    Understood,
    UsageReported,
    UserSaid,
)
from assistant.providers.rules import RulesProvider
from core.ids import to_global_id
from models.enums import FinishReason

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)  # a Monday


async def run(*items: Item, zone: str = "Europe/Berlin") -> list[ProviderEvent]:
    provider: Provider = RulesProvider()
    return [event async for event in provider.stream(Prompt("", items, NOW, zone), ())]


def calls(events: Sequence[ProviderEvent]) -> list[tuple[str, dict[str, object]]]:
    return [(e.call.name, json.loads(e.call.arguments)) for e in events if isinstance(e, CallReady)]


def text(events: Sequence[ProviderEvent]) -> str:
    return "".join(e.text for e in events if isinstance(e, TextDelta))


def task(title: str, number: int | None = None, **more: object) -> dict[str, object]:
    base: dict[str, object] = {
        "number": number, "id": title, "title": title, "is_completed": False, "due_date": None, "due_at": None,
        "time_zone": None, "priority": "NONE", "labels": [],
    }  # fmt: skip
    return base | more


def done(action: str, *tasks: Mapping[str, object], **more: object) -> dict[str, object]:
    return {"ok": True, "action": action, "tasks": list(tasks), **more}


def failed(message: str, *candidates: Mapping[str, object]) -> dict[str, object]:
    return {"ok": False, "error": {"code": "INVALID", "message": message}, "candidates": list(candidates)}


def turn(*rounds: tuple[str, Mapping[str, object], Mapping[str, object]], said: str = "do it") -> list[Item]:
    """A user's message, one round of calls and their results."""
    made = tuple(ModelCall(f"call_{i}", name, json.dumps(args)) for i, (name, args, _) in enumerate(rounds))
    results = [CallResult(f"call_{i}", json.dumps(result)) for i, (_, _, result) in enumerate(rounds)]
    return [UserSaid(said), AssistantSaid("", made), *results]


async def test_a_first_round_is_calls_and_no_text() -> None:
    events = await run(UserSaid("add milk and eggs, and move the dentist to Friday"))
    assert calls(events) == [
        ("add_task", {"title": "milk"}),
        ("add_task", {"title": "eggs"}),
        ("reschedule_tasks", {"tasks": ["the dentist"], "due": "Friday"}),
    ]
    assert [e.call.id for e in events if isinstance(e, CallReady)] == ["call_0", "call_1", "call_2"]
    assert text(events) == ""
    assert isinstance(events[0], Understood)
    assert events[0].intent == "CREATE"
    assert events[-2:] == [UsageReported(0, 0), Finished(FinishReason.STOP)]


@pytest.mark.parametrize(
    ("said", "intent", "call"),
    [
        ("add buy milk tomorrow", "CREATE", ("add_task", {"title": "buy milk", "due": "tomorrow"})),
        ("what's overdue?", "SEARCH", ("list_tasks", {"due": "overdue", "status": "open"})),
        ("find milk", "SEARCH", ("search_tasks", {"query": "milk"})),
        ("mark milk as done", "UPDATE", ("complete_task", {"task": "milk"})),
        ("reopen milk", "UPDATE", ("complete_task", {"task": "milk", "completed": False})),
        ("rename milk to oat milk", "UPDATE", ("update_task", {"task": "milk", "title": "oat milk"})),
        ("make milk urgent", "UPDATE", ("update_task", {"task": "milk", "priority": "URGENT"})),
        ("delete milk", "DELETE", ("delete_task", {"task": "milk"})),
        ("label milk as food", "CATEGORIZE", ("categorize_tasks", {"tasks": ["milk"], "add_labels": ["food"]})),
    ],
)
async def test_each_command_is_a_call_of_its_tool(said: str, intent: str, call: tuple[str, dict[str, object]]) -> None:
    events = await run(UserSaid(said))
    assert calls(events) == [call]
    assert isinstance(events[0], Understood)
    assert events[0].intent == intent


@pytest.mark.parametrize("said", ["hello", "what's the weather?", "thanks", "help", "I like milk", ""])
async def test_talk_is_answered_without_a_call(said: str) -> None:
    events = await run(UserSaid(said))
    assert calls(events) == []
    assert text(events)
    assert isinstance(events[0], Understood)
    assert events[0].intent is None


async def test_where_nothing_was_asked_it_says_that_nothing_changed() -> None:
    answer = text(await run(UserSaid("what's the weather?")))
    assert "changed nothing" in answer
    assert "add buy milk" in answer


async def test_text_comes_in_small_groups_of_words() -> None:
    deltas = [e.text for e in await run(UserSaid("help")) if isinstance(e, TextDelta)]
    assert len(deltas) > 5
    assert all(len(delta.split()) <= 3 for delta in deltas)


async def test_an_added_task_is_named_with_its_day_and_time_in_the_users_zone() -> None:
    added = done("created", task("buy milk", due_at="2026-11-24T16:00:00Z"))
    items = turn(("add_task", {"title": "buy milk", "due": "tomorrow at 5pm"}, added))
    assert text(await run(*items)) == "Added “buy milk” for tomorrow (Tue 24 Nov) at 17:00."
    assert text(await run(*items, zone="Asia/Tokyo")) == "Added “buy milk” for Wed 25 Nov at 01:00."


async def test_tasks_added_alike_are_one_sentence() -> None:
    items = turn(*(("add_task", {"title": name}, done("created", task(name))) for name in ("eggs", "bread", "butter")))
    assert text(await run(*items)) == "Added “eggs”, “bread” and “butter”."


async def test_facts_come_from_the_result_and_not_from_the_call() -> None:
    moved = done("updated", task("call mom", due_date="2026-11-27"))
    answer = text(await run(*turn(("reschedule_tasks", {"tasks": ["mom"], "due": "monday"}, moved))))
    assert answer == "“call mom” is now due Fri 27 Nov."


@pytest.mark.parametrize(
    ("name", "result", "answer"),
    [
        ("complete_task", done("completed", task("milk")), "Marked “milk” as done."),
        ("complete_task", done("reopened", task("milk")), "Reopened “milk”."),
        ("complete_task", done("unchanged", task("milk")), "“milk” was already like that: nothing changed."),
        ("delete_task", done("deleted", task("milk")), "Deleted “milk”. Say “undo” to take that back."),
        ("delete_task", failed("No task fits “milk”."), "No task fits “milk”."),
        ("delete_task", {"strange": 1}, "That didn't work."),
    ],
)
async def test_each_result_has_its_sentence(name: str, result: dict[str, object], answer: str) -> None:
    assert text(await run(*turn((name, {"task": "milk"}, result)))) == answer


async def test_a_list_is_numbered_as_in_the_result_and_counts_the_rest() -> None:
    tasks = [task(f"task {n}", n, due_date="2026-11-23") for n in range(1, 26)]
    items = turn(("list_tasks", {"due": "today", "status": "open"}, done("found", *tasks, total=32)))
    lines = text(await run(*items)).splitlines()
    assert lines[0] == "You have 32 open tasks for today (Mon 23 Nov):"
    assert lines[1] == "1. task 1 — today (Mon 23 Nov)"
    assert lines[20].startswith("20. ")
    assert lines[21:] == ["… and 12 more"]


async def test_an_empty_list_says_so() -> None:
    items = turn(("list_tasks", {"due": "overdue", "status": "open"}, done("found", total=0)))
    assert text(await run(*items)) == "You have no overdue tasks."


async def test_what_was_understood_of_a_recurrence_and_a_reminder_is_said() -> None:
    due = {"due_at": "2026-11-30T08:00:00Z", "repeats": "every Monday", "remind_at": "2026-11-30T08:00:00Z"}
    added = turn(("add_task", {"title": "standup"}, done("created", task("standup", **due))))
    first = "Added “standup”, every Monday at 09:00, first on Mon 30 Nov. You'll get a reminder then."
    assert text(await run(*added)) == first
    completed = turn(("complete_task", {"task": "standup"}, done("completed", task("standup", **due))))
    next_due = "It is next due Mon 30 Nov at 09:00."
    assert text(await run(*completed)) == f"Marked “standup” as done. {next_due}"
    skipped = turn(("skip_occurrence", {"task": "standup"}, done("skipped", task("standup", **due))))
    assert text(await run(*skipped)) == f"Skipped “standup” this time. {next_due}"
    snoozed = turn(("snooze_reminder", {"until": "10 minutes"}, done("snoozed", task("standup", **due))))
    assert text(await run(*snoozed)) == "Snoozed: the reminder of “standup” comes Mon 30 Nov at 09:00."


AMBIGUOUS = failed("More than one task fits “milk”.", task("milk"), task("oat milk"))


async def test_several_candidates_are_asked_about() -> None:
    answer = text(await run(*turn(("delete_task", {"task": "milk"}, AMBIGUOUS))))
    assert answer.splitlines() == ["More than one task fits “milk”. Which one?", "1. milk", "2. oat milk"]


@pytest.mark.parametrize("choice", ["the second one", "2", "oat milk"])
async def test_the_choice_repeats_the_earlier_call_with_that_target(choice: str) -> None:
    items = [*turn(("delete_task", {"task": "milk"}, AMBIGUOUS)), AssistantSaid("Which one?"), UserSaid(choice)]
    events = await run(*items)
    assert calls(events) == [("delete_task", {"task": choice})]
    assert isinstance(events[0], Understood)
    assert events[0].intent == "DELETE"


async def test_the_choice_keeps_the_other_parameters_and_targets() -> None:
    earlier = turn(("reschedule_tasks", {"tasks": ["bread", "milk"], "due": "friday"}, AMBIGUOUS))
    events = await run(*earlier, AssistantSaid("Which one?"), UserSaid("2"))
    assert calls(events) == [("reschedule_tasks", {"tasks": ["bread", "2"], "due": "friday"})]


async def test_another_command_after_the_question_is_that_command() -> None:
    items = [*turn(("delete_task", {"task": "milk"}, AMBIGUOUS)), AssistantSaid("Which one?"), UserSaid("add eggs")]
    assert calls(await run(*items)) == [("add_task", {"title": "eggs"})]


async def test_a_bare_choice_with_no_question_before_it_does_nothing() -> None:
    assert calls(await run(*turn(("delete_task", {"task": "x"}, done("deleted", task("x")))), UserSaid("2"))) == []


async def test_a_missing_title_is_asked_for_and_then_taken() -> None:
    first = await run(UserSaid("add a task"))
    assert text(first) == "What should I add?"
    assert calls(await run(UserSaid("add a task"), AssistantSaid(text(first)), UserSaid("oat milk"))) == [
        ("add_task", {"title": "oat milk"})
    ]


async def test_titles_are_shown_as_data_on_one_line() -> None:
    nasty = "a\nb " + "x" * 500
    answer = text(await run(*turn(("delete_task", {"task": "a"}, done("deleted", task(nasty))))))
    assert "\n" not in answer
    assert len(answer) < 190


async def test_taking_back_is_a_call_of_its_tool() -> None:
    events = await run(UserSaid("undo that"))
    assert calls(events) == [("undo", {})]
    assert isinstance(events[0], Understood)
    assert events[0].intent == "UPDATE"


@pytest.mark.parametrize(
    ("undone", "answer"),
    [
        (done("undone", task("milk", is_deleted=True), undone=[{"id": "1", "tool": "add_task"}]), "gone again"),
        (done("undone", task("milk"), undone=[{"id": "1", "tool": "delete_task"}]), "back"),
        (done("undone", task("milk"), undone=[{"id": "1", "tool": "update_task"}]), "as it was"),
    ],
)
async def test_what_was_taken_back_says_how_the_task_is_now(undone: Mapping[str, object], answer: str) -> None:
    assert text(await run(*turn(("undo", {}, undone)))) == f"Undone: “milk” is {answer}."


async def test_what_cannot_be_taken_back_says_why() -> None:
    refused = {"ok": False, "error": {"code": "NOT_UNDOABLE", "message": "“milk” was changed since."}}
    assert text(await run(*turn(("undo", {}, refused)))) == "“milk” was changed since."


async def test_bringing_back_undoes_a_deletion_and_nothing_else() -> None:
    deleted = turn(("delete_task", {"task": "milk"}, done("deleted", task("milk"))))
    added = turn(("add_task", {"title": "milk"}, done("created", task("milk"))))
    assert calls(await run(*deleted, UserSaid("bring it back"))) == [("undo", {})]
    assert calls(await run(*added, UserSaid("bring it back"))) == [
        ("complete_task", {"task": "it", "completed": False})
    ]


def withheld(code: str) -> dict[str, object]:
    return {"ok": False, "error": {"code": code, "message": "The user said no."}}


async def test_calls_that_were_turned_down_are_said_plainly() -> None:
    no = withheld("REJECTED_BY_USER")
    items = turn(("delete_task", {"task": "milk"}, no), ("delete_task", {"task": "eggs"}, no))
    assert text(await run(*items)) == "I left “milk” and “eggs” alone, as you said."


async def test_calls_that_nobody_confirmed_are_said_plainly() -> None:
    items = turn(("delete_task", {"task": "milk"}, withheld("CONFIRMATION_EXPIRED")))
    assert text(await run(*items)) == "I left “milk” alone: nobody confirmed it in time."


CALLED = failed("More than one task fits “call”.", task("call mom"), task("call dad"))
TWO_QUESTIONS = turn(
    ("delete_task", {"task": "milk"}, AMBIGUOUS),
    ("add_task", {"title": "eggs"}, done("created", task("eggs"))),
    ("complete_task", {"task": "call"}, CALLED),
)


async def test_of_several_questions_the_first_is_asked_last_of_all() -> None:
    assert text(await run(*TWO_QUESTIONS)).splitlines() == [
        "Added “eggs”.",
        "More than one task fits “milk”. Which one?",
        "1. milk",
        "2. oat milk",
        "After that I'll ask about “call”.",
    ]


async def test_a_choice_goes_on_with_the_other_questions_and_repeats_nothing_that_was_done() -> None:
    events = await run(*TWO_QUESTIONS, AssistantSaid("Which one?"), UserSaid("the first one"))
    assert calls(events) == [("delete_task", {"task": "the first one"}), ("complete_task", {"task": "call"})]


@pytest.mark.parametrize("words", ["never mind", "none of these", "no", "cancel"])
async def test_dropping_a_question_leaves_everything_as_it_is(words: str) -> None:
    events = await run(*TWO_QUESTIONS, AssistantSaid("Which one?"), UserSaid(words))
    assert calls(events) == []
    assert text(events) == "All right, I left everything as it is."


async def test_both_takes_each_candidate() -> None:
    items = [*turn(("delete_task", {"task": "milk"}, AMBIGUOUS)), AssistantSaid("Which one?"), UserSaid("both of them")]
    assert calls(await run(*items)) == [
        ("delete_task", {"task": "the first one"}),
        ("delete_task", {"task": "the second one"}),
    ]
    moved = turn(("reschedule_tasks", {"tasks": ["milk", "bread"], "due": "friday"}, AMBIGUOUS))
    assert calls(await run(*moved, AssistantSaid("Which one?"), UserSaid("both"))) == [
        ("reschedule_tasks", {"tasks": ["the first one", "the second one", "bread"], "due": "friday"})
    ]


@pytest.mark.parametrize(
    ("words", "target"), [("number 2", "number 2"), ("I mean the last one", "the last one"), ("oat", "the second one")]
)
async def test_a_choice_may_be_worded_in_other_ways(words: str, target: str) -> None:
    items = [*turn(("delete_task", {"task": "milk"}, AMBIGUOUS)), AssistantSaid("Which one?"), UserSaid(words)]
    assert calls(await run(*items)) == [("delete_task", {"task": target})]


async def test_a_choice_is_called_by_the_id_of_its_task() -> None:
    ids = [to_global_id("Task", UUID(int=n)) for n in (1, 2)]
    asked = failed("Which?", task("milk", id=ids[0]), task("oat milk", id=ids[1]))
    for words in ("the second one", "2", "oat milk", "oat"):
        items = [*turn(("delete_task", {"task": "milk"}, asked)), AssistantSaid("Which one?"), UserSaid(words)]
        assert calls(await run(*items)) == [("delete_task", {"task": ids[1]})]


async def test_a_choice_that_the_list_does_not_have_asks_again() -> None:
    items = [*turn(("delete_task", {"task": "milk"}, AMBIGUOUS)), AssistantSaid("Which one?"), UserSaid("number 7")]
    assert calls(await run(*items)) == [("delete_task", {"task": "milk"})]


async def test_a_question_that_was_settled_in_its_own_turn_is_no_more_asked() -> None:
    milk, oat = task("milk"), task("oat milk")
    items = turn(("delete_task", {"task": "milk"}, failed("Which?", milk, oat)))
    settled = turn(("delete_task", {"task": "milk"}, done("deleted", oat)))[1:]
    assert calls(await run(*items, *settled, AssistantSaid("Deleted."), UserSaid("2"))) == []


async def again(*items: Item) -> list[ProviderEvent]:
    prompt = Prompt("", items, NOW, "Europe/Berlin", retry=True)
    return [event async for event in RulesProvider().stream(prompt, ())]


EGGS_AND_BREAD = "add eggs and add bread"
EGGS_DONE = turn(("add_task", {"title": "eggs"}, done("created", task("eggs"))), said=EGGS_AND_BREAD)


async def test_a_retry_calls_only_what_is_missing_and_tells_of_both() -> None:
    assert calls(await again(*EGGS_DONE, UserSaid(EGGS_AND_BREAD))) == [("add_task", {"title": "bread"})]
    bread = turn(("add_task", {"title": "bread"}, done("created", task("bread"))), said=EGGS_AND_BREAD)
    assert text(await again(*EGGS_DONE, *bread)) == "Added “eggs” and “bread”."


async def test_a_retry_with_nothing_missing_answers_from_what_was_done() -> None:
    both = turn(
        ("add_task", {"title": "eggs"}, done("created", task("eggs"))),
        ("add_task", {"title": "bread"}, done("created", task("bread"))),
        said=EGGS_AND_BREAD,
    )
    events = await again(*both, UserSaid(EGGS_AND_BREAD))
    assert calls(events) == []
    assert text(events) == "Added “eggs” and “bread”."


async def test_a_retry_with_nothing_done_calls_everything() -> None:
    said = "add eggs and add bread"
    events = await again(UserSaid(said), AssistantSaid("", ()), UserSaid(said))
    assert calls(events) == [("add_task", {"title": "eggs"}), ("add_task", {"title": "bread"})]


async def test_each_call_that_was_done_stands_for_one_that_is_the_same() -> None:
    said = "add milk and add milk"
    once = turn(("add_task", {"title": "milk"}, done("created", task("milk"))), said=said)
    assert calls(await again(*once, UserSaid(said))) == [("add_task", {"title": "milk"})]


async def test_a_choice_retried_is_still_one() -> None:
    asked = [*turn(("delete_task", {"task": "milk"}, AMBIGUOUS)), AssistantSaid("Which one?")]
    assert calls(await again(*asked, UserSaid("2"))) == [("delete_task", {"task": "2"})]


async def test_the_same_message_said_again_is_not_a_retry() -> None:
    assert calls(await run(*EGGS_DONE, UserSaid(EGGS_AND_BREAD))) == [
        ("add_task", {"title": "eggs"}),
        ("add_task", {"title": "bread"}),
    ]
