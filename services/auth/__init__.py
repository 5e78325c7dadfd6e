"""Who is it: from the settings to the one verifier of tokens."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from core.errors import ConfigurationError
from services.auth.development import load_key
from services.auth.jwks import KEY_KINDS, Fetch, JwksCache
from services.auth.verify import DEFAULT_MAX_LIFETIME, Claims, SharedSecret, Trust, Verifier, bearer_token

__all__ = ["AuthSettings", "Claims", "Verifier", "bearer_token", "build_verifier", "is_development"]

JWKS_PATH = "/api/auth/jwks"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class AuthSettings(Protocol):
    """What is read of the settings."""

    @property
    def better_auth_url(self) -> str | None: ...
    @property
    def better_auth_secret(self) -> SecretStr | None: ...
    @property
    def auth_issuer(self) -> str | None: ...
    @property
    def auth_audience(self) -> str | None: ...
    @property
    def auth_algorithms(self) -> tuple[str, ...]: ...
    @property
    def data_dir(self) -> Path: ...


def is_development(settings: AuthSettings) -> bool:
    """Whether the server signs its own tokens, because neither BETTER_AUTH_URL nor BETTER_AUTH_SECRET is set."""
    return settings.better_auth_url is None and settings.better_auth_secret is None


def build_verifier(
    settings: AuthSettings, *, max_lifetime: int = DEFAULT_MAX_LIFETIME, fetch: Fetch | None = None
) -> Verifier:
    """The verifier that the settings ask for; no request is made yet. `max_lifetime` is in seconds.

    A URL gives JWKS, a secret HS256, both give both, neither gives development mode. `fetch` replaces HTTP (tests).
    Raises ConfigurationError, naming the setting.
    """
    if is_development(settings):
        return Verifier([load_key(settings.data_dir).trust()])
    trusts: list[Trust] = []
    url = _parse_url(settings.better_auth_url) if settings.better_auth_url is not None else None
    issuer = _expected("TASKTALK_AUTH_ISSUER", settings.auth_issuer, url)
    audience = _expected("TASKTALK_AUTH_AUDIENCE", settings.auth_audience, url)
    if settings.better_auth_secret is not None:
        secret = SharedSecret(settings.better_auth_secret.get_secret_value().encode(), setting="BETTER_AUTH_SECRET")
        trusts.append(Trust(frozenset({"HS256"}), secret, issuer, audience, max_lifetime))
    if url is not None:
        algorithms = settings.auth_algorithms
        if not algorithms or not KEY_KINDS.keys() >= set(algorithms):
            raise ConfigurationError(f"TASKTALK_AUTH_ALGORITHMS must name one or more of {', '.join(KEY_KINDS)}.")
        keys = JwksCache(url.geturl().rstrip("/") + JWKS_PATH, algorithms=algorithms, fetch=fetch)
        trusts.append(Trust(frozenset(algorithms), keys, issuer, audience, max_lifetime))
    return Verifier(trusts)


def _parse_url(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
        valid = url.scheme in _DEFAULT_PORTS and bool(url.hostname) and url.port != 0
    except ValueError:
        valid = False
    if not valid or "@" in url.netloc or url.query or url.fragment or re.search(r"[^!-~]", text):
        raise ConfigurationError("BETTER_AUTH_URL must be an http or https URL without user, query or fragment.")
    return url


def _origin(url: SplitResult) -> str:
    """As Better Auth writes it into its tokens: lower case, without a default port (RFC 6454 section 6.2)."""
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    port = "" if url.port in (None, _DEFAULT_PORTS[url.scheme]) else f":{url.port}"
    return f"{url.scheme}://{host}{port}"


def _expected(setting: str, value: str | None, url: SplitResult | None) -> str:
    """The exact string that tokens must carry; an empty one is a mistake, not a wish for any."""
    if value is None and url is not None:
        return _origin(url)
    if not value:
        raise ConfigurationError(f"{setting} is required with BETTER_AUTH_SECRET alone, and must not be empty.")
    return value
