"""A worker: wakes conversations, runs their turns under leases, and looks for turns that nobody works on."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, TypeVar
from uuid import UUID

import structlog

from assistant.beginning import Beginning, read_beginning
from assistant.progress import Engine
from assistant.turn import TurnRunner
from core.database import is_away
from core.dsn import Dsn
from core.ids import new_id
from core.settings import Settings
from core.unit_of_work import UnitOfWork
from events.bus import Backoff
from events.control import follow_stops
from jobs.leases import Held, Leases
from jobs.ownership import Mark
from jobs.periodic import HOUSEKEEPING, every, keep_house, watch
from jobs.queue import POLL, POLL_DEAF, QUEUE, make_app
from jobs.reminders import LOOK, fire_due
from jobs.webhooks import work_webhooks
from services.turns import Claimed, LeaseLost, claim, resume

log = structlog.get_logger()

Result = TypeVar("Result")

STEADY: Final = 30.0
"""Seconds after which a queue that is lost was a good one: the next is opened at once."""

DEAF: Final = 2.0
"""Seconds after which a part that was to end, and hasn't, is told again."""

OUTAGES: Final = 5
"""Outages of the database that one turn is run through; past that its lease runs out, and it counts as lost."""


class Worker:
    """Runs turns until it is stopped; then it hands on what it has under way.

    Of `dsn` and `direct_dsn`, the latter is the queue's where given: past a transaction-mode pooler it can listen.
    `marks` is where the workers of one machine leave word that they live (jobs.ownership).
    """

    def __init__(
        self, engine: Engine, dsn: Dsn, settings: Settings, *, direct_dsn: Dsn | None = None, marks: Path | None = None
    ) -> None:
        self._engine = engine
        self._queue_dsn = direct_dsn or dsn
        self._settings = settings
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{new_id()}"
        self._mark = Mark(marks, self.owner) if marks is not None else None
        self._backoff = Backoff(first=0.05, longest=1.0)
        self._leases = Leases(engine.database, self.owner, settings.lease_seconds)
        self._turns: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._healthy = False
        self._closing = False

    @property
    def healthy(self) -> bool:
        """Whether it takes jobs from the queue."""
        return self._healthy

    @property
    def _has_webhook(self) -> bool:
        return self._settings.webhook_url is not None

    @property
    def running(self) -> int:
        """How many turns it has under way."""
        return len(self._turns)

    async def __aenter__(self) -> Worker:
        if self._mark is not None:
            self._mark.make()
        house = partial(keep_house, self._engine.database, self._settings)
        parts: dict[str, Coroutine[None, None, None]] = {
            "queue": self._supervise(self._work_queue),
            "leases": self._leases.keep(),
            "stops": self._follow_stops(),
            "watchdog": watch(self._engine.database, self._settings, self._mark),
            "housekeeping": every(HOUSEKEEPING, house),
            "reminders": every(LOOK, partial(fire_due, self._engine.database, webhook=self._has_webhook)),
        }
        if self._has_webhook:
            deliver = partial(work_webhooks, self._queue_dsn, self._engine.database, self._settings)
            parts["webhooks"] = self._supervise(deliver)
        self._tasks = [asyncio.create_task(part, name=name) for name, part in parts.items()]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take no more turns, and hand on those under way."""
        self._closing = True
        tasks: set[asyncio.Task[None]] = {*self._tasks, *self._turns}
        for task in tasks:
            task.cancel()
        while tasks:
            # The queue's pool uses asyncio.wait_for: it loses a cancellation that comes as what it waits for is done.
            _, tasks = await asyncio.wait(tasks, timeout=DEAF)
            for task in tasks.difference(self._turns):  # these hand on, and that must not be cut off
                task.cancel()
        if self._mark is not None:
            self._mark.leave()

    async def run(self) -> None:
        """Work until cancelled."""
        async with self:
            await asyncio.Event().wait()

    async def _supervise(self, work: Callable[[], Awaitable[None]]) -> None:
        """Work through a queue, and anew whenever the database took its connections."""
        loop, backoff, failures = asyncio.get_running_loop(), Backoff(first=0.2, longest=10.0), 0
        while True:
            began, cause = loop.time(), "stopped"
            try:
                await work()
            except Exception as error:  # the boundary of the queue: whatever its failure, the cure is a new one
                cause = type(error).__name__
            failures = 1 if loop.time() - began > STEADY else failures + 1
            log.warning("queue_lost", error=cause, failures=failures)
            await asyncio.sleep(backoff.delay(failures))

    async def _work_queue(self) -> None:
        """One life of procrastinate's worker. Turns under way outlive it."""
        app = make_app(self._queue_dsn, self._wake)
        listens = not self._queue_dsn.is_pooled
        try:
            await app.open_async()
            self._healthy = True
            await app.run_worker_async(
                queues=[QUEUE],
                concurrency=self._settings.worker_concurrency,
                install_signal_handlers=False,
                listen_notify=listens,
                fetch_job_polling_interval=POLL if listens else POLL_DEAF,
                delete_jobs="always",
                shutdown_graceful_timeout=0.1,
            )
        finally:
            self._healthy = False
            await app.close_async()

    async def _wake(self, user_id: str, conversation_id: UUID) -> None:
        """The job. Its turn is a task of the worker's own: a queue that is lost takes its jobs along, but no turn."""
        if self._closing:
            return  # another worker's watchdog finds the turn
        task = asyncio.create_task(self._run_next(user_id, conversation_id), name=f"turn of {conversation_id}")
        self._turns.add(task)
        task.add_done_callback(self._turns.discard)
        await asyncio.wait([task])

    async def _run_next(self, user_id: str, conversation_id: UUID) -> None:
        """Take the conversation's next turn, if there is one, and run it. A turn that ends wakes what follows it."""
        try:
            claimed = await self._past_outages(partial(self._claim, user_id, conversation_id))
            if claimed is not None:
                with self._leases.held(claimed[0].turn.id) as held:
                    await self._see_through(*claimed, held)
        except LeaseLost:
            log.info("lease_lost", conversation=str(conversation_id))
        except Exception:
            # The boundary of a job: the watchdog finds again what a failed claim, or a turn without an end, left.
            log.exception("wake_failed", conversation=str(conversation_id))

    async def _follow_stops(self) -> None:
        """Stop turns as their users say so. What the bus doesn't bring, the next renewal does."""
        async for turn_id in follow_stops(self._engine.bus, self.owner):
            self._leases.stop(turn_id)

    async def _see_through(self, claimed: Claimed, beginning: Beginning | None, held: Held) -> None:
        """Run the turn; after an outage of the database go on with it, from what is committed. Raises LeaseLost.

        Its lease may be over by then. That is no attempt lost: other watchdogs wait until all had time to renew theirs.
        """
        for _ in range(OUTAGES):
            try:
                await self._run(claimed, beginning, held)
                return
            except Exception as error:
                if self._closing or not is_away(error):
                    raise
                log.warning("database_lost", turn=str(claimed.turn.id), error=type(error).__name__)
            claimed, beginning = await self._past_outages(partial(self._resume, claimed)), None
        await self._run(claimed, beginning, held)

    async def _run(self, claimed: Claimed, beginning: Beginning | None, held: Held) -> None:
        runner = TurnRunner(self._engine, claimed, beginning)
        held.stop = runner.stop
        await runner.run()

    async def _past_outages(self, action: Callable[[], Awaitable[Result]]) -> Result:
        """Do it, again and again while the database is away."""
        failures = 0
        while True:
            try:
                return await action()
            except Exception as error:
                if self._closing or not is_away(error):
                    raise
                failures += 1
            await asyncio.sleep(self._backoff.delay(failures))

    async def _resume(self, claimed: Claimed) -> Claimed:
        again = partial(resume, claimed=claimed, lease_seconds=self._settings.lease_seconds)
        return await self._engine.database.work(claimed.lease.user_id, again)

    async def _claim(self, user_id: str, conversation_id: UUID) -> tuple[Claimed, Beginning | None] | None:
        """The conversation's next turn, if there is one to run, and what it begins with."""

        async def take(work: UnitOfWork) -> tuple[Claimed, Beginning | None] | None:
            claimed = await claim(
                work,
                conversation_id,
                owner=self.owner,
                lease_seconds=self._settings.lease_seconds,
                running_limit=self._settings.limit_running_turns,
            )
            if claimed is None:
                return None
            if (
                claimed.waiting is not None or claimed.turn.answer_to is not None
            ):  # another turn has to be seen to first
                return claimed, None
            return claimed, await read_beginning(work, self._engine, claimed.turn, claimed.conversation)

        return await self._engine.database.work(user_id, take)
