"""The leases of the turns that this process runs: renewed together, off the turns' own path."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import ARRAY, Float, Text, Uuid, bindparam, text

from core.database import Database

log = structlog.get_logger()

GRACE: Final = 0.2
"""Seconds for a turn that is just ending to end by itself: its lease is over with its last transaction."""

_RENEW = text("SELECT * FROM tasktalk.renew_leases(:owner, :held, :seconds)").bindparams(
    bindparam("owner", type_=Text), bindparam("held", type_=ARRAY(Uuid)), bindparam("seconds", type_=Float)
)


def _ignore() -> None:
    """Nothing runs yet."""


@dataclass(slots=True, eq=False)
class Held:
    """A turn that is run here: the task that runs it, and how that is told that its user wants it stopped."""

    runner: asyncio.Task[Any]  # Any: nobody looks at what a runner returns
    stop: Callable[[], None] = _ignore
    """Set once something can be stopped; what begins later reads it in the turn's row."""


class Leases:
    """Renews every fifth of a lease, of `seconds`. A turn that was lost is stopped; the fence refuses its writes."""

    def __init__(self, database: Database, owner: str, seconds: float) -> None:
        self._database = database
        self._owner = owner
        self._seconds = seconds
        self._held: dict[UUID, Held] = {}

    @contextmanager
    def held(self, turn_id: UUID) -> Iterator[Held]:
        """Renew the turn's lease while the block runs in this task, and cancel the task if the lease is lost."""
        runner = asyncio.current_task()
        assert runner is not None, "a coroutine calls this"
        held = self._held[turn_id] = Held(runner)
        try:
            yield held
        finally:
            if self._held.get(turn_id) is held:
                del self._held[turn_id]

    def stop(self, turn_id: UUID) -> None:
        """Stop a turn on its user's word, if it is run here."""
        if held := self._held.get(turn_id):
            held.stop()

    async def keep(self) -> None:
        """Renew for ever. A database that is away is asked again, sooner: whether a lease outlived that, it knows.

        One that vanished without a word would hold an answer back for minutes: it gets half a lease.
        """
        while True:
            try:
                async with asyncio.timeout(self._seconds / 2):
                    await self.renew()
                wait = self._seconds / 5
            except Exception as error:  # the drivers' failures are no one tree, and the cure is the same: again
                log.warning("leases_not_renewed", error=type(error).__name__, turns=len(self._held))
                wait = self._seconds / 20
            await asyncio.sleep(wait)

    async def renew(self) -> None:
        """Renew now, and stop the runners of what was lost. Raises what the database raises."""
        if not self._held:
            return
        asked = dict(self._held)
        async with self._database.for_nobody() as connection:
            parameters = {"owner": self._owner, "held": list(asked), "seconds": self._seconds}
            kept = {turn_id: cancelled for turn_id, cancelled in await connection.execute(_RENEW, parameters)}
        for turn_id, held in asked.items():
            if turn_id not in kept:
                asyncio.get_running_loop().call_later(GRACE, self._lost, turn_id, held)
            elif kept[turn_id]:
                held.stop()

    def _lost(self, turn_id: UUID, held: Held) -> None:
        if self._held.get(turn_id) is held:
            log.warning("lease_lost", turn=str(turn_id))
            held.runner.cancel()
