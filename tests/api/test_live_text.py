"""A turn's text on a real socket, counted as browsers count: whoever applies what comes, whenever they came, has it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from core.dsn import Dsn
from core.settings import Settings
from graphql_api.app import backend
from tests.support.reading import GUARD
from tests.support.replica import LiveSocket, Replica, replica
from tests.support.scripted_model import Hold, Round, ScriptedModel
from tests.support.scripted_rounds import Fault
from tests.support.stage import own_database

SEND = 'mutation { sendMessage(input: {content: "hello"}) { turn { id } userErrors { code } } }'
REPLY = "query($id: ID!) { node(id: $id) { ... on Turn { status attempt reply { content } } } }"
FOLLOW = """subscription($id: ID!) { turn(id: $id) {
  kind: __typename
  ... on TurnSnapshot { attempt draft offset turn { status } }
  ...Said
  ... on TurnEnded { turn { status } }
} }
fragment Said on TextDelta { turnId attempt at: offset text }"""

# Halves of a pair in two chunks, of one that is never finished, and what looks like one character but isn't.
FIRST = ["So \ud83d", "\udc4d", "e", "\u0301", " 買い", "\ud83c", "\udde9\ud83c", "\uddea"]
SECOND = [
    (["\ud83e", "\udd5b", " ", "👩‍"], "🥛 👩‍"),
    (["👩‍👧", " \ud83d", "x "], "🥛 👩‍👩‍👧 \ufffdx"),
    (["𝒳", " \n", "e\u0308", "終わり"], "🥛 👩‍👩‍👧 \ufffdx 𝒳 \ne\u0308終わり"),
]
"""Pieces, and what is shown with them."""


@pytest.fixture(scope="module")
def dsn(server: str) -> Dsn:
    """Of a database in which nobody else's worker finds turns."""
    name = f"live_text_{uuid4().hex}"
    asyncio.run(own_database(server, name))
    return Dsn.parse(server.replace("/tasktalk?", f"/{name}?"), "DATABASE_URL")


def units(text: str) -> bytes:
    """Two bytes for each that a browser's `length` counts."""
    return text.encode("utf-16-le", "surrogatepass")


class Browser:
    """Shows a turn by its subscription alone: a snapshot replaces the text, a delta goes to the end of it."""

    def __init__(self, socket: LiveSocket, turn: str) -> None:
        self.text = b""
        self.snapshots: list[tuple[int, str]] = []
        self._socket = socket
        self._turn = turn

    async def next(self) -> dict[str, Any]:
        """What came; it fits to what is shown."""
        message = await self._socket.receive()
        assert message["type"] == "next", message
        update: dict[str, Any] = message["payload"]["data"]["turn"]
        if update["kind"] == "TurnSnapshot":
            self.snapshots.append((update["attempt"], update["draft"]))
            self.text = units(update["draft"])
            assert update["offset"] * 2 == len(self.text)
        elif update["kind"] == "TextDelta":
            assert (update["turnId"], update["attempt"]) == (self._turn, self.snapshots[-1][0])
            assert update["at"] * 2 == len(self.text)
            self.text += units(update["text"])
        return update

    async def shows(self, text: str) -> None:
        async with asyncio.timeout(GUARD):
            while self.text != units(text):
                await self.next()

    async def ends(self) -> None:
        while (update := await self.next())["kind"] != "TurnEnded":
            pass
        assert update["turn"] == {"status": "COMPLETED"}


async def followed(here: Replica, socket: LiveSocket, turn: str) -> Browser:
    await socket.subscribe(FOLLOW, id=turn)
    return Browser(socket, turn)


async def test_early_and_late_all_show_the_same_through_a_retry(dsn: Dsn, tmp_path: Path, user: str) -> None:
    torn = Round(text=[*FIRST, Hold()], fault=Fault.END_EARLY)
    whole = Round(text=[part for pieces, _ in SECOND for part in (*pieces, Hold())])
    async with ScriptedModel(torn, whole) as model:
        settings = Settings(data_dir=tmp_path, openai_base_url=model.base_url)
        async with (
            backend(settings, dsn) as shared,
            shared.worker(),
            replica(shared.database, shared.bus, dsn, tmp_path) as here,
        ):
            token = here.token(user)
            async with here.socket(token) as one, here.socket(token) as two, here.socket(token) as three:
                turn = (await here.post(token, SEND))["data"]["sendMessage"]["turn"]["id"]
                early = await followed(here, one, turn)
                await early.shows("So 👍e\u0301 買い🇩🇪")
                middle = await followed(here, two, turn)
                await middle.shows("So 👍e\u0301 買い🇩🇪")
                model.release()
                for pieces, shown in SECOND:
                    await early.shows(shown)
                    if pieces is SECOND[1][0]:
                        late = await followed(here, three, turn)
                        await late.shows(shown)
                    model.release()
                for browser in (early, middle, late):
                    await browser.ends()
                    assert browser.text == units(SECOND[-1][1])
                stored = (await three.run(REPLY, id=turn))["data"]["node"]
            assert (2, "") in early.snapshots
            assert (2, "") in middle.snapshots
            assert {attempt for attempt, _ in late.snapshots} == {2}
            assert stored == {"status": "COMPLETED", "attempt": 2, "reply": {"content": SECOND[-1][1]}}
