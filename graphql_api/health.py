"""Is the process up, is it ready, and how is it doing."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass, field
from typing import Final

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest
from sqlalchemy import insert, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from core.database import NOBODY, ROLE, Database
from core.errors import TasktalkError
from events.bus import Bus
from events.hub import Hub
from graphql_api.transport import SocketRegistry
from jobs.worker import Worker
from migrations import runner
from models.users import users

log = structlog.get_logger()

BELIEVED: Final = 1.0
"""Seconds that one look at the database answers for: /readyz is open to all and must cost nothing."""

_ROLE = text(
    "SELECT rolname = :role AND NOT rolsuper AND NOT rolbypassrls FROM pg_catalog.pg_roles WHERE rolname = current_user"
)
# Every table with an owner; `users` is its own.
_GUARDED = text(
    "SELECT bool_and(row_security_active(c.oid)) FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = 'tasktalk' AND c.relkind IN ('r', 'p') AND c.relname NOT LIKE 'procrastinate%'"
    " AND (c.relname = 'users' OR EXISTS (SELECT FROM pg_catalog.pg_attribute a"
    " WHERE a.attrelid = c.oid AND a.attname = 'user_id'))"
)
_BECOME = text("SELECT set_config('app.user_id', :user, true)")
_SEEN = text("SELECT count(*) FROM tasktalk.users")


async def prove_row_security(database: Database) -> bool:
    """Whether the role has no special rights, every table of a user's is guarded, and one user's row isn't there for
    another. Leaves nothing behind. Raises what the database raises.
    """
    async with database.for_nobody() as connection:
        if not (await connection.execute(_ROLE, {"role": ROLE})).scalar():
            return False
        if not (await connection.execute(_GUARDED)).scalar():
            return False
        return await _probe(connection)


async def _probe(connection: AsyncConnection) -> bool:
    """Make a user, look for it as itself and as somebody else, and take it back."""
    async with connection.begin_nested() as attempt:
        probe = f"probe-{uuid.uuid4().hex}"
        await connection.execute(_BECOME, {"user": probe})
        await connection.execute(insert(users).values(id=probe))
        own = (await connection.execute(_SEEN)).scalar()
        await connection.execute(_BECOME, {"user": f"other-{probe}"})
        others = (await connection.execute(_SEEN)).scalar()
        await connection.execute(_BECOME, {"user": NOBODY})
        nobodys = (await connection.execute(_SEEN)).scalar()
        await attempt.rollback()
    return (own, others, nobodys) == (1, 0, 0)


@dataclass(slots=True)
class Health:
    """The three pages for whoever watches the process."""

    database: Database
    bus: Bus
    hub: Hub
    sockets: SocketRegistry
    worker: Worker | None
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _seen: dict[str, bool] = field(default_factory=dict)
    _until: float = 0.0

    async def alive(self, _: Request) -> Response:
        """The process answers."""
        return JSONResponse({"status": "ok"})

    async def ready(self, _: Request) -> Response:
        """200 where it can do its work, 503 where not; the checks say which part."""
        async with self._looking:
            if time.monotonic() >= self._until:
                self._seen = await self._look()
                self._until = time.monotonic() + BELIEVED
        checks = dict(self._seen)
        if self.worker is not None:
            checks["worker"] = self.worker.healthy
        good = all(checks.values())
        # Live updates go on by polling without the bus, so it is told but doesn't decide.
        body = {"status": "ok" if good else "unavailable", "checks": {**checks, "bus": self.bus.healthy}}
        return JSONResponse(body, status_code=200 if good else 503)

    async def _look(self) -> dict[str, bool]:
        checks = {"database": False, "migrations": False, "row_level_security": False}
        try:
            async with self.database.for_nobody() as connection:
                found = (await connection.execute(text("SELECT version_num FROM tasktalk.alembic_version"))).scalar()
            checks["database"] = True
            checks["migrations"] = found == runner.newest()
            checks["row_level_security"] = await prove_row_security(self.database)
        except (SQLAlchemyError, TasktalkError, OSError) as error:
            log.warning("not_ready", error=type(error).__name__)
        return checks

    async def metrics(self, _: Request) -> Response:
        """Figures in Prometheus' text format. They name no user."""
        registry = CollectorRegistry()
        for name, description, value in self._gauges():
            Gauge(f"tasktalk_{name}", description, registry=registry).set(value)
        for name, description, value in self._counts():
            Counter(f"tasktalk_{name}", description, registry=registry).inc(value)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    def _gauges(self) -> list[tuple[str, str, float]]:
        return [
            ("sockets", "Open WebSockets and event streams.", len(self.sockets)),
            ("turns_running", "Turns that this process runs.", self.worker.running if self.worker else 0),
            ("followers", "Subscriptions that follow a change log.", self.hub.followers),
            ("bus_healthy", "Whether the bus carries wake-ups (1) or not (0).", self.bus.healthy),
            (
                "worker_healthy",
                "Whether this process takes turns (1) or not (0).",
                bool(self.worker and self.worker.healthy),
            ),
        ]

    def _counts(self) -> list[tuple[str, str, float]]:
        bus, hub = self.bus.stats, self.hub.stats
        return [
            ("bus_published", "Messages handed to the broker.", bus.published),
            ("bus_dropped", "Messages that the broker didn't take.", bus.dropped),
            ("bus_rebuilt", "Connections to the broker that replaced a lost one.", bus.rebuilt),
            ("bus_overflowed", "Readers of the bus that were too slow.", bus.overflowed),
            ("hub_reads", "Reads of change logs.", hub.reads),
            ("hub_polls", "Looks at the users' positions.", hub.polls),
            ("hub_failures", "Reads and looks that the database refused.", hub.failures),
            ("hub_overflowed", "Followers that were too slow for their queue.", hub.overflowed),
        ]
