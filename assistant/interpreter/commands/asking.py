"""Clauses that ask about the tasks: "what do I have today?", "what's overdue?", "find milk"."""

from __future__ import annotations

import re

from assistant.interpreter.commands import vocabulary as v
from assistant.interpreter.commands.kinds import Command, ListTasks, Search
from assistant.interpreter.commands.text import strip_quotes, target
from assistant.interpreter.commands.titles import Setting, due_value

_SHOW = (
    r"(?:show|list|display|view|see|read|give|tell|pull up|bring up|open|print|check(?= (?:my|the|what|all)\b)"
    r"|get(?! rid)|what|what's"
    r"|what are|what is|which|any|all|my|see all|count|how many)"
)
_NOUN = rf"(?:{v.TASK}|{v.LIST})"
_PATTERNS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"^{_SHOW}\b(?!.*\b(?:joke|story)\b).*\b{_NOUN}\b",
        r"^(?:what|which|how much)\b.*\b(?:do|did) i (?:have|need|got|still have)(?: to do| left| to get done| on"
        r"| planned| due| going on| coming up| scheduled)*\b",
        r"^(?:what|anything|something|is there anything|are there any \w+)\b.*\b(?:overdue|due|late|pending"
        r"|left to do|outstanding)\b",
        r"^(?:what's|what is|whats) (?:next|on|up next|left|coming up|planned|scheduled|overdue|due|on my plate"
        r"|open|still open|to do)\b",
        r"^(?:what's|what is|whats)\b.*\b(?:on|in) (?:my|the) (?:[\w'-]+ )?(?:list|agenda|plate|schedule|calendar)\b",
        r"^(?:do|have) i (?:have|got)(?: got)? (?:anything|something|any|any \w+|stuff|things|much)\b",
        r"^(?:do|have) i (?:have|got)(?: got)? (?:an?|any|many|some)?\s*(?:\w+ )?(?:meeting|appointment|event"
        r"|deadline)s?\b",
        r"^what (?:does|do|did) (?:my|the) (?:[\w'-]+ )?(?:list|agenda|schedule|calendar|day|week)\b",
        r"^(?:read|repeat|review|go over|run through|recite)(?: out| me| back)* (?:my|the) (?:[\w'-]+ ){0,3}(?:list"
        r"|agenda|reminders|tasks)\b",
        r"^(?:am i free|what should i (?:do|work on|be doing|tackle)|what (?:have|did) i (?:done|finish|finished"
        r"|complete|completed|get done))\b",
        r"^(?:what|anything)\b.*\bneeds? (?:to be done|doing|my attention)\b",
        rf"^(?:the |my |all |all my |all of my )*(?:open |completed |done |finished |overdue |pending |urgent "
        rf"|today |tomorrow "
        rf"|high priority |today's |tomorrow's |remaining |unfinished |\w+day's )*{_NOUN}\b(?: for .*| due .*"
        rf"| of .*| today| tomorrow| please| this .*| next .*)?$",
        rf"^(?:the |my |all |all my )*{_NOUN} (?:that (?:were|are|got|i(?:'ve)?) |i(?:'ve)? )?"
        r"(?:completed|finished|done)\b",
        r"^(?:what's|what is|whats|anything|something|show|list)\s+(?:me\s+)?(?:\w+\s+)?(?:urgent|important|critical)$",
        r"^(?:everything|anything|tasks)\s+(?:due\s+)?(?:after|before|by|until|since)\s+\S",
        r"^(?:what's|what is|whats)\s+(?:in|on|under)\s+(?:my\s+|the\s+)?#?[\w'-]+$",
        r"^(?:overdue|agenda|today|tomorrow|due today|due tomorrow|this week|next week|list|list all|show"
        r"|list everything|show all|show everything|show me everything|upcoming|inbox)$",
        r"^(?:show|list|see|view|display)(?: me)?(?: all| the)? (?:what's |what is |everything "
        r"|anything )?(?:that's )?(?:overdue|due|urgent|completed|finished|done|open|pending|upcoming)\b",
        r"^(?:how many|how much)\b.*\b(?:things|stuff|left|open|overdue|done)\b.*",
        r"^(?:show|list|display)(?: me)? #\w[\w/-]*$",
    )
)
_NOT_LISTS = re.compile(
    r"\b(?:how do (?:i|you)|how to|best|things to do in|wish ?list of|movies?|songs?|ingredients|countries"
    r"|definition|mean|meaning)\b|\bto do in [A-Z]",
    re.I,
)
_ON_LIST = re.compile(
    rf"^(?:do i have|is|are|did i (?:put|add|have)|have i (?:put|added|got)"
    rf"|was)\s+(?P<what>.+?)\s+(?:already\s+)?(?:on|in|to)\s+(?:my|the)\s+(?:[\w'-]+\s+)*{v.LIST}$",
    re.I,
)
_FIND = re.compile(
    r"^(?P<verb>find|search(?: for)?|look for|look up|locate|where is|where's|look through"
    r"|search through)\s+(?P<me>me\s+)?(?P<what>.+)$",
    re.I,
)
_LIST_HAS = re.compile(
    rf"^(?:does|do) (?:my|the) (?:[\w'-]+ )?{v.LIST} (?:have|include|contain|show"
    rf"|say)\s+(?P<what>.+?)(?:\s+on it)?$",
    re.I,
)
# "find me a restaurant": things to look for in the world, not in the list
_GENERAL = re.compile(
    r"(?:out|a|an|some|me|how|what|who|where|if|your|the (?:nearest|closest|best|cheapest|meaning|sum))\b", re.I
)
_WHEN = re.compile(
    r"^when (?:is|are|do i (?:have|need) to|should i|must i|is my"
    r"|'s)\s+(?P<what>.+?)(?:\s+due)$",
    re.I,
)
_WHEN_MY = re.compile(
    r"^(?:when|what time|what day|how soon|when exactly)\s*(?:'s|is|are|do i have|does)\s+(?:my|our)\s+(?:next\s+"
    r"|upcoming\s+)?(?P<what>.+?)"
    r"(?:\s+(?:due|on|at|this|next|today|tomorrow|scheduled|start)\b.*)?$",
    re.I,
)
_QUESTION_TASK = re.compile(rf"\b(?:{v.TASK})\b", re.I)
_DAYS = re.compile(r"\b(today|tomorrow|tonight|(?:mon|tues|wednes|thurs|fri|satur|sun)day)'s\b", re.I)
_LABEL = re.compile(
    r"#(\w[\w/-]*)|\b(?:labell?ed|tagged|under|in category|with (?:the )?(?:label|tag))\s+(?:as\s+"
    r"|with\s+)?[\"']?([\w/-]+)[\"']?",
    re.I,
)
_NAMED_LIST = re.compile(r"\b(?:my|the)\s+([\w'-]+)\s+(?:list|tasks|to-?dos?|items|reminders|chores)\b", re.I)
_IN_LABEL = re.compile(
    r"(?:what's|what is|whats)\s+(?:in|under)\s+(?:my\s+|the\s+)?#?([\w'-]+)$"
    r"|(?:show|list|see|view|display)\s+(?:me\s+)?(?:all\s+)?([\w'-]+)\s+(?:tasks|to-?dos|items|chores|reminders|stuff)$",
    re.I,
)
NO_LABEL = v.WHOLE_LIST | v.words(
    "open completed done finished overdue pending urgent important remaining next first current other whole entire full"
    " upcoming complete unfinished incomplete outstanding active closed high low medium today's tomorrow's of all new"
    " last today tomorrow any some more those these them list agenda box there here mind general case"
)
_ABOUT = re.compile(
    rf"\b(?:{v.TASK}|everything|anything)\s+(?:about|containing|mentioning|with\s+the\s+word)\s+(?P<text>\S.{{0,80}})$",
    re.I,
)
_DID = re.compile(
    r"(?:did|have)\s+i\s+(?:already\s+|ever\s+)?(?:finish(?:ed)?|complete[d]?|done|do|check(?:ed)?\s+off)\s+(?P<what>.+?)(?:\s+(?:already|yet))?$",
    re.I,
)
_PAST = (
    r"(?:do|done|finish(?:ed)?|completed?|(?:get|got|gotten|getting)\s+done|accomplish(?:ed)?|achieved?"
    r"|(?:tick|check|cross)(?:ed)?\s+off)"
)
# "what did I do today?", "show what I finished", "what got done yesterday": the rest is a time, if anything
_WAS_DONE = re.compile(
    rf"(?:(?:so\s+)?(?:what|which|how\s+many|how\s+much|did|have|anything)\b(?:\s+\w+){{0,4}}?\s+)??"
    rf"(?:(?:did|have|'ve|had)\s+(?:i|we)(?:\s+(?:already|actually|ever|all))?\s+{_PAST}(?:\s+(?:anything|something|any\s+tasks?))?"
    rf"|(?:show|list|see|tell|give|display|view|recap)\b(?:\s+\w+){{0,4}}?\s+(?:i|we)(?:'ve|\s+have)?\s+(?:already\s+)?"
    r"(?:did|done|finished|completed|got\s+done|accomplished|achieved|ticked\s+off|checked\s+off|crossed\s+off)"
    r"|what\s+(?:i|we)(?:'ve|\s+have)?\s+(?:already\s+)?(?:did|done|finished|completed|got\s+done|accomplished)"
    r"|(?<=what\s)(?:was|got|has\s+been|were)\s+(?:done|finished|completed))"
    r"(?P<rest>(?:\s+.*)?)$",
    re.I,
)
_SMALL = re.compile(
    r"(?:\s|,|so\s+far|until\s+now|already|recently|lately|all|in\s+total|on|in|for|during|my|list|the|yet)*", re.I
)
FROM_DAY = re.compile(r"\s+from\s+(?!.*\b(?:to|until|till|through|on)\b)", re.I)
_DID_ADD = re.compile(
    r"(?:did|have)\s+(?:i|you)\s+(?:already\s+|ever\s+)?(?:add(?:ed)?|put|write\s+down|written\s+down|note[d]?)\s+(?P<what>\S.{0,60}?)"
    r"(?:\s+(?:already|yet|down))?$",
    re.I,
)
_IS_DONE = re.compile(
    r"(?:is|are|was|were)\s+(?!(?:it|that|this|he|she|they|you|we|dinner|lunch|breakfast|everything|anything)\b)(?P<what>\S.{0,60}?)"
    r"\s+(?:already\s+)?(?:done|finished|completed|ticked\s+off|checked\s+off)(?:\s+yet)?$",
    re.I,
)
_AND_THEN = re.compile(
    r"(?:and|what\s+about|how\s+about|and\s+what\s+about)\s+(?:(?:for|on)\s+)?(?P<due>\S.{0,40})$", re.I
)
_PRIORITY = re.compile(
    r"\b(urgent|critical|important|high|medium|low)(?:[\s-]+priority)?\s+(?:and\s+\w+\s+)?(?:tasks?|to-?dos?|items?"
    r"|things?|ones?|priority)\b"
    r"|^(?:what's|what is|whats|anything|something|show|list)\s+(?:me\s+)?(?:(?:most|very|really|so)\s+)?"
    r"(urgent|important|critical)$",
    re.I,
)


def listing(clause: str, setting: Setting) -> tuple[Command, ...] | None:
    """A question about the list, or None."""
    if done := _was_done(clause, setting):
        return (done,)
    if m := _DID.match(clause):
        return (Search(target(re.sub(r"^(?:any|some|the|a)\s+", "", m["what"], flags=re.I))),)
    if m := _IS_DONE.match(clause) or (None if _ON_LIST.match(clause) else _DID_ADD.match(clause)):
        return (Search(target(re.sub(r"^(?:the|my)\s+", "", m["what"], flags=re.I))),)
    if (m := _AND_THEN.match(clause)) and setting.is_due(m["due"]):
        return (ListTasks(m["due"]),)
    clause = _DAYS.sub(r"\1", clause)
    if (m := _ON_LIST.match(clause) or _LIST_HAS.match(clause)) and not re.match(
        r"(?:anything|something|any|what"
        r"|there)\b",
        m["what"],
        re.I,
    ):
        return (Search(target(re.sub(r"^(?:any|some|the|a)\s+", "", m["what"], flags=re.I))),)
    if _NOT_LISTS.search(clause) or not any(pattern.search(clause) for pattern in _PATTERNS):
        return None
    if v.OTHER_WORLDS.search(clause) and not _QUESTION_TASK.search(clause):
        return None
    return (filters(clause, setting),)


def _was_done(clause: str, setting: Setting) -> ListTasks | None:
    """ "what did I do today?" is about what was done then; "did I do the laundry today" is about one task."""
    m = _WAS_DONE.match(clause)
    if m is None:
        return None
    rest = m["rest"]
    spans = [span for span in setting.find(rest) if due_value(span.value)]
    for span in reversed(spans):
        rest = rest[: span.start] + " " + rest[span.end :]
    if not _SMALL.fullmatch(rest):
        return None
    return ListTasks(status="completed", completed=_time_words(spans[-1].text, setting) if spans else None)


def filters(clause: str, setting: Setting) -> ListTasks:
    """What of the list a question is about."""
    low = clause.lower()
    status = "open"
    if re.search(r"\b(?:not (?:done|completed|finished)|incomplete|uncompleted|unfinished)\b", low):
        pass
    elif re.search(
        r"\b(?:completed|finished|done|closed|checked off|crossed off|did i (?:finish|complete|get done))\b", low
    ):
        status = "all" if re.search(r"\bnot\b", low) else "completed"
        if re.search(r"\b(?:get|be|getting) done\b", low) and "did" not in low:
            status = "open"
    elif re.search(r"\b(?:all|every) (?:of )?(?:my )?tasks\b|\beverything\b", low):
        status = "all"
    label = next((m[1] or m[2] for m in _LABEL.finditer(clause)), None)
    if label is None and (m := _NAMED_LIST.search(clause) or _IN_LABEL.match(clause)):
        named = m[1] or m[2]
        label = named if named.lower() not in NO_LABEL and not setting.is_due(named) else None
    priority = next((v.PRIORITIES[(m[1] or m[2]).lower()] for m in _PRIORITY.finditer(clause)), None)
    due = _due(clause, setting)
    about = _ABOUT.search(clause)
    text = strip_quotes(about["text"]) if about and due is None else None
    if due and status == "completed" and not re.search(r"\bdue\b", low):
        return ListTasks(None, status, label, priority, text, completed=due)
    if due and status == "all" and "everything" in low:
        status = "open"
    return ListTasks(due, status, label, priority, text)


def _due(clause: str, setting: Setting) -> str | None:
    low = clause.lower()
    if re.search(r"\b(?:overdue|past due|late)\b", low):
        return "overdue"
    if re.search(r"\b(?:without|no|with no) (?:a )?(?:due )?date\b|\bundated\b|\bunscheduled\b", low):
        return "none"
    spans = [s for s in setting.find(FROM_DAY.sub(" on ", clause)) if due_value(s.value)]
    if not spans:
        return None
    return _time_words(spans[0].text, setting)


def _time_words(said: str, setting: Setting) -> str:
    """The words of a time without those that only lead to it; "by" and "after" say which side of it is meant."""
    words = re.sub(r"^(?:(?:on|for|due|in the|about)\s+)+", "", said, flags=re.I)
    return words if setting.resolve(words) is not None else said


def searching(clause: str, setting: Setting) -> tuple[Command, ...] | None:
    """ "find milk", "search for the dentist", "where is the passport task". "find me a restaurant" is none of ours."""
    if m := _WHEN.match(clause) or _WHEN_MY.match(clause):
        return (Search(target(re.sub(r"^(?:the|my)\s+", "", m["what"], flags=re.I))),)
    if (m := _FIND.match(clause)) is None:
        return None
    what, verb = m["what"], m["verb"].lower()
    ours = _QUESTION_TASK.search(what) is not None or "list" in what.lower()
    if verb.startswith("where") and not ours:
        return None
    if not ours and (m["me"] or _GENERAL.match(what) or v.ELSEWHERE.search(what)):
        return None
    if not ours and (v.OTHER_WORLDS.search(what) or len(what.split()) > 6 or verb == "look up"):
        return None
    what = re.sub(
        rf"^(?:all\s+|any\s+)?(?:of\s+)?(?:the\s+|my\s+)?{v.TASK}\s+(?:about|with|for|containing|called|named"
        rf"|mentioning|that\s+\w+)\s+",
        "",
        what,
        flags=re.I,
    )
    what = re.sub(rf"\s+(?:in|on|among)\s+(?:my|the)\s+(?:[\w-]+\s+)?{v.LIST}$", "", what, flags=re.I)
    what = re.sub(rf"^(?:for|the|my)\s+|\s+{v.TASK}$", "", what, flags=re.I)
    return (Search(strip_quotes(what)),) if what.strip() else None
