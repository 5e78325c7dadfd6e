"""Breaks everything that changes go through, again and again, while they are written and read, and counts what is lost.

    python bench/changes.py --rounds 10 --replicas 3

It starts an embedded PostgreSQL, and a Redis where there is one: else the servers find changes by looking. For each
fault it prints how long the longest silence was, from the commit to the arrival, and what was lost, repeated or out of
order; it exits 1 unless all of these are 0.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psycopg

from bench.running import home
from bench.soaking.broker import Broker
from bench.soaking.changes import CURSOR, READERS, Fleet, Reader, Writer
from bench.soaking.faults import Faults
from bench.soaking.ledger import Round, ends, settle_accounts, table
from bench.soaking.processes import fleet
from core import embedded
from core.dsn import Dsn
from graphql_api.cli.process import until_signal
from migrations import runner
from services.auth.development import KEY_FILE, issue, load_key

SETTLED_WITHIN = 60.0
"""Seconds after a fault's cure in which every reader must have caught up."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How hard it is."""

    rounds: int = 10
    replicas: int = 3
    users: int = 4
    pace: float = 0.3
    seed: int = 0
    only: tuple[str, ...] = ()


@dataclass
class Report:
    rounds: list[Round]
    zeros: dict[str, int]
    told: Counter[str]

    @property
    def good(self) -> bool:
        return not any(self.zeros.values()) and not any(
            one.lost or one.repeated or one.disordered for one in self.rounds
        )

    def __str__(self) -> str:
        counts = sorted((self.told | Counter(self.zeros)).items()) + [(name, 0) for name in self.zeros]
        lines = [f"{name}: {count}" for name, count in dict(reversed(counts)).items()]
        return "\n".join([table(self.rounds), "", *sorted(lines)])


async def soak(plan: Plan) -> Report:
    """Run it, and leave nothing behind."""
    async with home("tasktalk-changes-") as directory, AsyncExitStack() as stack:
        return await _run(plan, directory, stack)


async def _run(plan: Plan, directory: Path, stack: AsyncExitStack) -> Report:
    chance = random.Random(plan.seed)
    postgres = await embedded.start(directory / "database")
    stack.push_async_callback(postgres.stop)
    await runner.migrate(Dsn.parse(postgres.dsn))
    broker = Broker(directory) if Broker.installed() else None
    if broker is not None:
        await broker.start()
        stack.push_async_callback(broker.stop)
    settings = {
        "DATABASE_URL": postgres.dsn,
        "BROADCAST_URL": broker.url if broker is not None else "memory://",
        "TASKTALK_WORKER": "false",
        **{f"TASKTALK_LIMIT_{name}": "0" for name in ("REQUESTS_PER_MINUTE", "SOCKETS_PER_USER")},
    }
    key = load_key(directory)
    servers = fleet(directory, plan.replicas, 0, settings, directory / KEY_FILE)
    for server in servers:
        stack.push_async_callback(server.stop)
    await asyncio.gather(*(server.start() for server in servers))
    balanced = Fleet(servers, chance)
    tokens = {f"user-{number}": issue(key, f"user-{number}", 86_400) for number in range(plan.users)}
    writers = [Writer(balanced, token, plan.pace) for token in tokens.values()]
    readers = [reader for user, token in tokens.items() for reader in await _readers(user, token, balanced)]
    faults = Faults(broker, postgres, servers, writers, list(tokens), chance.choice)
    rounds, behind = await _drive(plan, faults, writers, readers, chance)
    zeros = await settle_accounts(postgres.dsn, readers, rounds)
    told = sum((reader.told for reader in readers), Counter(written=sum(writer.acknowledged for writer in writers)))
    told["stretches read"] = sum(len(reader.stretches) for reader in readers)
    told["changes read"] = sum(len(stretch.seen) for reader in readers for stretch in reader.stretches)
    return Report(rounds, {**zeros, "readers that stayed behind": behind, "resyncs": told["resyncs"]}, told)


async def _readers(user: str, token: str, balanced: Fleet) -> list[Reader]:
    """One of each kind of everything, and one of each of tasks alone."""
    async with httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, trust_env=False) as client:
        start = (await balanced.post(client, CURSOR))["viewer"]["cursor"]
    return [make(user, token, balanced, start, kinds) for make in READERS for kinds in (None, ["TASK"])]


async def _drive(
    plan: Plan, faults: Faults, writers: list[Writer], readers: list[Reader], chance: random.Random
) -> tuple[list[Round], int]:
    """All faults in turn, in another order each time; how many readers had not caught up in time, of all rounds."""
    kinds = {name: cause for name, cause in faults.all().items() if not plan.only or name in plan.only}
    running = [asyncio.create_task(writer.run()) for writer in writers]
    running += [asyncio.create_task(reader.run()) for reader in readers]
    rounds: list[Round] = []
    behind = 0
    try:
        for _ in range(plan.rounds):
            for name in chance.sample(list(kinds), len(kinds)):
                one = Round(name, time.time())
                rounds.append(one)
                behind += await _round(one, kinds[name], faults, writers, readers)
                for task in running:
                    if task.done():
                        task.result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    return rounds, behind


async def _round(
    one: Round, cause: Callable[[], Awaitable[None]], faults: Faults, writers: list[Writer], readers: list[Reader]
) -> int:
    for writer in writers:
        writer.open.set()
    await asyncio.sleep(0.5)
    await cause()
    behind = await _caught_up(faults.postgres.dsn, readers)
    one.ended = time.time()
    sys.stderr.write(f"{one.fault}: {one.ended - one.began:.1f} s{f', {behind} behind' if behind else ''}\n")
    return behind


async def _caught_up(dsn: str, readers: list[Reader]) -> int:
    """Wait until every reader is as far as the logs went; how many were not in time."""
    goal: dict[str, int] = {}
    late = readers
    with suppress(TimeoutError):
        async with asyncio.timeout(SETTLED_WITHIN):
            while not goal:
                with suppress(psycopg.OperationalError):
                    goal = await ends(dsn)
            while late:
                await asyncio.sleep(0.02)
                late = [reader for reader in readers if reader.at < goal[reader.user]]
    return len(late)


def _plan() -> Plan:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10, help="times that each fault happens")
    parser.add_argument("--replicas", type=int, default=3, help="processes of `tasktalk serve`")
    parser.add_argument("--users", type=int, default=4, help="each with a writer and six readers")
    parser.add_argument("--pace", type=float, default=0.3, help="seconds between two tasks of a writer")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", default=[], help="the name of a fault; may be repeated")
    given = vars(parser.parse_args())
    return Plan(**{**given, "only": tuple(given["only"])})


def main() -> None:
    """Interrupted, it stops what it started and says nothing."""
    plan, reports = _plan(), list[Report]()

    async def action() -> None:
        reports.append(await soak(plan))

    asyncio.run(until_signal(action()))
    for report in reports:
        print(report)
    sys.exit(0 if reports and reports[0].good else 1)


if __name__ == "__main__":
    main()
