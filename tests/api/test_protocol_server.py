"""The server that checks from outside are run against: on the whole application, with what they need to see."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from core.database import Database
from core.dsn import Dsn
from core.settings import Settings
from events.bus import Bus
from graphql_api.app import edge_limits
from graphql_api.gate import LOOK_EVERY
from tests.support.protocol_server import ProtocolServer, protocol_server
from tests.support.reading import GUARD
from tests.support.replica import LiveSocket


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


async def test_a_socket_with_a_token_that_is_not_good_is_closed(served: ProtocolServer, user: str) -> None:
    settings = served.settings(user)
    good = settings["TOKEN"]
    tampered = good[:-6] + ("AAAAAA" if good[-6:] != "AAAAAA" else "BBBBBB")
    for token in (settings["EXPIRED_TOKEN"], tampered, "not.a.token", ""):
        protocols = [Subprotocol("graphql-transport-ws")]
        async with connect(settings["WS_URL"], subprotocols=protocols, proxy=None) as connection:
            socket = LiveSocket(connection)
            await socket.send(type="connection_init", payload={"Authorization": f"Bearer {token}"})
            assert (await socket.closed(), connection.close_reason) == (4403, "Forbidden")
    assert len(served.server.sockets) == 0


def test_the_limits_are_those_of_the_design_unless_set_otherwise() -> None:
    limits = edge_limits(Settings())
    found = limits.init_seconds, limits.operations_per_socket, limits.sockets_per_user, limits.frame_bytes
    assert found == (5, 20, 10, 65_536)
    assert LOOK_EVERY < 2  # in which a revoked token's sockets are to close on every replica


async def test_a_token_that_was_good_once_is_refused(served: ProtocolServer, user: str) -> None:
    answer = await served.server.post(served.settings(user)["EXPIRED_TOKEN"], "{ viewer { id } }")
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
