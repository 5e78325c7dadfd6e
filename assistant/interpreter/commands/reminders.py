"""Clauses about reminders, by whatever name: "give me a nudge at nine to …", "I no longer need the alert about …"."""

from __future__ import annotations

import re
from dataclasses import replace

from assistant.interpreter.commands import vocabulary as v
from assistant.interpreter.commands.follow_ups import ASK_TITLE
from assistant.interpreter.commands.kinds import Add, Command, Delete, Nothing, Update
from assistant.interpreter.commands.text import squeeze
from assistant.interpreter.commands.titles import Setting, one_add, undated

_MAKE = (
    r"(?:set(?:\s+up)?|send|give|make|create|add|schedule|open(?:\s+up)?|get|put(?:\s+(?:in|up|down))?|place"
    r"|start|issue"
    r"|leave|arrange|book|have|need|want|i(?:'d|\s+would)\s+like|i\s+(?:need|want|could\s+use)|can\s+i\s+(?:have"
    r"|get|set)"
    r"|how\s+about|new)"
)
_SENDS = r"(?:remind|notify|alert|buzz|poke|nudge|ping|warn|prompt)"
_TO = r"(?:to|about|for|of|that|regarding|concerning|saying)"
_REMIND = re.compile(
    rf"(?:{_MAKE}\s+(?:me\s+|us\s+|up\s+)?(?:an?\s+|my\s+|the\s+(?!reminders|alerts|notifications)|another\s+"
    rf"|some\s+)?"
    rf"(?:(?:new|quick|daily|weekly|monthly|gentle|event|calendar)\s+)?{v.NOTICE}"
    rf"|{_SENDS}\s+(?:me|us|myself)|{_SENDS}(?=\s+(?:on|at|in|to|about|of|my|the|this|next|tomorrow|upcoming)\b)"
    r"|(?:i\s+)?(?:would\s+)?(?:need|want|like)\s+to\s+be\s+(?:reminded|notified|alerted)"
    rf"|set\s+my\s+calendar\s+to\s+remind\s+me)"
    r"(?:\s+(?:again|please|also|up))?(?P<rest>(?:\s|:|,).+)?$",
    re.I | re.S,
)
_TELL = re.compile(r"(?:tell|let)\s+me(?:\s+know)?\s+(?P<when>.{2,60}?)\s+to\s+(?P<what>\S.+)$", re.I | re.S)
_DROP = re.compile(
    rf"(?:delete|remove|erase|trash|scrap|drop|get\s+rid\s+of|cancel|chuck(?:\s+out)?|throw\s+(?:out|away)|bin"
    rf"|dump|toss"
    rf"|discard|clear|forget|stop|turn\s+off|dismiss|take\s+(?:off|out)|i\s+(?:no\s+longer|don't|do\s+not)\s+need)\s+"
    rf"(?:an?\s+|my\s+|the\s+|that\s+|this\s+)?(?:event\s+)?{v.NOTICE}(?P<rest>\s.+)$",
    re.I | re.S,
)
_NO = re.compile(r"no\s+(?:more\s+)?reminders?\s+(?:for|about|on)\s+(?P<t>\S.*)$", re.I)
_DONT = re.compile(
    rf"(?:don't|do\s+not|stop)\s+(?:{_SENDS}|tell|reminding|notifying|alerting|telling)\s+(?:me\s+"
    rf"|us\s+)?(?P<rest>.+)$",
    re.I | re.S,
)
_UNNEEDED = re.compile(
    rf"(?:my|the)\s+{v.NOTICE}\s+(?P<rest>.+?)\s+(?:is|are)\s+(?:no\s+longer|not)\s+(?:needed|necessary|wanted)"
    r"(?:\s+any\s*more)?$",
    re.I | re.S,
)
_NOTIFIES = re.compile(rf"remind|{v.NOTICE}", re.I)
AT_DUE = "when it is due"
_ANY_MORE = re.compile(r"\s+any\s*more$", re.I)
_QUESTION = re.compile(
    r"(?:what|when|who|where|why|how|if|whether)\b|me\b|this$|that$|(?:this|that)\s+(?:time|day|song)\b|(?:was"
    r"|were|did|do|is)\b",
    re.I,
)
_WHEN = (
    r"(?:(?:on|at|in|by|for|the|this|next|tomorrow|today|tonight|every|an?|(?:mon|tues|wednes|thurs|fri|satur"
    r"|sun)day)\b"
    r"|\d)"
)
_UNREADABLE = re.compile(r"\s+(?:on|at)\s+(?:the\s+)?(?P<day>\d+(?:[._/:-]\d+)+\.?)$", re.I)
_DAY_FIRST = re.compile(
    rf"(?P<when>{_WHEN}.{{0,40}}?|daily|weekly|monthly),?\s+(?:please\s+)?(?P<what>{_SENDS}\s+(?:me|us)\s.+)$",
    re.I | re.S,
)
_PREPOSITION = re.compile(r"^(?:on|at|in|by|for)\s+(?:the\s+(?=\d))?", re.I)
_WHEN_FIRST = re.compile(rf"(?P<when>{_WHEN}.{{0,60}}?)\s+(?:to|about)\s+(?P<what>\S.*)$", re.I | re.S)
_LEAD = re.compile(
    rf"(?:(?:again|also|please)\s+)?(?:{_TO}\s+)?(?:me\s+(?:to|about)\s+)?"
    r"(?:(?:that\s+)?(?:i|we)\s+(?:need|have|ought|got)\s+to\s+|(?:that\s+)?(?:i\s+have|i've\s+got|there\s+is)\s+)?",
    re.I,
)
_TAIL = re.compile(
    r"(?P<what>.+?)[\s,.;:!-]+(?:and\s+|so\s+)?(?:please\s+)?(?:(?:can|could|will|would)\s+you\s+)?(?:please\s+)?"
    rf"(?:remind\s+me(?:\s+(?:of|about)\s+(?:it|that))?|(?:set|send|give)\s+(?:me\s+)?an?\s+{v.NOTICE}"
    r"|don't\s+let\s+me\s+forget(?:\s+(?:it|that))?"
    r"|(?:add|put|set)\s+(?:it|that|this|them)(?:\s+(?:to|on|in|down)(?:\s+(?:my|the)\s+(?:[\w-]+\s+)?(?:list"
    r"|calendar|schedule))?)?)(?P<when>\s+(?:on|for|at|by|this|next)\s.{1,40})?$",
    re.I | re.S,
)
_TAIL_LEAD = re.compile(
    r"(?:i(?:'ve|'m|\s+am|\s+have)?(?:\s+got)?\s+(?:(?:to|an?)\s+)?(?:(?:low\s+on|out\s+of|running\s+(?:low"
    r"|out)\s+(?:on|of)|need(?:\s+to)?)\s+)?"
    r"|there(?:'s|\s+is)\s+(?:an?\s+)?|we(?:'re|\s+are|\s+have)\s+(?:(?:out\s+of|low\s+on|an?)\s+)?)",
    re.I,
)


def reminding(clause: str, setting: Setting) -> tuple[Command, ...] | None:
    """The task that a reminder is asked for; None where it isn't about one."""
    if m := _REMIND.match(clause):
        if not m["rest"]:
            return (Nothing(question=ASK_TITLE),)
        rest = m["rest"].strip(" ,:")
        return None if _QUESTION.match(rest) else _reminded(_reminder(rest, setting), setting)
    if (m := _DAY_FIRST.match(clause)) and setting.is_due(m["when"]) and (later := _REMIND.match(m["what"])):
        rest = (later["rest"] or "").strip(" ,:")
        return _reminded(_reminder(f"{rest} {m['when']}", setting), setting) if rest else None
    if (m := _TELL.match(clause)) and setting.is_due(re.sub(r"^(?:on|at)\s+", "", m["when"])):
        return _reminded((replace(one_add(m["what"], setting), due=m["when"]),), setting)
    if (m := _TAIL.match(clause)) and not m["what"].endswith("?"):
        made = one_add(_TAIL_LEAD.sub("", m["what"], count=1) + (m["when"] or ""), setting)
        made_of = (made,) if made.title else None
        return _reminded(made_of, setting) if made_of and _NOTIFIES.search(clause, m.end("what")) else made_of
    return None


def _reminded(commands: tuple[Command, ...], setting: Setting) -> tuple[Command, ...]:
    """With a reminder when it is due, where that is a time of day."""
    return tuple(
        replace(one, remind=AT_DUE) if isinstance(one, Add) and one.due and setting.has_time(one.due) else one
        for one in commands
    )


def _reminder(rest: str, setting: Setting) -> tuple[Command, ...]:
    made = _when_first(rest, setting) or one_add(_LEAD.sub("", rest, count=1), setting)
    made = _without_unreadable(replace(made, title=_bare(made.title)))
    return (made,) if made.title else (Nothing(question=ASK_TITLE),)


def _when_first(rest: str, setting: Setting) -> Add | None:
    """ "on 10_11_2023 about the courier": what stands before "about" is the time, whether it can be read or not."""
    m = _WHEN_FIRST.match(rest)
    if m is None or not _is_when(m["when"], setting):
        return None
    when = _PREPOSITION.sub("", m["when"]).strip(" .,")
    when = when if setting.is_due(when) else m["when"]
    made = one_add(m["what"], setting)
    if made.due is None:
        return replace(made, due=when)
    at_end = m["what"].rstrip(" .!").endswith(made.due)
    if at_end and setting.is_due(both := f"{when} {made.due}"):
        return replace(made, due=both)
    return replace(made, title=squeeze(m["what"]).rstrip("."), due=when)


def _without_unreadable(made: Add) -> Add:
    """The task with a day at the end of its title, which can't be read, among its due words: that it asks about."""
    m = _UNREADABLE.search(made.title)
    if m is None:
        return made
    return replace(made, title=made.title[: m.start()], due=f"{m['day']} {made.due or ''}".strip())


def _is_when(words: str, setting: Setting) -> bool:
    """Whether words before "to" or "about" are a time, be it one that can't be read."""
    if re.search(r"\d", words) and not re.match(r"for\s+(?!\d|\w+day)", words, re.I):
        return True
    return setting.is_due(words) or setting.is_due(_PREPOSITION.sub("", words))


def _bare(title: str) -> str:
    """A title without the "to" or "about" that a date stood before."""
    return _LEAD.sub("", title, count=1).strip() or title


def dropping(clause: str, setting: Setting) -> tuple[Command, ...] | None:
    """The task whose reminder isn't wanted any more: it goes, but for "no reminder for it", which it stays without."""
    if m := _NO.match(clause):
        return (Update(_bare(m["t"]), remind="none"),)
    m = _DROP.match(clause) or _UNNEEDED.match(clause) or _DONT.match(clause)
    if m is None:
        return None
    rest = _ANY_MORE.sub("", m["rest"].strip())
    if m.re is _DONT and not re.search(r"\b(?:to|about|of)\s", rest, re.I):
        return None
    if (first := _WHEN_FIRST.match(rest)) and _is_when(first["when"], setting):
        rest = first["what"]
    name = _UNREADABLE.sub("", undated(_LEAD.sub("", rest, count=1), setting))
    return (Delete(_bare(name)),) if name else None
