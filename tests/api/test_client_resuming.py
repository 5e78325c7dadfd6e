"""The client library against the server as people run it: nothing lost and nothing doubled, whatever is cut."""

from __future__ import annotations

import asyncio
import random
import signal
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, aclosing, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from core import embedded
from events.cursors import Cursor, encode
from services.auth.development import issue, load_key
from tasktalk_client import Change, Client, OperationFailed, Progress, Refused, ResyncRequired, ServerLost, Store
from tests.support.cutting_proxy import CuttingProxy
from tests.support.reading import GUARD, until
from tests.support.scripted_model import Hold, Round, ScriptedModel
from tests.support.tasktalk_process import Running, data_directory, serve

CREATE = """mutation Create($input: CreateTaskInput!) {
  createTask(input: $input) { task { id title } userErrors { code } }
}"""
DELETE = "mutation Delete($id: ID!) { deleteTask(input: {taskId: $id}) { task { id } userErrors { code } } }"
SEND = "mutation Say($input: SendMessageInput!) { sendMessage(input: $input) { turn { id } userErrors { code } } }"
LOG = """query Log($after: String!) {
  changes(after: $after, first: 100) { cursor hasMore changes { __typename cursor } }
}"""
CURSOR = "query Cursor { viewer { cursor } }"
REVOKE = "mutation Revoke { revokeAuthentication { userErrors { code } } }"


@dataclass
class Home:
    """A database that outlives the server, which is always found at one port."""

    stack: ExitStack
    directory: Any
    settings: dict[str, str]
    running: Running = field(init=False)

    def start(self, port: int = 0) -> None:
        self.running = self.stack.enter_context(serve(self.directory, "--port", str(port), **self.settings))

    @property
    def port(self) -> int:
        found = urlsplit(self.running.url).port
        assert found is not None
        return found

    async def end(self, number: signal.Signals) -> None:
        self.running.process.send_signal(number)
        await asyncio.to_thread(self.running.process.wait, GUARD)

    async def again(self) -> None:
        await asyncio.to_thread(self.start, self.port)

    def client(self, user: str, url: str | None = None, **more: Any) -> Client:
        """Of this user; each connection under a token of its own."""

        async def token() -> str:
            return self.running.token(user)

        return Client(url or self.running.url, token, **more)


@pytest.fixture(scope="module")
def home() -> Any:
    with asyncio.Runner() as runner, data_directory() as directory, ExitStack() as stack:
        server = runner.run(embedded.start(directory / "database"))
        stack.callback(lambda: runner.run(server.stop()))
        limits = {f"TASKTALK_LIMIT_{name}": "0" for name in ("REQUESTS_PER_MINUTE", "SENDS_PER_MINUTE")}
        limits["TASKTALK_LIMIT_SOCKETS_PER_USER"] = "0"
        made = Home(stack, directory, {"DATABASE_URL": server.dsn, **limits})
        made.start()
        yield made


@pytest.fixture
async def user() -> AsyncIterator[str]:
    async with asyncio.timeout(90):
        yield f"user-{uuid.uuid4()}"


class Follower:
    """Keeps what a client's changes tell, in a task of its own."""

    def __init__(self, client: Client, after: str) -> None:
        self.seen: list[Change] = []
        self._changed = asyncio.Event()
        self._client = client
        self._after = after

    async def __aenter__(self) -> Follower:
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _follow(self) -> None:
        async with aclosing(self._client.changes(self._after)) as changes:
            async for change in changes:
                self.seen.append(change)
                self._changed.set()

    @property
    def cursors(self) -> list[str]:
        """Of what happened; Progress is no change."""
        return [change.cursor for change in self.seen if not isinstance(change, Progress)]

    async def until(self, reached: Callable[[], bool]) -> None:
        """Raises what the client raised instead."""
        while not reached():
            self._changed.clear()
            waiting = asyncio.create_task(self._changed.wait())
            await asyncio.wait([waiting, self._task], return_when=asyncio.FIRST_COMPLETED)
            if self._task.done():
                waiting.cancel()
                self._task.result()

    async def up_to(self, cursor: str) -> None:
        await self.until(lambda: any(change.cursor == cursor for change in self.seen))


async def here(client: Client) -> str:
    return str((await client.execute(CURSOR))["viewer"]["cursor"])


async def create(client: Client, title: str) -> str:
    key = {"title": title, "idempotencyKey": f"{title}-{uuid.uuid4()}"}
    made = (await client.execute(CREATE, {"input": key}))["createTask"]
    assert made["userErrors"] == []
    return str(made["task"]["id"])


async def log(client: Client, after: str) -> list[str]:
    """The cursors of all that was logged, as a query reads them."""
    found: list[str] = []
    more = True
    while more:
        page = (await client.execute(LOG, {"after": after}))["changes"]
        found += [change["cursor"] for change in page["changes"]]
        after, more = page["cursor"], page["hasMore"]
    return found


# ---------------------------------------------------------------- cut connections
@pytest.mark.parametrize("seed", range(4))
async def test_no_change_is_lost_or_doubled_while_connections_are_cut_anywhere(
    home: Home, user: str, seed: int
) -> None:
    chance = random.Random(seed)
    async with (
        home.client(user) as writer,
        CuttingProxy(home.port, lambda: chance.randrange(300, 6_000)) as proxy,
        home.client(user, proxy.url) as reader,
    ):
        start = await here(writer)
        async with Follower(reader, start) as follower:
            for batch in range(10):
                await asyncio.gather(*(create(writer, f"{batch}-{number}") for number in range(10)))
            await follower.up_to(await here(writer))
        assert follower.cursors == await log(writer, start)
    assert len(follower.cursors) >= 100
    assert proxy.cuts > 3


async def test_a_mutation_with_a_key_is_done_once_while_its_connections_are_cut(home: Home, user: str) -> None:
    chance = random.Random(7)
    async with (
        home.client(user) as reader,
        CuttingProxy(home.port, lambda: chance.randrange(300, 2_000)) as proxy,
        home.client(user, proxy.url) as writer,
    ):
        made = await asyncio.gather(*(create(writer, f"task {number}") for number in range(40)))
        store = Store()
        await store.read(reader)
    assert set(store.tasks) == set(made)
    assert len(set(made)) == 40
    assert proxy.cuts > 0


async def test_a_store_is_what_a_fresh_one_reads_after_cuts(home: Home, user: str) -> None:
    store, fresh = Store(), Store()
    async with (
        home.client(user) as writer,
        CuttingProxy(home.port) as proxy,
        home.client(user, proxy.url) as reader,
    ):
        kept = [await create(writer, f"task {number}") for number in range(105)]  # more than a page
        async with aclosing(store.follow(reader)) as changes:
            await anext(changes)
            assert set(store.tasks) == set(kept)
            proxy.cut()
            await writer.execute(DELETE, {"id": kept[0]})
            await create(writer, "one more")
            said = await writer.execute(SEND, {"input": {"content": "add eggs", "idempotencyKey": "eggs"}})
            async with aclosing(writer.turn(said["sendMessage"]["turn"]["id"])) as views:
                async for view in views:
                    last = view.status
                    proxy.cut()
            end = await here(writer)
            while store.cursor != end:
                await anext(changes)
        await fresh.read(writer)
    assert last == "COMPLETED"
    assert store.tasks == fresh.tasks
    assert "eggs" in {task["title"] for task in store.tasks.values()}
    assert store.messages == fresh.messages
    assert len(store.messages) == 2
    assert store.conversations == fresh.conversations
    assert {turn["status"] for turn in store.turns.values()} == {"COMPLETED"}


# ---------------------------------------------------------------- restarts
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_changes_go_on_through_a_restart_of_the_server(home: Home, user: str, number: signal.Signals) -> None:
    states: list[bool] = []
    async with home.client(user) as writer, home.client(user, on_state=states.append) as reader:
        start = await here(writer)
        async with Follower(reader, start) as follower:
            await create(writer, "before")
            await follower.up_to(await here(writer))
            await home.end(number)
            await home.again()
            await create(writer, "after")
            await follower.up_to(await here(writer))
        assert follower.cursors == await log(writer, start)
    assert states == [False, True]


# ---------------------------------------------------------------- tokens and cursors
async def test_a_token_that_ends_is_followed_by_a_fresh_one(home: Home, user: str) -> None:
    """Its end comes twice while changes are followed: not one is lost, and the server never has to close."""
    states: list[bool] = []
    asked: list[str] = []
    renewed = asyncio.Event()

    async def token() -> str:
        asked.append(issue(load_key(home.directory), user, 2 if len(asked) < 2 else 3600))
        if len(asked) > 2:
            renewed.set()
        return asked[-1]

    async with home.client(user) as writer, Client(home.running.url, token, on_state=states.append) as reader:
        start = await here(writer)
        async with Follower(reader, start) as follower:
            await create(writer, "before")
            await renewed.wait()
            await create(writer, "after")
            await follower.up_to(await here(writer))
        assert follower.cursors == await log(writer, start)
    assert states == []


async def revoke(home: Home, token: str) -> None:
    async with Client(home.running.url, token) as holder:
        with suppress(Refused, ServerLost):  # the answer may come too late for its own socket
            await holder.execute(REVOKE)


async def test_a_revoked_token_is_refused(home: Home, user: str) -> None:
    token = issue(load_key(home.directory), user, 1_234)
    async with Client(home.running.url, token) as one:
        async with Follower(one, await here(one)) as follower:
            await revoke(home, token)
            with pytest.raises(Refused, match="refused the token"):
                await follower.until(lambda: False)
        with pytest.raises(Refused, match="refused the token"):
            await one.execute(CURSOR)


async def test_after_a_revocation_a_fresh_token_goes_on_where_the_old_one_was(home: Home, user: str) -> None:
    made = [issue(load_key(home.directory), user, life) for life in (1_234, 1_235)]
    shown: list[str] = []

    async def token() -> str:
        shown.append(made[min(len(shown), 1)])
        return shown[-1]

    async with home.client(user) as writer, Client(home.running.url, token) as reader:
        start = await here(writer)
        async with Follower(reader, start) as follower:
            await create(writer, "before")
            await follower.up_to(await here(writer))
            await revoke(home, made[0])
            await until(lambda: len(shown) == 2)
            await create(writer, "after")
            await follower.up_to(await here(writer))
        assert follower.cursors == await log(writer, start)
    assert shown == made


async def test_a_cursor_of_another_time_is_told_and_the_store_read_again(home: Home, user: str) -> None:
    async with home.client(user) as writer:
        await create(writer, "milk")
        foreign = encode(Cursor(uuid.uuid4(), 1), user)
        async with Follower(writer, foreign) as follower:
            await follower.until(lambda: bool(follower.seen))
            await create(writer, "eggs")
            await follower.up_to(await here(writer))
        first, *others = follower.seen
        assert isinstance(first, ResyncRequired)
        assert [change.cursor for change in others if not isinstance(change, Progress)] == await log(
            writer, first.cursor
        )


async def test_another_users_cursor_is_a_clear_error(home: Home, user: str) -> None:
    async with home.client(user) as one:
        await here(one)
        with pytest.raises(OperationFailed, match="isn't one of yours"):
            await anext(one.changes(encode(Cursor(uuid.uuid4(), 1), "somebody-else")))


async def test_many_requests_and_subscriptions_share_one_socket(home: Home, user: str) -> None:
    async with home.client(user) as one:
        start = await here(one)
        async with AsyncExitStack() as stack:
            followers = [await stack.enter_async_context(Follower(one, start)) for _ in range(8)]
            await asyncio.gather(*(create(one, f"task {number}") for number in range(120)))
            end = await here(one)
            for follower in followers:
                await follower.up_to(end)
            told = [follower.cursors for follower in followers]
        assert told == [await log(one, start)] * 8


# ---------------------------------------------------------------- a streamed turn
async def test_a_turns_text_arrives_whole_over_cut_connections(user: str) -> None:
    """Cut while each piece comes: what was appended is the reply, character by character."""
    pieces = ["Na", "ïve 🥛", " 買牛奶", "👩‍👩‍👧 e\u0301", "!"]
    text = [part for piece in pieces for part in (piece, Hold())]
    with data_directory() as directory, ExitStack() as stack:
        async with ScriptedModel(Round(text=text)) as model:
            settings = {"OPENAI_API_KEY": "scripted", "OPENAI_BASE_URL": model.base_url}
            home = Home(stack, directory, settings)
            await asyncio.to_thread(home.start)
            async with CuttingProxy(home.port) as proxy, home.client(user, proxy.url) as one:
                said = await one.execute(SEND, {"input": {"content": "hello", "idempotencyKey": "hello"}})
                shown, held = "", 0
                async with aclosing(one.turn(said["sendMessage"]["turn"]["id"])) as views:
                    async for view in views:
                        shown = view.appended if view.restarted else shown + view.appended
                        # Each new socket begins with a snapshot, and so do we.
                        if view.update.kind == "TurnSnapshot" and view.status == "RUNNING" and held < len(pieces):
                            await model.held()
                            held += 1
                            proxy.cut()
                            model.release()
                reply = view.turn["reply"] if view.turn is not None else None
            await home.end(signal.SIGTERM)
    assert reply is not None
    assert shown == view.text == reply["content"] == "".join(pieces)
    assert proxy.cuts >= len(pieces)
