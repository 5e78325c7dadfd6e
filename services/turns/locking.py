"""Holding a turn from outside its worker: its conversation first, as everywhere."""

from __future__ import annotations

from uuid import UUID

from core.errors import DomainError, ErrorCode
from core.unit_of_work import UnitOfWork
from models.conversations import Conversation
from models.turns import Turn
from services import conversations
from services.turns.leases import find, lock

FIELD = ("input", "turnId")


async def lock_turn(work: UnitOfWork, turn_id: UUID) -> tuple[Conversation, Turn]:
    """The turn and its conversation, locked until COMMIT. Raises DomainError NOT_FOUND."""
    seen = await find(work, turn_id)
    if seen is None:
        raise absent()
    conversation = await conversations.lock(work, seen.conversation_id)
    turn = await lock(work, turn_id)
    if turn is None:
        raise absent()
    return conversation, turn


def absent() -> DomainError:
    return DomainError(ErrorCode.NOT_FOUND, "There is no such turn.", field=FIELD)
