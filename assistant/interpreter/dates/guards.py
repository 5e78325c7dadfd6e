"""Where words that could be a date aren't one: "may flowers", "sun cream", "1/2 cup", "Friday Night Lights"."""

from __future__ import annotations

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.parts import Parts, given
from assistant.interpreter.dates.tokens import Tokens, word

_OPENERS = frozenset(
    {"on", "by", "before", "until", "till", "til", "due", "for", "from", "since", "@", "this", "next", "at"}
)
_CLOSERS = frozenset({"", ",", ".", "!", "?", ";", ":", ")", "and", "please", "#"})
_NOUN_MAKERS = frozenset({"'s", "-"})


def plausible(tokens: Tokens, start: int, end: int, parts: Parts) -> bool:
    """Whether the tokens from start to end (exclusive) are meant as a date where they stand."""
    before, after = word(tokens, start - 1), word(tokens, end)
    closed = after in _CLOSERS or end >= len(tokens)
    alone = given(parts)
    if _glued(tokens, start, end) or before in ("#", "$", "€", "£", "version", "room", "from", "of", "since"):
        return False
    if alone == {"amount"} and before in ("in", "within", "after"):
        return False  # "in 9999 years" lies outside the calendar
    if alone == {"weekday"}:
        return _weekday(tokens, start, end, closed)
    if alone == {"weekday", "part"} and end < len(tokens) and _title_case(tokens, start, end + 1):
        return False
    if word(tokens, start) == "the" and alone == {"day"} and end - start == 2:  # "the 2nd floor", "delete the 1st"
        return before in _OPENERS and closed
    if "/" in word(tokens, start) and alone == {"day"} and word(tokens, start).count("/") == 1:
        return before in _OPENERS or closed
    if alone == {"clock"} and end - start == 1 and word(tokens, start).isdigit():
        return before in ("at", "@", "by", "around") and (closed or after in v.FUNCTION_WORDS)
    return True


def _glued(tokens: Tokens, start: int, end: int) -> bool:
    """Part of a longer word, path or number: "pre-friday", "monday.com", "x/today"."""
    touching = "-/\\_.+=&~"
    left = start > 0 and tokens[start - 1].end == tokens[start].start and tokens[start - 1].low in touching
    right = (
        end + 1 < len(tokens)
        and tokens[end].start == tokens[end - 1].end
        and tokens[end].low in touching + "@"
        and tokens[end + 1].start == tokens[end].end
    )
    return left or right


def _weekday(tokens: Tokens, start: int, end: int, closed: bool) -> bool:
    before, after = word(tokens, start - 1), word(tokens, end)
    qualified = end - start > 1
    opened = before in _OPENERS or qualified
    if before in v.NAMED_BEFORE or after in v.NAMED_AFTER:
        return False
    if word(tokens, start) in v.WEEKDAY_WORDS and not opened:
        return len(tokens) == 1
    if opened or closed or start == 0:
        return True
    # "call mom friday about taxes" is a date; "prepare monday presentation" names a presentation
    return after in v.FUNCTION_WORDS


def _title_case(tokens: Tokens, start: int, end: int) -> bool:
    return all(token.raw[:1].isupper() for token in tokens[start:end])
