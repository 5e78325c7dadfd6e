"""Numbers in digits and words: cardinals, ordinals, halves and quarters."""

from __future__ import annotations

from assistant.interpreter.dates import vocabulary as v
from assistant.interpreter.dates.tokens import Source

_LONGEST = 6  # digits of a count; anything longer is no number of days or hours


def is_digits(low: str, most: int = _LONGEST) -> bool:
    """Whether the token is a number in ASCII digits, no longer than that."""
    return low.isascii() and low.isdigit() and len(low) <= most


def cardinal(s: Source, i: int) -> tuple[int, int] | None:
    """A whole number in digits or words, and the index after it."""
    low = s.word(i)
    if is_digits(low, 3) and s.word(i + 1) == "," and s.glued(i + 1) and s.glued(i + 2) and len(s.word(i + 2)) == 3:
        return (int(low + s.word(i + 2)), i + 3) if is_digits(s.word(i + 2)) else None  # "1,000"
    if is_digits(low):
        return int(low), i + 1
    if low in v.TENS:
        after = i + 2 if s.word(i + 1) == "-" else i + 1
        unit = v.SMALL_NUMBERS.get(s.word(after), 0)
        return (v.TENS[low] + unit, after + 1) if 0 < unit < 10 else (v.TENS[low], i + 1)
    if low in v.SMALL_NUMBERS or (low in v.ARTICLES and s.word(i + 1) == v.HUNDRED) or low == v.HUNDRED:
        number, after = (1, i) if low == v.HUNDRED else (v.SMALL_NUMBERS.get(low, 1), i + 1)
        return _hundreds(s, number, after + 1) if s.word(after) == v.HUNDRED else (number, after)
    return None


def _hundreds(s: Source, number: int, after: int) -> tuple[int, int]:
    """ "two hundred and ten": what is left behind the word."""
    j = after + (s.word(after) == "and")
    small = s.word(j) in v.TENS or (s.word(j) in v.SMALL_NUMBERS and s.word(j + 1) != v.HUNDRED)
    rest = cardinal(s, j) if small else None
    return (number * 100 + rest[0], rest[1]) if rest else (number * 100, after)


def spoken_year(s: Source, i: int) -> tuple[int, int] | None:
    """ "two thousand and thirty two", "nineteen ninety nine", "twenty twenty six", "twenty oh five"."""
    if s.words(i, "two", "thousand"):
        j = i + 2 + (s.word(i + 2) == "and" and (s.word(i + 3) in v.TENS or s.word(i + 3) in v.SMALL_NUMBERS))
        rest = cardinal(s, j) if s.word(j) in v.TENS or s.word(j) in v.SMALL_NUMBERS else None
        return (2000 + rest[0], rest[1]) if rest and 0 < rest[0] < 100 else (2000, i + 2)
    century = {"nineteen": 1900, "twenty": 2000}.get(s.word(i))
    if century is None:
        return None
    if s.word(i + 1) in ("oh", "o") and 0 < v.SMALL_NUMBERS.get(s.word(i + 2), 0) < 10:
        return century + v.SMALL_NUMBERS[s.word(i + 2)], i + 3
    rest = cardinal(s, i + 1) if s.word(i + 1) in v.TENS or v.SMALL_NUMBERS.get(s.word(i + 1), 0) > 9 else None
    return (century + rest[0], rest[1]) if rest else None


def ordinal(s: Source, i: int) -> tuple[int, int] | None:
    """An ordinal, "3rd" or "twenty first", and the index after it."""
    low = s.word(i)
    if is_digits(low, 3):
        return (int(low), i + 2) if s.word(i + 1) in v.ORDINAL_ENDS and s.glued(i + 1) and int(low) > 0 else None
    if low in v.TENS:
        after = i + 2 if s.word(i + 1) == "-" else i + 1
        unit = v.ORDINALS.get(s.word(after), 10)
        return (v.TENS[low] + unit, after + 1) if unit < 10 else None
    return (v.ORDINALS[low], i + 1) if low in v.ORDINALS else None


def count(s: Source, i: int) -> tuple[float, int] | None:
    """How many of a unit: "3", "1.5", "a", "a couple of", "half an", "one and a half", "two and a quarter of"."""
    low = s.word(i)
    if low in v.FRACTION_SIGNS:
        return v.FRACTION_SIGNS[low], i + 1 + (s.word(i + 1) in v.ARTICLES)
    if low in v.FRACTIONS:
        after = i + 1 + (s.word(i + 1) == "of")
        return v.FRACTIONS[low], after + (s.word(after) in v.ARTICLES)
    j = i + 1 + (s.word(i + 1) == "-" and s.glued(i + 1))
    if low in v.SMALL_NUMBERS and s.word(j) in v.FRACTIONS:  # "three quarters of an hour", "one-half hour"
        after = j + 1 + (s.word(j + 1) in ("of", "-"))
        after += s.word(after) in v.ARTICLES
        if after > j + 1 or s.word(after) in ("hour", "day", "year"):
            return v.SMALL_NUMBERS[low] * v.FRACTIONS[s.word(j)], after
    if low in v.VAGUE:
        return v.VAGUE[low], i + 1 + (s.word(i + 1) == "of")
    if low in v.ARTICLES and s.word(i + 1) in v.VAGUE:
        return v.VAGUE[s.word(i + 1)], i + 2 + (s.word(i + 2) == "of")
    if low in v.ARTICLES and s.word(i + 1) in v.FRACTIONS:
        return count(s, i + 1)
    whole = cardinal(s, i)
    if whole is None:
        return (1, i + 1) if low in v.ARTICLES else None
    return _and_part(s, whole[0], whole[1], i)


def _and_part(s: Source, whole: int, after: int, i: int) -> tuple[float, int]:
    """The fraction after a whole number: ".5", "/2", "and a half", "and three quarters of"."""
    sign = s.word(after)
    if sign in v.FRACTION_SIGNS:
        return whole + v.FRACTION_SIGNS[sign], after + 1
    if sign == "dozen":
        return whole * v.VAGUE[sign], after + 1
    if sign in (".", ",") and s.glued(after) and s.glued(after + 1) and is_digits(s.word(after + 1), 3):
        return float(f"{whole}.{s.word(after + 1)}"), after + 2
    if is_digits(sign, 1) and s.word(after + 1) == "/" and s.word(after + 2) in ("2", "4") and s.glued(after + 2):
        return whole + int(sign) / int(s.word(after + 2)), after + 3  # "3 1/2 hours"
    if sign == "/" and is_digits(s.word(after + 1), 1) and s.word(after + 1) != "0" and s.glued(after):
        return whole / int(s.word(after + 1)), after + 2 + (s.word(after + 2) in v.ARTICLES)
    if sign == "and":
        if is_digits(s.word(after + 1), 1) and s.word(after + 2) == "/" and s.word(after + 3) in ("2", "4"):
            return whole + int(s.word(after + 1)) / int(s.word(after + 3)), after + 4  # "1 and 3/4 hours"
        j = after + 1 + (s.word(after + 1) in v.ARTICLES)
        times = v.SMALL_NUMBERS.get(s.word(j), 1)
        j += s.word(j) in v.SMALL_NUMBERS
        j += s.word(j) == "-" and s.word(j + 1) in v.FRACTIONS
        if s.word(j) in v.FRACTIONS:
            after_it = j + 1 + (s.word(j + 1) == "of")
            return whole + times * v.FRACTIONS[s.word(j)], after_it + (s.word(after_it) in v.ARTICLES)
        extra = v.SMALL_NUMBERS.get(s.word(after + 1), 0)
        if s.word(i) in v.TENS and 0 < extra < 10 and s.word(after + 2) in v.UNITS:  # "twenty and four hours"
            return whole + extra, after + 2
    return whole, after
