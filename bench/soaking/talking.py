"""Those who talk: each says something, has it acknowledged whatever dies meanwhile, and waits until it is answered."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx2

from bench.soaking.processes import Program
from bench.soaking.watching import Watch
from core.ids import parse_global_id
from services.auth.development import DevelopmentKey, issue

SEND = """mutation($input: SendMessageInput!) {
  sendMessage(input: $input) { turn { id } conversation { id } userErrors { code message } }
}"""
A_CONVERSATION = 20
"""Messages said in one conversation before the next begins."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A message whose sender was told that it is stored."""

    user: str
    content: str
    turn: UUID


@dataclass
class Crowd:
    """All talkers. Two share a user, each in a conversation of their own."""

    programs: Sequence[Program]
    watch: Watch
    key: DevelopmentKey
    chance: random.Random
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    acknowledged: list[Acknowledged] = field(default_factory=list)
    retries: int = 0

    async def talk(self, number: int) -> None:
        """One talker, until it is enough and the last thing said was answered."""
        user = f"soak-{number // 2}"
        headers = {"authorization": f"Bearer {issue(self.key, user, 86_400)}"}
        async with httpx2.AsyncClient(headers=headers, trust_env=False, timeout=15) as client:
            said, conversation = 0, None
            while not self.enough.is_set():
                content = f"add errand {number} {uuid.uuid4().hex}"
                turn, conversation = await self._send(client, content, conversation)
                self.acknowledged.append(Acknowledged(user, content, turn))
                await self.watch.end_of(turn)
                said += 1
                conversation = None if said % A_CONVERSATION == 0 else conversation

    async def _send(self, client: httpx2.AsyncClient, content: str, conversation: str | None) -> tuple[UUID, str]:
        """Send until it is acknowledged, under one key: by whichever server is up."""
        given = {"content": content, "idempotencyKey": uuid.uuid4().hex, "conversationId": conversation}
        while True:
            servers = [program for program in self.programs if program.url and program.up]
            if servers:
                answer = await _post(client, self.chance.choice(servers).url, given)
                if answer is not None:
                    return parse_global_id(answer["turn"]["id"], "Turn"), answer["conversation"]["id"]
            self.retries += 1
            await asyncio.sleep(0.05)


async def _post(client: httpx2.AsyncClient, url: str, given: dict[str, Any]) -> dict[str, Any] | None:  # Any: JSON
    """The payload, or None where it must be sent again. Raises RuntimeError where it was refused."""
    try:
        response = await client.post(f"{url}/graphql", json={"query": SEND, "variables": {"input": given}})
        body = response.json()
    except (httpx2.TransportError, ValueError):
        return None
    if response.status_code >= 500 or "errors" in body:
        return None
    payload: dict[str, Any] = body["data"]["sendMessage"]
    if payload["userErrors"]:
        raise RuntimeError(f"refused: {payload['userErrors']}")
    return payload
