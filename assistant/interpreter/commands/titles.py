"""Titles of tasks to add: several in one list, and each without its date, label and priority words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from assistant.interpreter import dates
from assistant.interpreter.commands import vocabulary as v
from assistant.interpreter.commands.kinds import Add
from assistant.interpreter.commands.text import EDGE, marks, squeeze, strip_quotes
from assistant.interpreter.targets import IT

_LIST_TAIL = re.compile(rf"\s+(?:to|on|onto|in|into)\s+{v.NAMED_LIST}$", re.I)
_KNOWN_TAIL = re.compile(
    rf"\s+(?:to|on|onto|in|into|for)\s+(?:my\s+|the\s+|our\s+)?(?P<list>{v.KNOWN_LIST})(?=\s|$)", re.I
)
_INTO = re.compile(
    r"(?P<title>\S.{0,80}?)\s+(?:to|under|onto|into)\s+(?:my\s+|the\s+)?#?(?P<label>[\w'&-]+(?:\s[\w'&-]+)?)"
)
_LEAD = re.compile(r"^(?:on|by|for|due|@|before|until|till|til)\s+(?=\S)|^@", re.I)
_EVERY = re.compile(r"(?:every|each)\b", re.I)
_QUOTED = re.compile(r'"[^"]+"')
_BESIDE_A_TITLE = re.compile(
    r"(?:\s|[^\w\s]|\b(?:to|on|onto|in|into|for|as|at|by|the|my|a|an|task|item|list|to-?do|please|called|named|titled|due"
    r"|with|it|saying|that|says)\b)*",
    re.I,
)
"""What may stand beside a title in quotation marks; with more the marks are a part of the title."""
_SAYS_SOMETHING = re.compile(r"\w|[^\x00-\u2fff]")
_BUT_NOT = re.compile(r",?\s+but\s+not\s+(?!only\b)[^,;]{1,60}$", re.I)
_OF_DAY = re.compile(
    r"^(?:the\s+|my\s+)?(?:(?:this|next|last)\s+)?(?:today|tomorrow|yesterday|tonight|(?:mon|tues|wednes|thurs"
    r"|fri|satur|sun)day"
    r"|week|month|year)(?:'s|s')\s+(?=\w)",
    re.I,
)
_JOINT = re.compile(r"\s*[,;]\s*(?:and\s+|&\s*|plus\s+)?|\s+(?:and|&|plus)\s+", re.I)


@dataclass(frozen=True, slots=True)
class Setting:
    """When and where the user speaks; `dates.find` and `dates.resolve` get it as it is."""

    now: datetime
    time_zone: str
    locale: str

    def find(self, text: str) -> list[dates.Span]:
        return dates.find(text, now=self.now, time_zone=self.time_zone, locale=self.locale)

    def resolve(self, text: str) -> dates.Value | None:
        return dates.resolve(text, now=self.now, time_zone=self.time_zone, locale=self.locale)

    def is_due(self, text: str) -> bool:
        """Whether the words can be a due time as a whole."""
        return due_value(self.resolve(text))

    def has_time(self, text: str) -> bool:
        """Whether the words name a time of day."""
        value = self.resolve(text)
        return isinstance(value.first if isinstance(value, dates.RecurrenceValue) else value, dates.DateTimeValue)


def due_value(value: dates.Value | None) -> bool:
    return value is not None and not isinstance(value, dates.DurationValue)


def adds(text: str, setting: Setting, label: str | None = None) -> tuple[Add, ...]:
    """The tasks that the object of an "add" names, in order; none where nothing but a date is left.

    They get the label too, or that of a list which the text names.
    """
    text, named = list_label(text)
    label = named or label
    known = None if label else _KNOWN_TAIL.search(text)
    if known:
        text, label = text[: known.start()] + text[known.end() :], known["list"].lower()
    pieces, joints = split_items(_BUT_NOT.sub("", text), setting)
    made = [one_add(piece, setting) for piece in pieces]
    if len(made) > 1 and made[-1].due and not any(add.due for add in made[:-1]) and _shares_date(pieces, joints):
        made = [replace(add, due=made[-1].due) for add in made]  # "milk and eggs for tomorrow" means both
    labels = (label,) if label else ()
    if not label:
        made[-1] = _perhaps_labelled(made[-1])
    return tuple(replace(add, labels=(*add.labels, *labels)) for add in made if _names_something(add.title))


def _names_something(title: str) -> bool:
    """Whether it is a title: "it" and mere signs name nothing to do."""
    return _SAYS_SOMETHING.search(title) is not None and title.lower() not in IT


def list_label(text: str) -> tuple[str, str | None]:
    """The text without "to my shopping list", and the label which that list is; the whole list is no label."""
    text = text.strip(" .!?")
    found = _LIST_TAIL.search(text)
    if found is None:
        return text, None
    return text[: found.start()].strip(), label_of(found["list"])


def label_of(name: str) -> str | None:
    """The label that a list of that name is."""
    name = name.strip()
    return None if name.lower() in v.WHOLE_LIST else name


def _perhaps_labelled(made: Add) -> Add:
    """ "balloons to party": whether that is a label the user's tasks tell."""
    m = _INTO.fullmatch(made.title)
    if m is None or m["title"].lower().split()[0] in v.LEADS_ELSEWHERE | v.TASK_VERBS - {"order"}:
        return made
    return replace(made, into=(m["title"], m["label"]))


def _shares_date(pieces: Sequence[str], joints: Sequence[str]) -> bool:
    """Whether a date at the end of a list is that of all of it: "milk, eggs and bread for tomorrow".

    One after ", and" is where that isn't the end of an even list: "milk, and call bob tomorrow", "milk and eggs, and
    standup every weekday". So is that of the only thing that begins with a verb.
    """
    ends_apart = joints[-1].lstrip()[:1] in (",", ";") and len(joints[-1].split()) > 1
    if ends_apart and (len(joints) == 1 or any(joint.lstrip()[:1] not in (",", ";") for joint in joints)):
        return False
    *others, last = (piece.lower().split()[0] in v.TASK_VERBS for piece in pieces)
    return any(others) or not last


def split_items(text: str, setting: Setting) -> tuple[list[str], list[str]]:
    """ "eggs, bread and butter" in three, and what joins them. Without a comma only one or two words each, and never
    "call mom and dad"."""
    shielded = [(s.start, s.end) for s in setting.find(text)] + [m.span() for m in _QUOTED.finditer(text)]
    cuts = [m for m in _JOINT.finditer(text) if not any(a < m.end() and m.start() < b for a, b in shielded)]
    ends = [0, *(place for m in cuts for place in m.span()), len(text)]
    pieces = [text[a:b].strip() for a, b in zip(ends[::2], ends[1::2], strict=True)]
    pieces = [piece for piece in pieces if piece]
    joints = [m[0] for m in cuts]
    comma = any(joint.strip()[:1] in (",", ";") for joint in joints)
    return (pieces, joints) if joints and _is_list(pieces, comma, setting) else ([text], [])


def _is_list(pieces: list[str], comma: bool, setting: Setting) -> bool:
    bare = [_without_dates(piece, setting).lower().split() for piece in pieces]
    if len(pieces) < 2 or any(not words or words[0] in v.NOT_ITEMS for words in bare):
        return False
    if not all(map(_SAYS_SOMETHING.search, pieces)):
        return False  # "'; drop table tasks; --" is one odd title
    if all(take_due(piece, setting)[1] for piece in pieces):
        return True  # "call mom at 5 and dentist on friday"
    verbs = [words[0] in v.TASK_VERBS and len(words) > 1 for words in bare]
    if verbs[0] and not all(verbs):
        return False  # "buy milk, eggs and bread" is one errand
    if comma:
        return all(len(words) <= 5 for words in bare)
    if len(bare) == 2 and (bare[0][-1].removesuffix("s"), bare[1][0].removesuffix("s")) in v.PAIRS and len(bare[1]) > 1:
        return False
    if len(bare) == 2 and (bare[0][-1], bare[1][0]) in v.KEPT_PAIRS:
        return False
    limit = 4 if all(verbs) else 2
    return all(len(words) <= limit for words in bare)


def _without_dates(text: str, setting: Setting) -> str:
    for span in reversed(setting.find(text)):
        if due_value(span.value):
            text = text[: span.start] + " " + text[span.end :]
    return squeeze(text)


def one_add(text: str, setting: Setting) -> Add:
    """One task: its title without the date words at its edges, marks and quotes taken out."""
    if quoted := _QUOTED.search(text):
        found = marks(text[: quoted.start()] + text[quoted.end() :])
        left, due = take_due(found.rest, setting)
        if _BESIDE_A_TITLE.fullmatch(left):
            return Add(quoted[0].strip('"').strip(), due, found.priority, found.labels)
    found = marks(text)
    title, due = take_due(found.rest, setting)
    return Add(strip_quotes(title), due, found.priority, found.labels)


def undated(text: str, setting: Setting) -> str:
    """What names a task, without the date words at its end or its beginning; as it is where nothing else is left."""
    text = _OF_DAY.sub("", text, count=1)
    return take_due(text, setting, past=True)[0] or squeeze(text)


def take_due(text: str, setting: Setting, *, past: bool = False) -> tuple[str, str | None]:
    """The title and the due words. Lengths stay in the title, and with `past` unset days that are over.

    So does a recurrence in the midst of it, or one that may be its first word: "daily standup", "the weekly report".
    """
    spans = [s for s in setting.find(text) if due_value(s.value) and (past or not _past(s.value, setting))]
    spans = [s for s in spans if not isinstance(s.value, dates.RecurrenceValue) or _repeats(s, text)]
    spans = [
        s
        for s in spans
        if not isinstance(s.value, dates.IntervalValue) or s.value.last_day is not None or len(spans) == 1
    ]
    if not spans:
        return squeeze(text), None
    first, last = spans[0], spans[-1]
    if first is not last and setting.is_due(both := f"{_words(first)} {_words(last)}"):
        rest = text[: first.start] + text[first.end : last.start] + text[last.end :]
        return _finished(rest), both
    at_edge = [s for s in spans if not text[: s.start].strip(" ,") or not text[s.end :].strip(" ,.!")]
    chosen = at_edge[-1] if at_edge else last
    title = _finished(text[: chosen.start] + " " + text[chosen.end :])
    if not chosen.start:
        title = re.sub(r"^(?:to|that)\s+", "", title)
    return title, _words(chosen)


def _repeats(span: dates.Span, text: str) -> bool:
    at_end = not text[span.end :].strip(" ,.!")
    return at_end or (not text[: span.start].strip(" ,") and _EVERY.match(span.text.strip()) is not None)


def _finished(title: str) -> str:
    """A title without the preposition that its date leaves behind."""
    title = squeeze(title).strip(EDGE)
    return re.sub(r"\s+(?:to|on|at|for|from|by|in|is)$", "", title) if " " in title else title


def _words(span: dates.Span) -> str:
    return _LEAD.sub("", span.text.strip()).strip()


def _past(value: dates.Value, setting: Setting) -> bool:
    """Whether it is of a day that is over."""
    here = ZoneInfo(setting.time_zone)
    today = setting.now.astimezone(here).date()
    if isinstance(value, dates.DateValue):
        return value.date < today
    return isinstance(value, dates.DateTimeValue) and value.at.astimezone(here).date() < today
