"""What is kept of an answer while it comes: saved by time, fenced, past an outage, and at hand when it is cut short."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from structlog.testing import capture_logs

from assistant.asking import Asker, without_rounds
from assistant.history import History
from assistant.progress import Progress
from assistant.providers.base import (
    AssistantSaid,
    CallResult,
    Item,
    ModelCall,
    Prompt,
    ProviderError,
    ProviderFault,
    UserSaid,
)
from assistant.turn import TurnRunner
from core import clock
from core.database import Database
from core.dsn import Dsn
from core.settings import Settings
from events.bus import Bus
from graphql_api.app import make_providers
from models.enums import TurnNotice
from models.turns import Round as StoredRound
from models.turns import drafts
from models.users import Settings as UserSettings
from services.turns import Claimed, LeaseLost, claim, hand_on, start_anew
from tests.support.owners import as_owner
from tests.support.reading import GUARD, until
from tests.support.scripted_model import Fault, Hold, Round, ScriptedModel
from tests.support.stage import Open, Stage, on_stage, own_database

SAID = Round(text=["Two words", Hold(), " and more", Hold(), " and the end."])


@pytest.fixture(scope="module")
def dsn(server: str) -> Dsn:
    return asyncio.run(own_database(server, f"drafts_{uuid4().hex}"))


@pytest.fixture
async def model() -> AsyncIterator[ScriptedModel]:
    async with ScriptedModel() as running:
        yield running


@pytest.fixture
def stage(database: Database, bus: Bus, dsn: Dsn, user: str, model: ScriptedModel) -> Open:
    return partial(on_stage, database, bus, dsn, user, model.base_url)


async def take(on: Stage, owner: str = "me") -> Claimed:
    """Claim the turn of the stage's conversation, as a worker would that runs nothing by itself."""
    assert on.talk.conversation_id is not None
    conversation = on.talk.conversation_id
    claimed = await on.talk.database.work(
        on.talk.user, lambda work: claim(work, conversation, owner=owner, lease_seconds=600, running_limit=2)
    )
    assert claimed is not None
    return claimed


async def take_over(dsn: Dsn, on: Stage, claimed: Claimed) -> Claimed:
    """End the lease and claim the turn anew."""
    async with as_owner(dsn) as owner:
        past = "UPDATE tasktalk.turns SET lease_until = clock_timestamp() - interval '1 second' WHERE id = :id"
        await owner.execute(text("SET search_path = tasktalk, pg_catalog"))
        await owner.execute(text(past), {"id": claimed.turn.id})
    return await take(on, "another")


async def saved(on: Stage, claimed: Claimed, wanted: str) -> None:
    """Wait until the draft is that."""
    async with asyncio.timeout(GUARD):
        while await draft(on, claimed) != wanted:
            pass


async def draft(on: Stage, claimed: Claimed) -> str | None:
    async with on.talk.database.snapshot(on.talk.user) as session:
        found: str | None = await session.scalar(select(drafts.c.text).where(drafts.c.turn_id == claimed.turn.id))
        return found


@asynccontextmanager
async def running(on: Stage, claimed: Claimed) -> AsyncIterator[asyncio.Task[None]]:
    """The turn's runner as a task, which has ended when the block does."""
    task = asyncio.create_task(TurnRunner(on.engine, claimed).run())
    try:
        yield task
        async with asyncio.timeout(GUARD):
            await task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_what_was_said_is_saved_though_nothing_follows_it(model: ScriptedModel, stage: Open) -> None:
    model.then(SAID)
    async with stage() as on:
        said = await on.talk.send("hello")
        claimed = await take(on)
        async with running(on, claimed):
            await model.held()
            await saved(on, claimed, "Two words")
            model.release()
            await saved(on, claimed, "Two words and more")
            model.release()
        assert (await on.talk.look(said)).reply == "Two words and more and the end."


async def test_a_save_that_finds_the_lease_lost_ends_the_model_call(
    model: ScriptedModel, stage: Open, dsn: Dsn
) -> None:
    model.then(SAID)
    async with stage() as on:
        said = await on.talk.send("hello")
        claimed = await take(on)
        async with running(on, claimed):
            await saved(on, claimed, "Two words")
            await take_over(dsn, on, claimed)
            taken = (await on.talk.look(said)).turn
            model.release()
            async with asyncio.timeout(GUARD):
                await model.client_left()

        assert (await on.talk.look(said)).turn == taken
        assert taken.lease_owner == "another"
        assert await draft(on, claimed) == "Two words"


async def test_an_outage_in_mid_answer_costs_saves_and_not_the_answer(
    model: ScriptedModel, stage: Open, dsn: Dsn, server: str
) -> None:
    model.then(SAID)
    async with stage() as on:
        said = await on.talk.send("hello")
        claimed = await take(on)
        async with running(on, claimed):
            await saved(on, claimed, "Two words")
            with capture_logs() as logged:
                async with outage(server, dsn):
                    model.release()
                    await until(lambda: [one["event"] for one in logged].count("draft_not_saved") >= 2)
            await saved(on, claimed, "Two words and more")
            model.release()
        ended = await on.talk.look(said)
    assert (ended.turn.status, ended.reply) == ("COMPLETED", "Two words and more and the end.")
    assert len(model.requests) == 1


@asynccontextmanager
async def outage(server: str, dsn: Dsn) -> AsyncIterator[None]:
    """The database refuses everyone for the length of the block, and ends all connections before."""
    root = Dsn.parse(server, "DATABASE_URL")
    async with as_owner(root) as owner:
        await owner.execute(text(f'ALTER DATABASE "{dsn.database}" ALLOW_CONNECTIONS false'))
        try:
            everyone = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
            await owner.execute(text(everyone), {"name": dsn.database})
            yield
        finally:
            await owner.execute(text(f'ALTER DATABASE "{dsn.database}" ALLOW_CONNECTIONS true'))


def begun(on: Stage, claimed: Claimed) -> Progress:
    return Progress(
        history=History((), ()),
        context={},
        settings=UserSettings(claimed.lease.user_id, "UTC", "en", "BULK_DESTRUCTIVE", "MONDAY", None, 1),
        now=clock.now(),
        rounds=[],
        calls=[],
        attempt=claimed.turn.attempt,
        provider=on.engine.provider,
    )


def prompt_of(*items: Item) -> Prompt:
    return Prompt("Be brief.", (*items,), clock.now(), "UTC")


async def test_an_ask_that_is_cancelled_closes_the_call_and_leaves_its_text(model: ScriptedModel, stage: Open) -> None:
    model.then(Round(text=["Two ", "words "], fault=Fault.HANG_MID_STREAM))
    async with stage() as on:
        await on.talk.send("hello")
        claimed = await take(on)
        asker, progress = Asker(on.engine, claimed.lease), begun(on, claimed)
        assert asker.text_so_far == ""
        asking = asyncio.create_task(asker.ask(progress, prompt_of(UserSaid("hello"))))
        await until(lambda: asker.text_so_far == "Two words")
        asking.cancel()
        await asyncio.wait([asking])
        async with asyncio.timeout(GUARD):
            await model.client_left()

        assert asking.cancelled()
        assert asker.text_so_far == "Two words"
        progress.rounds.append(StoredRound(on.talk.user, claimed.turn.id, 0, "Two words", [], "STOP"))
        assert asker.text_so_far == ""
        await on.talk.database.work(on.talk.user, lambda work: hand_on(work, claimed.lease))


async def test_an_ask_that_is_cancelled_in_its_wait_asks_no_more(model: ScriptedModel, stage: Open) -> None:
    model.then(Round(status=503))
    waiting = asyncio.Event()

    async def wait(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    async with stage() as on:
        await on.talk.send("hello")
        claimed = await take(on)
        asker = Asker(replace(on.engine, pause=wait), claimed.lease)
        asking = asyncio.create_task(asker.ask(begun(on, claimed), prompt_of(UserSaid("hello"))))
        async with asyncio.timeout(GUARD):
            await waiting.wait()
        asking.cancel()
        await asyncio.wait([asking])

        assert (asking.cancelled(), len(model.requests)) == (True, 1)


async def test_a_retry_under_a_lost_lease_asks_no_more(model: ScriptedModel, stage: Open, dsn: Dsn) -> None:
    model.then(Round(status=503, fault=Fault.HANG_BEFORE_HEADERS))
    async with stage() as on:
        await on.talk.send("hello")
        claimed = await take(on)
        asker = Asker(on.engine, claimed.lease)
        asking = asyncio.create_task(asker.ask(begun(on, claimed), prompt_of(UserSaid("hello"))))
        async with asyncio.timeout(GUARD):
            await model.held()
            await take_over(dsn, on, claimed)
            model.release()
            with pytest.raises(LeaseLost):
                await asking
        assert len(model.requests) == 1


async def test_who_takes_a_turn_over_waits_for_nothing(stage: Open) -> None:
    async with stage() as on:
        said = await on.talk.send("hello")
        claimed = await take(on)
        await on.talk.database.work(
            on.talk.user,
            lambda work: start_anew(work, claimed.lease, 2, TurnNotice.RETRYING, text="So far", until=work.now),
        )
        held_up = (await on.talk.look(said)).turn
        assert (held_up.notice, held_up.attempt, held_up.notice_until is None) == ("RETRYING", 2, False)
        assert await draft(on, claimed) == "So far"

        await on.talk.database.work(on.talk.user, lambda work: hand_on(work, claimed.lease))
        taken = (await take(on)).turn
        assert (taken.notice, taken.notice_until, taken.attempt) == (None, None, 3)


async def test_the_models_time_is_a_setting(model: ScriptedModel) -> None:
    model.then(Round(fault=Fault.HANG_BEFORE_HEADERS))
    settings = Settings(OPENAI_BASE_URL=model.base_url, model_timeout_seconds=1)
    provider, _ = make_providers(settings)
    try:
        with pytest.raises(ProviderError) as caught:
            await anext(provider.stream(prompt_of(UserSaid("hello")), ()))
    finally:
        await provider.aclose()
    assert caught.value.fault is ProviderFault.TIMEOUT
    assert "within 1 s" in str(caught.value)


@pytest.mark.parametrize(("count", "left"), [(0, 4), (1, 2), (2, 0)])
def test_who_takes_over_from_another_provider_sees_only_its_own_rounds(count: int, left: int) -> None:
    earlier = (UserSaid("before"), AssistantSaid("Yes."))
    rounds: list[Item] = []
    for number in range(2):
        call = ModelCall(f"call_{number}_0", "add_task", "{}")
        rounds += [AssistantSaid("", (call,)), CallResult(call.id, "{}")]
    prompt = prompt_of(*earlier, UserSaid("now"), *rounds)

    assert list(without_rounds(prompt, count).items) == [*earlier, UserSaid("now"), *rounds[4 - left :]]
