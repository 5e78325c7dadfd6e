"""A real redis-server for tests: a free port, nothing on disk; can be killed, restarted on its port and frozen."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from redis.asyncio import Redis

BINARY = shutil.which("redis-server")
START_WITHIN = 30.0


class Broker(Protocol):
    """What the bus's tests do to a broker."""

    @property
    def url(self) -> str: ...
    async def start(self) -> None: ...
    async def kill(self) -> None: ...
    async def restart(self) -> None: ...
    async def drop_listeners(self) -> None: ...
    def freeze(self) -> None: ...
    def thaw(self) -> None: ...


class RedisServer:
    """The process is owned by this object: `kill` it before the test ends."""

    def __init__(self, password: str | None = None) -> None:
        self._password = password
        self._port = 0
        self._process: asyncio.subprocess.Process | None = None
        self._directory: TemporaryDirectory[str] | None = None

    @property
    def url(self) -> str:
        credentials = f":{self._password}@" if self._password else ""
        return f"redis://{credentials}127.0.0.1:{self._port}/0"

    async def start(self) -> None:
        """Return once the server accepts connections, on the port it had before if it ran before."""
        if self._port == 0:
            self._port = _free_port()
        self._directory = TemporaryDirectory()
        command = [BINARY or "redis-server", "--port", str(self._port), "--bind", "127.0.0.1", "--save", ""]
        command += ["--appendonly", "no", "--dir", self._directory.name, "--daemonize", "no", "--logfile", ""]
        if self._password:
            command += ["--requirepass", self._password]
        self._process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=Path(self._directory.name)
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(START_WITHIN):
            async for line in self._process.stdout:
                if b"Ready to accept connections" in line:
                    return
        raise RuntimeError("redis-server ended before it was ready")

    async def kill(self) -> None:
        """SIGKILL: connections break, nothing is said."""
        if self._process is not None:
            self._process.kill()
            await self._process.communicate()
            self._process = None
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None

    async def restart(self) -> None:
        await self.kill()
        await self.start()

    async def drop_listeners(self) -> None:
        """End the connections that listen, and only those."""
        async with Redis.from_url(self.url, protocol=2) as client:
            await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nothing is answered."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
