"""Cuts a text into tokens with their places. Numbers keep their inner punctuation, so that "1.2.3" is one token."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      \d[\d.,:/\-]*\d(?:[^\W\d_]+\d*)*(?:[:.]\d+)*[Zz]?  # 17:00, 12/24, 1.2.3, 2026-12-24T15:00, 5:30pm
    | \d+(?:[^\W\d_]+\d*)*             # 5, 5pm, 1st, 17h30
    | [^\W\d_]+(?:['’][^\W\d_]+)*      # words, "o'clock", "today's"
    | [^\w\s] | _
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """`low` is the lowered text with straight apostrophes; `start` and `end` are code points of the source."""

    low: str
    raw: str
    start: int
    end: int


Tokens = tuple[Token, ...]


def tokenize(text: str) -> Tokens:
    """All tokens of the text, in order; white space is dropped."""
    return tuple(
        Token(m.group().lower().replace("’", "'"), m.group(), m.start(), m.end()) for m in _TOKEN.finditer(text)
    )


def word(tokens: Tokens, index: int) -> str:
    """The lowered token there, or "" outside the text."""
    return tokens[index].low if 0 <= index < len(tokens) else ""


def words(tokens: Tokens, index: int, *wanted: str) -> bool:
    """Whether these tokens stand there in a row."""
    return all(word(tokens, index + offset) == low for offset, low in enumerate(wanted))
