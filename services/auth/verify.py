"""Which tokens are believed: a strict reading of compact JWTs (RFC 7519, RFC 8725) around PyJWT's signatures.

Whether a believed token was revoked is for the caller to ask: `Claims.token_hash` is what revocation is stored by.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import logging
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, NoReturn, Protocol

import jwt

from core import clock
from core.errors import ConfigurationError, Unauthenticated
from services.auth.jwks import MAX_KID_LENGTH, KeyUnavailable, VerifyingKey

logger = logging.getLogger(__name__)

MAX_TOKEN_BYTES: Final = 8 * 1024
MAX_EMAIL_LENGTH: Final = 320  # code points; RFC 3696 erratum 1690
MAX_NAME_LENGTH: Final = 200
MIN_SECRET_BYTES: Final = 32  # RFC 7518 section 3.2
DEFAULT_MAX_LIFETIME: Final = 3600
LEEWAY: Final = 5  # seconds an issuer's clock may be ahead (`iat`, `nbf`); `exp` has none: streams end exactly then
SUBJECT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

_COMPACT: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
_BEARER: Final = re.compile(r"bearer ([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE | re.ASCII)
_HEADER_MEMBERS: Final = frozenset({"alg", "kid", "typ"})
_jws = jwt.PyJWS(
    algorithms=["EdDSA", "ES256", "RS256", "HS256"],
    options={"verify_signature": True, "enforce_minimum_key_length": True},
)


class _Refused(Exception):
    """Why a token isn't believed. For the debug log: never holds a part of the token."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a believed token says. Both times are aware, UTC and whole seconds; `token_hash` is its SHA-256."""

    subject: str
    email: str | None
    name: str | None
    issued_at: datetime
    expires_at: datetime
    token_hash: bytes


class KeySource(Protocol):
    """Where the keys of one issuer come from."""

    async def key(self, kid: str | None, alg: str) -> VerifyingKey:
        """The key for that algorithm. Raises KeyUnavailable."""

    async def aclose(self) -> None:
        """Give up what it holds."""


class SharedSecret:
    """HS256 under one secret; key ids mean nothing to it.

    Raises ConfigurationError, naming `setting`, for a secret under 32 bytes or one that is a key of another kind.
    """

    def __init__(self, secret: bytes, *, setting: str) -> None:
        if len(secret) < MIN_SECRET_BYTES:
            raise ConfigurationError(f"{setting} must be at least {MIN_SECRET_BYTES} bytes long.")
        try:
            # A PEM, DER or JWK here is often a public key: whoever knows it could sign.
            _jws.get_algorithm_by_name("HS256").prepare_key(secret)
        except jwt.InvalidKeyError:
            raise ConfigurationError(f"{setting} must be a random secret, not a key file or certificate.") from None
        encoded = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
        key = jwt.PyJWK({"kty": "oct", "k": encoded}, "HS256")
        self._key = VerifyingKey(None, "HS256", hashlib.sha256(secret).digest(), key)

    async def key(self, kid: str | None, alg: str) -> VerifyingKey:
        if alg != "HS256":
            raise KeyUnavailable("algorithm not allowed")
        return self._key

    async def aclose(self) -> None:
        """It holds nothing."""


@dataclass(frozen=True, slots=True)
class Trust:
    """One issuer: the algorithms it may use, its keys, and what its tokens must say. `max_lifetime` is in seconds."""

    algorithms: frozenset[str]
    keys: KeySource = field(repr=False)
    issuer: str
    audience: str
    max_lifetime: int = DEFAULT_MAX_LIFETIME


@dataclass(frozen=True, slots=True)
class _Verified:
    claims: Claims
    trust: Trust
    kid: str | None  # the token's, which may be absent where the key has one
    key: VerifyingKey


class Verifier:
    """Reads tokens of one or more issuers, told apart by algorithm alone: no two may share one (ValueError).

    Verified tokens are remembered, at most `cache_size`, least recently used out first. A remembered token is
    believed until it expires or the issuer's key source no longer gives the key that it was verified with.
    """

    def __init__(self, trusts: Sequence[Trust], *, cache_size: int = 4096) -> None:
        self._trusts = {alg: trust for trust in trusts for alg in trust.algorithms}
        if len(self._trusts) != sum(len(trust.algorithms) for trust in trusts):
            raise ValueError("an algorithm belongs to one issuer only")
        self._sources = [trust.keys for trust in trusts]
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()
        self._cache_size = cache_size

    async def verify(self, token: str) -> Claims:
        """What the token says. Raises Unauthenticated, always with the same message, if it isn't to be believed."""
        try:
            return await self._verify(token)
        except (_Refused, KeyUnavailable) as refusal:
            logger.debug("Token refused: %s", refusal)
        raise Unauthenticated

    async def aclose(self) -> None:
        """Close the key sources."""
        for source in self._sources:
            await source.aclose()

    async def _verify(self, token: str) -> Claims:
        # Counted first: what follows costs more the longer the token is.
        if len(token) > MAX_TOKEN_BYTES or not (parts := _COMPACT.fullmatch(token)):
            raise _Refused("not a compact JWS of at most 8 KiB")
        digest = hashlib.sha256(token.encode("ascii")).digest()
        if (known := self._verified.get(digest)) is not None:
            return await self._remembered(digest, known)

        alg, kid = _read_header(_json_object(parts[1]))
        trust = self._trusts.get(alg)
        if trust is None:
            raise _Refused("algorithm not allowed")
        # Claims before keys: an expired or foreign token doesn't get to cost a fetch or a verification.
        claims = _read_claims(_json_object(parts[2]), trust, digest)
        _decode(parts[3])
        key = await trust.keys.key(kid, alg)
        try:
            _jws.decode(token, key.jwk, algorithms=[key.alg])
        except jwt.PyJWTError as error:
            raise _Refused(f"signature: {type(error).__name__}") from None
        self._remember(digest, _Verified(claims, trust, kid, key))
        return claims

    async def _remembered(self, digest: bytes, known: _Verified) -> Claims:
        try:
            if known.claims.expires_at <= clock.now():
                raise _Refused("expired")
            if await known.trust.keys.key(known.kid, known.key.alg) != known.key:
                raise _Refused("key replaced")
        except (_Refused, KeyUnavailable):
            self._verified.pop(digest, None)
            raise
        if digest in self._verified:
            self._verified.move_to_end(digest)
        return known.claims

    def _remember(self, digest: bytes, verified: _Verified) -> None:
        self._verified[digest] = verified
        while len(self._verified) > self._cache_size:
            self._verified.popitem(last=False)


def bearer_token(header_values: Sequence[str]) -> str:
    """The token of the one `Authorization` header (RFC 6750 section 2.1). Raises Unauthenticated for none or many."""
    if len(header_values) == 1 and len(header_values[0]) <= len("Bearer ") + MAX_TOKEN_BYTES:
        match = _BEARER.fullmatch(header_values[0])
        if match:
            return match[1]
    raise Unauthenticated


def _decode(segment: str) -> bytes:
    """The bytes of an unpadded base64url segment; only their one canonical spelling is taken."""
    try:
        raw = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error:
        raise _Refused("not base64url") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != segment:
        raise _Refused("base64url with stray bits")
    return raw


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members


def _not_json(constant: str) -> NoReturn:
    raise ValueError("NaN or Infinity")


def _json_object(segment: str) -> dict[str, object]:
    """A JSON object by RFC 8259, without what readers disagree on: duplicate members, NaN, BOM, lone surrogates."""
    try:
        value: object = json.loads(
            _decode(segment).decode("utf-8"), object_pairs_hook=_unique, parse_constant=_not_json
        )
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # refuses lone surrogates, wherever they stand
    except (ValueError, RecursionError):
        raise _Refused("not strict JSON") from None
    if not isinstance(value, dict):
        raise _Refused("not a JSON object")
    return value


def _read_header(header: dict[str, object]) -> tuple[str, str | None]:
    """(alg, kid). Members that could change how the token is read (crit, b64, jku, jwk, …) are refused unread."""
    if not header.keys() <= _HEADER_MEMBERS:
        raise _Refused("unknown header member")
    alg, kid, typ = header.get("alg"), header.get("kid"), header.get("typ", "JWT")
    if not isinstance(alg, str):
        raise _Refused("no algorithm")
    if not isinstance(typ, str) or typ.lower() != "jwt":
        raise _Refused("another type of token")
    if "kid" not in header:
        return alg, None
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID_LENGTH:
        raise _Refused("key id out of bounds")
    return alg, kid


def _seconds(claims: dict[str, object], name: str) -> int:
    value = claims.get(name)
    # Not isinstance: True is an int to Python.
    if type(value) is not int:
        raise _Refused(f"{name} isn't an integer")
    return value


def _text(claims: dict[str, object], name: str, limit: int) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= limit and "\0" not in value else None


def _read_claims(claims: dict[str, object], trust: Trust, token_hash: bytes) -> Claims:
    if claims.get("iss") != trust.issuer:
        raise _Refused("another issuer")
    if claims.get("aud") != trust.audience:
        raise _Refused("another audience")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not SUBJECT.fullmatch(subject):
        raise _Refused("subject out of bounds")
    now = clock.now().timestamp()
    issued, expires = _seconds(claims, "iat"), _seconds(claims, "exp")
    if issued > now + LEEWAY or ("nbf" in claims and _seconds(claims, "nbf") > now + LEEWAY):
        raise _Refused("not valid yet")
    if expires <= now:
        raise _Refused("expired")
    if not 0 < expires - issued <= trust.max_lifetime:
        raise _Refused("lifetime out of bounds")
    return Claims(
        subject=subject,
        email=_text(claims, "email", MAX_EMAIL_LENGTH),
        name=_text(claims, "name", MAX_NAME_LENGTH),
        issued_at=datetime.fromtimestamp(issued, UTC),
        expires_at=datetime.fromtimestamp(expires, UTC),
        token_hash=token_hash,
    )
