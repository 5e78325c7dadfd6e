"""A redis-server of the soak's own: it can be killed, started again on its port, frozen, and told to drop a client."""

from __future__ import annotations

import asyncio
import shutil
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bench.servers import free_port

START_WITHIN = 30.0


@dataclass
class Broker:
    """Nothing of it is kept on disk. `directory` is only where it runs."""

    directory: Path
    port: int = field(default_factory=free_port)
    _process: asyncio.subprocess.Process | None = None

    @staticmethod
    def installed() -> bool:
        return shutil.which("redis-server") is not None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Return once it answers."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = await asyncio.create_subprocess_exec(
            *command, "--dir", str(self.directory), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        async with asyncio.timeout(START_WITHIN), Redis.from_url(self.url) as client:
            while True:
                with suppress(RedisError, OSError):
                    await client.execute_command("PING")
                    return
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """SIGKILL: nothing is said to anybody."""
        if self._process is not None:
            process, self._process = self._process, None
            with suppress(ProcessLookupError):  # an interrupt may have ended it already
                process.kill()
            await process.wait()

    async def drop_listeners(self) -> None:
        """End the connections that listen, and only those."""
        async with Redis.from_url(self.url) as client:
            await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")

    def freeze(self) -> None:
        """Connections stay open, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "it runs"
        self._process.send_signal(number)
