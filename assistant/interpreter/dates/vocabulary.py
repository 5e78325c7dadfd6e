"""English words of dates and times, as data. Another language is another module with the same names."""

from __future__ import annotations

from assistant.interpreter.dates import borrowed


def words(*lines: str) -> frozenset[str]:
    """The words of the lines."""
    return frozenset(" ".join(lines).split())


WEEKDAYS = {
    "monday": 0, "mon": 0, "tuesday": 1, "tues": 1, "tue": 1, "wednesday": 2, "weds": 2, "wed": 2,
    "thursday": 3, "thurs": 3, "thur": 3, "thu": 3, "friday": 4, "fri": 4,
    "saturday": 5, "sat": 5, "sunday": 6, "sun": 6,
}  # fmt: skip
WEEKDAY_PLURALS = {f"{name}s": day for name, day in WEEKDAYS.items() if name.endswith("day")}
# Weekday abbreviations that are words of their own: a day only beside other date words or after "on", "by", …
WEEKDAY_WORDS = frozenset({"sat", "sun", "wed", "mon"})
WEEKDAY_CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
WEEKDAY_SETS = {
    "weekday": (0, 1, 2, 3, 4), "weekdays": (0, 1, 2, 3, 4), "workday": (0, 1, 2, 3, 4), "workdays": (0, 1, 2, 3, 4),
    "weekend": (5, 6), "weekends": (5, 6), "wknd": (5, 6),
}  # fmt: skip
# "Black Friday", "Sunday roast": names that hold a weekday
NAMED_BEFORE = frozenset(
    {"black", "good", "ash", "cyber", "taco", "casual", "palm", "easter", "giving", "ruby", "super"}
)
NAMED_AFTER = frozenset({"times", "roast", "lights", "live", "fever", "school", "blues", "express", "brunch"})

MONTHS = {
    "january": 1, "jan": 1, "february": 2, "feb": 2, "march": 3, "mar": 3, "april": 4, "apr": 4, "may": 5,
    "june": 6, "jun": 6, "july": 7, "jul": 7, "august": 8, "aug": 8, "september": 9, "sept": 9, "sep": 9,
    "october": 10, "oct": 10, "november": 11, "nov": 11, "december": 12, "dec": 12,
}  # fmt: skip
# Months that are words of their own, or short for other things: a month only where something says so
MONTH_WORDS = frozenset({"may", "march", "mar", "jan", "dec", "sep", "sept", "oct", "nov", "jun", "jul", "aug", "apr",
                         "feb", "august", "april", "june"})  # fmt: skip

RELATIVE_DAYS = {"today": 0, "tomorrow": 1, "overmorrow": 2, "yesterday": -1}
NOW = frozenset({"now"})

# The hour that each part of the day stands for, and the hours that it covers
PARTS = {
    "morning": (9, 8, 12), "forenoon": (9, 8, 12), "lunch": (12, 12, 14), "lunchtime": (12, 12, 14),
    "afternoon": (15, 12, 16), "evening": (18, 16, 20), "dinner": (19, 18, 21), "dinnertime": (19, 18, 21),
    "night": (20, 18, 24), "nighttime": (20, 18, 24), "bedtime": (22, 21, 24), "breakfast": (8, 7, 9),
    "midmorning": (10, 9, 11), "midafternoon": (14, 13, 15), "teatime": (16, 16, 18), "supper": (19, 18, 21),
    "suppertime": (19, 18, 21), "dawn": (6, 5, 7), "daybreak": (6, 5, 7), "sunrise": (6, 5, 7), "dusk": (18, 17, 19),
    "sunset": (18, 17, 19), "sundown": (18, 17, 19), "nightfall": (18, 17, 19),
    "day": (9, 0, 24), "after work": (17, 17, 21), "after school": (15, 15, 18),
}  # fmt: skip
PART_PLURALS = {"mornings": "morning", "afternoons": "afternoon", "evenings": "evening", "nights": "night"}
# Parts that are as well something to do: "lunch with Anna" is no time
PART_NOUNS = frozenset({"lunch", "dinner", "breakfast", "supper", "dawn", "sunrise", "sunset"})
MORNING = frozenset({"morning", "forenoon", "breakfast", "midmorning", "dawn", "daybreak", "sunrise"})
NIGHT = frozenset({"night", "nighttime", "bedtime"})
TONIGHT = frozenset({"tonight"})
NOON = frozenset({"noon", "midday", "noontime"})
MIDNIGHT = "midnight"
SHARP = frozenset({"sharp", "prompt"})
OCLOCK = frozenset({"o'clock", "oclock"})
ISH = "ish"

SMALL_NUMBERS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
HUNDRED = "hundred"
VAGUE = {"couple": 2, "few": 3, "several": 7, "dozen": 12, "some": 3}
ORDINALS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16,
    "seventeenth": 17, "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "thirtieth": 30,
}  # fmt: skip
ORDINAL_ENDS = frozenset({"st", "nd", "rd", "th"})
FRACTION_SIGNS = {"½": 0.5, "¼": 0.25, "¾": 0.75}
FRACTIONS = {"half": 0.5, "quarter": 0.25, "quarters": 0.25}
ARTICLES = frozenset({"a", "an"})
THE = frozenset({"the", "that", "my", "our"})

# unit: (months, days, seconds) of one
_UNITS = {
    "second": (0, 0, 1), "minute": (0, 0, 60), "hour": (0, 0, 3600), "day": (0, 1, 0), "night": (0, 1, 0),
    "week": (0, 7, 0), "fortnight": (0, 14, 0), "month": (1, 0, 0), "quarter": (3, 0, 0), "year": (12, 0, 0),
    "decade": (120, 0, 0), "century": (1200, 0, 0),
}  # fmt: skip
LENGTHS = _UNITS
UNITS = {name: name for name in _UNITS} | {f"{name}s": name for name in _UNITS} | {
    "sec": "second", "secs": "second", "min": "minute", "mins": "minute", "hr": "hour", "hrs": "hour", "wk": "week",
    "wks": "week", "mos": "month", "mons": "month", "mth": "month", "mths": "month", "yr": "year", "yrs": "year",
    "qtr": "quarter", "qtrs": "quarter", "centuries": "century", "week's": "week", "weeks'": "week",
    "day's": "day", "month's": "month", "year's": "year", "hour's": "hour", "minute's": "minute",
    "fortnight's": "fortnight",
}  # fmt: skip
# Only after a number
SHORT_UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "mon": "month",
               "y": "year"}  # fmt: skip
PERIOD_UNITS = frozenset({"day", "week", "month", "quarter", "year", "decade", "fortnight"})
WEEKENDS = frozenset({"weekend", "wknd"})
WEEK_WORDS = frozenset({"week", "wk", "cw", "kw"})
WORKING = frozenset({"business", "working", "work"})
WORKING_DAYS = frozenset({"workday", "workdays", "weekday", "weekdays"})
SEASONS = {"spring": (3, 20), "summer": (6, 21), "autumn": (9, 23), "fall": (9, 23), "winter": (12, 21)}
SEASON = "season"

FREQUENCIES = {
    "daily": ("DAILY", 1), "weekly": ("WEEKLY", 1), "biweekly": ("WEEKLY", 2), "fortnightly": ("WEEKLY", 2),
    "monthly": ("MONTHLY", 1), "bimonthly": ("MONTHLY", 2), "quarterly": ("MONTHLY", 3), "yearly": ("YEARLY", 1),
    "annually": ("YEARLY", 1), "hourly": ("HOURLY", 1), "nightly": ("DAILY", 1),
    "semiannually": ("MONTHLY", 6), "biannually": ("MONTHLY", 6), "halfyearly": ("MONTHLY", 6),
    "everyday": ("DAILY", 1), "annual": ("YEARLY", 1), "semiannual": ("MONTHLY", 6), "biannual": ("MONTHLY", 6),
    "triweekly": ("WEEKLY", 3), "biennially": ("YEARLY", 2),
}  # fmt: skip
UNIT_FREQUENCIES = {
    "second": ("SECONDLY", 1), "minute": ("MINUTELY", 1), "hour": ("HOURLY", 1), "day": ("DAILY", 1),
    "night": ("DAILY", 1), "week": ("WEEKLY", 1), "fortnight": ("WEEKLY", 2), "month": ("MONTHLY", 1),
    "quarter": ("MONTHLY", 3), "year": ("YEARLY", 1), "decade": ("YEARLY", 10),
}  # fmt: skip
EVERY = frozenset({"every", "each"})
EXCEPT = frozenset({"except", "excluding", "but", "besides", "excepting"})
OTHER = frozenset({"other", "alternate"})
EVERYDAY = "everyday"
ONCE = {"once": 1, "one": 1}
TIMES = frozenset({"times", "time", "x", "occurrences"})
STARTING = frozenset({"starting", "beginning", "from", "commencing", "start", "starts", "begin", "begins", "since"})
EDGE_OF_MONTH = {"begin": 1, "beginning": 1, "start": 1, "end": -1}

# Words that lead into a date and belong to it
LEADS = frozenset(
    {"on", "at", "by", "before", "until", "till", "til", "for", "due", "around", "about", "this", "@", "in", "after",
     "through", "thru",
     "since", "from", "during", "over", "within", "approximately", "~", "starting", "beginning"}
)  # fmt: skip
# Words that may stand between two parts of one expression
JOINTS = frozenset({"at", "on", "in", "the", "of", ",", "by", "@", "around", "about", "for", "approximately",
                    "approx", "ca", "circa",
                    "(", ")",
                    "-", "/", ".", ":", "during", "'s"})  # fmt: skip
NEXT = frozenset({"next", "following"})
THIS = frozenset({"this", "current"})
COMING = frozenset({"coming", "upcoming"})
LAST = frozenset({"last", "past", "previous", "prior"})
FINAL = frozenset({"last", "final"})
AGO = frozenset({"ago", "earlier", "back", "prior"})
HENCE = frozenset({"hence", "later", "out"})
AND = frozenset({"and", "&", ","})
TO = frozenset({"to", "-", "until", "till", "til", "untill", "through", "thru", "~", "/"})
BETWEEN = "between"
FROM = "from"
ABOUT = frozenset({"around", "about", "approximately", "circa", "~", "exactly", "sharp", "ca", "approx"})
AT = frozenset({"at", "@"})
BOUNDS = {
    "by": "by", "until": "by", "till": "by", "til": "by", "untill": "by", "before": "before", "after": "after",
    "since": "since", "from": "since", "starting": "since", "beginning": "since", "through": "by", "thru": "by",
}  # fmt: skip
EDGES = {
    "beginning": "start", "start": "start", "begin": "start", "early": "start", "middle": "middle", "mid": "middle",
    "end": "end", "late": "end", "close": "end", "ending": "end",
}  # fmt: skip
NEARLY = {"early": "start", "earlier": "start", "late": "end", "later": "end", "mid": "middle", "middle": "middle"}
TO_DATE = {"ytd": "year", "qtd": "quarter", "mtd": "month", "wtd": "week"}
DECADES = {"twenties": 2020, "thirties": 1930, "forties": 1940, "fifties": 1950, "sixties": 1960, "seventies": 1970,
           "eighties": 1980, "nineties": 1990}  # fmt: skip
REST = frozenset({"rest", "remainder", "remaining"})
SHORT_EDGES = {
    "eod": ("end", "day"), "eow": ("end", "week"), "eom": ("end", "month"), "eoy": ("end", "year"),
    "eoq": ("end", "quarter"), "bom": ("start", "month"), "boy": ("start", "year"), "cob": ("end", "business"),
    "eob": ("end", "business"),
}  # fmt: skip
DAY_ENDS = {"day": (23, 59), "business": (17, 0), "work": (17, 0), "workday": (17, 0)}
AM_PM = {"am": "a", "pm": "p", "a": "a", "p": "p"}
ERAS = frozenset({"ad", "ce"})

# Zones by the names people use; a fixed offset in minutes where the name says which half of the year it is
ZONES: dict[str, str | int] = {
    "utc": 0, "gmt": 0, "z": 0, "zulu": 0, "pst": -480, "pdt": -420, "mst": -420, "mdt": -360, "cst": -360,
    "cdt": -300, "est": -300, "edt": -240, "akst": -540, "hst": -600, "bst": 60, "cet": "Europe/Berlin",
    "cest": 120, "eet": "Europe/Helsinki", "eest": 180, "wet": "Europe/Lisbon", "msk": 180, "ist": 330, "jst": 540,
    "kst": 540, "hkt": 480, "sgt": 480, "aest": 600, "aedt": 660, "acst": 570, "awst": 480, "nzst": 720, "nzdt": 780,
    "pt": "America/Los_Angeles", "mt": "America/Denver", "ct": "America/Chicago", "et": "America/New_York",
}  # fmt: skip
ZONE_WORDS = {
    "pacific": "America/Los_Angeles", "mountain": "America/Denver", "central": "America/Chicago",
    "eastern": "America/New_York", "london": "Europe/London", "berlin": "Europe/Berlin", "paris": "Europe/Paris",
    "tokyo": "Asia/Tokyo", "sydney": "Australia/Sydney", "chicago": "America/Chicago", "denver": "America/Denver",
    "seattle": "America/Los_Angeles", "boston": "America/New_York", "toronto": "America/Toronto",
    "vancouver": "America/Vancouver", "madrid": "Europe/Madrid", "rome": "Europe/Rome", "vienna": "Europe/Vienna",
    "amsterdam": "Europe/Amsterdam", "zurich": "Europe/Zurich", "stockholm": "Europe/Stockholm",
    "oslo": "Europe/Oslo", "helsinki": "Europe/Helsinki", "moscow": "Europe/Moscow", "istanbul": "Europe/Istanbul",
    "dubai": "Asia/Dubai", "mumbai": "Asia/Kolkata", "delhi": "Asia/Kolkata", "india": "Asia/Kolkata",
    "beijing": "Asia/Shanghai", "shanghai": "Asia/Shanghai", "china": "Asia/Shanghai", "singapore": "Asia/Singapore",
    "seoul": "Asia/Seoul", "korea": "Asia/Seoul", "japan": "Asia/Tokyo", "melbourne": "Australia/Melbourne",
    "uk": "Europe/London", "new york": "America/New_York", "los angeles": "America/Los_Angeles",
    "san francisco": "America/Los_Angeles", "hong kong": "Asia/Hong_Kong", "mexico city": "America/Mexico_City",
}  # fmt: skip
ZONE_NOUNS = frozenset({"time", "timezone"})

# "friday to finish X", "friday about taxes": after these a weekday in mid-sentence is still a date
FUNCTION_WORDS = words(
    "to about with and at for because if so or but in from by before after when while that then please also as via"
    " regarding re the a an my our i we he she it you they is are was were will would work works"
)

# What people write for words of the vocabulary
ALIASES = borrowed.WORDS | {
    "tdy": "today", "tmrw": "tomorrow", "tmr": "tomorrow", "tmw": "tomorrow", "2moro": "tomorrow", "2morow": "tomorrow",
    "2morrow": "tomorrow", "2nite": "tonight", "2day": "today",
    "tommorow": "tomorrow", "tommorrow": "tomorrow", "tomo": "tomorrow", "ystday": "yesterday",
    "tonite": "tonight", "yday": "yesterday", "week-end": "weekend", "week end": "weekend", "week-ends": "weekends",
    "week ends": "weekends",
    "nite": "night", "tmmrw": "tomorrow", "tomm": "tomorrow", "xmas": "christmas",
    "janaury": "january", "feburary": "february", "febr": "february", "wednsday": "wednesday",
    "wendsday": "wednesday", "thrusday": "thursday", "satuday": "saturday", "wensday": "wednesday",
}  # fmt: skip
# Misspelt by one edit, these are still read; all others must be spelt as they are
CORRECTED = (
    *(name for name in WEEKDAYS if len(name) > 5), *(name for name in MONTHS if len(name) > 5), "april",
    "today", "tonight", "tomorrow", "yesterday", "weekend", "weekday", "afternoon", "evening", "morning", "midnight",
    "fortnight", "christmas", "thanksgiving", "everyday", "minutes", "months",
)  # fmt: skip
# Words of the language that lie one edit from those
LOOKALIKES = words(
    "sundae frida monda mourning moaning toady toddy augusta auguste evensong weekends weekdays warning evenings"
    " mornings afternoons todays tomorrows leaving minuets mouths minute month moths knights marcher marches"
    " febrile julys junes aprils augusts sunda evening's morning's sundays mondays tuesdays wednesdays thursdays"
    " fridays saturdays sundry octobers everyday's"
)
KNOWN = frozenset({*CORRECTED, *LOOKALIKES, *WEEKDAY_PLURALS, *UNITS, *PARTS})
# The hours of an early or late part, where they aren't the first or second half of it
PART_EDGES = {("morning", "start"): (6, 8), ("night", "end"): (21, 24), ("day", "start"): (0, 12),
              ("day", "middle"): (10, 14), ("day", "end"): (12, 24)}  # fmt: skip
# What early or late in the day is due by
DAY_DUES = {"start": 9, "middle": 12, "end": 17}
# Words before a length that say how near it is, or which side
ALMOST = frozenset({"about", "around", "approx", "circa",
                    "nearly", "almost", "roughly", "approximately", "exactly", "over", "under", "up",
                    "least", "most", "more", "less"})  # fmt: skip
# Every word that an expression can begin with
BEGINNINGS = frozenset({
    *WEEKDAYS, *WEEKDAY_PLURALS, *WEEKDAY_SETS, *MONTHS, *RELATIVE_DAYS, *NOW, *PARTS, *PART_PLURALS, *TONIGHT, *NOON,
    MIDNIGHT, *SMALL_NUMBERS, *TENS, HUNDRED, *VAGUE, *ORDINALS, *FRACTIONS, *ARTICLES, *THE, *UNITS, *SEASONS,
    *FREQUENCIES, *EVERY, EVERYDAY, *ONCE, *STARTING, *EDGE_OF_MONTH, *NEXT, *THIS, *COMING, *LAST, *FINAL, BETWEEN,
    FROM, *EDGES, *NEARLY, *REST, *SHORT_EDGES, "at", "@", "in", "on", "within", "for", "during", "right", "just",
    "day", "+", "q", "all", "whole", "entire", "closest", "nearest", "bi", "semi", "year", "another", "later",
    "penultimate",
    *WEEK_WORDS, "w", "calendar", "iso", "same", "-", "h", "fy", "fiscal", "alternate",
    *FRACTION_SIGNS, *TO_DATE, *DECADES, *ALMOST,
    "after", "mid", "until", "till",
    "'",
})  # fmt: skip
PLUS = {"+": 1, "plus": 1, "minus": -1, "-": -1}
# Behind these "the month" and a bare year are periods
BEFORE_PERIODS = words("in for during since until till through before after from between = by within")
# Words that only lead to an expression or join its parts: none is one without another
SMALL_WORDS = frozenset({*ALMOST, "same", "-",
                         *ARTICLES, *THE, *STARTING, "at", "@", "in", "on", "within", "for", "during", "right", "just",
                         "+", "'", "after", "until", "till", "all", "whole", "entire", BETWEEN, FROM, *THIS, *NEXT,
                         *LAST, *COMING})  # fmt: skip
TELLING = (BEGINNINGS - SMALL_WORDS) | {"moment", "time", "date", "am", "pm", SEASON, *WORKING}
# Before "last" they show that it is a verb
AUXILIARIES = words(
    "to will would should must can could might may not shouldn't won't can't doesn't didn't don't wouldn't i'll it'll"
    " does did"
)
AWAITED = frozenset({"timer", "timers", "alarm", "countdown", "wait", "sleep"})
CLOSEST = frozenset({"closest", "nearest"})
WHOLE = frozenset({"all", "whole", "entire", "full"})
# Zones said without "time": "5pm pacific"
BARE_ZONE_WORDS = frozenset({"pacific", "mountain", "central", "eastern"})
BOUND_PHRASES = {
    ("no", "later", "than"): "by", ("not", "later", "than"): "by", ("not", "after"): "by", ("on", "or", "before"): "by",
    ("at", "the", "latest"): "by", ("up", "to"): "by", ("up", "until"): "by", ("up", "till"): "by",
    ("no", "earlier", "than"): "since", ("not", "earlier", "than"): "since", ("not", "before"): "since",
    ("on", "or", "after"): "since", ("as", "of"): "since", ("as", "early", "as"): "since",
    ("starting", "from"): "since", ("starting", "on"): "since", ("beginning", "on"): "since",
    ("earlier", "than"): "before", ("prior", "to"): "before",
    ("later", "than"): "after",
}  # fmt: skip
# Words behind a date that bound it
BOUND_SUFFIXES = {
    ("or", "later"): "since", ("and", "later"): "since", ("or", "after"): "since", ("and", "after"): "since",
    ("onwards",): "since", ("onward",): "since", ("and", "onwards"): "since", ("and", "beyond"): "since",
    ("or", "earlier"): "by", ("or", "before"): "by", ("and", "earlier"): "by", ("and", "before"): "by",
    ("or", "sooner"): "by", ("at", "the", "latest"): "by", ("at", "latest"): "by", ("at", "the", "earliest"): "since",
}  # fmt: skip
ENDING = frozenset({"until", "till", "til", "untill", "to", "through", "thru", "ending", "ends", "before", "stopping"})
# Words between "in" and a length that leave it what it is
ROUGHLY = frozenset({"about", "around", "exactly", "approximately", "roughly", "under", "just", "only"})
