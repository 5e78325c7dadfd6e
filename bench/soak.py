"""Kills servers and workers at random while turns are under way, and counts what is lost, doubled or left undone.

    python bench/soak.py --kills 100 --replicas 2 --workers 2

It starts an embedded PostgreSQL, a Redis where there is one, and a slow scripted model; exits 1 unless all is well.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.running import home
from bench.soaking.broker import Broker
from bench.soaking.counting import Report, count
from bench.soaking.killing import Killer
from bench.soaking.model import SlowModel
from bench.soaking.processes import fleet
from bench.soaking.talking import Crowd
from bench.soaking.watching import Watch
from core import embedded
from core.dsn import Dsn
from graphql_api.cli.process import until_signal
from migrations import runner
from services.auth.development import KEY_FILE, load_key

SETTLED_WITHIN = 90.0
"""Seconds after the last kill in which every turn must have ended."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How hard it is."""

    kills: int = 100
    replicas: int = 2
    workers: int = 2
    in_flight: int = 16
    seed: int = 0
    both: float = 0.15
    left: float = 0.15
    lease: float = 10.0
    pause: float = 1.0
    pace: float = 1.0


async def soak(plan: Plan) -> Report:
    """Run it, and leave nothing behind."""
    async with home("tasktalk-soak-") as directory, AsyncExitStack() as stack:
        return await _run(plan, directory, stack)


async def _run(plan: Plan, directory: Path, stack: AsyncExitStack) -> Report:
    chance = random.Random(plan.seed)
    database = await embedded.start(directory / "database")
    stack.push_async_callback(database.stop)
    await runner.migrate(Dsn.parse(database.dsn))
    settings = {
        "DATABASE_URL": database.dsn,
        "BROADCAST_URL": await stack.enter_async_context(_broker(directory)),
        "OPENAI_API_KEY": "soak",
        "OPENAI_BASE_URL": await stack.enter_async_context(SlowModel(chance, plan.pace).serving()),
        "TASKTALK_LEASE_SECONDS": str(plan.lease),
        "TASKTALK_LIMIT_SENDS_PER_MINUTE": "0",
        "TASKTALK_LIMIT_REQUESTS_PER_MINUTE": "0",
        "TASKTALK_LIMIT_RUNNING_TURNS": "0",
    }
    key = load_key(directory)
    programs = fleet(directory, plan.replicas, plan.workers, settings, directory / KEY_FILE)
    for program in programs:
        stack.push_async_callback(program.stop)
    await asyncio.gather(*(program.start() for program in programs))
    connection = await stack.enter_async_context(await psycopg.AsyncConnection.connect(database.dsn, autocommit=True))
    watch = Watch(connection)
    crowd = Crowd(programs, watch, key, chance)
    killer = Killer(programs, watch, chance, both=plan.both, left=plan.left, pause=plan.pause)
    took = await _drive(plan, watch, crowd, killer)
    report = await count(connection, crowd.acknowledged, killer.done)
    report.told["sends repeated"] = str(crowd.retries)
    report.told["seconds"] = f"{took:.0f}"
    return report


async def _drive(plan: Plan, watch: Watch, crowd: Crowd, killer: Killer) -> float:
    """Talk and kill, then let it settle; the seconds from the first word to the last answer."""
    began = time.monotonic()
    watching = asyncio.create_task(watch.keep())
    talking = [asyncio.create_task(crowd.talk(number)) for number in range(plan.in_flight)]
    try:
        await killer.run(plan.kills)
        crowd.enough.set()
        await asyncio.wait(talking, timeout=SETTLED_WITHIN)
        for talker in talking:
            if talker.done():
                talker.result()  # one that was refused ends the soak
    finally:
        for task in (watching, *talking):
            task.cancel()
        await asyncio.gather(watching, *talking, return_exceptions=True)
    return time.monotonic() - began


@asynccontextmanager
async def _broker(home: Path) -> AsyncIterator[str]:
    """A Redis of its own; without one the processes don't hear each other and poll."""
    if not Broker.installed():
        yield "memory://"
        return
    broker = Broker(home)
    await broker.start()
    try:
        yield broker.url
    finally:
        await broker.stop()


def _plan() -> Plan:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--replicas", type=int, default=2, help="processes of `tasktalk serve`")
    parser.add_argument("--workers", type=int, default=2, help="processes of `tasktalk worker`")
    parser.add_argument("--turns-in-flight", dest="in_flight", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--both", type=float, default=0.15, help="share of kills of a server and a worker at once")
    parser.add_argument("--left", type=float, default=0.15, help="share of kills that another replica must make good")
    parser.add_argument("--lease", type=float, default=10.0, help="seconds; a long one shows what a restart alone does")
    return Plan(**vars(parser.parse_args()))


def main() -> None:
    """Interrupted, it stops what it started and says nothing."""
    reports: list[Report] = []

    async def action() -> None:
        reports.append(await soak(_plan()))

    asyncio.run(until_signal(action()))
    for report in reports:
        print(report)
    sys.exit(0 if reports and reports[0].good else 1)


if __name__ == "__main__":
    main()
