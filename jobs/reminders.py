"""Reminders as they come due, for all users: a look a second at the one index that holds those still to be fired."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import text

from core.database import Database
from services.reminders import fire

log = structlog.get_logger()

LOOK: Final = 0.7
"""Seconds between two looks: with their jitter and a busy machine still within two."""

BATCH: Final = 200
SIDE_BY_SIDE: Final = 4
"""Transactions at a time, where many are due at once."""

PATIENCE: Final = 10.0
"""Seconds for one batch: a database that vanished without a word must not stop the looks."""

_DUE: Final = text("SELECT user_id, task_id FROM tasktalk.due_reminders(:wanted)")


async def fire_due(database: Database, *, webhook: bool) -> int:
    """Fire what is due by the database's clock; how many were fired here. Other workers may share the work."""
    fired = 0
    while True:
        async with asyncio.timeout(PATIENCE):
            async with database.for_nobody() as connection:
                due = (await connection.execute(_DUE, {"wanted": BATCH})).all()
            now = await _fire_all(database, [(str(user_id), task_id) for user_id, task_id in due], webhook)
        fired += now
        if len(due) < BATCH or not now:  # another look comes soon: what fails again and again holds up nothing
            return fired


async def _fire_all(database: Database, due: list[tuple[str, UUID]], webhook: bool) -> int:
    async def take(share: list[tuple[str, UUID]]) -> int:
        return sum([await _fire(database, user_id, task_id, webhook) for user_id, task_id in share])

    return sum(await asyncio.gather(*(take(due[nth::SIDE_BY_SIDE]) for nth in range(SIDE_BY_SIDE))))


async def _fire(database: Database, user_id: str, task_id: UUID, webhook: bool) -> bool:
    try:
        return await database.work(user_id, partial(fire, task_id=task_id, webhook=webhook))
    except Exception as error:  # one that fails leaves the others alone; the next look finds it again
        log.warning("reminder_failed", task=str(task_id), error=type(error).__name__)
        return False
