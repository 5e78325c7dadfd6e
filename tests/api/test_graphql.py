"""What clients rely on: pages, payloads, snapshots, changes and turns, through the real schema and database."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLUnionType

from assistant.providers.base import (
    CallReady,
    CallResult,
    Finished,
    FinishReason,
    ModelCall,
    Prompt,
    ProviderEvent,
    TextDelta,
    UsageReported,
)
from assistant.providers.rules import RulesProvider
from core import clock
from core.database import Database
from core.dsn import Dsn
from core.settings import Settings
from events.bus import Bus
from jobs.worker import Worker
from tests.conftest import new_user
from tests.support.api import Api, serving
from tests.support.talking import engine_for

OPEN = Settings(limit_sends_per_minute=0, introspection=True)

SEND = """
mutation ($content: String!, $id: ID, $key: String, $wait: Int) {
  sendMessage(input: {content: $content, conversationId: $id, idempotencyKey: $key, waitSeconds: $wait}) {
    conversation { id title isActive } message { id content } userErrors { code field message }
    turn { id status draft reply { content sender } toolCalls { toolName status task { id title } } }
  }
}
"""


@pytest.fixture
async def api(database: Database, bus: Bus, user: str) -> AsyncIterator[Api]:
    async with serving(database, bus, user, OPEN) as api:
        yield api


@pytest.fixture
async def answered(api: Api, database: Database, bus: Bus, dsn: Dsn) -> AsyncIterator[Api]:
    """The API with a worker that answers by the built-in interpreter."""
    async with Worker(engine_for(database, bus, RulesProvider()), dsn, OPEN):
        yield api


async def create_task(api: Api, title: str, **more: Any) -> dict[str, Any]:
    document = """mutation ($input: CreateTaskInput!) {
      createTask(input: $input) { task { id version } userErrors { code field } }
    }"""
    payload: dict[str, Any] = (await api.data(document, input={"title": title, **more}))["createTask"]
    return payload


def test_everything_is_described(api: Api) -> None:
    schema = api.schema._schema
    bare: list[str] = []
    for name, kind in schema.type_map.items():
        if name.startswith("__"):
            continue
        if not kind.description:
            bare.append(name)
        for field_name, field in getattr(kind, "fields", {}).items():
            if not field.description:
                bare.append(f"{name}.{field_name}")
            bare += [
                f"{name}.{field_name}({a})" for a, one in getattr(field, "args", {}).items() if not one.description
            ]
        bare += [f"{name}.{value}" for value, one in getattr(kind, "values", {}).items() if not one.description]
    assert bare == []


def test_one_document_can_select_every_member_whole(api: Api) -> None:
    """The members of a union, and the implementations of Change, agree on the types of fields they share."""
    schema = api.schema._schema

    def leaves(kind: GraphQLObjectType) -> str:
        plain = [name for name, field in kind.fields.items() if _is_leaf(field.type)]
        return " ".join(plain)

    def _is_leaf(kind: Any) -> bool:
        while hasattr(kind, "of_type"):
            kind = kind.of_type
        return not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType)

    def every(name: str) -> str:
        abstract = schema.type_map[name]
        assert isinstance(abstract, GraphQLInterfaceType | GraphQLUnionType)
        return " ".join(f"... on {one.name} {{ {leaves(one)} }}" for one in schema.get_possible_types(abstract))

    changes = f"subscription {{ changes {{ __typename {every('Change')} }} }}"
    turn = f'subscription {{ turn(id: "x") {{ __typename {every("TurnUpdate")} }} }}'
    for document in (changes, turn):
        api.schema.documents.prepare(document, None, {})


async def test_a_sentence_is_answered_in_one_request(answered: Api) -> None:
    data = (await answered.data(SEND, content="add milk", wait=30))["sendMessage"]

    assert data["userErrors"] == []
    assert data["turn"]["status"] == "COMPLETED"
    assert data["turn"]["reply"]["content"] == data["turn"]["draft"]
    [call] = data["turn"]["toolCalls"]
    assert (call["toolName"], call["status"], call["task"]["title"]) == ("add_task", "COMPLETED", "milk")


async def test_what_the_record_says_of_an_exchange(answered: Api) -> None:
    """When, by whom and with what: the fields that the two data models asked for."""
    before = datetime.now(UTC)
    sent = (await answered.data(SEND, content="add milk", wait=30))["sendMessage"]
    document = """query ($id: ID!) { conversation(id: $id) {
      createdAt updatedAt lastActivityAt version context
      messages { edges { node { createdAt sender metadata { model finishReason intent raw } } } }
      toolCallHistory { edges { node { operation createdAt executedAt inputText task { id } } } }
    } }"""

    found = (await answered.data(document, id=sent["conversation"]["id"]))["conversation"]

    user, assistant = (edge["node"] for edge in found["messages"]["edges"])
    [call] = (edge["node"] for edge in found["toolCallHistory"]["edges"])
    stamps = [found["createdAt"], user["createdAt"], call["createdAt"], call["executedAt"], assistant["createdAt"]]
    times = [datetime.fromisoformat(stamp) for stamp in stamps]
    assert before <= times[0]
    assert times == sorted(times)
    assert found["updatedAt"] == found["lastActivityAt"] == assistant["createdAt"]
    assert (user["sender"], user["metadata"]["intent"]) == ("USER", "CREATE")
    assert (assistant["metadata"]["model"], assistant["metadata"]["finishReason"]) == ("rules", "STOP")
    assert (call["operation"], call["inputText"]) == ("CREATE", "add milk")
    assert found["context"] == {"assistant": {"shown": [call["task"]["id"]]}}
    assert found["version"] > 1


async def test_fifty_sends_with_one_key_are_one_message(api: Api) -> None:
    sent = await asyncio.gather(*(api.data(SEND, content="add milk", key="k", wait=0) for _ in range(50)))

    assert {one["sendMessage"]["message"]["id"] for one in sent} == {sent[0]["sendMessage"]["message"]["id"]}
    page = await api.data("{ conversations { totalCount edges { node { messages { totalCount } } } } }")
    assert page["conversations"]["totalCount"] == 1
    assert page["conversations"]["edges"][0]["node"]["messages"]["totalCount"] == 1
    other = (await api.data(SEND, content="add eggs", key="k", wait=0))["sendMessage"]
    assert [error["code"] for error in other["userErrors"]] == ["IDEMPOTENCY_CONFLICT"]
    assert other["message"] is None


@pytest.mark.parametrize(
    ("content", "code"), [("", "INVALID"), (" \n ", "INVALID"), ("x" * 10_001, "TOO_LONG"), ("a\x00b", "INVALID")]
)
async def test_bad_content_stores_nothing(api: Api, content: str, code: str) -> None:
    payload = (await api.data(SEND, content=content, wait=0))["sendMessage"]

    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [(code, ["input", "content"])]
    assert (await api.data("{ conversations { totalCount } }"))["conversations"]["totalCount"] == 0


async def test_a_closed_conversation_takes_nothing_until_reopened(api: Api) -> None:
    sent = (await api.data(SEND, content="hello", wait=0))["sendMessage"]
    where = sent["conversation"]["id"]
    on = """mutation ($id: ID!) {{
      {0}(input: {{conversationId: $id}}) {{ conversation {{ isActive inactiveReason }} userErrors {{ code }} }}
    }}"""

    closed = await api.data(on.format("closeConversation"), id=where)
    assert closed["closeConversation"]["conversation"] == {"isActive": False, "inactiveReason": "CLOSED"}
    refused = (await api.data(SEND, content="again", id=where, wait=0))["sendMessage"]
    assert [error["code"] for error in refused["userErrors"]] == ["CONVERSATION_INACTIVE"]

    await api.data(on.format("reopenConversation"), id=where)
    assert (await api.data(SEND, content="again", id=where, wait=0))["sendMessage"]["userErrors"] == []


async def test_a_conversation_goes_idle_by_the_time_alone(api: Api) -> None:
    where = (await api.data(SEND, content="hello", wait=0))["sendMessage"]["conversation"]["id"]
    read = "query ($id: ID!) { conversation(id: $id) { isActive inactiveReason idleExpiresAt lastActivityAt } }"
    assert (await api.data(read, id=where))["conversation"]["isActive"] is True

    with clock.set_to(datetime.now(UTC) + timedelta(days=1, seconds=1)):
        assert (await api.data(read, id=where))["conversation"]["inactiveReason"] == "IDLE"
        refused = (await api.data(SEND, content="again", id=where, wait=0))["sendMessage"]
        assert [error["code"] for error in refused["userErrors"]] == ["CONVERSATION_INACTIVE"]


async def test_a_full_queue_refuses(api: Api) -> None:
    where = (await api.data(SEND, content="one", wait=0))["sendMessage"]["conversation"]["id"]
    for number in range(4):
        await api.data(SEND, content=str(number), id=where, wait=0)

    refused = (await api.data(SEND, content="six", id=where, wait=0))["sendMessage"]
    assert [error["code"] for error in refused["userErrors"]] == ["QUEUE_FULL"]


async def test_another_users_things_are_not_there(api: Api, database: Database) -> None:
    task = (await create_task(api, "mine"))["task"]["id"]
    where = (await api.data(SEND, content="hello", wait=0))["sendMessage"]["conversation"]["id"]
    stranger = api.as_user(await new_user(database))

    assert (await stranger.data("query ($id: ID!) { task(id: $id) { id } node(id: $id) { id } }", id=task)) == {
        "task": None,
        "node": None,
    }
    assert (await stranger.data("query ($id: ID!) { conversation(id: $id) { id } }", id=where))["conversation"] is None
    done = await stranger.data(
        "mutation ($id: ID!) { completeTask(input: {taskId: $id}) { task { id } userErrors { code } } }", id=task
    )
    assert done["completeTask"] == {"task": None, "userErrors": [{"code": "NOT_FOUND"}]}
    refused = (await stranger.data(SEND, content="hi", id=where, wait=0))["sendMessage"]
    assert [error["code"] for error in refused["userErrors"]] == ["NOT_FOUND"]
    assert (await api.data("query ($id: ID!) { task(id: $id) { isCompleted } }", id=task))["task"][
        "isCompleted"
    ] is False


async def test_a_stale_version_brings_the_present_object(api: Api) -> None:
    made = (await create_task(api, "milk"))["task"]
    update = """mutation ($id: ID!, $version: Int, $title: String) {
      updateTask(input: {taskId: $id, expectedVersion: $version, title: $title}) {
        task { title version } userErrors { code }
      }
    }"""
    assert (await api.data(update, id=made["id"], version=1, title="oat milk"))["updateTask"]["task"]["version"] == 2

    stale = (await api.data(update, id=made["id"], version=1, title="soy milk"))["updateTask"]
    assert stale == {"task": {"title": "oat milk", "version": 2}, "userErrors": [{"code": "VERSION_CONFLICT"}]}


@pytest.mark.parametrize("order", ["POSITION", "DUE", "CREATED", "UPDATED", "PRIORITY"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_pages_of_any_order_are_the_whole_list(api: Api, order: str, direction: str) -> None:
    for number in range(7):
        due = {"dueDate": f"2026-12-{number + 1:02}"} if number % 2 else {}
        await create_task(api, f"t{number}", priority=["LOW", "HIGH"][number % 2], **due)
    document = """query (
      $order: TaskOrder, $way: SortDirection, $first: Int, $after: String, $last: Int, $before: String
    ) {
      tasks(orderBy: $order, direction: $way, first: $first, after: $after, last: $last, before: $before) {
        totalCount edges { cursor node { title dueDate } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }"""
    whole = (await api.data(document, order=order, way=direction, first=100))["tasks"]
    expected = [edge["node"]["title"] for edge in whole["edges"]]
    assert whole["totalCount"] == len(expected) == 7
    if order == "DUE":
        dates = [edge["node"]["dueDate"] for edge in whole["edges"]]
        assert dates[3:] == [None] * 4
        assert dates[:3] == sorted(dates[:3], reverse=direction == "DESC")

    forwards: list[str] = []
    after: str | None = None
    while True:
        page = (await api.data(document, order=order, way=direction, first=3, after=after))["tasks"]
        forwards += [edge["node"]["title"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    backwards: list[str] = []
    before: str | None = None
    while True:
        page = (await api.data(document, order=order, way=direction, last=3, before=before))["tasks"]
        backwards = [edge["node"]["title"] for edge in page["edges"]] + backwards
        before = page["pageInfo"]["startCursor"]
        if not page["pageInfo"]["hasPreviousPage"]:
            break
    assert forwards == expected
    assert backwards == expected
    other = "DESC" if direction == "ASC" else "ASC"
    assert await api.code(document, order=order, way=other, first=3, after=after) == "DOCUMENT_INVALID"


@pytest.mark.parametrize("first", [0, 101, -1])
async def test_a_page_has_a_size_in_its_range(api: Api, first: int) -> None:
    assert await api.code("query ($n: Int) { tasks(first: $n) { totalCount } }", n=first) == "DOCUMENT_INVALID"


async def test_a_nested_page_is_a_query_a_level(answered: Api) -> None:
    for number in range(3):
        where = None
        for sentence in ("add milk", "add eggs and bread"):
            sent = (await answered.data(SEND, content=f"{sentence} {number}", id=where, wait=30))["sendMessage"]
            where = sent["conversation"]["id"]
    document = """{ conversations(first: 20) { edges { node { id title messages(last: 10) { edges { node {
      id sender content turn { status } toolCalls { toolName status task { title } conversation { title } }
    } } } } } } }"""

    page = await answered.data(document)

    conversations = page["conversations"]["edges"]
    assert [len(one["node"]["messages"]["edges"]) for one in conversations] == [4, 4, 4]
    calls = [len(one["node"]["toolCalls"]) for one in conversations[0]["node"]["messages"]["edges"]]
    assert calls == [1, 1, 2, 2]
    # conversations, messages, their turns, their calls, the calls' tasks and conversations
    assert answered.statements == 6


async def test_changes_are_pulled_after_a_cursor(api: Api) -> None:
    start = (await api.data("{ viewer { cursor } }"))["viewer"]["cursor"]
    await create_task(api, "milk", labels=["shop"])
    document = """query ($after: String, $kinds: [ChangeKind!]) { changes(after: $after, kinds: $kinds) { cursor hasMore
      changes { __typename cursor
        ... on TaskChanged { action actor task { title } revision { changes { field after } } }
        ... on LabelChanged { label { name } } } } }"""

    pulled = (await api.data(document, after=start))["changes"]
    assert [one["__typename"] for one in pulled["changes"]] == ["LabelChanged", "TaskChanged"]
    assert pulled["changes"][1]["task"] == {"title": "milk"}
    again = (await api.data(document, after=pulled["cursor"]))["changes"]
    assert again["changes"] == []
    only = (await api.data(document, after=start, kinds=["TASK"]))["changes"]
    assert [one["__typename"] for one in only["changes"]] == ["TaskChanged"]
    assert only["cursor"] == pulled["cursor"]


async def test_a_cursor_of_another_user_is_refused(api: Api, database: Database) -> None:
    theirs = (await api.as_user(await new_user(database)).data("{ viewer { cursor } }"))["viewer"]["cursor"]
    assert (
        await api.code("query ($after: String) { changes(after: $after) { cursor } }", after=theirs)
        == "DOCUMENT_INVALID"
    )


async def test_the_subscription_replays_and_then_follows(api: Api) -> None:
    start = (await api.data("{ viewer { cursor } }"))["viewer"]["cursor"]
    await create_task(api, "before")
    document = """subscription ($after: String) { changes(after: $after) { __typename cursor
      ... on TaskChanged { task { title } } } }"""

    async with api.subscribe(document, after=start) as events, aclosing(events):
        replayed = [(await anext(events))["changes"] for _ in range(2)]
        assert [one["__typename"] for one in replayed] == ["TaskChanged", "Progress"]
        await create_task(api, "after")
        followed = (await anext(events))["changes"]
        assert followed["task"] == {"title": "after"}

    async with api.subscribe(document, after=replayed[0]["cursor"]) as events, aclosing(events):
        assert (await anext(events))["changes"]["task"] == {"title": "after"}


class Scripted:
    """Says what it is told to, in two rounds, and stops in mid-text until it is let go."""

    name = "scripted"

    def __init__(self) -> None:
        self.half = asyncio.Event()
        self.go = asyncio.Event()

    async def stream(self, prompt: Prompt, tools: Any) -> AsyncIterator[ProviderEvent]:
        if not any(isinstance(item, CallResult) for item in prompt.items):
            yield CallReady(ModelCall("1", "add_task", '{"title": "café 🥐"}'))
        else:
            yield TextDelta("I added 🥐")
            self.half.set()
            await self.go.wait()
            yield TextDelta(" for you.")
        yield UsageReported(10, 5)
        yield Finished(FinishReason.STOP)

    async def aclose(self) -> None:
        """Nothing to give back."""


TURN = """subscription ($id: ID!) { turn(id: $id) { __typename
  ... on TurnSnapshot { turn { status } attempt draft offset } ... on TextDelta { attempt offset text }
  ... on ToolCallUpdate { toolCall { status toolName task { title } } }
  ... on TurnEnded { turn { status draft reply { content } usage { inputTokens modelCalls } } } } }"""


async def test_a_turn_is_followed_to_its_end(api: Api, database: Database, bus: Bus, dsn: Dsn) -> None:
    provider = Scripted()
    turn = (await api.data(SEND, content="add a croissant", wait=0))["sendMessage"]["turn"]["id"]
    seen: list[dict[str, Any]] = []
    async with api.subscribe(TURN, id=turn) as events, aclosing(events):
        seen.append((await anext(events))["turn"])
        async with Worker(engine_for(database, bus, provider), dsn, OPEN):
            async for event in events:
                seen.append(event["turn"])
                if event["turn"]["__typename"] == "TextDelta":
                    provider.go.set()

    assert seen[0] == {
        "__typename": "TurnSnapshot",
        "turn": {"status": "QUEUED"},
        "attempt": 0,
        "draft": "",
        "offset": 0,
    }
    draft = ""
    for one in seen:
        if one["__typename"] == "TurnSnapshot":
            draft = one["draft"]
        elif one["__typename"] == "TextDelta":
            assert one["offset"] == len(draft.encode("utf-16-le")) // 2
            draft += one["text"]
    calls = [one["toolCall"] for one in seen if one["__typename"] == "ToolCallUpdate"]
    assert calls[-1] == {"status": "COMPLETED", "toolName": "add_task", "task": {"title": "café 🥐"}}
    assert seen[-1]["__typename"] == "TurnEnded"
    assert seen[-1]["turn"]["reply"]["content"] == draft == "I added 🥐 for you."
    assert seen[-1]["turn"]["usage"] == {"inputTokens": 20, "modelCalls": 2}


async def test_who_joins_late_gets_what_was_said(api: Api, database: Database, bus: Bus, dsn: Dsn) -> None:
    provider = Scripted()
    turn = (await api.data(SEND, content="add a croissant", wait=0))["sendMessage"]["turn"]["id"]
    async with Worker(engine_for(database, bus, provider), dsn, OPEN):
        await provider.half.wait()
        async with api.subscribe(TURN, id=turn) as events, aclosing(events):
            assert (await anext(events))["turn"]["turn"]["status"] == "RUNNING"
            provider.go.set()
            last = [event["turn"] async for event in events][-1]
    assert last["turn"]["draft"] == "I added 🥐 for you."


@pytest.mark.parametrize("id_", ["", "x", base64.urlsafe_b64encode(b"Task:not-a-uuid").decode(), "VGFzazo="])
async def test_an_id_that_is_none_is_nothing(api: Api, id_: str) -> None:
    assert await api.data("query ($id: ID!) { node(id: $id) { id } task(id: $id) { id } }", id=id_) == {
        "node": None,
        "task": None,
    }


async def test_settings_are_changed_at_the_version_that_was_seen(api: Api) -> None:
    document = """mutation ($input: UpdateSettingsInput!) { updateSettings(input: $input) {
      settings { timeZone locale weekStart defaultDueTime confirm version } userErrors { code field } } }"""
    given = {"weekStart": "SUNDAY", "defaultDueTime": "09:30", "expectedVersion": 1}
    after = {
        "timeZone": "UTC",
        "locale": "en",
        "weekStart": "SUNDAY",
        "defaultDueTime": "09:30:00",
        "confirm": "BULK_DESTRUCTIVE",
        "version": 2,
    }
    changed = (await api.data(document, input=given))["updateSettings"]
    assert changed == {"settings": after, "userErrors": []}
    late = (await api.data(document, input={"locale": "de", "expectedVersion": 1}))["updateSettings"]
    conflict = {"code": "VERSION_CONFLICT", "field": ["input", "expectedVersion"]}
    assert late == {"settings": after, "userErrors": [conflict]}
    cleared = (await api.data(document, input={"defaultDueTime": None}))["updateSettings"]["settings"]
    assert (cleared["defaultDueTime"], cleared["weekStart"], cleared["version"]) == (None, "SUNDAY", 3)
