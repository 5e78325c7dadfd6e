"""Live connections while the database is away: who is connected stays and goes on; who comes is told to try again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from core.database import Database
from core.dsn import Dsn
from core.settings import Settings
from events.bus import Backoff, Bus
from tests.support.api import serving
from tests.support.events import streaming
from tests.support.reading import GUARD, until
from tests.support.replica import LiveSocket, Replica, replica
from tests.support.stage import own_database
from tests.support.workers import outage

CHANGES = "subscription { changes { __typename ... on TaskChanged { task { title labels { name } } } } }"
CREATE = """mutation($title: String!) {
  createTask(input: {title: $title, labels: ["home"]}) { userErrors { code } }
}"""


@pytest.fixture(scope="module")
def dsn(server: str) -> Dsn:
    """A database that can be closed to all without a harm to other tests."""
    return asyncio.run(own_database(server, f"live_outages_{uuid4().hex}"))


@pytest.fixture
def root(server: str) -> Dsn:
    return Dsn.parse(server, "DATABASE_URL")


@pytest.fixture
async def here(database: Database, bus: Bus, dsn: Dsn, tmp_path: Path) -> AsyncIterator[Replica]:
    async with replica(database, bus, dsn, tmp_path) as running:
        yield running


@dataclass(frozen=True)
class Tries(Backoff):
    """Waits for nothing, and counts."""

    seen: list[int] = field(default_factory=list)

    def delay(self, failures: int) -> float:
        self.seen.append(failures)
        return 0.0


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> Tries:
    made = Tries()
    monkeypatch.setattr("resolvers.operation._BACKOFF", made)
    return made


async def tasks_of(socket: LiveSocket, operations: set[str]) -> dict[str, str]:
    """The title of the next task that each operation tells of, in whatever order they do; no result has an error."""
    found: dict[str, str] = {}
    async with asyncio.timeout(GUARD):
        while set(found) != operations:
            message = await socket.receive()
            if message["type"] != "ping":
                assert message["type"] == "next", message
                assert "errors" not in message["payload"], message
                change = message["payload"]["data"]["changes"]
                if change["__typename"] == "TaskChanged":
                    found[message["id"]] = change["task"]["title"]
    return found


async def code_at_the_door(here: Replica, token: str) -> int | None:
    protocols = [Subprotocol("graphql-transport-ws")]
    async with connect(f"ws://{here.address}/graphql", subprotocols=protocols, proxy=None) as connection:
        socket = LiveSocket(connection)
        await socket.send(type="connection_init", payload={"Authorization": f"Bearer {token}"})
        return await socket.closed()


async def test_who_is_connected_stays_through_an_outage_and_who_comes_is_told_to_try_again(
    here: Replica, root: Dsn, dsn: Dsn, user: str, tries: Tries
) -> None:
    token, fresh = here.token(user), here.token(user, name="fresh")
    async with here.socket(token) as socket, streaming(here.url, token, CHANGES) as stream:
        first = await socket.subscribe(CHANGES)
        assert (await socket.receive())["payload"]["data"]["changes"]["__typename"] == "Progress"
        await stream.result()
        async with outage(root, dsn), httpx2.AsyncClient(trust_env=False, timeout=GUARD) as client:
            # 1013 and not 4500, after which the usual client never connects again.
            assert await code_at_the_door(here, fresh) == 1013
            for accept in ("application/json", "text/event-stream"):
                headers = {"authorization": f"Bearer {fresh}", "accept": accept}
                answer = await client.post(here.url, json={"query": CHANGES}, headers=headers)
                assert answer.status_code == 504
                assert answer.json()["errors"][0]["extensions"]["code"] == "TIMEOUT"
            second = await socket.subscribe(CHANGES)
            await until(lambda: len(tries.seen) >= 3)
        message = await socket.receive()
        assert (message["id"], message["payload"]["data"]["changes"]["__typename"]) == (second, "Progress")
        created = await here.post(token, CREATE, {"title": "milk"})
        assert created["data"]["createTask"]["userErrors"] == [], created
        assert await tasks_of(socket, {first, second}) == {first: "milk", second: "milk"}
        while (change := (await stream.result())["changes"])["__typename"] != "TaskChanged":
            pass
        assert change["task"]["title"] == "milk"


async def test_a_change_that_is_told_in_an_outage_comes_whole_after_it(
    database: Database, bus: Bus, root: Dsn, dsn: Dsn, user: str
) -> None:
    """It was committed before; it can't be read until the database is back."""
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(serving(database, bus, user, Settings()))
        hub = api.application.hub
        events = await stack.enter_async_context(api.subscribe(CHANGES))
        assert (await anext(events))["changes"] == {"__typename": "Progress"}
        assert (await api.data(CREATE, title="milk"))["createTask"]["userErrors"] == []
        async with outage(root, dsn):
            label = asyncio.ensure_future(anext(events))
            await until(lambda: hub.stats.failures >= 3)
            assert not label.done()
        async with asyncio.timeout(GUARD):
            assert (await label)["changes"]["__typename"] == "LabelChanged"
            change = (await anext(events))["changes"]
    assert change == {"__typename": "TaskChanged", "task": {"title": "milk", "labels": [{"name": "home"}]}}
