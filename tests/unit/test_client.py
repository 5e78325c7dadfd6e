"""The client library without a server: drafts, tokens, what may be sent twice, and the store."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.settings import Settings
from graphql_api.schema import make_schema
from tasktalk_client import Change, Draft, OperationFailed, ReminderDue, Store, TaskChanged, TurnView
from tasktalk_client import documents as own
from tasktalk_client.changes import read_change
from tasktalk_client.tokens import expiry

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


# ---------------------------------------------------------------- documents
@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (own.CHANGES, {"after": "c1", "kinds": ["TASK"], "conversationId": "V1"}),
        (own.CHANGES, {}),
        (own.FOLLOW_TURN, {"id": "T1"}),
        (own.READ_TURN, {"id": "T1"}),
        (own.START, {"conversations": 20, "messages": 20}),
        (own.MORE_TASKS, {"after": "c1"}),
    ],
)
def test_its_documents_are_valid_and_within_the_limits(document: str, variables: dict[str, Any]) -> None:
    assert make_schema(Settings()).documents.prepare(document, None, variables)


@pytest.mark.parametrize(
    ("document", "changes"),
    [
        ("{ viewer { id } }", False),
        ("query mutate($mutation: ID!) { node(id: $mutation) { mutation: id } }", False),
        ('query Q { search(query: "} mutation {") { totalCount } }', False),
        ('query Q { search(query: """} "mutation" {""") { totalCount } }', False),
        ("# mutation\nquery Q { viewer { id } }", False),
        ("mutation { revokeAuthentication { userErrors { code } } }", True),
        ("fragment F on Task { id } mutation M { createTask { task { ...F } } }", True),
    ],
)
def test_a_mutation_is_told_from_what_only_looks_like_one(document: str, changes: bool) -> None:
    assert own.is_mutation(document) is changes


def test_a_mutation_is_repeatable_by_its_key_alone() -> None:
    document = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { turn { id } } }"
    assert not own.is_repeatable(document, {"input": {"content": "hi"}})
    assert own.is_repeatable(document, {"input": {"content": "hi", "idempotencyKey": "k"}})
    assert own.is_repeatable("{ viewer { id } }", {})


# ---------------------------------------------------------------- tokens
def jwt(payload: str) -> str:
    return f"e30.{base64.urlsafe_b64encode(payload.encode()).decode().rstrip('=')}.c2ln"


def test_a_token_says_when_it_ends() -> None:
    assert expiry(jwt(json.dumps({"exp": 1_790_000_000}))) == 1_790_000_000.0


@pytest.mark.parametrize(
    "token",
    [
        "",
        "opaque",
        "a.b",
        "a.ü.c",
        "a.!.c",
        jwt("[]"),
        jwt("{"),
        jwt("{}"),
        jwt('{"exp": "soon"}'),
        jwt('{"exp": true}'),
    ],
)
def test_any_other_token_has_no_known_end(token: str) -> None:
    assert expiry(token) is None


# ---------------------------------------------------------------- drafts
@given(TEXT, st.lists(st.tuples(st.integers(0, 45), st.integers(0, 45)), max_size=8))
def test_a_draft_is_always_a_beginning_of_the_text(text: str, cuts: list[tuple[int, int]]) -> None:
    """Deltas in any order, repeated and overlapping as after a resume: what is there is right, and goes on."""
    draft = Draft()
    draft.take(1, "")
    for start, end in cuts:
        piece = text[start:end]
        draft.append(1, utf16(text[:start]), piece)
        assert text.startswith(draft.text)
        assert draft.offset == utf16(draft.text)
    draft.append(1, 0, text)
    assert draft.text == text


def test_a_delta_of_another_attempt_or_after_a_hole_changes_nothing() -> None:
    draft = Draft()
    draft.take(2, "🥛")
    assert not draft.append(1, 2, "old")
    assert not draft.append(3, 2, "early")
    assert not draft.append(2, 3, "beyond")
    assert not draft.append(2, -1, "before")
    assert not draft.append(2, 0, "other")
    assert draft.append(2, 2, " is")
    assert draft.text == "🥛 is"


# ---------------------------------------------------------------- turns
def turn(status: str = "RUNNING", reply: str | None = None, *calls: dict[str, Any]) -> dict[str, Any]:
    said = None if reply is None else {"id": "M2", "content": reply}
    return {"id": "T1", "status": status, "reply": said, "toolCalls": list(calls)}


def snapshot(draft: str, attempt: int = 1) -> dict[str, Any]:
    return {"__typename": "TurnSnapshot", "attempt": attempt, "draft": draft, "turn": turn()}


def delta(offset: int, text: str, attempt: int = 1) -> dict[str, Any]:
    return {"__typename": "TextDelta", "attempt": attempt, "offset": offset, "text": text}


def shown(*updates: dict[str, Any]) -> list[tuple[str, bool]]:
    view, seen = TurnView("T1"), []
    for update in updates:
        view.apply(update)
        seen.append((view.appended, view.restarted))
    return seen


def test_a_view_tells_what_each_update_adds() -> None:
    ended = {"__typename": "TurnEnded", "turn": turn("COMPLETED", "Hello!")}
    assert shown(snapshot("Hel"), delta(3, "lo"), snapshot("Hel"), delta(3, "lo"), ended) == [
        ("Hel", False),
        ("lo", False),
        ("", False),
        ("", False),
        ("!", False),
    ]


def test_a_text_that_starts_anew_says_so_once_it_differs() -> None:
    assert shown(snapshot("Added milk"), snapshot("", attempt=2), delta(0, "Sorry", attempt=2)) == [
        ("Added milk", False),
        ("", False),
        ("Sorry", True),
    ]


def test_a_reply_that_is_shorter_than_its_draft_replaces_it() -> None:
    ended = {"__typename": "TurnEnded", "turn": turn("CANCELLED", "Half")}
    assert shown(snapshot("Half a"), ended)[-1] == ("Half", True)


def test_calls_are_kept_by_id() -> None:
    view = TurnView("T1")
    view.apply(snapshot("") | {"turn": turn("RUNNING", None, {"id": "C1", "status": "PENDING"})})
    view.apply({"__typename": "ToolCallUpdate", "toolCall": {"id": "C1", "status": "COMPLETED"}})
    assert [call["status"] for call in view.tool_calls.values()] == ["COMPLETED"]
    assert view.status == "RUNNING"
    assert not view.ended


@pytest.mark.parametrize(
    "update",
    [None, [], {}, {"__typename": "TurnSnapshot"}, {"__typename": "TurnEnded", "turn": {}}, delta(0, "\ud83e")],
)
def test_what_is_no_update_is_a_clear_error(update: object) -> None:
    view = TurnView("T1")
    view.apply(snapshot(""))
    with pytest.raises(OperationFailed, match="can't be read"):
        view.apply(update)


# ---------------------------------------------------------------- changes and the store
def task(version: int, title: str = "milk", deleted: str | None = None) -> dict[str, Any]:
    return {"id": "K1", "title": title, "version": version, "deletedAt": deleted}


def changed(kind: str, cursor: str = "c1", **more: Any) -> Change:
    return read_change({"__typename": kind, "cursor": cursor, "at": "2026-11-23T12:00:00Z", **more})


def test_a_change_is_typed_by_its_kind() -> None:
    change = changed("TaskChanged", taskId="K1", action="CREATED", actor="USER", task=task(1))
    assert isinstance(change, TaskChanged)
    due = changed("ReminderDue", taskId="K1", task=task(1))
    assert isinstance(due, ReminderDue)
    assert (due.task_id, due.task) == ("K1", task(1))
    assert (change.task_id, change.action, change.actor, change.at.year) == ("K1", "CREATED", "USER", 2026)


def test_a_kind_of_a_newer_server_is_still_a_change() -> None:
    change = changed("CommentAdded", taskId="K1")
    assert type(change) is Change
    assert (change.kind, change.data["taskId"]) == ("CommentAdded", "K1")


@pytest.mark.parametrize("data", [None, [], {}, {"__typename": "TaskChanged"}, {"cursor": "c1"}])
def test_what_is_no_change_is_a_clear_error(data: object) -> None:
    with pytest.raises(OperationFailed, match="can't be read"):
        read_change(data)


def test_the_store_keeps_the_newest_and_drops_what_is_gone() -> None:
    store = Store()
    for at, one in enumerate([task(2, "oat milk"), task(1), task(3, "soy milk")]):
        store.apply(changed("TaskChanged", f"c{at}", taskId="K1", task=one))
    assert store.tasks["K1"]["title"] == "soy milk"
    assert store.cursor == "c2"
    store.apply(changed("TaskChanged", taskId="K1", task=task(4, deleted="2026-11-23T12:00:00Z")))
    assert store.tasks == {}
    store.apply(changed("TaskChanged", taskId="K1", task=task(5)))
    store.apply(changed("TaskChanged", taskId="K1", task=None))
    assert store.tasks == {}


def test_a_conversation_takes_with_it_what_was_said_in_it() -> None:
    store = Store()
    for place in ("V1", "V2"):
        inside = {"conversation": {"id": place}}
        conversation = {"id": place, "version": 1}
        store.apply(changed("ConversationChanged", conversationId=place, conversation=conversation))
        store.apply(changed("MessageAdded", messageId=f"M-{place}", message=inside))
        store.apply(changed("TurnChanged", turnId=f"T-{place}", turn=inside | {"version": 1}))
        store.apply(changed("ToolCallChanged", toolCallId=f"C-{place}", toolCall=inside | {"version": 1}))
    store.apply(changed("ConversationChanged", conversationId="V1", conversation=None))
    kept = [store.conversations, store.messages, store.turns, store.tool_calls]
    assert [list(part) for part in kept] == [["V2"], ["M-V2"], ["T-V2"], ["C-V2"]]


def test_tasks_follow_the_labels_that_they_bear() -> None:
    store = Store()
    labels = [{"id": name, "name": name, "version": 1} for name in ("home", "shop")]
    task = {"id": "T1", "labels": labels, "deletedAt": None, "version": 1}
    store.apply(changed("TaskChanged", taskId="T1", action="UPDATED", task=task))
    store.apply(changed("LabelChanged", labelId="home", label={"id": "home", "name": "yard", "version": 2}))
    assert [label["name"] for label in store.tasks["T1"]["labels"]] == ["shop", "yard"]
    store.apply(changed("LabelChanged", labelId="shop", label=None))
    assert [label["name"] for label in store.tasks["T1"]["labels"]] == ["yard"]


def test_labels_and_settings_are_kept() -> None:
    store = Store()
    store.apply(changed("LabelChanged", labelId="L1", label={"id": "L1", "name": "home", "version": 1}))
    store.apply(changed("SettingsChanged", settings={"id": "S1", "timeZone": "Europe/Berlin"}))
    assert store.labels["L1"]["name"] == "home"
    assert store.settings is not None
    store.apply(changed("LabelChanged", labelId="L1", label=None))
    assert store.labels == {}
