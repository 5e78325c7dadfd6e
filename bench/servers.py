"""Starts what is measured, each in a process of its own, and reads what their processes took."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

_OURS = ("TASKTALK_", "OPENAI_", "BETTER_AUTH_", "DATABASE_", "BROADCAST_")
_PATIENCE = 120.0
"""Seconds that a server may take to start: the first start makes a database."""


@dataclass
class Server:
    """A process that serves, and the postmaster it stores with, if it does."""

    url: str
    process: int
    postmaster: int | None = None

    def cpu(self) -> float:
        """Seconds of CPU of the process and its children, without those of PostgreSQL."""
        return _cpu(self.process, without=self.postmaster)

    def postgres_cpu(self) -> float:
        return _cpu(self.postmaster) if self.postmaster else 0.0

    def resident(self) -> int:
        """Bytes of memory of the serving process."""
        return int(psutil.Process(self.process).memory_info().rss)


def _cpu(pid: int, without: int | None = None) -> float:
    root = psutil.Process(pid)
    times = root.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in root.children(recursive=True):
        if without is None or (child.pid != without and child.ppid() != without):
            try:
                spent = child.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += spent.user + spent.system
    return float(total)


def environment(**more: str) -> dict[str, str]:
    """Our environment without settings, and `more`."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)} | more


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def started(command: Sequence[str], log: Path, env: Mapping[str, str], cwd: Path | None = None) -> Iterator[int]:
    """A process in a group of its own; stopped at the end. Its pid."""
    with log.open("a") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=env, cwd=cwd, start_new_session=True)
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def serving(
    command: Sequence[str], port: int, log: Path, env: Mapping[str, str], path: str = "", cwd: Path | None = None
) -> Iterator[Server]:
    """A server that is told its port; yielded when it accepts."""
    with started(command, log, env, cwd) as pid:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                _wait(pid, deadline, log)
        yield Server(f"http://127.0.0.1:{port}{path}", pid)


@contextmanager
def tasktalk(data_dir: Path, model_url: str, model: str, **more: str) -> Iterator[Server]:
    """`tasktalk serve` with its embedded PostgreSQL, no limits on how often a user asks, and that model."""
    env = environment(
        OPENAI_BASE_URL=model_url,
        OPENAI_MODEL=model,
        TASKTALK_LOG_LEVEL="WARNING",
        TASKTALK_LIMIT_SENDS_PER_MINUTE="0",
        TASKTALK_LIMIT_REQUESTS_PER_MINUTE="0",
        **more,
    )
    command = (sys.executable, "-m", "graphql_api.cli.main", "serve", "--port", "0", "--data-dir", str(data_dir))
    log = data_dir / f"serve-{time.time_ns()}.log"
    with started(command, log, env) as pid:
        deadline = time.monotonic() + _PATIENCE
        while (found := re.search(r"listens on (http://\S+)", log.read_text())) is None:
            _wait(pid, deadline, log)
        yield Server(f"{found[1]}/graphql", pid, postmaster_below(data_dir))


def postmaster_below(directory: Path) -> int:
    """The PostgreSQL server whose data is somewhere in the directory."""
    found = next(directory.rglob("postmaster.pid"))
    return int(found.read_text().split()[0])


def stop_postmaster(pid: int) -> None:
    """A fast shutdown, waited for."""
    process = psutil.Process(pid)
    process.send_signal(signal.SIGINT)
    process.wait(30)


def _wait(pid: int, deadline: float, log: Path) -> None:
    if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE or time.monotonic() > deadline:
        raise SystemExit(f"a server did not start:\n{log.read_text()[-3000:]}")
    time.sleep(0.05)
