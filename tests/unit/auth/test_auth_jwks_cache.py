"""Which keys are used of a JWKS, for how long, and how rarely it is read: on a clock that the test moves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import pytest

from services.auth.jwks import JwksCache, KeyUnavailable, parse_jwks, verifying_key

from . import forge
from .forge import EdKey, Endpoint, Monotonic, changed

KEY = EdKey("one")
NEW = EdKey("two")
ALL = ("EdDSA", "RS256", "ES256")


class Rig:
    """A cache, its endpoint and its clock."""

    def __init__(self, *jwks: Mapping[str, object]) -> None:
        self.endpoint = Endpoint(*jwks)
        self.clock = Monotonic()
        self.cache = JwksCache(forge.URL, algorithms=("EdDSA",), fetch=self.endpoint, monotonic=self.clock)

    @property
    def fetches(self) -> int:
        return len(self.endpoint.urls)

    async def has(self, kid: str | None) -> bool:
        try:
            key = await self.cache.key(kid, "EdDSA")
        except KeyUnavailable:
            return False
        return kid is None or key.kid == kid

    async def background(self) -> None:
        """Let a refresh that nobody waits for end."""
        assert self.cache._refresh is not None
        await asyncio.wait({self.cache._refresh})


@pytest.mark.parametrize(
    "jwk",
    [
        None,
        [],
        "key",
        {},
        {"kty": "oct", "k": "AAAA", "kid": "one"},
        {"kty": "oct", "k": "AAAA", "kid": "one", "alg": "EdDSA", "crv": "Ed25519"},
        changed(KEY.jwk, {"kty": ["OKP"]}),
        changed(KEY.jwk, {"kty": "EC"}),
        changed(KEY.jwk, {"crv": "X25519"}),
        changed(KEY.jwk, {"crv": "Ed448"}),
        changed(KEY.jwk, {"crv": None}),
        changed(KEY.jwk, {"alg": "HS256"}),
        changed(KEY.jwk, {"alg": "none"}),
        changed(KEY.jwk, {"alg": None}),
        changed(KEY.jwk, {"alg": "RS256"}),
        changed(KEY.jwk, {"use": "enc"}),
        changed(KEY.jwk, {"use": None}),
        changed(KEY.jwk, {"key_ops": ["sign"]}),
        changed(KEY.jwk, {"key_ops": []}),
        changed(KEY.jwk, {"key_ops": "verify"}),
        changed(KEY.jwk, {"kid": 1}),
        changed(KEY.jwk, {"kid": ""}),
        changed(KEY.jwk, {"kid": "k" * 257}),
        changed(KEY.jwk, {"d": forge.b64(bytes(32))}),
        changed(KEY.jwk, {"d": forge.b64(KEY.private.private_bytes_raw())}),
        changed(KEY.jwk, {"k": "AAAA"}),
        changed(KEY.jwk, {"x": None}),
        changed(KEY.jwk, {"x": 1}),
        changed(KEY.jwk, {"x": "AAAA"}),
        changed(KEY.jwk, {"x": "é"}),
        changed(KEY.jwk, {"x": "A"}),
        changed(KEY.jwk, {"x": forge.ABSENT}),
        forge.ed448_jwk(),
        forge.rsa_jwk("weak", 1024),
        changed(forge.rsa_jwk(), {"d": "AAAA"}),
        changed(forge.rsa_jwk(), {"e": "AQ"}),
        changed(forge.rsa_jwk(), {"e": "Ag"}),
        changed(forge.rsa_jwk(), {"n": ""}),
        changed(forge.rsa_jwk(), {"n": forge.ABSENT}),
        changed(forge.rsa_jwk(), {"alg": "PS256"}),
        changed(forge.ec_jwk(), {"crv": "P-384"}),
        changed(forge.ec_jwk(), {"crv": "secp256k1"}),
        changed(forge.ec_jwk(), {"crv": forge.ABSENT}),
        changed(forge.ec_jwk(), {"y": forge.b64(bytes(32))}),
        changed(forge.ec_jwk(), {"d": forge.b64(bytes(32))}),
    ],
)
def test_a_key_of_another_kind_or_use_is_left_out(jwk: object) -> None:
    assert verifying_key(jwk, ALL) is None
    (kept,) = parse_jwks(json.dumps({"keys": [jwk, KEY.jwk]}).encode(), ALL)
    assert kept.kid == "one"


@pytest.mark.parametrize(
    ("jwk", "alg"),
    [
        (KEY.jwk, "EdDSA"),
        (changed(KEY.jwk, {"alg": forge.ABSENT, "use": "sig", "key_ops": ["verify"], "x5t": "ignored"}), "EdDSA"),
        (forge.rsa_jwk(), "RS256"),
        (forge.ec_jwk(), "ES256"),
    ],
)
def test_a_key_is_bound_to_its_algorithm_and_used_only_where_that_is_allowed(
    jwk: Mapping[str, object], alg: str
) -> None:
    key = verifying_key(jwk, ALL)
    assert key is not None
    assert (key.alg, key.jwk.algorithm_name) == (alg, alg)
    assert verifying_key(jwk, [other for other in ALL if other != alg]) is None


async def test_keys_are_found_by_id_and_without_id_only_when_there_is_one() -> None:
    rig = Rig(KEY.jwk, forge.rsa_jwk())
    assert await rig.has("one")
    assert await rig.has(None)
    assert not await rig.has("rsa-1")
    rig.endpoint.publish(KEY.jwk, NEW.jwk)
    rig.clock.now += 300
    assert not await rig.has(None)


async def test_a_key_without_id_serves_only_tokens_without_id() -> None:
    rig = Rig(EdKey(None).jwk)
    assert await rig.has(None)
    assert not await rig.has("one")


async def test_of_two_keys_of_one_id_the_first_is_used() -> None:
    rig = Rig(KEY.jwk, EdKey("one").jwk)
    assert (await rig.cache.key("one", "EdDSA")) == verifying_key(KEY.jwk, ALL)


async def test_an_algorithm_that_is_not_allowed_costs_no_fetch() -> None:
    rig = Rig(KEY.jwk)
    for alg in ("RS256", "HS256", "none", ""):
        with pytest.raises(KeyUnavailable):
            await rig.cache.key("one", alg)
    assert rig.fetches == 0


async def test_keys_are_read_once_until_they_are_due() -> None:
    rig = Rig(KEY.jwk)
    for _ in range(100):
        assert await rig.has("one")
    rig.clock.now += 299.9
    assert await rig.has("one")
    assert rig.fetches == 1
    rig.clock.now += 0.1
    assert await rig.has("one")
    assert rig.fetches == 2


async def test_a_withdrawn_key_is_refused_when_the_keys_are_due() -> None:
    rig = Rig(KEY.jwk, NEW.jwk)
    assert await rig.has("one")
    rig.endpoint.publish(NEW.jwk)
    rig.clock.now += 300
    assert not await rig.has("one")
    assert await rig.has("two")


async def test_a_withdrawn_key_is_refused_when_due_even_after_an_outage_long_past() -> None:
    rig = Rig(KEY.jwk, NEW.jwk)
    assert await rig.has("one")
    good, rig.endpoint.answer = rig.endpoint.answer, OSError()
    assert not await rig.has("unknown")
    rig.endpoint.answer = good
    rig.endpoint.publish(NEW.jwk)
    rig.clock.now += 300
    assert not await rig.has("one")


async def test_a_new_key_is_accepted_at_once_and_within_the_cool_down_at_the_latest() -> None:
    rig = Rig(KEY.jwk)
    assert await rig.has("one")
    rig.endpoint.publish(KEY.jwk, NEW.jwk)
    assert await rig.has("two")
    third = EdKey("three")
    rig.endpoint.publish(KEY.jwk, third.jwk)
    assert not await rig.has("three")
    rig.clock.now += 10
    assert await rig.has("three")


async def test_unknown_ids_are_looked_for_once_a_cool_down() -> None:
    rig = Rig(KEY.jwk)
    assert await rig.has("one")
    for number in range(500):
        assert not await rig.has(f"unknown-{number}")
    assert rig.fetches == 2
    assert await rig.has("one")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"keys"',
        b"<html>",
        b"\xff",
        b'{"keys":null}',
        b'{"keys":{}}',
        b'{"keys":[]}',
        b'{"keys":[null,1,"x",{}]}',
        b"[" * 100_000,
        b'{"keys":' + b"9" * 5000 + b"}",
        json.dumps({"keys": [forge.rsa_jwk(), changed(KEY.jwk, {"use": "enc"})]}).encode(),
        OSError(),
        ConnectionRefusedError(),
        TimeoutError(),
        ValueError("status 500"),
    ],
    ids=lambda answer: repr(answer)[:24],
)
async def test_a_bad_answer_never_replaces_good_keys_and_is_asked_for_once_a_cool_down(
    answer: bytes | Exception,
) -> None:
    rig = Rig(KEY.jwk)
    assert await rig.has("one")
    good, rig.endpoint.answer = rig.endpoint.answer, answer
    rig.clock.now += 300
    for _ in range(100):
        assert await rig.has("one")
        assert not await rig.has("unknown")
    assert rig.fetches == 2
    rig.clock.now += 10
    assert await rig.has("one")
    await rig.background()
    assert rig.fetches == 3
    rig.endpoint.answer = good
    rig.clock.now += 10
    assert await rig.has("one")
    await rig.background()
    assert rig.fetches == 4
    rig.clock.now += 299
    assert await rig.has("one")
    assert rig.fetches == 4


async def test_a_cold_cache_asks_a_dead_endpoint_once_a_cool_down() -> None:
    rig = Rig(KEY.jwk)
    good, rig.endpoint.answer = rig.endpoint.answer, OSError()
    for _ in range(100):
        assert not await rig.has("one")
    assert rig.fetches == 1
    rig.endpoint.answer = good
    rig.clock.now += 10
    assert await rig.has("one")


async def test_stale_keys_serve_through_an_outage_but_not_for_ever() -> None:
    rig = Rig(KEY.jwk)
    assert await rig.has("one")
    good, rig.endpoint.answer = rig.endpoint.answer, OSError()
    for _ in range(359):
        rig.clock.now += 10
        assert await rig.has("one")
    rig.clock.now += 10
    assert not await rig.has("one")
    rig.endpoint.answer = good
    rig.clock.now += 10
    assert await rig.has("one")


async def test_a_key_that_is_new_after_an_outage_is_waited_for() -> None:
    rig = Rig(KEY.jwk)
    assert await rig.has("one")
    rig.endpoint.answer = OSError()
    rig.clock.now += 300
    assert await rig.has("one")
    rig.endpoint.publish(NEW.jwk)
    rig.clock.now += 10
    assert await rig.has("two")
    assert not await rig.has("one")


async def test_an_error_of_our_own_is_not_hidden_and_still_starts_a_cool_down() -> None:
    rig = Rig(KEY.jwk)
    rig.endpoint.answer = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await rig.has("one")
    assert not await rig.has("one")
    assert rig.fetches == 1


class Silence:
    """An endpoint that never answers, however its bytes may drip."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.given_up = False

    async def __call__(self, url: str) -> bytes:
        self.asked.set()
        try:
            return await asyncio.Future[bytes]()
        except asyncio.CancelledError:
            self.given_up = True
            raise


async def test_a_fetch_is_given_up_as_a_whole_after_its_timeout() -> None:
    silence = Silence()
    cache = JwksCache(forge.URL, algorithms=("EdDSA",), fetch=silence, timeout=0.01)
    with pytest.raises(KeyUnavailable):
        await cache.key("one", "EdDSA")
    assert silence.given_up


async def test_closing_cancels_the_fetch_under_way_and_refuses_its_waiter() -> None:
    silence = Silence()
    cache = JwksCache(forge.URL, algorithms=("EdDSA",), fetch=silence, timeout=3600)
    waiter = asyncio.create_task(cache.key("one", "EdDSA"))
    await silence.asked.wait()
    await cache.aclose()
    assert silence.given_up
    with pytest.raises(KeyUnavailable):
        await waiter
