"""The server that checks from outside are run against: on the whole application, with what they need to see."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.database import Database
from core.dsn import Dsn
from events.bus import Bus
from tests.support.protocol_server import ProtocolServer, protocol_server
from tests.support.reading import GUARD


@pytest.fixture
async def served(database: Database, bus: Bus, dsn: Dsn, tmp_path: Path) -> AsyncIterator[ProtocolServer]:
    async with protocol_server(database, bus, dsn, tmp_path) as served:
        yield served


def ended(settings: dict[str, str]) -> int:
    with urllib.request.urlopen(settings["STOPPED_URL"], timeout=GUARD) as answer:
        return int(json.load(answer)["n"])


async def test_a_socket_that_is_lost_frees_what_ran_on_it(served: ProtocolServer, user: str) -> None:
    settings = served.settings(user)
    async with served.server.socket(settings["TOKEN"]) as socket:
        for _ in range(5):
            await socket.subscribe("subscription { ticks(n: 1000000, every: 0) }")
        seen: set[str] = set()
        while len(seen) < 5:
            seen.add((await socket.receive())["id"])
        assert await asyncio.to_thread(ended, settings) == 0
        socket.connection.transport.abort()
        async with asyncio.timeout(GUARD):
            while await asyncio.to_thread(ended, settings) < 5:
                pass
    assert len(served.server.sockets) == 0


async def test_a_subscription_that_ends_says_so(served: ProtocolServer, user: str) -> None:
    async with served.server.socket(served.settings(user)["TOKEN"]) as socket:
        await socket.subscribe("subscription { ticks(n: 2, every: 0) }")
        assert [(await socket.receive())["type"] for _ in range(3)] == ["next", "next", "complete"]


async def test_a_token_that_was_good_once_is_refused(served: ProtocolServer, user: str) -> None:
    answer = await served.server.post(served.settings(user)["EXPIRED_TOKEN"], "{ viewer { id } }")
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
