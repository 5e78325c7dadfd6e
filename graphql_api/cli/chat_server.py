"""The server that `tasktalk chat` talks to: one that runs already, or one it starts as its child and stops again."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final

import httpx2

from tasktalk_client import ClientError

_LISTENS: Final = re.compile(r"\blistens on (https?://[^\s/]+)")
_START_SECONDS: Final = 90.0  # the first start of a data directory makes its database
_STOP_SECONDS: Final = 15.0  # the server gives running requests ten
_PROBE_SECONDS: Final = 2.0
_LONGEST_LINE: Final = 256 * 1024


async def is_running(url: str) -> bool:
    """Whether a Tasktalk server answers there: GET /healthz says {"status": "ok"}."""
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=_PROBE_SECONDS) as client:
            answer = (await client.get(f"{url}/healthz")).json()
    except (httpx2.HTTPError, ValueError):
        return False
    return isinstance(answer, dict) and answer.get("status") == "ok"


class OwnServer:
    """A server on a free port of this machine, run by this process. Use as a context manager; it stops at the end.

    `command` starts it; it must say `listens on URL` on its output.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._url: asyncio.Future[str] | None = None
        self._last_words: deque[str] = deque(maxlen=20)

    @classmethod
    def of(cls, data_dir: Path) -> OwnServer:
        """The server of a data directory."""
        serve = ["-m", "graphql_api.cli.main", "serve", "--host", "127.0.0.1", "--port", "0"]
        return cls([sys.executable, *serve, "--data-dir", str(data_dir.absolute())])

    async def __aenter__(self) -> OwnServer:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def url(self) -> str:
        """Where it listens; started where it doesn't run (any more). Raises ClientError where it won't start."""
        if self._process is None or self._process.returncode is not None or self._url is None:
            await self.stop()
            await self._start()
        assert self._url is not None
        try:
            async with asyncio.timeout(_START_SECONDS):
                return await asyncio.shield(self._url)
        except TimeoutError:
            raise ClientError(f"The server didn't start within {_START_SECONDS:.0f} seconds.") from None

    async def ended(self) -> None:
        """Wait until it ends by itself."""
        if self._process is not None:
            await self._process.wait()

    async def stop(self) -> None:
        """Ask it to end (SIGINT), wait, and end it by force only where it doesn't."""
        process, self._process = self._process, None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if process is None or process.returncode is not None:
                break
            with suppress(ProcessLookupError):
                process.send_signal(number)
            with suppress(TimeoutError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await process.wait()
        if self._reader is not None:
            # What it started may outlive it and hold the pipe open.
            self._reader.cancel()
            await asyncio.wait([self._reader])
            self._reader = None

    async def _start(self) -> None:
        try:
            # A session of its own: Ctrl-C reaches the whole foreground group, and a second signal would hurry it.
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                limit=_LONGEST_LINE,
                start_new_session=True,
            )
        except OSError as error:
            raise ClientError(f"The server can't be started ({type(error).__name__}).") from None
        self._url = asyncio.get_running_loop().create_future()
        # An end before anyone asks again is no fault of ours to report.
        self._url.add_done_callback(lambda url: url.cancelled() or url.exception())
        assert self._process.stdout is not None
        self._reader = asyncio.create_task(self._listen(self._process.stdout, self._url), name="output of the server")

    async def _listen(self, output: asyncio.StreamReader, url: asyncio.Future[str]) -> None:
        """Read to the end: a full pipe would stop the server."""
        self._last_words.clear()
        while True:
            try:
                raw = await output.readline()
            except ValueError:  # a longer line than the limit; the reader has let go of it
                continue
            if not raw:
                break
            line = raw.decode("utf-8", "replace").strip()
            self._last_words.append(line)
            found = _LISTENS.search(line)
            if found and not url.done():
                url.set_result(found[1])
        if not url.done():
            words = next((line for line in reversed(self._last_words) if line), "it said nothing")
            url.set_exception(ClientError(f"The server didn't start: {words}"))
