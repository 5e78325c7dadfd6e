"""Clauses that change tasks there already are: complete, reopen, delete, rename, prioritise, label, reschedule."""

from __future__ import annotations

import re
from collections.abc import Callable

from assistant.interpreter.commands import vocabulary as v
from assistant.interpreter.commands.kinds import Categorize, Command, Complete, Delete, Reopen, Reschedule, Update
from assistant.interpreter.commands.text import bare_target, priority_word, strip_quotes, target
from assistant.interpreter.commands.titles import Setting, adds, undated

_DONE = r"(?:done|complete|completed|finished|checked|checked off|crossed off)"
_UNDONE = (
    r"(?:not\s+(?:yet\s+)?(?:done|complete|completed|finished)|undone|incomplete|uncompleted|unfinished|open"
    r"|to ?do|pending)"
)

_UNTOLD = (
    "it|that|this|all|everything|who|what|which|when|where|how|why|if|i|he|she|we|they|you|i'm|we're|well|half|almost|nearly"
    "|show|list|see|delete|remove|clear|my|any|anything|nothing|get|have|mark|set|add|is|are|was|were|not|never|done|the\\s+one"
)
_REOPEN = tuple(
    re.compile(p, re.I)
    for p in (
        r"(?:reopen|re-open|uncheck|un-check|untick|uncomplete|unmark|uncross|reactivate|restore)\s+(?P<t>.+)$",
        rf"(?:mark|set)\s+(?P<t>.+?)\s+(?:as|to|back to)?\s*{_UNDONE}(?:\s+again)?$",
        r"(?P<t>(?!that\b|it\b|this\b|what\b).+?)\s+(?:isn't|is not|aren't|are not"
        r"|wasn't)\s+(?:actually\s+)?(?:done|finished|complete|completed)(?:\s+yet)?(?:\s+after all)?$",
        r"i\s+(?:didn't|haven't|did not|have not)\s+(?:actually\s+)?(?:finish|finished|complete|completed|done"
        r"|do)\s+(?P<t>.+?)(?:\s+yet)?$",
    )
)
_COMPLETE = tuple(
    re.compile(p, re.I)
    for p in (
        rf"(?:mark|set|flag)\s+(?:off\s+)?(?P<t>.+?)\s+(?:as|to)?\s*(?:being\s+)?{_DONE}$",
        rf"mark\s+(?:as\s+)?{_DONE}:?\s+(?P<t>.+)$",
        r"(?:check|tick|cross|mark|strike)\s+(?:off|out)\s+(?P<t>.+)$",
        r"(?:check|tick|cross|mark|strike)\s+(?P<t>.+?)\s+(?:off|out)(?:\s+(?:of\s+|from\s+)?(?:my"
        r"|the)\s+(?:[\w-]+\s+){0,2}(?:list|to-?dos?|tasks))?$",
        r"(?:complete|finish|close|tick)\s+(?P<t>.+)$",
        r"(?:i\s*)?(?:(?:have|'ve|'m|am)\s+)?(?:just\s+|already\s+|finally\s+)?(?:finished|completed|done with"
        r"|wrapped up|ticked off|checked off|crossed off)\s+(?:with\s+)?(?P<t>.+)$",
        rf"(?P<t>(?!(?:it|that|this|all|everything|who|what|when|where|how|why|if|i|he|she|we|they"
        rf"|dinner is ready)\b).+?)\s+(?:is|are|has been|have been)\s+(?:now\s+|all\s+"
        rf"|already\s+)?{_DONE}(?:\s+now)?$",
        rf"(?P<t>(?:it|that|this)(?:\s+one)?)(?:'s|\s+is)\s+(?:now\s+|already\s+)?{_DONE}(?:\s+now)?$",
        r"done:?\s+(?P<t>.+)$",
        rf"(?P<t>(?!(?:{_UNTOLD})\b)(?!.*\b(?:is|are|be|been|being|get|getting|got|not|well|when|if|how)\b)"
        rf"[\w#][^,;.?]{{0,60}}?)(?:'s)?\s+{_DONE}$",
    )
)
_FINISH_BY = re.compile(
    r"(?P<what>(?:finish|complete|close)\s+\S.*?)\s+(?P<by>by|before|until)\s+(?P<due>\S.{0,60})$", re.I
)
_DELETE = re.compile(
    r"(?:delete|remove|erase|trash|scrap|scratch|drop|get rid off?|forget about|forget|cancel|take off|throw away"
    r"|throw out|toss|discard|clear)"
    r"(?:\s+off)?\s+(?P<t>.+)$",
    re.I,
)
_PASSIVE = re.compile(
    r"(?:(?:i|we)\s+(?:want|need|would\s+like|'d\s+like)|(?:please\s+)?have|i'd\s+like)\s+(?P<t>(?!to\b|you\b).+?)\s+(?:to\s+be\s+)?"
    r"(?:deleted|removed|erased|cancell?ed|cleared|taken\s+(?:off|out|down)|scrapped|gone)"
    rf"(?:\s+(?:from|off|of|out\s+of)(?:\s+of)?\s+{v.NAMED_LIST})?$"
    r"|(?P<u>(?!(?:it|that|this|what|who)\b).+?)\s+(?:should|must|needs?\s+to|has\s+to|can)\s+be\s+"
    r"(?:deleted|removed|erased|cancell?ed|taken\s+off)(?:\s+(?:from|off|of)(?:\s+of)?\s+(?:my|the|our)\s+.{1,40})?$",
    re.I,
)
_CLEARED = re.compile(
    r"(?:(?:i|we)\s+(?:need|have|want)\s+to|let's)\s+(?:clear|empty|wipe)\s+(?:out\s+)?(?P<t>(?:my|our|the)\s+.*"
    r"\b(?:calendar|schedule|agenda|list|tasks|to-?dos)\b.*)$",
    re.I,
)
_UNWANTED = re.compile(
    rf"(?:i|we)\s+(?:don't|do\s+not|no\s+longer)\s+(?:need|want|have\s+to\s+do)\s+(?P<t>.+?)\s+(?:on|from"
    rf"|in)\s+{v.NAMED_LIST}"
    r"(?:\s+any\s*more)?$",
    re.I,
)
_TAKE_OFF = re.compile(
    rf"(?:take|cut|scratch|strike|wipe)\s+(?P<t>.+?)\s+(?:off|from|out of)(?:\s+(?:of\s+)?(?:my|the"
    rf"|our)\s+(?:[\w-]+\s+)?{v.LIST})(?:\s+(?:for|on)\s.{{1,40}})?$",
    re.I,
)
_RENAME = re.compile(
    r"(?:(?:rename|retitle|reword)\s+(?P<a>.+?)\s+(?:to|as|into)\s+(?P<b>.+)"
    r"|(?:change|update|edit|set)\s+(?:the\s+)?(?:title|name|text|wording)\s+of\s+(?P<c>.+?)\s+to\s+(?P<d>.+)"
    r"|(?:change|update|edit)\s+(?P<e>.+?)\s+(?:to\s+say|to\s+read|into)\s+(?P<f>.+)"
    r"|(?:change|edit)\s+(?P<g>.+?)\s+to\s+(?P<h>.+))$",
    re.I,
)
_DESCRIBE = re.compile(
    r"(?:add|put|set|write)\s+(?:a\s+|the\s+)?(?:notes?|description|details?|comment)\s+(?:to|on|for"
    r"|of)\s+(?P<t>.+?)\s*(?::|\bto\b|\bsaying\b|\bthat says\b)\s+(?P<text>.+)$",
    re.I | re.S,
)
_PRIORITY = tuple(
    re.compile(p, re.I)
    for p in (
        rf"(?:make|mark|set|flag|give|bump|change)\s+(?P<t>.+?)\s+(?:to\s+(?:be\s+)?|as\s+|a\s+|be\s+"
        rf"|with\s+)?(?:an?\s+)?(?P<p>{v.PRIORITY})[\s-]+priority$",
        r"(?:make|mark|set|flag)\s+(?P<t>.+?)\s+(?:as\s+|to\s+)?(?:more\s+|very\s+)?(?P<p>urgent|important"
        r"|critical|p[1-4])$",
        rf"(?:set|change|make|raise|lower|update|bump|drop|put)\s+(?:the\s+)?priority\s+(?:of|for"
        rf"|on)\s+(?P<t>.+?)\s+(?:to|as)\s+(?P<p>{v.PRIORITY})(?:\s+priority)?$",
        rf"(?:set|change|make|raise|lower|update)\s+(?P<t>.+?)(?:'s)?\s+priority\s+(?:to\s+"
        rf"|as\s+)?(?P<p>{v.PRIORITY})$",
        rf"(?P<t>(?!(?:it|that|this|what|how)\b).+?)\s+(?:is"
        rf"|are)\s+(?:now\s+)?(?:an?\s+)?(?P<p>{v.PRIORITY})[\s-]+priority$",
        r"(?P<t>(?!(?:it|that|this|what|how|nothing|everything|there|time)\b).+?)\s+(?:is|are)\s+(?:now\s+|very\s+|really\s+|super\s+)?"
        r"(?P<p>urgent|critical|top\s+priority)$",
        r"(?:make|set|mark|bump)\s+(?P<t>it|that|this|them|(?:the|my|that)\s+(?:\w+\s+)?(?:one|task))\s+(?:to\s+|as\s+)?"
        r"(?P<p>high|low|medium|normal)(?:\s+instead)?$",
        r"(?P<p2>prioriti[sz]e|deprioriti[sz]e)\s+(?P<t>.+)$",
    )
)
_UNURGENT = re.compile(
    r"(?:remove|clear|drop|unset|take(?:\s+off)?)\s+(?:the\s+|its\s+)?(?:priority|urgent|urgency)(?:\s+(?:flag|mark|priority))?"
    r"(?:\s+off)?(?:\s+(?:from|of|off|on)\s+(?P<t>\S.*))?$",
    re.I,
)
_LABEL = tuple(
    re.compile(p, re.I)
    for p in (
        r"(?:label|tag|categori[sz]e|classify)\s+(?P<t>.+?)\s+(?:as|with|under|to be|into|in)\s+(?P<l>.+)$",
        r"(?:add|put|attach|apply|give|stick)\s+(?:the\s+|a\s+)?(?:label|tag|category)s?\s+(?P<l>.+?)\s+(?:to|on"
        r"|onto)\s+(?P<t>.+)$",
        r"(?:add|put|attach|apply)\s+(?:the\s+|a\s+)?(?P<l>[\"'#]?[\w/-]+[\"']?)\s+(?:label|tag|category)\s+(?:to"
        r"|on|onto)\s+(?P<t>.+)$",
        r"(?:label|tag)\s+(?P<t>.+?)\s+(?P<l>#[\w/-]+)$",
        r"(?:label|tag)\s+(?P<t>(?:all|every|everything|them|it|these|those|both|that|this|the)\b.*?|[\w'-]+)"
        r"\s+(?P<l>[\"'#]?[\w/-]+[\"']?)$",
        r"(?:put|file|move)\s+(?P<t>.+?)\s+(?:under|in category|into category|in the category)\s+(?P<l>[\w/ -]+)$",
    )
)
_UNLABEL = tuple(
    re.compile(p, re.I)
    for p in (
        r"(?:remove|delete|take|drop|clear)\s+(?:the\s+)?(?:label|tag|category)\s+(?P<l>.+?)\s+(?:from"
        r"|off)\s+(?P<t>.+)$",
        r"(?:remove|delete|take|drop)\s+(?:the\s+)?(?P<l>[\"'#]?[\w/-]+[\"']?)\s+(?:label|tag|category)\s+(?:from"
        r"|off)\s+(?P<t>.+)$",
        r"(?:untag|unlabel)\s+(?P<t>.+?)\s+(?:as|from|with)\s+(?P<l>.+)$",
    )
)
_MOVE = re.compile(
    r"(?:move|push|shift|bump|reschedule|postpone|delay|defer|snooze|change|put off|put(?=\s.+\soff$))\s+(?P<t>.+?)"
    r"(?:\s+(?:back|forward|off|out|up|over))?(?P<from>\s+from\s+.{1,40})?$",
    re.I,
)
_BY_LENGTH = re.compile(
    r"(?:move|push|shift|bump|postpone|delay|defer|snooze|put)\s+(?P<t>.+?)\s+(?:(?:back|forward|off|out|up|over"
    r"|ahead)\s+)?(?:by\s+|for\s+)?"
    r"(?P<d>(?:half\s+)?(?:an?|one|two|three|four|five|six|ten|fifteen|twenty|thirty|\d+)(?:\s+of)?\s+(?:an?\s+)?"
    r"(?:more\s+)?(?:hour|minute|min|day|week|month|year)s?)(?:\s+(?P<side>back|later|earlier|sooner))?$",
    re.I,
)
_FURTHER = re.compile(r"\s(?:to|until|till|til)\s", re.I)
_MOVE_BARE = re.compile(r"(?:move|push|shift|reschedule|postpone|defer|snooze|delay)\s+(?P<t>.+)$", re.I)
_DUE_OF = re.compile(
    r"(?:change|set|move|update|push|make)\s+(?:the\s+)?(?:due date|due time|deadline|date|due|time)\s+(?:of|for"
    r"|on)\s+(?P<t>.+?)\s+(?:back\s+)?(?:to|for|as|until)\s+(?P<d>.+)$",
    re.I,
)
_DUE_OF_IT = re.compile(
    r"(?:change|set|move|update|push|make)\s+(?:the|its)\s+(?:due\s+date|due\s+time|deadline|date|time)\s+(?:back\s+)?(?:to|for)\s+(?P<d>.+)$",
    re.I,
)
_OWN_DUE = re.compile(
    r"(?:change|set|move|update|push|make)\s+(?P<t>.+?)(?:'s)?\s+(?:due date|deadline|due)\s+(?:(?:back\s+)?to\s+"
    r"|for\s+|on\s+|by\s+)?(?P<d>(?!.*\s(?:to|until|till)\s).+)$",
    re.I,
)
_IS_DUE = re.compile(
    r"(?P<t>(?!(?:what|when|who|which|anything|it's)\b).+?)\s+(?:is|are)\s+(?:now\s+)?due\s+(?P<d>.+)$", re.I
)
_CLEAR_DUE = re.compile(
    r"(?:(?:remove|clear|delete|drop|unset|cancel)\s+(?:the\s+)?(?:due date|due|deadline|date)\s+(?:of|from|for"
    r"|on)\s+(?P<t>.+)|(?:unschedule)\s+(?P<u>.+))$",
    re.I,
)
_DUE_AT_MOST = 80  # code points; no due time takes more words, and looking at all of a long text takes its square
_HOUR = re.compile(r"(?:1[0-2]|[1-9])(?::[0-5]\d)?")
_MOVERS = re.compile(r"(?:reschedule|postpone|defer|snooze|delay|push|move|shift|bump)\b", re.I)


def _first(patterns: tuple[re.Pattern[str], ...], clause: str) -> re.Match[str] | None:
    return next((m for pattern in patterns if (m := pattern.match(clause))), None)


def _targets(text: str) -> tuple[str, ...]:
    """ "butter and milk" is two tasks; "the first one" stays one."""
    named_both = re.sub(r"^both\s+(?=\S.*\sand\s)", "", target(text), flags=re.I)
    pieces = re.split(r"\s*,\s*(?:and\s+)?|\s+(?:and|&)\s+", named_both)
    if len(pieces) > 1 and all(0 < len(piece.split()) <= 3 for piece in pieces):
        return tuple(target(piece) for piece in pieces)
    return (target(text),)


def named(text: str, setting: Setting) -> str:
    """What names a task, without its list and its date."""
    return undated(bare_target(text), setting)


def _labels(text: str) -> tuple[str, ...]:
    pieces = re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+", text)
    return tuple(
        strip_quotes(
            re.sub(
                r"^#|\s+(?:label"
                r"|tag)$",
                "",
                piece.strip(),
            )
        )
        for piece in pieces
        if piece.strip()
    )


def labelling(clause: str, setting: Setting) -> tuple[Command, ...] | None:
    if m := _first(_UNLABEL, clause):
        return (Categorize(_targets(m["t"]), remove=_labels(m["l"])),)
    if m := _first(_LABEL, clause):
        return (Categorize(_targets(m["t"]), add=_labels(m["l"])),)
    return None


def prioritising(clause: str, setting: Setting) -> tuple[Command, ...] | None:
    if m := _UNURGENT.match(clause):
        return (Update(target(m["t"] or "it"), priority="NONE"),)
    m = _first(_PRIORITY, clause)
    if m is None:
        return None
    if m.groupdict().get("p2"):
        return (Update(target(m["t"]), priority="HIGH" if m["p2"].lower().startswith("p") else "LOW"),)
    return tuple(Update(name, priority=priority_word(m["p"])) for name in _targets(m["t"]))


def rescheduling(clause: str, setting: Setting) -> tuple[Command, ...] | None:
    if m := _CLEAR_DUE.match(clause):
        return (Reschedule(_targets(m["t"] or m["u"]), "none"),)
    if (m := _DUE_OF_IT.match(clause)) and setting.is_due(m["d"]):
        return (Reschedule(("it",), m["d"].strip()),)
    for pattern in (_DUE_OF, _OWN_DUE, _IS_DUE):
        # "move everything due today to friday" isn't due from today to Friday
        if (m := pattern.match(clause)) and setting.is_due(m["d"]) and " to " not in m["d"]:
            return (Reschedule(_targets(m["t"]), m["d"].strip()),)
    if (m := _BY_LENGTH.match(clause)) and m["side"]:
        return (Reschedule(_targets(named(m["t"], setting)), _shift(m)),)
    if found := _moved(clause, setting):
        several = v.SEVERAL.match(found[0])
        return (Reschedule((target(found[0]),) if several else _targets(named(found[0], setting)), found[1]),)
    if m := _BY_LENGTH.match(clause):
        return (Reschedule(_targets(named(m["t"], setting)), _shift(m)),)
    return None


def _shift(m: re.Match[str]) -> str:
    """A length of time by which a task moves, in words that the server knows."""
    return f"{m['d']} earlier" if (m["side"] or "").lower() in ("earlier", "sooner") else f"by {m['d']}"


def _moved(clause: str, setting: Setting) -> tuple[str, str] | None:
    """What is moved and to when: the shortest target whose rest is a due time as a whole."""
    for m in re.finditer(r"\s+(?:to|until|till|til|for|on|at|by)\s+", clause):
        if len(clause) - m.end() > _DUE_AT_MOST:
            continue
        head, due = clause[: m.start()], clause[m.end() :].strip(" .!?")
        verb = _MOVE.match(head)
        if verb is None or not verb["t"].strip():
            continue
        if m[0].strip().lower() == "by":
            if _MOVERS.match(clause) and not setting.is_due(f"by {due}") and re.match(r"(?:an?|\d+|\w+)\s+\w+$", due):
                return verb["t"], f"by {due}"  # the server says that it can't move by a length
            continue
        if m[0].strip().lower() in ("for", "on", "at") and _FURTHER.search(due):
            continue  # "my tasks for today to tomorrow": what is due today
        if m[0].strip().lower() in ("to", "at", "for", "until", "till") and _HOUR.fullmatch(due):
            due = f"at {due}"
        if setting.is_due(due):
            mover = _MOVERS.match(clause) or re.match(r"(?:change|put)\b", clause, re.I)
            # What one task moves from goes without saying; of several it says which.
            moved = verb["t"] + (verb["from"] or "") if v.SEVERAL.match(verb["t"]) else verb["t"]
            return (moved, due) if mover else None
    bare = _MOVE_BARE.match(clause)
    if (
        bare
        and (spans := setting.find(bare["t"]))
        and spans[-1].end == len(bare["t"])
        and setting.is_due(spans[-1].text)
    ):
        name = re.sub(r"\s+(?:back|forward|off)$", "", bare["t"][: spans[-1].start].strip())
        return (name, spans[-1].text) if name else None
    return None


def renaming(clause: str, setting: Setting) -> tuple[Command, ...] | None:
    if m := _DESCRIBE.match(clause):
        return (Update(target(m["t"]), description=m["text"].strip()),)
    m = _RENAME.match(clause)
    if m is None or v.OTHER_WORLDS.search(clause):
        return None
    old, new = next((a, b) for a, b in (("a", "b"), ("c", "d"), ("e", "f"), ("g", "h")) if m[a])
    if re.match(r"(?:you|yourself)\b", m[old], re.I):
        return None
    if old == "g" and re.match(
        r"(?:my|your|the|to|this)\s+(?:name|language|accent|voice|speed|volume|settings?|channel|accounts?|password|pin"
        r"|address|plan|light(?:s|ing)?)\b",
        m[old],
        re.I,
    ):
        return None
    return (Update(target(m[old]), title=strip_quotes(m[new])),)


def reopening(clause: str, setting: Setting) -> tuple[Command, ...] | None:
    m = _first(_REOPEN, clause)
    if m is None or v.OTHER_WORLDS.search(m["t"]):
        return None
    return tuple(Reopen(name) for name in _targets(m["t"]))


def completing(clause: str, setting: Setting) -> tuple[Command, ...] | None:
    if (m := _FINISH_BY.match(clause)) and setting.is_due(m["due"]):
        return adds(f"{m['what']} {m['by']} {m['due']}", setting)  # that is still to be done
    m = _first(_COMPLETE, clause)
    if m is None or v.OTHER_WORLDS.search(m["t"]):
        return None
    if re.match(r"(?:mark|set)\b", clause, re.I) and re.search(r"\bnot\b|\bun\w+$", m["t"], re.I):
        return None
    return tuple(Complete(name) for name in _targets(m["t"]))


def deleting(clause: str, setting: Setting) -> tuple[Command, ...] | None:
    if (m := _PASSIVE.match(clause)) and not v.OTHER_WORLDS.search(clause):
        return tuple(Delete(name) for name in _targets(named(m["t"] or m["u"], setting)))
    m = _TAKE_OFF.match(clause) or _UNWANTED.match(clause) or _CLEARED.match(clause) or _DELETE.match(clause)
    if m is None or v.OTHER_WORLDS.search(m["t"]):
        return None
    if re.match(r"(?:it|that|this|about it|about that)$", m["t"], re.I) and re.match(
        r"(?:forget|cancel|scratch|clear)\b", clause, re.I
    ):
        return None  # "forget it", "cancel that" take back what was said, they delete nothing
    if re.match(r"forget\s+(?:to|what|how|who|when|where|i|you|my (?:name|password))\b", clause, re.I):
        return None
    return tuple(Delete(name) for name in _targets(m["t"] if v.SEVERAL.match(m["t"]) else named(m["t"], setting)))


MANAGING: tuple[Callable[[str, Setting], tuple[Command, ...] | None], ...] = (
    labelling,
    reopening,
    prioritising,
    completing,
    rescheduling,
    renaming,
    deleting,
)
