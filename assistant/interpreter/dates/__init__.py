"""Dates and times in a person's words, resolved in their IANA zone. Pure functions of (text, now, zone).

Policy, where English leaves room:
- A bare weekday ("friday", "on Fri", "coming Friday") is the next such day strictly after today. "this Friday" is the
  one of the present ISO week (Monday to Sunday), today included, or the next one where it has passed. "next Monday"
  (and "following") is the Monday of the next ISO week, whatever today is, "last Monday" that of the last one; "this
  past Friday" is the latest before today. "Friday after next" is a week after the coming Friday. "Friday 31" and
  "Friday the 13th" are the next that fall so. "Thursday, two weeks from now" is the Thursday of that week.
- An hour without am or pm: 1 to 6 mean the afternoon ("at 5" is 17:00), 7 to 12 are taken as they stand; a leading
  zero ("05:30"), an "h" and an hour past 12 are the 24-hour clock; "in the morning" or "tonight" decide where they are
  said ("tonight at 2" is after midnight).
- Parts of the day are due at one time and cover a stretch: morning 09:00 of 8 to 12, afternoon 15:00 of 12 to 16,
  evening 18:00 of 16 to 20, night and tonight 20:00 of 18 to 24. Noon 12:00, midnight the end of the day named (00:00
  of the day after), but where a calendar date names it ("December 13 at midnight") its beginning. End of day 23:59,
  close of business 17:00.
- A time without a day is its next occurrence; a day and month without a year the next one, today included. A range
  of such days or months that is going on is the present one. A day that no calendar has is none, and neither is what
  goes with it.
- "end of the week" is its Sunday, "end of the month" its last day; what they cover is three days of a week, ten of a
  month, four months of a year. "Before the end of March" is by its last day. Weekends are Saturday and Sunday. A week
  belongs to the month or year of its Thursday; "week 12" is one of ISO 8601. A fiscal year is that of the calendar.
- "next 3 days" (weeks, months) begin tomorrow, "last 3 days" end with yesterday; quarters and years are whole ones.
- A range includes its last day; "to" a month or a year ends where that begins ("May to October" is five months), and
  a rule "until May" does too.
- "within 2 hours" is due at their end and covers them; "for 5 minutes" is a length, but the end of it behind a timer.
- "12/24" is month first, day first where only that fits or the locale is an English one other than en-US or bare en.
- A misspelt word is read as one of the calendar where it is one edit from a long one and no word of its own.
- A zone in the text is that of its wall time. Wall time is then localised: a time inside a spring gap moves forward by
  the gap, one that occurs twice is the first. "In 24 hours" counts real hours, "in a day" a day of the calendar.
"""

from assistant.interpreter.dates.compose import find, resolve, whole
from assistant.interpreter.dates.parts import add_months
from assistant.interpreter.dates.tokens import spelt
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
    "add_months",
    "find",
    "resolve",
    "spelt",
    "whole",
]
