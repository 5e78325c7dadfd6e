"""What was done, as what was to be done: "I called mom" is about "call mom"."""

from __future__ import annotations

import re
from typing import Final

from assistant.interpreter.commands import vocabulary as v

_IRREGULAR: Final = {
    "bought": "buy", "paid": "pay", "rang": "ring", "wrote": "write", "sent": "send", "fed": "feed", "got": "get",
    "took": "take", "brought": "bring", "met": "meet", "read": "read", "cut": "cut", "did": "", "done": "", "had": "",
    "went": "go", "made": "make", "swept": "sweep", "gave": "give", "spoke": "speak", "saw": "see",
}  # fmt: skip
_SAID: Final = re.compile(
    r"(?:i\s*(?:have|'ve)?\s+)?(?:(?:just|already|finally|also)\s+)*"
    r"(?P<verb>[a-z]+)\s+(?!(?:i|you|we|he|she|it|they|anyone|someone|not)\b)(?P<rest>\S.*)$",
    re.I,
)
_REGULAR: Final = {
    form: verb
    for verb in v.TASK_VERBS
    for form in (f"{verb}ed", f"{verb}d", f"{verb}{verb[-1]}ed", f"{verb[:-1]}ied")
    if not (form.endswith("ied") and not verb.endswith("y"))
}


def to_do(words: str) -> str:
    """The words as a task would have them; unchanged where they aren't in the past."""
    m = _SAID.match(words)
    verb = None if m is None else {**_REGULAR, **_IRREGULAR}.get(m["verb"].lower())
    if m is None or verb is None:
        return words
    if verb == "get" and (done := re.fullmatch(r"(?P<task>\S.*?)\s+(?:done|finished)", m["rest"], re.I)):
        return done["task"]
    return f"{verb} {m['rest']}".strip()


def was_done(clause: str) -> str | None:
    """What a whole clause says was done; None for any other clause."""
    meant = to_do(clause)
    return meant if meant != clause else None
