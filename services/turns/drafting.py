"""The text so far of the turns that one process runs, kept for those who join later: saved together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Text, Uuid, bindparam, text

from core.database import Database
from services.turns.leases import Lease

_SAVE: Final = text(
    "SELECT * FROM tasktalk.save_drafts(:users, :ids, :owners, :numbers, :attempts, :texts)"
).bindparams(
    bindparam("users", type_=ARRAY(Text)),
    bindparam("ids", type_=ARRAY(Uuid)),
    bindparam("owners", type_=ARRAY(Text)),
    bindparam("numbers", type_=ARRAY(Integer)),
    bindparam("attempts", type_=ARRAY(Integer)),
    bindparam("texts", type_=ARRAY(Text)),
)


@dataclass(frozen=True, slots=True)
class Draft:
    """The text of an attempt so far, of all its rounds."""

    lease: Lease
    attempt: int
    text: str


async def save_drafts(database: Database, drafts: Sequence[Draft]) -> dict[UUID, bool]:
    """Save drafts of several users' turns, each fenced by its lease, in one statement.

    Which turns' leases still stand, and whether the draft was saved: it isn't where a transaction of the turn's own
    held its row just then. The others were lost.
    """
    leases = [one.lease for one in drafts]
    given = {
        "users": [lease.user_id for lease in leases],
        "ids": [lease.turn_id for lease in leases],
        "owners": [lease.owner for lease in leases],
        "numbers": [lease.number for lease in leases],
        "attempts": [one.attempt for one in drafts],
        "texts": [one.text for one in drafts],
    }
    async with database.for_nobody() as connection:
        return {turn_id: saved for turn_id, saved in await connection.execute(_SAVE, given)}
