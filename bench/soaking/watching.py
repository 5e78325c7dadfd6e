"""What the soak sees in the database while it runs: where each turn is, who holds it, and when it moved."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from uuid import UUID

import psycopg

EVERY = 0.02
"""Seconds between two looks: how exact the times are."""

LIVE = ("QUEUED", "RUNNING", "AWAITING_CONFIRMATION")
_LOOK = "SELECT id, status, version FROM tasktalk.turns WHERE status = ANY(%s) OR id = ANY(%s)"
_HELD = "SELECT id, version FROM tasktalk.turns WHERE status = 'RUNNING' AND split_part(lease_owner, ':', 2) = %s"


@dataclass
class Watch:
    """Follows every turn that hasn't ended. It reads as the database's owner, past all that it measures."""

    connection: psycopg.AsyncConnection
    versions: dict[UUID, int] = field(default_factory=dict)
    ended: set[UUID] = field(default_factory=set)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def keep(self) -> None:
        """Look again and again, until cancelled."""
        live: list[UUID] = []
        while True:
            rows = await (await self.connection.execute(_LOOK, (list(LIVE), live))).fetchall()
            live = [turn for turn, status, _ in rows if status in LIVE]
            async with self._changed:
                self.versions.update((turn, version) for turn, _, version in rows)
                self.ended.update(turn for turn, status, _ in rows if status not in LIVE)
                self._changed.notify_all()
            await asyncio.sleep(EVERY)

    async def end_of(self, turn: UUID) -> None:
        """Wait until the turn has ended. One that was seen first after its end is asked for."""
        async with self._changed:
            while turn not in self.ended:
                await self._changed.wait()
                if turn not in self.versions and await self._has_ended(turn):
                    return

    async def _has_ended(self, turn: UUID) -> bool:
        found = await self.connection.execute("SELECT status FROM tasktalk.turns WHERE id = %s", (turn,))
        row = await found.fetchone()
        return row is not None and row[0] not in LIVE

    async def held_by(self, pid: int) -> dict[UUID, int]:
        """The turns that this process has under way, with their versions."""
        return dict(await (await self.connection.execute(_HELD, (str(pid),))).fetchall())

    async def progress_of(self, turn: UUID, version: int) -> float:
        """Wait until somebody goes on with the turn past this version; the moment, by the monotonic clock."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.versions.get(turn, version) > version)
        return time.monotonic()
