"""Bringing search's keys up to date with the change log: before a search, and in the background where much waits."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, bindparam, func, select

from core.database import Database
from core.statements import prepared
from core.unit_of_work import UnitOfWork

STEP: Final = 2000
"""Changes that one statement reads on: well under the time that a statement may take."""

_READ_ON: Final = prepared(select(func.tasktalk.search_catch_up(bindparam("wanted", type_=BigInteger))))


async def catch_up(work: UnitOfWork) -> bool:
    """Make the keys of what the user's next `STEP` changes were about. Whether nothing is left.

    Where another one is at it, wait for them: what is committed now is found after the last step.
    """
    done: bool = await work.value(_READ_ON, wanted=STEP)
    return done


async def follow(database: Database, user_id: str) -> None:
    """All that waits, each step in a unit of work of its own."""
    while not await database.work(user_id, catch_up):
        pass
