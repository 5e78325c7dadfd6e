"""deleteMyData: it waits for what is under way, leaves nothing anywhere, and the next sign-in begins anew."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import text

from core.database import Database, Hold
from core.dsn import Dsn
from core.ids import to_global_id
from core.unit_of_work import UnitOfWork
from events.bus import Bus
from models.enums import Actor
from services.tasks import NewTask, create_task
from tests.support.controlling import Person
from tests.support.events import streaming
from tests.support.owners import as_owner
from tests.support.reading import GUARD
from tests.support.replica import LiveSocket, replica
from tests.support.scripted_provider import Said, call

ERASE = "mutation ($id: String!) { deleteMyData(input: {confirm: $id}) { deletedId userErrors { code field } } }"
REVOKE = "mutation { revokeAuthentication { authenticationToken { isValid } } }"
FOLLOW = "subscription ($after: String) { changes(after: $after) { __typename cursor } }"
ADD = 'mutation { createTask(input: {title: "x"}) { task { id } } }'

EVERYWHERE = """
    SELECT c.relname FROM pg_class c
    WHERE c.relnamespace = 'tasktalk'::regnamespace AND c.relkind IN ('r', 'p', 'm')
"""


async def left_of(dsn: Dsn, user: str) -> dict[str, list[str]]:
    """Every row of every table of the schema, the queue's included, that has the user's name in it."""
    found: dict[str, list[str]] = {}
    async with as_owner(dsn) as owner:
        for table in await owner.scalars(text(EVERYWHERE)):
            rows = await owner.scalars(
                text(f"SELECT to_jsonb(t)::text FROM tasktalk.{table} t WHERE strpos(to_jsonb(t)::text, :user) > 0"),
                {"user": user},
            )
            if here := list(rows):
                found[table] = here
    return found


async def waiting(dsn: Dsn) -> None:
    """Wait until a transaction waits for the lock of another."""
    blocked = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = :name AND cardinality(pg_blocking_pids(pid)) > 0"
    )
    async with asyncio.timeout(GUARD), as_owner(dsn) as owner:
        while not await owner.scalar(blocked, {"name": dsn.database}):
            pass


class Held:
    """A unit of work that stays open until it is let go."""

    def __init__(self, database: Database, user: str, hold: Hold = Hold.SHARED) -> None:
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.done = asyncio.create_task(database.work(user, self._action, hold=hold))

    async def _action(self, work: UnitOfWork) -> None:
        await create_task(work, NewTask("under way"), Actor.USER)
        self.begun.set()
        await self.go.wait()


async def busy(ann: Person) -> list[str]:
    """Leave a turn that runs, one that waits for its user's word and one that is queued; what to say next is told."""
    await ann.add("Buy milk", "Buy oil")
    ann.model.then(Said(calls=[call("delete_task", task="Buy milk"), call("delete_task", task="Buy oil")]))
    assert (await ann.say("delete both"))["status"] == "AWAITING_CONFIRMATION"
    ann.conversation = None
    ann.model.then(Said("So far", hold=True), "Never said")
    running = await ann.send("a long story")
    await ann.model.holds()
    queued = await ann.send("and then")
    return [running["turn"]["id"], queued["turn"]["id"]]


async def test_nothing_is_left_and_everything_of_the_user_ends(
    ann: Person, database: Database, bus: Bus, dsn: Dsn, user: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(ann.working())
        await busy(ann)
        here = await stack.enter_async_context(replica(database, bus, dsn, tmp_path))
        there = await stack.enter_async_context(replica(database, bus, dsn, tmp_path))
        good, revoked = here.token(user), here.token(user, name="revoked")
        await here.post(revoked, REVOKE)
        sockets: list[LiveSocket] = [await stack.enter_async_context(one.socket(good)) for one in (here, there)]
        other = await stack.enter_async_context(there.socket(there.token("bob")))
        stream = await stack.enter_async_context(streaming(there.url, good, FOLLOW))
        cursor = (await stream.result())["changes"]["cursor"]

        assert (await here.post(good, ERASE, {"id": user}))["data"]["deleteMyData"] == {
            "deletedId": None,
            "userErrors": [{"code": "INVALID", "field": ["input", "confirm"]}],
        }
        assert "tasks" in await left_of(dsn, user)
        answer = await here.post(good, ERASE, {"id": to_global_id("Viewer", user)})
        assert answer["data"]["deleteMyData"] == {"deletedId": to_global_id("Viewer", user), "userErrors": []}

        assert await left_of(dsn, user) == {}
        assert [await socket.closed() for socket in sockets] == [4403, 4403]
        _, ended = (await stream.rest())[0]
        assert ended["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert (await other.run("{ viewer { id } }"))["data"]["viewer"]["id"] == to_global_id("Viewer", "bob")
        ann.model.release()
        await ann.model.closed()
        assert await left_of(dsn, user) == {}
        refused = await there.post(revoked, "{ viewer { id } }")
        assert refused["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        anew = await there.post(good, "{ tasks { edges { cursor } } conversations { edges { cursor } } labels { id } }")
        assert anew["data"] == {"tasks": {"edges": []}, "conversations": {"edges": []}, "labels": []}
        async with streaming(here.url, good, FOLLOW, variables={"after": cursor}) as again:
            assert (await again.result())["changes"]["__typename"] == "ResyncRequired"


async def test_it_waits_for_what_is_under_way_and_takes_it_along(
    ann: Person, database: Database, dsn: Dsn, user: str
) -> None:
    held = Held(database, user)
    await held.begun.wait()
    erasing = asyncio.create_task(ann.api.data(ERASE, id=to_global_id("Viewer", user)))
    await waiting(dsn)
    assert not erasing.done()
    held.go.set()
    await held.done
    await erasing
    assert await left_of(dsn, user) == {}


async def test_what_begins_meanwhile_waits_and_finds_its_user_gone(
    ann: Person, database: Database, dsn: Dsn, user: str
) -> None:
    held = Held(database, user, Hold.ALONE)
    await held.begun.wait()
    first, second = (asyncio.create_task(ann.api.data(ERASE, id=to_global_id("Viewer", user))) for _ in range(2))
    await waiting(dsn)
    adding = asyncio.create_task(ann.api.code(ADD))
    held.go.set()
    await held.done
    deleted: list[dict[str, Any]] = [await first, await second]
    assert [one["deleteMyData"]["userErrors"] for one in deleted] == [[], []]
    assert await adding == "UNAUTHENTICATED"
    assert await left_of(dsn, user) == {}
    assert await ann.api.code("{ viewer { id } }") == "UNAUTHENTICATED"
    assert await ann.api.code(ADD) == "UNAUTHENTICATED"
