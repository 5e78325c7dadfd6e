"""Dates and times in a person's words, resolved in their IANA zone. Pure functions of (text, now, zone).

Policy, where English leaves room:
- A bare weekday ("friday", "on Fri", "coming Friday") is the next such day strictly after today. "this Friday" is the
  one of the present ISO week (Monday to Sunday), today included, or the next one where it has passed. "next Monday"
  is the Monday of the next ISO week, whatever today is. "last Friday" is the latest one before today.
- An hour without am or pm: 1 to 6 mean the afternoon ("at 5" is 17:00), 7 to 12 are taken as they stand; a leading
  zero ("05:30") or an hour past 12 is the 24-hour clock; "in the morning" or "tonight" decide where they are said.
- morning 09:00, afternoon 15:00, evening 18:00, night and tonight 20:00, noon 12:00, midnight the end of the day
  named (00:00 of the day after). End of day 23:59, close of business 17:00.
- A time without a day is its next occurrence; a day and month without a year the next one, today included.
- "end of the week" is its Sunday, "end of the month" its last day; weekends are Saturday and Sunday.
- "12/24" is month first, day first where only that fits or the locale is an English one other than en-US or bare en.
- Wall time is then localised: a time inside a spring gap moves forward by the gap, one that occurs twice is the first.
"""

from assistant.interpreter.dates.compose import find, resolve, whole
from assistant.interpreter.dates.values import (
    DateTimeValue,
    DateValue,
    DurationValue,
    IntervalValue,
    RecurrenceValue,
    Span,
    Value,
)

__all__ = [
    "DateTimeValue",
    "DateValue",
    "DurationValue",
    "IntervalValue",
    "RecurrenceValue",
    "Span",
    "Value",
    "find",
    "resolve",
    "whole",
]
