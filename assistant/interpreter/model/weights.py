"""The trained weights, a byte each, and the probabilities that they give. Needs nothing but Python."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import exp, sqrt
from typing import Final

from assistant.interpreter.model.features import BUCKETS, features

KINDS: Final = ("none", "list", "add", "update", "complete", "delete")
_HEADER: Final = struct.Struct(f"<f{len(KINDS)}f")
"""The scale of the weights, then a bias for each kind."""


@dataclass(frozen=True, slots=True)
class Model:
    """`columns` holds for each kind one signed byte a bucket; `scale` makes weights of them."""

    scale: float
    biases: Sequence[float]
    columns: Sequence[array[int]]

    def probabilities(self, text: str) -> dict[str, float]:
        """How likely each kind is; they add up to 1."""
        buckets = features(text)
        factor = self.scale / sqrt(len(buckets))
        scores = [
            bias + factor * sum(map(column.__getitem__, buckets))
            for bias, column in zip(self.biases, self.columns, strict=True)
        ]
        highest = max(scores)
        parts = [exp(score - highest) for score in scores]
        whole = sum(parts)
        return {kind: part / whole for kind, part in zip(KINDS, parts, strict=True)}

    def packed(self) -> bytes:
        """As the file holds it; `unpack` reads it back."""
        return _HEADER.pack(self.scale, *self.biases) + b"".join(column.tobytes() for column in self.columns)


def unpack(raw: bytes) -> Model:
    """Raises ValueError where the bytes are no weights of this model."""
    if len(raw) != _HEADER.size + len(KINDS) * BUCKETS:
        raise ValueError("these aren't the weights of this model")
    scale, *biases = _HEADER.unpack_from(raw)
    starts = range(_HEADER.size, len(raw), BUCKETS)
    return Model(scale, biases, [array("b", raw[start : start + BUCKETS]) for start in starts])


@cache
def load() -> Model:
    """The weights that come with the package."""
    return unpack((resources.files(__package__) / "weights.bin").read_bytes())


def probabilities(text: str) -> Mapping[str, float]:
    """How likely each kind of command is, by the weights that come with the package."""
    return load().probabilities(text)
