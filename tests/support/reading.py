"""Waiting in tests of the bus: for an item, a message, a condition. The bound only ends a test that has failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from events.subscription import Item, Received, Subscription

GUARD = 30.0


async def item(subscription: Subscription) -> Item:
    async with asyncio.timeout(GUARD):
        return await anext(subscription)


async def message(subscription: Subscription) -> str:
    """The next item, which must be a message."""
    found = await item(subscription)
    assert isinstance(found, Received), found
    return found.message


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(GUARD):
        while not condition():  # noqa: ASYNC110 - any condition, also one that tells nobody of its change
            await asyncio.sleep(0)


def other_tasks() -> set[str]:
    """Names of the coroutines that run beside the test."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    return {getattr(task.get_coro(), "__qualname__", repr(task)) for task in tasks}
