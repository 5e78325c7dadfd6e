"""Subscriptions that ask for the same share what they are told, and each still gets all of it, in order, once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, is_abstract_type

from core.database import Database
from core.settings import Settings
from events.bus import Bus
from events.cursors import decode
from graphql_api.transport import Caller
from graphql_api.transport.answers import Answer
from graphql_api.transport.audience import KEPT
from graphql_api.transport.body import GraphQLRequest
from resolvers.operation import reading_as
from tests.conftest import new_user
from tests.support.api import Api, Person, serving
from tests.support.changes import write
from tests.support.reading import GUARD, until

FOLLOW = "subscription ($after: String) { changes(after: $after) { __typename cursor } }"
Answers = AsyncGenerator[Answer, None]


@pytest.fixture
async def api(database: Database, bus: Bus, user: str) -> AsyncIterator[Api]:
    async with serving(database, bus, user, Settings()) as api:
        yield api


@asynccontextmanager
async def following(api: Api, document: str = FOLLOW, **variables: Any) -> AsyncIterator[Answers]:
    """Answers, once the first, the end of the replay, has come."""
    query = api.schema.documents.prepare(document, None, variables)
    request = GraphQLRequest(document, variables, None)
    stream = api.operations.follow(query, request, Caller(Person(api.user), {}))
    async with aclosing(stream) as answers:
        yield answers


async def told(answers: Answers) -> Answer:
    async with asyncio.timeout(GUARD):
        return await anext(answers)


def together(api: Api) -> bool:
    """Whether all of the user's subscriptions are told by one follower that waits for what is to come."""
    feed = api.application.hub._feeds.get(api.user)
    return feed is not None and [follower.live for follower in feed.followers] == [True]


def seq(api: Api, answer: Answer) -> int:
    return decode(json.loads(answer.body)["data"]["changes"]["cursor"], api.user).seq


async def joined(api: Api, stack: AsyncExitStack, count: int) -> list[Answers]:
    """Followers that all wait for what is to come."""
    found = [await stack.enter_async_context(following(api)) for _ in range(count)]
    for answers in found:
        await told(answers)
    return found


async def test_those_who_ask_for_the_same_get_the_same_bytes(api: Api, database: Database) -> None:
    async with AsyncExitStack() as stack:
        followers = await joined(api, stack, 5)
        waiting = [asyncio.ensure_future(told(answers)) for answers in followers]
        await until(lambda: together(api))
        reads = api.application.hub.stats.reads
        await write(database, api.user)
        first, *others = await asyncio.gather(*waiting)
        assert seq(api, first) == 1
        assert all(other.body is first.body for other in others)
        assert (len(api.operations.audiences), api.application.hub.stats.reads) == (1, reads)
    assert (len(api.operations.audiences), api.application.hub.followers) == (0, 0)


async def test_users_documents_and_filters_are_kept_apart(api: Api, database: Database) -> None:
    stranger = api.as_user(await new_user(database))
    kinds = "subscription { changes(kinds: [TASK]) { __typename cursor } }"
    async with following(api) as ours, following(api, kinds) as tasks, following(stranger) as theirs:
        every = [ours, tasks, theirs]
        for answers in every:
            await told(answers)
        waiting = [asyncio.ensure_future(told(answers)) for answers in every]
        await until(lambda: len(api.operations.audiences) == 2)
        await write(database, stranger.user)
        await write(database, api.user)
        await write(database, api.user, kind="TASK")
        assert [seq(api, await waiting[0]), seq(api, await waiting[1]), seq(stranger, await waiting[2])] == [1, 2, 1]


async def test_a_newcomer_reads_on_from_its_own_cursor_and_then_joins(api: Api, database: Database) -> None:
    async with AsyncExitStack() as stack:
        (first,) = await joined(api, stack, 1)
        start = json.loads((await _next_of(api, database, first)).body)["data"]["changes"]["cursor"]
        await _next_of(api, database, first)
        late = await stack.enter_async_context(following(api, after=start))
        replayed = [seq(api, await told(late)) for _ in range(2)]  # the change, and that the replay is over
        assert replayed == [2, 2]
        both = [asyncio.ensure_future(told(answers)) for answers in (first, late)]
        await until(lambda: together(api))
        await write(database, api.user)
        one, other = await asyncio.gather(*both)
        assert seq(api, one) == 3
        assert one.body is other.body


async def _next_of(api: Api, database: Database, answers: Answers) -> Answer:
    waiting = asyncio.ensure_future(told(answers))
    await until(lambda: together(api))
    await write(database, api.user)
    return await waiting


async def test_one_who_takes_nothing_costs_a_bounded_queue_and_then_reads_for_itself(
    api: Api, database: Database
) -> None:
    total = 3 * KEPT
    async with AsyncExitStack() as stack:
        slow, quick = await joined(api, stack, 2)
        waiting = [asyncio.ensure_future(told(answers)) for answers in (slow, quick)]
        await until(lambda: together(api))
        await write(database, api.user)
        await asyncio.gather(*waiting)
        (audience,) = api.operations.audiences._by_key.values()
        for place in range(2, total, 64):
            await write(database, api.user, count=64)
            assert [seq(api, await told(quick)) for _ in range(64)] == list(range(place, place + 64))
            assert len(audience.kept) <= KEPT
        last = api.application.hub._feeds[api.user].read_to
        seen = [seq(api, await told(slow))]
        while seen[-1] < last:
            seen.append(seq(api, await told(slow)))
        assert seen == list(range(2, last + 1))


async def test_nothing_of_a_token_can_be_reached_from_what_is_shared(api: Api) -> None:
    """Not by the schema, and not in the context that shared results are read in."""
    schema = api.schema._schema
    reached: set[str] = set()
    waiting: list[Any] = [*schema.get_possible_types(schema.get_type("Change"))]  # type: ignore[arg-type]  # an interface
    while waiting:
        found = waiting.pop()
        if found.name not in reached:
            reached.add(found.name)
            if is_abstract_type(found):
                waiting += schema.get_possible_types(found)
            elif isinstance(found, GraphQLObjectType):
                waiting += [get_named_type(field.type) for field in found.fields.values()]
    assert "Task" in reached
    assert reached.isdisjoint({"AuthenticationToken", "Viewer"})
    async with reading_as(api.application, api.user, {}) as context:
        assert (context.identity.email, context.identity.name, context.identity.token_hash) == (None, None, b"")
        with pytest.raises(LookupError):
            _ = context.claims


async def test_the_entities_of_one_commit_load_by_one_statement(
    api: Api, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = 0
    snapshot = database.snapshot

    @asynccontextmanager
    async def counted(user_id: str) -> AsyncIterator[Any]:
        nonlocal opened
        opened += 1
        async with snapshot(user_id) as session:
            yield session

    document = "subscription { changes { cursor ... on TaskChanged { task { title } } } }"
    async with following(api, document) as answers:
        await told(answers)
        waiting = asyncio.ensure_future(told(answers))
        await until(lambda: together(api))
        monkeypatch.setattr(database, "snapshot", counted)
        await write(database, api.user, kind="TASK", count=20)
        assert seq(api, await waiting) == 1
        assert [seq(api, await told(answers)) for _ in range(19)] == list(range(2, 21))
    assert opened <= 2, "the feed may have read the log, and the tasks are read at once"


STORED = """id title description isCompleted completedAt dueDate dueAt timeZone recurrence recurrenceFrom recurrenceTime
  nextOccurrences(first: 2) { date at } remindAt remindBefore snoozedUntil priority position version createdAt updatedAt
  deletedAt"""


async def test_a_task_that_was_just_written_is_not_read_and_shown_as_the_database_has_it(
    api: Api, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the mutation that wrote it as by its followers, whatever was done to it."""
    first = (await api.data('mutation { createTask(input: {title: "first"}) { task { id } } }'))["createTask"]["task"]
    document = f"subscription {{ changes(kinds: [TASK]) {{ cursor ... on TaskChanged {{ task {{ {STORED} }} }} }} }}"
    made = """createTask(input: {title: " pay 💡", description: "d", dueAt: "2031-03-30T10:00:00.123456+05:30",
      timeZone: "Europe/Berlin", recurrence: "FREQ=MONTHLY", remindBefore: 90, priority: HIGH, labels: ["bills"]})"""
    async with following(api, document) as answers:
        await told(answers)
        task_id = ""
        for mutation in (
            made,
            'updateTask(input: {taskId: ID, title: "rent", labels: [], dueAt: "2031-05-01T00:30:00-07:00"})',
            "completeTask(input: {taskId: ID})",
            "skipOccurrence(input: {taskId: ID})",
            'snoozeReminder(input: {taskId: ID, until: "SOON"})',
            f'moveTask(input: {{taskId: ID, beforeId: "{first["id"]}"}})',
            'updateTask(input: {taskId: ID, recurrence: null, dueDate: "2031-06-01", priority: NONE})',
            "completeTask(input: {taskId: ID})",
            "reopenTask(input: {taskId: ID})",
            "deleteTask(input: {taskId: ID})",
            "restoreTask(input: {taskId: ID})",
        ):
            soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
            named = mutation.replace("ID", f'"{task_id}"').replace("SOON", soon)
            waiting = asyncio.ensure_future(told(answers))
            await until(lambda: together(api))
            with monkeypatch.context() as patched:
                patched.setattr(database, "snapshot", None)  # nothing may be read
                payload = await api.data(
                    f"mutation {{ it: {named} {{ userErrors {{ message }} task {{ {STORED} }} }} }}"
                )
                event = json.loads((await waiting).body)["data"]["changes"]["task"]
            assert payload["it"]["userErrors"] == []
            task_id = event["id"]
            read = await api.data(f"query ($id: ID!) {{ node(id: $id) {{ ... on Task {{ {STORED} }} }} }}", id=task_id)
            assert payload["it"]["task"] == event == read["node"]


async def test_a_task_of_which_more_is_asked_is_read_as_it_is_now(api: Api, database: Database) -> None:
    document = "subscription { changes(kinds: [TASK]) { ... on TaskChanged { task { title labels { name } } } } }"
    async with following(api, document) as answers:
        await told(answers)
        waiting = asyncio.ensure_future(told(answers))
        await until(lambda: together(api))
        made = 'mutation { createTask(input: {title: "a", labels: ["x"]}) { task { title labels { name } } } }'
        payload = (await api.data(made))["createTask"]["task"]
        event = json.loads((await waiting).body)["data"]["changes"]["task"]
        assert payload == event == {"title": "a", "labels": [{"name": "x"}]}
