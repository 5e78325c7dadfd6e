"""Which part of a text is shown for a query, and which of its words the query means. Pure: no database."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

SHOWN: Final = 160
"""Code points of a snippet, about."""

BEFORE: Final = 40
"""Of them before the first word that is meant."""

_WORD: Final = re.compile(r"[^\W_]+")
_PAIRED: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_SUFFIX: Final = 3
"""Letters that the forms of one English word may differ by at their end."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a snippet, as it stands in the text."""

    text: str
    is_match: bool


def snippet(text: str, words: Sequence[str]) -> list[Part]:
    """The text, or what stands around the first word of it that the query means; an ellipsis where it was cut."""
    spans = list(_matches(text, words))
    start, end = _window(text, spans[0][0] if spans else 0)
    parts: list[Part] = []
    at = start
    for first, last in spans:
        if first >= at and last <= end:
            _add(parts, text[at:first], False)
            _add(parts, text[first:last], True)
            at = last
    _add(parts, text[at:end], False)
    if start > 0:
        parts.insert(0, Part("…", False))
    if end < len(text):
        parts.append(Part("…", False))
    return parts


def as_html(parts: Sequence[Part]) -> str:
    """The parts as HTML: everything of the text escaped, `<mark>` around what the query means, and no other tag."""
    return "".join(
        f"<mark>{html.escape(part.text)}</mark>" if part.is_match else html.escape(part.text) for part in parts
    )


def means(word: str, said: str) -> bool:
    """Whether a query's word may mean a folded word of a text: itself, another form, a longer one, one with a slip."""
    if word == said or (len(said) >= 3 and word.startswith(said)):
        return True
    shorter, longer = min(len(word), len(said)), max(len(word), len(said))
    if shorter < 3 or longer - shorter > _SUFFIX + 1:
        return False
    common = next((at for at, (one, other) in enumerate(zip(word, said, strict=False)) if one != other), shorter)
    if common == shorter or common >= max(4, longer - _SUFFIX):
        return True
    return shorter >= 4 and longer - shorter <= 1 and not slips(word).isdisjoint(slips(said))


@lru_cache(maxsize=4096)
def slips(word: str) -> frozenset[str]:
    """The word, and what is left of it without one of its letters: two that are a slip apart share one."""
    return frozenset((word, *(word[:at] + word[at + 1 :] for at in range(len(word)))))


@lru_cache(maxsize=4096)
def folded(word: str) -> str:
    """In lower case and without accents, as the database reads words."""
    apart = unicodedata.normalize("NFKD", word)
    bare = "".join(letter for letter in apart if not "\u0300" <= letter <= "\u036f")
    return unicodedata.normalize("NFC", bare).lower()


def _matches(text: str, words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where the words that are meant stand, in order."""
    for found in _WORD.finditer(text):
        if _PAIRED.search(found[0]):
            yield from _pairs(found, words)
        elif any(means(folded(found[0]), said) for said in words):
            yield found.span()


def _pairs(run: re.Match[str], words: Sequence[str]) -> Iterator[tuple[int, int]]:
    """In scripts that put no spaces between words the query is read in pairs of letters; those that touch are one."""
    text = run[0]
    marked = bytearray(len(text))
    for said in words:
        at = text.find(said)
        while at >= 0:
            marked[at : at + len(said)] = b"\1" * len(said)
            at = text.find(said, at + 1)
    for found in re.finditer(b"\1+", marked):
        yield run.start() + found.start(), run.start() + found.end()


def _window(text: str, first: int) -> tuple[int, int]:
    """From where to where the text is shown, with whole words at both ends where they aren't very long."""
    if len(text) <= SHOWN:
        return 0, len(text)
    start = max(0, min(first - BEFORE, len(text) - SHOWN))
    end = min(len(text), start + SHOWN)
    if start > 0 and (space := text.find(" ", start, min(first, start + BEFORE))) >= 0:
        start = space + 1
    if end < len(text) and (space := text.rfind(" ", max(first, end - BEFORE), end)) > first:
        end = space
    return start, end


def _add(parts: list[Part], text: str, is_match: bool) -> None:
    if text:
        parts.append(Part(text, is_match))
