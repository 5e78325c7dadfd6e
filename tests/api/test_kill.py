"""Processes that end in mid-turn, by SIGTERM or kill -9: their turns go on, nothing is lost and nothing doubled."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench import changes
from bench.soak import Plan, soak
from core import embedded
from core.dsn import Dsn
from tests.support.reading import GUARD
from tests.support.scripted_model import Call, Fault, Round, ScriptedModel
from tests.support.tasktalk_process import Running, data_directory, serve, work
from tests.support.workers import as_owner

SEND = """mutation($wait: Int!) {
  sendMessage(input: {content: "add milk", idempotencyKey: "once", waitSeconds: $wait}) {
    turn { status reply { content } toolCalls { status } } userErrors { code }
  }
}"""
ADD_MILK = Round(calls=[Call("add_task", {"title": "milk"})])
HELD = Round(text=["I have "], fault=Fault.HANG_MID_STREAM)


@dataclass
class Home:
    """A database and a model that outlive the processes, and the one directory that these share."""

    directory: Path
    dsn: str
    model: ScriptedModel

    def given(self, **more: str) -> dict[str, str]:
        model = {"OPENAI_API_KEY": "scripted", "OPENAI_BASE_URL": self.model.base_url}
        # No lease ends within a test: what goes on does so for another reason.
        return {"DATABASE_URL": self.dsn, "TASKTALK_LEASE_SECONDS": "600", **model, **more}

    async def turn(self) -> dict[str, Any]:  # Any: values of SQL
        columns = "status, lease_owner, lease_number, lost_leases"
        [row] = await as_owner(Dsn.parse(self.dsn), f"SELECT {columns} FROM tasktalk.turns")
        return dict(row._mapping)

    async def tasks(self) -> list[str]:
        return [row.title for row in await as_owner(Dsn.parse(self.dsn), "SELECT title FROM tasktalk.tasks")]


@pytest.fixture
async def home() -> AsyncIterator[Home]:
    with data_directory() as directory:
        server = await embedded.start(directory / "database")
        async with ScriptedModel(ADD_MILK, HELD) as model:
            yield Home(directory, server.dsn, model)
        await server.stop()


async def send(running: Running, *, wait: int) -> dict[str, Any]:  # Any: JSON
    """Say it, or ask again what became of it; with `wait` once it has ended."""

    def post() -> dict[str, Any]:
        headers = {"authorization": f"Bearer {running.token()}"}
        with running.client() as client:
            body = {"query": SEND, "variables": {"wait": wait}}
            return dict(client.post("/graphql", json=body, headers=headers).json())

    payload = (await asyncio.to_thread(post))["data"]["sendMessage"]
    assert payload["userErrors"] == []
    return dict(payload["turn"])


@contextmanager
def one_process(home: Home) -> Iterator[tuple[Running, subprocess.Popen[str]]]:
    """A server that runs turns itself: whom to talk to, and who runs the turns."""
    with serve(home.directory, **home.given()) as running:
        yield running, running.process


@contextmanager
def two_processes(home: Home) -> Iterator[tuple[Running, subprocess.Popen[str]]]:
    with (
        serve(home.directory, **home.given(TASKTALK_WORKER="false")) as running,
        work(home.directory, **home.given()) as worker,
    ):
        yield running, worker


@pytest.fixture(params=[one_process, two_processes], ids=["server", "worker"])
def processes(request: pytest.FixtureRequest) -> Any:  # Any: one of the two above
    return request.param


@pytest.mark.parametrize("how", ["SIGTERM", "kill -9"])
async def test_a_process_that_ends_in_mid_turn_has_it_go_on_when_it_is_started_again(
    home: Home, processes: Any, how: str
) -> None:
    async with AsyncExitStack() as first:
        running, victim = await enter(first, processes(home))
        await send(running, wait=0)
        async with asyncio.timeout(GUARD):
            await home.model.held()
        if how == "SIGTERM":
            victim.terminate()
            assert await asyncio.to_thread(victim.wait, 60) == 0
        else:
            victim.kill()
            await asyncio.to_thread(victim.wait, 60)
        left = await home.turn()
    killed = how == "kill -9"
    assert left["status"] == ("RUNNING" if killed else "QUEUED")
    assert (left["lease_owner"] is None) == (not killed)
    assert await home.tasks() == ["milk"]

    home.model.then(Round(text=["Added milk."]))
    async with AsyncExitStack() as second:
        running, _ = await enter(second, processes(home))
        turn = await send(running, wait=30)
    assert turn == {
        "status": "COMPLETED",
        "reply": {"content": "Added milk."},
        "toolCalls": [{"status": "COMPLETED"}],
    }
    assert await home.tasks() == ["milk"]
    ended = await home.turn()
    assert (ended["lease_number"], ended["lost_leases"]) == (2, int(killed))


async def enter(stack: AsyncExitStack, manager: Any) -> Any:  # Any: what the manager gives
    """Enter a context manager that blocks, and leave it with the stack."""
    entered = await asyncio.to_thread(manager.__enter__)
    stack.push_async_callback(asyncio.to_thread, manager.__exit__, None, None, None)
    return entered


async def test_a_short_soak_loses_nothing_and_does_nothing_twice() -> None:
    report = await soak(Plan(kills=8, in_flight=8, both=0.5, left=0, pause=0.3))
    assert report.good, str(report)
    assert int(report.told["acknowledged"]) > 0
    assert int(report.told["kills"]) == 8


async def test_changes_are_whole_through_a_rolling_restart_and_a_restart_of_postgresql() -> None:
    """Readers by the library, over bare sockets and event streams."""
    faults = ("rolling restart", "PostgreSQL restarted")
    report = await changes.soak(changes.Plan(rounds=1, replicas=2, users=1, pace=0.1, only=faults))
    assert report.good, str(report)
    assert {one.fault for one in report.rounds} == set(faults)
    assert report.told["closed 1012"] > 0
    assert report.told["written"] > 10
