"""Whole messages that put right what was said before: "no, I meant friday", "make that oat milk", "friday instead"."""

from __future__ import annotations

import re
from typing import Final

from assistant.interpreter.commands.kinds import Correct
from assistant.interpreter.commands.text import strip_quotes
from assistant.interpreter.commands.titles import Setting

_SORRY: Final = (
    r"(?:(?:no|nope|nah|oops|whoops|ups|sorry|wait|hang\s+on|hold\s+on|actually|argh|damn|my\s+(?:bad|mistake)|i\s+mean)"
    r"\b[\s,.!:;-]*)"
)
_MEANT: Final = r"(?:i\s+(?:meant|mean)(?:\s+to\s+say)?|(?:it|that)\s+(?:should|was\s+supposed\s+to)\s+(?:be|say))"
_CORRECTION: Final = re.compile(
    rf"{_SORRY}*(?:(?:{_MEANT}|(?P<make>make\s+(?:it|that)))\s+)?(?P<words>\S.*?)(?P<instead>\s+instead)?"
    r"(?:\s*,?\s*(?:and\s+)?not\s+\S.*)?",
    re.I,
)
_SURE: Final = re.compile(rf"{_SORRY}*{_MEANT}\b", re.I)
_AT_MOST: Final = 120
_WORDS: Final = 8
_NO_NAME: Final = re.compile(r"(?:it|that|this|what|nothing|to|you|your|the\s+other|not|if|when|how|why)\b", re.I)


def correcting(text: str, setting: Setting) -> Correct | None:
    """What a whole message says was meant. Without "I meant" that is a time only: "no, friday", "5pm instead"."""
    text = " ".join(text.split()).rstrip(" .!,")
    m = _CORRECTION.fullmatch(text) if len(text) <= _AT_MOST else None
    if m is None or len(m["words"].split()) > _WORDS or _NO_NAME.match(m["words"]):
        return None
    said = re.sub(r"^(?:for|on|to|at)\s+", "", m["words"], flags=re.I)
    if setting.is_due(said):
        return Correct(said, is_time=True) if m["words"] != text else None
    return Correct(strip_quotes(m["words"])) if _SURE.match(text) else None
