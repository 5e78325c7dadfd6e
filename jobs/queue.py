"""The procrastinate app: its tables live in our schema, on a small pool of its own beside asyncpg's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, Protocol
from uuid import UUID

from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status
from psycopg.conninfo import make_conninfo

from core.database import SCHEMA
from core.dsn import Dsn

QUEUE: Final = "turns"
TASK: Final = "wake"
"""As in the SQL function tasktalk.wake."""

APPLICATION: Final = "tasktalk queue"
"""What PostgreSQL shows as the name of these connections, unless the URL gives another."""

PATH: Final = f"{SCHEMA},pg_catalog"
"""procrastinate's SQL is unqualified."""

ECHO: Final = 0.05
"""Seconds after which a notification is heard again."""

Wake = Callable[[str, UUID], Awaitable[None]]


class Heard(Protocol):
    """What procrastinate wants to be told of a notification."""

    def __call__(self, *, channel: str, payload: str) -> Awaitable[None]: ...


class ListeningConnector(PsycopgConnector):
    """Passes each notification on a second time, a little later.

    procrastinate's worker forgets what it heard while it was looking for a job: one that was committed just then would
    wait for the next poll. By the echo, that look is over.
    """

    async def listen_notify(self, on_notification: Heard, channels: Iterable[str]) -> None:
        last: dict[str, str] = {}
        heard = asyncio.Event()

        async def hear(*, channel: str, payload: str) -> None:
            last[channel] = payload
            heard.set()
            await on_notification(channel=channel, payload=payload)

        async def repeat() -> None:
            while True:
                await heard.wait()
                heard.clear()
                await asyncio.sleep(ECHO)
                for channel, payload in last.items():
                    await on_notification(channel=channel, payload=payload)

        repeating = asyncio.create_task(repeat(), name="echo")
        try:
            await super().listen_notify(hear, channels)
        finally:
            repeating.cancel()
            await asyncio.wait([repeating])


class PooledConnector(PsycopgConnector):
    """For a transaction-mode pooler: no start-up options get through it, so each transaction sets its own path."""

    # Any: a psycopg connection and its cursor, as the method that this one wraps has them.
    @asynccontextmanager
    async def _get_cursor(self, connection: Any = None) -> AsyncIterator[Any]:
        async with super()._get_cursor(connection) as cursor:
            await cursor.execute("SELECT set_config('search_path', %s, true)", (PATH,))
            yield cursor


def conninfo(dsn: Dsn) -> str:
    """A libpq connection string for the queue's connections. What the URL gives itself stays; it holds the password."""
    given = dict(dsn.parameters)
    defaults = {"application_name": APPLICATION, "connect_timeout": "5"}
    if not dsn.is_local_socket:
        defaults |= {"keepalives_idle": "30", "tcp_user_timeout": "15000"}  # a server that vanished is noticed
    chosen = {name: value for name, value in defaults.items() if name not in given}
    if not dsn.is_pooled:
        chosen["options"] = f"{given.get('options', '')} -c search_path={PATH} -c statement_timeout=30000".strip()
    return make_conninfo(dsn.psycopg_conninfo(), **chosen)


def make_app(dsn: Dsn, wake: Wake) -> App:
    """An app whose task calls `wake(user_id, conversation_id)`."""
    # Any: keyword arguments of psycopg_pool.AsyncConnectionPool.
    pool: dict[str, Any] = {"conninfo": conninfo(dsn), "min_size": 1, "max_size": 2, "timeout": 2.0}
    connector: PsycopgConnector
    if dsn.is_pooled:
        connector = PooledConnector(**pool, kwargs={"prepare_threshold": None})
    else:
        connector = ListeningConnector(**pool)
    app = App(connector=connector)

    @app.task(queue=QUEUE, name=TASK)
    async def run(user_id: str, conversation_id: str) -> None:
        await wake(user_id, UUID(conversation_id))

    # Also what keeps procrastinate's watch over its listener and heartbeat alive: that one ends with the first of its
    # side tasks, and the one for periodic tasks ends at once where there are none.
    @app.periodic(cron="*/5 * * * *")
    @app.task(queue=QUEUE, name="sweep", pass_context=True)
    async def sweep(context: JobContext, timestamp: int) -> None:
        await forget_lost_jobs(context.app)

    return app


async def forget_lost_jobs(app: App) -> int:
    """Delete the jobs of workers that were killed; how many. Their turns were found by their leases long before."""
    lost = list(await app.job_manager.get_stalled_jobs(queue=QUEUE))
    for job in lost:
        assert job.id is not None, "it was read from the table"
        with suppress(ConnectorException):  # its worker lives after all and has just ended it
            await app.job_manager.finish_job_by_id_async(job.id, Status.ABORTED, delete_job=True)
    return len(lost)
