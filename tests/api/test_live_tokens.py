"""Tokens of open sockets and streams on the whole server: their end, their renewal, and revocation on any replica."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from core import clock
from core.database import Database
from core.dsn import Dsn
from events.bus import Bus
from tests.support.events import EventReader, streaming
from tests.support.reading import GUARD, until
from tests.support.replica import LiveSocket, Replica, replica

CHANGES = """subscription($after: String) {
  changes(after: $after) { __typename cursor ... on TaskChanged { task { title } } }
}"""
CREATE = "mutation($title: String!) { createTask(input: {title: $title}) { userErrors { code } } }"
REVOKE = "mutation { revokeAuthentication { authenticationToken { isValid } } }"
REFRESH = """mutation($token: String!) {
  refreshAuthentication(input: {token: $token}) {
    authenticationToken { userId expiresAt isValid } userErrors { code field }
  }
}"""
WHO = "{ viewer { authenticationToken { userId expiresAt } } }"


@pytest.fixture
def user() -> str:
    return f"u{uuid4().hex}"


@pytest.fixture
async def here(database: Database, bus: Bus, dsn: Dsn, tmp_path: Path) -> AsyncIterator[Replica]:
    async with replica(database, bus, dsn, tmp_path) as running:
        yield running


@pytest.fixture
def second() -> Iterator[None]:
    """The clock stands at a whole second, so that a token of one second has all of it left."""
    with clock.set_to(clock.now().replace(microsecond=0)):
        yield


async def create(at: Replica, token: str, title: str) -> None:
    answer = await at.post(token, CREATE, {"title": title})
    assert answer["data"]["createTask"]["userErrors"] == [], answer


async def titles(stream: EventReader, count: int) -> list[str]:
    """Of the next tasks that changed."""
    found: list[str] = []
    while len(found) < count:
        change = (await stream.result())["changes"]
        if change["__typename"] == "TaskChanged":
            found.append(change["task"]["title"])
    return found


async def ended(stream: EventReader) -> str:
    """The code that a stream ends with."""
    *_, (_, result), end = await stream.rest()
    assert end == ("complete", None)
    code: str = result["errors"][0]["extensions"]["code"]
    return code


async def refresh(socket: LiveSocket, token: str) -> dict[str, Any]:
    payload: dict[str, Any] = (await socket.run(REFRESH, token=token))["data"]["refreshAuthentication"]
    return payload


INVALID = {"authenticationToken": None, "userErrors": [{"code": "INVALID", "field": ["input", "token"]}]}


# ---------------------------------------------------------------- streams
async def test_a_stream_has_its_users_changes_and_no_others_and_resumes_from_a_cursor(here: Replica, user: str) -> None:
    ann, bob = here.token(user), here.token(f"{user}-bob")
    async with streaming(here.url, ann, CHANGES) as anns, streaming(here.url, bob, CHANGES) as bobs:
        cursor = (await anns.result())["changes"]["cursor"]
        await bobs.result()
        await create(here, ann, "ann's")
        await create(here, bob, "bob's")
        assert (await titles(anns, 1), await titles(bobs, 1)) == (["ann's"], ["bob's"])
    await create(here, ann, "while away")
    async with streaming(here.url, ann, CHANGES, variables={"after": cursor}) as again:
        assert await titles(again, 2) == ["ann's", "while away"]


async def test_a_stream_that_its_client_left_follows_nothing_more(here: Replica, user: str) -> None:
    async with streaming(here.url, here.token(user), CHANGES) as stream:
        await stream.result()
        assert await followers(here) == 1
    async with asyncio.timeout(GUARD):
        while await followers(here):
            pass
    assert len(here.sockets) == 0


async def followers(at: Replica) -> int:
    async with httpx2.AsyncClient(trust_env=False, timeout=GUARD) as client:
        figures = (await client.get(at.url.replace("/graphql", "/metrics"))).text
    [line] = [line for line in figures.splitlines() if line.startswith("tasktalk_followers ")]
    return int(float(line.split()[1]))


@pytest.mark.parametrize("told", [True, False], ids=["over the bus", "by a look at the database"])
async def test_a_token_revoked_on_one_replica_ends_its_connections_on_all(
    database: Database, bus: Bus, dsn: Dsn, tmp_path: Path, user: str, told: bool
) -> None:
    async with AsyncExitStack() as servers:
        other_bus = bus if told else await servers.enter_async_context(Bus("memory://"))
        one = await servers.enter_async_context(replica(database, bus, dsn, tmp_path))
        two = await servers.enter_async_context(replica(database, other_bus, dsn, tmp_path))
        token, kept = one.token(user), one.token(user, name="kept")
        async with (
            streaming(two.url, token, CHANGES) as stream,
            two.socket(token) as socket,
            streaming(two.url, kept, CHANGES) as other,
        ):
            await stream.result()
            await other.result()
            revoked = await one.post(token, REVOKE)
            assert revoked["data"]["revokeAuthentication"]["authenticationToken"] == {"isValid": False}
            assert await ended(stream) == "UNAUTHENTICATED"
            assert await socket.closed() == 4403
            await create(one, kept, "still here")
            if told:  # without a common bus the hub finds it by looking, which other tests wait for
                assert await titles(other, 1) == ["still here"]
            assert [caller.user_id for caller in identities(two)] == [user]


def identities(at: Replica) -> list[Any]:
    found: list[Any] = []
    at.sockets.end_where(lambda identity: bool(found.append(identity)))
    return found


async def test_a_stream_ends_with_its_token(here: Replica, user: str, second: None) -> None:
    async with streaming(here.url, here.token(user, 1), CHANGES) as stream:
        assert await ended(stream) == "UNAUTHENTICATED"
        await until(lambda: len(here.sockets) == 0)


# ---------------------------------------------------------------- renewal
async def test_a_renewed_token_carries_the_socket_past_the_old_ones_revocation(here: Replica, user: str) -> None:
    old, new = here.token(user, 600), here.token(user, 1200)
    async with here.socket(old) as socket:
        await socket.subscribe(CHANGES)
        assert (await socket.receive())["type"] == "next"
        before = (await socket.run(WHO))["data"]["viewer"]["authenticationToken"]
        payload = await refresh(socket, new)
        after = (await socket.run(WHO))["data"]["viewer"]["authenticationToken"]
        assert payload["userErrors"] == []
        assert payload["authenticationToken"] == {**after, "isValid": True}
        assert after["userId"] == user
        assert after["expiresAt"] > before["expiresAt"]

        await here.post(old, REVOKE)
        await create(here, new, "still here")
        message = await socket.receive()
        assert message["payload"]["data"]["changes"]["task"] == {"title": "still here"}

        await here.post(new, REVOKE)
        assert await socket.closed() == 4403


async def test_what_follows_a_renewal_in_one_document_sees_the_new_token(here: Replica, user: str) -> None:
    token = here.token(user, 1200)
    both = REFRESH.replace("}\n}", "}\n  revokeAuthentication { authenticationToken { expiresAt } }\n}")
    async with here.socket(here.token(user, 600)) as socket:
        await socket.subscribe(both, token=token)
        assert await socket.closed() == 4403
    refused = await here.post(token, WHO)
    assert refused["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_socket_ends_with_the_token_that_it_was_given_last(here: Replica, user: str, second: None) -> None:
    async with here.socket(here.token(user)) as socket:
        assert (await refresh(socket, here.token(user, 1)))["userErrors"] == []
        assert await socket.closed() == 4403


@pytest.mark.parametrize("kind", ["nonsense", "with a scheme", "another user's", "expired", "tampered", "revoked"])
async def test_a_token_that_is_not_good_is_invalid_and_changes_nothing(here: Replica, user: str, kind: str) -> None:
    token, other = here.token(user), here.token(user, name="other")
    match kind:
        case "nonsense":
            offered = "not.a.token"
        case "with a scheme":
            offered = f"Bearer {other}"
        case "another user's":
            offered = here.token(f"{user}-bob")
        case "expired":
            offered = here.expired(user)
        case "tampered":
            offered = other[:-6] + ("AAAAAA" if other[-6:] != "AAAAAA" else "BBBBBB")
        case _:
            offered = other
            await here.post(other, REVOKE)
    async with here.socket(token) as socket:
        before = await socket.run(WHO)
        assert await refresh(socket, offered) == INVALID
        assert await socket.run(WHO) == before
        await here.post(token, REVOKE)
        assert await socket.closed() == 4403


async def test_over_http_and_in_a_stream_a_token_is_not_renewed(here: Replica, user: str) -> None:
    token, fresh = here.token(user), here.token(user, 1200)
    invalid = {"authenticationToken": None, "userErrors": [{"code": "INVALID", "field": None}]}
    assert (await here.post(token, REFRESH, {"token": fresh}))["data"]["refreshAuthentication"] == invalid
    async with streaming(here.url, token, REFRESH, variables={"token": fresh}) as stream:
        assert (await stream.result())["refreshAuthentication"] == invalid
