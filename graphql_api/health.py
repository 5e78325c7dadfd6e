"""Is the process up, is it ready, and how is it doing."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy import insert, text
from sqlalchemy.exc import SQLAlchemyError
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

_ROLE = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user AND current_user = :role")


class _Undo(Exception):
    """Ends the probe's transaction without keeping anything of it."""


async def prove_row_security(database: Database) -> bool:
    """The role neither is superuser nor bypasses, and one user's row is not there for another. Leaves no trace."""
    async with database.for_nobody() as connection:
        if (await connection.execute(_ROLE, {"role": ROLE})).scalar() is not False:
            return False
    unseen = False
    try:
        async with database.for_nobody() as connection:
            probe = f"probe-{uuid.uuid4().hex}"
            await connection.execute(text("SELECT set_config('app.user_id', :probe, true)"), {"probe": probe})
            await connection.execute(insert(users).values(id=probe))
            own = (await connection.execute(text("SELECT count(*) FROM tasktalk.users"))).scalar()
            await connection.execute(text("SELECT set_config('app.user_id', :nobody, true)"), {"nobody": NOBODY})
            others = (await connection.execute(text("SELECT count(*) FROM tasktalk.users"))).scalar()
            unseen = own == 1 and others == 0
            raise _Undo
    except _Undo:
        return unseen


@dataclass(frozen=True, slots=True)
class Health:
    """The three pages for whoever watches the process."""

    database: Database
    bus: Bus
    hub: Hub
    sockets: SocketRegistry
    worker: Worker | None

    async def alive(self, _: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(self, _: Request) -> Response:
        checks = {"database": False, "migrations": False, "row_level_security": False}
        try:
            async with self.database.for_nobody() as connection:
                checks["database"] = True
                found = (await connection.execute(text("SELECT version_num FROM tasktalk.alembic_version"))).scalar()
            checks["migrations"] = found == runner.newest()
            checks["row_level_security"] = await prove_row_security(self.database)
        except (SQLAlchemyError, TasktalkError, OSError) as error:
            log.warning("not_ready", error=type(error).__name__)
        if self.worker is not None:
            checks["worker"] = self.worker.healthy
        good = all(checks.values())
        # Live updates go on by polling without the bus, so it is told but doesn't decide.
        body = {"status": "ok" if good else "unavailable", "checks": {**checks, "bus": self.bus.healthy}}
        return JSONResponse(body, status_code=200 if good else 503)

    async def metrics(self, _: Request) -> Response:
        registry = CollectorRegistry()
        bus, hub = self.bus.stats, self.hub.stats
        figures = {
            "tasktalk_sockets": ("Open WebSockets.", len(self.sockets)),
            "tasktalk_followers": ("Subscriptions that follow a change log.", self.hub.followers),
            "tasktalk_bus_healthy": ("Whether the bus carries wake-ups.", int(self.bus.healthy)),
            "tasktalk_bus_published": ("Messages handed to the bus.", bus.published),
            "tasktalk_bus_dropped": ("Messages that the bus could not take.", bus.dropped),
            "tasktalk_bus_rebuilt": ("Times the bus' connection was replaced.", bus.rebuilt),
            "tasktalk_hub_reads": ("Reads of change logs.", hub.reads),
            "tasktalk_hub_polls": ("Looks at users' positions.", hub.polls),
            "tasktalk_hub_overflowed": ("Followers that were too slow for their queue.", hub.overflowed),
        }
        for name, (description, value) in figures.items():
            Gauge(name, description, registry=registry).set(value)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
