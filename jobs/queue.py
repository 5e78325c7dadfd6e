"""The procrastinate app: its tables live in our schema, on a small pool of its own beside asyncpg's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, LiteralString, Protocol
from uuid import UUID
from weakref import WeakKeyDictionary

from procrastinate import App, JobContext, PsycopgConnector, sql
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg_pool import AsyncConnectionPool

from core.database import SCHEMA
from core.dsn import Dsn

QUEUE: Final = "turns"
TASK: Final = "wake"
"""As in the SQL function tasktalk.wake."""

APPLICATION: Final = "tasktalk queue"
"""What PostgreSQL shows as the name of these connections, unless the URL gives another."""

PATH: Final = f"{SCHEMA},pg_catalog"
"""procrastinate's SQL is unqualified."""

RESTED: Final = 15.0
"""Seconds without use after which a connection is looked at before it is used."""

POLL: Final = 5.0
"""Seconds between two looks at the queue where no notification came."""

POLL_DEAF: Final = 1.0
"""The same where none can come: behind a transaction-mode pooler, or for a retry whose time has come."""

Wake = Callable[[str, UUID], Awaitable[None]]


class Heard(Protocol):
    """What procrastinate wants to be told of a notification."""

    def __call__(self, *, channel: str, payload: str) -> Awaitable[None]: ...


class ListeningConnector(PsycopgConnector):
    """Keeps a notification that comes while the worker looks for a job, and passes it on when the look is over.

    procrastinate's worker forgets what it heard in the midst of a look: a job that was committed just then would wait
    for the next poll.
    """

    def __init__(self, **pool: Any) -> None:
        super().__init__(**pool, configure=_autocommit)
        self._looking = False
        self._heard: dict[str, str] = {}
        self._look_is_over = asyncio.Event()

    async def execute_query_one_async(self, query: LiteralString, **arguments: Any) -> dict[str, Any]:
        look = query == sql.queries["fetch_job"]
        self._looking = self._looking or look  # a worker has one under way
        try:
            found: dict[str, Any] = await super().execute_query_one_async(query, **arguments)
            return found
        finally:  # nothing else runs between here and where the worker forgets
            if look:
                self._looking = False
                if self._heard:
                    self._look_is_over.set()

    async def listen_notify(self, on_notification: Heard, channels: Iterable[str]) -> None:
        async def hear(*, channel: str, payload: str) -> None:
            if self._looking:
                self._heard[channel] = payload
            await on_notification(channel=channel, payload=payload)

        async def repeat() -> None:
            while True:
                await self._look_is_over.wait()
                self._look_is_over.clear()
                heard, self._heard = self._heard, {}
                for channel, payload in heard.items():
                    await on_notification(channel=channel, payload=payload)

        repeating = asyncio.create_task(repeat(), name="heard in the midst of a look")
        try:
            await super().listen_notify(hear, channels)
        finally:
            repeating.cancel()
            await asyncio.wait([repeating])

    async def _create_pool(self, pool_args: dict[str, Any]) -> AsyncConnectionPool:
        """One that looks whether a connection lives only where it has rested for a while."""
        return AsyncConnectionPool(**pool_args, open=False, check=_check_rested)


async def _autocommit(connection: AsyncConnection) -> None:
    """Each of procrastinate's steps is a single statement."""
    await connection.set_autocommit(True)


_used_at: WeakKeyDictionary[AsyncConnection, float] = WeakKeyDictionary()


async def _check_rested(connection: AsyncConnection) -> None:
    now = asyncio.get_running_loop().time()
    if now - _used_at.get(connection, -RESTED) >= RESTED:
        await AsyncConnectionPool.check_connection(connection)
    _used_at[connection] = now


class PooledConnector(PsycopgConnector):
    """For a transaction-mode pooler: no start-up options get through it, so each transaction sets its own path."""

    # Any: a psycopg connection and its cursor, as the method that this one wraps has them.
    @asynccontextmanager
    async def _get_cursor(self, connection: Any = None) -> AsyncIterator[Any]:
        async with super()._get_cursor(connection) as cursor:
            await cursor.execute("SELECT set_config('search_path', %s, true)", (PATH,))
            yield cursor


def conninfo(dsn: Dsn) -> str:
    """A libpq connection string for the queue's connections. What the URL gives itself stays; it holds the password.

    A step of the queue that a crash of the database undoes does no harm: the job is taken once more, and finds nothing
    to do. So none waits for the disk. (Jobs are enqueued elsewhere, with what they are for.)
    """
    given = dict(dsn.parameters)
    defaults = {"application_name": APPLICATION, "connect_timeout": "5"}
    if not dsn.is_local_socket:
        defaults |= {"keepalives_idle": "30", "tcp_user_timeout": "15000"}  # a server that vanished is noticed
    chosen = {name: value for name, value in defaults.items() if name not in given}
    if not dsn.is_pooled:
        settings = f"-c search_path={PATH} -c statement_timeout=30000 -c synchronous_commit=off"
        chosen["options"] = f"{given.get('options', '')} {settings}".strip()
    return make_conninfo(dsn.psycopg_conninfo(), **chosen)


def make_connector(dsn: Dsn) -> PsycopgConnector:
    """The connections of one app."""
    # Any: keyword arguments of psycopg_pool.AsyncConnectionPool.
    pool: dict[str, Any] = {"conninfo": conninfo(dsn), "min_size": 1, "max_size": 2, "timeout": 2.0}
    if dsn.is_pooled:
        return PooledConnector(**pool, kwargs={"prepare_threshold": None})
    return ListeningConnector(**pool)


def make_app(dsn: Dsn, wake: Wake) -> App:
    """An app whose task calls `wake(user_id, conversation_id)`."""
    app = App(connector=make_connector(dsn))

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
