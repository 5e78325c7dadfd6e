"""Development mode: the server signs its own tokens, for people on this machine only."""

from __future__ import annotations

import errno
import ipaddress
import os
import re
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import jwt

from core import clock
from core.errors import ConfigurationError
from services.auth.verify import MAX_EMAIL_LENGTH, MAX_NAME_LENGTH, SUBJECT, SharedSecret, Trust

DEVELOPMENT_ISSUER: Final = "tasktalk-development"
DEVELOPMENT_AUDIENCE: Final = "tasktalk"
DEVELOPMENT_ALGORITHM: Final = "HS256"
DEVELOPMENT_MAX_LIFETIME: Final = 30 * 24 * 3600  # seconds
KEY_FILE: Final = "development-key"

_KEY_BYTES: Final = 32
_PORT: Final = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class DevelopmentKey:
    """The secret that this data directory's tokens are signed with (HS256)."""

    secret: bytes = field(repr=False)

    def trust(self) -> Trust:
        """What a verifier needs to believe this key's tokens."""
        return Trust(
            algorithms=frozenset({DEVELOPMENT_ALGORITHM}),
            keys=SharedSecret(self.secret, setting=KEY_FILE),
            issuer=DEVELOPMENT_ISSUER,
            audience=DEVELOPMENT_AUDIENCE,
            max_lifetime=DEVELOPMENT_MAX_LIFETIME,
        )


def load_key(data_dir: Path) -> DevelopmentKey:
    """The key of the data directory, made (mode 0600) if there is none; processes that start at once agree on it.

    Raises ConfigurationError where it can't be read or made, is open to others, or isn't such a key.
    """
    path = data_dir / KEY_FILE
    try:
        if not path.exists():
            _create(path)
        text = _read(path)
    except OSError as error:
        reason = errno.errorcode.get(error.errno or 0, "error")
        raise ConfigurationError(f"TASKTALK_DATA_DIR: {KEY_FILE} can't be read or made ({reason}).") from error
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) != _KEY_BYTES:
        raise ConfigurationError(f"TASKTALK_DATA_DIR: {KEY_FILE} isn't a key; remove it and a new one is made.")
    return DevelopmentKey(secret)


def issue(
    key: DevelopmentKey, user_id: str, ttl_seconds: int, *, email: str | None = None, name: str | None = None
) -> str:
    """A token for that user, valid from now. Raises ValueError for a user id, time (1 s to 30 days), email or name
    that no verifier would take.
    """
    if not SUBJECT.fullmatch(user_id):
        raise ValueError("a user id has 1 to 64 letters, digits, hyphens and underscores")
    if not 1 <= ttl_seconds <= DEVELOPMENT_MAX_LIFETIME:
        raise ValueError(f"a token lives 1 to {DEVELOPMENT_MAX_LIFETIME} seconds")
    _check_text("email", email, MAX_EMAIL_LENGTH)
    _check_text("name", name, MAX_NAME_LENGTH)
    issued = int(clock.now().timestamp())
    claims: dict[str, object] = {
        "iss": DEVELOPMENT_ISSUER,
        "aud": DEVELOPMENT_AUDIENCE,
        "sub": user_id,
        "iat": issued,
        "exp": issued + ttl_seconds,
    }
    claims |= {member: value for member, value in (("email", email), ("name", name)) if value}
    return jwt.encode(claims, key.secret, algorithm=DEVELOPMENT_ALGORITHM)


def is_loopback_host(host_header: str) -> bool:
    """Whether a Host header (`name`, `name:port`, `[v6]:port`) names this machine by an address that no DNS can move.

    True for localhost, 127.0.0.0/8 in plain dotted form and ::1. Names that only resolve to such an address are
    refused: that is what DNS rebinding uses.
    """
    host, port = host_header, None
    if host.startswith("["):
        host, bracket, rest = host[1:].partition("]")
        if not bracket or ":" not in host or (rest and not rest.startswith(":")):
            return False
        port = rest[1:] if rest else None
    elif host.count(":") == 1:
        host, port = host.split(":")
    if port is not None and not (_PORT.fullmatch(port) and 0 < int(port) < 65536):
        return False
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return address == ipaddress.IPv6Address("::1")
    return address.is_loopback


def is_loopback_origin(origin: str) -> bool:
    """Whether an Origin header (RFC 6454 section 6.2) is a page served from this machine; "null" is not."""
    scheme, separator, host = origin.partition("://")
    return scheme.lower() in ("http", "https") and bool(separator) and is_loopback_host(host)


def _check_text(label: str, value: str | None, limit: int) -> None:
    if value is not None and (len(value) > limit or "\0" in value):
        raise ValueError(f"{label}: at most {limit} characters, none of them NUL")
    if value is not None:
        value.encode("utf-8")  # a ValueError for lone surrogates


def _create(path: Path) -> None:
    """Write the key beside its place, then link it there: link(2) refuses an existing name as O_EXCL does, and unlike
    that never shows a file that is still empty.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{KEY_FILE}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return  # another process was first: its key is the one
    finally:
        draft.unlink()


def _read(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or (os.name == "posix" and status.st_mode & 0o077):
            raise ConfigurationError(f"TASKTALK_DATA_DIR: {KEY_FILE} must be a file of its owner alone (mode 0600).")
        return file.read(4 * _KEY_BYTES).decode("ascii", "replace").strip()
