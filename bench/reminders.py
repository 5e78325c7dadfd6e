"""How late reminders come, through a kill -9 and a restart of the server: from the time they are set for to their entry
in the change log, both by the database's clock.

.venv/bin/python bench/reminders.py --reminders 300
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import psutil  # type: ignore[import-untyped]  # it ships no types

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.load import quantile
from bench.servers import Server, stop_postmaster, tasktalk
from services.auth.development import issue, load_key

CREATE = "mutation ($input: CreateTaskInput!) { createTask(input: $input) { task { id } userErrors { message } } }"
CHANGES = """query ($after: String) { changes(after: $after, kinds: [REMINDER]) { cursor hasMore changes {
  at ... on ReminderDue { taskId task { remindAt } } } } }"""
CURSOR = "{ viewer { cursor } }"
LEAD = 0.15
"""Seconds a reminder until the first is due: time to make them all."""

AFTER = 5.0
"""Seconds after the last."""


@dataclass(frozen=True)
class Fired:
    """When a reminder was set for, and when it came."""

    task: str
    due: datetime
    at: datetime

    @property
    def late(self) -> float:
        return (self.at - self.due).total_seconds()


class User:
    """One who asks over HTTP."""

    def __init__(self, server: Server, directory: Path) -> None:
        token = issue(load_key(directory), "reminded", 3600)
        self._client = httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"}, timeout=30, trust_env=False)
        self.url = server.url

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        response = await self._client.post(self.url, json={"query": document, "variables": variables})
        data: dict[str, Any] = response.json()["data"]
        return data

    async def remind(self, at: datetime) -> None:
        given = {"title": "something to think of", "remindAt": at.isoformat()}
        made = (await self.ask(CREATE, input=given))["createTask"]
        assert made["task"], made["userErrors"]

    async def fired(self, after: str) -> list[Fired]:
        """All reminders in the change log after that cursor."""
        found: list[Fired] = []
        while True:
            page = (await self.ask(CHANGES, after=after))["changes"]
            for one in page["changes"]:
                due = datetime.fromisoformat(one["task"]["remindAt"])
                found.append(Fired(one["taskId"], due, datetime.fromisoformat(one["at"])))
            if not page["hasMore"]:
                return found
            after = page["cursor"]


@contextmanager
def server(directory: Path) -> Iterator[Server]:
    with tasktalk(directory, "http://127.0.0.1:9/v1", "none") as started:
        yield started


def row(name: str, some: Iterable[float]) -> str:
    late = sorted(some)
    if not late:
        return f"| {name} | 0 | | | |"
    p50, p95 = quantile(late, 0.5), quantile(late, 0.95)
    return f"| {name} | {len(late)} | {p50:.2f} | {p95:.2f} | {late[-1]:.2f} |"


async def run(reminders: int, seconds: float, down: float, directory: Path) -> int:
    """Set so many reminders within so many seconds, and kill the server in their midst. The exit code."""
    start = datetime.now(UTC) + timedelta(seconds=5 + LEAD * reminders)
    dues = [start + timedelta(seconds=seconds * number / reminders) for number in range(reminders)]
    with server(directory) as first:
        postmaster = first.postmaster
        user = User(first, directory)
        cursor = (await user.ask(CURSOR))["viewer"]["cursor"]
        for at in range(0, reminders, 20):
            await asyncio.gather(*(user.remind(due) for due in dues[at : at + 20]))
        assert datetime.now(UTC) < start, "they were made in time"
        await asyncio.sleep(max(0.0, (start - datetime.now(UTC)).total_seconds()) + seconds / 3)
        os.kill(first.process, signal.SIGKILL)
        killed = datetime.now(UTC)
    await asyncio.sleep(down)
    with server(directory) as second:
        back = datetime.now(UTC)
        await asyncio.sleep(max(0.0, (dues[-1] - datetime.now(UTC)).total_seconds()) + AFTER)
        user = User(second, directory)
        fired = await user.fired(cursor)
    if postmaster is not None and psutil.pid_exists(postmaster):
        stop_postmaster(postmaster)
    return report(fired, reminders, killed, back)


def report(fired: list[Fired], reminders: int, killed: datetime, back: datetime) -> int:
    once = {one.task for one in fired}
    print(f"killed with SIGKILL; listening again after {(back - killed).total_seconds():.1f} s\n")
    print("| reminders | count | p50 s | p95 s | longest s |\n|---|---|---|---|---|")
    print(row("due before the kill", (one.late for one in fired if one.at < killed)))
    missed = [one for one in fired if one.at >= killed and one.due < back]
    print(row("due while it was down, after it listened again", ((one.at - back).total_seconds() for one in missed)))
    print(row("due after the restart", (one.late for one in fired if one.due >= back)))
    lost, doubled = reminders - len(once), len(fired) - len(once)
    early = sum(one.late < 0 for one in fired)
    print(f"\nlost {lost}, twice {doubled}, early {early}")
    return 1 if lost or doubled or early else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reminders", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=45.0, help="from the first that is due to the last")
    parser.add_argument("--down", type=float, default=3.0, help="how long the server stays down")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tasktalk-reminders-", ignore_cleanup_errors=True) as scratch:
        directory = Path(scratch)
        directory.chmod(0o755)  # as root the database runs as a user of its own
        return asyncio.run(run(arguments.reminders, arguments.seconds, arguments.down, directory))


if __name__ == "__main__":
    sys.exit(main())
