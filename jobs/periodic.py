"""Work by the clock that belongs to no user: orphaned turns, idle conversations, revoked tokens that have ended."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy import delete, text
from sqlalchemy.exc import SQLAlchemyError

from core import clock
from core.database import Database
from core.errors import RequestError
from core.settings import Settings
from models.users import revoked_tokens
from services.conversations import note_idle
from services.messages import wake

log = structlog.get_logger()

BATCH: Final = 100
HOUSEKEEPING: Final = 60.0
"""Seconds between two rounds of what isn't urgent."""


async def wake_orphans(database: Database, settings: Settings) -> int:
    """Wake the conversations whose turns nobody works on; how many there were."""
    statement = text("SELECT user_id, conversation_id FROM tasktalk.orphaned_turns(:wanted, :limit)")
    async with database.for_nobody() as connection:
        found = (await connection.execute(statement, {"wanted": BATCH, "limit": settings.limit_running_turns})).all()
    for user_id, conversation_id in found:
        await database.work(user_id, partial(wake, conversation_id=conversation_id))
    return len(found)


async def note_idle_conversations(database: Database, settings: Settings) -> int:
    """Log the conversations that went idle since the last look; how many were looked at."""
    idle = settings.conversation_idle_seconds
    if not idle:
        return 0
    statement = text("SELECT user_id, conversation_id FROM tasktalk.idle_conversations(:quiet_since, :wanted)")
    quiet_since = clock.now() - timedelta(seconds=idle)
    async with database.for_nobody() as connection:
        found = (await connection.execute(statement, {"quiet_since": quiet_since, "wanted": BATCH})).all()
    for user_id, conversation_id in found:
        await database.work(user_id, partial(note_idle, conversation_id=conversation_id, idle_seconds=idle))
    return len(found)


async def forget_ended_tokens(database: Database) -> None:
    """A revoked token that has ended anyway needs no memory."""
    async with database.for_nobody() as connection:
        await connection.execute(delete(revoked_tokens).where(revoked_tokens.c.expires_at < clock.now()))


async def keep_house(database: Database, settings: Settings) -> None:
    """One round of what isn't urgent."""
    await note_idle_conversations(database, settings)
    await forget_ended_tokens(database)


async def every(seconds: float, action: Callable[[], Awaitable[object]]) -> None:
    """Do it now and then again for ever, with some jitter: replicas that started together drift apart."""
    while True:
        try:
            await action()
        except (SQLAlchemyError, RequestError, OSError) as error:
            log.warning("periodic_work_failed", error=type(error).__name__)
        await asyncio.sleep(seconds * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret
