"""Writing to the change log in tests, and moving its counter as a trim, a deletion or a restored backup would."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from core.database import Database
from core.dsn import Dsn
from core.ids import new_id
from core.unit_of_work import Change, UnitOfWork
from migrations import runner
from models.changes import change_counters, change_log
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


async def move_counter(dsn: Dsn, user: str, **values: Any) -> None:  # Any: as `values` of an update takes
    """Set epoch, seq or kept_from of a user's counter; rows that a counter so set doesn't reach go.

    As the tables' owner: the role that the program runs as may do neither to the log.
    """
    mine = change_counters.c.user_id == user
    reached = select(change_counters.c.seq).where(mine).scalar_subquery()
    owner = runner.owner_engine(dsn)
    async with owner.begin() as connection:
        await connection.execute(update(change_counters).where(mine).values(**values))
        await connection.execute(delete(change_log).where(change_log.c.user_id == user, change_log.c.seq > reached))
    await owner.dispose()


async def log_past(dsn: Dsn, user: str, ages: Sequence[float]) -> None:
    """Append changes that are so many days old, as the tables' owner: the program logs none but new ones."""
    mine = change_counters.c.user_id == user
    moved = update(change_counters).where(mine).values(seq=change_counters.c.seq + len(ages))
    owner = runner.owner_engine(dsn)
    async with owner.begin() as connection:
        end = (await connection.execute(moved.returning(change_counters.c.seq))).scalar_one()
        rows = [
            {"user_id": user, "seq": seq, "at": func.now() - timedelta(days=age), "kind": ChangeKind.SETTINGS}
            for seq, age in enumerate(ages, start=end - len(ages) + 1)
        ]
        await connection.execute(insert(change_log).values(rows))
    await owner.dispose()


class Silent:
    """An announcer whose wake-ups are all lost."""

    async def publish(self, channel: str, message: str) -> None:
        pass
