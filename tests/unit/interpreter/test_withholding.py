"""What is said of calls that wait, that were turned down, and that were taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest

from assistant.interpreter.outcomes import outcome_of
from assistant.interpreter.phrases import Planned, asks
from assistant.interpreter.withholding import undone, withheld
from core.ids import to_global_id


@pytest.mark.parametrize(
    ("planned", "sentence"),
    [
        ([("delete_task", {"task": "a"}, ["a"])], "I'm about to delete “a”. Shall I?"),
        (
            [("delete_task", {"task": name}, [name]) for name in "abc"],
            "I'm about to delete “a”, “b” and “c”. Shall I?",
        ),
        (
            [("delete_task", {"task": "a"}, ["a"]), ("complete_task", {"task": "b"}, ["b"])],
            "I'm about to delete “a” and mark “b” as done. Shall I?",
        ),
        ([("complete_task", {"task": "b", "completed": False}, ["b"])], "I'm about to reopen “b”. Shall I?"),
        ([("add_task", {"title": "milk", "due": "friday"}, [])], "I'm about to add “milk” for “friday”. Shall I?"),
        (
            [("add_task", {"title": "a"}, []), ("add_task", {"title": "b"}, [])],
            "I'm about to add “a” and “b”. Shall I?",
        ),
        ([("update_task", {"task": "a", "title": "b"}, ["a"])], "I'm about to rename “a” to “b”. Shall I?"),
        ([("update_task", {"task": "a", "priority": "HIGH"}, ["a"])], "I'm about to change “a”. Shall I?"),
        (
            [("reschedule_tasks", {"tasks": ["x", "y"], "due": "friday"}, ["a", "b"])],
            "I'm about to move “a” and “b” to “friday”. Shall I?",
        ),
        (
            [("reschedule_tasks", {"tasks": ["a"], "due": "none"}, ["a"])],
            "I'm about to take the due date off “a”. Shall I?",
        ),
        (
            [("categorize_tasks", {"tasks": ["a"], "add_labels": ["x", "y"]}, ["a"])],
            "I'm about to label “a” as “x” and “y”. Shall I?",
        ),
        (
            [("categorize_tasks", {"tasks": ["a"], "remove_labels": ["x"]}, ["a"])],
            "I'm about to take the label “x” off “a”. Shall I?",
        ),
        (
            [("categorize_tasks", {"tasks": ["a"], "add_labels": ["x"], "remove_labels": ["y"]}, ["a"])],
            "I'm about to change the labels of “a”. Shall I?",
        ),
        ([("undo", {}, [])], "I'm about to undo what I did last. Shall I?"),
        ([("undo", {}, ["a"])], "I'm about to undo what I did to “a”. Shall I?"),
        ([("delete_task", {"task": "the first one"}, [])], "I'm about to delete “the first one”. Shall I?"),
    ],
)
def test_what_waits_is_one_question(
    planned: Sequence[tuple[str, Mapping[str, object], Sequence[str]]], sentence: str
) -> None:
    assert asks([Planned(*call) for call in planned]) == sentence


def test_many_titles_are_counted_past_twenty() -> None:
    sentence = asks([Planned("delete_task", {"task": str(n)}, [f"task {n}"]) for n in range(1, 31)])
    assert "“task 20” and 10 more" in sentence
    assert "task 21" not in sentence


def test_a_call_turned_down_names_what_was_left_alone() -> None:
    answer: dict[str, object] = {"ok": False, "error": {"code": "REJECTED_BY_USER", "message": "no"}}
    told = [
        outcome_of("delete_task", {"task": "milk"}, answer),
        outcome_of("delete_task", {"task": "the second one"}, answer | {"tasks": [{"title": "eggs"}]}),
        outcome_of("add_task", {"title": "bread"}, answer),
    ]
    assert withheld(told) == "I left “milk” and “eggs” alone and I didn't add “bread”"
    assert withheld([outcome_of("undo", {}, answer)]) == "I changed nothing"
    by_id = {"task": to_global_id("Task", UUID(int=1))}
    assert withheld([outcome_of("delete_task", by_id, answer)]) == "I left that task alone"
    ids = [{"task": to_global_id("Task", UUID(int=n))} for n in range(3)]
    assert withheld([outcome_of("delete_task", one, answer) for one in ids]) == "I left those 3 tasks alone"


def took_back(*tools: str, tasks: Sequence[Mapping[str, object]]) -> str:
    result = {"ok": True, "action": "undone", "tasks": list(tasks), "undone": [{"id": "1", "tool": t} for t in tools]}
    return undone(outcome_of("undo", {}, result))


def test_what_was_taken_back_says_how_it_is_now() -> None:
    milk, eggs = {"title": "milk"}, {"title": "eggs"}
    gone = milk | {"is_deleted": True}
    assert took_back("add_task", tasks=[gone]) == "Undone: “milk” is gone again."
    assert took_back("delete_task", tasks=[milk]) == "Undone: “milk” is back."
    assert took_back("delete_task", "delete_task", tasks=[milk, eggs]) == "Undone: “milk” and “eggs” are back."
    assert took_back("reschedule_tasks", tasks=[milk]) == "Undone: “milk” is as it was."
    assert took_back("update_task", "add_task", tasks=[eggs, gone]) == (
        "Undone: “milk” is gone again and “eggs” is as it was."
    )
    assert took_back("add_task", tasks=[]) == "Undone."
    assert took_back(tasks=[]) == "There was nothing left to undo."
