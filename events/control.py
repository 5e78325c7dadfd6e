"""Words to one worker, over the bus: a user wants a turn stopped now. Who misses one sees it in the turn's row."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol
from uuid import UUID

from events.bus import Bus
from events.subscription import Received


class Publisher(Protocol):
    """The part of the bus that this needs."""

    async def publish(self, channel: str, message: bytes | str) -> None: ...


def worker_channel(owner: str) -> str:
    """The channel that a worker listens on."""
    return f"worker:{owner}"


async def publish_stop(bus: Publisher, owner: str, turn_id: UUID) -> None:
    """Have a worker stop a turn. To be called after COMMIT."""
    await bus.publish(worker_channel(owner), str(turn_id))


async def follow_stops(bus: Bus, owner: str) -> AsyncIterator[UUID]:
    """The turns that a worker is to stop, as it is told."""
    async with bus.subscribe(worker_channel(owner)) as subscription:
        async for item in subscription:
            if isinstance(item, Received):
                try:
                    yield UUID(item.message)
                except ValueError:
                    continue  # not ours
