"""The processes that the soak kills: `tasktalk serve` and `tasktalk worker`, each with a data directory of its own."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

START_WITHIN = 120.0
_OURS = ("TASKTALK_", "OPENAI_", "BETTER_AUTH_", "DATABASE_", "BROADCAST_")


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Ours without settings, and `more`."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)} | dict(more)


@dataclass
class Program:
    """One of them. Times are of the monotonic clock; a start is over when the process says that it is ready."""

    name: str
    command: str
    data_dir: Path
    settings: Mapping[str, str]
    url: str = ""
    started: float = 0.0
    ready: float = 0.0
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    @property
    def up(self) -> bool:
        return self.process is not None

    @property
    def pid(self) -> int:
        assert self.process is not None, "it is up"
        return self.process.pid

    async def start(self) -> None:
        """Return once it listens, or works. Raises RuntimeError with the end of its log where it ends instead."""
        arguments = [self.command, "--data-dir", str(self.data_dir)]
        arguments += ["--port", "0"] if self.command == "serve" else []
        self.started = time.monotonic()
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "graphql_api.cli.main", *arguments),
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=environment(self.settings),
            )
        self.process = process
        assert process.stdout is not None, "it is a pipe"
        async with asyncio.timeout(START_WITHIN):
            line = (await process.stdout.readline()).decode()
        self.ready = time.monotonic()
        if not line:
            raise RuntimeError(f"{self.name} did not start: {self._log.read_text()[-2000:]}")
        if found := re.search(r"listens on (http://\S+)", line):
            self.url = found[1]

    async def kill(self) -> int:
        """SIGKILL; the id of the process that was."""
        assert self.process is not None, "it is up"
        process, self.process = self.process, None
        process.kill()
        await process.wait()
        return process.pid

    async def stop(self) -> None:
        """SIGTERM, at the end of the soak."""
        if self.process is not None:
            process, self.process = self.process, None
            with suppress(ProcessLookupError):  # an interrupt may have ended it already
                process.terminate()
            try:
                async with asyncio.timeout(30):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

    @property
    def _log(self) -> Path:
        return self.data_dir / "log"


def fleet(home: Path, servers: int, workers: int, settings: Mapping[str, str], key: Path) -> list[Program]:
    """The processes, not started yet. As on machines of their own they share no directory; the key they do."""
    programs: list[Program] = []
    for command, count in (("serve", servers), ("worker", workers)):
        for number in range(1, count + 1):
            data_dir = home / f"{command}-{number}"
            data_dir.mkdir(mode=0o700)
            shutil.copy2(key, data_dir / key.name)
            programs.append(Program(f"{command} {number}", command, data_dir, settings))
    return programs
