"""Whole messages about labels and settings, and about what was deleted: to see it, and to have it back."""

from __future__ import annotations

import re
from typing import Final

from assistant.interpreter.colors import COLORS
from assistant.interpreter.commands.kinds import Arrange, Command, Keep, ListTasks
from assistant.interpreter.commands.text import strip_quotes, target, unwrap

LENGTH: Final = 300
"""Characters that such a message has at most."""

_THE = r"(?:(?:the|my|a|an|our|new)\s+)*"
_LABEL = r"(?:label|tag)"
_NAMED = rf"(?:{_THE}{_LABEL}\s+(?:called\s+|named\s+|:\s*)?(?P<l>[^\s].*?)|{_THE}(?P<k>[^\s].*?)\s+{_LABEL})"
_HUES = "|".join(name for name in COLORS if " " not in name)
_COLOR = rf"(?P<c>(?:(?:light|dark)\s+)?(?:{_HUES})|#?[0-9a-f]{{6}})"
_RENAME: Final = re.compile(rf"(?:rename|call)\s+{_NAMED}\s+(?:to|into|as)\s+(?P<n>.+)", re.I)
_PAINT: Final = re.compile(rf"(?:make|paint|turn|colou?r)\s+{_NAMED}(?:\s+(?:to|into|in))?\s+{_COLOR}", re.I)
_SET_COLOR: Final = re.compile(rf"(?:set|change)\s+(?:the\s+)?colou?r\s+of\s+{_NAMED}\s+to\s+{_COLOR}", re.I)
_CREATE: Final = re.compile(
    rf"(?:create|make|add|start)\s+{_THE}{_LABEL}\s+(?:called\s+|named\s+|:\s*)?(?P<l>[^\s].*?)"
    rf"(?:(?:\s+in|,|\s+with\s+(?:the\s+)?colou?r)\s+{_COLOR})?",
    re.I,
)
_DELETE: Final = re.compile(rf"(?:delete|remove|drop|get\s+rid\s+of)\s+{_NAMED}", re.I)
_OF_A_TASK: Final = re.compile(r"\s(?:from|off|to|on|of|for)\s", re.I)
"""Where that stands in the name, the label is one of a task: "remove the tag home from milk"."""
_LABELS: Final = re.compile(
    r"(?:(?:what|which)\s+(?:labels|tags)(?:\s+(?:do\s+i\s+have|have\s+i\s+got|are\s+there))?"
    r"|what\s+are\s+(?:my|the)\s+(?:labels|tags)"
    r"|(?:(?:show|list|see|view)\s+(?:me\s+)?)(?:all\s+)?(?:(?:of\s+)?(?:my|the)\s+)?(?:labels|tags))",
    re.I,
)
_ZONE: Final = re.compile(
    r"(?:(?:change|set|switch|update|move)\s+(?:my|the)\s+time\s*-?zone\s+(?:to|as)|my\s+time\s*-?zone\s+is(?:\s+now)?)"
    r"\s+(?P<z>[\w/+ -]{2,64})",
    re.I,
)
_WEEK: Final = re.compile(
    r"(?:(?:my|the|our)\s+weeks?\s+(?:should\s+)?(?:starts?|begins?)|(?:start|begin)\s+(?:my|the)\s+weeks?)\s+on\s+"
    r"(?:a\s+)?(?P<d>monday|saturday|sunday)s?",
    re.I,
)
_CLOCK: Final = re.compile(
    r"(?:(?:set|change)\s+(?:my|the)\s+(?:default|usual)\s+(?:due\s+)?time\s+(?:of\s+day\s+)?to\s+(?P<t>.{1,40})"
    r"|(?:remove|clear|drop)\s+(?:my|the)\s+(?:default|usual)\s+(?:due\s+)?time)",
    re.I,
)
_DELETED: Final = re.compile(
    r"(?:(?:show|list|see|view)\s+(?:me\s+)?(?:(?:all|my|the|of|recently)\s+)*deleted\s+"
    r"(?:tasks|ones|items|things|to-?dos)"
    r"|(?:what|which\s+tasks)\s+(?:(?:did|have)\s+(?:i|we|you)|was|were|has\s+been|have\s+been)\s+"
    r"(?:just\s+|recently\s+)?deleted?(?:\s+(?:recently|lately))?"
    r"|(?:what(?:'s|\s+is)|show\s+(?:me\s+)?what(?:'s|\s+is))\s+in\s+(?:the|my)\s+(?:trash|bin|recycle\s+bin))",
    re.I,
)
_RESTORE: Final = re.compile(
    r"(?:(?:restore|undelete|recover)\s+(?P<t>.+)|bring\s+back\s+(?P<b>.+)|bring\s+(?P<m>.+?)\s+back)", re.I
)
_IT: Final = re.compile(r"(?:it|that|this|them|those|these|all)(?:\s.*)?", re.I)
"""What was deleted just now: taking that back is to undo it."""


def housekeeping(text: str) -> Command | None:
    """What a whole message of that kind asks for; None for any other."""
    words = unwrap(text)
    if len(words) > LENGTH:
        return None
    if _DELETED.fullmatch(words):
        return ListTasks(status="deleted")
    if (found := _RESTORE.fullmatch(words)) and not _IT.fullmatch(what := found["t"] or found["b"] or found["m"]):
        return Arrange(target(strip_quotes(what)), restore=True)
    return _of_labels(words) or _of_settings(words)


def _of_labels(words: str) -> Command | None:
    if _LABELS.fullmatch(words):
        return Keep("list_labels")
    if found := _RENAME.fullmatch(words):
        return Keep("update_label", {"label": _name(found), "name": strip_quotes(found["n"])})
    if found := _PAINT.fullmatch(words) or _SET_COLOR.fullmatch(words):
        return Keep("update_label", {"label": _name(found), "color": found["c"].lower()})
    if (found := _CREATE.fullmatch(words)) and not _OF_A_TASK.search(found["l"]):
        color = {"color": found["c"].lower()} if found["c"] else {}
        return Keep("update_label", {"label": strip_quotes(found["l"]), "create": True, **color})
    if (found := _DELETE.fullmatch(words)) and not _OF_A_TASK.search(found["l"] or found["k"]):
        return Keep("delete_label", {"label": _name(found)})
    return None


def _name(found: re.Match[str]) -> str:
    return strip_quotes(found["l"] or found["k"])


def _of_settings(words: str) -> Command | None:
    if found := _ZONE.fullmatch(words):
        return Keep("update_settings", {"time_zone": found["z"]})
    if found := _WEEK.fullmatch(words):
        return Keep("update_settings", {"week_start": found["d"].upper()})
    if found := _CLOCK.fullmatch(words):
        return Keep("update_settings", {"default_due_time": found["t"] or "none"})
    return None
