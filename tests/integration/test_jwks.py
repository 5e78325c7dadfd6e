"""The JWKS cache against a real HTTP server on loopback: storms, outages, hostile answers, and who cancels what."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core import clock
from core.errors import Unauthenticated
from services.auth.jwks import JwksCache, KeyUnavailable
from services.auth.verify import Trust, Verifier

ISSUER = "https://auth.example.com"
Respond = Callable[[asyncio.StreamWriter], Awaitable[None]]


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


class Key:
    """A signing key of the issuer."""

    def __init__(self, kid: str) -> None:
        self.kid = kid
        self.private = Ed25519PrivateKey.generate()
        x = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.jwk = {"alg": "EdDSA", "crv": "Ed25519", "kty": "OKP", "x": b64(x), "kid": kid}

    def token(self, subject: str = "user_1", **header: object) -> str:
        return self.signed(header, subject)

    def signed(self, header: Mapping[str, object], subject: str = "user_1") -> str:
        now = int(clock.now().timestamp())
        claims = {"iss": ISSUER, "aud": ISSUER, "sub": subject, "iat": now, "exp": now + 900}
        parts = (json.dumps({"alg": "EdDSA", "kid": self.kid, **header}), json.dumps(claims))
        message = ".".join(b64(part.encode()) for part in parts)
        return f"{message}.{b64(self.private.sign(message.encode()))}"


def answer(body: bytes, status: str = "200 OK", *headers: str) -> Respond:
    async def respond(writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()

    return respond


def keys(*published: Key) -> Respond:
    return answer(json.dumps({"keys": [key.jwk for key in published]}).encode(), "200 OK", "Cache-Control: max-age=0")


class Issuer:
    """An HTTP server that counts requests; `respond` says how it answers, `open` holds answers back while clear."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.headers = b""
        self.respond: Respond = keys()
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()
        self.url = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head.split()[1].decode())
            self.headers = head.lower()
            self.asked.set()
            await self.open.wait()
            await self.respond(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the client gave up: that is what some tests are about
        finally:
            writer.close()


@asynccontextmanager
async def running() -> AsyncIterator[Issuer]:
    issuer = Issuer()
    server = await asyncio.start_server(issuer.handle, "127.0.0.1", 0)
    issuer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/auth/jwks"
    try:
        yield issuer
    finally:
        issuer.open.set()
        server.close()


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with running() as started:
        yield started


class Rig:
    """A verifier on that issuer, and a clock for its cache that stands still until it is moved."""

    def __init__(self, url: str, timeout: float = 2) -> None:
        self.now = 0.0
        self.cache = JwksCache(url, algorithms=("EdDSA",), timeout=timeout, monotonic=lambda: self.now)
        self.verifier = Verifier([Trust(frozenset({"EdDSA"}), self.cache, ISSUER, ISSUER)])

    async def accepts(self, token: str) -> bool:
        try:
            return bool(await self.verifier.verify(token))
        except Unauthenticated:
            return False

    async def accepted(self, *tokens: str) -> int:
        """How many of them are accepted when all come at once."""
        return sum(await asyncio.gather(*(self.accepts(token) for token in tokens)))


@pytest.fixture
async def rig(issuer: Issuer) -> AsyncIterator[Rig]:
    made = Rig(issuer.url)
    yield made
    await made.verifier.aclose()


ONE, TWO = Key("one"), Key("two")


def unknown(count: int) -> list[str]:
    stranger = Key("x")
    return [stranger.token(kid=f"unknown-{number}") for number in range(count)]


async def test_at_a_cold_start_all_good_tokens_are_accepted_with_one_fetch(issuer: Issuer, rig: Rig) -> None:
    issuer.respond = keys(ONE)
    assert await rig.accepted(*(ONE.token(f"user_{number}") for number in range(50))) == 50
    assert issuer.requests == ["/api/auth/jwks"]
    assert b"accept-encoding: identity" in issuer.headers
    assert b"authorization" not in issuer.headers


async def test_500_unknown_ids_cost_at_most_two_fetches_and_no_good_token(issuer: Issuer, rig: Rig) -> None:
    issuer.respond = keys(ONE)
    good = [ONE.token(f"user_{number}") for number in range(20)]
    assert await rig.accepted(*unknown(250), *good, *unknown(250)) == 20
    for token in unknown(20):
        assert not await rig.accepts(token)
    assert len(issuer.requests) <= 2


async def cut_short(writer: asyncio.StreamWriter) -> None:
    body = json.dumps({"keys": [TWO.jwk]}).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + body)
    await writer.drain()


OUTAGES: dict[str, Respond] = {
    "status 500": answer(b'{"keys":[]}', "500 Internal Server Error"),
    "status 404 with keys": answer(json.dumps({"keys": [TWO.jwk]}).encode(), "404 Not Found"),
    "status 204": answer(b"", "204 No Content"),
    "null": answer(b"null"),
    "empty": answer(b""),
    "no keys": keys(),
    "HTML": answer(b"<html></html>", "200 OK", "Content-Type: text/html"),
    "too large": answer(json.dumps({"keys": [TWO.jwk], "pad": "x" * 256 * 1024}).encode()),
    "compressed": answer(gzip.compress(json.dumps({"keys": [TWO.jwk]}).encode()), "200 OK", "Content-Encoding: gzip"),
    "said to be compressed": answer(json.dumps({"keys": [TWO.jwk]}).encode(), "200 OK", "Content-Encoding: gzip"),
    "cut short": cut_short,
    "not HTTP": lambda writer: writer.drain(),
}


@pytest.mark.parametrize("respond", OUTAGES.values(), ids=OUTAGES.keys())
async def test_an_outage_is_asked_once_a_cool_down_and_the_known_keys_serve_on(
    issuer: Issuer, rig: Rig, respond: Respond
) -> None:
    issuer.respond = keys(ONE)
    assert await rig.accepts(ONE.token())
    issuer.respond = respond
    rig.now += 300
    good = [ONE.token(f"user_{number}") for number in range(20)]
    assert await rig.accepted(*good, *unknown(200), TWO.token()) == 20
    assert await rig.accepted(*unknown(200), *good, TWO.token()) == 20
    assert len(issuer.requests) == 2
    issuer.respond = keys(TWO)
    rig.now += 10
    assert await rig.accepts(TWO.token())
    assert not await rig.accepts(ONE.token())


@pytest.mark.parametrize("respond", OUTAGES.values(), ids=OUTAGES.keys())
async def test_a_server_that_starts_during_an_outage_recovers(issuer: Issuer, rig: Rig, respond: Respond) -> None:
    issuer.respond = respond
    assert await rig.accepted(*(ONE.token(f"user_{number}") for number in range(50)), *unknown(50)) == 0
    assert await rig.accepted(TWO.token(), *unknown(50)) == 0
    assert len(issuer.requests) == 1
    issuer.respond = keys(ONE)
    rig.now += 10
    assert await rig.accepted(*(ONE.token(f"user_{number}") for number in range(50))) == 50
    assert len(issuer.requests) == 2


async def test_nothing_listening_is_an_outage_too() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    rig = Rig(f"http://127.0.0.1:{port}/jwks")
    assert await rig.accepted(*(ONE.token() for _ in range(50))) == 0
    await rig.verifier.aclose()


async def test_an_endpoint_that_hangs_stops_nobody_with_a_known_key(issuer: Issuer) -> None:
    rig = Rig(issuer.url, timeout=0.05)
    issuer.respond = keys(ONE)
    assert await rig.accepts(ONE.token())
    issuer.open.clear()
    waiting = asyncio.gather(*(rig.accepts(token) for token in unknown(100)))
    assert await rig.accepts(ONE.token("user_2"))
    assert not any(await waiting)
    assert len(issuer.requests) == 2
    rig.now += 300
    assert await rig.accepted(*(ONE.token(f"user_{number}") for number in range(50)), *unknown(50)) == 50
    assert len(issuer.requests) == 3
    await rig.verifier.aclose()


async def test_while_an_endpoint_is_known_to_be_down_nobody_with_a_known_key_waits_for_it(
    issuer: Issuer, rig: Rig
) -> None:
    issuer.respond = keys(ONE)
    assert await rig.accepts(ONE.token())
    issuer.respond = OUTAGES["status 500"]
    rig.now += 300
    assert await rig.accepts(ONE.token())
    issuer.open.clear()
    rig.now += 10
    assert await rig.accepts(ONE.token())
    assert [task for task in asyncio.all_tasks() if task.get_name() == "jwks refresh"]


async def test_a_document_without_end_is_given_up_at_the_bound(issuer: Issuer, rig: Rig) -> None:
    async def pour(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(b" " * 65_536)
            await writer.drain()

    issuer.respond = pour
    assert not await rig.accepts(ONE.token())
    assert len(issuer.requests) == 1


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_not_followed(issuer: Issuer, rig: Rig, status: str) -> None:
    async with running() as canary:
        canary.respond = keys(ONE)
        issuer.respond = answer(b"", status, f"Location: {canary.url}")
        assert not await rig.accepts(ONE.token())
        assert len(issuer.requests) == 1
        assert canary.requests == []


async def test_no_url_in_a_token_is_ever_read(issuer: Issuer, rig: Rig) -> None:
    issuer.respond = keys(ONE)
    stranger = Key("stranger")
    async with running() as canary:
        canary.respond = keys(stranger)
        plain = [{name: canary.url} for name in ("jku", "x5u", "kid", "iss", "url")]
        for key in (stranger, ONE):
            assert await rig.accepted(*(key.signed(hint) for hint in plain)) == 0
        assert canary.requests == []


async def test_proxies_of_the_environment_are_not_used(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/api/auth/jwks"))
        rig = Rig(issuer.url)
        issuer.respond = keys(ONE)
        assert await rig.accepts(ONE.token())
        assert proxy.requests == []
        await rig.verifier.aclose()


async def test_rotation_is_followed_and_withdrawal_too(issuer: Issuer, rig: Rig) -> None:
    issuer.respond = keys(ONE)
    first, second = ONE.token(), TWO.token()
    assert await rig.accepts(first)
    issuer.respond = keys(ONE, TWO)
    assert await rig.accepted(*[second] * 50, first) == 51
    assert len(issuer.requests) == 2
    issuer.respond = keys(TWO)
    rig.now += 300
    assert await rig.accepted(*[second] * 50, first) == 50
    assert len(issuer.requests) == 3


async def test_a_waiter_that_is_cancelled_leaves_the_fetch_to_the_others(issuer: Issuer, rig: Rig) -> None:
    issuer.respond = keys(ONE)
    issuer.open.clear()
    first, *others = [asyncio.create_task(rig.accepts(ONE.token(f"user_{number}"))) for number in range(50)]
    await issuer.asked.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    issuer.open.set()
    assert all(await asyncio.gather(*others))
    assert len(issuer.requests) == 1


async def test_a_fetch_goes_on_when_all_its_waiters_are_cancelled(issuer: Issuer, rig: Rig) -> None:
    issuer.respond = keys(ONE)
    issuer.open.clear()
    waiter = asyncio.create_task(rig.accepts(ONE.token()))
    await issuer.asked.wait()
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    issuer.open.set()
    assert await rig.accepts(ONE.token())
    assert len(issuer.requests) == 1


async def test_closing_ends_the_fetch_and_answers_its_waiters(issuer: Issuer, rig: Rig) -> None:
    issuer.open.clear()
    before = asyncio.all_tasks()
    waiters = [asyncio.create_task(rig.accepts(ONE.token())) for _ in range(10)]
    await issuer.asked.wait()
    await rig.verifier.aclose()
    assert await asyncio.gather(*waiters) == [False] * 10
    assert not [task for task in asyncio.all_tasks() - before if task.get_name() == "jwks refresh"]
    assert not await rig.accepts(ONE.token())
    assert len(issuer.requests) == 1


async def test_a_cache_that_was_never_used_closes_too() -> None:
    cache = JwksCache("http://127.0.0.1:9/jwks", algorithms=("EdDSA",), monotonic=time.monotonic)
    await cache.aclose()
    await cache.aclose()
    with pytest.raises(KeyUnavailable):
        await cache.key("one", "EdDSA")
