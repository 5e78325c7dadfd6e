"""Words for several tasks at once, by what they have in common: "all done ones", "everything due today"."""

from __future__ import annotations

import re
from dataclasses import replace

from assistant.interpreter.commands import vocabulary as v
from assistant.interpreter.commands.asking import FROM_DAY, NO_LABEL, filters
from assistant.interpreter.commands.kinds import ListTasks
from assistant.interpreter.commands.titles import Setting, due_value, label_of, undated

_EVERY = r"(?:all|every|everything|anything|each|any)"
_OURS = rf"(?:{v.TASK}|ones?|stuff|things?|events?|(?:thing|one)s?\s+(?:that\s+(?:is|are)|that's))"
_STATES = (
    r"(?:done|completed|complete|finished|closed|checked(?:\s+off)?|overdue|late|open|pending|remaining"
    r"|unfinished|urgent|important"
    r"|critical|high[\s-]+priority|medium[\s-]+priority|low[\s-]+priority)"
)
_SET = re.compile(
    rf"{_EVERY}(?:\s+of)?(?:\s+(?:the|my|our|these|those))*(?P<states>(?:\s+(?:{_STATES}|\w+'s|#[\w/-]+))*)"
    rf"(?:\s+(?P<noun>(?:(?P<label>[\w'-]+)\s+)?{_OURS}))?(?P<rest>\s+.+)?$",
    re.I,
)
_THE = re.compile(rf"^(?:the|my)\s+(?={_STATES}\s+(?:{v.TASK}|ones|things)\b)", re.I)
_BARE_STATE = re.compile(
    rf"^(?:done|completed|finished|overdue|checked(?:\s+off)?)(?:\s+(?:{v.TASK}|ones|things|stuff))?$", re.I
)
_WHOLE = re.compile(
    r"(?:(?:my|the|our|all\s+of\s+my|all\s+my)\s+)(?P<list>(?:[\w'&-]+\s+){0,2}?)"
    r"(?:lists?|to-?dos?|to\s+do|tasks|agenda|calendar|schedule|reminders)(?P<rest>\s+(?:for|on|of|due|from"
    r"|in)\s.+)?$",
    re.I,
)
_RELATION = re.compile(
    r"\s*(?:(?:that|which)\s+(?:is|are)|that's|that\s+(?:i|we)\s+(?:have|had))?\s*(?:due|from|for|on|in|of|with"
    r"|tagged|labell?ed|about"
    r"|called|containing|to\s+do)?\b",
    re.I,
)
_ON_LIST = re.compile(r"\s+(?:on|from|in|off)\s+(?:my|the|our)\s+(?:to-?do\s+|to\s+do\s+|task\s+)?list$", re.I)
_DAYS_OWN = re.compile(r"\b(?P<day>[a-z]+)['’]s\s+(?P<noun>(?:tasks?|to-?dos?|things?|ones?|items?|stuff))\b", re.I)
_SAID = re.compile(
    rf"\b(?:{_EVERY}|{_OURS}|{_STATES}|the|my|our|these|those|of|to|do|that|which|is|are|have|had|got|i|we|due|from|for|on|in"
    r"|at|with|tagged|labell?ed|about|containing|mentioning|called|named|word|lists?|calendar|agenda|schedule|reminders|a|an|date|without|no|any|priority"
    r"|or|and|more|still|yet|now)\b|'s\b|[^\w\s]",
    re.I,
)
"""Words of a selection that are accounted for by being there."""
_NOT_DONE = re.compile(r"\bnot\s+(?=(?:done|completed?|finished)\b)", re.I)
_NOT = re.compile(r"\bnot\b|n't\b", re.I)
_ABOUT = re.compile(r"\b(?:about|containing|mentioning|called|named|with\s+the\s+word)\s+(?P<text>.+)$", re.I)


def selections(words: str, setting: Setting) -> tuple[ListTasks, ...]:
    """Which tasks are meant, as lists of them would be asked for, the likeliest first; none where words name one task.

    An empty selection of words ("all") is none: what was shown last is meant by that. "All groceries" are those of the
    label, or those with the word in them.
    """
    asked = _selection(words, setting)
    if asked is None:
        return ()
    if asked.text and not _ABOUT.search(words):
        return (replace(asked, text=None, label=asked.text), replace(asked, text=_stem(asked.text)))
    if asked.label and not re.search(r"#|\b(?:lists?|label|tag|tagged|labell?ed)\b", words, re.I):
        return (asked, replace(asked, label=None, text=_stem(asked.label)))
    return (asked,)


def _stem(word: str) -> str:
    """What a word and its plural have in common."""
    return re.sub(r"(?:ies|y|s)$", "", word) if len(word) > 3 else word


def _selection(words: str, setting: Setting) -> ListTasks | None:
    """None where a word of it isn't accounted for: whoever says which tasks must not be taken to mean more of them."""
    words = _DAYS_OWN.sub(lambda m: f"{m['noun']} due {m['day']}" if setting.is_due(m["day"]) else m[0], words)
    words = FROM_DAY.sub(" on ", _ON_LIST.sub("", words))
    asked = _asked_for(words, setting)
    return asked if asked is not None and _accounts_for(words, asked, setting) else None


def _accounts_for(words: str, asked: ListTasks, setting: Setting) -> bool:
    rest = words = _NOT_DONE.sub("", words)
    if _NOT.search(words):
        return False
    if asked.due or asked.completed:
        span = next((span for span in setting.find(words) if due_value(span.value)), None)
        if span is not None and asked.due not in ("overdue", "none"):
            rest = f"{rest[: span.start]} {rest[span.end :]}"
        rest = re.sub(r"\b(?:overdue|past\s+due|late|undated|unscheduled)\b", " ", rest, flags=re.I)
        rest = re.sub(r"\b(?:before|after|by|until|till|since)\b", " ", rest, flags=re.I)
    for named in filter(None, (asked.label, asked.text)):
        rest = re.sub(rf"(?<!\w){re.escape(named)}(?!\w)", " ", rest, flags=re.I)
    return not _SAID.sub(" ", rest).strip()


def _asked_for(words: str, setting: Setting) -> ListTasks | None:
    words = _BARE_STATE.sub(r"all \g<0>", words.strip(), count=1)
    words = _THE.sub("all ", " ".join(words.split()), count=1)
    if (m := _WHOLE.match(words)) and not _SET.match(words):
        asked = filters(words, setting)
        return replace(asked, status=_status(words), label=label_of(m["list"]) or asked.label, text=None)
    m = _SET.match(words)
    if m is None:
        return None
    whole = m["noun"] or m["states"].strip() or re.match(r"(?:everything|anything)\b", words, re.I)
    asked = filters(words if m["noun"] else f"{words} tasks", setting)
    asked = replace(asked, label=asked.label or _label(m["label"]))
    status = _status(m["states"] + (m["rest"] or ""))
    rest = (m["rest"] or "").strip()
    if not whole:
        return _named(rest, asked, status, setting, plural=not re.match(r"all\s+\S+$", words, re.I))
    if about := _ABOUT.search(rest):
        return replace(asked, status=status, text=undated(about["text"], setting))
    if rest and not (asked.due or asked.label or status != "open" or asked.priority_at_least):
        return None if not _RELATION.match(rest) or _RELATION.sub("", rest).strip() else asked
    return replace(asked, status=status, text=None)


def _label(word: str | None) -> str | None:
    """The label in "all shopping tasks"."""
    return None if word is None or word.lower() in NO_LABEL else word


def _status(words: str) -> str:
    done = re.search(r"\b(?:done|completed?|finished|closed|checked)\b", words, re.I)
    undone = re.search(r"\b(?:not|un\w+|to\s+be|in)\s*(?:done|completed?|finished)\b", words, re.I)
    return "completed" if done and not undone else "open"


def _named(rest: str, asked: ListTasks, status: str, setting: Setting, *, plural: bool) -> ListTasks | None:
    """ "all meetings on friday": the tasks that hold the word, be it one of them or several."""
    name = undated(rest, setting)
    if not name or len(name.split()) > 3 or (plural and not name.endswith("s")):
        return None
    return replace(asked, status=status, text=name)
