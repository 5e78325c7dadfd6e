"""The procrastinate app: its tables live in our schema, on a small pool of its own beside asyncpg's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

from procrastinate import App, PsycopgConnector
from psycopg.conninfo import make_conninfo

from core.database import SCHEMA
from core.dsn import Dsn

QUEUE: Final = "turns"
TASK: Final = "wake"
"""As in the SQL function tasktalk.wake."""

Wake = Callable[[str, UUID], Awaitable[None]]


class PooledConnector(PsycopgConnector):
    """For a transaction-mode pooler: no start-up options get through it, so each transaction sets its own path."""

    @asynccontextmanager
    async def _get_cursor(self, connection: Any = None) -> AsyncIterator[Any]:
        async with super()._get_cursor(connection) as cursor:
            await cursor.execute("SELECT set_config('search_path', %s, true)", (f"{SCHEMA}, pg_catalog",))
            yield cursor


def make_app(dsn: Dsn, wake: Wake) -> App:
    """An app whose one task calls `wake(user_id, conversation_id)`."""
    pool: dict[str, Any] = {"min_size": 1, "max_size": 2, "timeout": 10.0}
    connector: PsycopgConnector
    if dsn.is_pooled:
        connector = PooledConnector(conninfo=make_conninfo(dsn.psycopg_conninfo()), **pool)
    else:
        options = f"-c search_path={SCHEMA},pg_catalog"
        connector = PsycopgConnector(conninfo=make_conninfo(dsn.psycopg_conninfo(), options=options), **pool)
    app = App(connector=connector)

    @app.task(queue=QUEUE, name=TASK)
    async def run(user_id: str, conversation_id: str) -> None:
        await wake(user_id, UUID(conversation_id))

    return app
