"""Repeating: rules of RFC 5545 as values, the days that they name, and what comes after a due date. No I/O."""

from services.recurrence.occurrences import (
    Occurrence,
    Series,
    check_goes_on,
    first_day,
    following,
    shifted_time,
    skipped_time,
)
from services.recurrence.rules import RULE_LIMIT, Frequency, Rule, Weekday, clean_rule, parse

__all__ = [
    "RULE_LIMIT",
    "Frequency",
    "Occurrence",
    "Rule",
    "Series",
    "Weekday",
    "check_goes_on",
    "clean_rule",
    "first_day",
    "following",
    "parse",
    "shifted_time",
    "skipped_time",
]
