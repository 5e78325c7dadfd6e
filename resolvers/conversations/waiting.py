"""Waiting for a turn on its changes: no polling, and no connection held meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select

from core.errors import DomainError, ErrorCode
from core.statements import prepared
from events.hub import Batch, Resync
from events.reading import position
from models.enums import TurnStatus
from models.turns import turns
from resolvers.operation import Operation

LONGEST = 60


_STATUS: Final = prepared(
    select(turns.c.status).where(turns.c.user_id == bindparam("user_id"), turns.c.id == bindparam("id"))
)


def check_wait(seconds: int) -> int:
    """Raises DomainError INVALID outside 0..60."""
    if not 0 <= seconds <= LONGEST:
        message = f"waitSeconds must be 0..{LONGEST}."
        raise DomainError(ErrorCode.INVALID, message, field=("input", "waitSeconds"))
    return seconds


async def wait_for_turn(operation: Operation, turn_id: UUID, seconds: float) -> None:
    """Return when the turn has ended or waits for its user, or the time is over; what is read afterwards is of a fresh
    snapshot."""
    if not seconds:
        return
    deadline = asyncio.get_running_loop().time() + seconds
    settled, seq = await _look(operation, turn_id)
    if settled:
        return
    async with aclosing(operation.application.hub.follow(operation.user_id, seq)) as items:
        while not settled and (item := await _next(items, deadline)) is not None:
            if not isinstance(item, Batch) or any(change.entity_id == turn_id for change in item.changes):
                settled, _ = await _look(operation, turn_id)


async def _next(items: AsyncGenerator[Batch | Resync, None], deadline: float) -> Batch | Resync | None:
    """What the hub tells next; None at its end, or when the time is over. Only this wait is timed: a read that is cut
    off in its midst costs its connection."""
    try:
        async with asyncio.timeout_at(deadline):
            return await anext(items, None)
    except TimeoutError:
        return None


async def _look(operation: Operation, turn_id: UUID) -> tuple[bool, int]:
    await operation.renew()
    async with operation.reading() as session:
        status = await session.value(_STATUS, id=turn_id)
        seq = (await position(session)).seq
    await operation.renew()
    return status is None or TurnStatus(status).settled, seq
