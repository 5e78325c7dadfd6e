"""A worker: wakes conversations, runs their turns under leases, and looks for turns that nobody works on."""

from __future__ import annotations

import asyncio
import os
import socket
from functools import partial
from types import TracebackType
from typing import Final
from uuid import UUID

import structlog
from procrastinate.exceptions import ProcrastinateException
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from assistant.turn import Engine, TurnRunner
from core.dsn import Dsn
from core.ids import new_id
from core.settings import Settings
from jobs.leases import Leases
from jobs.periodic import HOUSEKEEPING, every, keep_house, wake_orphans
from jobs.queue import QUEUE, make_app
from services.turns import Claimed, claim

log = structlog.get_logger()

POLL: Final = 5.0
"""Seconds between two looks at the queue where no notification came."""

LONGEST_BACKOFF: Final = 10.0


class Worker:
    """Runs turns until it is stopped; then it hands on what it has under way."""

    def __init__(self, engine: Engine, dsn: Dsn, settings: Settings, *, direct_dsn: Dsn | None = None) -> None:
        self._engine = engine
        self._queue_dsn = direct_dsn or dsn
        self._settings = settings
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{new_id()}"
        self._leases = Leases(engine.database, self.owner, settings.lease_seconds)
        self._running: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._healthy = False

    @property
    def healthy(self) -> bool:
        """Whether the queue's connection stands."""
        return self._healthy

    async def __aenter__(self) -> Worker:
        orphans = partial(wake_orphans, self._engine.database, self._settings)
        house = partial(keep_house, self._engine.database, self._settings)
        self._tasks = [
            asyncio.create_task(self._supervise(), name="queue"),
            asyncio.create_task(self._leases.keep(), name="leases"),
            asyncio.create_task(every(self._settings.lease_seconds / 2, orphans), name="watchdog"),
            asyncio.create_task(every(HOUSEKEEPING, house), name="housekeeping"),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop taking turns first, then hand on those under way."""
        tasks = [*self._tasks, *self._running]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._healthy = False

    async def run(self) -> None:
        """Work until cancelled."""
        async with self:
            await asyncio.Event().wait()

    async def _supervise(self) -> None:
        """Run the queue's worker, and another when the database took its connection."""
        failures = 0
        while True:
            try:
                app = make_app(self._queue_dsn, self._wake)
                async with app.open_async():
                    self._healthy, failures = True, 0
                    await app.run_worker_async(
                        queues=[QUEUE],
                        concurrency=self._settings.worker_concurrency,
                        install_signal_handlers=False,
                        listen_notify=not self._queue_dsn.is_pooled,
                        fetch_job_polling_interval=POLL,
                        delete_jobs="always",
                        shutdown_graceful_timeout=0.1,
                    )
            except (ProcrastinateException, OperationalError, PoolTimeout, OSError) as error:
                log.warning("queue_lost", error=type(error).__name__)
            self._healthy = False
            failures += 1
            await asyncio.sleep(min(0.2 * 2**failures, LONGEST_BACKOFF))

    async def _wake(self, user_id: str, conversation_id: UUID) -> None:
        """The job: take the conversation's next turn, if there is one. A turn that ends wakes what follows it."""
        try:
            claimed = await self._claim(user_id, conversation_id)
            if claimed is not None:
                await self._run(claimed)
        except asyncio.CancelledError:
            raise
        except Exception:
            # The boundary of a job: the watchdog finds again what a failed claim left.
            log.exception("wake_failed", conversation=str(conversation_id))

    async def _claim(self, user_id: str, conversation_id: UUID) -> Claimed | None:
        take = partial(
            claim,
            conversation_id=conversation_id,
            owner=self.owner,
            lease_seconds=self._settings.lease_seconds,
            running_limit=self._settings.limit_running_turns,
        )
        return await self._engine.database.work(user_id, take)

    async def _run(self, claimed: Claimed) -> None:
        """A task of its own, so that the queue's shutdown doesn't cut a turn before it is handed on."""
        runner = asyncio.create_task(TurnRunner(self._engine, claimed).run(), name=f"turn-{claimed.turn.id}")
        self._running.add(runner)
        runner.add_done_callback(self._running.discard)
        with self._leases.held(claimed.turn.id, runner):
            await asyncio.wait([runner])
