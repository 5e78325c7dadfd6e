"""Deleting a user with all that is theirs, in one transaction that nothing of theirs runs beside."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Integer, bindparam, func, select

from core.database import Database, Hold
from core.statements import prepared
from core.unit_of_work import UnitOfWork

BATCH: Final = 10_000
"""Rows that one statement deletes: each stays well under the time that a statement may take."""

_ERASED: Final = prepared(select(func.tasktalk.erase_user(bindparam("wanted", type_=Integer))))


async def erase_user(database: Database, user_id: str) -> None:
    """Delete the user and every row of theirs; deleting one who is gone does nothing.

    The user's row is locked first, so that it waits for what is under way. A worker that has a turn of theirs finds at
    its next write that it lost it. Tokens stay as they are: a revoked one remains so, and a good one makes the user
    anew, with a log of another epoch.
    """

    async def action(work: UnitOfWork) -> None:
        while await work.value(_ERASED, wanted=BATCH):
            pass

    await database.work(user_id, action, hold=Hold.ALONE)
