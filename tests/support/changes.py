"""Writing to the change log in tests, and moving its counter as a trim, a deletion or a restored backup would."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import update

from core.database import Database
from core.ids import new_id
from core.unit_of_work import Change, UnitOfWork
from models.changes import change_counters
from models.enums import ChangeKind


async def write(
    database: Database, user: str, *, kind: str = ChangeKind.SETTINGS, count: int = 1, conversation: UUID | None = None
) -> list[UUID]:
    """One unit of work with that many changes; the ids they are about."""
    ids = [new_id() for _ in range(count)]

    async def action(work: UnitOfWork) -> None:
        for entity_id in ids:
            work.record(Change(kind=kind, entity_id=entity_id, conversation_id=conversation))

    await database.work(user, action)
    return ids


async def move_counter(database: Database, user: str, **values: Any) -> None:  # Any: as `values` of an update takes
    """Set epoch, seq or kept_from of a user's counter."""

    async def action(work: UnitOfWork) -> None:
        await work.execute(update(change_counters).where(change_counters.c.user_id == user).values(**values))

    await database.work(user, action)


class Silent:
    """An announcer whose wake-ups are all lost."""

    async def publish(self, channel: str, message: str) -> None:
        pass
