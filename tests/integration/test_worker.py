"""Turns through the queue: in order, in parallel, handed on, taken over, and past every outage; each call once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from procrastinate import sql
from sqlalchemy import insert, select, text
from structlog.testing import capture_logs

from assistant.turn import TurnRunner
from core import clock
from core.database import Database
from core.dsn import Dsn
from core.settings import Settings
from events.bus import Bus
from events.hub import Batch, Hub
from jobs.leases import Leases
from jobs.periodic import forget_ended_tokens, note_idle_conversations
from jobs.queue import APPLICATION, ListeningConnector, conninfo, forget_lost_jobs, make_app
from jobs.worker import Worker
from migrations import runner
from models.conversations import conversations
from models.users import revoked_tokens
from services.messages import NewMessage, Said, send
from services.turns import Claimed, claim
from tests.conftest import _create_database
from tests.support.reading import GUARD, until
from tests.support.talking import Talk, engine_for
from tests.support.workers import (
    LONG,
    SHORT,
    Model,
    as_owner,
    jobs_of,
    kill_a_worker_in_mid_turn,
    look,
    outage,
    replies,
    titles,
    wait_for_no_jobs,
    working,
)


@pytest.fixture(scope="module")
def dsn(server: str) -> Dsn:
    """A database for these tests alone: no worker here finds the turns of others."""

    async def make() -> Dsn:
        made = await _create_database(server, f"worker_{uuid4().hex}")
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


async def take_over(dsn: Dsn, talk: Talk, said: Said) -> Claimed:
    """End the turn's lease and claim it, as another worker's watchdog would."""
    past = "UPDATE tasktalk.turns SET lease_until = clock_timestamp() - interval '1 second' WHERE id = :id"
    await as_owner(dsn, past, id=said.turn_id)
    take = partial(claim, conversation_id=said.conversation_id, owner="another", lease_seconds=600, running_limit=2)
    claimed = await talk.database.work(talk.user, take)
    assert claimed is not None
    return claimed


async def test_a_message_is_answered_and_leaves_no_job(
    database: Database, bus: Bus, dsn: Dsn, model: Model, talk: Talk
) -> None:
    async with working(database, bus, dsn, model) as worker:
        ended = await talk.say("add milk")

        assert ended.turn.status == "COMPLETED"
        assert ended.reply == "Well: add milk"
        assert worker.healthy
    assert await titles(talk) == ["milk"]
    assert await jobs_of(dsn, ended.said.conversation_id) == []
    assert not worker.healthy


async def test_conversations_run_side_by_side_and_each_in_order(
    database: Database, bus: Bus, dsn: Dsn, model: Model, talk: Talk
) -> None:
    other = Talk(database, talk.hub, LONG, talk.user)
    model.hold("first")
    model.hold("elsewhere")
    async with working(database, bus, dsn, model):
        first = await talk.send("first")
        second = await talk.send("second")
        elsewhere = await other.send("elsewhere")
        await model.has_asked("first")
        await model.has_asked("elsewhere")
        model.release("elsewhere")
        await other.ended(elsewhere)

        assert (await look(talk, second)).status == "QUEUED"
        assert ("second", 0) not in model.asked
        model.release("first")
        ended = await talk.ended(second)

    assert (await look(talk, first)).status == "COMPLETED"
    assert ended.turn.status == "COMPLETED"
    assert await replies(talk) == ["Well: elsewhere", "Well: first", "Well: second"]


async def test_a_conversation_past_the_users_limit_runs_when_a_turn_ends(
    database: Database, bus: Bus, dsn: Dsn, model: Model, talk: Talk
) -> None:
    one_at_a_time = Settings(lease_seconds=600, limit_running_turns=1)
    other = Talk(database, talk.hub, LONG, talk.user)
    model.hold("first")
    async with working(database, bus, dsn, model, one_at_a_time):
        await talk.send("first")
        await model.has_asked("first")
        waiting = await other.send("second")
        await wait_for_no_jobs(dsn, waiting.conversation_id)

        assert (await look(other, waiting)).status == "QUEUED"
        model.release("first")
        assert (await other.ended(waiting)).turn.status == "COMPLETED"


async def test_a_stopped_worker_hands_its_turn_on_with_what_is_committed(
    database: Database, bus: Bus, dsn: Dsn, model: Model, talk: Talk
) -> None:
    model.hold("add milk", 1)
    async with working(database, bus, dsn, model):
        said = await talk.send("add milk")
        await model.has_asked("add milk", 1)
    given_back = await look(talk, said)

    assert given_back.status == "QUEUED"
    assert given_back.lease_owner is None
    assert await titles(talk) == ["milk"]

    model.release("add milk", 1)
    async with working(database, bus, dsn, model):
        ended = await talk.ended(said)
    assert ended.reply == "Well: add milk"
    assert ended.turn.lease_number == 2
    assert model.asked == [("add milk", 0), ("add milk", 1), ("add milk", 1)]
    assert await titles(talk) == ["milk"]


async def test_after_a_lost_lease_nothing_more_is_written(
    database: Database, bus: Bus, dsn: Dsn, model: Model, talk: Talk
) -> None:
    model.hold("add milk", 1)
    async with working(database, bus, dsn, model) as worker:
        said = await talk.send("add milk")
        await model.has_asked("add milk", 1)
        claimed = await take_over(dsn, talk, said)
        taken = await look(talk, said)
        model.release("add milk", 1)
        await until(lambda: worker.running == 0)

        assert await look(talk, said) == taken
        assert taken.lease_owner == "another"
        assert await replies(talk) == []

        await TurnRunner(engine_for(database, bus, model), claimed).run()
    assert (await look(talk, said)).status == "COMPLETED"
    assert await replies(talk) == ["Well: add milk"]
    assert await titles(talk) == ["milk"]


async def test_the_renewal_stops_the_runner_of_a_lost_turn_and_of_no_other(
    database: Database, bus: Bus, dsn: Dsn, model: Model, talk: Talk
) -> None:
    other = Talk(database, talk.hub, LONG, talk.user)
    model.hold("lost")
    model.hold("kept")
    async with working(database, bus, dsn, model) as worker:
        lost, kept = await talk.send("lost"), await other.send("kept")
        await model.has_asked("lost")
        await model.has_asked("kept")
        await take_over(dsn, talk, lost)
        before, taken = await look(other, kept), await look(talk, lost)
        await worker._leases.renew()
        await until(lambda: worker.running == 1)
        after = await look(other, kept)

        assert await look(talk, lost) == taken
        assert before.lease_until is not None
        assert after.lease_until is not None
        assert after.lease_until > before.lease_until
        model.release("kept")
        assert (await other.ended(kept)).turn.status == "COMPLETED"
        await as_owner(dsn, "DELETE FROM tasktalk.conversations WHERE id = :id", id=lost.conversation_id)


async def test_a_renewal_that_fails_comes_again_and_cancels_nothing(
    database: Database, dsn: Dsn, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = await talk.send("hello")
    take = partial(claim, conversation_id=said.conversation_id, owner="me", lease_seconds=600, running_limit=2)
    await database.work(talk.user, take)
    before = await look(talk, said)
    failures = [asyncpg.CannotConnectNowError("starting up"), OSError("refused"), asyncpg.InterfaceError("closed")]
    for_nobody = database.for_nobody

    def away() -> Any:  # Any: the context manager that it stands for
        if failures:
            raise failures.pop()
        return for_nobody()

    monkeypatch.setattr(database, "for_nobody", away)
    leases = Leases(database, "me", 900)
    monkeypatch.setattr("jobs.leases.asyncio.sleep", lambda _: real_sleep(0))
    with leases.held(said.turn_id):
        keeping = asyncio.create_task(leases.keep())
        async with asyncio.timeout(GUARD):
            while (await look(talk, said)).lease_until == before.lease_until:
                assert not keeping.done()
        keeping.cancel()
        await asyncio.wait([keeping])
    assert failures == []
    await as_owner(dsn, "DELETE FROM tasktalk.conversations WHERE id = :id", id=said.conversation_id)


async def test_a_renewal_that_gets_no_answer_is_given_up_and_comes_again(
    database: Database, dsn: Dsn, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = await talk.send("hello")
    take = partial(claim, conversation_id=said.conversation_id, owner="me", lease_seconds=600, running_limit=2)
    await database.work(talk.user, take)
    for_nobody = database.for_nobody
    silent = [True]

    @asynccontextmanager
    async def no_answer() -> AsyncIterator[Any]:  # Any: the connection that never comes
        await asyncio.Event().wait()
        yield

    monkeypatch.setattr(database, "for_nobody", lambda: no_answer() if silent and silent.pop() else for_nobody())
    monkeypatch.setattr("jobs.leases.asyncio.sleep", lambda _: real_sleep(0))
    renewed = asyncio.Event()
    leases = Leases(database, "me", 0.1)
    monkeypatch.setattr(leases, "renew", noting(leases.renew, renewed))
    with leases.held(said.turn_id):
        keeping = asyncio.create_task(leases.keep())
        async with asyncio.timeout(GUARD):
            await renewed.wait()
        keeping.cancel()
        await asyncio.wait([keeping])
    await as_owner(dsn, "DELETE FROM tasktalk.conversations WHERE id = :id", id=said.conversation_id)


def noting(action: Callable[[], Awaitable[None]], done: asyncio.Event) -> Callable[[], Awaitable[None]]:
    async def act() -> None:
        await action()
        done.set()

    return act


real_sleep = asyncio.sleep


async def test_a_worker_that_is_killed_is_replaced_and_no_call_runs_twice(
    database: Database, bus: Bus, dsn: Dsn, model: Model, hub: Hub, user: str, server: str
) -> None:
    talk = Talk(database, hub, SHORT, user)
    said = await talk.send("add milk")
    await kill_a_worker_in_mid_turn(server.replace("/tasktalk?", f"/{dsn.database}?"))
    assert (await look(talk, said)).status == "RUNNING"

    async with working(database, bus, dsn, model, SHORT):
        ended = await talk.ended(said)
        assert ended.turn.status == "COMPLETED"
        assert ended.turn.lease_number == 2
        assert model.asked == [("add milk", 1)]
    assert [call.status for call in ended.calls] == ["COMPLETED"]
    assert await titles(talk) == ["milk"]
    await check_lost_jobs_go(dsn, said.conversation_id)


async def check_lost_jobs_go(dsn: Dsn, conversation_id: UUID) -> None:
    """What a killed worker had taken stays in the queue's table until its heartbeat is old."""

    async def no_wake(user_id: str, conversation_id: UUID) -> None:
        raise AssertionError("no job runs here")

    app = make_app(dsn, no_wake)
    async with app.open_async():
        await forget_lost_jobs(app)
        assert [row.status for row in await jobs_of(dsn, conversation_id)] == ["doing"]
        await as_owner(dsn, "UPDATE tasktalk.procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
        assert await forget_lost_jobs(app) >= 1
    assert await jobs_of(dsn, conversation_id) == []


async def test_a_turn_whose_wake_up_was_lost_is_found(
    database: Database, bus: Bus, dsn: Dsn, model: Model, talk: Talk
) -> None:
    said = await talk.send("hello")
    await as_owner(dsn, "DELETE FROM tasktalk.procrastinate_jobs")
    async with working(database, bus, dsn, model):
        assert (await talk.ended(said)).turn.status == "COMPLETED"


async def test_a_queue_that_loses_its_connections_goes_on(
    database: Database, bus: Bus, dsn: Dsn, model: Model, talk: Talk
) -> None:
    terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name"
    model.hold("first")
    async with working(database, bus, dsn, model):
        first = await talk.send("first")
        await model.has_asked("first")
        assert await as_owner(dsn, terminate, name=APPLICATION)
        second = await talk.send("second")
        model.release("first")
        ended = await talk.ended(first)
        assert (ended.turn.status, ended.turn.lease_number) == ("COMPLETED", 1)
        assert (await talk.ended(second)).turn.status == "COMPLETED"


async def test_an_outage_is_no_attempt(
    database: Database, bus: Bus, dsn: Dsn, model: Model, hub: Hub, user: str, server: str
) -> None:
    talk = Talk(database, hub, SHORT, user)
    model.hold("first")
    root = Dsn.parse(server, "DATABASE_URL")
    with capture_logs() as logged:
        async with working(database, bus, dsn, model, SHORT) as worker:
            first = await talk.send("first")
            await model.has_asked("first")
            async with outage(root, dsn):
                await until(lambda: not worker.healthy)
                # A renewal that failed comes again after a 20th of the lease: after 25, all leases are over.
                await until(lambda: [entry["event"] for entry in logged].count("leases_not_renewed") >= 25)
            await until(lambda: worker.healthy)
            second = await talk.send("second")
            model.release("first")
            ended = await talk.ended(first)
            assert (ended.turn.status, ended.turn.lease_number) == ("COMPLETED", 1)
            assert (await talk.ended(second)).turn.status == "COMPLETED"
    assert model.asked == [("first", 0), ("second", 0)]


async def test_a_turn_that_could_not_be_written_goes_on_under_its_lease(
    database: Database, bus: Bus, dsn: Dsn, model: Model, hub: Hub, user: str, server: str
) -> None:
    talk = Talk(database, hub, LONG, user)
    model.hold("add milk", 1)
    with capture_logs() as logged:
        async with working(database, bus, dsn, model):
            said = await talk.send("add milk")
            await model.has_asked("add milk", 1)
            before = await look(talk, said)
            async with outage(Dsn.parse(server, "DATABASE_URL"), dsn):
                model.release("add milk", 1)
                await until(lambda: "database_lost" in [entry["event"] for entry in logged])
            ended = await talk.ended(said)
    assert (ended.turn.status, ended.turn.lease_number, ended.turn.lost_leases) == ("COMPLETED", 1, 0)
    assert ended.turn.attempt == before.attempt + 1
    assert model.asked == [("add milk", 0), ("add milk", 1), ("add milk", 1)]
    assert await titles(talk) == ["milk"]


async def test_behind_a_pooler_it_polls(
    database: Database, bus: Bus, dsn: Dsn, model: Model, talk: Talk, server: str
) -> None:
    pooled = Dsn.parse(server.replace("/tasktalk?", f"/{dsn.database}?pgbouncer=true&"), "DATABASE_URL")
    assert pooled.is_pooled
    async with working(database, bus, pooled, model):
        for number in range(3):
            assert (await talk.say(f"message {number}")).turn.status == "COMPLETED"
        listening = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = :name"
        assert await as_owner(dsn, listening, name=dsn.database) == []


def test_what_the_url_says_of_the_session_stays() -> None:
    given = "postgresql://h/d?options=-c%20work_mem%3D8MB&application_name=mine&connect_timeout=3"
    made = conninfo(Dsn.parse(given, "DATABASE_URL"))

    assert "-c work_mem=8MB -c search_path=tasktalk,pg_catalog" in made
    assert "application_name=mine" in made
    assert "connect_timeout=3" in made
    assert "options" not in conninfo(Dsn.parse("postgresql://h:6543/d", "DATABASE_URL"))


async def test_a_notification_is_heard_again_when_the_look_it_fell_into_is_over(dsn: Dsn, talk: Talk) -> None:
    heard: list[str] = []
    connector = ListeningConnector(conninfo=conninfo(dsn), min_size=1, max_size=2)
    owner = runner.owner_engine(dsn)

    async def hear(*, channel: str, payload: str) -> None:
        heard.append(payload)

    await connector.open_async()
    listening = asyncio.create_task(connector.listen_notify(hear, ["some_channel"]))
    async with asyncio.timeout(GUARD):
        while not heard:  # until it listens
            await as_owner(dsn, "NOTIFY some_channel, 'early'")
        async with owner.begin() as connection:
            await connection.execute(text("LOCK TABLE tasktalk.procrastinate_jobs"))
            look = asyncio.create_task(
                connector.execute_query_one_async(sql.queries["fetch_job"], queues=["none"], worker_id=None)
            )
            await as_owner(dsn, "NOTIFY some_channel, 'meanwhile'")
            await until(lambda: "meanwhile" in heard)
        await look
        await until(lambda: heard.count("meanwhile") == 2)
        await as_owner(dsn, "NOTIFY some_channel, 'late'")
        await as_owner(dsn, "NOTIFY some_channel, 'later'")
        await until(lambda: "later" in heard)
    assert heard.count("late") == 1
    listening.cancel()
    await asyncio.wait([listening])
    await connector.close_async()
    await owner.dispose()


async def test_a_job_never_raises(
    database: Database, bus: Bus, dsn: Dsn, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise LookupError("the user is gone")

    monkeypatch.setattr(database, "work", fail)
    worker = Worker(engine_for(database, bus, model), dsn, LONG)
    with capture_logs() as logged:
        await worker._wake("somebody", uuid4())

    assert [entry["event"] for entry in logged] == ["wake_failed"]
    assert worker.running == 0


async def test_a_queue_that_misses_the_word_to_stop_is_told_again(
    database: Database, bus: Bus, dsn: Dsn, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, deaf = asyncio.Event(), True

    class Deaf(Worker):
        async def _work_queue(self) -> None:
            nonlocal deaf
            try:
                waiting.set()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if not deaf:
                    raise
                deaf = False

    monkeypatch.setattr("jobs.worker.DEAF", 0)
    async with asyncio.timeout(GUARD), Deaf(engine_for(database, bus, model), dsn, LONG):
        await waiting.wait()
    assert not deaf


async def test_idle_conversations_are_noted_once(database: Database, hub: Hub, user: str) -> None:
    settings = Settings(conversation_idle_seconds=60)
    quiet = await database.work(user, lambda work: send(work, NewMessage("hello"), settings))
    with clock.set_to(clock.now() + timedelta(seconds=61)):
        busy = await database.work(user, lambda work: send(work, NewMessage("hello again"), settings))
        await note_idle_conversations(database, settings)
        await note_idle_conversations(database, settings)
        assert await note_idle_conversations(database, Settings(conversation_idle_seconds=0)) == 0
    async with database.snapshot(user) as session:
        noted = await session.execute(select(conversations.c.id).where(conversations.c.idle_noted_at.is_not(None)))
        assert list(noted.scalars()) == [quiet.conversation_id]
    async with aclosing(hub.follow(user, 0)) as items:
        batch = await anext(items)
    assert isinstance(batch, Batch)
    kinds = [(change.kind, change.entity_id) for change in batch.changes if change.kind == "CONVERSATION"]
    assert kinds == [
        ("CONVERSATION", one) for one in (quiet.conversation_id, busy.conversation_id, quiet.conversation_id)
    ]


async def test_revoked_tokens_are_kept_until_they_end(database: Database) -> None:
    over, valid = uuid4().bytes * 2, uuid4().bytes * 2
    ends = {over: clock.now() - timedelta(seconds=1), valid: clock.now() + timedelta(minutes=5)}
    async with database.for_nobody() as connection:
        for token, end in ends.items():
            await connection.execute(insert(revoked_tokens).values(token_hash=token, expires_at=end))
    await forget_ended_tokens(database)
    async with database.for_nobody() as connection:
        kept = set((await connection.execute(select(revoked_tokens.c.token_hash))).scalars())
    assert valid in kept
    assert over not in kept
