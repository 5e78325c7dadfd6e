"""Two servers of one database over one Redis, which may be missing: what one is told, both bring to their clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from core.database import Database
from core.dsn import Dsn
from core.settings import Settings
from events.bus import Bus
from events.cursors import Cursor, encode
from events.hub import Hub
from events.reading import position
from graphql_api.app import backend
from resolvers.change_stream import QUIET
from tasktalk_client import Client, TurnView
from tests.support.changes import move_counter, write
from tests.support.events import streaming
from tests.support.mini_redis import MiniRedis
from tests.support.reading import GUARD, until
from tests.support.redis_server import BINARY, Broker, RedisServer
from tests.support.replica import Replica, replica
from tests.support.scripted_model import Hold, Round, ScriptedModel
from tests.support.stage import own_database
from tests.support.tasktalk_process import data_directory, work
from tests.support.workers import as_owner

CHANGES = """subscription($after: String, $kinds: [ChangeKind!], $place: ID) {
  changes(after: $after, kinds: $kinds, conversationId: $place) { __typename cursor }
}"""
PULL = """query($after: String) { changes(after: $after) { cursor changes { __typename cursor } } }"""
CREATE = "mutation($title: String!) { createTask(input: {title: $title}) { userErrors { code } } }"
SEND = 'mutation { sendMessage(input: {content: "hello"}) { turn { id } userErrors { code } } }'
REVOKE = "mutation { revokeAuthentication { authenticationToken { isValid } } }"
PIECES = ["Na", "ïve 🥛", " 買牛奶", "👩‍👩‍👧 e\u0301", "!"]


@pytest.fixture(scope="module")
def url(server: str) -> str:
    """Of a database in which nobody else's worker finds turns."""
    name = f"replicas_{uuid4().hex}"
    asyncio.run(own_database(server, name))
    return server.replace("/tasktalk?", f"/{name}?")


@pytest.fixture(scope="module")
def dsn(url: str) -> Dsn:
    return Dsn.parse(url, "DATABASE_URL")


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    """A real Redis where there is one."""
    server: Broker = RedisServer() if BINARY is not None else MiniRedis()
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


@dataclass
class Town:
    """Both servers, each with a bus of its own."""

    one: Replica
    two: Replica
    buses: list[Bus]


@pytest.fixture
async def town(broker: Broker, dsn: Dsn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    """They start without Redis. Their hubs look at the positions all the time, so that no test waits for it."""
    monkeypatch.setattr("graphql_api.app.Hub", partial(Hub, poll_every=0.02))
    await broker.kill()
    settings = Settings(data_dir=tmp_path, broadcast_url=broker.url)  # type: ignore[arg-type]  # as from the environment
    async with AsyncExitStack() as stack:
        shared = [await stack.enter_async_context(backend(settings, dsn)) for _ in range(2)]
        running = [await stack.enter_async_context(replica(one.database, one.bus, dsn, tmp_path)) for one in shared]
        yield Town(*running, [one.bus for one in shared])


async def told(at: Replica) -> tuple[int, bool, str]:
    """Status of /readyz, what it says of the bus, and the figure."""
    async with httpx2.AsyncClient(base_url=f"http://{at.address}", trust_env=False, timeout=GUARD) as client:
        ready, figures = await client.get("/readyz"), (await client.get("/metrics")).text
    [figure] = [line for line in figures.splitlines() if line.startswith("tasktalk_bus_healthy ")]
    return ready.status_code, ready.json()["checks"]["bus"], figure.split()[1]


async def test_servers_start_without_redis_say_so_and_bring_changes_all_the_same(
    town: Town, broker: Broker, user: str
) -> None:
    assert [await told(one) for one in (town.one, town.two)] == [(200, False, "0.0")] * 2
    token = town.one.token(user)
    async with streaming(town.two.url, token, CHANGES) as stream:
        kinds = [(await stream.result())["changes"]["__typename"]]
        await town.one.post(token, CREATE, {"title": "without"})
        kinds.append((await stream.result())["changes"]["__typename"])
        await broker.start()
        await until(lambda: all(bus.healthy for bus in town.buses))
        assert [await told(one) for one in (town.one, town.two)] == [(200, True, "1.0")] * 2
        await town.one.post(token, CREATE, {"title": "with"})
        kinds.append((await stream.result())["changes"]["__typename"])
    assert kinds == ["Progress", "TaskChanged", "TaskChanged"]


async def test_a_token_revoked_while_redis_is_down_ends_its_connections_on_the_other_server_too(
    town: Town, broker: Broker, user: str
) -> None:
    token, kept = town.one.token(user), town.one.token(user, name="kept")
    async with (
        town.two.socket(token) as socket,
        streaming(town.two.url, token, CHANGES) as stream,
        streaming(town.two.url, kept, CHANGES) as other,
    ):
        await stream.result()
        await town.one.post(token, REVOKE)
        assert await socket.closed() == 4403
        *_, (_, result), end = await stream.rest()
        assert (result["errors"][0]["extensions"]["code"], end) == ("UNAUTHENTICATED", ("complete", None))
        await other.result()
        assert len(town.two.sockets) == 1


async def test_a_turn_that_a_worker_elsewhere_runs_is_followed_on_both_servers_though_redis_dies(
    town: Town, broker: Broker, url: str, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The text of each piece is shown before the model says the next, without Redis too."""
    monkeypatch.setattr("resolvers.conversations.live.SILENT", 0.05)
    parts = [part for piece in PIECES for part in (piece, Hold())]
    await broker.start()
    await until(lambda: all(bus.healthy for bus in town.buses))
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(ScriptedModel(Round(text=parts)))
        settings = {"DATABASE_URL": url, "BROADCAST_URL": broker.url, "OPENAI_API_KEY": "scripted"}
        directory = stack.enter_context(data_directory())
        working = work(directory, OPENAI_BASE_URL=model.base_url, **settings)
        await asyncio.to_thread(working.__enter__)
        stack.push_async_callback(asyncio.to_thread, working.__exit__, None, None, None)

        token = town.one.token(user)
        turn = (await town.one.post(token, SEND))["data"]["sendMessage"]["turn"]["id"]
        screens = [Screen(), Screen()]
        followers = [
            asyncio.create_task(follow(at, token, turn, screen))
            for at, screen in zip((town.one, town.two), screens, strict=True)
        ]
        stack.push_async_callback(finished, followers)
        for number in range(1, len(PIECES) + 1):
            async with asyncio.timeout(GUARD):
                await model.held()
            said = "".join(PIECES[:number])
            for screen in screens:
                await screen.shows(said)
            if number == 2:
                await broker.kill()
                await until(lambda: not any(bus.healthy for bus in town.buses))
            if number == 4:
                await broker.start()
                await until(lambda: all(bus.healthy for bus in town.buses))
            model.release()
        async with asyncio.timeout(GUARD):
            ended = await asyncio.gather(*followers)
    assert [(view.status, view.text) for view in ended] == [("COMPLETED", "".join(PIECES))] * 2


class Screen:
    """What a client shows; nothing that was shown is taken back."""

    def __init__(self) -> None:
        self._text = ""
        self._changed = asyncio.Condition()

    async def take(self, view: TurnView) -> None:
        assert not view.restarted
        async with self._changed:
            self._text += view.appended
            assert self._text == view.text
            self._changed.notify_all()

    async def shows(self, text: str) -> None:
        async with asyncio.timeout(GUARD), self._changed:
            await self._changed.wait_for(lambda: self._text == text)


async def follow(at: Replica, token: str, turn: str, screen: Screen) -> TurnView:
    """To its end."""
    async with Client(f"http://{at.address}", token) as client, aclosing(client.turn(turn)) as views:
        async for view in views:
            await screen.take(view)
    return view


async def finished(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def test_a_log_that_breaks_off_and_a_user_who_is_deleted_are_told_to_who_is_connected(
    town: Town, dsn: Dsn, user: str
) -> None:
    token = town.one.token(user)
    async with town.two.socket(token) as socket, streaming(town.one.url, token, CHANGES) as stream:
        await socket.subscribe(CHANGES)

        async def both() -> tuple[str, str]:
            over_socket = (await socket.receive())["payload"]["data"]["changes"]
            in_stream = (await stream.result())["changes"]
            return over_socket["__typename"], in_stream["__typename"]

        assert await both() == ("Progress", "Progress")
        await move_counter(dsn, user, epoch=uuid4())  # as after a backup was restored
        assert [await both() for _ in range(2)] == [("ResyncRequired",) * 2, ("Progress",) * 2]
        await town.one.post(token, CREATE, {"title": "milk"})
        assert await both() == ("TaskChanged", "TaskChanged")
        await as_owner(dsn, "DELETE FROM tasktalk.users WHERE id = :user", user=user)
        message = await socket.receive()
        assert (message["type"], failure(message["payload"])[0][0]) == ("error", "UNAUTHENTICATED")
        (_, result), end = await stream.rest()
        assert (failure(result["errors"])[0][0], end) == ("UNAUTHENTICATED", ("complete", None))


# ---------------------------------------------------------------- cursors
First = Callable[[Replica, str, str, int], Awaitable[list[tuple[str, str]]]]
"""The kinds and cursors of the first so many changes after a cursor, or the code of the error and its message."""


def failure(errors: list[dict[str, Any]]) -> list[tuple[str, str]]:
    [error] = errors
    return [(error["extensions"]["code"], error["message"])]


async def over_a_socket(at: Replica, token: str, after: str, count: int) -> list[tuple[str, str]]:
    async with at.socket(token) as socket:
        await socket.subscribe(CHANGES, after=after)
        found: list[tuple[str, str]] = []
        while len(found) < count:
            message = await socket.receive()
            if message["type"] == "error":
                return failure(message["payload"])
            change = message["payload"]["data"]["changes"]
            found.append((change["__typename"], change["cursor"]))
    return found


async def in_events(at: Replica, token: str, after: str, count: int) -> list[tuple[str, str]]:
    async with streaming(at.url, token, CHANGES, variables={"after": after}) as stream:
        found: list[tuple[str, str]] = []
        while len(found) < count:
            event = await stream.next()
            assert event is not None
            if "errors" in event[1]:
                return failure(event[1]["errors"])
            change = event[1]["data"]["changes"]
            found.append((change["__typename"], change["cursor"]))
    return found


async def by_pulling(at: Replica, token: str, after: str, count: int) -> list[tuple[str, str]]:
    """As often as there is more; what a subscription tells by Progress is the page's own cursor."""
    answer = await at.post(token, PULL, {"after": after})
    if "errors" in answer:
        return failure(answer["errors"])
    page = answer["data"]["changes"]
    found = [(change["__typename"], change["cursor"]) for change in page["changes"]]
    return [*found, ("Progress", page["cursor"])][:count]


@pytest.mark.parametrize("first", [over_a_socket, in_events, by_pulling])
async def test_a_cursor_that_can_not_be_gone_on_from_is_a_clear_error_or_a_resync(
    database: Database, bus: Bus, dsn: Dsn, tmp_path: Path, user: str, first: First
) -> None:
    await write(database, user, count=4)
    async with database.snapshot(user) as session:
        here = await position(session)
    await move_counter(dsn, user, kept_from=2)
    end = encode(here.cursor, user)

    def cursor(seq: int) -> str:
        return encode(Cursor(here.epoch, seq), user)

    async with replica(database, bus, dsn, tmp_path) as at:
        token = at.token(user)
        for good, count in ((cursor(3), 2), (cursor(2), 3)):
            *changes, progress = await first(at, token, good, count)
            assert [kind for kind, _ in changes] == ["SettingsChanged"] * (count - 1)
            assert progress == ("Progress", end)
        assert await first(at, token, end, 1) == [("Progress", end)]
        lost = {"ahead": cursor(5), "trimmed": cursor(1), "of another epoch": encode(Cursor(uuid4(), 3), user)}
        for name, after in lost.items():
            assert await first(at, token, after, 2) == [("ResyncRequired", end), ("Progress", end)], name
        bad = {"forged": end[:20] + ("A" if end[20] != "A" else "B") + end[21:], "somebody's": encode(here.cursor, "x")}
        for name, after in {**bad, "no cursor": "yesterday", "empty": ""}.items():
            [(code, message)] = await first(at, token, after, 1)
            assert (code, "cursor isn't one of yours" in message) == ("DOCUMENT_INVALID", True), name


@pytest.mark.parametrize(
    "chosen", [{"kinds": ["TASK"]}, {"place": "Q29udmVyc2F0aW9uOjAxOTNhZGI2LTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMA=="}]
)
async def test_a_filter_that_lets_nothing_pass_keeps_the_cursor_moving(
    database: Database, bus: Bus, dsn: Dsn, tmp_path: Path, user: str, chosen: dict[str, Any]
) -> None:
    async with replica(database, bus, dsn, tmp_path) as at, at.socket(at.token(user)) as socket:
        await socket.subscribe(CHANGES, **chosen)
        seen = [(await socket.receive())["payload"]["data"]["changes"]]
        await write(database, user, count=QUIET + 5)
        seen.append((await socket.receive())["payload"]["data"]["changes"])
        async with database.snapshot(user) as session:
            end = encode((await position(session)).cursor, user)
    assert [change["__typename"] for change in seen] == ["Progress"] * 2
    assert seen[1]["cursor"] == end
