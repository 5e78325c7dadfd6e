"""Whoever begins to follow a turn in its midst has all of its text, also where the model then says nothing more."""

from __future__ import annotations

import asyncio

from tests.support.controlling import Person
from tests.support.reading import GUARD
from tests.support.scripted_provider import Said

FOLLOW = """subscription ($id: ID!) { turn(id: $id) { __typename
  ... on TurnSnapshot { draft } ... on TextDelta { text } } }"""


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
