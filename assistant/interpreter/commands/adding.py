"""Clauses that add tasks: "add …", "remind me to …", "put … on my list", "I need to …"."""

from __future__ import annotations

import re
from dataclasses import replace

from assistant.interpreter.commands import vocabulary as v
from assistant.interpreter.commands.follow_ups import ASK_TITLE, ask_labelled
from assistant.interpreter.commands.kinds import Add, Command, Nothing
from assistant.interpreter.commands.text import squeeze
from assistant.interpreter.commands.titles import Setting, adds, label_of, one_add

__all__ = ["ASK_TITLE", "adding", "bullets", "reminded"]

_NEW = re.compile(
    rf"(?:add|create|make|set|set up|start|put in|enter|note|log|new|save|record)(?:\s+me)?(?:\s+an?|\s+another"
    rf"|\s+the|\s+my)?(?:\s+new)?"
    rf"(?:\s+(?P<priority>{v.PRIORITY})(?:[\s-]+priority)?)?"
    r"\s+(?:task|to-?do(?:\s+item)?|to do(?:\s+item)?|reminder|item|errand|chore)s?"
    r"(?:\s+(?:on|to|in)\s+(?:my|the)\s+(?:to-?do\s+|to do\s+|task\s+)?list)?"
    r"(?:\s+for\s+me)?(?:\s*[,:]?\s*(?:it's|it\s+is|it\s+says)(?=\s))?"
    r"(?:\s*:|\s*-\s|\s+(?:to|for|about|called|named|titled|that says|saying|of|that i (?:need|have) to"
    r"|that))?(?:\s+(?P<rest>.*))?$",
    re.I | re.S,
)
_NOTE = re.compile(
    r"(?:remind me(?=$)|don't let me forget|do not let me forget|don't forget|do not forget|remember"
    r"|make sure (?:that )?i (?:remember|don't forget)|help me remember|make a note|take (?:a )?note|note to self"
    r"|jot down"
    r"|write down|note down)(?P<rest>(?:\s|:|,).+)?$",
    re.I | re.S,
)
_NEED = re.compile(
    r"(?:i (?:really |also |still )?(?:need to|have to|must|gotta|got to|should|ought to)|i've got to"
    r"|(?:gotta|need to|have to|got to|must|mustn't forget to|can't forget to)"
    r"|i need to remember to"
    r"|i can't forget to|i mustn't forget to)\s+(?:remember to\s+)?(?P<rest>.+)$",
    re.I | re.S,
)
_WANTED_ON_LIST = re.compile(
    rf"i (?:need|want|would like|'d like) (?P<rest>.+?\s+(?:added\s+|put\s+)?(?:on|onto"
    rf"|to)\s+{v.NAMED_LIST})(?P<due>\s+.*)?$",
    re.I,
)
_PUT = r"(?:put|add|append|stick|include|insert|place|throw|write|note|jot|enter|log|save|get)(?:\s+(?:down|in))?"
_ON_LIST = re.compile(rf"{_PUT}\s+(?P<rest>.+?\s+(?:on|onto|to|in|into)\s+{v.NAMED_LIST})(?P<due>\s+.*)?$", re.I | re.S)
_INTO_KNOWN = re.compile(
    rf"{_PUT}\s+(?P<rest>\S.*\s(?:on|onto|to|in|into)\s+(?:my\s+|the\s+)?{v.KNOWN_LIST}\b.*)$", re.I | re.S
)
_LIST_FIRST = re.compile(
    rf"(?=.*\b(?:{_PUT}|need)\s)(?:{_PUT}\s+)?(?P<where>(?:to|on|in"
    rf"|for)\s+{v.NAMED_LIST})\s*[:,]?\s+(?:please\s+)?(?:{_PUT}\s+|(?:that\s+)?i\s+need\s+)?"
    r"(?P<rest>.+?)(?:\s+added)?$",
    re.I | re.S,
)
_PASSIVE = re.compile(
    rf"(?P<rest>.+?)\s+(?:should|must|needs?\s+to|has\s+to|have\s+to|ought\s+to)\s+be\s+(?:added|put|placed)"
    rf"\s+(?P<where>(?:to|on|onto)\s+{v.NAMED_LIST})$",
    re.I | re.S,
)
_NEW_LIST = re.compile(
    r"(?:(?:create|make|start|add|open|generate|begin|set up|build|prepare|give me|get|show"
    r"|put together)\s+(?:me\s+|up\s+)?"
    r"(?:an?|another|the|my|some)?\s*new|(?:create|make|start|generate|begin|set up|build"
    r"|put together)\s+(?:me\s+|up\s+)?"
    r"(?:an?|another|the|my)?|(?:my\s+|an?\s+)?new|i\s+(?:need|want)\s+(?:an?\s+|to\s+(?:create|make"
    r"|start)\s+an?\s+)(?:new)?)\s*"
    r"(?P<list>(?:[\w'&-]+\s+){0,3}?)lists?(?:\s+(?:called|named|titled|for|of)\s+(?P<name>.+))?$",
    re.I,
)
_WITH_NAME = re.compile(
    r"(?:(?:add|put|new)\s+)?(?:to\s+)?(?:my\s+|the\s+)?(?P<list>[a-z][\w'-]*(?:\s[\w'-]+)?)\s*:\s+(?P<rest>\S.*)$",
    re.I | re.S,
)
_ADD = re.compile(r"(?:add\b|(?:new|todo|to-do|task|todos|remember|note):)\s*:?\s*(?P<rest>\S.*)$", re.I | re.S)
_BARE = re.compile(
    r"(?:(?:add|create|new|make|set)(?:\s+an?|\s+some)?(?:\s+new)?(?:\s+(?:task|todo|to-do|reminder|item)s?)?"
    r"|remind me|todo|task)$",
    re.I,
)
_IT = re.compile(r"add\s+(?:it|that|this|them|those|these)(?:\s+(?:too|please|all))?", re.I)
_BEFORE = re.compile(
    r"(?:\s*,|\s+and|\s+with|\s*;)?\s+(?:please\s+)?(?:(?:remind|alert|notify|warn)\s+me|(?:with\s+)?an?\s+(?:reminder|alert))"
    r"\s+(?P<length>(?:\d+|an?|one|two|three|four|five|ten|fifteen|twenty|thirty|half\s+an)\s*"
    r"(?:h|hrs?|hours?|m|mins?|minutes?|d|days?|weeks?))\s+(?:before(?:hand)?|earlier|in\s+advance|ahead)$",
    re.I,
)
_REST_LEAD = re.compile(
    r"^(?:\s|:|,)*(?:(?:again|also)\s+)?(?:that i (?:need|have) to|that|to|about|of|for|i (?:need|have) to"
    r"|(?:that )?i have(?: an?)?)?\s+",
    re.I,
)
_MARKED_DAY = re.compile(
    r"(?:mark|note|take\s+(?:a\s+)?note\s+of|save|record|put\s+down)\s+(?P<due>\S.{0,40}?)\s+(?:down\s+)?as\s+(?P<what>\S.*)$",
    re.I,
)
_PLANNED = re.compile(r"(?:schedule|book|arrange|plan|set up)\s+(?:an?\s+|the\s+|my\s+)?(?=\S)", re.I)
_MARKED = re.compile(r"(?:^|\s)(?:#(?!\d)\w|!(?:urgent|high|medium|low|[1-4])\b|p[1-4]\b|@\w)", re.I)
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)]|\[ ?\])\s+(\S.*)$")


def adding(clause: str, setting: Setting) -> tuple[Command, ...] | None:
    """The tasks this clause adds; None where it isn't about adding."""
    if (m := _MARKED_DAY.match(clause)) and setting.is_due(m["due"]):
        return (Add(squeeze(m["what"]), m["due"]),)
    if _BARE.match(clause) or _IT.fullmatch(clause):
        return (Nothing(question=ASK_TITLE),)
    if m := _NEW_LIST.match(clause):
        label = label_of(m["name"] or m["list"])
        return (Nothing(question=ask_labelled(label)),)
    if (m := _NEW.match(clause)) is not None:
        return _new(m, setting)
    if (m := _NOTE.match(clause)) is not None:
        return _note(m, setting)
    if found := _listed(clause, setting) or _onto_list(clause, setting):
        return found
    if (m := _ADD.match(clause)) and not v.ARITHMETIC.match(clause):
        return adds(m["rest"], setting) or (Nothing(question=ASK_TITLE),)
    if (m := _NEED.match(clause)) and not v.NEED_OTHER.match(m["rest"]) and not v.OTHER_WORLDS.search(m["rest"]):
        made = one_add(m["rest"], setting)
        return (made,) if made.title else None
    return _unsaid(clause, setting)


def reminded(clause: str, setting: Setting) -> tuple[Command, ...] | None:
    """ "Dentist tuesday 3pm and remind me an hour before": a task that is due some time, with its reminder."""
    if (m := _BEFORE.search(clause)) is None:
        return None
    head = clause[: m.start()]
    made = adding(head, setting) or (one_add(_PLANNED.sub("", head, count=1), setting),)
    if not all(isinstance(one, Add) and one.title and one.due for one in made):
        return None
    return tuple(replace(one, remind=f"{m['length']} before") for one in made if isinstance(one, Add))


def _listed(clause: str, setting: Setting) -> tuple[Command, ...] | None:
    """ "add groceries: milk, eggs": what stands before the colon is the list."""
    m = _WITH_NAME.match(clause)
    if m is None or m["list"].lower().split()[0] in v.TASK_VERBS | v.NOT_NAMES:
        return None
    made = adds(m["rest"], setting, label_of(re.sub(r"\s+list$", "", m["list"], flags=re.I)))
    return made if len(made) > 1 or re.fullmatch(rf"{v.KNOWN_LIST}|.*\slist", m["list"], re.I) else None


def _onto_list(clause: str, setting: Setting) -> tuple[Command, ...] | None:
    """ "put X on my list", "to my list add X", "X should be added to my list"."""
    m = _ON_LIST.match(clause) or _WANTED_ON_LIST.match(clause)
    if m is not None and m.re is _WANTED_ON_LIST and re.search(r"\boff\b", clause, re.I):
        return None
    if m is None and (into := _INTO_KNOWN.match(clause)):
        return adds(into["rest"], setting) or None
    m = m or _PASSIVE.match(clause) or _LIST_FIRST.match(clause)
    if m is None:
        return None
    groups = m.groupdict()
    rest = re.sub(r"\s+(?:added|put)(?=\s+(?:on|onto|to)\s)", "", m["rest"], flags=re.I)
    if where := groups.get("where"):
        rest = f"{rest} {where}"
    return _with_due(adds(rest, setting), groups.get("due"), setting) or None


def _new(m: re.Match[str], setting: Setting) -> tuple[Command, ...]:
    made = adds(squeeze(m["rest"] or ""), setting)
    if not made:
        return (Nothing(question=ASK_TITLE),)
    if m["priority"]:
        return tuple(replace(add, priority=add.priority or v.PRIORITIES[m["priority"].lower()]) for add in made)
    return made


def _note(m: re.Match[str], setting: Setting) -> tuple[Command, ...] | None:
    if not m["rest"]:
        return (Nothing(question=ASK_TITLE),)
    rest = m["rest"].strip(" ,:")
    if re.match(r"(?:what|when|who|where|why|how|if|whether)\b|me\b|this\b|that (?:time|day|song)\b", rest, re.I):
        return None  # "remember when …" asks or tells
    made = one_add(_REST_LEAD.sub("", " " + rest, count=1), setting)
    made = replace(made, title=re.sub(r"^(?:to|about|that i (?:need|have) to|of)\s+", "", made.title, flags=re.I))
    return (made,) if made.title else (Nothing(question=ASK_TITLE),)


def _with_due(made: tuple[Add, ...], due: str | None, setting: Setting) -> tuple[Add, ...]:
    """ "put X on my list for tomorrow": the date stands after the list."""
    if not due or not (spans := one_add(due, setting)).due:
        return made
    return tuple(replace(add, due=add.due or spans.due, labels=(*add.labels, *spans.labels)) for add in made)


def is_asked_of_somebody(clause: str) -> bool:
    """ "get me a ticket", "call me later": nothing to do for who says it."""
    first, _, rest = clause.lower().partition(" ")
    return first in v.TASK_VERBS and re.match(r"(?:me|us)\b", rest) is not None


def _unsaid(clause: str, setting: Setting) -> tuple[Command, ...] | None:
    """ "pay rent on friday #home": a thing to do with a day or a mark needs no "add"."""
    if v.OTHER_WORLDS.search(clause) or "?" in clause or is_asked_of_somebody(clause):
        return None
    first = re.split(r"\W", clause.lower(), maxsplit=1)[0]
    made = one_add(_PLANNED.sub("", clause, count=1), setting)
    marked = _MARKED.search(clause) is not None and bool(made.labels or made.priority or made.due)
    if made.title and (marked or (first in v.TASK_VERBS and made.due and " " in made.title)):
        return (made,)
    return None


def bullets(text: str, setting: Setting) -> tuple[Command, ...] | None:
    """A pasted list: two lines or more, each with a bullet or a number."""
    found = [_BULLET.match(line) for line in text.splitlines() if line.strip()]
    if len(found) < 2 or not all(found):
        return None
    return tuple(made for m in found if m and (made := one_add(m[1], setting)).title)
