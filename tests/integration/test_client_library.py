"""The client library against a scripted server: what it does with tokens, faults, limits and garbage."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from itertools import count
from typing import Any

import pytest

from tasktalk_client import (
    Client,
    OperationFailed,
    Patience,
    Progress,
    Refused,
    ResyncRequired,
    ServerLost,
    TaskChanged,
    TurnGone,
)
from tasktalk_client.socket import WAITING
from tests.support.fake_chat_server import Close, Cut, Errors, FakeServer, Raw, Step

PATIENCE = Patience(first=lambda: [0.0] * 3, again=lambda: [0.0] * 50)
VIEWER = "query Viewer { viewer { id } }"
CREATE = "mutation Create($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }"
UNKNOWN = Errors("Cannot query field 'refreshAuthentication' on type 'Mutation'.", "DOCUMENT_INVALID")


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    made = FakeServer()
    made.scripts |= {"Viewer": viewer, "Changes": changes_from(0), "Refresh": failing(UNKNOWN)}
    async with asyncio.timeout(30), made.running():
        yield made


async def viewer(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
    yield {"viewer": {"id": "U1"}}


def failing(error: Exception) -> Callable[[dict[str, Any], int], AsyncIterator[Step]]:
    async def script(_variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        if nth >= 0:
            raise error
        yield {}

    return script


def change(number: int, kind: str = "TaskChanged") -> Step:
    return {"changes": {"__typename": kind, "cursor": f"c{number}", "at": "2026-11-23T12:00:00Z"}}


def changes_from(first: int, *, then: Callable[[], Exception] | None = None, many: int = 3) -> Any:
    """A log: `many` changes after the cursor, and then what ends the stream, if anything does."""

    async def script(variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        after = int(variables.get("after", f"c{first}").removeprefix("c"))
        for number in range(after + 1, after + 1 + many):
            yield change(number)
        if then is not None:
            raise then()
        await asyncio.Event().wait()

    return script


def jwt(life: float, name: str = "") -> str:
    claims = json.dumps({"exp": time.time() + life, "jti": name}).encode()
    return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.c2ln"


def client(server: FakeServer, token: Any = "token", **more: Any) -> Client:
    return Client(server.url, token, patience=PATIENCE, **more)


async def cursors(of: Client, many: int, **more: Any) -> list[str]:
    found: list[str] = []
    async with aclosing(of.changes("c0", **more)) as changes:
        async for one in changes:
            found.append(one.cursor)
            if len(found) == many:
                break
    return found


# ---------------------------------------------------------------- changes
@pytest.mark.parametrize("ending", [Cut, lambda: Close(1001), lambda: Close(1012), lambda: Close(4500)])
async def test_changes_go_on_after_the_last_cursor_however_the_socket_ended(
    server: FakeServer, ending: Callable[[], Exception]
) -> None:
    server.scripts["Changes"] = changes_from(0, then=ending)
    async with client(server) as one:
        assert await cursors(one, 30) == [f"c{number}" for number in range(1, 31)]
    resumed = [asked["after"] for asked in server.asked["Changes"]]
    assert resumed[:3] == ["c0", "c3", "c6"]


async def test_a_stream_that_the_server_completes_is_followed_again(server: FakeServer) -> None:
    async def complete(variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        yield change(int(variables["after"].removeprefix("c")) + 1)

    server.scripts["Changes"] = complete
    async with client(server) as one:
        assert await cursors(one, 4) == ["c1", "c2", "c3", "c4"]


async def test_a_repeated_change_is_given_once(server: FakeServer) -> None:
    async def repeat(_variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        for number in range(1, nth + 3):
            yield change(number)
        raise Cut

    server.scripts["Changes"] = repeat
    async with client(server) as one:
        assert await cursors(one, 6) == ["c1", "c2", "c3", "c4", "c5", "c6"]


async def test_a_resync_is_told_and_the_changes_go_on_from_it(server: FakeServer) -> None:
    async def trimmed(variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        if nth < 2:  # twice the same: each time everything has to be read again
            yield change(90, "ResyncRequired")
            raise Cut
        assert variables["after"] == "c90"
        yield change(90, "Progress")
        yield change(91)
        await asyncio.Event().wait()

    server.scripts["Changes"] = trimmed
    kinds: list[type] = []
    async with client(server) as one, aclosing(one.changes("c1")) as changes:
        async for found in changes:
            kinds.append(type(found))
            if isinstance(found, TaskChanged):
                break
    assert kinds == [ResyncRequired, ResyncRequired, Progress, TaskChanged]


async def test_the_filter_is_sent_with_every_resumption(server: FakeServer) -> None:
    server.scripts["Changes"] = changes_from(0, then=Cut)
    async with client(server) as one:
        await cursors(one, 4, kinds=["TASK"], conversation_id="V1")
    assert server.asked["Changes"] == [
        {"after": after, "kinds": ["TASK"], "conversationId": "V1"} for after in ("c0", "c3")
    ]


async def test_a_reader_that_is_too_slow_resumes_and_holds_nobody_up(server: FakeServer) -> None:
    many = WAITING * 2
    sent = asyncio.Event()

    async def flood(variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        after = int(variables["after"].removeprefix("c"))
        for number in range(after + 1, many + 1):
            yield change(number)
        sent.set()
        await asyncio.Event().wait()

    server.scripts["Changes"] = flood
    async with client(server) as one, aclosing(one.changes("c0")) as changes:
        found = [(await anext(changes)).cursor]
        await sent.wait()
        await server.until(lambda: bool(server.completed))  # the client has let go of the stream
        assert await one.execute(VIEWER) == {"viewer": {"id": "U1"}}
        found += [(await anext(changes)).cursor for _ in range(many - 1)]
    assert found == [f"c{number}" for number in range(1, many + 1)]
    assert len(server.tokens) == 1, "the socket is the same"
    assert len(server.asked["Changes"]) > 1


# ---------------------------------------------------------------- requests
async def test_many_requests_share_one_socket_within_the_servers_limit(server: FakeServer) -> None:
    running, most = count(), [0]
    now: set[int] = set()

    async def counted(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        mine = next(running)
        now.add(mine)
        most[0] = max(most[0], len(now))
        await asyncio.sleep(0)
        now.discard(mine)
        yield {"viewer": {"id": str(mine)}}

    server.scripts["Viewer"] = counted
    async with client(server, operations=10) as one:
        answers = await asyncio.gather(*(one.execute(VIEWER) for _ in range(200)))
    assert len({answer["viewer"]["id"] for answer in answers}) == 200
    assert len(server.tokens) == 1
    assert most[0] < 10


async def test_a_query_is_asked_again_and_a_mutation_without_a_key_is_not(server: FakeServer) -> None:
    async def cut_once(_variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        if nth == 0:
            raise Cut
        yield {"viewer": {"id": "U1"}}

    server.scripts |= {"Viewer": cut_once, "Create": failing(Cut())}
    async with client(server) as one:
        assert await one.execute(VIEWER) == {"viewer": {"id": "U1"}}
        with pytest.raises(ServerLost, match="isn't known"):
            await one.execute(CREATE, {"input": {"title": "milk"}})
        assert len(server.asked["Create"]) == 1
        with pytest.raises(ServerLost, match="again and again"):
            await one.execute(CREATE, {"input": {"title": "milk", "idempotencyKey": "k"}})
    assert len(server.asked["Create"]) == 21


async def test_a_failed_operation_has_the_contracts_code(server: FakeServer) -> None:
    server.scripts["Viewer"] = failing(Errors("Slow down.", "RATE_LIMITED"))
    async with client(server) as one:
        with pytest.raises(OperationFailed) as caught:
            await one.execute(VIEWER)
    assert (caught.value.message, caught.value.code, caught.value.passing) == ("Slow down.", "RATE_LIMITED", True)


async def test_a_server_that_never_answers_is_not_waited_for_for_ever(server: FakeServer) -> None:
    async def silent(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        await asyncio.Event().wait()
        yield {}

    server.scripts["Viewer"] = silent
    async with client(server, answer_seconds=0.05) as one:
        with pytest.raises(OperationFailed) as caught:
            await one.execute(VIEWER)
        assert caught.value.code == "TIMEOUT"
        await server.until(lambda: bool(server.completed))


async def test_half_a_surrogate_pair_is_refused_before_it_is_sent(server: FakeServer) -> None:
    async with client(server) as one:
        with pytest.raises(OperationFailed, match="no text"):
            await one.execute(VIEWER, {"text": "\ud83e"})
        assert await one.execute(VIEWER) == {"viewer": {"id": "U1"}}
    assert len(server.asked["Viewer"]) == 1


@pytest.mark.parametrize("frame", ["{", "[]", '"next"', "[" * 100_000])
async def test_garbage_loses_the_socket_and_no_change(server: FakeServer, frame: str) -> None:
    async def garbled(variables: dict[str, Any], nth: int) -> AsyncIterator[Step]:
        after = int(variables["after"].removeprefix("c"))
        yield change(after + 1)
        if nth == 0:
            yield Raw(frame)
        else:
            yield change(after + 2)
        await asyncio.Event().wait()

    server.scripts["Changes"] = garbled
    async with client(server) as one:
        assert await cursors(one, 3) == ["c1", "c2", "c3"]


@pytest.mark.parametrize("frame", ['{"type":"next","id":"none"}', '{"type":"ack"}', "{}", '{"type":"ping"}'])
async def test_messages_for_nobody_are_let_go(server: FakeServer, frame: str) -> None:
    async def stray(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        yield Raw(frame)
        yield {"viewer": {"id": "U1"}}

    server.scripts["Viewer"] = stray
    async with client(server) as one:
        assert await one.execute(VIEWER) == {"viewer": {"id": "U1"}}


async def test_an_answer_of_another_shape_is_a_clear_error(server: FakeServer) -> None:
    async def odd(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        yield {"changes": {"cursor": 7}}

    server.scripts["Changes"] = odd
    async with client(server) as one:
        with pytest.raises(OperationFailed, match="can't be read"):
            await cursors(one, 1)


# ---------------------------------------------------------------- turns
async def test_a_turn_that_is_gone_says_so(server: FakeServer) -> None:
    async def nothing(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        yield {"turn": None}

    server.scripts |= {
        "FollowTurn": failing(Errors("id: there is no such turn.", "DOCUMENT_INVALID")),
        "ReadTurn": nothing,
    }
    async with client(server) as one:
        with pytest.raises(TurnGone):
            await anext(one.turn("T1"))


# ---------------------------------------------------------------- tokens
def tokens(*lives: float) -> Callable[[], Awaitable[str]]:
    """Tokens of these lives, one each time; the last again and again."""
    made = [jwt(life, str(number)) for number, life in enumerate(lives)]
    asked = count()

    async def token() -> str:
        return made[min(next(asked), len(made) - 1)]

    return token


async def test_a_token_is_refreshed_over_the_open_socket(server: FakeServer) -> None:
    async def accept(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        yield {"refreshAuthentication": {"authenticationToken": {"expiresAt": "…"}, "userErrors": []}}

    server.scripts["Refresh"] = accept
    token = tokens(0.2, 3600)
    async with client(server, token) as one:
        assert await cursors(one, 3) == ["c1", "c2", "c3"]
        await server.until(lambda: "Refresh" in server.asked)
        await one.execute(VIEWER)
    [shown] = server.tokens
    [given] = server.asked["Refresh"]
    assert given["input"]["token"] == await token()
    assert shown != f"Bearer {await token()}"


@pytest.mark.parametrize(
    "answer",
    [UNKNOWN, {"refreshAuthentication": {"authenticationToken": None, "userErrors": [{"code": "INVALID"}]}}],
)
async def test_a_server_that_can_not_refresh_gets_a_new_socket_and_no_answer_is_lost(
    server: FakeServer, answer: Any
) -> None:
    waiting, told = asyncio.Event(), asyncio.Event()

    async def refuse(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        await waiting.wait()
        if isinstance(answer, Exception):
            raise answer
        yield answer

    async def slow(_variables: dict[str, Any], _nth: int) -> AsyncIterator[Step]:
        waiting.set()
        await told.wait()
        yield {"createTask": {"task": {"id": "K1"}}}

    server.scripts |= {"Refresh": refuse, "Create": slow}
    states: list[bool] = []
    token = tokens(0.2, 3600)
    async with client(server, token, on_state=states.append) as one, aclosing(one.changes("c0")) as changes:
        found = [(await anext(changes)).cursor for _ in range(3)]
        creating = asyncio.create_task(one.execute(CREATE, {"input": {"title": "milk"}}))
        found.append((await anext(changes)).cursor)  # after the third they come over the new socket
        told.set()
        assert await creating == {"createTask": {"task": {"id": "K1"}}}
    assert found == ["c1", "c2", "c3", "c4"]
    assert len(server.asked["Create"]) == 1
    assert len(server.tokens) == 2
    assert states == [], "it was never lost"


async def test_a_provider_that_fails_is_asked_again(server: FakeServer) -> None:
    made = [jwt(2.0, "old"), jwt(3600, "new")]
    calls = count()

    async def token() -> str:
        if (call := next(calls)) == 1:
            raise ConnectionError
        return made[min(call, 1)]

    async with client(server, token) as one:
        assert await cursors(one, 3) == ["c1", "c2", "c3"]
        await server.until(lambda: "Refresh" in server.asked)
    assert server.asked["Refresh"][0]["input"]["token"] == made[1]


@pytest.mark.parametrize("code", [4401, 4403])
async def test_a_token_that_ends_goes_on_under_a_fresh_one(server: FakeServer, code: int) -> None:
    server.scripts["Changes"] = changes_from(0, then=lambda: Close(code))
    token = tokens(3600, 3600, 3600)
    async with client(server, token) as one:
        assert await cursors(one, 9) == [f"c{number}" for number in range(1, 10)]
    assert len(set(server.tokens)) == 3


async def test_without_a_fresh_token_a_revoked_one_is_refused_and_not_shown_again(server: FakeServer) -> None:
    server.scripts["Changes"] = changes_from(0, then=lambda: Close(4403))
    async with client(server, "revoked") as one:
        with pytest.raises(Refused, match="refused the token"):
            await cursors(one, 4)
        with pytest.raises(Refused):
            await one.execute(VIEWER)
    assert server.tokens == ["Bearer revoked"]


async def test_a_closed_client_takes_no_more(server: FakeServer) -> None:
    async with client(server) as one:
        await one.execute(VIEWER)
    with pytest.raises(ServerLost, match="closed"):
        await one.execute(VIEWER)
