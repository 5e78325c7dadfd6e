"""Results as JSON."""

from __future__ import annotations

from typing import Final

import orjson

_SHORT: Final = 2048
"""orjson's own bytes keep 4 KiB or more, however short they are: a copy doesn't."""


def encode(content: object) -> bytes:
    """JSON in UTF-8, on one line, numbers and texts as orjson writes them (RFC 8259). Raises TypeError for what JSON
    can't hold."""
    written = orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS)
    return b"%b" % written if len(written) < _SHORT else written
