"""The faults that changes are written and read through, each with its cure."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from bench.soaking.broker import Broker
from bench.soaking.changes import Writer
from bench.soaking.processes import Program
from core.database import Database, make_links
from core.dsn import Dsn
from core.embedded import EmbeddedServer
from core.ids import new_id
from core.unit_of_work import Change, UnitOfWork
from events.log import ChangeLog
from models.enums import ChangeKind

AWAY = 1.5
"""Seconds that something is away before it comes back."""


class _Unheard:
    """Announces nothing."""

    async def publish(self, channel: str, message: str) -> None:
        pass


@dataclass(frozen=True)
class Faults:
    """What can go wrong. Each returns once what it broke is there again."""

    broker: Broker | None
    postgres: EmbeddedServer
    servers: Sequence[Program]
    writers: Sequence[Writer]
    users: Sequence[str]
    choose: Callable[[Sequence[Program]], Program]

    def all(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        found: dict[str, Callable[[], Awaitable[None]]] = {
            "nothing": self.nothing,
            "wake-ups are lost": self.wake_ups_lost,
            "PostgreSQL restarted": self.postgres_restarted,
            "PostgreSQL killed": self.postgres_killed,
            "a replica is killed": self.replica_killed,
            "rolling restart": self.rolling_restart,
        }
        if self.broker is not None:
            found["Redis killed and started again"] = partial(_redis_restarted, self.broker)
            found["Redis hangs"] = partial(_redis_hangs, self.broker)
            found["the listeners' connections are killed"] = self.broker.drop_listeners
        return found

    async def nothing(self) -> None:
        await asyncio.sleep(AWAY)

    async def wake_ups_lost(self) -> None:
        """Nobody else writes meanwhile: the next wake-up would make good for the lost one."""
        for writer in self.writers:
            writer.open.clear()
        for writer in self.writers:
            await writer.idle.wait()
        await asyncio.sleep(AWAY)
        database = Database(make_links(Dsn.parse(self.postgres.dsn), size=2), ChangeLog(_Unheard()))
        try:
            for user in self.users:
                await database.work(user, _change)
        finally:
            await database.close()

    async def postgres_restarted(self) -> None:
        await self.postgres.stop()
        await asyncio.sleep(AWAY)
        await self.postgres.revive()

    async def postgres_killed(self) -> None:
        os.kill(self.postgres.pid, signal.SIGKILL)
        await asyncio.sleep(AWAY)
        await self.postgres.revive()

    async def replica_killed(self) -> None:
        victim = self.choose(self.servers)
        await victim.kill()
        await asyncio.sleep(AWAY)
        await victim.start()

    async def rolling_restart(self) -> None:
        for server in self.servers:
            await server.stop()
            await server.start()


async def _change(work: UnitOfWork) -> None:
    work.record(Change(ChangeKind.TASK, new_id(), action="UPDATED", actor="SYSTEM"))


async def _redis_restarted(broker: Broker) -> None:
    await broker.stop()
    await asyncio.sleep(AWAY)
    await broker.start()


async def _redis_hangs(broker: Broker) -> None:
    broker.freeze()
    await asyncio.sleep(2 * AWAY)
    broker.thaw()
