"""Ids: UUIDv7 (RFC 9562 section 5.7) made here, shown to clients as Relay global ids."""

from __future__ import annotations

import base64
import binascii
import os
import threading
import time
from uuid import UUID

_lock = threading.Lock()
_last = 0


def new_id() -> UUID:
    """A UUIDv7; ids made by one process rise strictly (method 2 of RFC 9562 section 6.2: a wider clock field)."""
    global _last
    with _lock:
        nanoseconds = time.time_ns()
        milliseconds, remainder = divmod(nanoseconds, 1_000_000)
        stamp = (milliseconds << 12) | (remainder * 4096 // 1_000_000)
        _last = stamp = max(stamp, _last + 1)
    random = int.from_bytes(os.urandom(8)) & ((1 << 62) - 1)
    value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | random
    return UUID(int=value)


def to_global_id(type_name: str, key: UUID | str) -> str:
    """The opaque id of a node, e.g. ("Task", uuid)."""
    return base64.urlsafe_b64encode(f"{type_name}:{key}".encode()).decode().rstrip("=")


def split_global_id(text: str) -> tuple[str, str]:
    """The (type name, key) of a global id. Raises ValueError for anything that `to_global_id` didn't make."""
    if len(text) > 200 or not text.isascii():
        raise ValueError("not an id of this server")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ValueError("not an id of this server") from error
    type_name, _, key = raw.partition(":")
    if not type_name or not key:
        raise ValueError("not an id of this server")
    return type_name, key


def parse_global_id(text: str, type_name: str) -> UUID:
    """The UUID behind a global id of that type. Raises ValueError for any other text."""
    found, key = split_global_id(text)
    if found != type_name:
        raise ValueError(f"not the id of a {type_name}")
    return UUID(key)
