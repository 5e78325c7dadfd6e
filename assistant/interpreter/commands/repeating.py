"""Clauses about tasks that repeat and their reminders: "skip …", "snooze it for …", "make … repeat …"."""

from __future__ import annotations

import re

from assistant.interpreter import dates
from assistant.interpreter.commands import vocabulary as v
from assistant.interpreter.commands.kinds import Command, Skip, Snooze, Update
from assistant.interpreter.commands.text import target
from assistant.interpreter.commands.titles import Setting

_AT_MOST = 700
"""Code points: no title is longer, and each pattern looks at all of a clause."""

_SKIP = re.compile(
    r"skip\s+(?:(?:the\s+)?(?:next|present|this|today's|tomorrow's|this week's)\s+"
    r"(?:(?:occurrence|instance|one)\s+of\s+)?)?"
    r"(?P<t>.+?)(?:\s+(?:this time|this once|just once|once|today|tomorrow|this week|for now))?$",
    re.I,
)
_SNOOZE = re.compile(
    r"snooze(?:\s+(?P<t>.+?))?\s+(?P<how>for|until|till|til|to)\s+(?P<until>.+)$|snooze\s+(?P<bare>\S.*)$", re.I
)
_PRONOUN = re.compile(r"(?:it|this|that|(?:the|my|that|this)\s+reminder)", re.I)
_REPEAT = (
    re.compile(r"(?:make|have|let|set)\s+(?P<t>.+?)\s+(?:to\s+)?(?:repeat|recur|be repeated)\s+(?P<r>.+)$", re.I),
    re.compile(r"repeat\s+(?P<t>.+?)\s+(?P<r>(?:every|each|daily|weekly|monthly|yearly|annually)\b.*)$", re.I),
    re.compile(
        r"(?P<t>.+?)\s+(?:should\s+|shall\s+)?(?:repeats?|recurs?)\s+(?P<r>(?:every|each|daily|weekly|monthly|yearly).*)$",
        re.I,
    ),
)
_REPEAT_NO_MORE = (
    re.compile(
        r"(?:stop|end|cancel|remove)\s+(?:the\s+)?(?:repeating|recurrence|recurring|repeats?)(?:\s+(?:of|on|for|from))?\s+(?P<t>.+)$",
        re.I,
    ),
    re.compile(
        r"(?:make|let|have)\s+(?P<t>.+?)\s+(?:not|stop)\s+(?:repeat|repeating|recur|recurring)(?:\s+any ?more)?$", re.I
    ),
    re.compile(
        r"(?P<t>.+?)\s+(?:doesn't|does not|shouldn't|should not|needn't|no longer)\s+(?:repeats?|recurs?)"
        r"(?:\s+any ?(?:more|longer))?$",
        re.I,
    ),
    re.compile(r"(?:don't|do not)\s+repeat\s+(?P<t>.+?)(?:\s+any ?more)?$", re.I),
)
_BEFORE = re.compile(
    r"(?:remind me|(?:set|give me|add)\s+(?:a\s+)?reminder)\s+(?P<r>.+?\s+before)(?:\s+(?P<t>.+))?$", re.I
)
_SILENCE = re.compile(
    r"(?:turn\s+off|switch\s+off|disable|mute|silence)\s+(?:the\s+|its\s+|my\s+|that\s+)?(?:reminder|notification|alert)"
    r"(?:\s+(?:for|of|on|about|to)\s+(?P<t>\S.*))?$|(?:remove|clear|cancel)\s+its\s+reminder$",
    re.I,
)
_ABOUT_AGAIN = re.compile(
    r"(?:remind me)\s+(?:of|about)\s+(?P<t>.+?)"
    r"\s+(?P<r>\S+\s+\S+\s+(?:before(?:hand)?|early|ahead|in advance))$",
    re.I,
)


def repeating(clause: str, setting: Setting) -> tuple[Command, ...] | None:
    """What this clause does to a task that repeats or reminds; None where it is about something else."""
    if len(clause) > _AT_MOST:
        return None
    if m := _SKIP.match(clause):
        return (Skip(target(m["t"])),)
    if m := _SNOOZE.match(clause):
        return _snooze(m, setting)
    if m := next((m for pattern in _REPEAT_NO_MORE if (m := pattern.match(clause))), None):
        return (Update(target(m["t"]), recurrence="none"),)
    for pattern in _REPEAT:
        if (m := pattern.match(clause)) and isinstance(setting.resolve(m["r"]), dates.RecurrenceValue):
            return (Update(target(m["t"]), recurrence=m["r"].strip(" .!")),)
    if (m := _BEFORE.match(clause) or _ABOUT_AGAIN.match(clause)) and _is_length(m["r"], setting):
        return (Update(target(m["t"] or "it"), remind=m["r"].strip()),)
    if m := _SILENCE.match(clause):
        return (Update(target(m["t"] or "it"), remind="none"),)
    return None


def _snooze(m: re.Match[str], setting: Setting) -> tuple[Command, ...] | None:
    """What puts a reminder off; of a task without one the server moves the due date. Several at once are moved."""
    if m["bare"]:
        words = _PRONOUN.sub("", m["bare"], count=1).strip() if _PRONOUN.match(m["bare"]) else m["bare"]
        return (Snooze(words),) if isinstance(setting.resolve(words), dates.DurationValue) else None
    value = setting.resolve(m["until"])
    if value is None:
        return None
    about = None if m["t"] is None or _PRONOUN.fullmatch(m["t"].strip()) else target(m["t"])
    if about is not None and v.SEVERAL.match(about):
        return None
    return (Snooze(m["until"].strip(" .!"), about),)


def _is_length(words: str, setting: Setting) -> bool:
    return isinstance(setting.resolve(re.sub(r"\s+\S+$", "", words)), dates.DurationValue)
