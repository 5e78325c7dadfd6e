"""A Chat Completions endpoint that answers at once and always alike: one call of the first tool, then a text.

The model's name says how: "fake:tokens=60,rounds=1,first=0.05,delay=0.01,ts". `first` are seconds before the first
event, `delay` before each token; with `ts` a token is "T<time.monotonic_ns()> ", taken as it is sent.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import httptools
import orjson
import uvloop

_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
_ids = count(1)


@dataclass(frozen=True)
class Manner:
    """How a model of that name answers."""

    tokens: int = 60
    rounds: int = 1
    first: float = 0.0
    delay: float = 0.0
    stamped: bool = False

    @classmethod
    def of(cls, model: str) -> Manner:
        given = dict(part.partition("=")[::2] for part in model.partition(":")[2].split(",") if part)
        return cls(
            tokens=int(given.get("tokens", cls.tokens)),
            rounds=int(given.get("rounds", cls.rounds)),
            first=float(given.get("first", cls.first)),
            delay=float(given.get("delay", cls.delay)),
            stamped="ts" in given,
        )


class FakeModel(asyncio.Protocol):
    """One connection of a client. Answers requests in turn."""

    def __init__(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._body = bytearray()
        self._answers: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        request = orjson.loads(bytes(self._body))
        self._body.clear()
        task = asyncio.ensure_future(self._answer(request))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)

    async def _answer(self, request: dict[str, Any]) -> None:
        manner = Manner.of(request["model"])
        if manner.first:
            await asyncio.sleep(manner.first)
        waiting = [_HEAD]
        for event in _events(request, manner):
            if manner.delay and event is None:
                self._transport.write(b"".join(waiting))
                waiting.clear()
                await asyncio.sleep(manner.delay)
            elif event is not None:
                waiting.append(b"%x\r\n%b\r\n" % (len(event), event))
        self._transport.write(b"".join(waiting) + b"0\r\n\r\n")


def _events(request: dict[str, Any], manner: Manner) -> Iterator[bytes | None]:
    """The events of one answer; None where a token waits for its time."""
    head = {"id": f"chatcmpl-{next(_ids)}", "object": "chat.completion.chunk", "created": 1, "model": request["model"]}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return b"data: " + orjson.dumps({**head, "choices": [choice]}) + b"\n\n"

    tool = _tool_to_call(request, manner)
    yield chunk({"role": "assistant", "content": None if tool else ""})
    if tool:
        call = {"index": 0, "id": f"call_{next(_ids)}", "type": "function"}
        yield chunk({"tool_calls": [{**call, "function": {"name": tool["name"], "arguments": ""}}]})
        arguments = orjson.dumps({name: "item 0" for name in tool["parameters"].get("required", ())}).decode()
        for start in range(0, len(arguments), 8):
            piece = {"arguments": arguments[start : start + 8]}
            yield chunk({"tool_calls": [{"index": 0, "function": piece}]})
    for number in range(0 if tool else manner.tokens):
        yield None
        yield chunk({"content": f"T{time.monotonic_ns()} " if manner.stamped else f"tok{number} "})
    yield chunk({}, "tool_calls" if tool else "stop")
    if (request.get("stream_options") or {}).get("include_usage"):
        usage = {"prompt_tokens": 10, "completion_tokens": 60, "total_tokens": 70}
        yield b"data: " + orjson.dumps({**head, "choices": [], "usage": usage}) + b"\n\n"
    yield b"data: [DONE]\n\n"


def _tool_to_call(request: dict[str, Any], manner: Manner) -> dict[str, Any] | None:
    """The first tool, as long as fewer rounds of results stand after the last user message."""
    rounds, before = 0, None
    for message in request["messages"]:
        role = message["role"]
        if role == "user":
            rounds = 0
        elif role == "tool" and before != "tool":
            rounds += 1
        before = role
    tools = request.get("tools")
    return tools[0]["function"] if tools and rounds < manner.rounds else None


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(FakeModel, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("port", type=int)
    sys.exit(uvloop.run(_serve(options.parse_args().port)))
