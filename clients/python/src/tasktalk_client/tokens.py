"""When a token ends, as it says of itself. Nothing here trusts it: the server checks, the client only plans ahead."""

from __future__ import annotations

import base64
import binascii
import json


def expiry(token: str) -> float | None:
    """The `exp` of a JWT (RFC 7519) in Unix seconds; None for any other token, or one without an end."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    end = claims.get("exp") if isinstance(claims, dict) else None
    return float(end) if isinstance(end, int | float) and not isinstance(end, bool) else None
