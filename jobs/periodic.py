"""Work by the clock that belongs to no user: orphaned turns, idle conversations, search, what is old, tokens."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import ARRAY, Text, bindparam, delete, text

from core import clock
from core.database import Database
from core.settings import Settings
from jobs.ownership import Mark
from models.users import revoked_tokens
from services.conversations import note_idle
from services.messages import wake
from services.search import follow
from services.tasks.purging import purge

log = structlog.get_logger()

BATCH: Final = 100
ROUNDS: Final = 10
"""Batches in a row, where they are full."""

HOUSEKEEPING: Final = 60.0
"""Seconds between two rounds of what isn't urgent."""

TRIMMED: Final = 1000
"""Changes that go in one transaction: their users' writers wait for it."""

TRIMS: Final = 60
"""Batches in a row, where they are full: a thousand changes a second go at least as fast as they come."""

PURGED: Final = 200
"""Deleted tasks that are looked at in one go; those of one user go in one transaction."""

BEHIND: Final = 500
"""Changes of a user that wait for search: fewer are read by the user's next search, if there is one."""

LOOKS: Final = 10
"""Looks for orphans within a lease: a turn of a worker that is gone waits a tenth of it at most past its end."""

_RELEASE = text("SELECT * FROM tasktalk.release_leases(:owners)").bindparams(bindparam("owners", type_=ARRAY(Text)))


async def take_back(database: Database, mark: Mark) -> int:
    """Wake the conversations that the dead of this data directory were working on; how many there were."""
    with mark.dead() as owners:
        if not owners:
            return 0
        async with database.for_nobody() as connection:
            found = (await connection.execute(_RELEASE, {"owners": owners})).all()
        await _wake(database, found)
    log.info("dead_workers_replaced", workers=len(owners), turns=len(found))
    return len(found)


async def wake_orphans(database: Database, settings: Settings) -> int:
    """Wake the conversations whose turns nobody works on; how many there were."""
    statement = text("SELECT user_id, conversation_id FROM tasktalk.orphaned_turns(:wanted, :limit)")
    async with database.for_nobody() as connection:
        found = (await connection.execute(statement, {"wanted": BATCH, "limit": settings.limit_running_turns})).all()
    await _wake(database, found)
    return len(found)


async def _wake(database: Database, found: Iterable[Any]) -> None:  # Any: rows, each a user and a conversation
    for user_id, conversation_id in found:
        await database.work(user_id, partial(wake, conversation_id=conversation_id))


async def note_idle_conversations(database: Database, settings: Settings) -> int:
    """Log the conversations that went idle since the last look; how many were looked at."""
    if not settings.conversation_idle_seconds:
        return 0
    return await _in_batches(partial(_note_idle, database, settings.conversation_idle_seconds), BATCH, ROUNDS)


async def _note_idle(database: Database, idle: int) -> int:
    statement = text("SELECT user_id, conversation_id FROM tasktalk.idle_conversations(:quiet_since, :wanted)")
    quiet_since = clock.now() - timedelta(seconds=idle)
    async with database.for_nobody() as connection:
        found = (await connection.execute(statement, {"quiet_since": quiet_since, "wanted": BATCH})).all()
    for user_id, conversation_id in found:
        # Several replicas may come with the same ones: it notes each once.
        await database.work(user_id, partial(note_idle, conversation_id=conversation_id, idle_seconds=idle))
    return len(found)


async def forget_ended_tokens(database: Database) -> None:
    """A revoked token that has ended anyway needs no memory."""
    async with database.for_nobody() as connection:
        await connection.execute(delete(revoked_tokens).where(revoked_tokens.c.expires_at < clock.now()))


async def trim_changes(database: Database, settings: Settings) -> int:
    """Let go of logged changes that are older than they are kept; how many went."""
    if not settings.changes_kept_days:
        return 0
    before = clock.now() - timedelta(days=settings.changes_kept_days)
    return await _in_batches(partial(_trim, database, before), TRIMMED, TRIMS)


async def _trim(database: Database, before: datetime) -> int:
    statement = text("SELECT tasktalk.trim_changes(:before, :wanted)")
    async with database.for_nobody() as connection:
        gone: int = (await connection.execute(statement, {"before": before, "wanted": TRIMMED})).scalar_one()
    return gone


async def purge_tasks(database: Database, settings: Settings) -> int:
    """Let go of tasks that were deleted longer ago than they are kept; how many were looked at."""
    if not settings.deleted_tasks_kept_days:
        return 0
    before = clock.now() - timedelta(days=settings.deleted_tasks_kept_days)
    return await _in_batches(partial(_purge, database, before), PURGED, ROUNDS)


async def _purge(database: Database, before: datetime) -> int:
    statement = text("SELECT user_id, task_id FROM tasktalk.purgeable_tasks(:before, :wanted)")
    async with database.for_nobody() as connection:
        found = (await connection.execute(statement, {"before": before, "wanted": PURGED})).all()
    by_user: dict[str, list[UUID]] = defaultdict(list)
    for user_id, task_id in found:
        by_user[user_id].append(task_id)
    for user_id, task_ids in by_user.items():
        # Several replicas may come with the same ones: each goes once.
        await database.work(user_id, partial(purge, task_ids=task_ids, deleted_before=before))
    return len(found)


async def write_search_keys(database: Database) -> int:
    """Have search read on where much waits for it; of how many users."""
    return await _in_batches(partial(_read_on, database), BATCH, ROUNDS)


async def _read_on(database: Database) -> int:
    statement = text("SELECT user_id FROM tasktalk.search_backlogs(:behind, :wanted)")
    async with database.for_nobody() as connection:
        found = (await connection.execute(statement, {"behind": BEHIND, "wanted": BATCH})).scalars().all()
    for user_id in found:
        await follow(database, user_id)
    return len(found)


async def _in_batches(batch: Callable[[], Awaitable[int]], size: int, most: int) -> int:
    """Do batch after batch until one isn't full, `most` at a time; how many there were in all."""
    total = 0
    for _ in range(most):
        found = await batch()
        total += found
        if found < size:
            break
    return total


async def keep_house(database: Database, settings: Settings) -> None:
    """One round of what isn't urgent."""
    await note_idle_conversations(database, settings)
    await forget_ended_tokens(database)
    await write_search_keys(database)
    await trim_changes(database, settings)
    await purge_tasks(database, settings)


async def watch(database: Database, settings: Settings, mark: Mark | None) -> None:
    """Look for what dead workers left now, and then some times a lease, for ever.

    After an outage the leases of all workers may be over. Those that live renew theirs first: leases that are over mean
    nothing until the database has been back for a whole one. Those known to be dead get no such time.
    """
    loop = asyncio.get_running_loop()
    trusted_from = loop.time()
    while True:
        try:
            async with asyncio.timeout(settings.lease_seconds):  # a database that vanished without a word is away too
                if mark is not None:
                    await take_back(database, mark)
                if loop.time() >= trusted_from:
                    await wake_orphans(database, settings)
                else:
                    await _reach(database)
        except Exception as error:  # the drivers' failures are no one tree, and the cure is the same: again
            log.warning("watchdog_failed", error=type(error).__name__)
            trusted_from = loop.time() + settings.lease_seconds
        await _pause(settings.lease_seconds / LOOKS)


async def every(seconds: float, action: Callable[[], Awaitable[object]]) -> None:
    """Do it now and then again for ever, with some jitter: replicas that started together drift apart."""
    while True:
        try:
            await action()
        except Exception as error:  # as above; and this work can wait for its next round
            log.warning("periodic_work_failed", error=type(error).__name__)
        await _pause(seconds)


async def _reach(database: Database) -> None:
    """Raises what the database raises where it is still away."""
    async with database.for_nobody() as connection:
        await connection.execute(text("SELECT 1"))


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret
