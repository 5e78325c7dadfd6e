"""What a server adds to the model's first word: from when it was sent to when the client has it.

The model stamps each token with the moment it is sent, by the clock that all processes of a machine share.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Final

import httpx2
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from bench.load import quantile
from bench.servers import tasktalk
from services.auth.development import issue, load_key

MODEL: Final = "fake:ts,tokens=30,first=0.05,delay=0.01"
"""Paced like a quick model, so that what is measured is a way and not a queue."""

SAID: Final = "add milk to my list please"

_STAMP = re.compile(r"T(\d{10,})")
_SAY = "mutation Say($input: SendMessageInput!) { sendMessage(input: $input) { turn { id } userErrors { code } } }"
_FOLLOW = """subscription Follow($id: ID!) { turn(id: $id) {
  __typename
  ... on TurnSnapshot { draft }
  ... on TextDelta { text }
} }"""

Turns = Callable[[int], AsyncGenerator[float | None, None]]
"""Turns of the client of that number, one after the other: the milliseconds from the first token's stamp to its
arrival, or None where it came otherwise than in a delta."""


async def compare(
    model_url: str, bare_url: str | None, scratch: Path, concurrencies: Sequence[int], wanted: int
) -> dict[str, dict[str, float]]:
    """The table, printed, and its figures, of `wanted` turns each."""
    found: dict[str, dict[str, float]] = {}
    print("\nFrom the model's first token sent to the client's first text, ms\n")
    print("| | concurrency | p50 | p99 | turns | without a delta |\n|---|---|---|---|---|---|")
    data_dir = scratch / "first-delta"
    data_dir.mkdir()
    with tasktalk(data_dir, model_url, MODEL) as server:
        for concurrency in concurrencies:
            for name, turns in _ways(model_url, bare_url, server.url, data_dir).items():
                times = await _measure(turns, concurrency, wanted)
                seen = [one for one in times if one is not None]
                late = len(times) - len(seen)
                found[f"{name} at {concurrency}"] = {"p50": quantile(seen, 0.5), "p99": quantile(seen, 0.99)}
                print(
                    f"| {name} | {concurrency} | {quantile(seen, 0.5):.2f} | {quantile(seen, 0.99):.2f}"
                    f" | {len(times)} | {late} |",
                    flush=True,
                )
    return found


def _ways(model_url: str, bare_url: str | None, graphql_url: str, data_dir: Path) -> dict[str, Turns]:
    plain = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": SAID}]}
    ways = {"the model itself": partial(_streamed, f"{model_url}/chat/completions", plain)}
    if bare_url:
        ways["bare, streaming"] = partial(_streamed, bare_url, {"model": MODEL, "stream": True, "text": SAID})
    return {**ways, "tasktalk, WebSocket": partial(_subscribed, graphql_url, data_dir)}


async def _measure(turns: Turns, concurrency: int, wanted: int) -> list[float | None]:
    times: list[float | None] = []

    async def client(number: int) -> None:
        async with aclosing(turns(number)) as measured:
            async for one in measured:
                times.append(one)
                if len(times) >= wanted + concurrency:
                    return

    async with asyncio.TaskGroup() as group:
        for number in range(concurrency):
            group.create_task(client(number))
    return times[concurrency:]  # the first of each client opens connections


async def _streamed(url: str, body: Mapping[str, object], _: int) -> AsyncGenerator[float | None, None]:
    """Turn after turn, read as it streams over HTTP."""
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
        while True:
            first: float | None = None
            async with client.stream("POST", url, json=body) as response:
                async for piece in response.aiter_bytes():
                    if first is None and (stamp := _STAMP.search(piece.decode())):
                        first = _since(stamp)
            yield first


async def _subscribed(url: str, data_dir: Path, number: int) -> AsyncGenerator[float | None, None]:
    """Turn after turn, said over HTTP and followed on a WebSocket that stays open."""
    token = issue(load_key(data_dir), f"bench-{number}", 24 * 3600)
    headers = {"Authorization": f"Bearer {token}"}
    protocol = Subprotocol("graphql-transport-ws")
    socket = connect(url.replace("http", "ws", 1), subprotocols=[protocol], compression=None)
    async with httpx2.AsyncClient(trust_env=False, timeout=60, headers=headers) as client, socket as followed:
        await followed.send(orjson.dumps({"type": "connection_init", "payload": headers}).decode())
        await followed.recv()
        while True:
            said = await client.post(url, json={"query": _SAY, "variables": {"input": {"content": SAID}}})
            turn = said.json()["data"]["sendMessage"]["turn"]["id"]
            asked = {"query": _FOLLOW, "variables": {"id": turn}}
            await followed.send(orjson.dumps({"id": turn, "type": "subscribe", "payload": asked}).decode())
            yield await _first_delta(followed)


async def _first_delta(followed: ClientConnection) -> float | None:
    """Reads a turn's subscription to its end."""
    first: float | None = None
    begun = False
    async for frame in followed:
        message = orjson.loads(frame)
        if message["type"] in ("complete", "error"):
            return first
        update = (message.get("payload", {}).get("data") or {}).get("turn") or {}
        text = update.get("text") or update.get("draft")
        if text and not begun:
            begun = True
            stamp = _STAMP.search(text)
            first = _since(stamp) if stamp and "text" in update else None
    return first


def _since(stamp: re.Match[str]) -> float:
    return (time.monotonic_ns() - int(stamp[1])) / 1e6
