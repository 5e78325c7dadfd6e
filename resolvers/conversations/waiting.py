"""Waiting for a turn on its changes: no polling, and no connection held meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final, TypeVar
from uuid import UUID

from sqlalchemy import bindparam, select

from core.errors import DomainError, ErrorCode
from core.statements import prepared
from core.unit_of_work import UnitOfWork
from events.hub import Batch, Resync
from events.reading import position
from models.changes import LoggedChange
from models.enums import ChangeKind, TurnStatus
from models.turns import turns
from resolvers.operation import Operation

Result = TypeVar("Result")

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


async def work_and_wait(
    operation: Operation,
    seconds: float,
    action: Callable[[UnitOfWork], Awaitable[Result]],
    turn_of: Callable[[Result], UUID],
) -> Result:
    """One unit of work, then wait for the turn that its result names; what is read afterwards is of a new snapshot."""
    if not seconds:
        return await operation.work(action)
    async with operation.application.hub.listening(operation.user_id) as follow:
        result, written = await operation.work_at(action)
        if written is None or follow is None:
            await wait_for_turn(operation, turn_of(result), seconds)
        else:
            async with aclosing(follow(written)) as items:
                await _until_settled(operation, turn_of(result), items, _deadline(seconds))
    return result


async def wait_for_turn(operation: Operation, turn_id: UUID, seconds: float) -> None:
    """Return when the turn has ended, waits for its user or is gone, or the time is over; what is read afterwards is of
    a fresh snapshot."""
    if not seconds:
        return
    deadline = _deadline(seconds)
    if await _settled(operation, turn_id):
        return
    async with operation.reading() as session:
        seq = (await position(session)).seq
    await operation.renew()
    async with aclosing(operation.application.hub.follow(operation.user_id, seq)) as items:
        await _until_settled(operation, turn_id, items, deadline)


def _deadline(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def _until_settled(
    operation: Operation, turn_id: UUID, items: AsyncGenerator[Batch | Resync, None], deadline: float
) -> None:
    while (item := await _next(items, deadline)) is not None:
        if not isinstance(item, Batch) or any(_concerns(change, turn_id, item) for change in item.changes):
            if await _settled(operation, turn_id):
                return
            await operation.renew()


def _concerns(change: LoggedChange, turn_id: UUID, batch: Batch) -> bool:
    """Whether the turn may have settled. The log has no word on each turn of a conversation that is deleted."""
    if change.entity_id == turn_id:
        return turn_id not in batch.going_on
    return change.kind == ChangeKind.CONVERSATION


async def _next(items: AsyncGenerator[Batch | Resync, None], deadline: float) -> Batch | Resync | None:
    """What the hub tells next; None at its end, or when the time is over. Only this wait is timed: a read that is cut
    off in its midst costs its connection."""
    try:
        async with asyncio.timeout_at(deadline):
            return await anext(items, None)
    except TimeoutError:
        return None


async def _settled(operation: Operation, turn_id: UUID) -> bool:
    """As of a fresh snapshot, which stays open: what is read next is of the same instant."""
    await operation.renew()
    async with operation.reading() as session:
        status = await session.value(_STATUS, id=turn_id)
    return status is None or TurnStatus(status).settled
