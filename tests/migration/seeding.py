"""A user with at least one row in every table that has an owner, made as the program makes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import Table, insert

import models.changes
import models.conversations
import models.search
import models.tasks
import models.turns
import models.users
from core.database import Database
from core.dsn import Dsn
from core.unit_of_work import UnitOfWork
from events.bus import Bus
from models.base import metadata, rows_of
from models.enums import Actor
from models.turns import call_changes, drafts, undone_calls
from services.feeds import renew_feed
from services.search import catch_up
from services.tasks import NewTask, create_task
from services.users import Identity, admit
from tests.support.talking import assistant

ROOMS = (models.changes, models.conversations, models.search, models.tasks, models.turns, models.users)
"""Importing them is what puts their tables into the metadata."""

Row = dict[str, Any]  # Any: a column's value, of its type

OWNED: Sequence[Table] = [table for table in metadata.sorted_tables if table.name != "revoked_tokens"]
"""All tables whose rows belong to a user, parents first."""

INITIAL: dict[str, Row] = {
    "turns": {"status": "QUEUED", "lease_owner": None, "finished_at": None, "error_code": None},
    "tool_calls": {"status": "PENDING", "error_code": None},
}
"""What a stored row needs changed so that the state machines take it as a new one."""


def owner_column(table: Table) -> str:
    return "id" if table.name == "users" else "user_id"


async def seed(database: Database, bus: Bus, dsn: Dsn, user: str) -> None:
    """Admit the user, let them talk to the built-in interpreter, and make by hand what that leaves out."""
    await admit(database, Identity(user_id=user, email=f"{user}@example.org", name=user, token_hash=uuid4().bytes * 2))
    async with assistant(database, bus, dsn, user) as talk:
        ended = await talk.say("add buy milk")
    assert ended.turn.status == "COMPLETED"

    async def rest(work: UnitOfWork) -> None:
        await create_task(work, NewTask("call home", labels=["family"]), Actor.USER)
        await renew_feed(work)
        await work.execute(insert(drafts).values(user_id=user, turn_id=ended.turn.id, attempt=1, text="So far"))
        beside = {"tool_call_id": ended.calls[0].id, "position": 0, "kind": "SETTINGS", "before": {}, "after": {}}
        await work.execute(insert(call_changes).values(user_id=user, **beside))
        undone = {"tool_call_id": ended.calls[0].id, "position": 0, "undone_call_id": ended.calls[0].id}
        await work.execute(insert(undone_calls).values(user_id=user, **undone))

    await database.work(user, rest)
    await database.work(user, catch_up)


async def rows(database: Database, user: str, table: Table) -> list[Row]:
    """All rows of a table that the user sees, in the order of its key."""
    async with database.snapshot(user) as session:
        found = await session.execute(rows_of(table).order_by(*table.primary_key.columns))
        return [dict(row) for row in found.mappings()]
