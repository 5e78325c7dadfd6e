"""English words of dates and times, as data."""

from __future__ import annotations


def words(*lines: str) -> frozenset[str]:
    """The words of the lines."""
    return frozenset(" ".join(lines).split())


WEEKDAYS = {
    "monday": 0, "mon": 0, "tuesday": 1, "tues": 1, "tue": 1, "wednesday": 2, "weds": 2, "wed": 2,
    "thursday": 3, "thurs": 3, "thur": 3, "thu": 3, "friday": 4, "fri": 4,
    "saturday": 5, "sat": 5, "sunday": 6, "sun": 6,
}  # fmt: skip
# Weekday abbreviations that are words of their own: a day only beside other date words or after "on", "by", …
WEEKDAY_WORDS = frozenset({"sat", "sun", "wed", "mon"})
WEEKDAY_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# "Black Friday", "Sunday roast": names that hold a weekday
NAMED_BEFORE = frozenset({"black", "good", "ash", "cyber", "taco", "casual", "palm", "easter", "giving", "ruby"})
NAMED_AFTER = frozenset({"times", "roast", "lights", "live", "fever", "school", "blues", "express", "brunch"})

MONTHS = {
    "january": 1, "jan": 1, "february": 2, "feb": 2, "march": 3, "mar": 3, "april": 4, "apr": 4, "may": 5,
    "june": 6, "jun": 6, "july": 7, "jul": 7, "august": 8, "aug": 8, "september": 9, "sept": 9, "sep": 9,
    "october": 10, "oct": 10, "november": 11, "nov": 11, "december": 12, "dec": 12,
}  # fmt: skip

RELATIVE_DAYS = {
    "today": 0, "tdy": 0, "tomorrow": 1, "tmrw": 1, "tmr": 1, "tmw": 1, "tomorow": 1, "tommorow": 1, "tommorrow": 1,
    "2moro": 1, "yesterday": -1,
}  # fmt: skip

# Hour of the day that each part stands for, and whether an hour said beside it is past noon
PARTS = {
    "morning": 9, "mornings": 9, "afternoon": 15, "afternoons": 15, "evening": 18, "evenings": 18, "night": 20,
    "nights": 20, "lunchtime": 12, "bedtime": 22,
}  # fmt: skip
MORNING = frozenset({"morning", "mornings"})
NOON = frozenset({"noon", "midday", "noontime"})

SMALL_NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
    "eighteen": 18, "nineteen": 19,
}  # fmt: skip
TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90}
ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16,
    "seventeenth": 17, "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "thirtieth": 30,
}  # fmt: skip

# unit: (months, days, seconds)
UNITS = {
    "second": (0, 0, 1), "sec": (0, 0, 1), "minute": (0, 0, 60), "min": (0, 0, 60), "hour": (0, 0, 3600),
    "hr": (0, 0, 3600), "day": (0, 1, 0), "night": (0, 1, 0), "week": (0, 7, 0), "wk": (0, 7, 0),
    "fortnight": (0, 14, 0), "month": (1, 0, 0), "year": (12, 0, 0), "yr": (12, 0, 0),
}  # fmt: skip
SHORT_UNITS = {
    "h": "hour",
    "hr": "hour",
    "hrs": "hour",
    "m": "minute",
    "min": "minute",
    "mins": "minute",
    "d": "day",
    "w": "week",
}

FREQUENCIES = {"daily": "DAILY", "weekly": "WEEKLY", "monthly": "MONTHLY", "yearly": "YEARLY", "annually": "YEARLY"}
UNIT_FREQUENCIES = {
    "day": "DAILY", "night": "DAILY", "morning": "DAILY", "afternoon": "DAILY", "evening": "DAILY", "week": "WEEKLY",
    "month": "MONTHLY", "year": "YEARLY",
}  # fmt: skip

# Words that lead into a date and belong to it
LEADS = frozenset(
    {"on", "at", "by", "before", "until", "till", "til", "for", "due", "around", "about", "this", "@", "in"}
)
# Words that may stand between two parts of one expression
JOINTS = frozenset({"at", "on", "in", "the", "of", ",", "by", "@", "around", "about", "early", "late", "for"})
NEXT = frozenset({"next"})
THIS = frozenset({"this"})
COMING = frozenset({"coming", "upcoming"})
LAST = frozenset({"last", "past", "previous"})
# "friday to finish X", "friday about taxes": after these a weekday in mid-sentence is still a date
FUNCTION_WORDS = words(
    "to about with and at for because if so or but in from by before after when while that then please also as via"
    " regarding re the a an my our"
)
