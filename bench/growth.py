"""Whether lists cost the same however much their user has: every list and page of the contract at three sizes.

`python -m bench.growth` starts a PostgreSQL of its own in a temporary directory; `--dsn` takes another, empty one,
whose user is a superuser. Each list runs as a whole operation in this process, under row-level security, for users of
100, 10,000 and 100,000 rows of everything among two hundred others; the sizes take turns. The exit code is 1 where a
list reads a table from end to end.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from typing import Any

from sqlalchemy import text

from bench.costs import Cost, best_of
from bench.growing.lists import Listed, lists
from bench.growing.plans import explain, recorded
from bench.growing.rows import analyze, crowd, fill, name_of
from bench.history import database_at
from core.database import Database, make_links
from core.settings import Settings
from events.bus import Bus
from events.hub import Hub
from events.log import ChangeLog
from graphql_api.schema import make_schema
from migrations import runner
from resolvers.operation import Application, operation
from services.auth.verify import Claims
from services.users import Identity

OTHERS = 200
OF_OTHERS = 50
QUIET = 5_000
MOST = 1.5


class NoGate:
    async def revoke(self, identity: Identity, claims: Claims) -> None:
        raise AssertionError("nothing here revokes a token")


class Bench:
    def __init__(self, database: Database, bus: Bus, hub: Hub) -> None:
        settings = Settings()
        self._schema = make_schema(settings)
        self._application = Application(settings, database, bus, hub, NoGate())

    async def read(self, user: str, listed: Listed) -> Any:
        """The data of the list. Raises where it has an error."""
        now = datetime.now(UTC)
        claims = Claims(user, None, None, now, now + timedelta(hours=1), uuid.uuid4().bytes * 2)
        prepared = self._schema.documents.prepare(listed.document, None, listed.variables)
        async with operation(self._application, Identity(user, None, None, claims.token_hash), claims) as context:
            result = await self._schema.execute(prepared, variable_values=listed.variables, context_value=context)
        if result.errors:
            raise RuntimeError(f"{listed.name}: {result.errors}")
        return result.data


async def run(options: argparse.Namespace) -> None:
    sizes: Sequence[int] = options.sizes
    users = {size: OTHERS + place for place, size in enumerate(sizes)}
    async with database_at(options.dsn) as dsn, Bus("memory://") as bus:
        await runner.migrate(dsn)
        engine = runner.owner_engine(dsn)
        async with engine.begin() as owner:
            await crowd(owner, QUIET)
            for place in range(OTHERS):
                await fill(owner, place, OF_OTHERS)
            for size, user in users.items():
                print(f"making {size:,} rows of everything ...", flush=True)
                await fill(owner, user, size)
            await analyze(owner)
        await engine.dispose()
        database = Database(make_links(dsn, size=1, wait=60), ChangeLog(bus))  # one: its CPU time is looked at
        async with Hub(database, bus) as hub:
            async with database.for_nobody() as connection:
                pid = (await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one()
            bench = Bench(database, bus, hub)
            by_size = {name_of(user): lists(user) for user in users.values()}
            print(
                f"\n{'list':<48}"
                + "".join(f"{size:>10,}" for size in sizes)
                + f"{'ratio':>8}{'of CPU':>8}  reads whole"
            )
            found = [
                await _one(bench, database, pid, dict(zip(by_size, same, strict=True)), options)
                for same in zip(*by_size.values(), strict=True)
                if re.search(options.only, same[0].name)
            ]
        await database.close()
    grown = [one.ratio for one in found if one.ratio > MOST]
    whole = sum(bool(one.whole) for one in found)
    print(f"\n{len(found)} lists: {len(grown)} above {MOST}, {whole} that read a table from end to end")
    if whole:
        raise SystemExit(1)


@dataclass(frozen=True)
class Grown:
    """The largest size's time by the smallest's whose page is as full, by the clock or by the CPU's, whichever is less
    (other work on the machine moves the former), and the tables that are read whole."""

    ratio: float
    whole: frozenset[str]


async def _one(
    bench: Bench, database: Database, pid: int, same: dict[str, Listed], options: argparse.Namespace
) -> Grown:
    """One list, for each user, the largest last."""
    largest, listed = list(same.items())[-1]
    with recorded(database) as statements:
        await bench.read(largest, listed)
    whole: set[str] = set()
    for statement in statements:
        plan = await explain(database, largest, statement)
        whole.update(plan.scanned_whole)
        if options.plans:
            print(statement[0], plan.text)
    took: dict[str, list[Cost]] = defaultdict(list)
    rows = {user: _rows(await bench.read(user, one)) for user, one in same.items()}
    for _ in range(options.rounds):
        for user, one in same.items():
            took[user].append(await best_of(1, pid, partial(bench.read, user, one)))
    medians = [median(cost.wall for cost in some[options.rounds // 10 :]) for some in took.values()]
    worked = [median(cost.cpu for cost in some[options.rounds // 10 :]) for some in took.values()]
    # A page that isn't full yet costs less: what is compared are pages of the same number of rows.
    smallest = next(place for place, user in enumerate(same) if rows[user] == rows[largest])
    ratio, of_cpu = (
        some[-1] / some[smallest] if smallest < len(some) - 1 else float("nan") for some in (medians, worked)
    )
    mark = "  GROWS" if min(ratio, of_cpu) > MOST else ""
    figures = "".join(f"{ms:>10.2f}" for ms in medians)
    print(f"{listed.name:<48}{figures}{ratio:>8.2f}{of_cpu:>8.2f}  {', '.join(sorted(whole)) or '-'}{mark}", flush=True)
    return Grown(min(ratio, of_cpu), frozenset(whole))


def _rows(data: Any) -> int:  # Any: JSON
    """How many objects an answer holds: what it costs apart from finding them."""
    if isinstance(data, dict):
        return 1 + sum(_rows(value) for value in data.values())
    return sum(_rows(value) for value in data) if isinstance(data, list) else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dsn", help="an empty PostgreSQL database of a superuser; default: one of its own")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=40, help="how often each list is read at each size")
    parser.add_argument("--only", default="", help="a regular expression: lists of these names alone")
    parser.add_argument("--plans", action="store_true", help="print the plans at the largest size")
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
