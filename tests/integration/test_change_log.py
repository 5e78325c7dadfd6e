"""The change log has no gap and no repeat however its writers race, and says when a cursor can't be followed."""

from __future__ import annotations

import asyncio
import random
from uuid import uuid4

import pytest

from core.database import Database
from core.dsn import Dsn
from core.errors import UserGone
from core.ids import new_id
from core.unit_of_work import Change, UnitOfWork
from events import reading
from events.cursors import Cursor
from events.reading import Position, Resync, position, read, resume
from models.enums import ChangeKind
from tests.conftest import new_user
from tests.support.changes import move_counter, write


async def position_of(database: Database, user: str) -> Position:
    async with database.snapshot(user) as session:
        return await position(session)


async def test_racing_writers_make_a_sequence_without_a_gap(database: Database, user: str) -> None:
    sizes = [random.randint(1, 5) for _ in range(20)]
    units = await asyncio.gather(*(write(database, user, count=size) for size in sizes))
    async with database.snapshot(user) as session:
        page = await read(session, 0)
    assert [change.seq for change in page.changes] == list(range(1, sum(sizes) + 1))
    assert (page.up_to, page.has_more) == (sum(sizes), False)
    logged = [change.entity_id for change in page.changes]
    assert sorted(logged, key=str) == sorted((entity for unit in units for entity in unit), key=str)
    for unit in units:
        start = logged.index(unit[0])
        assert logged[start : start + len(unit)] == unit


async def test_a_unit_of_work_that_fails_takes_no_number(database: Database, user: str) -> None:
    async def action(work: UnitOfWork) -> None:
        work.record(Change(kind=ChangeKind.SETTINGS, entity_id=None))
        raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await database.work(user, action)
    assert (await position_of(database, user)).seq == 0


async def test_pages_follow_each_other(database: Database, user: str) -> None:
    await write(database, user, count=7)
    seen, after, more = [], 0, True
    async with database.snapshot(user) as session:
        while more:
            page = await read(session, after, limit=3)
            seen += [change.seq for change in page.changes]
            after, more = page.up_to, page.has_more
        assert await read(session, 7) == reading.Page([], 7, False, await position(session))
    assert seen == [1, 2, 3, 4, 5, 6, 7]


async def test_a_quiet_filters_cursor_moves_on(database: Database, user: str) -> None:
    await write(database, user, count=3)
    await write(database, user, kind=ChangeKind.LABEL)
    await write(database, user, count=2)
    async with database.snapshot(user) as session:
        labels = await read(session, 0, kinds=[ChangeKind.LABEL])
        assert [change.seq for change in labels.changes] == [4]
        assert (labels.up_to, labels.has_more) == (6, False)
        quiet = await read(session, 0, kinds={ChangeKind.TURN})
        assert (quiet.changes, quiet.up_to, quiet.has_more) == ([], 6, False)
        full = await read(session, 0, limit=1, kinds=[ChangeKind.LABEL, ChangeKind.SETTINGS])
        assert ([change.seq for change in full.changes], full.up_to, full.has_more) == ([1], 1, True)


async def test_a_filter_looks_at_a_bounded_piece_of_the_log(
    database: Database, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "SCANNED", 4)
    await write(database, user, count=9)
    await write(database, user, kind=ChangeKind.LABEL)
    ends, after, found, more = [], 0, 0, True
    async with database.snapshot(user) as session:
        while more:
            page = await read(session, after, kinds=[ChangeKind.LABEL])
            found += len(page.changes)
            after, more = page.up_to, page.has_more
            ends.append(after)
    assert (ends, found) == ([4, 8, 10], 1)


async def test_a_conversations_changes_are_its_own_and_those_of_the_tasks_its_calls_changed(
    database: Database, user: str
) -> None:
    ours, other = new_id(), new_id()
    await write(database, user, kind=ChangeKind.MESSAGE, conversation=ours)
    await write(database, user, kind=ChangeKind.MESSAGE, conversation=other)
    await write(database, user, kind=ChangeKind.TASK, conversation=ours)
    await write(database, user, kind=ChangeKind.TASK)
    async with database.snapshot(user) as session:
        page = await read(session, 0, conversation_id=ours)
        tasks = await read(session, 0, conversation_id=ours, kinds=[ChangeKind.TASK])
    assert [(change.seq, change.kind) for change in page.changes] == [(1, "MESSAGE"), (3, "TASK")]
    assert [change.seq for change in tasks.changes] == [3]
    assert (page.up_to, tasks.up_to) == (4, 4)


async def test_nobody_reads_anothers_log(database: Database, user: str) -> None:
    await write(database, user, count=3)
    stranger = await new_user(database)
    async with database.snapshot(stranger) as session:
        page = await read(session, 0)
    assert (page.changes, page.up_to) == ([], 0)


async def test_a_page_is_of_one_instant(database: Database, user: str) -> None:
    await write(database, user, count=2)
    async with database.snapshot(user) as session:
        before = await position(session)
        await write(database, user)
        page = await read(session, 0)
    assert page.position == before
    assert page.up_to == 2


async def test_a_cursor_within_the_log_resumes_where_it_was(database: Database, user: str) -> None:
    await write(database, user, count=5)
    epoch = (await position_of(database, user)).epoch
    async with database.snapshot(user) as session:
        assert [await resume(session, Cursor(epoch, seq)) for seq in (0, 3, 5)] == [0, 3, 5]


async def test_a_cursor_of_another_epoch_or_ahead_of_the_log_or_older_than_it_needs_a_resync(
    database: Database, dsn: Dsn, user: str
) -> None:
    await write(database, user, count=5)
    await move_counter(dsn, user, kept_from=2)
    here = await position_of(database, user)
    async with database.snapshot(user) as session:
        for cursor in (Cursor(uuid4(), 5), Cursor(here.epoch, 6), Cursor(here.epoch, 1)):
            assert await resume(session, cursor) == Resync(here)
        assert await resume(session, Cursor(here.epoch, 2)) == 2
        assert await resume(session, here.cursor) == 5


async def test_a_user_who_is_gone_has_no_position(database: Database) -> None:
    async with database.snapshot("nobody") as session:
        with pytest.raises(UserGone):
            await position(session)
