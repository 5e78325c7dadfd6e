"""What goes into a prompt of earlier turns: pairs always whole, the budget held, nothing lost on the way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from assistant.fitting import cut, fitted, short_json, size_of, tokens
from assistant.history import arranged
from assistant.past import PastTurn
from assistant.providers.base import AssistantSaid, CallResult, Item, UserSaid
from assistant.summary import FOLD_AT, KEPT, LINE_LIMIT, foldable, line_of, lines_before
from core import clock
from services.summaries import newest_lines
from tests.support.past import past_turn

BUDGET = 6000
DONE: dict[str, Any] = {
    "status": "COMPLETED",
    "answer": {"ok": True, "action": "created", "tasks": [{"title": "milk"}]},
}
REFUSED: dict[str, Any] = {
    "status": "FAILED",
    "error_code": "REJECTED_BY_USER",
    "error_message": "Not that one.",
    "answer": {"ok": False, "error": {"code": "REJECTED_BY_USER", "message": "Not that one."}},
}


def tasks_json(count: int) -> dict[str, Any]:
    listed = [
        {"number": n, "id": f"VGFzazo{n:020}", "title": f"task {n}: {'x' * 200}", "labels": []}
        for n in range(1, count + 1)
    ]
    return {"ok": True, "action": "found", "tasks": listed, "total": count}


def told(
    past: Sequence[PastTurn], *, answering: UUID | None = None, budget: int = BUDGET
) -> tuple[list[Item], list[str]]:
    return arranged(past, answering or uuid4(), [], budget)


def check_pairs(items: Sequence[Item]) -> None:
    """Right after each text come the results of its calls, in order; no id is used twice; no other result stands."""
    seen: list[str] = []
    waiting: list[str] = []
    for item in items:
        if isinstance(item, CallResult):
            assert waiting, "a result without its call"
            assert item.call_id == waiting.pop(0)
            assert isinstance(json.loads(item.content), dict)
        else:
            assert waiting == [], "a call without its result"
            waiting = [call.id for call in item.calls] if isinstance(item, AssistantSaid) else []
            seen += waiting
    assert waiting == []
    assert len(set(seen)) == len(seen)


def check_roles(items: Sequence[Item]) -> None:
    """Each message is answered in words before the next: what comes before a user's word is the assistant's."""
    for before, item in pairwise(items):
        if isinstance(item, UserSaid):
            assert isinstance(before, AssistantSaid)
            assert before.text
    if items:
        assert isinstance(items[0], UserSaid)
        assert isinstance(items[-1], AssistantSaid)


TEXTS = st.one_of(
    st.sampled_from(["", "ok", "Which one?"]),
    st.text(st.characters(codec="utf-8"), max_size=50),
    st.just("long " * 3000),
)
RAW = st.one_of(
    st.sampled_from(["", "{", "[1]", "null", '{"title": "milk"}', '{"a": "' + "x" * 9000 + '"}', "ж" * 9000]),
    st.text(st.characters(codec="utf-8"), max_size=20),
)
RAN = st.sampled_from([{}, DONE, REFUSED, {"status": "PENDING"}, {"status": "COMPLETED", "answer": tasks_json(100)}])
CALLS = st.tuples(st.sampled_from(["add_task", "list_tasks", "no_such_tool", "ß" * 90]), RAW, RAN)
ROUNDS = st.lists(st.tuples(TEXTS, st.lists(CALLS, max_size=4)), max_size=4)
STATUSES = st.sampled_from(["COMPLETED", "FAILED", "CANCELLED", "QUEUED"])
REPLIES = st.one_of(st.none(), TEXTS)
MESSAGES = st.lists(st.lists(st.tuples(TEXTS, REPLIES, ROUNDS, STATUSES), min_size=1, max_size=3), max_size=8)


@settings(deadline=None, database=None)
@given(messages=MESSAGES, budget=st.integers(500, 20_000), answers_last=st.booleans())
@example(messages=[[("hi", "", [("", [])], "COMPLETED")]], budget=500, answers_last=False)
def test_pairs_are_whole_ids_unique_and_the_budget_held_whatever_was_said(
    messages: list[list[tuple[str, str | None, Any, str]]], budget: int, answers_last: bool
) -> None:
    past: list[PastTurn] = []
    for attempts in messages:
        message_id = uuid4()
        for said, reply, rounds, status in attempts:
            past.append(
                past_turn(len(past) + 1, said, reply=reply, rounds=rounds, status=status, message_id=message_id)
            )

    items, summary = told(past, budget=budget)

    check_pairs(items)
    check_roles(items)
    assert size_of(items) + sum(tokens(line) + 1 for line in summary) <= budget
    assert sum(isinstance(item, UserSaid) for item in items) + len(summary) == len(messages) or "…" in summary

    again, _ = told(past, answering=past[-1].message_id if answers_last and past else None, budget=budget)
    check_pairs(again)


def test_the_newest_turns_are_kept_and_each_of_the_others_has_a_line() -> None:
    past = [past_turn(number, f"message {number}: {'x' * 2000}", reply="ok " * 300) for number in range(1, 31)]

    items, summary = told(past)

    said = [item.text[: len("message 30")] for item in items if isinstance(item, UserSaid)]
    assert said == [f"message {number}" for number in range(31 - len(said), 31)]
    assert len(said) > 3
    assert len(summary) == 30 - len(said)
    assert all(line.startswith(f"“message {number}") for number, line in enumerate(summary, 1))


def test_a_list_of_100_tasks_is_shortened_and_says_so() -> None:
    listing = past_turn(2, rounds=[("", [("list_tasks", "{}", {"status": "COMPLETED", "answer": tasks_json(100)})])])

    items, summary = told([past_turn(1, "first"), listing, past_turn(3, "last")])

    assert summary == []
    [result] = [json.loads(item.content) for item in items if isinstance(item, CallResult)]
    assert (result["ok"], result["action"], result["total"]) == (True, "found", 100)
    assert 10 <= len(result["tasks"]) < 100
    assert result["tasks"] == tasks_json(100)["tasks"][: len(result["tasks"])]
    assert result["shortened"] == {"tasks": f"first {len(result['tasks'])} of 100"}


def test_a_result_that_was_undone_says_so_even_when_it_is_shortened() -> None:
    undone = {"status": "COMPLETED", "answer": tasks_json(100), "undone_at": clock.now()}

    for budget in (500, BUDGET, 100_000):
        items, _ = told([past_turn(1, rounds=[("", [("complete_task", "{}", undone)])])], budget=budget)
        [result] = [json.loads(item.content) for item in items if isinstance(item, CallResult)]
        assert result["undone"] is True


@pytest.mark.parametrize(
    ("turn", "closing"),
    [
        (past_turn(1, status="FAILED", reply=None, error_message="No model."), "(This turn failed: No model.)"),
        (past_turn(1, status="CANCELLED", reply=None), "(Stopped by the user.)"),
        (past_turn(1, status="CANCELLED", reply="Once upon a"), "Once upon a\n\n(Stopped by the user.)"),
        (past_turn(1, status="QUEUED", reply=None), "(This turn has not ended.)"),
        (past_turn(1, reply="Yes: deleted “milk”."), "Yes: deleted “milk”."),
        (past_turn(1, reply="Done.", rounds=[("", [])]), "Done."),
        (past_turn(1, reply="Added.\n\n(Nothing.)", rounds=[("Added.", [])]), "Added.\n\n(Nothing.)"),
        (past_turn(1, reply="A long", rounds=[("A long answer", [])]), "A long"),
        (past_turn(1, reply="Other words.", rounds=[("These words.", [])]), "Other words."),
        (past_turn(1, reply=None, rounds=[("", [])]), "(No answer.)"),
    ],
)  # fmt: skip
def test_a_turns_ending_is_told(turn: PastTurn, closing: str) -> None:
    items, _ = told([turn])

    assert items == [UserSaid("hello"), AssistantSaid(closing)]


def test_a_stopped_turn_keeps_what_it_said_and_did_before() -> None:
    turn = past_turn(
        1, "add milk", status="CANCELLED", reply="Adding.\n\nAnd so", rounds=[("Adding.", [("add_task", "{}", DONE)])]
    )

    items, _ = told([turn])

    assert [type(item).__name__ for item in items] == ["UserSaid", "AssistantSaid", "CallResult", "AssistantSaid"]
    assert isinstance(items[1], AssistantSaid)
    assert items[1].text == "Adding."
    assert items[3] == AssistantSaid("And so\n\n(Stopped by the user.)")


def test_a_reason_for_a_refusal_is_told() -> None:
    items, _ = told([past_turn(1, rounds=[("", [("delete_task", "{}", REFUSED)])])])

    assert isinstance(items[2], CallResult)
    assert json.loads(items[2].content)["error"] == {"code": "REJECTED_BY_USER", "message": "Not that one."}


def test_a_call_that_failed_without_an_answer_tells_its_own_error() -> None:
    expired = {"status": "FAILED", "error_code": "CONFIRMATION_EXPIRED", "error_message": "Nobody answered."}

    items, _ = told([past_turn(1, rounds=[("", [("delete_task", "{}", expired)])])])

    assert isinstance(items[2], CallResult)
    assert json.loads(items[2].content)["error"] == {"code": "CONFIRMATION_EXPIRED", "message": "Nobody answered."}


def test_of_an_earlier_message_the_newest_attempt_stands_and_what_the_others_did() -> None:
    message_id = uuid4()
    rounds = [("Adding.", [("add_task", '{"title": "milk"}', DONE), ("delete_task", "{}", REFUSED)])]
    failed = past_turn(
        1, "add milk", status="FAILED", reply=None, error_message="No.", rounds=rounds, message_id=message_id
    )
    answered = past_turn(2, "add milk", reply="It is there.", rounds=[("It is there.", [])], message_id=message_id)

    items, _ = told([failed, answered])

    assert [type(item).__name__ for item in items] == ["UserSaid", "AssistantSaid", "CallResult", "AssistantSaid"]
    assert isinstance(items[1], AssistantSaid)
    assert (items[1].text, [call.name for call in items[1].calls]) == ("", ["add_task"])
    assert items[3] == AssistantSaid("It is there.")


def test_of_the_message_being_answered_again_only_what_was_done_stands() -> None:
    message_id = uuid4()
    rounds = [("Adding.", [("add_task", '{"title": "milk"}', DONE), ("no_such_tool", "{}", {})]), ("I think that", [])]
    first = past_turn(2, "add milk", reply="I think that", rounds=rounds, message_id=message_id)
    second = past_turn(3, "add milk", status="CANCELLED", reply=None, message_id=message_id)

    items, _ = told([past_turn(1, "hello"), first, second], answering=message_id)

    assert items[:2] == [UserSaid("hello"), AssistantSaid("Hi.")]
    assert items[2] == UserSaid("add milk")
    assert isinstance(items[3], AssistantSaid)
    assert (items[3].text, [call.name for call in items[3].calls]) == ("", ["add_task"])
    assert len(items) == 5


def test_a_message_whose_attempts_did_nothing_leaves_nothing_when_it_is_answered_again() -> None:
    message_id = uuid4()
    rounds = [("Deleting.", [("delete_task", "{}", REFUSED)])]
    failed = past_turn(1, "delete milk", status="FAILED", reply=None, rounds=rounds, message_id=message_id)

    assert told([failed], answering=message_id) == ([], [])


@pytest.mark.parametrize("limit", [120, 256, 1000, 30_000])
@pytest.mark.parametrize(
    "text",
    [
        json.dumps(tasks_json(100)),
        json.dumps({"error": {"code": "INVALID", "message": "m" * 5000}, "candidates": tasks_json(50)["tasks"]}),
        json.dumps({"title": "ж" * 5000}),
        json.dumps({"deep": {"in": ["x" * 5000] * 50}}),
        "[" + "1," * 20_000 + "1]",
        "{" * 40_000,
    ],
)  # fmt: skip
def test_a_shortened_result_is_an_object_within_its_limit(text: str, limit: int) -> None:
    short = short_json(text, limit)

    if len(text.encode()) <= limit:
        assert short == text
    else:
        assert len(short.encode()) <= limit
        value = json.loads(short)
        assert value["shortened"]
        assert '"code": "INVALID"' not in text or value["error"]["code"] == "INVALID"


def test_a_text_is_cut_between_letters() -> None:
    assert cut("жжж", 6) == "жжж"
    assert cut("ж" * 100, 52) == "ж" * 18 + "… (shortened)"
    assert tokens("") == 0
    assert tokens("ж") == 1
    assert tokens("abcde") == 2


def test_what_does_not_fit_at_all_is_left_out_whole() -> None:
    items: list[Item] = [UserSaid("x" * 5000), AssistantSaid("y" * 5000)]

    assert fitted(items, 4000) == items
    assert size_of(fitted(items, 300) or []) in range(1, 301)
    assert fitted(items, 50) is None


def test_a_line_tells_what_was_said_and_what_came_of_it() -> None:
    both = [("add_task", "{}", DONE), ("add_task", "{}", {**DONE, "undone_at": clock.now()})]
    choice = {
        "status": "FAILED",
        "error_code": "INVALID",
        "answer": {"ok": False, "candidates": [{"title": "a"}, {"title": "b"}]},
    }
    listed = {"status": "COMPLETED", "answer": tasks_json(12)}
    lines = [
        line_of([past_turn(1, "add  milk\nand milk", rounds=[("", both)])]),
        line_of([past_turn(2, "show all", rounds=[("", [("list_tasks", "{}", listed)])])]),
        line_of([past_turn(3, "delete a", reply="Which one?", rounds=[("", [("delete_task", "{}", choice)])])]),
        line_of([past_turn(4, "delete b", rounds=[("", [("delete_task", "{}", REFUSED)])])]),
        line_of([past_turn(5, "tell me", status="CANCELLED", reply=None)]),
        line_of([past_turn(6, "tell me", status="FAILED", reply=None)]),
        line_of([past_turn(7, "thanks", reply="You are welcome.")]),
    ]  # fmt: skip

    assert lines == [
        "“add milk and milk” → add_task “milk”; add_task “milk” (undone)",
        "“show all” → list_tasks found 12",
        "“delete a” → delete_task asked: “a”, “b”; asked “Which one?”",
        "“delete b” → delete_task failed (REJECTED_BY_USER)",
        "“tell me” → stopped by the user",
        "“tell me” → failed (INTERNAL)",
        "“thanks” → answered “You are welcome.”",
    ]


def test_a_line_is_one_line_and_bounded() -> None:
    many = {"status": "COMPLETED", "answer": {"ok": True, "tasks": [{"title": "t\u2028" * 90}] * 9}}

    line = line_of([past_turn(1, "a\r\nb\u2028c\x85d " * 90, rounds=[("", [("complete_task", "{}", many)] * 9)])])

    assert line.splitlines() == [line]
    assert len(line) <= LINE_LIMIT


def test_old_lines_give_way_and_leave_a_mark() -> None:
    lines = [f"line {number:02}" for number in range(20)]

    assert newest_lines(lines, 160) == lines
    assert newest_lines(lines, 159) == ["…", *lines[1:]]
    assert newest_lines(["…", *lines[1:]], 100) == ["…", *lines[-12:]]
    assert newest_lines(lines, 3) == ["…"]


def test_a_backlog_that_nobody_folded_leaves_a_mark() -> None:
    assert lines_before("a\nb", [past_turn(3)], 2) == ["a", "b"]
    assert lines_before("a\nb", [past_turn(9)], 2) == ["a", "b", "…"]
    assert lines_before("", [], 0) == []


def test_few_turns_are_not_folded_and_of_many_the_newest_stay() -> None:
    past = [past_turn(number) for number in range(1, FOLD_AT + 2)]

    assert foldable(past[:-1]) == []
    assert foldable(past) == past[:-KEPT]


def test_folding_stops_at_a_turn_that_has_not_ended() -> None:
    past = [
        past_turn(number, status="AWAITING_CONFIRMATION" if number == 5 else "COMPLETED") for number in range(1, 50)
    ]

    assert foldable(past) == past[:4]


def test_a_messages_attempts_are_folded_together_where_they_can_be() -> None:
    message_id = uuid4()
    few = [past_turn(number, message_id=message_id if 18 <= number <= 25 else None) for number in range(1, 42)]
    all_of_one = [past_turn(number, message_id=message_id) for number in range(1, 42)]

    assert foldable(few) == few[:17]
    assert foldable(all_of_one) == all_of_one[:-KEPT]
