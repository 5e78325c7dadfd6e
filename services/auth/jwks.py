"""The public keys of the token issuer: its JWKS (RFC 7517), fetched at most as often as it must be and cached.

PyJWT's own client blocks the event loop and has no cool-down after a failure, so the cache is ours.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from contextvars import Context
from dataclasses import dataclass, field
from typing import Final

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

logger = logging.getLogger(__name__)

Fetch = Callable[[str], Awaitable[bytes]]
"""Reads the document at a URL. May raise OSError (TimeoutError too), httpx2.HTTPError or ValueError."""

# alg -> (kty, crv, the members that make the key): an algorithm is only ever used with a key of its own kind.
KEY_KINDS: Final = {
    "EdDSA": ("OKP", "Ed25519", ("x",)),  # RFC 8037; Ed448 isn't taken
    "ES256": ("EC", "P-256", ("x", "y")),  # RFC 7518 section 3.4
    "RS256": ("RSA", None, ("n", "e")),  # RFC 7518 section 3.3
}
RSA_BITS: Final = range(2048, 8192 + 1)  # below: RFC 7518 section 3.3; above: a verification gets too dear
MAX_KID_LENGTH: Final = 256
_SECRET_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class KeyUnavailable(LookupError):
    """No key to verify with: unknown, withdrawn, ambiguous, or the endpoint is down. The text is for the log only."""


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A key bound to the one algorithm it is for. Equal when id, algorithm and key material are equal."""

    kid: str | None
    alg: str
    fingerprint: bytes = field(repr=False)
    jwk: jwt.PyJWK = field(compare=False, repr=False)


def verifying_key(jwk: object, algorithms: Iterable[str]) -> VerifyingKey | None:
    """The key in one member of `keys`, or None where it isn't a public signature key for one of the algorithms."""
    if not isinstance(jwk, dict) or _SECRET_MEMBERS & jwk.keys():
        return None
    kid, use, operations = jwk.get("kid"), jwk.get("use", "sig"), jwk.get("key_ops", ["verify"])
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= MAX_KID_LENGTH):
        return None
    if use != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    kind = (jwk.get("kty"), jwk.get("crv"))
    alg = next((name for name in algorithms if KEY_KINDS[name][:2] == kind), None)
    if alg is None or jwk.get("alg", alg) != alg:
        return None
    try:
        key = jwt.PyJWK(jwk, alg)
    except jwt.PyJWTError:
        return None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size not in RSA_BITS:
        return None
    material = json.dumps([alg, *(jwk[member] for member in KEY_KINDS[alg][2])])
    return VerifyingKey(kid, alg, hashlib.sha256(material.encode()).digest(), key)


def parse_jwks(body: bytes, algorithms: Iterable[str]) -> tuple[VerifyingKey, ...]:
    """The usable keys of a JWK Set, in its order. Raises ValueError when it isn't one or holds none."""
    try:
        document = json.loads(body)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    members = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(members, list):
        raise ValueError("not a JWK Set")
    algorithms = tuple(algorithms)
    keys = tuple(key for member in members if (key := verifying_key(member, algorithms)))
    if not keys:
        raise ValueError("no usable key")
    return keys


class HttpFetch:
    """GET without redirects, proxies or other settings of the environment; at most `max_bytes` are read."""

    def __init__(self, *, timeout: float, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._client = httpx2.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            timeout=timeout,
            limits=httpx2.Limits(max_connections=2, max_keepalive_connections=0),
            # Not compressed: the bound counts bytes as they come, and none unfold into more.
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        )

    async def __call__(self, url: str) -> bytes:
        body = bytearray()
        async with self._client.stream("GET", url) as response:
            if response.status_code != httpx2.codes.OK:
                raise ValueError(f"status {response.status_code}")
            if response.headers.get("content-encoding", "identity") != "identity":
                raise ValueError("compressed")
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > self._max_bytes:
                    raise ValueError(f"over {self._max_bytes} bytes")
        return bytes(body)

    async def aclose(self) -> None:
        await self._client.aclose()


class JwksCache:
    """Keys by id and algorithm. One instance belongs to one event loop; `aclose()` ends its fetch.

    All times are seconds. Keys are believed for `ttl`; then a call waits for a refresh. Where that fails, the old keys
    serve until `stale_for` after they were read, while retries run in the background. A failed fetch, and one for an
    unknown key id, start a `cool_down`: what the endpoint publishes is believed that much later at most, and bad
    tokens can't make more fetches. Where a key id stands twice for one algorithm, the first wins.
    """

    def __init__(
        self,
        url: str,
        *,
        algorithms: Iterable[str],
        fetch: Fetch | None = None,
        ttl: float = 300,
        cool_down: float = 10,
        stale_for: float = 3600,
        timeout: float = 2,
        max_bytes: int = 256 * 1024,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._algorithms = tuple(algorithms)
        self._http = None if fetch else HttpFetch(timeout=timeout, max_bytes=max_bytes)
        self._fetch: Fetch | None = fetch or self._http
        self._ttl, self._cool_down, self._stale_for, self._timeout = ttl, cool_down, stale_for, timeout
        self._monotonic = monotonic
        self._keys: tuple[VerifyingKey, ...] = ()
        self._read_at = -math.inf
        self._cool_until = -math.inf
        self._failed_at = -math.inf
        self._refresh: asyncio.Task[None] | None = None

    async def key(self, kid: str | None, alg: str) -> VerifyingKey:
        """The key of that id; without an id, the only key of that algorithm. Raises KeyUnavailable."""
        if alg not in self._algorithms:
            raise KeyUnavailable("algorithm not allowed")
        due = self._age() >= self._ttl
        waits = due and not (self._known_down() and self._age() < self._stale_for)
        if waits:
            await self._refreshed(unknown_kid=False)
        elif due:
            self._start_refresh(unknown_kid=False)
        found = self._find(kid, alg)
        if found is None and not waits:
            await self._refreshed(unknown_kid=not due)
            found = self._find(kid, alg)
        if found is None:
            raise KeyUnavailable("no such key")
        return found

    async def aclose(self) -> None:
        """End the fetch under way, if any. No fetch starts afterwards."""
        self._fetch = None
        if self._refresh is not None:
            self._refresh.cancel()
            await asyncio.wait({self._refresh})
        if self._http is not None:
            await self._http.aclose()

    def _age(self) -> float:
        return self._monotonic() - self._read_at

    def _known_down(self) -> bool:
        # Two cool-downs: under steady traffic the next attempt falls due one after the last failure, and an older
        # failure says nothing of now (a withdrawn key would serve once more for nothing).
        return self._monotonic() - self._failed_at < 2 * self._cool_down

    def _find(self, kid: str | None, alg: str) -> VerifyingKey | None:
        if self._age() >= self._stale_for:
            return None
        fitting = [key for key in self._keys if key.alg == alg and (kid is None or key.kid == kid)]
        if not fitting or (kid is None and len(fitting) > 1):
            return None
        return fitting[0]

    async def _refreshed(self, *, unknown_kid: bool) -> None:
        task = self._start_refresh(unknown_kid=unknown_kid)
        if task is not None:
            # Unlike awaiting the task, this lets one waiter be cancelled without ending the fetch of the others.
            await asyncio.wait({task})
            if not task.cancelled():
                task.result()

    def _start_refresh(self, *, unknown_kid: bool) -> asyncio.Task[None] | None:
        """The fetch under way, else a new one, else (in the cool-down, or closed) None."""
        if self._refresh is not None and not self._refresh.done():
            return self._refresh
        if self._fetch is None or self._monotonic() < self._cool_until:
            return None
        work = self._read(self._fetch, unknown_kid=unknown_kid)
        # In a context of its own: it serves many requests, so its log lines belong to none of them.
        self._refresh = asyncio.get_running_loop().create_task(work, name="jwks refresh", context=Context())
        return self._refresh

    async def _read(self, fetch: Fetch, *, unknown_kid: bool) -> None:
        started = self._monotonic()
        # Counted from the start and lifted at the end, so that no way out of here misses it.
        self._cool_until, self._failed_at = started + self._cool_down, started
        try:
            async with asyncio.timeout(self._timeout):
                body = await fetch(self._url)
            keys = parse_jwks(body, self._algorithms)
        except (httpx2.HTTPError, httpx2.StreamError, OSError, ValueError) as error:
            logger.warning("The JWKS at %s could not be read: %s", self._url, type(error).__name__)
            return
        self._keys, self._read_at, self._failed_at = keys, started, -math.inf
        if not unknown_kid:
            self._cool_until = -math.inf
