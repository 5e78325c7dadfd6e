"""Search's keys come from the change log: what is committed is found by whoever asks next; what is gone leaves none."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import func, insert, select, text, update

from core.database import Database, make_links
from core.dsn import Dsn
from core.ids import new_id
from core.settings import Settings
from core.unit_of_work import Change, UnitOfWork
from events.bus import Bus
from events.log import ChangeLog
from jobs import periodic
from jobs.periodic import trim_changes, write_search_keys
from models.changes import change_counters, change_log
from models.conversations import messages
from models.enums import Actor, ChangeKind, SearchKind
from models.search import search_documents, search_positions, search_vocabulary
from models.tasks import tasks
from services.conversations import create, remove
from services.erasure import erase_user
from services.search import catch_up, may_contain, search
from services.tasks import NewTask, create_task, delete_task
from services.tasks.filters import containing
from tests.conftest import new_user
from tests.support.api import Api, serving
from tests.support.changes import write
from tests.support.owners import as_owner
from tests.support.reading import GUARD

SEARCH = """query ($query: String!) { tasks { totalCount }
  search(query: $query) { edges { node { result { ... on Task { title } } } } } }"""
LIST = "query ($filter: TaskFilter) { tasks(filter: $filter) { totalCount edges { node { title } } } }"
TALKS = "query ($text: String) { conversations(filter: {text: $text}) { edges { node { title } } } }"


@pytest.fixture
async def api(database: Database, bus: Bus, user: str) -> AsyncIterator[Api]:
    async with serving(database, bus, user, Settings()) as serving_user:
        yield serving_user


@pytest.fixture
async def replica(dsn: Dsn) -> AsyncIterator[Database]:
    """Another process' way to the same database; the two hear nothing of each other."""
    async with Bus("memory://") as bus:
        opened = Database(make_links(dsn, size=4, wait=30), ChangeLog(bus))
        yield opened
        await opened.close()


async def add(database: Database, user: str, *titles: str) -> list[str]:
    async def action(work: UnitOfWork) -> None:
        for title in titles:
            await create_task(work, NewTask(title), Actor.USER)

    await database.work(user, action)
    return list(titles)


async def standing(database: Database, user: str) -> tuple[int, int, int]:
    """Documents, the position, and the end of the log."""
    async with database.snapshot(user) as session:
        documents = await session.scalar(select(func.count()).select_from(search_documents))
        position = await session.scalar(select(search_positions.c.seq))
        return documents, position or 0, await session.scalar(select(change_counters.c.seq))


async def found(api: Api, query: str) -> list[str]:
    page = (await api.data(SEARCH, query=query))["search"]
    return [edge["node"]["result"]["title"] for edge in page["edges"]]


async def test_what_was_written_is_found_at_once_by_any_replica_and_writing_makes_no_keys(
    api: Api, database: Database, replica: Database, bus: Bus, user: str
) -> None:
    await add(database, user, "water the orchids")
    documents, position, end = await standing(database, user)
    assert (documents, position) == (0, 0)
    assert end > 0
    assert await found(api, "orchids") == ["water the orchids"]
    await add(database, user, "sell the orchids")
    async with serving(replica, bus, user, Settings()) as other:
        assert await found(other, "orchid") == ["sell the orchids", "water the orchids"]
    documents, position, end = await standing(database, user)
    assert (documents, position) == (2, end)
    # What search knows nothing of is no reason to write.
    await write(database, user, kind=ChangeKind.SETTINGS)
    assert len(await found(api, "orchids")) == 2
    assert await standing(database, user) == (2, end, end + 1)


async def test_a_process_that_dies_between_the_change_and_its_keys_loses_nothing(
    database: Database, replica: Database, user: str
) -> None:
    """Nothing but the log says what waits: neither a job nor a process' memory."""
    await add(database, user, "first bird")
    await database.work(user, catch_up)
    await add(database, user, "second bird")

    async def dies(work: UnitOfWork) -> None:
        await catch_up(work)
        raise ConnectionError("killed before its commit")

    with pytest.raises(ConnectionError):
        await database.work(user, dies)
    assert (await standing(database, user))[0] == 1
    hits = (await replica.work(user, partial(search, query="bird"))).hits
    assert len(hits) == 2


async def test_two_that_read_on_at_once_and_one_that_writes_meanwhile_miss_nothing(
    database: Database, replica: Database, user: str
) -> None:
    async def read_on(through: Database) -> None:
        for _ in range(6):
            await through.work(user, catch_up)

    names = [f"bird number{number}" for number in range(30)]
    async with asyncio.timeout(GUARD):
        writing = [add(database, user, *names[part::3]) for part in range(3)]
        await asyncio.gather(*writing, read_on(database), read_on(replica))
    assert len((await database.work(user, partial(search, query="bird"))).hits) == 30


async def test_a_message_read_while_its_conversation_goes_leaves_no_document(
    database: Database, replica: Database, dsn: Dsn, user: str
) -> None:
    """Who deletes it waits for the keys of what goes along, and then takes them along."""
    message = new_id()

    async def say(work: UnitOfWork) -> UUID:
        place = await create(work, title="Birds", context=None, idempotency_key=None)
        row = {"id": message, "position": 1, "sender": "USER", "content": "sing", "created_at": work.now}
        await work.execute(insert(messages).values(user_id=user, conversation_id=place, **row))
        work.record(Change(ChangeKind.MESSAGE, message, conversation_id=place))
        return place

    place = await database.work(user, say)
    waiting = "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND datname = :name"
    async with asyncio.timeout(GUARD), as_owner(dsn) as watcher, asyncio.TaskGroup() as group:

        async def read_on(work: UnitOfWork) -> None:
            await catch_up(work)
            group.create_task(replica.work(user, partial(remove, conversation_id=place)))
            while not await watcher.scalar(text(waiting), {"name": dsn.database}):
                pass

        await database.work(user, read_on)
    assert (await standing(database, user))[0] == 0


async def test_much_that_waits_is_read_in_the_background_and_all_before_the_log_is_trimmed(
    database: Database, dsn: Dsn, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(periodic, "BEHIND", 20)
    few, old = await new_user(database), await new_user(database)
    await add(database, few, "a quiet user's task")
    await add(database, old, "an old dream")
    await add(database, user, *(f"errand {number}" for number in range(20)))
    async with as_owner(dsn) as owner:
        aged = update(change_log).where(change_log.c.user_id == old).values(at=func.now() - timedelta(days=40))
        await owner.execute(text("SET session_replication_role = replica"))  # past the guard
        await owner.execute(aged)
    await write_search_keys(database)
    await trim_changes(database, Settings(changes_kept_days=30))
    documents, position, end = await standing(database, user)
    assert (documents, position) == (20, end)
    assert (await standing(database, few))[0] == 0
    async with database.snapshot(old) as session:
        assert await session.scalar(select(func.count()).select_from(change_log)) == 0
        assert len((await search(session, "dream")).hits) == 1


async def test_erasing_leaves_neither_documents_nor_words_nor_a_position(database: Database, user: str) -> None:
    await add(database, user, "tell nobody")
    await database.work(user, catch_up)
    await erase_user(database, user)
    async with database.snapshot(user) as session:
        for table in (search_documents, search_vocabulary, search_positions, change_log):
            assert await session.scalar(select(func.count()).select_from(table)) == 0
    # Nor does reading on for one who is gone, as a job that comes late would.
    async with database.snapshot(user) as session:
        assert await may_contain(session, ["tell nobody"]) == []


async def test_a_list_with_a_text_holds_just_what_has_it_as_a_part_whatever_waits(
    api: Api, database: Database, user: str
) -> None:
    other = await new_user(database)
    await add(database, other, "Äpfel of somebody else")
    await add(
        database, user, "Dentist at 10:30", "identist", "Äpfel 100% reif", "apples_and", "買い物リスト", "a <b>x</b>"
    )
    await database.work(user, catch_up)
    await add(database, user, "the DENTIST's bill", "1e5 things")
    cases = {
        "entis": ["Dentist at 10:30", "identist", "the DENTIST's bill"],
        "dentist at 1": ["Dentist at 10:30"],
        "t at 10": ["Dentist at 10:30"],
        "0:3": ["Dentist at 10:30"],
        "äpf": ["Äpfel 100% reif"],
        "s_a": ["apples_and"],
        "い物": ["買い物リスト"],
        "物": ["買い物リスト"],
        "<b>x": ["a <b>x</b>"],
        "e5": ["1e5 things"],
        "no such text": [],
        "%": ["Äpfel 100% reif"],
    }
    for part, expected in cases.items():
        page = (await api.data(LIST, filter={"text": part}))["tasks"]
        assert [edge["node"]["title"] for edge in page["edges"]] == expected, part
        assert page["totalCount"] == len(expected)


async def test_no_row_that_holds_a_text_is_missing_from_those_that_may(database: Database, user: str) -> None:
    chance = random.Random(5)
    pieces = ["café", "Straße", "e-mail", "a_b", "x1y2", "3d", "12.50€", "C++", "日本語", "ДОМ", "1e9", "it's", "&amp;"]
    pieces += ["".join(chance.choices("bdfgklmz", k=3)) for _ in range(40)]
    titles = [chance.choice(("", " ", ", ")).join(chance.choices(pieces, k=4)).strip(" ,") for _ in range(60)]
    await add(database, user, *titles)
    await database.work(user, catch_up)
    told = 0
    async with database.snapshot(user) as session:
        for _ in range(150):
            title = chance.choice(titles)
            start = chance.randrange(len(title))
            part = title[start : start + chance.randint(1, 9)].strip()
            if part:
                may = await may_contain(session, [part], SearchKind.TASK)
                has = await session.scalar(select(func.array_agg(tasks.c.id)).where(containing(part)))
                assert may is None or set(has) <= set(may), part
                told += may is not None
    assert told > 50


async def test_deleted_tasks_and_conversations_by_their_text(api: Api, database: Database, user: str) -> None:
    async def action(work: UnitOfWork) -> None:
        gone = await create_task(work, NewTask("secret garden"), Actor.USER)
        await delete_task(work, gone.id, Actor.USER)
        await create(work, title="Garden talk", context=None, idempotency_key=None)

    await database.work(user, action)
    await database.work(user, catch_up)
    for more, expected in (({}, []), ({"includeDeleted": True}, ["secret garden"])):
        page = (await api.data(LIST, filter={"text": "garden"} | more))["tasks"]
        assert [edge["node"]["title"] for edge in page["edges"]] == expected
    for part, expected in (("rden t", ["Garden talk"]), ("secret", [])):
        page = (await api.data(TALKS, text=part))["conversations"]
        assert [edge["node"]["title"] for edge in page["edges"]] == expected


async def test_a_text_in_very_many_rows_leaves_the_list_to_its_order(database: Database, user: str) -> None:
    async def may(*texts: str, most: int = 1000) -> int | None:
        async with database.snapshot(user) as session:
            found = await may_contain(session, texts, most=most)
        return None if found is None else len(found)

    await add(database, user, *(f"errand {number}" for number in range(12)))
    # What waits for its keys may hold anything.
    assert (await may("errand", most=11), await may("errand", most=12)) == (None, 12)
    await database.work(user, catch_up)
    # Of the newest rows a good part have it.
    assert (await may("errand"), await may("errand", "11"), await may("1")) == (None, 1, None)
