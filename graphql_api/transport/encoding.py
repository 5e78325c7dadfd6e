"""Results as JSON."""

from __future__ import annotations

import orjson


def encode(content: object) -> bytes:
    """JSON in UTF-8, on one line, numbers and texts as orjson writes them (RFC 8259). Raises TypeError for what JSON
    can't hold."""
    return orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS)
