"""What is offered where a reply asks back, and that each offer picks the task that it names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import pytest

from assistant.choices import asked_about, choices_of, choices_of_reply
from assistant.interpreter import targets
from assistant.interpreter.commands import ASK_TITLE, Complete, NeverMind, is_choice, understand
from assistant.interpreter.phrases import NOTHING, Viewpoint
from core.ids import to_global_id
from models.enums import ToolCallStatus, ToolName
from models.turns import ToolCall
from tests.support.stored_calls import stored_call

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
VIEW = Viewpoint(NOW, "Europe/Berlin")


def gid(number: int) -> str:
    return to_global_id("Task", UUID(int=number))


def task(number: int, title: str, **more: object) -> dict[str, object]:
    base: dict[str, object] = {
        "id": gid(number),
        "title": title,
        "is_completed": False,
        "priority": "NONE",
        "labels": [],
    }
    return base | more


def call(
    round: int, index: int, answer: Mapping[str, object] | None, *, tool: ToolName = ToolName.DELETE_TASK
) -> ToolCall:
    if answer is None or answer["ok"]:
        return stored_call(round=round, index=index, tool_name=tool, answer=answer)
    failed = ToolCallStatus.FAILED
    return stored_call(round=round, index=index, tool_name=tool, status=failed, error_code="INVALID", answer=answer)


def unclear(*candidates: Mapping[str, object]) -> dict[str, object]:
    error = {"code": "INVALID", "message": "More than one task fits “milk”."}
    return {"ok": False, "error": error, "candidates": list(candidates)}


def done(action: str, *tasks: Mapping[str, object]) -> dict[str, object]:
    return {"ok": True, "action": action, "tasks": list(tasks)}


BUTTER = unclear(task(1, "butter"), task(2, "peanut butter"))
CALL = unclear(task(3, "call mom"), task(4, "call dad"))
NONE = {"label": "None of these", "content": "never mind", "task_id": None}


def test_each_candidate_is_offered_by_what_tells_it_apart() -> None:
    asked = unclear(
        task(1, "Buy milk", due_date="2026-11-27"),
        task(2, "Buy milk", due_at="2026-11-24T16:00:00Z"),
        task(3, "Buy  oat\nmilk", is_completed=True),
        task(4, "Buy milk 2027", due_date="2027-01-01"),
    )
    assert choices_of([call(0, 0, asked)], VIEW) == [
        {"label": "Buy milk (Fri 27 Nov)", "content": "the first one", "task_id": str(UUID(int=1))},
        {"label": "Buy milk (Tue 24 Nov at 17:00)", "content": "the second one", "task_id": str(UUID(int=2))},
        {"label": "Buy oat milk (done)", "content": "the third one", "task_id": str(UUID(int=3))},
        {"label": "Buy milk 2027 (Fri 1 Jan 2027)", "content": "the fourth one", "task_id": str(UUID(int=4))},
        NONE,
    ]


def test_labels_that_would_be_the_same_say_more() -> None:
    asked = unclear(
        task(1, "milk", priority="HIGH"), task(2, "milk", labels=["shop"]), task(3, "oat milk", labels=["x"])
    )
    labels = [choice["label"] for choice in choices_of([call(0, 0, asked)], VIEW)]
    assert labels == ["milk (high priority)", "milk (#shop)", "oat milk", "None of these"]


def test_at_most_twenty_are_offered_and_each_picks_its_own() -> None:
    asked = unclear(*(task(n, f"milk {n}") for n in range(1, 31)))
    *offered, none = choices_of([call(0, 0, asked)], VIEW)
    assert len(offered) == 20
    assert none == NONE
    for place, choice in enumerate(offered, start=1):
        assert is_choice(str(choice["content"]))
        assert targets.position(str(choice["content"]), 30) == place


def test_none_of_these_is_understood_as_such() -> None:
    understood = understand(str(NONE["content"]), now=NOW, time_zone="Europe/Berlin", last_question="Which one?")
    assert understood.commands == (NeverMind(),)


def test_the_first_of_several_questions_is_offered() -> None:
    calls = [call(0, 2, CALL), call(0, 1, BUTTER), call(0, 0, done("created", task(9, "eggs")))]
    assert [choice["task_id"] for choice in choices_of(calls, VIEW)] == [str(UUID(int=1)), str(UUID(int=2)), None]
    assert asked_about(calls) == (gid(1), gid(2))


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(done("deleted", task(2, "peanut butter")), id="answered"),
        pytest.param(unclear(task(2, "peanut butter"), task(7, "nut butter")), id="asked again"),
    ],
)
def test_a_question_that_a_later_round_settled_is_not_open(later: Mapping[str, object]) -> None:
    offered = choices_of([call(0, 0, BUTTER), call(1, 0, later)], VIEW)
    assert str(UUID(int=1)) not in [choice["task_id"] for choice in offered]


def test_a_question_stays_open_through_rounds_that_only_look_or_do_other_things() -> None:
    looked = call(1, 0, done("found", task(1, "butter")), tool=ToolName.LIST_TASKS)
    calls = [call(0, 0, BUTTER), looked, call(2, 0, done("deleted", task(9, "eggs")))]
    assert asked_about(calls) == (gid(1), gid(2))


def test_the_question_of_the_last_round_goes_first() -> None:
    assert asked_about([call(0, 0, BUTTER), call(1, 0, CALL)]) == (gid(3), gid(4))


@pytest.mark.parametrize("answer", [None, done("deleted", task(1, "milk")), {"ok": False, "error": {}}])
def test_without_a_question_nothing_is_offered(answer: Mapping[str, object] | None) -> None:
    assert choices_of([call(0, 0, answer)], VIEW) == []
    assert asked_about([call(0, 0, answer)]) == ()
    assert choices_of([], VIEW) == []


def test_a_question_without_candidates_can_be_dropped() -> None:
    assert choices_of_reply(ASK_TITLE) == [{"label": "Never mind", "content": "never mind", "task_id": None}]
    assert choices_of_reply(NOTHING) == []
    assert choices_of_reply("") == []


def test_open_subtasks_are_completed_kept_or_left() -> None:
    error = {"code": "OPEN_SUBTASKS", "message": "“Shopping” has 2 open subtasks."}
    asked = stored_call(
        round=0, index=0, tool_name=ToolName.COMPLETE_TASK, status=ToolCallStatus.FAILED, error_code="OPEN_SUBTASKS",
        answer={"ok": False, "error": error}, parameters={"task": "shopping"},
    )  # fmt: skip
    offered = [choice["content"] for choice in choices_of([asked], VIEW)]
    assert offered == ["complete shopping with its subtasks", "complete only shopping", "never mind"]
    words = [understand(str(text), now=NOW, time_zone="Europe/Berlin").commands for text in offered[:2]]
    assert words == [(Complete("shopping", subtasks="COMPLETE"),), (Complete("shopping", subtasks="KEEP"),)]
