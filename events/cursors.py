"""Cursors of the change log: opaque to clients, bound to one user and one epoch of their log."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from core.errors import DomainError, ErrorCode

_VERSION: Final = 1
_LAYOUT: Final = struct.Struct(">B8s16sQ")
"""Version, check, epoch, seq: 33 bytes, so that base64url needs no padding and spells each cursor in one way."""

_LENGTH: Final = 44
_LAST_SEQ: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a user's log: all up to `seq` (0: nothing) of that epoch has been seen."""

    epoch: UUID
    seq: int


def encode(cursor: Cursor, user_id: str) -> str:
    """The text that this user's clients get."""
    raw = _LAYOUT.pack(_VERSION, _check(cursor, user_id), cursor.epoch.bytes, cursor.seq)
    return base64.urlsafe_b64encode(raw).decode()


def decode(text: str, user_id: str, field: tuple[str, ...] = ("after",)) -> Cursor:
    """The cursor behind a text that `encode` made for this user.

    Raises DomainError INVALID on `field` for any other text, another user's cursor included.
    """
    cursor = _parse(text, user_id)
    if cursor is None:
        message = "The cursor isn't one of yours: give one as you got it, or none to start from now."
        raise DomainError(ErrorCode.INVALID, message, field=field)
    return cursor


def _parse(text: str, user_id: str) -> Cursor | None:
    if len(text) != _LENGTH or not text.isascii():
        return None
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True)
        version, check, epoch, seq = _LAYOUT.unpack(raw)
    except (binascii.Error, struct.error):
        return None
    cursor = Cursor(UUID(bytes=epoch), seq)
    if version != _VERSION or seq > _LAST_SEQ or not hmac.compare_digest(check, _check(cursor, user_id)):
        return None
    return cursor


def _check(cursor: Cursor, user_id: str) -> bytes:
    """Tells a cursor that was mistyped or is someone else's. Not a secret: a forged one reads one's own log only."""
    digest = hashlib.blake2b(digest_size=8, person=b"tasktalk cursor")
    digest.update(cursor.epoch.bytes + cursor.seq.to_bytes(8) + user_id.encode())
    return digest.digest()
