"""The leases of the turns that this process runs: renewed together, off the turns' own path."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import structlog
from sqlalchemy import ARRAY, Float, Text, Uuid, bindparam, text
from sqlalchemy.exc import SQLAlchemyError

from core.database import Database
from core.errors import RequestError

log = structlog.get_logger()

_RENEW = text("SELECT * FROM tasktalk.renew_leases(:owner, :held, :seconds)").bindparams(
    bindparam("owner", type_=Text), bindparam("held", type_=ARRAY(Uuid)), bindparam("seconds", type_=Float)
)


class Leases:
    """Renews every fifth of a lease. A turn that was lost is stopped at once; the fence would refuse its writes."""

    def __init__(self, database: Database, owner: str, seconds: float) -> None:
        self._database = database
        self._owner = owner
        self._seconds = seconds
        self._held: dict[UUID, asyncio.Task[None]] = {}

    @contextmanager
    def held(self, turn_id: UUID, runner: asyncio.Task[None]) -> Iterator[None]:
        """Renew the turn's lease while the block runs."""
        self._held[turn_id] = runner
        try:
            yield
        finally:
            del self._held[turn_id]

    async def keep(self) -> None:
        """Renew for ever. A database that is away is tried again: whether a lease outlived that, the fence tells."""
        while True:
            await asyncio.sleep(self._seconds / 5)
            try:
                await self.renew()
            except (SQLAlchemyError, RequestError, OSError) as error:
                log.warning("leases_not_renewed", error=type(error).__name__, turns=len(self._held))

    async def renew(self) -> None:
        """Renew now, and stop the runners of what was lost. Raises what the database raises."""
        if not self._held:
            return
        asked = dict(self._held)
        async with self._database.for_nobody() as connection:
            parameters = {"owner": self._owner, "held": list(asked), "seconds": self._seconds}
            kept = set((await connection.execute(_RENEW, parameters)).scalars())
        for turn_id, runner in asked.items():
            if turn_id not in kept and self._held.get(turn_id) is runner:
                log.warning("lease_lost", turn=str(turn_id))
                runner.cancel()
