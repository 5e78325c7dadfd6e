"""Which task a person means: a place in the list last shown, "it", or a title, exact before partial before near.

Two that fit equally are `Ambiguous`, never a guess. Meant for some hundreds of candidates, preselected by the caller:
every title is looked at, and edit distances are computed in Python.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

_ORDINALS = {
    name: place
    for place, names in enumerate(
        ("first one 1st top former", "second two 2nd", "third three 3rd", "fourth four 4th", "fifth five 5th",
         "sixth six 6th", "seventh seven 7th", "eighth eight 8th", "ninth nine 9th", "tenth ten 10th"), start=1
    )
    for name in names.split()
}  # fmt: skip
_LAST = frozenset({"last", "latter", "bottom"})
_PLACE_DIGITS = 4
_PLACE = re.compile(
    rf"(?:(?:the|my|that|task|number|no|nr|option|item|todo)\.?\s*)*#?\s*(?P<which>\d{{1,{_PLACE_DIGITS}}}|\w+?)(?:st|nd|rd|th)?"
    r"(?:\s+(?P<noun>one|task|item|option|entry|todo))?(?:\s+(?:on|in|of|from)\s+(?:the|that|my)\s+list)?"
)
IT = frozenset(
    {"it", "that", "this", "that one", "this one", "that task", "this task", "the task", "the one", "that item"}
)
_NOUN = r"(?:\s+(?:of\s+(?:them|these|those)|ones?|tasks?|items?|todos?))?"
_ALL = re.compile(
    r"(?:(?:all|both)(?:\s+(?:of\s+)?(?:them|these|those|the\s+above))?|them(?:\s+all)?|these|those"
    r"|every\s*one(?:\s+of\s+them)?"
    r"|each(?:\s+(?:one|of\s+them))?|the\s+(?:whole\s+)?lot|all\s+(?:the\s+)?(?:tasks|items)\s+(?:above|shown"
    r"|listed|on\s+(?:that|this)\s+list))"
)
_RUN = re.compile(
    rf"(?:the\s+)?(?P<end>first|top|last|latter|bottom)\s+(?P<count>\d{{1,3}}|two|three|four|five|six|seven|eight"
    rf"|nine|ten|couple){_NOUN}"
)
_RANGE = re.compile(
    rf"(?:numbers?\s+|tasks?\s+|items?\s+|the\s+)*(?P<first>\d{{1,3}})\s*(?:-|–|to|through)\s*(?P<last>\d{{1,3}}){_NOUN}"
)
_BY_HEART = 100
"""Letters of a title at most that is found although it is misspelt."""
_ARTICLES = frozenset({"the", "a", "an", "my", "our", "that", "this"})


@dataclass(frozen=True, slots=True)
class Candidate:
    id: UUID
    title: str
    is_completed: bool


@dataclass(frozen=True, slots=True)
class Found:
    id: UUID


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """The tasks that fit equally well, at least two, in the order of the candidates (or of the list shown)."""

    ids: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class NotFound:
    pass


Match = Found | Ambiguous | NotFound


def match(words: str, candidates: Sequence[Candidate], shown: Sequence[UUID], *, prefer_open: bool = False) -> Match:
    """The task that these words mean.

    `shown` are the ids of the list last shown in this conversation, in order; one of them may be gone by now, and the
    caller finds that out. `prefer_open` lets open tasks win over completed ones that fit equally well.
    """
    low = " ".join(unicodedata.normalize("NFKC", words).casefold().split()).strip(" .!?,\"'“”‘’")
    titled = _by_title(low, candidates, prefer_open)
    if low in IT:
        return titled if isinstance(titled, Found) and _exact(low, candidates) else _one_of(tuple(shown))
    place = position(low, len(shown))
    if place is None:
        return titled
    exact = _exact(low, candidates)
    if 1 <= place <= len(shown):
        picked = shown[place - 1]
        return _one_of(tuple(dict.fromkeys((picked, *exact))))
    return _one_of(exact)


def position(words: str, length: int) -> int | None:
    """The place, from 1, that words such as "the second one", "#2" or "last" name in a list; None for other words.

    "last" is `length`. The place may lie outside the list.
    """
    m = _PLACE.fullmatch(" ".join(words.casefold().split()))
    if m is None:
        return None
    which = m["which"]
    if which.isdecimal():
        return int(which) if len(which) <= _PLACE_DIGITS else None
    whole = next(
        (part for part in reversed(re.findall(r"\w+", words.casefold())) if part in _ORDINALS or part in _LAST), ""
    )
    if which not in _ORDINALS and which not in _LAST and whole != which:
        suffixed = next((end for end in ("st", "nd", "rd", "th") if which + end in (*_ORDINALS, *_LAST)), None)
        which = which + suffixed if suffixed else which
    if which in _LAST:
        return length
    return _ORDINALS.get(which)


def places(words: str, length: int) -> tuple[int, ...] | None:
    """The places, from 1, that words for several name in a list: "them", "the last two", "1 and 3", "the first three".

    None for other words, for a single place, and for more than the list has.
    """
    low = " ".join(words.casefold().replace("#", " ").split()).strip(" .!?")
    if low.startswith("both") and length != 2:
        return None
    if _ALL.fullmatch(low):
        return tuple(range(1, length + 1))
    if m := _RUN.fullmatch(low):
        count = int(m["count"]) if m["count"].isdigit() else _ORDINALS.get(m["count"], 2)
        if not 2 <= count <= length:
            return None
        return tuple(range(length - count + 1, length + 1) if m["end"] in _LAST else range(1, count + 1))
    if m := _RANGE.fullmatch(low):
        first, last = int(m["first"]), int(m["last"])
        return tuple(range(first, last + 1)) if 1 <= first < last <= length else None
    parts = [part for part in re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+|\s*&\s*", low) if part]
    found = [position(part, length) for part in parts]
    if len(parts) < 2 or any(place is None or not 1 <= place <= length for place in found):
        return None
    return tuple(dict.fromkeys(place for place in found if place is not None))


def _tokens(text: str) -> tuple[str, ...]:
    """Words without case, accents' encodings, punctuation and articles; of a title without words, its signs."""
    low = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("'", "")
    found = tuple(re.findall(r"\w+", low))
    bare = tuple(word for word in found if word not in _ARTICLES)
    return bare or found or tuple(low.split())


def _exact(words: str, candidates: Sequence[Candidate]) -> tuple[UUID, ...]:
    wanted = _tokens(words)
    return tuple(c.id for c in candidates if wanted and _tokens(c.title) == wanted)


def _by_title(words: str, candidates: Sequence[Candidate], prefer_open: bool) -> Match:
    wanted = _tokens(words)
    if not wanted:
        return NotFound()
    ranked = [(rank, c) for c in candidates if (rank := _rank(wanted, _tokens(c.title))) is not None]
    if not ranked:
        return NotFound()
    best = min(rank for rank, _ in ranked)
    fits = [c for rank, c in ranked if rank == best]
    if prefer_open and (still_open := [c for c in fits if not c.is_completed]):
        fits = still_open
    return _one_of(tuple(dict.fromkeys(c.id for c in fits)))


def _one_of(ids: tuple[UUID, ...]) -> Match:
    if not ids:
        return NotFound()
    return Found(ids[0]) if len(ids) == 1 else Ambiguous(ids)


def _rank(wanted: tuple[str, ...], title: tuple[str, ...]) -> int | None:
    """0 the same, 1 all the words are in the title, 2 beginnings of its words are, 3 nearly right; None no match."""
    if wanted == title:
        return 0
    if all(any(_same_word(word, other) for other in title) for word in wanted):
        return 1
    if all(any(len(word) >= 3 and other.startswith(word) for other in title) for word in wanted):
        return 2
    return 3 if _close(wanted, title) else None


def _same_word(word: str, other: str) -> bool:
    return word == other or (len(word) > 3 and (word + "s" == other or other + "s" == word))


def _close(wanted: tuple[str, ...], title: tuple[str, ...]) -> bool:
    """At most one edit in five letters: of the whole, or of each word against one of the title's.

    Only of words that a person may have typed by heart: the work grows with the square of their length.
    """
    whole, other = " ".join(wanted), " ".join(title)
    if len(whole) > _BY_HEART:
        return False
    if within(whole, other, len(whole) // 5):
        return True
    return all(any(within(word, part, len(word) // 5) for part in title) for word in wanted)


def within(left: str, right: str, limit: int) -> bool:
    """Whether the edit distance, swapped neighbours counted as one, is at most `limit`."""
    if left == right:
        return True
    if limit <= 0 or abs(len(left) - len(right)) > limit:
        return False
    far = limit + 1
    before: list[int] = []
    row = [min(j, far) for j in range(len(right) + 1)]
    for i, a in enumerate(left, start=1):
        # Further from the diagonal than the limit the distance is past it.
        low, high = max(1, i - limit), min(len(right), i + limit)
        earlier, before, row = before, row, [far] * (len(right) + 1)
        row[0] = min(i, far)
        for j in range(low, high + 1):
            b = right[j - 1]
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, earlier[j - 2] + 1)
            row[j] = cost
        if min(row[low - 1 : high + 1]) > limit:
            return False
    return row[-1] <= limit
