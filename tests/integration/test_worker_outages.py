"""Turns through outages: of PostgreSQL, of Redis, of their worker; with two workers and with what the queue leaves."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from core import clock, embedded
from core.database import Database, make_links
from core.dsn import Dsn
from events.bus import Backoff, Bus
from events.hub import Hub
from events.log import ChangeLog
from jobs.queue import forget_lost_jobs, make_app
from migrations import runner
from services.messages import Said
from tests.conftest import _create_database, new_user
from tests.support.mini_redis import MiniRedis
from tests.support.reading import GUARD, until
from tests.support.redis_server import BINARY, Broker, RedisServer
from tests.support.talking import Talk
from tests.support.tasktalk_process import data_directory
from tests.support.workers import (
    LONG,
    SHORT,
    Model,
    as_owner,
    jobs_of,
    kill_a_worker_in_mid_turn,
    look,
    outage,
    titles,
    working,
)

ONE_TURN = LONG.model_copy(update={"worker_concurrency": 1})


@pytest.fixture(scope="module")
def dsn(server: str) -> Dsn:
    """A database for these tests alone: no worker here finds the turns of others."""

    async def make() -> Dsn:
        made = await _create_database(server, f"outages_{uuid4().hex}")
        await runner.migrate(made)
        return made

    return asyncio.run(make())


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
async def hub(database: Database, bus: Bus) -> AsyncIterator[Hub]:
    async with Hub(database, bus) as running:
        yield running


@pytest.fixture
def talk(database: Database, hub: Hub, user: str) -> Talk:
    return Talk(database, hub, LONG, user)


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    """A real Redis where there is one."""
    server: Broker = RedisServer() if BINARY is not None else MiniRedis()
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


def times(logged: list[EventDict], event: str) -> int:
    return [entry["event"] for entry in logged].count(event)


async def test_a_restarted_worker_goes_on_at_once_with_what_its_dead_predecessor_held(
    database: Database, bus: Bus, dsn: Dsn, model: Model, talk: Talk, server: str, tmp_path: Path
) -> None:
    said = await talk.send("add milk")
    await kill_a_worker_in_mid_turn(server.replace("/tasktalk?", f"/{dsn.database}?"), tmp_path)
    held = await look(talk, said)
    assert held.status == "RUNNING"
    assert held.lease_until is not None
    assert (held.lease_until - clock.now()).total_seconds() > 2 * GUARD

    async with working(database, bus, dsn, model, LONG, tmp_path):
        ended = await talk.ended(said)
    assert (ended.turn.status, ended.turn.lease_number, ended.turn.lost_leases) == ("COMPLETED", 2, 1)
    assert model.asked == [("add milk", 1)]
    assert await titles(talk) == ["milk"]


async def test_of_its_neighbours_a_worker_replaces_the_dead_and_not_the_living(
    database: Database, bus: Bus, dsn: Dsn, model: Model, talk: Talk, server: str, tmp_path: Path
) -> None:
    other = Talk(database, talk.hub, LONG, talk.user)
    model.hold("hello")
    async with working(database, bus, dsn, model, ONE_TURN, tmp_path):
        alive = await other.send("hello")
        await model.has_asked("hello")
        held = await look(other, alive)
        dead = await talk.send("add milk")
        await kill_a_worker_in_mid_turn(server.replace("/tasktalk?", f"/{dsn.database}?"), tmp_path)
        async with working(database, bus, dsn, model, LONG, tmp_path):
            assert (await talk.ended(dead)).turn.lease_number == 2
            assert await look(other, alive) == held
            model.release("hello")
            assert (await other.ended(alive)).turn.lost_leases == 0


async def test_two_workers_keep_their_turns_through_an_outage_that_outlasts_their_leases(
    database: Database, bus: Bus, dsn: Dsn, model: Model, hub: Hub, server: str
) -> None:
    settings = SHORT.model_copy(update={"worker_concurrency": 1})
    talks = {text: Talk(database, hub, SHORT, await new_user(database)) for text in ("first", "second")}
    with capture_logs() as logged:
        async with (
            working(database, bus, dsn, model, settings) as one,
            working(database, bus, dsn, model, settings) as other,
        ):
            for text in talks:
                model.hold(text)
            said = {text: await talk.send(text) for text, talk in talks.items()}
            for text in talks:
                await model.has_asked(text)
            assert (one.running, other.running) == (1, 1)
            async with outage(Dsn.parse(server, "DATABASE_URL"), dsn):
                # A renewal that failed comes again after a 20th of a lease, a look after a 10th of one.
                await until(lambda: times(logged, "leases_not_renewed") >= 50)
                await until(lambda: times(logged, "watchdog_failed") >= 4)
            for text, talk in talks.items():
                await renewed(talk, said[text])
                model.release(text)
            ended = [await talk.ended(said[text]) for text, talk in talks.items()]
    assert [(found.turn.status, found.turn.lease_number, found.turn.lost_leases) for found in ended] == [
        ("COMPLETED", 1, 0),
        ("COMPLETED", 1, 0),
    ]


async def renewed(talk: Talk, said: Said) -> None:
    async with asyncio.timeout(GUARD):
        while (until := (await look(talk, said)).lease_until) is None or until < clock.now():
            pass


@pytest.mark.parametrize("released", ["in the outage", "after it"])
@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_postgresql_is_stopped_in_mid_turn_and_started_again(
    bus: Bus, model: Model, how: str, released: str
) -> None:
    model.hold("add milk", 1)
    with data_directory() as directory, capture_logs() as logged:
        async with a_server(directory) as server:
            dsn = Dsn.parse(server.dsn)
            await runner.migrate(dsn)
            database = Database(make_links(dsn, size=10), ChangeLog(bus))
            talk_user = await new_user(database)
            async with Hub(database, bus) as hub, working(database, bus, dsn, model, LONG) as worker:
                talk = Talk(database, hub, LONG, talk_user)
                said = await talk.send("add milk")
                await model.has_asked("add milk", 1)
                await end(server, how)
                await until(lambda: not worker.healthy)
                if released == "in the outage":
                    model.release("add milk", 1)
                    await until(lambda: times(logged, "database_lost") == 1)
                await server.revive()
                model.release("add milk", 1)
                ended = await talk.ended(said)
                assert (ended.turn.status, ended.turn.lease_number, ended.turn.lost_leases) == ("COMPLETED", 1, 0)
                assert [call.status for call in ended.calls] == ["COMPLETED"]
                assert await titles(talk) == ["milk"]
                await until(lambda: worker.healthy)
                assert (await talk.say("still there?")).reply == "Well: still there?"
            await database.close()


@asynccontextmanager
async def a_server(directory: Path) -> AsyncIterator[embedded.EmbeddedServer]:
    server = await embedded.start(directory)
    try:
        yield server
    finally:
        await server.stop()


async def end(server: embedded.EmbeddedServer, how: str) -> None:
    if how == "stopped":
        await server.stop()  # it was the only hold
    else:
        os.kill(server.pid, signal.SIGKILL)


async def test_redis_is_stopped_in_mid_turn_and_started_again(dsn: Dsn, model: Model, broker: Broker) -> None:
    model.hold("add milk", 1)
    async with Bus(broker.url, backoff=Backoff(first=0.01, longest=0.05)) as bus:
        database = Database(make_links(dsn, size=10), ChangeLog(bus))
        talk_user = await new_user(database)
        async with Hub(database, bus) as hub, working(database, bus, dsn, model):
            talk = Talk(database, hub, LONG, talk_user)
            said = await talk.send("add milk")
            await model.has_asked("add milk", 1)
            await broker.kill()
            await until(lambda: not bus.healthy)
            model.release("add milk", 1)
            ended = await talk.ended(said)
            assert (ended.turn.status, ended.turn.lease_number) == ("COMPLETED", 1)
            unheard = await talk.say("is anybody there?")
            assert unheard.turn.status == "COMPLETED"
            await broker.start()
            await until(lambda: bus.healthy)
            assert (await talk.say("and now?")).turn.status == "COMPLETED"
        await database.close()


@pytest.mark.parametrize("worker", ["pruned", "that seems to live"])
async def test_a_job_that_a_dead_worker_left_in_doing_holds_up_nothing(
    database: Database, bus: Bus, dsn: Dsn, model: Model, talk: Talk, worker: str
) -> None:
    """procrastinate's issue 1518: where its worker is pruned, or its id still has a heartbeat, it may stay for ever."""
    said = await talk.send("first")
    [(registered,)] = await as_owner(dsn, "SELECT worker_id FROM tasktalk.procrastinate_register_worker_v1()")
    left = (
        "UPDATE tasktalk.procrastinate_jobs SET status = 'doing', worker_id = :id WHERE args->>'conversation_id' = :of"
    )
    await as_owner(dsn, left, id=registered, of=str(said.conversation_id))
    if worker == "pruned":
        await as_owner(dsn, "DELETE FROM tasktalk.procrastinate_workers WHERE id = :id", id=registered)

    async with working(database, bus, dsn, model):
        assert (await talk.ended(said)).turn.status == "COMPLETED"
        assert (await talk.say("second")).turn.status == "COMPLETED"
    assert [row.status for row in await jobs_of(dsn, said.conversation_id)] == ["doing"]


async def test_a_worker_that_another_pruned_goes_on(
    database: Database, bus: Bus, dsn: Dsn, model: Model, talk: Talk
) -> None:
    """So it may be after an outage: its heartbeat was old when another one started."""
    model.hold("first")
    async with working(database, bus, dsn, model) as worker:
        first = await talk.send("first")
        await model.has_asked("first")
        await as_owner(dsn, "DELETE FROM tasktalk.procrastinate_workers")
        await forget_jobs(dsn)
        model.release("first")
        assert (await talk.ended(first)).turn.lease_number == 1
        assert (await talk.say("second")).turn.status == "COMPLETED"
        await until(lambda: worker.healthy)
    assert await jobs_of(dsn, first.conversation_id) == []


async def forget_jobs(dsn: Dsn) -> None:
    """As another worker's sweep does: the job looks like one of a worker that is gone."""

    async def no_wake(user_id: str, conversation_id: UUID) -> None:
        raise AssertionError("no job runs here")

    app = make_app(dsn, no_wake)
    async with app.open_async():
        assert await forget_lost_jobs(app) >= 1
