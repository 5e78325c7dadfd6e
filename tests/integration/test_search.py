"""Search: what is found by which words, in which order, by whom; and that nothing that is gone is found."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, text, update

from core.database import Database
from core.errors import DomainError, ErrorCode
from core.ids import new_id
from core.settings import Settings
from core.unit_of_work import Change, UnitOfWork
from events.bus import Bus
from models.conversations import conversations, messages
from models.enums import Actor, ChangeKind, SearchKind
from models.tasks import Task
from services.conversations import create, remove, rename
from services.search import as_html, search, snippet
from services.search.snippets import Part
from services.tasks import NewTask, TaskPatch, create_task, delete_task, restore_task, update_task
from tests.conftest import new_user
from tests.support.api import Api, serving

SEARCH = """query ($query: String!, $kinds: [SearchKind!], $first: Int, $after: String) {
  search(query: $query, kinds: $kinds, first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor }
    edges { node { score snippet parts { text isMatch } result { __typename ... on Task { id title labels { name } }
      ... on Message { content sender conversation { id } } ... on Conversation { id title isActive } } } } } }"""


@pytest.fixture
async def api(database: Database, bus: Bus, user: str) -> AsyncIterator[Api]:
    async with serving(database, bus, user, Settings(introspection=True)) as api:
        yield api


async def add(database: Database, user: str, *titles: str, **more: Any) -> list[Task]:
    async def action(work: UnitOfWork) -> list[Task]:
        return [await create_task(work, NewTask(title, **more), Actor.USER) for title in titles]

    return await database.work(user, action)


async def say(database: Database, user: str, *contents: str, title: str | None = None) -> UUID:
    """A conversation with these messages."""

    async def action(work: UnitOfWork) -> UUID:
        conversation = await create(work, title=title, context=None, idempotency_key=None)
        for position, content in enumerate(contents, start=1):
            row = {"conversation_id": conversation, "position": position, "sender": "USER", "content": content}
            message = new_id()
            await work.execute(insert(messages).values(user_id=user, id=message, created_at=work.now, **row))
            work.record(Change(ChangeKind.MESSAGE, message, conversation_id=conversation))
        return conversation

    return await database.work(user, action)


async def hits(database: Database, user: str, query: str, *kinds: SearchKind) -> list[UUID]:
    found = await database.work(user, lambda work: search(work, query, kinds))
    return [hit.id for hit in found.hits]


async def titles(database: Database, user: str, query: str, of: Sequence[Task]) -> list[str]:
    """Those of these tasks that are found, in order."""
    known = {task.id: task.title for task in of}
    return [known[found] for found in await hits(database, user, query, SearchKind.TASK)]


@pytest.mark.parametrize(
    ("title", "queries"),
    [
        (
            "Call the dentist",
            ["dentist", "DENTIST", "dent", "dentsit", "dentits", "denttist", "centist", "call dent"],
        ),
        ("Buy running shoes", ["run", "runs", "shoe", "running", "shoes buy"]),
        ("Café in Zürich", ["cafe", "café", "zurich", "Zürich", "zürch"]),
        ("Позвонить маме", ["позвонить", "ПОЗВ", ["мame", "маме"][1], "позвонть"]),
        ("Κλήση στον οδοντίατρο", ["οδοντίατρο", "οδοντιατρο", "κληση"]),
        ("買い物リストを書く", ["買い物", "リスト", "書く"]),
        ("Pay the e-mail host (foo@example.com)", ["mail", "example", "foo@example.com", "e-mail"]),
    ],
)
async def test_words_are_found_as_they_are_begun_mistyped_or_in_another_form(
    database: Database, user: str, title: str, queries: list[str]
) -> None:
    made = await add(database, user, title, "Something else entirely")
    for query in queries:
        assert await titles(database, user, query, made) == [title], query


async def test_the_better_match_comes_first_and_of_equal_ones_the_newer(database: Database, user: str) -> None:
    slip, prefix, form = await add(database, user, "gardem chairs", "gardenhouse", "gardens")
    [described] = await add(database, user, "Tools", description="for the garden")
    old, new = await add(database, user, "garden", "the garden")
    made = [slip, prefix, form, described, old, new]
    expected = [new.title, old.title, described.title, form.title, prefix.title, slip.title]
    assert await titles(database, user, "garden", made) == expected
    both = await add(database, user, "garden tools")
    assert await titles(database, user, "garden tools", [*made, *both]) == ["garden tools", "Tools"]
    # Where nothing has all of the words, what has some of them is better than nothing.
    assert await titles(database, user, "gardenhouse volcano", made) == ["gardenhouse"]


async def test_what_is_found_follows_every_change(database: Database, user: str) -> None:
    [task] = await add(database, user, "Water the plants", description="and the herbs")
    assert await hits(database, user, "herbs") == [task.id]
    patch = TaskPatch(title="Feed the cat", description=None)
    await database.work(user, lambda work: update_task(work, task.id, patch, Actor.USER))
    assert (await hits(database, user, "herbs"), await hits(database, user, "cat")) == ([], [task.id])
    await database.work(user, lambda work: delete_task(work, task.id, Actor.USER))
    assert await hits(database, user, "cat") == []
    await database.work(user, lambda work: restore_task(work, task.id, Actor.USER))
    assert await hits(database, user, "cat") == [task.id]
    place = await say(database, user, "my parrot sings", title="Birds")
    assert len(await hits(database, user, "parrot")) == 1
    await database.work(user, lambda work: rename(work, place, "Animals"))
    assert (await hits(database, user, "birds"), await hits(database, user, "animal")) == ([], [place])
    await database.work(user, lambda work: remove(work, place))
    assert (await hits(database, user, "parrot"), await hits(database, user, "animals")) == ([], [])


async def test_nobody_finds_what_is_another_users(database: Database, user: str) -> None:
    other = await new_user(database)
    mine, theirs = await add(database, user, "secret plan"), await add(database, other, "secret plan")
    for who, of in ((user, mine), (other, theirs)):
        for query in ("secret", "secr", "secert", "plan secret"):
            assert await hits(database, who, query) == [of[0].id]
    async with database.for_nobody() as connection:
        found = "SELECT count(*) FROM tasktalk.search(ARRAY['secret'], ARRAY['TASK'], 200)"
        assert await connection.scalar(text(found)) == 0


async def test_of_a_word_that_stands_everywhere_the_newest_are_ranked(database: Database, user: str) -> None:
    async def many(work: UnitOfWork) -> None:
        rows = [
            {
                "user_id": user,
                "id": new_id(),
                "title": "milk" if number % 20 else "milk and honey",
                "created_at": work.now,
                "updated_at": work.now,
                "last_activity_at": work.now,
            }
            for number in range(5000)
        ]
        await work.execute(insert(conversations), rows)
        for row in rows:
            work.record(Change(ChangeKind.CONVERSATION, row["id"]))
        await work.execute(update(conversations).where(conversations.c.id == rows[7]["id"]).values(title="rare bird"))

    await database.work(user, many)
    async with database.snapshot(user) as session:
        everything = "SELECT id FROM conversations ORDER BY id DESC LIMIT 200"
        newest = (await session.execute(text(everything))).scalars().all()
        honey = "SELECT id FROM conversations WHERE title = 'milk and honey' ORDER BY id DESC LIMIT 200"
        sweet = (await session.execute(text(honey))).scalars().all()
    assert await hits(database, user, "milk") == newest
    assert await hits(database, user, "honey") == sweet
    assert len(await hits(database, user, "rare birds")) == 1


async def test_a_page_goes_on_after_its_cursor_and_the_cursor_fits_no_other_search(
    api: Api, database: Database, user: str
) -> None:
    await add(database, user, *(f"walk {number}" for number in range(7)), labels=["outside"])
    await say(database, user, "a long walk", title="Walks <b>& talks</b>")
    pages, after = [], None
    while True:
        page = (await api.data(SEARCH, query="walk", first=4, after=after))["search"]
        pages.append([edge["node"] for edge in page["edges"]])
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert ([len(one) for one in pages], page["totalCount"]) == ([4, 4, 1], 9)
    found = [node for one in pages for node in one]
    assert [node["score"] for node in found] == [1.0] * 7 + [0.8, 0.7]
    assert [node["result"].get("title") or node["result"]["content"] for node in found[6:]] == [
        "walk 0",
        "a long walk",
        "Walks <b>& talks</b>",
    ]
    assert found[0]["result"]["labels"] == [{"name": "outside"}]
    assert found[8]["snippet"] == "<mark>Walks</mark> &lt;b&gt;&amp; talks&lt;/b&gt;"
    assert found[7]["parts"] == [{"text": "a long ", "isMatch": False}, {"text": "walk", "isMatch": True}]
    for other in ({"query": "talk"}, {"query": "walk", "kinds": ["TASK"]}):
        assert await api.code(SEARCH, after=after, **other) == "DOCUMENT_INVALID"
    kinds = (await api.data(SEARCH, query="walk", kinds=["MESSAGE", "CONVERSATION"]))["search"]["edges"]
    assert {edge["node"]["result"]["__typename"] for edge in kinds} == {"Message", "Conversation"}
    assert (await api.data(SEARCH, query="?!"))["search"]["edges"] == []


async def test_a_query_that_cannot_be_is_named(database: Database, user: str) -> None:
    for query, code in (("  ", ErrorCode.INVALID), ("a\x00", ErrorCode.INVALID), ("x" * 501, ErrorCode.TOO_LONG)):
        with pytest.raises(DomainError) as caught:
            await hits(database, user, query)
        assert (caught.value.code, caught.value.field) == (code, ("query",))


def test_a_snippet_shows_what_stands_around_the_match_and_holds_no_tag_of_the_text() -> None:
    long = "<script>alert(1)</script> " + "before " * 40 + "the <i>dentist</i> " + "after " * 40
    parts = snippet(long, ["dentist"])
    assert (parts[0], parts[-1]) == (Part("…", False), Part("…", False))
    assert "".join(part.text for part in parts[1:-1]) in long
    assert [part.text for part in parts if part.is_match] == ["dentist"]
    assert len("".join(part.text for part in parts)) <= 162
    assert "&lt;i&gt;<mark>dentist</mark>&lt;/i&gt;" in as_html(parts)
    assert as_html(snippet('"<script>', ["nothing"])) == "&quot;&lt;script&gt;"
    assert [part.text for part in snippet("買い物リスト", ["買い", "い物"]) if part.is_match] == ["買い物"]
    endless = snippet("x" * 500, ["y"])
    assert [len(part.text) for part in endless] == [160, 1]
