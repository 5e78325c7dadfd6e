"""Keeps what the turns of a process are saying: a few times a second, all together, while it grows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import structlog

from core.database import Database, is_away
from services.turns import Draft, Lease, LeaseLost, save_drafts

log = structlog.get_logger()

DRAFT_EVERY: Final = 0.3
"""Seconds within which text that was said is saved."""


class Kept:
    """One attempt's text, for as long as it grows. `text` gives all of it."""

    def __init__(self, keeper: DraftKeeper, lease: Lease, attempt: int, text: Callable[[], str]) -> None:
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Raises LeaseLost once the turn is known to be another's; otherwise what made saving fail for good."""
        self.lease = lease
        self.grown = False
        self._keeper = keeper
        self._attempt = attempt
        self._text = text

    def grow(self) -> None:
        """There is more of it: save it soon."""
        if not self.grown:
            self.grown = True
            self._keeper.save_soon()

    async def save(self) -> None:
        """Save now what is new. Raises LeaseLost."""
        await self._keeper.save()
        if self.lost.done():
            await self.lost

    def draft(self) -> Draft:
        return Draft(self.lease, self._attempt, self._text())

    def fail(self, error: Exception) -> None:
        if not self.lost.done():
            self.lost.set_exception(error)


class DraftKeeper:
    """Of one process. Has a timer while something waits to be saved, and a task while it is being saved; both are gone
    when the last text has been left."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: set[Kept] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._saving: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def keeping(self, lease: Lease, attempt: int, text: Callable[[], str]) -> AsyncIterator[Kept]:
        """Keep a text while the block runs. Once it is left nothing of it is being saved any more."""
        kept = Kept(self, lease, attempt, text)
        self._kept.add(kept)
        try:
            yield kept
        finally:
            self._kept.discard(kept)
            if not self._kept and self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if not kept.lost.cancel() and not kept.lost.cancelled():
                kept.lost.exception()  # nobody may have been left to hear it
            if self._saving is not None:
                await asyncio.wait([self._saving])

    def save_soon(self) -> None:
        """Within DRAFT_EVERY."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(DRAFT_EVERY, self._begin)

    async def save(self) -> None:
        """Save everything that is new now."""
        if self._saving is not None:
            await asyncio.wait([self._saving])
        await asyncio.wait([self._begin()])

    def _begin(self) -> asyncio.Task[None]:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._saving is None:
            self._saving = asyncio.create_task(self._save(), name="drafts")
        elif self._kept:  # the database is slow: at the next time
            self.save_soon()
        return self._saving

    async def _save(self) -> None:
        """Never raises. A database that is away is tried again at the next save: the round's commit decides."""
        grown = {kept.lease.turn_id: kept for kept in self._kept if kept.grown}
        for kept in grown.values():
            kept.grown = False
        try:
            held = await save_drafts(self._database, [kept.draft() for kept in grown.values()]) if grown else {}
        except Exception as error:
            if is_away(error):
                log.warning("draft_not_saved", turns=len(grown), error=type(error).__name__)
                held = dict.fromkeys(grown, False)
            else:
                held = {}
                for kept in grown.values():
                    kept.fail(error)
        finally:
            self._saving = None
        self._settle(grown, held)

    def _settle(self, grown: dict[UUID, Kept], held: dict[UUID, bool]) -> None:
        for turn_id, kept in grown.items():
            saved = held.get(turn_id)
            if saved is None:
                kept.fail(LeaseLost())
            elif not saved and kept in self._kept:
                kept.grow()
