"""How soon a stopped turn stops: from cancelTurn sent to the model's connection closed, and to the mutation's answer.

.venv/bin/python bench/stopping.py --turns 100
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import orjson
import psutil  # type: ignore[import-untyped]  # it ships no types

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.load import quantile
from bench.servers import free_port, stop_postmaster, tasktalk
from services.auth.development import issue, load_key

SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { turn { id } userErrors { code } } }"
CANCEL = "mutation ($input: TurnIdInput!) { cancelTurn(input: $input) { turn { status reply { content } } } }"
TOKEN_EVERY = 0.02
"""Seconds between two tokens of the model."""

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
_TOKEN = b"data: " + orjson.dumps({"choices": [{"index": 0, "delta": {"content": "word "}}]}) + b"\n\n"


class EndlessModel:
    """Speaks until its caller hangs up. `speaking` is set once it speaks, `closed` is when the caller was gone."""

    def __init__(self) -> None:
        self.speaking = asyncio.Event()
        self.hung_up = asyncio.Event()
        self.closed = 0.0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        speech = asyncio.create_task(self._speak(writer))
        with suppress(ConnectionError):  # hanging up in mid-answer resets the connection
            while await reader.read(65536):
                pass
        self.closed = time.monotonic()
        self.hung_up.set()
        speech.cancel()
        writer.close()

    async def _speak(self, writer: asyncio.StreamWriter) -> None:
        writer.write(_HEAD)
        while True:
            writer.write(_TOKEN)
            self.speaking.set()
            await asyncio.sleep(TOKEN_EVERY)


async def measure(data_dir: Path, port: int, url: str, turns: int) -> list[tuple[float, float]]:
    """Milliseconds from the request to the closed connection, and to the answer, of each turn."""
    model = EndlessModel()
    server = await asyncio.start_server(model.answer, "127.0.0.1", port)
    headers = {"Authorization": f"Bearer {issue(load_key(data_dir), 'stopping', 3600)}"}
    async with server, httpx2.AsyncClient(trust_env=False, timeout=30, headers=headers) as client:
        return [await _stop_one(client, url, model) for _ in range(turns)]


async def _stop_one(client: httpx2.AsyncClient, url: str, model: EndlessModel) -> tuple[float, float]:
    model.speaking.clear()
    model.hung_up.clear()
    sent = await _ask(client, url, SEND, {"content": "tell me a story"})
    turn_id = sent["sendMessage"]["turn"]["id"]
    await model.speaking.wait()
    await asyncio.sleep(5 * TOKEN_EVERY)
    asked = time.monotonic()
    stopped = (await _ask(client, url, CANCEL, {"turnId": turn_id}))["cancelTurn"]["turn"]
    answered = time.monotonic()
    if stopped["status"] != "CANCELLED" or not stopped["reply"]["content"].startswith("word"):
        raise SystemExit(f"not stopped: {stopped}")
    await model.hung_up.wait()
    return 1000 * (model.closed - asked), 1000 * (answered - asked)


async def _ask(client: httpx2.AsyncClient, url: str, document: str, given: dict[str, Any]) -> dict[str, Any]:
    response = await client.post(url, json={"query": document, "variables": {"input": given}})
    answer: dict[str, Any] = response.json()
    if "errors" in answer:
        raise SystemExit(str(answer["errors"]))
    data: dict[str, Any] = answer["data"]
    return data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=100, help="how many are stopped, one after the other")
    turns = parser.parse_args().turns
    with tempfile.TemporaryDirectory(prefix="tasktalk-stopping-", ignore_cleanup_errors=True) as scratch:
        data_dir, port = Path(scratch), free_port()
        data_dir.chmod(0o755)  # as root the database runs as a user of its own
        with tasktalk(data_dir, f"http://127.0.0.1:{port}", "endless") as served:
            postmaster = served.postmaster
            found = asyncio.run(measure(data_dir, port, served.url, turns))
        if postmaster is not None and psutil.pid_exists(postmaster):
            stop_postmaster(postmaster)
    print("| from cancelTurn sent to, ms | p50 | p99 | longest |\n|---|---|---|---|")
    for name, times in (
        ("the model's connection closed", [a for a, _ in found]),
        ("its answer", [b for _, b in found]),
    ):
        print(f"| {name} | {quantile(times, 0.5):.1f} | {quantile(times, 0.99):.1f} | {max(times):.1f} |")


if __name__ == "__main__":
    main()
