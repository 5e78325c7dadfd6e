"""What tells a row without an id from the others of its file: its content, and how often that came before."""

from __future__ import annotations

import hashlib
from collections import Counter


class Sources:
    """The same file makes the same sources, so that what was imported once is known the second time."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._seen: Counter[bytes] = Counter()

    def of(self, *content: str | None) -> str:
        """The source of a row with that content."""
        joined = "\x1f".join("\x1e" if part is None else part for part in (self._kind, *content))
        key = hashlib.blake2b(joined.encode(), digest_size=16).digest()
        self._seen[key] += 1
        return f"{key.hex()}.{self._seen[key]}"
