"""Picking from a list: whether a whole message names a place in it, or all of it."""

from __future__ import annotations

import re

from assistant.interpreter.commands.text import plain, unwrap

_CHOICE = re.compile(
    r"(?:(?:the|number|no\.?|option|task|#)\s*)*(?:\d{1,3}|first|second|third|fourth|fifth|sixth|seventh|eighth"
    r"|ninth|tenth|last|1st|2nd|3rd|\d{1,2}th"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|latter|former|top|bottom)(?:\s+(?:one|task|option))?",
    re.I,
)
_ALL = re.compile(
    r"(?:(?:all|both)(?:\s+(?:of\s+)?(?:them|these|those))?|(?:them|these|those)\s+all|every\s*one(?:\s+of\s+them)?"
    r"|all\s+(?:two|three|four|five))",
    re.I,
)


def is_choice(text: str) -> bool:
    """Whether the whole message picks one of a list: "2", "#2", "the second one", "the last"."""
    return _CHOICE.fullmatch(unwrap(plain(text))) is not None


def picks_all(text: str) -> bool:
    """Whether the whole message takes all of a list: "both", "all of them"."""
    return _ALL.fullmatch(unwrap(plain(text))) is not None
