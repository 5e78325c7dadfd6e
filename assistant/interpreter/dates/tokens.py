"""Cuts a text into tokens with their places. A misspelt word of the vocabulary is read as what it was meant to be."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import Concatenate, NoReturn, ParamSpec, TypeVar

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.feasts import FIRST_WORDS

_TOKEN = re.compile(
    r"[Ww]eek[- ][Ee]nds?\b|2(?:nite|moro|morow|morrow|day)\b|[ap]m(?=[A-Z][a-z])|[0-9]+|[^\W\d_]+(?:'[^\W\d_]+)*|[^\s]"
)
_LONGEST = max(map(len, v.CORRECTED)) + 1
_GOING_ON = v.JOINTS | v.TO | {*v.WEEKDAYS, *v.MONTHS, *v.PARTS} - {"."}
_FULL = frozenset({"may", "june", "july", "march", "april"})
_NEAR = 4  # "on the", "at around the": small words before the first that says something
# One character for one, so that places stay what they are in the source
_PLAIN = {ord(old): new for old, new in zip("’‘´`–—−‐‑\u00a0\u202f“”″′", "''''-----  \"\"\"'", strict=True)}


@dataclass(frozen=True, slots=True)
class Token:
    """`low` is the word as it is read; `start` and `end` are code points of the source."""

    low: str
    raw: str
    start: int
    end: int


class Source:
    """A text as tokens. Patterns match on the text itself, from the start of one token to the end of another."""

    __slots__ = ("_ends", "_telling", "impossible", "lows", "memory", "text", "tokens")

    def __init__(self, text: str) -> None:
        self.text = text.translate(_PLAIN)
        tokens = [Token(_read(m[0]), m[0], m.start(), m.end()) for m in _TOKEN.finditer(self.text)]
        self.tokens = tuple(token for at, token in enumerate(tokens) if not _abbreviates(tokens, at))
        self.lows = [token.low for token in self.tokens]
        self.memory: dict[tuple[object, ...], object] = {}
        self.impossible: dict[int, int] = {}  # where a day that no calendar has begins, and the index after it
        self._telling = [
            low in v.TELLING or low[:1].isdigit() or low.replace("'", "") in FIRST_WORDS for low in self.lows
        ]
        self._ends = {token.end: index + 1 for index, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    def word(self, index: int) -> str:
        """The lowered token there, or "" outside the text."""
        return self.lows[index] if 0 <= index < len(self.lows) else ""

    def telling(self, index: int) -> bool:
        """Whether a word of dates and times, and not only one that leads to them, stands there or shortly after."""
        return any(self._telling[index : index + _NEAR])

    def words(self, index: int, *wanted: str) -> bool:
        """Whether these tokens stand there in a row."""
        return index >= 0 and self.lows[index : index + len(wanted)] == list(wanted)

    def no_such_day(self, index: int, after: int) -> NoReturn:
        """What stands there is meant as a day, but there is none. Raises ValueError."""
        self.impossible[index] = max(after, self.impossible.get(index, 0))
        raise ValueError("no such day")

    def glued(self, index: int) -> bool:
        """Whether the token touches the one before it."""
        return 0 < index < len(self.tokens) and self.tokens[index].start == self.tokens[index - 1].end

    def match(self, pattern: re.Pattern[str], index: int) -> tuple[re.Match[str], int] | None:
        """The pattern from this token on, where it ends with a token, and the index after that."""
        if index >= len(self.tokens):
            return None
        found = pattern.match(self.text, self.tokens[index].start)
        after = self._ends.get(found.end()) if found else None
        return (found, after) if found and after else None


def spelt(text: str) -> str:
    """The text with its misspelt words as they are read: "tomorow" is "tomorrow"."""
    return _TOKEN.sub(lambda m: m[0] if (read := _read(m[0])) == m[0].lower() else read, text)


Rest = ParamSpec("Rest")
Result = TypeVar("Result")
Reader = Callable[Concatenate["Source", int, Rest], Result]


def remembered(reader: Reader[Rest, Result]) -> Reader[Rest, Result]:
    """A reader of a Source that reads each place once, however many expressions might pass through it.

    All readings of one Source are for the same speaker, who is no part of the key.
    """

    @wraps(reader)
    def reading(s: Source, i: int, /, *rest: Rest.args, **named: Rest.kwargs) -> Result:
        key = (reader, i, *rest[1:]) if rest and not isinstance(rest[0], bool) else (reader, i, *rest)
        if key not in s.memory:
            s.memory[key] = reader(s, i, *rest, **named)
        return s.memory[key]  # type: ignore[return-value]  # what this reader put there

    return reading


def _abbreviates(tokens: list[Token], at: int) -> bool:
    """Whether this is the full stop of "fri. 27", "2nd fri. in feb", "dec. 25", and ends no sentence."""
    if tokens[at].low != "." or not 0 < at < len(tokens) - 1 or tokens[at - 1].end != tokens[at].start:
        return False
    low, after = tokens[at - 1].low, tokens[at + 1].low
    short = (
        len(low) < 6 and (low in v.WEEKDAYS or low in v.MONTHS) and low not in ("may", "june", "july", "march", "april")
    )
    return short and (after[:1].isdigit() or after in _GOING_ON)


@lru_cache(maxsize=4096)
def _read(raw: str) -> str:
    low = raw.lower()
    if low in v.ALIASES:
        return v.ALIASES[low]
    if low.endswith("ish") and (low[:-3] in v.PARTS or low[:-3] in v.NOON):
        return low[:-3]  # "afternoonish"
    if not 5 <= len(low) <= _LONGEST or low in v.KNOWN or not low.isalpha():
        return low
    return _MISSPELT.get(low) or next((_MISSPELT[cut] for cut in _cuts(low) if _near(low, _MISSPELT.get(cut))), low)


def _cuts(word: str) -> list[str]:
    """The word with one letter left out, each in turn."""
    return [word[:i] + word[i + 1 :] for i in range(1, len(word))]


def _near(word: str, meant: str | None) -> bool:
    """Whether one letter too many, one wrong, or two swapped make this word of that one."""
    if meant is None or word[0] != meant[0]:
        return False
    if len(word) != len(meant):
        return abs(len(word) - len(meant)) == 1
    wrong = [i for i, (a, b) in enumerate(zip(word, meant, strict=True)) if a != b]
    if len(wrong) == 2:
        i, j = wrong
        return j == i + 1 and word[i] == meant[j] and word[j] == meant[i]
    return len(wrong) == 1


_MISSPELT = {cut: word for word in v.CORRECTED for cut in (*_cuts(word), word)}
