"""What a search costs at 500 tasks and 1,000 messages and at 50,000 and 100,000, in one database; and what search costs
those who write, and who search after writing.

`python -m bench.search` starts a PostgreSQL of its own in a temporary directory; no network. Each query is a whole
`search(first: 20)` with its snippets. Beside the wall time stands the CPU time of this process and of PostgreSQL's: on
a machine that others use it says more. Both are the best of three.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
import uuid
from collections import defaultdict
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import TextClause, text

from bench.costs import Cost, best_of
from bench.searching.corpus import Corpus
from core import embedded
from core.database import Database, make_links
from core.dsn import Dsn
from core.ids import new_id
from core.settings import Settings
from core.unit_of_work import Change, UnitOfWork
from events.bus import Bus
from events.hub import Hub
from events.log import ChangeLog
from graphql_api.schema import make_schema
from migrations import runner
from models.enums import Actor, ChangeKind
from resolvers.operation import Application, operation
from services.auth import Claims
from services.messages import NewMessage, send
from services.search import catch_up, follow
from services.tasks import NewTask, create_task
from services.users import Identity, admit

SIZES = {"small": (500, 1_000), "large": (50_000, 100_000)}
QUERIES = 200
SEARCH = """query ($query: String!) { search(query: $query, first: 20) { edges { node { score snippet
  result { ... on Task { id title } ... on Message { id content } ... on Conversation { id title } } } } } }"""


class NoGate:
    async def revoke(self, identity: Identity, claims: Claims) -> None:
        """Nobody revokes."""

    async def forget(self, user_id: str) -> None:
        """Nobody goes."""


def at(costs: list[float], part: float) -> str:
    return f"{sorted(costs)[int(len(costs) * part)]:6.2f}"


async def owner(dsn: Dsn, *statements: str) -> list[Any]:
    engine = runner.owner_engine(dsn)
    rows: list[Any] = []
    async with engine.connect() as connection:
        autocommit = await connection.execution_options(isolation_level="AUTOCOMMIT")
        for statement in statements:
            result = await autocommit.execute(text(statement))
            rows = list(result.all()) if result.returns_rows else []
    await engine.dispose()
    return rows


async def seed(database: Database, user: str, corpus: Corpus) -> None:
    """As the program's role, past the services: what is measured is the reading."""
    await admit(database, Identity(user, None, None, uuid.uuid4().bytes * 2))
    now = datetime.now(UTC)
    places = [new_id() for _ in range(corpus.messages // 20)]
    insert_task = text(
        "INSERT INTO tasks (user_id, id, title, description, position, created_at, updated_at)"
        " VALUES (:user, :id, :title, :description, :position, :now, :now)"
    )
    insert_place = text(
        "INSERT INTO conversations (user_id, id, title, created_at, updated_at, last_activity_at)"
        " VALUES (:user, :id, :title, :now, :now, :now)"
    )
    insert_message = text(
        "INSERT INTO messages (user_id, id, conversation_id, position, sender, content, created_at)"
        " VALUES (:user, :id, :place, :position, 'USER', :content, :now)"
    )
    tasks = [
        {
            "user": user,
            "id": new_id(),
            "title": corpus.text(2, 6),
            "description": corpus.text(3, 12) if number % 3 == 0 else None,
            "position": f"a{number:07}1",
            "now": now,
        }
        for number in range(corpus.tasks)
    ]
    rows = [{"user": user, "id": place, "title": corpus.text(2, 5), "now": now} for place in places]
    said = [
        {
            "user": user,
            "id": new_id(),
            "place": places[number // 20],
            "position": number % 20 + 1,
            "content": corpus.text(4, 20),
            "now": now,
        }
        for number in range(corpus.messages)
    ]
    for statement, values, kind in (
        (insert_task, tasks, ChangeKind.TASK),
        (insert_place, rows, ChangeKind.CONVERSATION),
        (insert_message, said, ChangeKind.MESSAGE),
    ):
        for begin in range(0, len(values), 5_000):
            batch = values[begin : begin + 5_000]
            await database.work(user, partial(_store, statement=statement, rows=batch, kind=kind))
    await follow(database, user)


async def _store(work: UnitOfWork, statement: TextClause, rows: list[dict[str, Any]], kind: ChangeKind) -> None:
    await work.execute(statement, rows)
    for row in rows:
        work.record(Change(kind, row["id"], conversation_id=row.get("place")))


async def searches(application: Application, dsn: Dsn, pid: int) -> None:
    schema = make_schema(application.settings)
    print(f"{'':22}{'wall ms':>16}{'':10}{'CPU ms':>16}")
    print(f"{'':22}{'p50':>8}{'p95':>8}{'':10}{'p50':>8}{'p95':>8}")
    for user, (tasks, messages) in SIZES.items():
        now = datetime.now(UTC)
        identity = Identity(user, None, None, uuid.uuid4().bytes * 2)
        claims = Claims(user, None, None, now, now + timedelta(hours=1), identity.token_hash)

        async def ask(query: str, identity: Identity = identity, claims: Claims = claims) -> None:
            prepared = schema.documents.prepare(SEARCH, None, {"query": query})
            async with operation(application, identity, claims) as context:
                result = await schema.execute(prepared, variable_values={"query": query}, context_value=context)
            assert not result.errors, result.errors

        costs: defaultdict[str, list[Cost]] = defaultdict(list)
        for sort, query in Corpus(tasks, messages).queries(QUERIES):
            cost = await best_of(3, pid, lambda query=query: ask(query))
            costs[sort].append(cost)
            costs["all"].append(cost)
        for sort, found in costs.items():
            wall, cpu = [one.wall for one in found], [one.cpu for one in found]
            print(f"{user:8}{sort:14}{at(wall, 0.5):>8}{at(wall, 0.95):>8}{'':10}{at(cpu, 0.5):>8}{at(cpu, 0.95):>8}")


async def writes(database: Database, pid: int) -> None:
    """Writing, and what making the keys of what was written costs after one change, a hundred, and two thousand."""
    corpus = Corpus(*SIZES["large"])
    settings = Settings(limit_sends_per_minute=0, limit_queued_turns=0)
    place = await database.work("large", lambda work: send(work, NewMessage("hello"), settings))

    async def add(work: UnitOfWork) -> None:
        await create_task(work, NewTask(corpus.text(3, 6)), Actor.USER)

    async def say(work: UnitOfWork) -> None:
        await send(work, NewMessage(corpus.text(6, 18), conversation_id=place.conversation_id), settings)

    costs: defaultdict[str, list[Cost]] = defaultdict(list)
    for name, action in (("createTask", add), ("sendMessage", say)):
        for count, times in ((1, 100), (100, 4), (2000, 1)):
            for _ in range(times):
                for _ in range(count):
                    costs[name].append(await best_of(1, pid, partial(database.work, "large", action)))
                done = await best_of(1, pid, partial(database.work, "large", catch_up))
                costs[f"keys of {count} by {name}, each"].append(Cost(done.wall / count, done.cpu / count))
    for name, found in costs.items():
        wall, cpu = [one.wall for one in found], [one.cpu for one in found]
        print(f"{name:36} wall p50 {at(wall, 0.5)} ms, CPU p50 {at(cpu, 0.5)} ms, p95 {at(cpu, 0.95)} ms")


async def main() -> None:
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tasktalk-bench-")))
        server = await embedded.start(directory)
        stack.push_async_callback(server.stop)
        dsn = Dsn.parse(server.dsn)
        await runner.migrate(dsn)
        bus = await stack.enter_async_context(Bus("memory://"))
        database = Database(make_links(dsn, size=1, wait=60), ChangeLog(bus))  # one: its CPU time is looked at
        stack.push_async_callback(database.close)
        hub = await stack.enter_async_context(Hub(database, bus))
        for user, (tasks, messages) in SIZES.items():
            began = time.perf_counter()
            await seed(database, user, Corpus(tasks, messages))
            print(f"{user}: {tasks:,} tasks, {messages:,} messages in {time.perf_counter() - began:.0f} s")
        await owner(dsn, "VACUUM ANALYZE")
        sizes = await owner(
            dsn,
            "SELECT relname, pg_size_pretty(pg_relation_size(oid)) FROM pg_class WHERE relnamespace ="
            " 'tasktalk'::regnamespace AND relname ~ '^((ix|pk)_)?(search_|tasks$|messages$)' ORDER BY relname",
        )
        print(", ".join(f"{name} {size}" for name, size in sizes))
        async with database.for_nobody() as connection:
            pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        await searches(Application(Settings(), database, bus, hub, NoGate()), dsn, pid)
        await writes(database, pid)


if __name__ == "__main__":
    asyncio.run(main())
