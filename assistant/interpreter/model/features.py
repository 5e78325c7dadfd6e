"""What the model sees of a sentence: hashed words, pairs, parts of words, and the order of their classes.

Weights fit this module only as it was when they were trained: train again after any change here or in `words`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from zlib import crc32

from assistant.interpreter.model.words import CLASS_OF

BUCKETS = 12_007
TOKENS_AT_MOST = 60
"""Words that are looked at: those of a command stand near the beginning, and time must not grow with the text."""
_WORD_AT_MOST = 24
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)\b")
_NUMBER = re.compile(r"\d+")
_TOKEN = re.compile(r"[a-z']+|0th|0|[?!:#@]")
_PART_LENGTHS = (3, 4)


def tokens(text: str) -> list[str]:
    """Lower-case words, numbers as "0" and "0th", and the signs that matter."""
    low = text[: TOKENS_AT_MOST * _WORD_AT_MOST].lower().replace("’", "'")
    found = _TOKEN.findall(_NUMBER.sub("0", _ORDINAL.sub(" 0th ", low)))
    return [token[:_WORD_AT_MOST] for token in found[:TOKENS_AT_MOST]]


def features(text: str) -> list[int]:
    """The buckets that a sentence falls into, each once, in order."""
    words = tokens(text)
    return sorted({crc32(name.encode()) % BUCKETS for name in _names(words)})


def _names(words: Sequence[str]) -> Iterator[str]:
    framed = ["^", *words, "$"]
    for word in words:
        yield f"w:{word}"
        bounded = f"<{word}>"
        for length in _PART_LENGTHS:
            for start in range(len(bounded) - length + 1):
                yield f"c:{bounded[start : start + length]}"
    for left, right in pairwise(framed):
        yield f"b:{left} {right}"
    for left, right in zip(framed, framed[2:], strict=False):
        yield f"t:{left} {right}"
    if words:
        yield f"f:{words[0]}"
        yield f"l:{words[-1]}"
    yield from _class_names([name for word in words if (name := CLASS_OF.get(word))])


def _class_names(classes: Sequence[str]) -> Iterator[str]:
    """Which classes there are, in pairs, and how they follow each other; repeats count once."""
    steps = ["^"]
    for name in classes:
        if name != steps[-1]:
            steps.append(name)
    steps.append("$")
    for left, right in pairwise(steps):
        yield f"C:{left} {right}"
    for three in zip(steps, steps[1:], steps[2:], strict=False):
        yield f"D:{' '.join(three)}"
    present = sorted(set(classes))
    for place, name in enumerate(present):
        yield f"S:{name}"
        for other in present[place + 1 :]:
            yield f"P:{name} {other}"
