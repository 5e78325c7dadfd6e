"""A conversation's context: what the client tells (merged by RFC 7396) and what the assistant keeps for continuity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

from core.errors import DomainError, ErrorCode

CONTEXT_BYTES: Final = 16 * 1024
ASSISTANT_KEY: Final = "assistant"
DEPTH_LIMIT: Final = 32


def merge(target: Any, patch: Any) -> Any:
    """RFC 7396 section 2: objects merge, null removes, anything else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def merged_by_client(present: Mapping[str, Any], patch: Any, field: tuple[str, ...]) -> dict[str, Any]:
    """`present` with the client's patch merged in. Raises DomainError INVALID or TOO_LONG, naming the field."""
    if not isinstance(patch, Mapping):
        raise DomainError(ErrorCode.INVALID, "The context must be a JSON object.", field=field)
    if ASSISTANT_KEY in patch:
        message = f"The context's key “{ASSISTANT_KEY}” is the server's own."
        raise DomainError(ErrorCode.INVALID, message, field=(*field, ASSISTANT_KEY))
    _check(patch, field)
    merged: dict[str, Any] = merge(present, patch)
    if len(orjson.dumps({key: value for key, value in merged.items() if key != ASSISTANT_KEY})) > CONTEXT_BYTES:
        raise DomainError(ErrorCode.TOO_LONG, f"The context may take {CONTEXT_BYTES} bytes in all.", field=field)
    return merged


def _check(value: object, field: tuple[str, ...], depth: int = 0) -> None:
    """Refuse what the database can't store: NUL and lone surrogates in strings; and nesting without end."""
    if depth > DEPTH_LIMIT:
        raise DomainError(ErrorCode.INVALID, f"The context nests deeper than {DEPTH_LIMIT} levels.", field=field)
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise DomainError(ErrorCode.INVALID, "The context holds a character that can't be stored.", field=field)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _check(key, field, depth + 1)
            _check(item, field, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, field, depth + 1)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise DomainError(ErrorCode.INVALID, "The context holds a number past 64 bits.", field=field)
