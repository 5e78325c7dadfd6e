"""What a good token may look like, what is read of it, and how long it is remembered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import clock
from core.errors import ConfigurationError, Unauthenticated
from services.auth import verify
from services.auth.jwks import JwksCache, KeyUnavailable
from services.auth.verify import SharedSecret, Trust, Verifier, bearer_token

from . import forge
from .forge import ABSENT, SECRET, EdKey, Endpoint, Monotonic, T, hs, token

KEY = EdKey()


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.set_to(forge.NOW):
        yield


@pytest.fixture
def signatures(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tokens whose signature was computed."""
    seen: list[str] = []
    decode = verify._jws.decode

    def counted(token: str, key: jwt.PyJWK, algorithms: list[str]) -> object:
        seen.append(token)
        return decode(token, key, algorithms=algorithms)

    monkeypatch.setattr(verify._jws, "decode", counted)
    return seen


async def test_the_claims_are_read() -> None:
    good = token(KEY.sign, email="ada@example.com", name="Ada", emailVerified=True, image=None, id="user_1")
    claims = await forge.verifier_for(Endpoint(KEY.jwk)).verify(good)
    assert claims == verify.Claims(
        subject="user_1",
        email="ada@example.com",
        name="Ada",
        issued_at=datetime(2026, 5, 4, 12, 0, tzinfo=UTC),
        expires_at=datetime(2026, 5, 4, 12, 15, tzinfo=UTC),
        token_hash=hashlib.sha256(good.encode()).digest(),
    )


GOOD_TOKENS = {
    "typ JWT": token(KEY.sign, {"typ": "JWT"}),
    "typ in lower case": token(KEY.sign, {"typ": "jwt"}),
    "no kid, one key": token(KEY.sign, {"kid": ABSENT}),
    "a clock 5 s ahead": token(KEY.sign, iat=T + 5, exp=T + 905, nbf=T + 5),
    "an hour long": token(KEY.sign, exp=T + 3600),
    "a second left": token(KEY.sign, iat=T - 899, exp=T + 1),
    "nbf in the past": token(KEY.sign, nbf=T - 10),
    "the longest subject": token(KEY.sign, sub="aZ0_-" + "x" * 59),
    "text outside of ASCII": token(KEY.sign, name="Zoë 🙂", other=["ü", {"a": [None]}]),
    "as another library writes it": jwt.encode(dict(forge.CLAIMS), KEY.private, "EdDSA", headers={"kid": "key-1"}),
    "nearly 8 KiB": token(KEY.sign, pad="x" * 5900),
}


@pytest.mark.parametrize("good", GOOD_TOKENS.values(), ids=GOOD_TOKENS.keys())
async def test_a_good_token_is_accepted(good: str) -> None:
    assert (await forge.verifier_for(Endpoint(KEY.jwk)).verify(good)).expires_at > forge.NOW


@pytest.mark.parametrize(
    ("email", "name"),
    [(None, None), (1, ["x"]), ("", ""), ("a" * 321, "n" * 201), ("a\0@example.com", "n\0"), (True, {"a": 1})],
)
async def test_an_email_or_name_out_of_bounds_is_left_out(email: object, name: object) -> None:
    claims = await forge.verifier_for(Endpoint(KEY.jwk)).verify(token(KEY.sign, email=email, name=name))
    assert (claims.email, claims.name) == (None, None)


async def test_the_longest_email_and_name_are_kept() -> None:
    good = token(KEY.sign, email="é" * 320, name="🙂" * 200)
    claims = await forge.verifier_for(Endpoint(KEY.jwk)).verify(good)
    assert (claims.email, claims.name) == ("é" * 320, "🙂" * 200)


async def test_rsa_and_ec_tokens_are_accepted_where_allowed() -> None:
    verifier = forge.verifier_for(Endpoint(KEY.jwk, forge.rsa_jwk(), forge.ec_jwk()), "EdDSA", "RS256", "ES256")
    for alg, kid, sign in (("RS256", "rsa-1", forge.sign_rsa), ("ES256", "ec-1", forge.sign_ec)):
        assert (await verifier.verify(token(sign, {"alg": alg, "kid": kid}))).subject == "user_1"


async def test_under_both_a_secret_and_keys_each_algorithm_has_its_own() -> None:
    endpoint = Endpoint(KEY.jwk)
    verifier = forge.verifier_for(endpoint, hs256=True)
    assert (await verifier.verify(token(hs(SECRET), {"alg": "HS256", "kid": ABSENT}))).subject == "user_1"
    assert endpoint.urls == []
    assert (await verifier.verify(token(KEY.sign))).subject == "user_1"


def test_two_issuers_can_not_share_an_algorithm() -> None:
    trust = Trust(frozenset({"HS256"}), SharedSecret(SECRET, setting="X"), "a", "b")
    with pytest.raises(ValueError, match="one issuer only"):
        Verifier([trust, trust])


@pytest.mark.parametrize(
    "secret",
    [b"", b"x" * 31, KEY.pem, KEY.der, b'{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}'],
    ids=["empty", "short", "PEM", "DER", "JWK"],
)
def test_a_secret_that_is_short_or_a_key_is_refused_by_the_name_of_its_setting(secret: bytes) -> None:
    with pytest.raises(ConfigurationError, match="BETTER_AUTH_SECRET") as refused:
        SharedSecret(secret, setting="BETTER_AUTH_SECRET")
    assert "kty" not in refused.value.message


async def test_a_secret_serves_no_algorithm_but_its_own() -> None:
    for alg in ("HS384", "EdDSA", "RS256", "none"):
        with pytest.raises(KeyUnavailable):
            await SharedSecret(SECRET, setting="X").key(None, alg)


async def test_a_hot_token_costs_one_verification(signatures: list[str]) -> None:
    verifier = forge.verifier_for(Endpoint(KEY.jwk))
    good = token(KEY.sign)
    claims = {await verifier.verify(good) for _ in range(50)}
    assert len(claims) == 1
    assert signatures == [good]


async def test_a_remembered_token_is_refused_from_the_second_it_expires() -> None:
    verifier = forge.verifier_for(Endpoint(KEY.jwk))
    good = token(KEY.sign)
    with clock.set_to(forge.NOW + timedelta(seconds=899, milliseconds=999)):
        await verifier.verify(good)
    with clock.set_to(forge.NOW + timedelta(seconds=900)), pytest.raises(Unauthenticated):
        await verifier.verify(good)
    assert not verifier._verified


async def test_a_remembered_token_is_refused_once_its_key_is_withdrawn() -> None:
    endpoint, monotonic = Endpoint(KEY.jwk, EdKey("other").jwk), Monotonic()
    verifier = forge.verifier_for(endpoint, monotonic=monotonic)
    good = token(KEY.sign)
    await verifier.verify(good)
    endpoint.publish(EdKey("other").jwk)
    monotonic.now += 299
    await verifier.verify(good)
    monotonic.now += 1
    with pytest.raises(Unauthenticated):
        await verifier.verify(good)
    assert not verifier._verified


async def test_a_remembered_token_is_refused_once_its_key_id_stands_for_another_key() -> None:
    endpoint, monotonic = Endpoint(KEY.jwk), Monotonic()
    verifier = forge.verifier_for(endpoint, monotonic=monotonic)
    good = token(KEY.sign)
    await verifier.verify(good)
    endpoint.publish(EdKey("key-1").jwk)
    monotonic.now += 300
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await verifier.verify(good)


async def test_a_remembered_token_without_key_id_is_refused_once_two_keys_fit() -> None:
    endpoint, monotonic = Endpoint(KEY.jwk), Monotonic()
    verifier = forge.verifier_for(endpoint, monotonic=monotonic)
    good = token(KEY.sign, {"kid": ABSENT})
    await verifier.verify(good)
    endpoint.publish(KEY.jwk, EdKey("key-2").jwk)
    monotonic.now += 300
    with pytest.raises(Unauthenticated):
        await verifier.verify(good)


async def test_what_is_remembered_is_bounded_and_the_least_used_goes_first(signatures: list[str]) -> None:
    verifier = forge.secret_verifier(cache_size=2)
    first, second, third = (token(hs(SECRET), {"alg": "HS256"}, sub=name) for name in "abc")
    for one in (first, second, first, third, first):
        await verifier.verify(one)
    assert signatures == [first, second, third]
    await verifier.verify(second)
    assert signatures == [first, second, third, second]
    assert len(verifier._verified) == 2


async def test_refused_tokens_are_not_remembered_and_expired_ones_cost_no_fetch() -> None:
    endpoint = Endpoint(KEY.jwk)
    verifier = forge.verifier_for(endpoint)
    for bad in (token(KEY.sign, exp=T - 1), token(KEY.sign, iss="x"), token(KEY.sign, {"alg": "RS256"})):
        with pytest.raises(Unauthenticated):
            await verifier.verify(bad)
    assert endpoint.urls == []
    assert not verifier._verified


async def test_a_longer_lifetime_is_accepted_where_the_issuer_may() -> None:
    keys = JwksCache(forge.URL, algorithms=("EdDSA",), fetch=Endpoint(KEY.jwk))
    verifier = Verifier([Trust(frozenset({"EdDSA"}), keys, forge.ISSUER, forge.ISSUER, max_lifetime=7200)])
    assert await verifier.verify(token(KEY.sign, exp=T + 7200))
    with pytest.raises(Unauthenticated):
        await verifier.verify(token(KEY.sign, exp=T + 7201))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(header=st.dictionaries(st.sampled_from(["alg", "kid", "typ"]), JSON_VALUES), claims=st.data())
async def test_whatever_is_signed_either_has_sound_claims_or_is_refused(
    header: dict[str, object], claims: st.DataObject
) -> None:
    changes = claims.draw(st.dictionaries(st.sampled_from([*forge.CLAIMS, "nbf", "email", "name"]), JSON_VALUES))
    odd = token(hs(SECRET), {"alg": "HS256", "kid": "k", **header}, **changes)
    try:
        found = await forge.secret_verifier().verify(odd)
    except Unauthenticated:
        return
    assert verify.SUBJECT.fullmatch(found.subject)
    assert found.expires_at > forge.NOW


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text() | st.from_regex(r"[\w=-]*\.[\w=-]*\.[\w=-]*", fullmatch=True))
async def test_any_text_is_refused_without_another_error(text: str) -> None:
    with pytest.raises(Unauthenticated):
        await forge.secret_verifier().verify(text)


GOOD = token(KEY.sign)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_bearer_token_is_taken_from_the_one_header(scheme: str) -> None:
    assert bearer_token([f"{scheme} {GOOD}"]) == GOOD


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        [GOOD],
        ["Bearer"],
        ["Bearer "],
        [f"Bearer  {GOOD}"],
        [f"Bearer\t{GOOD}"],
        [f" Bearer {GOOD}"],
        [f"Bearer {GOOD} "],
        [f"Bearer {GOOD}\n"],
        [f"Bearer {GOOD}, Bearer {GOOD}"],
        [f"Bearer {GOOD},x"],
        [f"Bearer {GOOD} x"],
        [f"Basic {GOOD}"],
        [f"DPoP {GOOD}"],
        [f"Token {GOOD}"],
        [f"Bearer: {GOOD}"],
        [f"Bearer={GOOD}"],
        [f'Bearer "{GOOD}"'],
        ["Bearer ="],
        ["Bearer a=b"],
        ["Bearer é"],
        ["Bearer \0"],
        ["Bearer " + "x" * 8193],
        [f"Bearer {GOOD}", f"Bearer {GOOD}"],
        ["", f"Bearer {GOOD}"],
    ],
)
def test_any_other_authorization_is_refused(values: list[str]) -> None:
    with pytest.raises(Unauthenticated):
        bearer_token(values)
