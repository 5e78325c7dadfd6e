"""From the settings to the verifier: which mode they mean, and which of them are refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from core import clock
from core.errors import ConfigurationError, Unauthenticated
from services.auth import build_verifier, is_development
from services.auth.development import issue, load_key

from . import forge
from .forge import SECRET, EdKey, Endpoint, T, hs, token

KEY = EdKey()
HS256 = {"alg": "HS256"}


@dataclass(frozen=True)
class Settings:
    data_dir: Path
    better_auth_url: str | None = None
    better_auth_secret: SecretStr | None = None
    auth_issuer: str | None = None
    auth_audience: str | None = None
    auth_algorithms: tuple[str, ...] = ("EdDSA",)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path)


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint(KEY.jwk, forge.rsa_jwk())


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.set_to(forge.NOW):
        yield


async def test_with_nothing_set_the_servers_own_tokens_are_believed(settings: Settings) -> None:
    assert is_development(settings)
    verifier = build_verifier(settings)
    assert (await verifier.verify(issue(load_key(settings.data_dir), "ada", 86_400))).subject == "ada"
    await verifier.aclose()


@pytest.mark.parametrize(
    ("url", "origin", "jwks"),
    [
        ("https://auth.example.com", "https://auth.example.com", "https://auth.example.com/api/auth/jwks"),
        ("https://auth.example.com/", "https://auth.example.com", "https://auth.example.com/api/auth/jwks"),
        ("HTTPS://Auth.Example.com:443", "https://auth.example.com", None),
        ("http://auth:3000", "http://auth:3000", "http://auth:3000/api/auth/jwks"),
        ("http://[::1]:3000", "http://[::1]:3000", "http://[::1]:3000/api/auth/jwks"),
        ("https://example.com/tenant", "https://example.com", "https://example.com/tenant/api/auth/jwks"),
    ],
)
async def test_a_url_gives_the_keys_and_the_default_names(
    settings: Settings, endpoint: Endpoint, url: str, origin: str, jwks: str | None
) -> None:
    settings = replace(settings, better_auth_url=url)
    assert not is_development(settings)
    verifier = build_verifier(settings, fetch=endpoint)
    assert await verifier.verify(token(KEY.sign, iss=origin, aud=origin))
    assert jwks is None or endpoint.urls == [jwks]
    for bad in (token(KEY.sign, iss="x", aud=origin), token(KEY.sign, iss=origin, aud="x"), token(hs(SECRET), HS256)):
        with pytest.raises(Unauthenticated):
            await verifier.verify(bad)
    await verifier.aclose()
    assert not (settings.data_dir / "development-key").exists()


async def test_the_names_and_the_lifetime_can_be_set(settings: Settings, endpoint: Endpoint) -> None:
    settings = replace(settings, better_auth_url=forge.ISSUER, auth_issuer="me", auth_audience="you")
    verifier = build_verifier(settings, fetch=endpoint, max_lifetime=60)
    assert await verifier.verify(token(KEY.sign, iss="me", aud="you", exp=T + 60))
    for bad in (token(KEY.sign, exp=T + 60), token(KEY.sign, iss="me", aud="you", exp=T + 61)):
        with pytest.raises(Unauthenticated):
            await verifier.verify(bad)


async def test_a_secret_alone_needs_both_names(settings: Settings) -> None:
    settings = replace(settings, better_auth_secret=SecretStr(SECRET.decode()))
    with pytest.raises(ConfigurationError, match="TASKTALK_AUTH_ISSUER"):
        build_verifier(settings)
    with pytest.raises(ConfigurationError, match="TASKTALK_AUTH_AUDIENCE"):
        build_verifier(replace(settings, auth_issuer=forge.ISSUER))
    verifier = build_verifier(replace(settings, auth_issuer=forge.ISSUER, auth_audience=forge.ISSUER))
    assert await verifier.verify(token(hs(SECRET), HS256))
    with pytest.raises(Unauthenticated):
        await verifier.verify(token(KEY.sign))


async def test_a_url_and_a_secret_give_both_never_mixed(settings: Settings, endpoint: Endpoint) -> None:
    settings = replace(settings, better_auth_url=forge.ISSUER, better_auth_secret=SecretStr(SECRET.decode()))
    verifier = build_verifier(settings, fetch=endpoint)
    assert await verifier.verify(token(KEY.sign))
    assert await verifier.verify(token(hs(SECRET), HS256))
    rsa = {"alg": "RS256", "kid": "rsa-1"}
    for bad in (token(hs(KEY.pem), HS256), token(hs(KEY.raw), HS256), token(hs(SECRET)), token(forge.sign_rsa, rsa)):
        with pytest.raises(Unauthenticated):
            await verifier.verify(bad)
    with_rsa = build_verifier(replace(settings, auth_algorithms=("EdDSA", "RS256")), fetch=endpoint)
    assert await with_rsa.verify(token(forge.sign_rsa, rsa))


async def test_no_token_of_development_mode_is_believed_elsewhere(settings: Settings, endpoint: Endpoint) -> None:
    made = issue(load_key(settings.data_dir), "ada", 60)
    secret = replace(settings, better_auth_secret=SecretStr(SECRET.decode()), auth_issuer="a", auth_audience="b")
    for other in (secret, replace(settings, better_auth_url=forge.ISSUER)):
        with pytest.raises(Unauthenticated):
            await build_verifier(other, fetch=endpoint).verify(made)


@pytest.mark.parametrize(
    "url",
    [
        *("", "auth.example.com", "//auth.example.com", "ftp://auth.example.com", "https://", "https://:443"),
        *("http://a:x", "http://a:0", "http://a:99999", "http://u:p@a", "http://a?x=1", "http://a#x", "http://a b"),
        *("http://a\n", "http://ä", "http://[::1", "file:///etc/passwd", "javascript:x"),
    ],
)
def test_a_url_that_is_none_is_refused(settings: Settings, url: str) -> None:
    with pytest.raises(ConfigurationError, match="BETTER_AUTH_URL"):
        build_verifier(replace(settings, better_auth_url=url))


@pytest.mark.parametrize("secret", ["", "short", "x" * 31])
def test_a_secret_that_is_empty_or_short_is_refused(settings: Settings, secret: str) -> None:
    with pytest.raises(ConfigurationError, match="BETTER_AUTH_SECRET"):
        build_verifier(replace(settings, better_auth_secret=SecretStr(secret), auth_issuer="a", auth_audience="b"))


@pytest.mark.parametrize("algorithms", [(), ("HS256",), ("none",), ("EdDSA", "HS256"), ("PS256",), ("eddsa",), ("",)])
def test_an_algorithm_that_no_public_key_is_for_is_refused(settings: Settings, algorithms: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match="TASKTALK_AUTH_ALGORITHMS"):
        build_verifier(replace(settings, better_auth_url=forge.ISSUER, auth_algorithms=algorithms))


def test_an_empty_name_is_refused(settings: Settings) -> None:
    settings = replace(settings, better_auth_url=forge.ISSUER)
    with pytest.raises(ConfigurationError, match="TASKTALK_AUTH_ISSUER"):
        build_verifier(replace(settings, auth_issuer=""))
    with pytest.raises(ConfigurationError, match="TASKTALK_AUTH_AUDIENCE"):
        build_verifier(replace(settings, auth_audience=""))
