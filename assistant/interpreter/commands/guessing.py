"""A clause whose kind is known but whose grammar isn't: what its verb leaves is taken for its object."""

from __future__ import annotations

import re

from assistant.interpreter.commands import vocabulary as v
from assistant.interpreter.commands.asking import filters
from assistant.interpreter.commands.kinds import Add, Command
from assistant.interpreter.commands.past import was_done
from assistant.interpreter.commands.text import bare_target, squeeze, target
from assistant.interpreter.commands.titles import Setting, adds, undated

_ADD_LEAD = re.compile(
    r"(?:(?:go ahead and|make sure to|remember to|i (?:need|want|have|would like) (?:you )?to|i(?:'d"
    r"| would) like(?: to)?)\s+)?"
    r"(?:please\s+)?(?:(?:add|put|set|make|create|schedule|book|arrange|plan|mark|enter|note|log|record|save"
    r"|block|include"
    r"|insert|append|repeat|organi[sz]e|start|open|need|have|want|add)(?:\s+(?:up|in|down|me|off))?\s+)?"
    r"(?:calendar\s+)?(?:that\s+)?(?:an?\s+|the\s+|my\s+|another\s+|some\s+)?(?:new\s+)?"
    rf"(?:(?:{v.TASK}|{v.NOTICE}|events?|items?|entry|calendar event)\s*(?:for|to|of|about|called|named|on|:)\s+)?",
    re.I,
)
_ONCE = re.compile(
    r"(?P<once>when|once|if|as\s+soon\s+as|after)\s+(?P<that>\S.{1,80}?)\s*,?\s+(?:please\s+)?remind\s+me\s+(?:to|about)\s+(?P<what>\S.*)$",
    re.I,
)
_I_HAVE = re.compile(
    r"(?:i(?:'ve| will| have|'ll)?|there(?:'s| is| will be)|we(?:'ve| have)?)\s+(?:got\s+|have\s+|be\s+)?(?:an?\s+)?",
    re.I,
)
_DELETE_LEAD = re.compile(
    r"(?:.*?\b)?(?:delete|remove|erase|clear|cancel|trash|wipe|drop|scrap|clean(?:\s+out)?|empty|discard"
    r"|get rid of|take off|take out"
    r"|throw (?:out|away)|eliminate|disregard|forget(?:\s+about)?|no longer need|don't need|take)\s+(?:off\s+"
    r"|out\s+)?",
    re.I,
)
_COMPLETE_LEAD = re.compile(
    r"(?:.*?\b)?(?:complete[d]?|finish(?:ed)?|check|tick|cross|mark|did|done with|wrapped up)\s+(?:off\s+|out\s+)?",
    re.I,
)
_SUGGESTED_AT_MOST = 120
_GENERIC = re.compile(
    rf"(?:an?|the|my|this|that|new|another|some|it|one|{v.TASK}|{v.NOTICE}|{v.LIST}|events?|item|items|entry"
    rf"|something|anything"
    r"|calendars?|please|\s)*",
    re.I,
)


def guessed_add(clause: str, setting: Setting) -> tuple[Add, ...]:
    """The tasks of a clause that adds; none where it doesn't say what."""
    if m := _ONCE.match(clause):
        return (Add(f"{squeeze(m['what'])} {m['once'].lower()} {squeeze(m['that'])}"),)
    rest = _I_HAVE.sub("", _ADD_LEAD.sub("", clause, count=1), count=1)
    return tuple(add for add in adds(rest, setting) if not _GENERIC.fullmatch(add.title))


def added_words(clause: str) -> str:
    """A command, in words, that adds what the clause says."""
    lead = _ADD_LEAD.match(clause)
    said = " ".join(clause[lead.end() if lead else 0 :].split())
    return f"add {said[:_SUGGESTED_AT_MOST]}"


def looks_like_a_task(clause: str) -> bool:
    """Whether a clause that asks for nothing names something to be done: "buy milk"."""
    words = clause.lower().split()
    return (
        2 <= len(words) <= 7
        and words[0] in v.TASK_VERBS
        and not clause.endswith("?")
        and v.OTHER_WORLDS.search(clause) is None
        and not {"me", "you", "your", "yourself", "this", "that"} & set(words)
    )


def guessed_list(clause: str, setting: Setting) -> Command:
    """The list that a question is about."""
    return filters(clause, setting)


def guessed_target(clause: str, kind: str, setting: Setting) -> str | None:
    """What is to be deleted or completed, "delete" or "complete" being the kind; None where the clause doesn't say."""
    if kind == "complete" and (done := was_done(clause)):
        return done
    m = (_DELETE_LEAD if kind == "delete" else _COMPLETE_LEAD).match(clause)
    if m is None:
        return None
    name = target(undated(bare_target(clause[m.end() :]), setting))
    if not name or _GENERIC.fullmatch(name):
        return None
    return name
