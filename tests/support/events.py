"""A reader of GraphQL over server-sent events: one POST, its comments and events as they come."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from tests.support.reading import GUARD

HEARTBEAT = ("", None)


class EventReader:
    """The events of one response."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def any(self) -> tuple[str, Any] | None:
        """The next event, its name and decoded data; HEARTBEAT for a comment, None at the end of the body."""
        name, data = "", ""
        async with asyncio.timeout(GUARD):
            async for line in self._lines:
                if line == "":
                    return (name, json.loads(data) if data else None)
                field, _, value = line.partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    data += value
        return None

    async def next(self) -> tuple[str, Any] | None:
        """As `any`, comments passed over."""
        while (event := await self.any()) == HEARTBEAT:
            pass
        return event

    async def result(self) -> Any:
        """The data of the next result, which must have no errors."""
        event = await self.next()
        assert event is not None
        assert event[0] == "next", event
        assert "errors" not in event[1], event
        return event[1]["data"]

    async def rest(self) -> list[tuple[str, Any]]:
        """What comes until the body ends."""
        found = []
        while (event := await self.next()) is not None:
            found.append(event)
        return found


@asynccontextmanager
async def streaming(url: str, token: str, query: str, **more: Any) -> AsyncIterator[EventReader]:
    """The events of an operation; leaving hangs up. `accept` replaces the header, the rest goes beside the query."""
    accept = more.pop("accept", "text/event-stream")
    headers = {"authorization": f"Bearer {token}", "accept": accept}
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=GUARD) as client,
        client.stream("POST", url, json={"query": query, **more}, headers=headers) as response,
    ):
        yield EventReader(response)
