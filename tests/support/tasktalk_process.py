"""`tasktalk` as people run it: a process of its own, with nothing of our environment that could change it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2

from services.auth.development import issue, load_key

_OURS = ("TASKTALK_", "OPENAI_", "BETTER_AUTH_", "DATABASE_", "BROADCAST_")


def environment(**more: str) -> dict[str, str]:
    """Our environment without settings, and `more`."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)} | more


def tasktalk(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        (sys.executable, "-m", "graphql_api.cli.main", *arguments),
        capture_output=True,
        text=True,
        env=environment(**more),
        timeout=120,
        check=False,
    )


@dataclass
class Running:
    """A server that has said that it listens."""

    process: subprocess.Popen[str]
    url: str
    data_dir: Path

    def client(self) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, trust_env=False, timeout=30)

    def token(self, user: str = "alice") -> str:
        return issue(load_key(self.data_dir), user, 3600)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(60)


@contextmanager
def serve(data_dir: Path, *arguments: str, **more: str) -> Iterator[Running]:
    """A server on a free port. It is killed at the end where it still runs."""
    with _started(data_dir, "serve", "--port", "0", *arguments, **more) as (process, line):
        found = re.search(r"listens on (http://\S+)", line)
        assert found, (line, (data_dir / "serve.log").read_text()[-2000:])
        yield Running(process, found[1], data_dir)


@contextmanager
def work(data_dir: Path, **more: str) -> Iterator[subprocess.Popen[str]]:
    """A worker that has said that it works. It is stopped at the end where it still runs."""
    with _started(data_dir, "worker", **more) as (process, line):
        assert "works on turns" in line, (line, (data_dir / "worker.log").read_text()[-2000:])
        yield process


@contextmanager
def _started(data_dir: Path, command: str, *arguments: str, **more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process, and the first line it says."""
    whole = (sys.executable, "-m", "graphql_api.cli.main", command, "--data-dir", str(data_dir), *arguments)
    with (
        (data_dir / f"{command}.log").open("a") as log,
        subprocess.Popen(whole, stdout=subprocess.PIPE, stderr=log, text=True, env=environment(**more)) as process,
    ):
        try:
            assert process.stdout is not None, "it is a pipe"
            yield process, process.stdout.readline()
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(60)


@contextmanager
def data_directory() -> Iterator[Path]:
    """Outside pytest's own directories, which the server's system user can't always enter."""
    path = Path(tempfile.mkdtemp(prefix="tasktalk-serve-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
