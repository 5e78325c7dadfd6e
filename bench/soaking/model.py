"""A Chat Completions endpoint that takes its time: asked to add something it calls add_task, then it says what it did.

A turn takes about two seconds of it, so that most kills meet turns in each of their phases.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

JsonObject = dict[str, Any]  # Any: JSON of any shape, as it stands on the wire

PIECES = 20
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


class SlowModel:
    """`pace` stretches its waits; 1 is about two seconds a turn."""

    def __init__(self, chance: random.Random, pace: float = 1.0) -> None:
        self._chance = chance
        self._pace = pace
        self.asked = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve while the block runs; the URL for OPENAI_BASE_URL."""
        handlers: set[asyncio.Task[None]] = set()

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            handler = asyncio.current_task()
            assert handler is not None, "a coroutine calls this"
            handlers.add(handler)
            # Cancelled at the end of the soak; a client that was killed in mid-answer is what it is about.
            with suppress(asyncio.CancelledError, OSError, asyncio.IncompleteReadError):
                while True:
                    await self._answer(await _read_body(reader), writer)
            handlers.discard(handler)
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=16 * 1024 * 1024)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        finally:
            server.close()
            for handler in handlers:
                handler.cancel()
            await asyncio.gather(*handlers, return_exceptions=True)
            await server.wait_closed()

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self._pace * self._chance.uniform(0.5, 1.5))

    async def _answer(self, request: JsonObject, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        await self._wait(0.3)
        writer.write(HEAD)
        pieces = list(_text("Noted. ")) if _was_told(request["messages"]) else [_call(_title(request["messages"]))]
        for piece in pieces:
            await self._wait(0.8 / len(pieces))
            await _write(writer, {"choices": [{"index": 0, "delta": piece, "finish_reason": None}]})
        reason = "stop" if len(pieces) > 1 else "tool_calls"
        await _write(writer, {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        await _write(writer, {"choices": [], "usage": {"prompt_tokens": 50, "completion_tokens": 20}})
        writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
        await writer.drain()


async def _read_body(reader: asyncio.StreamReader) -> JsonObject:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    body: JsonObject = json.loads(await reader.readexactly(int(lengths[0])))
    return body


async def _write(writer: asyncio.StreamWriter, event: JsonObject) -> None:
    base = {"id": "chatcmpl-soak", "object": "chat.completion.chunk", "created": 1, "model": "soak"}
    data = b"data: " + json.dumps({**base, **event}).encode() + b"\n\n"
    writer.write(b"%x\r\n%b\r\n" % (len(data), data))
    await writer.drain()


def _was_told(messages: Sequence[JsonObject]) -> bool:
    """Whether the last thing said is a tool's result."""
    return bool(messages[-1]["role"] == "tool")


def _title(messages: Sequence[JsonObject]) -> str:
    """What the user's last message wants added."""
    said = [str(message["content"]) for message in messages if message["role"] == "user"]
    return said[-1].removeprefix("add ")


def _call(title: str) -> JsonObject:
    function = {"name": "add_task", "arguments": json.dumps({"title": title})}
    return {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]}


def _text(word: str) -> Iterator[JsonObject]:
    for _ in range(PIECES):
        yield {"content": word}
