"""Whether a whole message is a yes or a no to "shall I do it?". Anything that says more is neither."""

from __future__ import annotations

import re
import unicodedata
from enum import Enum
from typing import Final

_LENGTH: Final = 80
"""Code points of the longest message that can be a plain yes or no."""


class _Part(Enum):
    YES = "YES"
    NO = "NO"
    MILD = "MILD"  # a yes on its own that gives way to a no: "ok, never mind"
    COURTESY = "COURTESY"
    OBJECT = "OBJECT"


_WORDS: Final = {
    _Part.YES: """
        yes|y|ye|yeah|yea|yep|yup|ya|aye|yes i do|yes you may|yes you can|sure|sure thing|surely|do it|do so|do that
        |please do|just do it|go|go ahead|go for it|go on|go ahead and do it|proceed|continue|carry on|confirm|confirmed
        |i confirm|approve|approved|i approve|accept|accepted|agreed|i agree|affirmative|absolutely|definitely|certainly
        |of course|by all means|correct|that's correct|that's right|exactly|make it so|sounds good|looks good|lgtm
        |no problem|no worries|why not|i'm sure|i am sure|you may|yes sir|yes ma'am|ok do it
        |ja|jawohl|jo|klar|na klar|natürlich|mach das|mach es|mach's|bitte ja|oui|ouais|vas-y|d'accord|bien sûr
        |sí|claro|adelante|hazlo|por supuesto|sì|certo|va bene|procedi|sim|claro que sim|pode fazer|doe maar|zeker
        |graag|👍|👌|✅|✔|☑|🆗|💯
    """,
    _Part.MILD: "ok|okay|okey|oke|k|kk|alright|all right|fine|that's fine|very well",
    _Part.NO: """
        no|n|nope|nah|na|naw|nay|no way|no sir|never|not now|not yet|not today|don't|do not|dont|don't do it
        |do not do it|dont do it|don't do that|do not do that|don't go ahead|do not go ahead|stop|stop it|stop that
        |cancel|abort|halt|reject|rejected|i reject|decline|declined|deny|denied|refuse|never mind|nevermind|nvm
        |forget it|forget about it|forget that|leave it|leave it alone|leave it be|leave them|leave them alone
        |leave that
        |leave it as it is|leave them as they are|leave everything as it is|keep it|keep them|keep that|keep those
        |keep all|keep all of them|keep everything|i changed my mind|i've changed my mind|changed my mind
        |i'd rather not|rather not|negative|certainly not|of course not|absolutely not|definitely not|better not
        |i don't want that
        |none of these|none of them|neither|scratch that
        |nein|nee|nö|lieber nicht|bitte nicht|lass es|abbrechen|stopp|non|annule|annuler|laisse tomber|cancela|cancelar
        |déjalo|mejor no|annulla|lascia stare|lascia perdere|não|deixa|deixa pra lá|laat maar|niet doen|annuleren
        |👎|❌|🚫|🛑|✋|🙅
    """,
    _Part.COURTESY: """
        please|pls|plz|thanks|thank you|thank you very much|thanks a lot|thx|ty|now|then|just|oh|well|so|actually|really
        |sorry|for me|i think|bitte|danke|merci|s'il te plaît|s'il vous plaît|gracias|por favor|grazie|per favore
        |obrigado|obrigada|alsjeblieft|bedankt|🙏|🙂|😊
    """,
}
# What is done, in words that name nothing new: "yes, delete them", "don't do that"
_OBJECTS: Final = """
    do|delete|remove|erase|trash|drop|move|reschedule|change|update|rename|complete|finish|mark|close|reopen|postpone
    |it|that|this|them|these|those|both|both of them|all|all of it|all of them|all of these|all of those|all of that
    |them all|it all|everything|all three|all four|all five|that one|this one|the task|the tasks|these tasks
    |those tasks|that task|this task|as done|as complete|as completed
"""
_FORBIDDING: Final = frozenset({"don't", "do not", "dont", "cancel", "stop", "reject"})
"""The noes that an object may follow: "no, delete them" is neither a yes nor a no."""


def _phrases() -> dict[tuple[str, ...], _Part]:
    told = {tuple(phrase.split()): part for part, text in _WORDS.items() for phrase in text.split("|")}
    for phrase in _OBJECTS.split("|"):
        told.setdefault(tuple(phrase.split()), _Part.OBJECT)
    return told


_PHRASES: Final = _phrases()
_LONGEST: Final = max(len(phrase) for phrase in _PHRASES)
_SIGNS: Final = "👍👌✅✔☑🆗💯👎❌🚫🛑✋🙅🙏🙂😊"
_IGNORED: Final = re.compile("[\ufe0e\ufe0f\u200d\u2640\u2642\U0001f3fb-\U0001f3ff]")  # variants of a sign, skin tones


def read_answer(text: str) -> bool | None:
    """Whether the whole message says yes or no; None for anything else, such as a yes with a "but" or a new command."""
    if len(text) > _LENGTH or "?" in text:
        return None
    parts = _parts(_split(text))
    if parts is None:
        return None
    decided = {part for part in parts if part in (_Part.YES, _Part.NO)}
    if len(decided) == 2:
        return None
    if decided:
        return decided == {_Part.YES}
    return True if _Part.MILD in parts else None


def _split(text: str) -> tuple[str, ...]:
    """Words and signs, without case and punctuation."""
    low = unicodedata.normalize("NFC", _IGNORED.sub("", text)).casefold().replace("’", "'")
    spaced = re.sub(f"([{_SIGNS}])", r" \1 ", low)
    return tuple(word for raw in spaced.split() if (word := raw.strip(" .,;:!¡…–—-\"'“”()")))


def _parts(words: tuple[str, ...]) -> list[_Part] | None:
    """What each phrase is, the longest first; None where one is unknown, or an object doesn't belong to an answer."""
    parts: list[_Part] = []
    place, takes_object = 0, False
    while place < len(words):
        length = next((n for n in range(_LONGEST, 0, -1) if words[place : place + n] in _PHRASES), 0)
        if not length:
            return None
        phrase = words[place : place + length]
        part = _PHRASES[phrase]
        if part is _Part.OBJECT and not takes_object:
            return None
        if part is _Part.NO:
            takes_object = " ".join(phrase) in _FORBIDDING
        elif part in (_Part.YES, _Part.MILD):
            takes_object = True
        parts.append(part)
        place += length
    return parts
