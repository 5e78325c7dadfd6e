"""Where words that could be a date aren't one: "may flowers", "sun cream", "1/2 cup", "Friday Night Lights"."""

from __future__ import annotations

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.feasts import FIRST_WORDS
from assistant.interpreter.dates.parts import given
from assistant.interpreter.dates.phrases import Phrase
from assistant.interpreter.dates.tokens import Source

_OPENERS = frozenset(
    {"on", "by", "before", "until", "till", "til", "due", "for", "from", "since", "@", "this", "next", "at", "after"}
)
_CLOSERS = frozenset({"", ",", ".", "!", "?", ";", ":", ")", "and", "please", "#", "-"})
_NEVER_AFTER = frozenset(
    {"#", "$", "€", "£", "version", "v", "room", "building", "chapter", "page", "step", "item", "happy", "merry"}
)
_MONTH_OPENERS = frozenset(
    {"in", "this", "next", "last", "by", "until", "till", "before", "after", "since", "during", "of", "from", "early",
     "late", "mid", "for", "through", "end"}
)  # fmt: skip
_LISTED = 20  # places of a shown list: "the 21st" is no place in one
_RATES = frozenset({"twice", "thrice", "times", "x", "per", "%", "once"})
_TOUCHING = frozenset("-/\\_.+=&~:%*^")


def plausible(s: Source, start: int, found: Phrase) -> bool:
    """Whether the tokens from start on are meant as a date where they stand in a sentence."""
    end = found.after
    if _glued(s, start, end) or s.word(start - 1) in _NEVER_AFTER:
        return False
    if s.word(end - 1).endswith("'s") and not _closed(s, end):
        return False  # "this week's shopping list"
    if found.repeat is not None:  # "the weekly report"
        adverb = s.word(start) in v.FREQUENCIES and s.word(start) != v.EVERYDAY
        if adverb and s.word(start - 1) in _RATES:
            return False  # "twice daily"
        return end - start > 1 or not adverb or _ends_there(s, end)
    if found.amount is not None:
        if s.word(start - 1) in _RATES:
            return False  # "twice a week"
        told = s.word(end - 2).isdigit() or _ends_there(s, end)
        if s.word(end - 1) == "second" and not told:
            return False  # "a second wave"
        return s.word(start - 1) not in ("in", "within", "after") or s.word(start) == "for"
    return found.point is None or _likely(s, start, end, found)


def _ends_there(s: Source, end: int) -> bool:
    return _closed(s, end) or s.word(end) in v.FUNCTION_WORDS


def _closed(s: Source, end: int) -> bool:
    return s.word(end) in _CLOSERS


def _likely(s: Source, start: int, end: int, found: Phrase) -> bool:
    assert found.point is not None
    alone = given(found.point)
    before, after = s.word(start - 1), s.word(end)
    started = s.word(start - 2) in v.STARTING or "period" in alone
    chosen = "period" in alone and s.word(start) in v.THIS | v.NEXT | v.LAST | v.COMING  # "events of this week"
    if (before == "of" and s.word(start - 2) != "as" and not chosen) or (before == "from" and not started):
        return False
    numbered = s.word(start) in v.WEEK_WORDS | {"w"} or (found.when and found.when.grain == "quarter")
    if alone == {"period"} and numbered:  # "the q3 report", "read week 4 notes"
        return before in _OPENERS or _closed(s, end) or after in v.FUNCTION_WORDS
    if (before == "of" and s.word(start - 2) == "half") or (alone == {"clock"} and s.word(end - 1) == "time"):
        return False
    if alone == {"weekday"}:
        return _weekday(s, start, end)
    feast = alone == {"period"} and found.when is not None and found.when.grain == "feast"
    if (alone == {"day"} or feast) and s.word(start).replace(
        "'", ""
    ) in FIRST_WORDS:  # "christmas tree", "black friday deals"
        return before in _OPENERS or _closed(s, end) or after in v.FUNCTION_WORDS
    if alone == {"weekday", "part"} and end < len(s) and _title_case(s, start, end + 1):
        return False
    if alone == {"dom"}:  # "the 2nd floor", "delete the 1st"
        named = s.word(end - 1) == "day" or s.word(end) == "of"
        named = named or (_closed(s, end) and (found.point.dom or 0) > _LISTED and s.word(start) == "the")
        return (
            named or (before in _OPENERS and _ends_there(s, end)) or (before == "the" and s.word(start - 2) in _OPENERS)
        )
    if alone == {"period"} and end - start == 1 and s.word(start) in v.MONTHS:
        return _month(s, start, end)
    if alone == {"dom", "month"} and end - start == 3 and s.word(start + 1) == "/":
        far = max(found.point.dom or 0, found.point.month or 0) > 12 and after in v.FUNCTION_WORDS
        return far or before in _OPENERS or _closed(s, end) or before in v.WEEKDAYS
    if alone == {"clock"}:
        return _clock(s, start, end)
    if alone == {"part"}:
        return _part(s, start, end)
    now = alone == {"moment"} and s.word(start) == "now"
    return not (now and (after in ("that", "then") or before in v.EVERY))


def _part(s: Source, start: int, end: int) -> bool:
    low = s.word(start)
    if low in v.PARTS or low in v.THE:
        return low in v.THE and _closed(s, end)
    if low in v.NEARLY or low in ("first", "after"):  # "late night snacks", "first thing to fix"
        return _closed(s, end) or (s.word(start - 1) in _OPENERS and _ends_there(s, end))
    return True


def _clock(s: Source, start: int, end: int) -> bool:
    before, after = s.word(start - 1), s.word(end)
    if end - start == 1 and s.word(start) in {*v.NOON, v.MIDNIGHT}:  # "midnight blue", "noon prayer"
        return before in _OPENERS or _ends_there(s, end)
    if end - start == 1 and (s.word(start).isdigit() or s.word(start) in v.SMALL_NUMBERS):
        led = before in ("at", "@", "around") or (before in v.BOUNDS and s.word(start - 2) != s.word(start))
        return led and (after in _CLOSERS or after in v.FUNCTION_WORDS)
    if end - start == 3 and s.word(start + 1) == ".":  # "at 6.45" is a time, "at 6.45 percent" a rate
        led = before in ("at", "@", "by", "around", "until", "till")
        return led and (after in _CLOSERS or after in v.FUNCTION_WORDS)
    return True


def _month(s: Source, start: int, end: int) -> bool:
    """A bare month is one behind "in" and the like, or by itself where it is no word besides."""
    before = s.word(start - 1)
    if before in _MONTH_OPENERS and not (s.word(start) == "may" and before in ("by", "for") and not _closed(s, end)):
        return True
    borrowed = s.tokens[start].raw.lower() not in v.MONTHS  # "call Juli"
    return not borrowed and s.word(start) not in v.MONTH_WORDS and (_closed(s, end) or s.word(end) in v.FUNCTION_WORDS)


def _glued(s: Source, start: int, end: int) -> bool:
    """Part of a longer word, path or number: "pre-friday", "monday.com", "x/today", "A4", "25%"."""
    if s.glued(start) and (s.word(start - 1) in _TOUCHING - {":", "~", "=", "-"} or s.word(start - 1)[-1:].isalnum()):
        return True
    if s.glued(start) and s.word(start - 1) == "-" and s.glued(start - 1):
        return True
    if not s.glued(end) or end >= len(s):
        return False
    if s.word(end)[:1].isalnum() or s.word(end) in ("%", "$", "€", "@"):
        return True
    return s.word(end) in _TOUCHING - {":", "~"} and s.glued(end + 1) and s.word(end + 1)[:1].isalnum()


def _weekday(s: Source, start: int, end: int) -> bool:
    before, after = s.word(start - 1), s.word(end)
    opened = before in _OPENERS or end - start > 1
    if before in v.NAMED_BEFORE or after in v.NAMED_AFTER:
        return False
    if s.word(start) in v.WEEKDAY_WORDS and not opened:
        return False
    if opened or _closed(s, end) or start == 0:
        return True
    # "call mom friday about taxes" is a date; "prepare monday presentation" names a presentation
    return after in v.FUNCTION_WORDS


def _title_case(s: Source, start: int, end: int) -> bool:
    return all(token.raw[:1].isupper() for token in s.tokens[start:end])
