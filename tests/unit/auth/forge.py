"""Makes tokens, good ones and every kind of bad one, without the help of a JWT library."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.auth.jwks import JwksCache
from services.auth.verify import SharedSecret, Trust, Verifier

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
T = int(NOW.timestamp())
ISSUER = "https://auth.example.com"
URL = ISSUER + "/api/auth/jwks"
SECRET = b"0123456789abcdef0123456789abcdef-shared"
Signer = Callable[[bytes], bytes]


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def b64_int(value: int, length: int) -> str:
    return b64(value.to_bytes(length))


def hs(secret: bytes, digest: str = "sha256") -> Signer:
    return lambda message: hmac.new(secret, message, digest).digest()


@dataclass(frozen=True)
class EdKey:
    """An Ed25519 key pair with a key id."""

    kid: str | None = "key-1"
    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def raw(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def pem(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @property
    def der(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def jwk(self) -> dict[str, object]:
        kid = {} if self.kid is None else {"kid": self.kid}
        return {"alg": "EdDSA", "crv": "Ed25519", "kty": "OKP", "x": b64(self.raw), **kid}

    def sign(self, message: bytes) -> bytes:
        return self.private.sign(message)


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def rsa_jwk(kid: str = "rsa-1", bits: int = 2048) -> dict[str, object]:
    numbers = rsa_key(bits).public_key().public_numbers()
    return {"kty": "RSA", "kid": kid, "alg": "RS256", "n": b64_int(numbers.n, bits // 8), "e": "AQAB"}


def ec_jwk(kid: str = "ec-1") -> dict[str, object]:
    numbers = ec_key().public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "kid": kid, "x": b64_int(numbers.x, 32), "y": b64_int(numbers.y, 32)}


def ed448_jwk(kid: str = "ed448") -> dict[str, object]:
    raw = Ed448PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed448", "kid": kid, "x": b64(raw)}


def sign_rsa(message: bytes, bits: int = 2048) -> bytes:
    return rsa_key(bits).sign(message, padding.PKCS1v15(), hashes.SHA256())


def sign_pss(message: bytes) -> bytes:
    return rsa_key().sign(message, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def sign_ec_der(message: bytes) -> bytes:
    return ec_key().sign(message, ec.ECDSA(hashes.SHA256()))


def sign_ec(message: bytes) -> bytes:
    r, s = decode_dss_signature(sign_ec_der(message))
    return r.to_bytes(32) + s.to_bytes(32)


HEADER = {"alg": "EdDSA", "kid": "key-1"}
CLAIMS: dict[str, object] = {"iss": ISSUER, "aud": ISSUER, "sub": "user_1", "iat": T, "exp": T + 900}


class _Absent(Enum):
    """A value with the same text in every process: it stands in test ids."""

    ABSENT = "absent"


ABSENT = _Absent.ABSENT


def changed(base: Mapping[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in {**base, **changes}.items() if value is not ABSENT}


def compact(header: bytes, payload: bytes, sign: Signer) -> str:
    message = f"{b64(header)}.{b64(payload)}"
    return f"{message}.{b64(sign(message.encode()))}"


def token(sign: Signer, header: Mapping[str, object] | None = None, **claims: object) -> str:
    """A token signed by `sign`: the usual header and claims with these changes (ABSENT takes a member away)."""
    return compact(
        json.dumps(changed(HEADER, header or {})).encode(), json.dumps(changed(CLAIMS, claims)).encode(), sign
    )


class Endpoint:
    """A JWKS endpoint in memory that counts its readers; `answer` is the body, or the exception to raise."""

    def __init__(self, *jwks: Mapping[str, object]) -> None:
        self.urls: list[str] = []
        self.answer: bytes | Exception = b""
        self.publish(*jwks)

    def publish(self, *jwks: Mapping[str, object]) -> None:
        self.answer = json.dumps({"keys": jwks}).encode()

    async def __call__(self, url: str) -> bytes:
        self.urls.append(url)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Monotonic:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def verifier_for(
    endpoint: Endpoint, *algorithms: str, monotonic: Monotonic | None = None, hs256: bool = False
) -> Verifier:
    algorithms = algorithms or ("EdDSA",)
    keys = JwksCache(URL, algorithms=algorithms, fetch=endpoint, monotonic=monotonic or Monotonic())
    trusts = [Trust(frozenset(algorithms), keys, ISSUER, ISSUER)]
    if hs256:
        trusts.append(Trust(frozenset({"HS256"}), SharedSecret(SECRET, setting="BETTER_AUTH_SECRET"), ISSUER, ISSUER))
    return Verifier(trusts)


def secret_verifier(cache_size: int = 4096) -> Verifier:
    keys = SharedSecret(SECRET, setting="BETTER_AUTH_SECRET")
    return Verifier([Trust(frozenset({"HS256"}), keys, ISSUER, ISSUER)], cache_size=cache_size)
