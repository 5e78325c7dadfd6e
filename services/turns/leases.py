"""The lease on a running turn, and the fence that every one of its transactions passes first."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, and_

from core.errors import DomainError
from core.unit_of_work import Session, UnitOfWork
from models.base import rows_of
from models.conversations import Conversation
from models.enums import TurnStatus
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


def of_turn(session: Session, turn_id: UUID) -> ColumnElement[bool]:
    """The turn of that id, as a condition."""
    return and_(turns.c.user_id == session.user_id, turns.c.id == turn_id)


async def hold(work: UnitOfWork, lease: Lease, conversation_id: UUID) -> tuple[Conversation, Turn]:
    """The conversation and then the turn, locked in the house's order before anything else is. Raises LeaseLost."""
    try:
        conversation = await conversations.lock(work, conversation_id)
    except DomainError:
        raise LeaseLost from None  # it was deleted, and the turn with it
    return conversation, await fence(work, lease)


async def fence(work: UnitOfWork, lease: Lease) -> Turn:
    """The turn, locked, if the lease still holds. Raises LeaseLost."""
    turn = await work.one(rows_of(turns).where(of_turn(work, lease.turn_id)).with_for_update(key_share=True), Turn)
    if (
        turn is None
        or turn.status != TurnStatus.RUNNING
        or (turn.lease_owner, turn.lease_number) != (lease.owner, lease.number)
    ):
        raise LeaseLost
    return turn
