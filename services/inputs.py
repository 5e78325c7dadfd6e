"""Checks that every text from outside goes through, and the digest behind an idempotency key."""

from __future__ import annotations

import hashlib
import json
from enum import Enum
from typing import Any, Final, TypeVar

from core.errors import DomainError, ErrorCode

KEY_LIMIT: Final = 200
"""Code points of an idempotency key."""

Field = tuple[str, ...]
Given = TypeVar("Given")


class Unset(Enum):
    """The one value of fields that an input left out, so that null can mean "clear it"."""

    UNSET = "UNSET"


UNSET: Final = Unset.UNSET


def given(value: Given | Unset, otherwise: Given) -> Given:
    """The value, or `otherwise` where it was left out."""
    return otherwise if isinstance(value, Unset) else value


def check_characters(value: str, field: Field) -> str:
    """The text as given. Raises DomainError INVALID for what PostgreSQL can't store: NUL and lone surrogates."""
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise DomainError(ErrorCode.INVALID, f"{field[-1]} holds a character that can't be stored.", field=field)
    return value


def check_length(value: str, field: Field, *, limit: int) -> str:
    """The text as given. Raises DomainError TOO_LONG past `limit` code points."""
    if len(value) > limit:
        raise DomainError(ErrorCode.TOO_LONG, f"{field[-1]} has more than {limit:,} characters.", field=field)
    return value


def clean_text(value: str | None, field: Field, *, limit: int) -> str:
    """The trimmed text, 1..`limit` code points. Raises DomainError INVALID or TOO_LONG."""
    trimmed = (value or "").strip()
    if not trimmed:
        raise DomainError(ErrorCode.INVALID, f"{field[-1]} is empty.", field=field)
    return check_characters(check_length(trimmed, field, limit=limit), field)


def clean_optional_text(value: str | None, field: Field, *, limit: int) -> str | None:
    """The trimmed text, or None where nothing is left of it. Raises DomainError INVALID or TOO_LONG."""
    return clean_text(value, field, limit=limit) if value and value.strip() else None


def check_idempotency_key(key: str | None, field: Field = ("input", "idempotencyKey")) -> str | None:
    """The key as given, 1..200 code points, or None. Raises DomainError INVALID or TOO_LONG."""
    if key is None:
        return None
    if not key:
        raise DomainError(ErrorCode.INVALID, f"{field[-1]} is empty.", field=field)
    return check_characters(check_length(key, field, limit=KEY_LIMIT), field)


def digest(value: Any) -> bytes:  # Any: whatever JSON can hold
    """SHA-256 of the value's canonical JSON: sorted names, ASCII only, so that any text has one."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).digest()
