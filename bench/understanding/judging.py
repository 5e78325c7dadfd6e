"""Whether an answer of the interpreter is what a row of a labelled corpus expects. The rows stay where they are.

A date row has `text`, `reference`, `tz`, `hints`, `source` and `expect` (kind; start, end or several in `accept`, the
end inclusive or exclusive; seconds; rrule). A command row has `text`, `source`, `intent`, `hard` and `slots`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta

Row = Mapping[str, object]

_DAY = timedelta(days=1)
_RULE_PARTS = ("byday", "bymonthday", "bymonth", "bysetpos")
_SMALL_WORDS = frozenset({"a", "an", "the", "my", "our", "to", "please"})


def right_value(expected: Row, answer: Row) -> bool:
    """Whether the resolved value is the one expected, whatever it is called (a time will do for its day)."""
    kind, got = expected["kind"], answer.get("kind", "none")
    match kind:
        case "none":
            return got == "none"
        case "date" | "datetime":
            wanted = expected.get("accept") or [expected["start"]]
            return got in ("date", "datetime", "interval") and any(_starts(kind, w, answer) for w in wanted)
        case "interval":
            ends = expected.get("accept") or [[expected.get("start"), expected.get("end")]]
            return got == "interval" and any(_covers(start, end, answer) for start, end in ends)
        case "duration":
            return got == "duration" and abs(float(str(answer["seconds"])) - float(str(expected["seconds"]))) < 1
        case _:
            return got == "recurrence" and _same_rule(expected["rrule"], answer["rrule"])


def _starts(kind: object, wanted: str, answer: Row) -> bool:
    start, end = _moment(answer.get("start")), _moment(answer.get("end"))
    if start is None:
        return False
    if kind == "datetime":
        return answer["kind"] != "date" and start.replace(second=0) == datetime.fromisoformat(wanted).replace(second=0)
    short = answer["kind"] != "interval" or end is None or end - start <= _DAY
    return short and start.date() == date.fromisoformat(wanted[:10])


def _covers(start: str | None, end: str | None, answer: Row) -> bool:
    """Both ends, where both are expected. Days may end with the last one or before the next."""
    first, last = _moment(answer.get("start")), _moment(answer.get("end"))
    if start is not None and (first is None or not _same(start, first)):
        return False
    if end is None:
        return True
    if last is None:
        return False
    if len(end) > 10:
        return abs(last - datetime.fromisoformat(end)) <= timedelta(minutes=1)
    day = datetime.fromisoformat(end)
    return day - _DAY <= last < day + _DAY or last == day + _DAY


def _same(wanted: str, got: datetime) -> bool:
    if len(wanted) == 10:
        return got.date() == date.fromisoformat(wanted)
    return got.replace(second=0) == datetime.fromisoformat(wanted).replace(second=0)


def _same_rule(wanted: object, got: object) -> bool:
    assert isinstance(wanted, Mapping)
    assert isinstance(got, Mapping)
    if str(wanted["freq"]) != str(got.get("freq")) or int(wanted.get("interval") or 1) != int(got.get("interval") or 1):
        return False
    if any(_listed(wanted.get(part)) != _listed(got.get(part)) for part in _RULE_PARTS):
        return False
    if "byhour" in wanted:
        times = [(_listed(one.get("byhour")), _listed(one.get("byminute") or 0)) for one in (wanted, got)]
        if times[0] != times[1]:
            return False
    until = str(got.get("until") or "")[:8]
    return all(str(wanted[part]) == str(got.get(part)) for part in ("count",) if part in wanted) and (
        "until" not in wanted or wanted["until"].replace("-", "") == until
    )


def _listed(value: object) -> list[str]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    return sorted(str(one).upper() for one in values)


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)[:19]) if text else None


def is_core(expected: Row, text: str) -> bool:
    """No holiday, nothing past or open, no quarter or year, and a text of at most 60 characters."""
    rare = any(expected.get(mark) for mark in ("holiday", "past", "open"))
    return not (rare or expected.get("grain") in ("quarter", "year") or len(text) > 60)


def title_words(text: object) -> list[str]:
    """The words of a title that count."""
    words = re.sub(r"[^a-z0-9' ]", " ", str(text).lower()).split()
    return [word for word in words if word not in _SMALL_WORDS]


def shared_words(wanted: list[str], got: list[str]) -> float:
    """F1 of the words."""
    if not wanted or not got:
        return float(wanted == got)
    common = sum((Counter(wanted) & Counter(got)).values())
    return 2 * common / (len(wanted) + len(got))
