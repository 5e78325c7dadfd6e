"""The functions that see past the policies: what they find across users, and what they refuse."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core import clock
from core.database import Database
from core.settings import Settings
from core.unit_of_work import UnitOfWork
from models.changes import change_counters
from models.conversations import conversations
from models.enums import Actor
from models.users import users
from services.conversations import close, note_idle
from services.messages import NewMessage, Said, send, wake
from services.tasks import NewTask, create_task, delete_task
from services.turns import claim
from tests.conftest import new_user
from tests.migration.conftest import Home

LATER = text("SELECT tasktalk.wake(:conversation, interval '1 hour')")


@pytest.fixture
async def user(housed: Database) -> str:
    return await new_user(housed)


async def say(database: Database, user: str) -> Said:
    return await database.work(user, lambda work: send(work, NewMessage("hello"), Settings()))


async def jobs(owner: AsyncConnection, conversation: UUID) -> list[tuple[str, dict[str, str]]]:
    """Lock name and arguments of the wake-ups that wait for a conversation."""
    found = await owner.execute(
        text(
            "SELECT queueing_lock, args FROM tasktalk.procrastinate_jobs"
            " WHERE args->>'conversation_id' = :id AND status = 'todo' ORDER BY queueing_lock DESC"
        ),
        {"id": str(conversation)},
    )
    return [(lock, args) for lock, args in found]


async def forget_jobs(owner: AsyncConnection, conversation: UUID) -> None:
    await owner.execute(text("SET search_path = tasktalk"))  # the queue's own triggers name nothing with a schema
    statement = text("DELETE FROM procrastinate_jobs WHERE args->>'conversation_id' = :id")
    await owner.execute(statement, {"id": str(conversation)})


async def orphaned(database: Database, limit: int = 0) -> set[tuple[str, UUID]]:
    async with database.for_nobody() as connection:
        found = await connection.execute(text("SELECT * FROM tasktalk.orphaned_turns(1000, :limit)"), {"limit": limit})
        return {(user_id, conversation_id) for user_id, conversation_id in found}


async def run(database: Database, user: str, said: Said, *, seconds: float = 60, by: str = "worker") -> None:
    """Take the turn under a lease of that length; one below zero is over at once."""
    taken = await database.work(
        user, lambda work: claim(work, said.conversation_id, owner=by, lease_seconds=seconds, running_limit=0)
    )
    assert taken is not None


async def test_due_reminders_are_found_across_users_and_only_ones_own_are_delivered(
    housed: Database, owner: AsyncConnection, user: str
) -> None:
    other = await new_user(housed)
    past = clock.now() - timedelta(minutes=1)
    mine, theirs = [
        await housed.work(who, lambda work: create_task(work, NewTask("call", remind_at=past), Actor.USER))
        for who in (user, other)
    ]
    async with housed.for_nobody() as connection:
        found = await connection.execute(text("SELECT * FROM tasktalk.due_reminders(1000)"))
        assert {(user, mine.id), (other, theirs.id)} <= {(user_id, task_id) for user_id, task_id in found}

    async def deliver(work: UnitOfWork) -> None:
        for task in (mine, theirs):
            await work.execute(text("SELECT tasktalk.deliver(:task, now())"), {"task": task.id})

    await housed.work(user, deliver)
    ids = "SELECT args->>'user_id', args->>'task_id' FROM tasktalk.procrastinate_jobs WHERE queue_name = 'webhooks'"
    found = await owner.execute(
        text(f"{ids} AND args->>'task_id' IN (:mine, :theirs)"), {"mine": str(mine.id), "theirs": str(theirs.id)}
    )
    assert [tuple(row) for row in found] == [(user, str(mine.id))]


async def test_a_message_wakes_its_conversation_once(housed: Database, owner: AsyncConnection, user: str) -> None:
    said = await say(housed, user)
    arguments = {"user_id": user, "conversation_id": str(said.conversation_id)}
    assert await jobs(owner, said.conversation_id) == [(f"wake:{said.conversation_id}", arguments)]


async def test_waking_twice_is_one_wake_up_and_the_transaction_goes_on(
    housed: Database, owner: AsyncConnection, user: str
) -> None:
    said = await say(housed, user)

    async def action(work: UnitOfWork) -> None:
        await wake(work, said.conversation_id)
        await wake(work, said.conversation_id)
        await work.execute(update(users).values(name="went on"))

    await housed.work(user, action)
    assert len(await jobs(owner, said.conversation_id)) == 1
    async with housed.snapshot(user) as session:
        assert await session.scalar(select(users.c.name)) == "went on"


async def test_a_later_wake_up_does_not_swallow_one_for_now(
    housed: Database, owner: AsyncConnection, user: str
) -> None:
    said = await say(housed, user)
    await forget_jobs(owner, said.conversation_id)

    async def action(work: UnitOfWork) -> None:
        await work.execute(LATER, {"conversation": said.conversation_id})
        await wake(work, said.conversation_id)

    await housed.work(user, action)
    locks = [lock for lock, _ in await jobs(owner, said.conversation_id)]
    assert locks == [f"wake:{said.conversation_id}", f"later:{said.conversation_id}"]


async def test_a_wake_up_goes_with_its_transaction(housed: Database, owner: AsyncConnection, user: str) -> None:
    said = await say(housed, user)
    await forget_jobs(owner, said.conversation_id)

    async def action(work: UnitOfWork) -> None:
        await wake(work, said.conversation_id)
        raise RuntimeError("changed my mind")

    with pytest.raises(RuntimeError, match="changed my mind"):
        await housed.work(user, action)
    assert await jobs(owner, said.conversation_id) == []


async def test_nobody_wakes_another_users_conversation(
    housed: Database, owner: AsyncConnection, home: Home, user: str
) -> None:
    said = await say(housed, user)
    await forget_jobs(owner, said.conversation_id)
    await housed.work(home.ann, lambda work: wake(work, said.conversation_id))
    await housed.work(home.ann, lambda work: work.execute(LATER, {"conversation": said.conversation_id}))
    async with housed.for_nobody() as connection:
        await connection.execute(LATER, {"conversation": said.conversation_id})
    assert await jobs(owner, said.conversation_id) == []


async def test_a_conversation_that_is_not_there_is_not_woken(
    housed: Database, owner: AsyncConnection, user: str
) -> None:
    missing = uuid4()
    await housed.work(user, lambda work: wake(work, missing))
    assert await jobs(owner, missing) == []


async def test_positions_are_those_of_the_users_asked_for(housed: Database, home: Home, user: str) -> None:
    async with housed.for_nobody() as connection:
        asked = {"users": [user, home.bob, "nobody-by-this-name"]}
        found = await connection.execute(text("SELECT * FROM tasktalk.positions(:users)"), asked)
        positions = {tuple(row) for row in found}
    expected = set()
    for name in (user, home.bob):
        async with housed.snapshot(name) as session:
            row = (
                await session.execute(select(change_counters.c.user_id, change_counters.c.epoch, change_counters.c.seq))
            ).one()
            expected.add(tuple(row))
    assert positions == expected


async def test_a_queued_turn_is_orphaned_once_no_wake_up_waits(
    housed: Database, owner: AsyncConnection, user: str
) -> None:
    said = await say(housed, user)
    assert (user, said.conversation_id) not in await orphaned(housed)
    await forget_jobs(owner, said.conversation_id)
    assert (user, said.conversation_id) in await orphaned(housed)


async def test_a_queued_turn_behind_a_running_one_is_not_orphaned(
    housed: Database, owner: AsyncConnection, user: str
) -> None:
    first = await say(housed, user)
    await run(housed, user, first)
    again = NewMessage("and more", conversation_id=first.conversation_id)
    await housed.work(user, lambda work: send(work, again, Settings()))
    await forget_jobs(owner, first.conversation_id)
    assert (user, first.conversation_id) not in await orphaned(housed)


async def test_a_queued_turn_waits_for_the_users_limit_of_running_ones(
    housed: Database, owner: AsyncConnection, user: str
) -> None:
    await run(housed, user, await say(housed, user))
    waiting = await say(housed, user)
    await forget_jobs(owner, waiting.conversation_id)
    place = (user, waiting.conversation_id)
    assert place not in await orphaned(housed, limit=1)
    assert place in await orphaned(housed, limit=2)


async def test_a_running_turn_is_orphaned_when_its_lease_is_over(housed: Database, user: str) -> None:
    held, lost = await say(housed, user), await say(housed, user)
    await run(housed, user, held)
    await run(housed, user, lost, seconds=-1)
    found = await orphaned(housed)
    assert (user, lost.conversation_id) in found
    assert (user, held.conversation_id) not in found


async def test_orphans_come_in_the_number_wanted(housed: Database, owner: AsyncConnection, user: str) -> None:
    for _ in range(3):
        await forget_jobs(owner, (await say(housed, user)).conversation_id)
    async with housed.for_nobody() as connection:
        found = await connection.execute(text("SELECT * FROM tasktalk.orphaned_turns(2, 0)"))
        assert len(found.all()) == 2


async def test_a_worker_renews_the_leases_it_holds_and_no_others(housed: Database, user: str) -> None:
    mine, lost, theirs, queued = [await say(housed, user) for _ in range(4)]
    await run(housed, user, mine)
    await run(housed, user, lost, seconds=-1)
    await run(housed, user, theirs, seconds=-1, by="another worker")
    ids = [said.turn_id for said in (mine, lost, theirs, queued)]
    async with housed.for_nobody() as connection:
        renewed = await connection.execute(
            text("SELECT * FROM tasktalk.renew_leases('worker', :ids, 60)"), {"ids": [*ids, uuid4()]}
        )
        assert {tuple(row) for row in renewed} == {(mine.turn_id, False), (lost.turn_id, False)}
    found = await orphaned(housed)
    assert (user, lost.conversation_id) not in found
    assert (user, theirs.conversation_id) in found


async def test_a_dead_workers_leases_are_ended_and_no_others(housed: Database, user: str) -> None:
    dead, alive = await say(housed, user), await say(housed, user)
    await run(housed, user, dead, by="the dead")
    await run(housed, user, alive)
    async with housed.for_nobody() as connection:
        ended = await connection.execute(text("SELECT * FROM tasktalk.release_leases(ARRAY['the dead', 'nobody'])"))
        assert [tuple(row) for row in ended] == [(user, dead.conversation_id)]
    found = await orphaned(housed)
    assert (user, dead.conversation_id) in found
    assert (user, alive.conversation_id) not in found


async def test_idle_conversations_are_the_quiet_open_ones_not_yet_noted(housed: Database, user: str) -> None:
    quiet, busy, closed, noted, revived = [(await say(housed, user)).conversation_id for _ in range(5)]
    hour = timedelta(hours=1)

    async def action(work: UnitOfWork) -> None:
        past = update(conversations).where(conversations.c.id != busy)
        await work.execute(past.values(last_activity_at=work.now - 3 * hour))
        await close(work, closed)
        await note_idle(work, noted, idle_seconds=3600)
        stale = update(conversations).where(conversations.c.id == revived)
        await work.execute(stale.values(idle_noted_at=work.now - 4 * hour))

    await housed.work(user, action)
    async with housed.for_nobody() as connection:
        asked = {"quiet_since": clock.now() - 2 * hour}
        found = await connection.execute(text("SELECT * FROM tasktalk.idle_conversations(:quiet_since, 1000)"), asked)
        assert {row.conversation_id for row in found if row.user_id == user} == {quiet, revived}


async def test_purgeable_tasks_are_those_that_were_deleted_before_then(housed: Database, user: str) -> None:
    async def make(title: str, days_ago: int | None) -> UUID:
        task = await housed.work(user, lambda work: create_task(work, NewTask(title), Actor.USER))
        if days_ago is not None:
            with clock.set_to(clock.now() - timedelta(days=days_ago)):
                await housed.work(user, lambda work: delete_task(work, task.id, Actor.USER))
        return task.id

    old, older, _, _ = [await make(title, days) for title, days in (("a", 40), ("b", 50), ("c", 20), ("d", None))]
    asked = {"before": clock.now() - timedelta(days=30), "wanted": 1000}
    async with housed.for_nobody() as connection:
        found = await connection.execute(text("SELECT * FROM tasktalk.purgeable_tasks(:before, :wanted)"), asked)
        assert [row.task_id for row in found if row.user_id == user] == [older, old]
