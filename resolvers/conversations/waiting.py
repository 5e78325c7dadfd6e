"""Waiting for a turn on its changes: no polling, and no connection held meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

from sqlalchemy import select

from core.errors import DomainError, ErrorCode
from events.hub import Batch, Resync
from events.reading import position
from models.enums import TurnStatus
from models.turns import turns
from resolvers.operation import Operation

LONGEST = 60


def check_wait(seconds: int) -> int:
    """Raises DomainError INVALID outside 0..60."""
    if not 0 <= seconds <= LONGEST:
        message = f"waitSeconds must be 0..{LONGEST}."
        raise DomainError(ErrorCode.INVALID, message, field=("input", "waitSeconds"))
    return seconds


async def wait_for_turn(operation: Operation, turn_id: UUID, seconds: float) -> None:
    """Return when the turn has ended, waits for its user or is gone, or the time is over; what is read afterwards is of
    a fresh snapshot."""
    if not seconds:
        return
    deadline = asyncio.get_running_loop().time() + seconds
    under_way, seq = await _look(operation, turn_id)
    if under_way is None:
        return
    concerned = {turn_id, under_way}  # of a conversation that is deleted, the log has no word on each turn
    async with aclosing(operation.application.hub.follow(operation.user_id, seq)) as items:
        while under_way is not None and (item := await _next(items, deadline)) is not None:
            if not isinstance(item, Batch) or any(change.entity_id in concerned for change in item.changes):
                under_way, _ = await _look(operation, turn_id)


async def _next(items: AsyncGenerator[Batch | Resync, None], deadline: float) -> Batch | Resync | None:
    """What the hub tells next; None at its end, or when the time is over. Only this wait is timed: a read that is cut
    off in its midst costs its connection."""
    try:
        async with asyncio.timeout_at(deadline):
            return await anext(items, None)
    except TimeoutError:
        return None


async def _look(operation: Operation, turn_id: UUID) -> tuple[UUID | None, int]:
    """The conversation in which the turn still moves on by itself, or None; and where the log ends."""
    await operation.renew()
    async with operation.reading() as session:
        statement = select(turns.c.status, turns.c.conversation_id)
        of_turn = (turns.c.user_id == operation.user_id, turns.c.id == turn_id)
        found = (await session.execute(statement.where(*of_turn))).first()
        seq = (await position(session)).seq
    await operation.renew()
    return None if found is None or TurnStatus(found.status).settled else found.conversation_id, seq
