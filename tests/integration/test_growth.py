"""Every list and page finds its rows by an index, as the program's role: bench/growth.py measures that it stays so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from bench.growing.lists import lists
from bench.growing.plans import explain, recorded
from bench.growing.rows import analyze, crowd, fill, name_of
from core.database import Database
from core.dsn import Dsn
from core.settings import Settings
from events.bus import Bus
from migrations import runner
from tests.support.api import Api, serving
from tests.support.stage import own_database

GROWN, OTHERS, SIZE = 1, range(2, 6), 2000
WORTH_A_LOOK = [listed for listed in lists(GROWN) if " by " not in listed.name or "by POSITION" in listed.name]


@pytest.fixture(scope="module")
def dsn(server: str) -> Dsn:
    async def filled() -> Dsn:
        made = await own_database(server, f"growth_{uuid4().hex}")
        engine = runner.owner_engine(made)
        async with engine.begin() as owner:
            await crowd(owner, 100)
            for user in OTHERS:
                await fill(owner, user, 50)
            await fill(owner, GROWN, SIZE)
            await analyze(owner)
        await engine.dispose()
        return made

    return asyncio.run(filled())


@pytest.fixture
async def api(database: Database, bus: Bus) -> AsyncIterator[Api]:
    async with serving(database, bus, name_of(GROWN), Settings()) as serving_user:
        yield serving_user


async def test_no_list_reads_a_table_from_end_to_end_and_an_order_is_read_and_not_sorted(
    api: Api, database: Database
) -> None:
    explained = 0
    for listed in lists(GROWN):
        if not listed.ordered and listed not in WORTH_A_LOOK and "by DUE" not in listed.name:
            continue
        with recorded(database) as statements:
            await api.data(listed.document, **listed.variables)
        for statement in statements:
            plan = await explain(database, name_of(GROWN), statement, unless_it_must=True)
            assert plan.scanned_whole == (), f"{listed.name}: {plan.text}"
            assert not (listed.ordered and plan.sorts), f"{listed.name}: {plan.text}"
            explained += 1
    assert explained > 100


async def test_a_page_after_a_cursor_begins_there(api: Api, database: Database) -> None:
    """The cursor's place is where the index is entered, under the policy too: nothing before it is read."""
    paged = [listed for listed in lists(GROWN) if listed.ordered and "last" not in listed.name]
    assert len(paged) == 25
    for listed in paged:
        first = await api.data(listed.document, **listed.variables)
        after = {"after": first["tasks"]["pageInfo"]["endCursor"]}
        with recorded(database) as statements:
            await api.data(listed.document, **listed.variables, **after)
        [page] = [await explain(database, name_of(GROWN), one) for one in statements if "FROM tasktalk.tasks" in one[0]]
        entered = [line for line in page.text.splitlines() if "Index Cond" in line]
        assert any("user_id" in line and "ROW(" in line for line in entered), f"{listed.name}: {page.text}"
