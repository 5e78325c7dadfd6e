"""A recurrence rule (RFC 5545 section 3.3.10) read into a value. Its text is anybody's: all is checked and bounded."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final, NoReturn

from core.errors import DomainError, ErrorCode
from services.inputs import Field

RULE_LIMIT: Final = 500
"""Characters of a rule."""

COUNT_LIMIT: Final = 9_999
INTERVAL_LIMIT: Final = 999

WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
LONGEST_MONTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
FIELD: Final[Field] = ("input", "recurrence")

_PREFIX: Final = re.compile(r"RRULE:")
_DAY: Final = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,4}")
_UNTIL: Final = re.compile(r"([0-9]{8})(?:T([0-9]{6})(Z?))?")
_COUNT: Final = re.compile(r"\bCOUNT=[0-9]+")


class Frequency(StrEnum):
    """How often a rule's period comes. Nothing that repeats within a day is a task's due date."""

    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    YEARLY = "YEARLY"


@dataclass(frozen=True, slots=True)
class Weekday:
    """0 is Monday. `nth` counts within the month or year, from the end where negative; 0 is every one."""

    day: int
    nth: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """A checked rule. Empty parts are open: the date that it is counted from fills them.

    `until` is a date, a naive wall time or an aware instant, and inclusive. `text` is the rule as it is stored.
    """

    text: str
    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: date | None = None
    months: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    year_days: tuple[int, ...] = ()
    weeks: tuple[int, ...] = ()
    weekdays: tuple[Weekday, ...] = ()
    positions: tuple[int, ...] = ()
    week_start: int = 0

    def counted_down(self) -> str:
        """The text of what is left once the present occurrence is over: COUNT is one less."""
        if self.count is None:
            return self.text
        return _COUNT.sub(f"COUNT={self.count - 1}", self.text)


def clean_rule(text: str) -> str:
    """The rule as it is stored: in capitals, without its name. Raises DomainError INVALID or TOO_LONG."""
    return parse(text).text


@lru_cache(maxsize=512)
def parse(text: str) -> Rule:
    """The rule's value. Raises DomainError INVALID, which names the part, or TOO_LONG."""
    if len(text) > RULE_LIMIT:
        raise DomainError(ErrorCode.TOO_LONG, f"recurrence has more than {RULE_LIMIT} characters.", field=FIELD)
    plain = _PREFIX.sub("", text.strip().upper(), count=1).rstrip(";")
    parts = _parts(plain)
    if "FREQ" not in parts:
        _refuse("A rule needs FREQ, e.g. FREQ=WEEKLY;BYDAY=MO.")
    values = {_FIELDS[name]: _READERS[name](value) for name, value in parts.items()}
    rule = Rule(text=plain, **values)  # type: ignore[arg-type]  # each reader gives its own field's type
    _check_together(rule)
    return rule


def _parts(plain: str) -> Mapping[str, str]:
    parts: dict[str, str] = {}
    for part in plain.split(";"):
        name, equals, value = part.partition("=")
        if not equals or not value:
            _refuse(f"“{_shown(part)}” is no part of a rule such as FREQ=WEEKLY;BYDAY=MO.")
        if name in ("BYHOUR", "BYMINUTE", "BYSECOND"):
            _refuse(f"{name} isn't taken: the time of day is that of dueAt.")
        if name not in _FIELDS:
            _refuse(f"“{_shown(name)}” is no part of a rule.")
        if name in parts:
            _refuse(f"{name} stands twice.")
        parts[name] = value
    return parts


def _frequency(value: str) -> Frequency:
    if value in ("SECONDLY", "MINUTELY", "HOURLY"):
        _refuse(f"FREQ={value} is too often: DAILY, WEEKLY, MONTHLY or YEARLY.")
    if value not in Frequency.__members__:
        _refuse(f"FREQ can't be “{_shown(value)}”: DAILY, WEEKLY, MONTHLY or YEARLY.")
    return Frequency(value)


def _bounded(name: str, limit: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not value.isascii() or not value.isdigit() or len(value) > 6 or not 1 <= int(value) <= limit:
            _refuse(f"{name} must be 1..{limit:,}.")
        return int(value)

    return read


def _numbers(name: str, limit: int, *, signed: bool = True) -> Callable[[str], tuple[int, ...]]:
    def read(value: str) -> tuple[int, ...]:
        found: list[int] = []
        for item in value.split(","):
            number = int(item) if _NUMBER.fullmatch(item) else 0
            if not 1 <= abs(number) <= limit or (number < 0 and not signed):
                _refuse(f"{name} takes 1..{limit}{f' and -{limit}..-1' if signed else ''}, not “{_shown(item)}”.")
            found.append(number)
        return tuple(dict.fromkeys(found))

    return read


def _weekdays(value: str) -> tuple[Weekday, ...]:
    found: list[Weekday] = []
    for item in value.split(","):
        matched = _DAY.fullmatch(item)
        nth = int(matched[1]) if matched and matched[1] else 0
        if not matched or (matched[1] and not 1 <= abs(nth) <= 53):
            _refuse(f"BYDAY takes days such as MO, 1MO or -1FR, not “{_shown(item)}”.")
        found.append(Weekday(WEEKDAYS.index(matched[2]), nth))
    return tuple(dict.fromkeys(found))


def _until(value: str) -> date:
    matched = _UNTIL.fullmatch(value)
    try:
        if not matched:
            raise ValueError
        if matched[2] is None:
            return datetime.strptime(matched[1], "%Y%m%d").date()  # noqa: DTZ007 - a day has no zone
        wall = datetime.strptime(matched[1] + matched[2], "%Y%m%d%H%M%S")  # noqa: DTZ007 - its zone is the task's
        return wall.replace(tzinfo=UTC) if matched[3] else wall
    except ValueError:
        _refuse(f"UNTIL takes a date such as 20271231 or 20271231T220000Z, not “{_shown(value)}”.")


def _week_start(value: str) -> int:
    if value not in WEEKDAYS:
        _refuse(f"WKST takes one of {', '.join(WEEKDAYS)}.")
    return WEEKDAYS.index(value)


_FIELDS: Final = {
    "FREQ": "frequency", "INTERVAL": "interval", "COUNT": "count", "UNTIL": "until", "BYMONTH": "months",
    "BYMONTHDAY": "month_days", "BYYEARDAY": "year_days", "BYWEEKNO": "weeks", "BYDAY": "weekdays",
    "BYSETPOS": "positions", "WKST": "week_start",
}  # fmt: skip
_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "FREQ": _frequency,
    "INTERVAL": _bounded("INTERVAL", INTERVAL_LIMIT),
    "COUNT": _bounded("COUNT", COUNT_LIMIT),
    "UNTIL": _until,
    "BYMONTH": _numbers("BYMONTH", 12, signed=False),
    "BYMONTHDAY": _numbers("BYMONTHDAY", 31),
    "BYYEARDAY": _numbers("BYYEARDAY", 366),
    "BYWEEKNO": _numbers("BYWEEKNO", 53),
    "BYDAY": _weekdays,
    "BYSETPOS": _numbers("BYSETPOS", 366),
    "WKST": _week_start,
}


def _check_together(rule: Rule) -> None:
    """What RFC 5545 says of parts beside each other, and days that no year has."""
    often, yearly = rule.frequency, rule.frequency is Frequency.YEARLY
    if rule.count is not None and rule.until is not None:
        _refuse("COUNT and UNTIL exclude each other.")
    if rule.month_days and often is Frequency.WEEKLY:
        _refuse("BYMONTHDAY can't stand with FREQ=WEEKLY.")
    if (rule.year_days or rule.weeks) and not yearly:
        _refuse("BYYEARDAY and BYWEEKNO need FREQ=YEARLY.")
    if rule.weeks and not rule.weekdays:
        _refuse("BYWEEKNO needs BYDAY.")
    if any(one.nth for one in rule.weekdays) and (often not in (Frequency.MONTHLY, Frequency.YEARLY) or rule.weeks):
        _refuse("A number before a day of BYDAY needs FREQ=MONTHLY or FREQ=YEARLY, without BYWEEKNO.")
    if rule.positions and not (rule.months or rule.month_days or rule.year_days or rule.weeks or rule.weekdays):
        _refuse("BYSETPOS needs another part that starts with BY.")
    largest = {Frequency.DAILY: 1, Frequency.WEEKLY: len(rule.weekdays) or 1, Frequency.MONTHLY: 31}.get(often, 366)
    if rule.positions and min(abs(place) for place in rule.positions) > largest:
        _refuse(f"BYSETPOS names no day: there are at most {largest} to choose from.")
    longest = max((LONGEST_MONTHS[month - 1] for month in rule.months), default=31)
    if rule.month_days and min(abs(day) for day in rule.month_days) > longest:
        _refuse(f"There is no such date: the months of BYMONTH have at most {longest} days.")


def _shown(text: str) -> str:
    """Some of a stranger's text, for a message."""
    return "".join(letter for letter in text[:40] if letter.isprintable())


def _refuse(message: str) -> NoReturn:
    raise DomainError(ErrorCode.INVALID, f"recurrence: {message}", field=FIELD)
