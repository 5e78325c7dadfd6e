"""Reminders through the worker: each once, by the database's clock, past a restart; and told to a webhook."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from core import clock
from core.database import Database
from core.dsn import Dsn
from core.ids import parse_global_id, to_global_id
from core.settings import Settings
from core.unit_of_work import UnitOfWork
from events.bus import Bus
from jobs.reminders import fire_due
from jobs.webhooks import Undelivered, Webhook, is_public
from models.enums import Actor
from models.tasks import Task
from services.reminders import fire, snooze
from services.tasks import (
    NewTask,
    TaskPatch,
    adopt_task,
    complete_task,
    create_task,
    delete_task,
    get_task,
    plan_task,
    reopen_task,
    update_task,
)
from services.tasks.values import Author
from tests.support.api import Api, serving
from tests.support.reading import GUARD
from tests.support.stage import own_database
from tests.support.webhook import Receiver, receiving
from tests.support.workers import LONG, Model, as_owner, working

REMINDERS = """subscription ($after: String) { changes(after: $after, kinds: [REMINDER]) {
  __typename cursor ... on ReminderDue { taskId task { title remindAt } } } }"""
KEY = bytes(range(32))
SECRET = SecretStr("whsec_" + base64.b64encode(KEY).decode())


@pytest.fixture(scope="module")
def dsn(server: str) -> Dsn:
    """A database for these tests alone: no worker elsewhere fires their reminders."""
    return asyncio.run(own_database(server, f"reminders_{uuid4().hex}"))


@pytest.fixture
async def api(database: Database, bus: Bus, user: str) -> AsyncIterator[Api]:
    async with serving(database, bus, user, LONG) as api:
        yield api


async def now(database: Database) -> datetime:
    """By the database's clock."""
    async with database.for_nobody() as connection:
        found: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
        return found


async def add(database: Database, user: str, title: str, **given: Any) -> Task:
    return await database.work(user, lambda work: create_task(work, NewTask(title, **given), Actor.USER))


async def look(database: Database, user: str, task_id: UUID) -> Task:
    async with database.snapshot(user) as session:
        task = await get_task(session, task_id)
    assert task is not None
    return task


async def position(api: Api) -> str:
    return str((await api.data("{ viewer { cursor } }"))["viewer"]["cursor"])


async def reminded(api: Api, after: str, count: int) -> list[str]:
    """The titles of so many reminders after that place."""
    titles: list[str] = []
    async with asyncio.timeout(GUARD), api.subscribe(REMINDERS, after=after) as events:
        while len(titles) < count:
            event = (await anext(events))["changes"]
            if event["__typename"] == "ReminderDue":
                titles.append(event["task"]["title"])
    return sorted(titles)


async def logged(api: Api, after: str) -> list[str]:
    """The tasks of all reminders that are in the log after that place."""
    document = """query ($after: String) { changes(after: $after, kinds: [REMINDER]) { changes {
      ... on ReminderDue { task { title } } } } }"""
    found = (await api.data(document, after=after))["changes"]["changes"]
    return sorted(one["task"]["title"] for one in found if one)


async def imported(database: Database, user: str, title: str, remind_at: datetime) -> None:
    async def action(work: UnitOfWork) -> None:
        await adopt_task(work, await plan_task(work, NewTask(title, remind_at=remind_at)), (), Actor.USER)

    await database.work(user, action)


async def test_reminders_come_once_whatever_was_missed_while_no_worker_ran(
    database: Database, bus: Bus, dsn: Dsn, api: Api, user: str
) -> None:
    start, here = await now(database), await position(api)
    second = timedelta(seconds=1)
    await add(database, user, "second", remind_at=start - second)
    await add(database, user, "first", remind_at=start - 3600 * second)
    await add(database, user, "before", due_at=start + 60 * second, time_zone="UTC", remind_before=1)
    await imported(database, user, "long over", start - timedelta(days=2))
    await add(database, user, "ahead", remind_at=start + 3600 * second)
    for title, step in (("done", complete_task), ("gone", delete_task)):
        task = await add(database, user, title, remind_at=start - second)
        await database.work(user, partial(step, task_id=task.id, actor=Actor.USER))

    async with working(database, bus, dsn, Model()), working(database, bus, dsn, Model()):
        assert await reminded(api, here, 3) == ["before", "first", "second"]
    async with working(database, bus, dsn, Model()):
        await add(database, user, "last", remind_at=await now(database) + second / 4)
        assert await reminded(api, here, 4) == ["before", "first", "last", "second"]
    await fire_due(database, webhook=False)
    assert await logged(api, here) == ["before", "first", "last", "second"]


async def test_of_many_that_fire_one_does_and_what_failed_fires_nothing(
    database: Database, api: Api, user: str
) -> None:
    here = await position(api)
    task = await add(database, user, "call", remind_at=await now(database) - timedelta(seconds=1))

    async def fails(work: Any) -> None:
        assert await fire(work, task.id)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await database.work(user, fails)
    assert await logged(api, here) == []
    fired = await asyncio.gather(*(database.work(user, partial(fire, task_id=task.id)) for _ in range(4)))
    assert sorted(fired) == [False, False, False, True]
    assert await logged(api, here) == ["call"]
    assert (await look(database, user, task.id)).version == task.version, "being reminded is no change of the task"


async def test_a_clock_that_steps_fires_nothing_twice(database: Database, dsn: Dsn, api: Api, user: str) -> None:
    """The process' clock plays no part; where the database's goes back past a reminder, the mark stays."""
    here = await position(api)
    task = await add(database, user, "call", remind_at=await now(database) + timedelta(hours=1))
    with clock.set_to(clock.now() + timedelta(days=1)):
        assert await fire_due(database, webhook=False) == 0
    ahead = "UPDATE tasks SET remind_at = remind_at - interval '2 hours' WHERE id = :id"
    await as_owner(dsn, ahead, id=task.id)
    assert [await fire_due(database, webhook=False) for _ in range(2)] == [1, 0]
    back = (
        "UPDATE tasks SET remind_at = remind_at + interval '3 hours', reminded_for = reminded_for + interval '3 hours'"
    )
    await as_owner(dsn, back + " WHERE id = :id", id=task.id)
    assert await fire_due(database, webhook=False) == 0
    assert await logged(api, here) == ["call"]


async def test_a_snoozed_reminder_comes_again_and_the_next_occurrence_has_its_own(
    database: Database, dsn: Dsn, api: Api, user: str
) -> None:
    here, start = await position(api), await now(database)
    task = await add(database, user, "stretch", due_at=start, time_zone="UTC", recurrence="FREQ=DAILY", remind_before=0)
    assert await fire_due(database, webhook=False) == 1
    await database.work(user, lambda work: snooze(work, task.id, Author(Actor.USER), minutes=10))
    assert await fire_due(database, webhook=False) == 0
    over = "UPDATE tasks SET snoozed_until = clock_timestamp() - interval '1 second' WHERE id = :id"
    await as_owner(dsn, over, id=task.id)
    assert await fire_due(database, webhook=False) == 1
    await database.work(user, partial(complete_task, task_id=task.id, actor=Actor.USER))
    after = await look(database, user, task.id)
    assert after.due_at is not None
    assert (after.due_at.date(), after.remind_at, after.snoozed_until) == (
        (start + timedelta(days=1)).date(), after.due_at, None
    )  # fmt: skip
    assert await fire_due(database, webhook=False) == 0
    assert await logged(api, here) == ["stretch"] * 2


async def test_a_reminder_that_was_over_while_its_task_was_done_comes_when_it_is_reopened(
    database: Database, api: Api, user: str
) -> None:
    here = await position(api)
    task = await add(database, user, "call", remind_at=await now(database) - timedelta(minutes=1))
    await database.work(user, partial(complete_task, task_id=task.id, actor=Actor.USER))
    assert await fire_due(database, webhook=False) == 0
    await database.work(user, partial(reopen_task, task_id=task.id, actor=Actor.USER))
    assert await fire_due(database, webhook=False) == 1
    # An occurrence that is moved to where its reminder is over reminds nobody of it.
    moved = TaskPatch(due_at=await now(database) - timedelta(hours=3), time_zone="UTC", remind_before=5)
    await database.work(user, lambda work: update_task(work, task.id, moved, Actor.USER))
    assert await fire_due(database, webhook=False) == 1, "this one was asked for"
    earlier = TaskPatch(due_at=await now(database) - timedelta(hours=2))
    await database.work(user, lambda work: update_task(work, task.id, earlier, Actor.USER))
    assert await fire_due(database, webhook=False) == 0
    assert await logged(api, here) == ["call"] * 2


def hooked(receiver: Receiver) -> Settings:
    return Settings(lease_seconds=600, webhook_url=receiver.url, webhook_secret=SECRET, webhook_allow_private=True)


async def test_a_delivery_is_signed_and_tried_again_until_it_is_taken(
    database: Database, bus: Bus, dsn: Dsn, api: Api, user: str
) -> None:
    jobs = (
        "SELECT status, attempts, scheduled_at > clock_timestamp() FROM procrastinate_jobs WHERE task_name = 'deliver'"
    )
    async with receiving(500, 302) as receiver, working(database, bus, dsn, Model(), hooked(receiver)):
        at = await now(database) - timedelta(seconds=1)
        task = await add(database, user, "call", remind_at=at)
        for attempt in (1, 2, 3):
            await receiver.has_taken(attempt)
            if attempt < 3:
                async with asyncio.timeout(GUARD):
                    while await as_owner(dsn, jobs) != [("todo", attempt, True)]:
                        pass
                await as_owner(dsn, "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE task_name = 'deliver'")
        async with asyncio.timeout(GUARD):
            while await as_owner(dsn, jobs):
                pass
        assert receiver.paths == ["/hook"] * 3, "a redirect isn't followed"
        [first, *again] = receiver.taken
        assert [body for _, body in again] == [first[1]] * 2
        assert len({headers["webhook-id"] for headers, _ in receiver.taken}) == 1
        for headers, body in receiver.taken:
            signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
            mac = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
            assert headers["webhook-signature"] == f"v1,{mac}"
        told = json.loads(first[1])
        assert (told["type"], told["userId"], datetime.fromisoformat(told["reminder"])) == ("reminder.due", user, at)
        assert (told["task"]["id"], told["task"]["title"]) == (to_global_id("Task", task.id), "call")
        assert parse_global_id(told["task"]["id"], "Task") == task.id


async def test_a_webhook_goes_to_no_private_address_by_any_name(database: Database, dsn: Dsn, user: str) -> None:
    at = await now(database) - timedelta(seconds=1)
    task = await add(database, user, "call", remind_at=at)
    async with receiving() as receiver:
        for host in ("localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0"):
            url = receiver.url.replace("localhost", host)
            guarded = {"webhook_url": url, "webhook_allow_private": False}
            webhook = Webhook(database, hooked(receiver).model_copy(update=guarded))
            with pytest.raises(Undelivered):
                await webhook.deliver(user, task.id, at.isoformat())
            await webhook.close()
        assert receiver.taken == []
        webhook = Webhook(database, hooked(receiver))
        await webhook.deliver(user, task.id, at.isoformat())
        await webhook.deliver(user, uuid4(), at.isoformat())
        await webhook.close()
        assert len(receiver.taken) == 1, "of a task that isn't there nothing is told"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True), ("2606:4700::1111", True), ("64:ff9b::5db8:d822", True),
        ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.1.1", False), ("127.0.0.53", False), ("0.0.0.0", False),
        ("169.254.169.254", False), ("100.64.0.1", False), ("224.0.0.1", False), ("255.255.255.255", False),
        ("::1", False), ("::", False), ("fe80::1%eth0", False), ("fc00::1", False), ("ff02::1", False),
        ("::ffff:10.0.0.1", False), ("64:ff9b::a00:1", False), ("2002:a00:1::", False),
    ],
)  # fmt: skip
def test_what_is_a_public_address(address: str, public: bool) -> None:
    assert is_public(address) is public
