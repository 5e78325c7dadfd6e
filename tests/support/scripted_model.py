"""A model endpoint for tests: a real HTTP server on a loopback port that answers Chat Completions from a script.

By hand: `python -m tests.support.scripted_model --port 0 --script rounds.json` prints its URL for OPENAI_BASE_URL.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.scripted_rounds import (
    Call,
    Fault,
    Hangup,
    Hold,
    JsonObject,
    Part,
    Round,
    stream_parts,
    whole_answer,
)

__all__ = ["Call", "Fault", "Hold", "Round", "ScriptedModel", "last_user_message"]

Script = Callable[[JsonObject], Round]


class _ClientLeft(Exception):
    """The client closed the connection while the server held it."""


class _HungUp(Exception):
    """The script says to close the connection here."""


class ScriptedModel:
    """Serves rounds in order, or what `script(request body)` returns for each request.

    async with ScriptedModel(Round(text=["Hello"])) as model:
        provider = OpenAIProvider("key", model.base_url, "scripted")

    `requests` and `headers` hold what was received. A request for which the script has no round is answered with 400
    and fails the test when the block ends.
    """

    def __init__(self, *rounds: Round, script: Script | None = None, port: int = 0) -> None:
        self.requests: list[JsonObject] = []
        self.headers: list[Mapping[str, str]] = []
        self.connections = 0
        self.unscripted: list[str] = []
        self._rounds = deque(rounds)
        self._script = script
        self._port = port
        self._holds: list[asyncio.Event] = []
        self._changed = asyncio.Condition()
        self._disconnects = 0
        self._server: asyncio.Server | None = None
        self._handlers: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        """What OPENAI_BASE_URL takes."""
        return f"http://127.0.0.1:{self._port}/v1"

    def then(self, *rounds: Round) -> None:
        """Add rounds to the script."""
        self._rounds.extend(rounds)

    async def held(self, requests: int = 1) -> None:
        """Wait until so many requests hang at once."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._holds) >= requests)

    async def received(self, requests: int) -> None:
        """Wait until so many requests have come in all."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.requests) >= requests)

    async def client_left(self, times: int = 1) -> None:
        """Wait until clients have left so many answers unread in all."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._disconnects >= times)

    def release(self) -> None:
        """Let every hanging request go on."""
        for hold in self._holds:
            hold.set()

    async def start(self) -> None:
        """Listen; `base_url` is right from here on."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port, limit=16 * 1024 * 1024)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and drop what is open."""
        if self._server is None:
            return
        self._server.close()
        for handler in self._handlers:
            handler.cancel()
        await asyncio.gather(*self._handlers, return_exceptions=True)
        await self._server.wait_closed()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
        if error is None and self.unscripted:
            raise AssertionError(f"the model was asked what its script doesn't have: {self.unscripted}")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handler = asyncio.current_task()
        assert handler is not None
        self._handlers.add(handler)
        self.connections += 1
        try:
            while (request := await _read_request(reader)) is not None:
                await self._answer(*request, reader, writer)
        except (_ClientLeft, ConnectionError):
            await self._note(self._count_disconnect)
        except (_HungUp, asyncio.CancelledError):
            pass  # the test is over: swallowed so that asyncio has no cancelled callback to log
        finally:
            self._handlers.discard(handler)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(
        self,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        if path != "/v1/chat/completions":
            await _send_json(writer, 404, {}, {"error": {"message": f"no such path: {path}"}})
            return
        request: JsonObject = json.loads(body)
        async with self._changed:
            self.requests.append(request)
            self.headers.append(headers)
            number = len(self.requests)
            self._changed.notify_all()
        round_ = self._next_round(request)
        model = str(request.get("model"))
        if round_.fault is Fault.HANG_BEFORE_HEADERS:
            await self._hold(reader)
        if round_.status != 200:
            await _send_json(writer, round_.status, round_.headers, {"error": dict(round_.error)})
        elif round_.fault is Fault.NOT_STREAMED or not request.get("stream"):
            await _send(writer, 200, round_.headers, whole_answer(round_, number, model))
        else:
            await self._stream(stream_parts(round_, number, model), round_, reader, writer)

    def _next_round(self, request: JsonObject) -> Round:
        if self._rounds:
            return self._rounds.popleft()
        if self._script is not None:
            return self._script(request)
        self.unscripted.append(last_user_message(request))
        return Round(status=400, error={"message": "the script has no round for this request", "type": "scripted"})

    async def _stream(
        self, parts: Iterable[Part], round_: Round, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = {"Content-Type": "text/event-stream; charset=utf-8", "Transfer-Encoding": "chunked", **round_.headers}
        writer.write(_head(200, head))
        for part in parts:
            if isinstance(part, Hold):
                await writer.drain()
                await self._hold(reader)
            elif isinstance(part, Hangup):
                await writer.drain()
                raise _HungUp
            else:
                size = round_.piece or max(len(part), 1)
                for start in range(0, len(part), size):
                    piece = part[start : start + size]
                    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _hold(self, reader: asyncio.StreamReader) -> None:
        """Stop until released, or until the client leaves. A client sends nothing while it waits for an answer."""
        released = asyncio.Event()
        await self._note(lambda: self._holds.append(released))
        waits = [asyncio.create_task(released.wait()), asyncio.create_task(reader.read(1))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
            self._holds.remove(released)
        if not released.is_set():
            raise _ClientLeft

    def _count_disconnect(self) -> None:
        self._disconnects += 1

    async def _note(self, change: Callable[[], None]) -> None:
        async with self._changed:
            change()
            self._changed.notify_all()


def last_user_message(request: JsonObject) -> str:
    """The text that a request's model is to answer; empty when there is none."""
    texts = [message.get("content") for message in request.get("messages", ()) if message.get("role") == "user"]
    return str(texts[-1]) if texts else ""


async def _read_request(reader: asyncio.StreamReader) -> tuple[str, Mapping[str, str], bytes] | None:
    """One request: path, headers under lower-case names, body. None when the client has closed."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    request_line, *lines = head.strip().split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return request_line.split(" ")[1], headers, body


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _send_json(
    writer: asyncio.StreamWriter, status: int, headers: Mapping[str, str], value: Mapping[str, object]
) -> None:
    await _send(writer, status, headers, json.dumps(value).encode())


async def _send(writer: asyncio.StreamWriter, status: int, headers: Mapping[str, str], body: bytes) -> None:
    head = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    writer.write(_head(status, head) + body)
    await writer.drain()


async def _run(port: int, rounds: Sequence[Round]) -> None:
    """Serve for ever; rounds come round again. With none, the model repeats what it is told."""
    turning = deque(rounds)

    def script(request: JsonObject) -> Round:
        if not turning:
            return Round(text=["You said: ", last_user_message(request)])
        turning.rotate(-1)
        return turning[-1]

    model = ScriptedModel(script=script, port=port)
    await model.start()
    sys.stdout.write(model.base_url + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--script", type=Path, help="a JSON list of rounds, answered in order and over again")
    options = parser.parse_args()
    rounds = json.loads(options.script.read_text()) if options.script else []
    with suppress(KeyboardInterrupt):
        asyncio.run(_run(options.port, [Round.from_json(round_) for round_ in rounds]))


if __name__ == "__main__":
    _main()
