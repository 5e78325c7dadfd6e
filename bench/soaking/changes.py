"""Who writes and who reads the changes in the soak of them: writers that repeat until acknowledged, and readers, by the
library, over bare sockets and over event streams, that drop and go on from their cursors."""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from abc import abstractmethod
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from bench.soaking.processes import Program
from events.cursors import decode
from tasktalk_client import Client, OperationFailed, Patience

CREATE = """mutation($input: CreateTaskInput!) {
  createTask(input: $input) { task { id } userErrors { code } }
}"""
CHANGES = """subscription($after: String, $kinds: [ChangeKind!]) {
  changes(after: $after, kinds: $kinds) { __typename cursor ... on TaskChanged { task { title } } }
}"""
CURSOR = "{ viewer { cursor } }"
A_LABEL = 0.3
"""The share of tasks that come with a label: readers of tasks alone pass over its changes."""

AGAIN = 0.1
"""Seconds before the next try where no server answers."""

JsonObject = dict[str, Any]  # Any: JSON
Gone = (ConnectionClosed, InvalidHandshake, httpx2.TransportError, OSError, TimeoutError, EOFError)


@dataclass
class Fleet:
    """The servers, as a balancer shows them: one at random of those that are up."""

    programs: Sequence[Program]
    chance: random.Random

    async def url(self) -> str:
        while True:
            up = [program.url for program in self.programs if program.up and program.url]
            if up:
                return self.chance.choice(up)
            await asyncio.sleep(AGAIN)

    async def post(self, client: httpx2.AsyncClient, query: str, variables: JsonObject | None = None) -> JsonObject:
        """The data of an answer, asked for until one comes."""
        while True:
            with suppress(httpx2.TransportError, ValueError):
                body = {"query": query, "variables": variables}
                answer = (await client.post(f"{await self.url()}/graphql", json=body)).json()
                if not answer.get("errors"):
                    data: JsonObject = answer["data"]
                    return data
            await asyncio.sleep(AGAIN)


@dataclass
class Writer:
    """Makes tasks, each until it is acknowledged, at `pace` seconds; holds on while `open` isn't set."""

    fleet: Fleet
    token: str
    pace: float
    open: asyncio.Event = field(default_factory=asyncio.Event)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    acknowledged: int = 0

    async def run(self) -> None:
        headers = {"authorization": f"Bearer {self.token}"}
        async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=15) as client:
            while True:
                self.idle.set()
                await self.open.wait()
                self.idle.clear()
                given: JsonObject = {"title": f"errand {uuid.uuid4().hex}", "idempotencyKey": uuid.uuid4().hex}
                if self.fleet.chance.random() < A_LABEL:
                    given["labels"] = [f"label {self.acknowledged % 100}"]
                made = (await self.fleet.post(client, CREATE, {"input": given}))["createTask"]
                if made["userErrors"]:
                    raise RuntimeError(f"refused: {made['userErrors']}")
                self.acknowledged += 1
                await asyncio.sleep(self.fleet.chance.uniform(0.5, 1.5) * self.pace)


@dataclass
class Stretch:
    """What was read in one go: the numbers of what came, and up to which all has come."""

    after: int
    seen: list[int] = field(default_factory=list)
    up_to: int = 0


@dataclass
class Reader:
    """Reads for `lives` seconds at most in one go, drops, and goes on: mostly where it was, else from an earlier place.

    `arrived` has when each number came first. `told` counts what isn't a change: closes, errors, resyncs.
    """

    user: str
    token: str
    fleet: Fleet
    start: str
    kinds: list[str] | None = None
    lives: float = 8.0
    stretches: list[Stretch] = field(default_factory=list)
    arrived: dict[int, float] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    at: int = 0
    _cursors: dict[int, str] = field(default_factory=dict)

    async def run(self) -> None:
        self.at = self._number(self.start)
        self._cursors[self.at] = self.start
        while True:
            after = self._place()
            stretch = Stretch(after, up_to=after)
            self.stretches.append(stretch)
            with suppress(TimeoutError):
                async with asyncio.timeout(self.fleet.chance.uniform(0.1, 1) * self.lives):
                    await self._follow(stretch)

    def _place(self) -> int:
        known = list(self._cursors)[-50:]
        return self.at if self.fleet.chance.random() < 0.8 else self.fleet.chance.choice(known)

    async def _follow(self, stretch: Stretch) -> None:
        """Until the connection is lost. A bare reader then goes on from its last cursor, in a stretch of its own."""
        try:
            async with aclosing(self.changes(self._cursors[stretch.after])) as changes:
                async for kind, cursor in changes:
                    self._take(stretch, kind, cursor)
        except Gone:
            await asyncio.sleep(AGAIN)
        except OperationFailed:
            self.told["failed"] += 1
            await asyncio.sleep(AGAIN)

    def _take(self, stretch: Stretch, kind: str, cursor: str) -> None:
        number = self._number(cursor)
        if kind == "ResyncRequired":
            self.told["resyncs"] += 1
        elif kind != "Progress":
            stretch.seen.append(number)
            self.arrived.setdefault(number, time.time())
        stretch.up_to = number
        self.at = max(self.at, number)
        self._cursors[number] = cursor

    def _number(self, cursor: str) -> int:
        return decode(cursor, self.user).seq

    @abstractmethod
    def changes(self, after: str) -> AsyncGenerator[tuple[str, str], None]:
        """Kind and cursor of what comes, until the connection ends."""

    def variables(self, after: str) -> JsonObject:
        return {"after": after, "kinds": self.kinds}

    def read(self, payload: JsonObject) -> tuple[str, str]:
        """Raises EOFError for a result with errors: the place before it is where to go on."""
        if payload.get("errors"):
            self.told["results with errors"] += 1
            raise EOFError
        change = payload["data"]["changes"]
        return change["__typename"], change["cursor"]


class ByLibrary(Reader):
    """clients/python. It resumes by itself; here it only changes its place now and then."""

    async def changes(self, after: str) -> AsyncGenerator[tuple[str, str], None]:
        patience = Patience(first=lambda: [AGAIN] * 500, again=lambda: [AGAIN] * 500)
        lost: list[bool] = []
        async with Client(self.fleet.url, self.token, patience=patience, on_state=lost.append) as client:
            try:
                async with aclosing(client.changes(after, kinds=self.kinds, document=CHANGES)) as changes:
                    async for change in changes:
                        yield change.kind, change.cursor
            finally:
                self.told["resumed"] += lost.count(True)


class BySocket(Reader):
    """Bare graphql-transport-ws, that remembers nothing but the last cursor."""

    async def changes(self, after: str) -> AsyncGenerator[tuple[str, str], None]:
        url = f"{(await self.fleet.url()).replace('http', 'ws', 1)}/graphql"
        protocols = [Subprotocol("graphql-transport-ws")]
        async with connect(url, subprotocols=protocols, proxy=None, open_timeout=5, close_timeout=1) as socket:
            try:
                init = {"type": "connection_init", "payload": {"Authorization": f"Bearer {self.token}"}}
                await socket.send(json.dumps(init))
                request = {"query": CHANGES, "variables": self.variables(after)}
                async for frame in socket:
                    match json.loads(frame):
                        case {"type": "connection_ack"}:
                            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": request}))
                        case {"type": "ping"}:
                            await socket.send('{"type":"pong"}')
                        case {"type": "next", "payload": payload}:
                            yield self.read(payload)
                        case {"type": "error"}:
                            self.told["refused"] += 1
                            raise EOFError
                        case _:
                            return
            finally:
                if socket.close_code is not None:  # else it is we who go, without a goodbye
                    self.told[f"closed {socket.close_code}"] += 1
                socket.transport.abort()


class ByEvents(Reader):
    """Server-sent events."""

    async def changes(self, after: str) -> AsyncGenerator[tuple[str, str], None]:
        headers = {"authorization": f"Bearer {self.token}", "accept": "text/event-stream"}
        body = {"query": CHANGES, "variables": self.variables(after)}
        url = f"{await self.fleet.url()}/graphql"
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False, timeout=httpx2.Timeout(5, read=30)) as client,
            client.stream("POST", url, json=body) as answer,
        ):
            if answer.status_code != 200:
                self.told[f"status {answer.status_code}"] += 1
                raise EOFError
            async for line in answer.aiter_lines():
                if line.startswith("data: {"):
                    yield self.read(json.loads(line[6:]))


READERS: Sequence[Callable[..., Reader]] = (ByLibrary, BySocket, ByEvents)
