"""Whoever begins to follow a turn in its midst has all of its text, also where the model then says nothing more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from core.database import Database
from core.dsn import Dsn
from events.bus import Bus
from tests.support.controlling import Person, person
from tests.support.reading import GUARD
from tests.support.scripted_provider import Said
from tests.support.stage import own_database

FOLLOW = """subscription ($id: ID!) { turn(id: $id) { __typename
  ... on TurnSnapshot { draft } ... on TextDelta { text } } }"""


@pytest.fixture(scope="module")
def dsn(server: str) -> Dsn:
    return asyncio.run(own_database(server, f"late_{uuid4().hex}"))


@pytest.fixture
async def ann(database: Database, bus: Bus, dsn: Dsn, user: str) -> AsyncIterator[Person]:
    async with person(database, bus, dsn, user) as someone:
        yield someone


async def test_text_that_is_not_saved_yet_reaches_who_comes_after_its_delta(ann: Person) -> None:
    ann.model.then(Said("Half an answer", hold=True))
    async with ann.working():
        sent = await ann.send("tell me")
        await ann.model.holds()
        seen = ""
        async with asyncio.timeout(GUARD), ann.api.subscribe(FOLLOW, id=sent["turn"]["id"]) as events:
            async for event in events:
                seen = event["turn"].get("draft") or seen + event["turn"].get("text", "")
                if seen == "Half an answer":
                    break
        ann.model.release()
        assert (await ann.wait(sent["turn"]["id"]))["reply"]["content"] == seen
