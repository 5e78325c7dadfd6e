"""The lease on a running turn, and the fence that every one of its transactions passes first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, bindparam, update

from core.errors import DomainError
from core.statements import Prepared, prepared
from core.unit_of_work import Change, Session, UnitOfWork
from models.base import rows_of
from models.conversations import Conversation
from models.enums import ChangeKind, TurnStatus
from models.turns import Turn, turns
from services import conversations


class LeaseLost(Exception):
    """Another worker has the turn, or it has ended: write nothing more and publish nothing more."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may write to a turn: its owner and the number of the lease. Every transaction of a turn checks both."""

    user_id: str
    turn_id: UUID
    owner: str
    number: int


THIS_TURN: Final = and_(turns.c.user_id == bindparam("user_id"), turns.c.id == bindparam("id"))
"""The turn of the argument `id`."""

UNDER_LEASE: Final = and_(
    THIS_TURN,
    turns.c.status == TurnStatus.RUNNING.value,
    turns.c.lease_owner == bindparam("owner"),
    turns.c.lease_number == bindparam("number"),
)
"""The turn of the arguments `lease_arguments`, if that lease still holds."""

_FOUND: Final = prepared(rows_of(turns).where(THIS_TURN), Turn)
_HELD: Final = prepared(rows_of(turns).where(THIS_TURN).with_for_update(key_share=True), Turn)


def lease_arguments(lease: Lease) -> dict[str, Any]:  # Any: column values
    """The arguments of UNDER_LEASE."""
    return {"id": lease.turn_id, "owner": lease.owner, "number": lease.number}


@cache
def _writing(names: tuple[str, ...]) -> Prepared[Any]:
    return prepared(update(turns).where(THIS_TURN).values(version=turns.c.version + 1), columns=names)


async def find(session: Session, turn_id: UUID) -> Turn | None:
    return await session.first(_FOUND, id=turn_id)


async def lock(work: UnitOfWork, turn_id: UUID) -> Turn | None:
    """The turn, locked until COMMIT."""
    return await work.first(_HELD, id=turn_id)


async def write(work: UnitOfWork, turn: Turn, *, log: bool = True, **values: Any) -> None:  # Any: column values
    """Write `values` to a locked turn and step its version; `log` False where its watchers needn't know."""
    await work.run(_writing(tuple(sorted(values))), id=turn.id, **values)
    if log:
        work.record(Change(ChangeKind.TURN, turn.id, conversation_id=turn.conversation_id))


async def hold(work: UnitOfWork, lease: Lease, conversation_id: UUID) -> tuple[Conversation, Turn]:
    """The conversation and then the turn, locked in the house's order before anything else is. Raises LeaseLost."""
    try:
        conversation = await conversations.lock(work, conversation_id)
    except DomainError:
        raise LeaseLost from None  # it was deleted, and the turn with it
    return conversation, await fence(work, lease)


async def fence(work: UnitOfWork, lease: Lease) -> Turn:
    """The turn, locked, if the lease still holds. Raises LeaseLost."""
    turn = await lock(work, lease.turn_id)
    if (
        turn is None
        or turn.status != TurnStatus.RUNNING
        or (turn.lease_owner, turn.lease_number) != (lease.owner, lease.number)
    ):
        raise LeaseLost
    return turn
