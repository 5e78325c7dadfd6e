"""Every way to make a token that must not be believed; all are refused alike."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterator

import pytest

from core import clock
from core.errors import Unauthenticated

from . import forge
from .forge import ABSENT, CLAIMS, HEADER, SECRET, EdKey, Endpoint, T, b64, changed, compact, hs, token

KEY = EdKey()
OTHER = EdKey()
ORIGIN = forge.ISSUER
GOOD = token(KEY.sign)
HEAD, BODY, SIGNATURE = GOOD.split(".")


def raw(header: str | bytes | None = None, payload: str | bytes | None = None) -> str:
    """A well-signed token of exactly these texts."""
    encode: Callable[[str | bytes], bytes] = lambda text: text if isinstance(text, bytes) else text.encode()  # noqa: E731 - short
    return compact(encode(header or json.dumps(HEADER)), encode(payload or json.dumps(CLAIMS)), KEY.sign)


def body(text: str) -> str:
    """The usual claims with that text put in front of them."""
    return raw(payload="{" + text + "," + json.dumps(CLAIMS)[1:])


def head(**members: object) -> str:
    return token(KEY.sign, members)


def alg(name: object, sign: forge.Signer, **header: object) -> str:
    return token(sign, {"alg": name, **header})


def flipped(segment: str, index: int = 5) -> str:
    return segment[:index] + ("A" if segment[index] != "A" else "B") + segment[index + 1 :]


def stray_bits(segment: str) -> str:
    """Another spelling of the same bytes: the unused bits of the last character set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(segment) % 4 in (2, 3)
    return segment[:-1] + alphabet[alphabet.index(segment[-1]) | 1]


JWK_TEXT = json.dumps(KEY.jwk).encode()
L64 = 2**255 - 19  # not a group order, only a value that no signature half may reach

Values = tuple[object, ...]
TYPES: Values = ("at+jwt", "logout+jwt", "dpop+jwt", "JWS", "JOSE", "", "JWT ", "application/jwt", None, 1, [])
KEY_IDS: Values = (None, 1, True, "", ["key-1"], {"a": 1}, "key-2", "KEY-1", "key-1\0", " key-1", "k" * 257)
NOT_NAMES: Values = (ABSENT, None, 1, True, ["EdDSA"], {"EdDSA": 1})
SUBJECTS: Values = (
    "",
    " ",
    "a b",
    "a\0",
    "a\n",
    "a" * 65,
    "ü",
    "ａ",
    "../x",
    "a.b",
    "a:b",
    "a@b",
    None,
    1,
    True,
    ["user_1"],
)
NAMES: Values = (ABSENT, None, "", 1, [ORIGIN], {ORIGIN: 1}, ORIGIN + "/", ORIGIN.upper(), ORIGIN + ".evil.com", "*")
MORE_NAMES: Values = ("http://auth.example.com", ORIGIN + " ", ORIGIN + "\0", "https://auth.example.com:443")
AUDIENCES: Values = (*NAMES, *MORE_NAMES, [ORIGIN, "other"], [])
TIMES: Values = (ABSENT, None, True, str(T + 900), float(T + 900), [T + 900], {}, -1, 0, "")
EXPIRIES: Values = (*TIMES, T, T - 1, T - 600, T + 3601, T + 3_155_760_000, 10**30)
ISSUED: Values = (*TIMES, T + 6, T + 899, T - 2701, 10**30, -(10**30))
NOT_BEFORE: Values = (None, True, str(T), float(T), [], T + 6, T + 600, 10**30)

STRUCTURE = {
    "empty": "",
    "a dot": ".",
    "two dots": "..",
    "one segment": HEAD,
    "two segments": f"{HEAD}.{BODY}",
    "no signature": f"{HEAD}.{BODY}.",
    "no header": f".{BODY}.{SIGNATURE}",
    "no payload": f"{HEAD}..{SIGNATURE}",
    "four segments": f"{GOOD}.{SIGNATURE}",
    "five segments as in JWE": f"{GOOD}.AAAA.AAAA",
    "padded signature": GOOD + "==",
    "padded header": f"{HEAD}=.{BODY}.{SIGNATURE}",
    "leading space": " " + GOOD,
    "trailing space": GOOD + " ",
    "trailing newline": GOOD + "\n",
    "newline within": f"{HEAD}.\n{BODY}.{SIGNATURE}",
    "NUL at the end": GOOD + "\0",
    "NUL within": f"{HEAD}.{BODY[:4]}\0{BODY[4:]}.{SIGNATURE}",
    "plain base64 alphabet": f"{HEAD}.{BODY}.{SIGNATURE[:-2]}+/",
    "full-width letter": f"{HEAD}.{BODY}.{SIGNATURE[:-1]}Ａ",
    "lone surrogate": GOOD[:-1] + "\ud800",
    "stray bits in the signature": f"{HEAD}.{BODY}.{stray_bits(SIGNATURE)}",
    "impossible length": f"{HEAD}.{BODY}.{SIGNATURE[:-1]}",
    "over 8 KiB": token(KEY.sign, pad="x" * 8192),
    "far over 8 KiB": token(KEY.sign, pad="x" * 400_000),
    "a session token": "Zk3n1pQ0s8dJ2hR7vX5cB9mL4tY6wA1e",
    "a signed session cookie": "Zk3n1pQ0s8dJ2hR7vX5cB9mL4tY6wA1e.c2lnbmF0dXJl",
    "bearer within": "Bearer " + GOOD,
    "JSON serialization": json.dumps({"payload": BODY, "protected": HEAD, "signature": SIGNATURE}),
}
TAMPERING = {
    "header changed": f"{flipped(HEAD)}.{BODY}.{SIGNATURE}",
    "payload changed": f"{HEAD}.{b64(json.dumps(changed(CLAIMS, {'sub': 'user_2'})).encode())}.{SIGNATURE}",
    "signature changed": f"{HEAD}.{BODY}.{flipped(SIGNATURE)}",
    "signature cut": f"{HEAD}.{BODY}.{b64(base64.urlsafe_b64decode(SIGNATURE + '==')[:32])}",
    "signature longer": f"{HEAD}.{BODY}.{b64(base64.urlsafe_b64decode(SIGNATURE + '==') + b'x')}",
    "signature of zeros": f"{HEAD}.{BODY}.{b64(bytes(64))}",
    "signature with S out of range": f"{HEAD}.{BODY}.{b64(KEY.sign(b'x')[:32] + L64.to_bytes(32, 'little'))}",
    "signature of another token": f"{HEAD}.{BODY}.{token(KEY.sign, sub='user_2').split('.')[2]}",
    "signed by another key": token(OTHER.sign),
    "header and payload swapped": f"{BODY}.{HEAD}.{SIGNATURE}",
}
ALGORITHMS = {
    "none unsigned": f"{b64(json.dumps(changed(HEADER, {'alg': 'none'})).encode())}.{BODY}.",
    **{
        f"alg {name!r}": alg(name, KEY.sign)
        for name in ("none", "None", "NONE", "nOnE", "", "eddsa", "EDDSA", "EdDSA ")
    },
    **{f"alg {name!r}, well signed": alg(name, KEY.sign) for name in ("Ed25519", "Ed448", "RS256", "ES256", "PS256")},
    **{f"alg {value!r}": alg(value, KEY.sign) for value in NOT_NAMES},
    "HS256 by the raw public key": alg("HS256", hs(KEY.raw)),
    "HS256 by the PEM": alg("HS256", hs(KEY.pem)),
    "HS256 by the PEM without its newline": alg("HS256", hs(KEY.pem.strip())),
    "HS256 by the DER": alg("HS256", hs(KEY.der)),
    "HS256 by the JWK": alg("HS256", hs(JWK_TEXT)),
    "HS256 by x": alg("HS256", hs(str(KEY.jwk["x"]).encode())),
    "HS256 by the empty key": alg("HS256", hs(b"")),
    "HS256 by the key id": alg("HS256", hs(b"key-1")),
    "HS384 by the secret": alg("HS384", hs(SECRET, "sha384")),
    "HS512 by the secret": alg("HS512", hs(SECRET, "sha512")),
    "EdDSA header, HMAC by the secret": token(hs(SECRET)),
    "RS256 by a published RSA key": alg("RS256", forge.sign_rsa, kid="rsa-1"),
    "PS256 by a published RSA key": alg("PS256", forge.sign_pss, kid="rsa-1"),
    "ES256 by a published EC key": alg("ES256", forge.sign_ec, kid="ec-1"),
    "EdDSA header, RSA signature and id": token(forge.sign_rsa, {"kid": "rsa-1"}),
    "EdDSA header, EC signature and id": token(forge.sign_ec, {"kid": "ec-1"}),
}
HEADERS = {
    "crit": head(crit=["exp"]),
    "crit of b64": head(crit=["b64"], b64=True),
    "b64 true": head(b64=True),
    "b64 false": head(b64=False, crit=["b64"]),
    "zip": head(zip="DEF"),
    "jku": head(jku="http://127.0.0.1:9/keys"),
    "x5u": head(x5u="http://127.0.0.1:9/cert"),
    "jwk of the attacker": token(OTHER.sign, {"jwk": OTHER.jwk}),
    "jwk of our own": head(jwk=KEY.jwk),
    "x5c": head(x5c=["MIIB"]),
    "x5t": head(x5t="AAAA"),
    "x5t#S256": head(**{"x5t#S256": "AAAA"}),
    "cty": head(cty="JWT"),
    "enc": head(enc="A256GCM"),
    "iss in the header": head(iss=ORIGIN),
    "unknown member": head(x="y"),
    **{f"typ {t!r}": head(typ=t) for t in TYPES},
    **{f"kid {k!r}": head(kid=k) for k in KEY_IDS},
    "kid of a path": head(kid="../../../../dev/null"),
    "kid of a path, signed by nothing": alg("HS256", hs(b""), kid="/dev/null"),
    "kid of SQL": head(kid="x' UNION SELECT 'key"),
    "kid of a URL": head(kid="http://127.0.0.1:9/keys"),
    "kid of a lone surrogate": raw(header='{"alg":"EdDSA","kid":"\\ud800"}'),
    "no kid where two keys fit": head(kid=ABSENT),
    "duplicate alg": raw(header='{"alg":"none","alg":"EdDSA","kid":"key-1"}'),
    "duplicate kid": raw(header='{"alg":"EdDSA","kid":"key-2","kid":"key-1"}'),
    "duplicate alg by escape": raw(header='{"alg":"none","\\u0061lg":"EdDSA","kid":"key-1"}'),
    "header BOM": raw(header="\ufeff" + json.dumps(HEADER)),
    "header UTF-16": raw(header=json.dumps(HEADER).encode("utf-16")),
    "header list": raw(header="[" + json.dumps(HEADER) + "]"),
    "header null": raw(header="null"),
    "header string": raw(header='"EdDSA"'),
    "header not JSON": raw(header="{'alg':'EdDSA'}"),
    "header with a comment": raw(header='{"alg":"EdDSA","kid":"key-1"}//'),
    "header trailing comma": raw(header='{"alg":"EdDSA","kid":"key-1",}'),
    "header invalid UTF-8": raw(header=b'{"alg":"EdDSA","kid":"\xff"}'),
}
JSON = {
    "payload list": raw(payload="[" + json.dumps(CLAIMS) + "]"),
    "payload null": raw(payload="null"),
    "payload string": raw(payload='"x"'),
    "payload number": raw(payload="1"),
    "payload empty object": raw(payload="{}"),
    "payload not JSON": raw(payload="sub=user_1"),
    "payload BOM": raw(payload="\ufeff" + json.dumps(CLAIMS)),
    "payload UTF-16": raw(payload=json.dumps(CLAIMS).encode("utf-16-le")),
    "payload invalid UTF-8": raw(payload=json.dumps(CLAIMS).encode()[:-1] + b',"x":"\xc3\x28"}'),
    "payload UTF-8 surrogate": raw(payload=json.dumps(CLAIMS).encode()[:-1] + b',"x":"\xed\xa0\x80"}'),
    "payload with more after it": raw(payload=json.dumps(CLAIMS) + "{}"),
    "payload deep": body('"x":' + "[" * 3000 + "]" * 3000),
    "duplicate sub": body('"sub":"admin"'),
    "duplicate exp": body('"exp":1'),
    "duplicate by escape": body('"s\\u0075b":"admin"'),
    "duplicate inside": body('"x":{"a":1,"a":2}'),
    "NaN": body('"x":NaN'),
    "Infinity": body('"x":-Infinity'),
    "lone surrogate in a value": body('"x":["\\udc00"]'),
    "lone surrogate in a name": body('"\\ud800":1'),
    "lone surrogate in the email": body('"email":"a\\ud800@example.com"'),
    "control character": body('"x":"\x01"'),
    "integer of 5000 digits": body('"x":' + "9" * 5000),
}
CLAIM_CASES = {
    **{f"sub {s!r}": token(KEY.sign, sub=s) for s in SUBJECTS},
    "no sub": token(KEY.sign, sub=ABSENT),
    **{f"iss {i!r}": token(KEY.sign, iss=i) for i in (*NAMES, *MORE_NAMES)},
    **{f"aud {a!r}": token(KEY.sign, aud=a) for a in AUDIENCES},
    **{f"exp {e!r}": token(KEY.sign, exp=e) for e in EXPIRIES},
    **{f"iat {i!r}": token(KEY.sign, iat=i) for i in ISSUED},
    **{f"nbf {n!r}": token(KEY.sign, nbf=n) for n in NOT_BEFORE},
    "nbf in exponent form": body('"nbf":1e3'),
    "expiring now": token(KEY.sign, iat=T - 900, exp=T),
    "exp before iat": token(KEY.sign, iat=T + 4, exp=T + 2),
    "exp equal to iat": token(KEY.sign, iat=T + 4, exp=T + 4),
}
CORPUS = {
    f"{group}: {name}": case
    for group, cases in {
        "structure": STRUCTURE,
        "tampering": TAMPERING,
        "algorithm": ALGORITHMS,
        "header": HEADERS,
        "json": JSON,
        "claim": CLAIM_CASES,
    }.items()
    for name, case in cases.items()
}


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.set_to(forge.NOW):
        yield


@pytest.fixture
def endpoint() -> Endpoint:
    """It publishes two Ed25519 keys, and an RSA and an EC key that aren't to be used."""
    return Endpoint(KEY.jwk, EdKey("spare").jwk, forge.rsa_jwk(), forge.ec_jwk())


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) > 200
    assert len(set(CORPUS.values())) > len(CORPUS) - 5


async def test_the_good_token_that_all_cases_are_made_from_is_accepted(endpoint: Endpoint) -> None:
    assert (await forge.verifier_for(endpoint, hs256=True).verify(GOOD)).subject == "user_1"
    assert (await forge.verifier_for(endpoint).verify(raw())).subject == "user_1"
    assert (await forge.verifier_for(endpoint).verify(body('"x":1'))).subject == "user_1"


@pytest.mark.parametrize("hs256", [False, True], ids=["jwks", "jwks and secret"])
@pytest.mark.parametrize("case", CORPUS.values(), ids=CORPUS.keys())
async def test_a_bad_token_is_refused(
    endpoint: Endpoint, case: str, hs256: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    verifier = forge.verifier_for(endpoint, hs256=hs256)
    await verifier.verify(GOOD)
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(case)
    assert refused.value.message == Unauthenticated().message
    assert refused.value.__cause__ is None
    assert set(endpoint.urls) == {forge.URL}
    (record,) = (record for record in caplog.records if record.name == "services.auth.verify")
    assert record.levelno == logging.DEBUG
    assert not any(part and part in record.getMessage() for part in case.split("."))


async def test_a_refused_token_leaves_the_good_one_accepted(endpoint: Endpoint) -> None:
    verifier = forge.verifier_for(endpoint)
    for case in CORPUS.values():
        with pytest.raises(Unauthenticated):
            await verifier.verify(case)
    assert (await verifier.verify(GOOD)).subject == "user_1"
    assert len(endpoint.urls) <= 2


SECRET_CASES = {
    "another secret": alg("HS256", hs(b"x" * 40)),
    "the secret, cut": alg("HS256", hs(SECRET[:32])),
    "HS512": alg("HS512", hs(SECRET, "sha512")),
    "no signature": f"{b64(json.dumps({'alg': 'HS256'}).encode())}.{BODY}.",
    "another issuer": alg("HS256", hs(SECRET)).replace(BODY, b64(b'{"iss":"x"}')),
    "EdDSA by an own key": GOOD,
    "none": alg("none", hs(SECRET)),
    "expired": token(hs(SECRET), {"alg": "HS256"}, exp=T - 1, iat=T - 900),
}


@pytest.mark.parametrize("case", SECRET_CASES.values(), ids=SECRET_CASES.keys())
async def test_a_bad_token_is_refused_under_a_shared_secret(case: str) -> None:
    verifier = forge.secret_verifier()
    assert (await verifier.verify(token(hs(SECRET), {"alg": "HS256"}))).subject == "user_1"
    with pytest.raises(Unauthenticated):
        await verifier.verify(case)


@pytest.mark.parametrize(
    ("algorithm", "kid", "sign"),
    [
        ("RS256", "rsa-1", forge.sign_pss),
        ("RS256", "weak", lambda message: forge.sign_rsa(message, 1024)),
        ("RS256", "ec-1", forge.sign_ec),
        ("ES256", "ec-1", forge.sign_ec_der),
        ("ES256", "ec-1", lambda message: bytes(64)),
        ("ES256", "rsa-1", forge.sign_rsa),
        ("EdDSA", "rsa-1", forge.sign_rsa),
        ("EdDSA", "ed448", KEY.sign),
        ("RS256", "key-1", KEY.sign),
    ],
)
async def test_an_allowed_algorithm_is_refused_with_a_key_or_signature_of_another(
    algorithm: str, kid: str, sign: forge.Signer
) -> None:
    keys = (KEY.jwk, forge.rsa_jwk(), forge.rsa_jwk("weak", 1024), forge.ec_jwk(), forge.ed448_jwk())
    verifier = forge.verifier_for(Endpoint(*keys), "EdDSA", "RS256", "ES256")
    assert (await verifier.verify(GOOD)).subject == "user_1"
    with pytest.raises(Unauthenticated):
        await verifier.verify(token(sign, {"alg": algorithm, "kid": kid}))
