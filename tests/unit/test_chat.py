"""The terminal client without a terminal or a server: what it shows of a turn, of changes, and of hostile text."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from rich.console import Console

from core import clock
from core.settings import Settings
from graphql_api.cli import chat_api
from graphql_api.cli.chat import _wait_for, base_url
from graphql_api.cli.chat_api import Call, Change, ChangeData, Task, TurnData, UserError
from graphql_api.cli.chat_terminal import LiveScreen, PlainScreen, piped_lines
from graphql_api.cli.chat_view import ChangeView, Note, Restart, Shown, Text, TurnView, call_line, clean, task_line
from graphql_api.schema import make_schema
from tasktalk_client import ClientError

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_noon() -> Iterator[None]:
    with clock.set_to(NOON):
        yield


def turn(status: str = "RUNNING", reply: str | None = None, **more: object) -> dict[str, Any]:
    said = None if reply is None else {"content": reply}
    return {"id": "T1", "status": status, "reply": said, "error": None, "toolCalls": [], **more}


def call(status: str = "COMPLETED", identity: str = "C1", **more: object) -> dict[str, Any]:
    tasks = [{"title": "buy milk", "priority": "NONE", "isCompleted": False, "labels": []}]
    return {"id": identity, "toolName": "add_task", "status": status, "error": None, "tasks": tasks, **more}


def snapshot(draft: str = "", attempt: int = 1, **more: object) -> dict[str, Any]:
    return {"__typename": "TurnSnapshot", "attempt": attempt, "draft": draft, "turn": turn(**more)}  # type: ignore[arg-type]  # mixed on purpose


def delta(offset: int, text: str, attempt: int = 1) -> dict[str, Any]:
    return {"__typename": "TextDelta", "attempt": attempt, "offset": offset, "text": text}


def moved(**of: Any) -> dict[str, Any]:
    return {"__typename": "ToolCallUpdate", "toolCall": call(**of)}


def ended(reply: str | None = "Done.", status: str = "COMPLETED", **more: object) -> dict[str, Any]:
    return {"__typename": "TurnEnded", "turn": turn(status, reply, **more)}


def shown_of(*updates: dict[str, Any]) -> list[Shown]:
    view = TurnView()
    return [shown for update in updates for shown in view.apply(TurnData.model_validate({"turn": update}).turn)]


# ---------------------------------------------------------------- one turn
def test_deltas_are_appended_where_they_fit() -> None:
    assert shown_of(snapshot("Hel"), delta(3, "lo"), delta(5, "!")) == [Text("Hel"), Text("lo"), Text("!")]


def test_offsets_count_utf16_code_units() -> None:
    assert shown_of(snapshot("🥛"), delta(2, " is"), delta(1, "lost")) == [Text("🥛"), Text(" is")]


def test_a_repeated_delta_is_not_shown_again() -> None:
    assert shown_of(snapshot(), delta(0, "Hello"), delta(0, "Hello"), delta(3, "lo!")) == [Text("Hello"), Text("!")]


def test_a_delta_after_a_hole_waits_for_the_snapshot() -> None:
    updates = [snapshot(), delta(0, "Hello"), delta(9, "ld"), snapshot("Hello world"), delta(11, "!")]
    assert shown_of(*updates) == [Text("Hello"), Text(" world"), Text("!")]


def test_deltas_of_another_attempt_are_dropped() -> None:
    assert shown_of(snapshot("a", attempt=2), delta(1, "old", attempt=1), delta(1, "b", attempt=2)) == [
        Text("a"),
        Text("b"),
    ]


def test_a_delta_before_any_snapshot_is_let_go() -> None:
    assert shown_of(delta(0, "early"), snapshot("early")) == [Text("early")]


def test_a_new_attempt_starts_anew_only_where_its_text_differs() -> None:
    same = shown_of(snapshot("Added milk"), snapshot("", attempt=2), delta(0, "Added milk.", attempt=2))
    assert same == [Text("Added milk"), Text(".")]
    other = shown_of(snapshot("Added milk"), snapshot("", attempt=2), delta(0, "Sorry", attempt=2))
    assert other == [Text("Added milk"), Restart(), Text("Sorry")]


def test_a_draft_that_is_behind_after_a_restart_repeats_nothing() -> None:
    assert shown_of(snapshot("Hello wor"), snapshot("Hel"), delta(3, "lo world")) == [Text("Hello wor"), Text("ld")]


def test_the_reply_completes_what_was_streamed() -> None:
    assert shown_of(snapshot("Add"), ended("Added.")) == [Text("Add"), Text("ed.")]


def test_a_reply_that_differs_replaces_what_was_streamed() -> None:
    assert shown_of(snapshot("I did it"), ended("Nothing was changed.")) == [
        Text("I did it"),
        Restart(),
        Text("Nothing was changed."),
    ]


def test_a_call_is_shown_once_it_has_ended_and_once_only() -> None:
    line = Note("✓ add_task “buy milk”")
    pending, done = moved(status="PENDING"), moved()
    assert shown_of(snapshot(), pending, done, done, snapshot(toolCalls=[call()]), ended(None, toolCalls=[call()])) == [
        line
    ]


def test_calls_found_in_the_snapshot_come_before_its_text() -> None:
    assert shown_of(snapshot("Added.", toolCalls=[call()])) == [Note("✓ add_task “buy milk”"), Text("Added.")]


def test_a_failed_turn_says_why() -> None:
    failed = ended(None, "FAILED", error={"message": "The model\x1b[2J\ncan't be reached."})
    assert shown_of(snapshot(), failed) == [Note("✗ The model[2J can't be reached.")]


def test_a_cancelled_turn_keeps_what_was_said() -> None:
    assert shown_of(snapshot("Half"), ended("Half", "CANCELLED")) == [Text("Half"), Note("The answer was cancelled.")]


def test_nothing_follows_the_end() -> None:
    assert shown_of(ended("Done."), ended("Done.")) == [Text("Done.")]


def test_a_turn_that_waits_for_the_person_is_done_for_now() -> None:
    view = TurnView()
    waiting = snapshot(status="AWAITING_CONFIRMATION", toolCalls=[call("PENDING", toolName="delete_task")])
    shown = view.apply(TurnData.model_validate({"turn": waiting}).turn)
    assert shown == [Note("? delete_task “buy milk”"), Note("Waits for your word: yes or no?")]
    assert view.done
    assert view.waits


# ---------------------------------------------------------------- lines
def a_call(**of: Any) -> str:
    return call_line(Call.model_validate(call(**of)))


def test_a_call_on_one_task_names_its_due_time_on_the_tasks_own_clock() -> None:
    task = {"title": "buy milk", "dueAt": "2026-11-24T16:00:00Z", "timeZone": "Europe/Berlin"}
    assert a_call(tasks=[task]) == "✓ add_task “buy milk” (Tue 24 Nov 17:00)"


def test_a_call_on_many_tasks_names_three() -> None:
    tasks = [{"title": title} for title in "abcde"]
    assert a_call(toolName="complete_task", tasks=tasks) == "✓ complete_task “a”, “b”, “c” and 2 more"


def test_a_search_says_how_many_it_found() -> None:
    assert a_call(toolName="list_tasks", result={"totalCount": 1}) == "✓ list_tasks: 1 task"
    assert a_call(toolName="list_tasks", result={"totalCount": 120}) == "✓ list_tasks: 120 tasks"


def test_a_failed_call_says_why() -> None:
    assert a_call(status="FAILED", error={"message": "No such task."}) == "✗ add_task: No such task."


def test_a_task_has_no_number() -> None:
    task = Task.model_validate(
        {"title": "call mom", "dueDate": "2027-01-04", "priority": "HIGH", "labels": [{"name": "family"}]}
    )
    assert task.due_date == date(2027, 1, 4)
    assert task_line(task) == "• call mom · Mon 4 Jan 2027 · high · #family"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "", None])
def test_an_unknown_zone_is_shown_as_utc(zone: str | None) -> None:
    task = Task.model_validate({"title": "x", "dueAt": "2026-11-24T16:00:00Z", "timeZone": zone})
    assert task_line(task) == "• x · Tue 24 Nov 16:00"


# ---------------------------------------------------------------- hostile text
@pytest.mark.parametrize("text", ["\x1b[2J", "\x9b31m", "\x07", "\x7f", "\u202e", "\u2066", "\r", "\x00", "\ud83d"])
def test_text_can_not_steer_the_terminal(text: str) -> None:
    assert not set(clean(f"a{text}b")) & set("\x1b\x9b\x07\x7f\u202e\u2066\r\x00\ud83d")


def test_lines_and_letters_of_all_languages_stay() -> None:
    text = "naïve — 買牛奶\n\t👩‍👩‍👧 שלום"
    assert clean(text) == text


@pytest.mark.parametrize("typed", [True, False])
def test_rich_markup_is_shown_as_it_was_said(typed: bool) -> None:
    file = io.StringIO()
    out = Console(file=file, force_terminal=False, width=20)
    screen = LiveScreen(out, lambda: False) if typed else PlainScreen(out, out)
    said = "[red]hi[/red] :smile: [link=file:///etc]x[/link]"
    screen.show(Text(said))
    screen.end_reply()
    screen.show(Note(said))
    screen.problem(said)
    assert file.getvalue() == f"{said}\n" * 3


def test_a_script_sees_whole_replies_on_one_output_and_problems_on_the_other() -> None:
    out, err = io.StringIO(), io.StringIO()
    screen = PlainScreen(Console(file=out), Console(file=err))
    parts: list[Shown] = [Text("Wro"), Note("✓ add_task “a”"), Restart(), Text("Rig"), Text("ht\n")]
    for shown in parts:
        screen.show(shown)
    screen.end_reply()
    screen.remark("Connected.")
    screen.problem("Too\nlong.")
    assert out.getvalue() == "✓ add_task “a”\nRight\n"
    assert err.getvalue() == "Too long.\n"


def test_a_note_within_a_reply_gets_a_line_of_its_own() -> None:
    file = io.StringIO()
    screen = LiveScreen(Console(file=file), lambda: False)
    note = Note("✓ add_task “a”")
    parts: list[Shown] = [Text("One "), Text("moment."), note, Text("\n\nDone."), Restart(), Text("Sorry.")]
    for shown in parts:
        screen.show(shown)
    screen.end_reply()
    assert file.getvalue() == "One moment.\n✓ add_task “a”\n\n\nDone.\n↻ once more:\nSorry.\n"


def test_what_is_being_typed_is_drawn_again_below_a_remark() -> None:
    file = io.StringIO()
    LiveScreen(Console(file=file), lambda: True).remark("• elsewhere")
    assert file.getvalue() == "\r\x1b[K• elsewhere\n› "


# ---------------------------------------------------------------- changes made elsewhere
def change(kind: str, cursor: str, **more: object) -> Change:
    return ChangeData.model_validate({"changes": {"__typename": kind, "cursor": cursor, **more}}).changes


def of_turn(identity: str) -> dict[str, Any]:
    return {"turn": {"id": identity}}


def test_a_change_of_a_task_is_shown_once() -> None:
    view = ChangeView()
    added = change("TaskChanged", "c1", action="CREATED", task={"title": "eggs"}, toolCall=None)
    assert [view.apply(added), view.apply(added)] == ["• “eggs” added elsewhere", None]
    gone = change("TaskChanged", "c2", action="DELETED", task=None, toolCall=of_turn("other"))
    assert view.apply(gone) == "• a task deleted elsewhere"
    due = change("ReminderDue", "c3", task={"title": "eggs"})
    assert [view.apply(due), view.apply(due)] == ["⏰ eggs", None]


def test_what_the_own_turn_did_is_not_shown_as_anothers() -> None:
    view = ChangeView()
    view.own.add("T1")
    view.conversation_id = "V1"
    task = change("TaskChanged", "c1", action="CREATED", task={"title": "eggs"}, toolCall=of_turn("T1"))
    said = {"sender": "ASSISTANT", "content": "Added.", "turn": {"id": "T1"}}
    assert view.apply(task) is None
    assert view.apply(change("MessageAdded", "c2", conversationId="V1", message=said)) is None


def test_messages_of_this_conversation_from_elsewhere_are_shown() -> None:
    view = ChangeView()
    view.conversation_id = "V1"
    said = {"sender": "USER", "content": "and\nbread", "turn": {"id": "T9"}}
    assert view.apply(change("MessageAdded", "c1", conversationId="V1", message=said)) == "• you, elsewhere: and bread"
    assert view.apply(change("MessageAdded", "c2", conversationId="V2", message=said)) is None
    assert view.apply(change("MessageAdded", "c3", conversationId="V1", message=None)) is None


def test_a_gap_is_said_and_progress_is_not() -> None:
    view = ChangeView()
    assert "/tasks" in str(view.apply(change("ResyncRequired", "c1")))
    assert view.apply(change("Progress", "c1")) is None


def test_a_long_stream_of_changes_is_not_remembered_for_ever() -> None:
    view = ChangeView()
    for number in range(3_000):
        view.apply(change("Progress", f"c{number}"))
    assert len(view._seen) <= 1_000


# ---------------------------------------------------------------- input
def test_piped_lines_end_with_the_last_even_without_a_line_end() -> None:
    reading, writing = os.pipe()
    os.write(writing, "first\r\nzweite ü\n\nla".encode() + b"\xffst")
    os.close(writing)
    try:
        lines = list(iter(piped_lines(reading), None))
    finally:
        os.close(reading)
    assert lines == ["first", "zweite ü", "", "la\ufffdst"]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("https://tasks.example/graphql", "https://tasks.example"),
        ("wss://tasks.example/base/graphql/", "https://tasks.example/base"),
        ("ws://[::1]:9000", "http://[::1]:9000"),
    ],
)
def test_addresses_are_read_as_people_give_them(given: str, meant: str) -> None:
    assert base_url(given) == meant


@pytest.mark.parametrize(
    "given", ["", "localhost:8000", "ftp://x", "http://", "http://a:b", "http://a@b", "http://x:99999"]
)
def test_anything_else_is_not_an_address(given: str) -> None:
    with pytest.raises(ClientError, match="--url"):
        base_url(given)


def test_a_script_waits_only_where_waiting_helps() -> None:
    def error(retry_at: str | None) -> UserError:
        return UserError.model_validate({"code": "RATE_LIMITED", "message": "Slow down.", "retryAt": retry_at})

    assert _wait_for((error("2026-11-23T12:00:30Z"), error("2026-11-23T12:00:10Z"))) == 30
    assert _wait_for((error("2026-11-23T11:59:00Z"),)) == 0.1
    assert _wait_for((error("2026-11-23T12:30:00Z"),)) is None
    assert _wait_for((error("2026-11-23T12:00:30Z"), error(None))) is None
    assert _wait_for(()) is None


# ---------------------------------------------------------------- the contract
@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (chat_api.VIEWER, {}),
        (chat_api.TASKS, {}),
        (chat_api.SEND, {"input": {"content": "hello", "conversationId": None, "idempotencyKey": "k"}}),
        (chat_api.TURN, {"id": "T1"}),
        (chat_api.FOLLOW_TURN, {"id": "T1"}),
        (chat_api.FOLLOW_CHANGES, {"after": "c1"}),
    ],
)
def test_every_document_is_valid_and_within_the_limits(document: str, variables: dict[str, Any]) -> None:
    assert make_schema(Settings()).documents.prepare(document, None, variables)
