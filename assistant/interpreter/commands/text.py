"""Small text tools of the command grammar: polite wrapping, quotes, labels and priorities in a title."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from assistant.interpreter.commands import vocabulary as v
from assistant.interpreter.targets import within

_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "’": "'", "‘": "'"})
_CLOSING = " .!?;,"
_POLITE_TAIL = 24  # code points that the longest closing courtesy takes
EDGE = " \t\r\n,;:–—-"
_LOOSE_END = re.compile(r"(?<![,;:–—-])(?<![,;:–—-]\s)\s?[,;:–—-]$")
_SIGNS_KEPT = 6
_SIGNS = re.compile(rf"[\s!-/:-@\[-`{{-~–—]{{{2 * _SIGNS_KEPT},}}")
_LABEL = re.compile(r"(?:(?<=\s)|^)#(?!\d+\b)([^\W_][\w/-]*)", re.UNICODE)
_MARK = re.compile(r"(?:(?<=\s)|^)(?:!(urgent|high|medium|med|low|[1-4])|(!{2,3})|(p[1-4]))(?=\s|$|[,.])", re.I)
_WITH_PRIORITY = re.compile(
    rf"[\s,]*(?:\bwith\s+|\bat\s+|\bas\s+)?(?:\ba\s+)?\b({v.PRIORITY})[\s-]+priority\b"
    rf"|[\s,]*\bpriority:?\s+({v.PRIORITY})\b",
    re.I,
)
_OFF_LIST = re.compile(
    r"\s+(?:from|off|off of|out of|on|in|of)\s+(?:of\s+)?"
    rf"(?:(?:today|tomorrow|\w+day)'s\s+(?:calendar|schedule|agenda|list)|{v.NAMED_LIST})(?=\s|$)",
    re.I,
)
_CLAUSE_TAIL = re.compile(
    r"\s+(?:(?:that|which)\s+i(?:'ve|'m)?\s.*|(?:(?:that|which)\s+)?(?:i(?:'ve|\s+have|\s+had)?|is\s+scheduled"
    r"|scheduled|planned))$",
    re.I,
)
_LAST_WORDS = re.compile(
    r"(?:\s+(?:as|is|any\s*more|now|off|out|done|complete|completed|finished|that|instead))+$", re.I
)
_PLACES = r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last|next|other|\d+(?:st|nd|rd|th))"
_AT_WORD = re.compile(r"(?:(?<=\s)|^)@(?=\w)")


def plain(text: str) -> str:
    """Straight quotes, and long runs of signs cut short: patterns would take the square of their length."""
    even = re.sub(r"[^\S\n]+", " ", text.translate(_QUOTES))
    return _SIGNS.sub(_shortened, re.sub(r"([^\w\n])\1{3,}", r"\1\1\1", even))


def _shortened(run: re.Match[str]) -> str:
    return "\n" if "\n" in run[0] else run[0][:_SIGNS_KEPT]


_BARE_SPELT: Final = {
    "dont": "don't", "cant": "can't", "didnt": "didn't", "havent": "haven't", "isnt": "isn't", "doesnt": "doesn't",
    "wont": "won't", "whats": "what's", "whens": "when's", "wheres": "where's", "hows": "how's", "thats": "that's",
    "ive": "i've", "im": "i'm", "lets": "let's", "whos": "who's",
}  # fmt: skip
_VERBS: Final = (
    "remind",
    "delete",
    "remove",
    "rename",
    "cancel",
    "finish",
    "complete",
    "snooze",
    "reschedule",
    "postpone",
)
_OTHER_VERBS: Final = v.words("rewind remand remote remotes cancer cancers finnish compete deplete removal cancels")
"""Words of their own that are one letter from a verb of ours."""
_BARE: Final = re.compile(rf"((?:(?:and|but|pls|please|so|ok|i)[\s,]+)*)({'|'.join(_BARE_SPELT)})\b", re.I)


def spelt_out(text: str) -> str:
    """The text with the apostrophe that its first words lack, and its first verb as it is spelt: "dont", "delte"."""
    if _BARE.match(text):
        return _BARE.sub(lambda m: m[1] + _BARE_SPELT[m[2].lower()], text, count=1)
    first = text.partition(" ")[0]
    if not 5 <= len(first) <= 11 or not first.isalpha() or (verb := _verb(first.lower())) == first.lower():
        return text
    return verb + text[len(first) :]


@lru_cache(maxsize=1024)
def _verb(word: str) -> str:
    """The verb that a word misspells by one letter; other words as they are."""
    if word in _OTHER_VERBS or any(word.startswith(verb) for verb in _VERBS):
        return word
    return next((verb for verb in _VERBS if verb[0] == word[0] and within(word, verb, 1)), word)


def unwrap(text: str) -> str:
    """The clause without greetings, "please", "could you" around it, and without closing punctuation."""
    text, start = spelt_out(text.strip()), 0
    while (m := v.POLITE_BEFORE.match(text, start)) and m.end() < len(text):
        start = m.end()
    bare = text[start:].rstrip(_CLOSING)
    while (m := v.POLITE_AFTER.search(bare, max(0, len(bare) - _POLITE_TAIL))) and m.start() > 0:
        bare = bare[: m.start()].rstrip(_CLOSING)
    return bare or text.rstrip(_CLOSING) or text


def strip_quotes(text: str) -> str:
    """The text inside quotation marks that enclose it whole."""
    text = _trimmed(text)
    if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'" and text[0] not in text[1:-1]:
        return text[1:-1].strip()
    return text


def target(text: str) -> str:
    """What names a task, without "the task called" before it or "task", "from my list" after it."""
    text = text.strip(EDGE + ".!?")
    if not v.SEVERAL.match(text):  # the list tells which are meant by "everything on my trip list"
        text = re.sub(
            rf"\s+(?:from|on|off|in|of)\s+(?:of\s+)?(?:my|the|our)\s+(?:[\w-]+\s+)?{v.LIST}$", "", text, flags=re.I
        )
    text = re.sub(
        rf"^(?:the\s+|my\s+|that\s+|this\s+)?{v.TASK}\s+(?:called|named|titled|to|about|for"
        rf"|:)\s*",
        "",
        text,
        flags=re.I,
    )
    text = re.sub(r"^(?:the\s+)?(?:task|todo|item)(?:\s*:\s*|\s+(?=[\"'#\d]))", "", text, flags=re.I)
    text = re.sub(r"^(?:my\s+|the\s+)?(?:next|upcoming)\s+(?!one\b|task\b|item\b)(?=\w)", "", text, flags=re.I)
    text = _CLAUSE_TAIL.sub("", text)
    if not re.fullmatch(rf"(?:the|that|this|my)\s+(?:{_PLACES}\s+)?{v.TASK}", text, re.I):
        text = re.sub(r"\s+(?:task|reminder|todo|to-do|item|event)$", "", text, flags=re.I)
    return strip_quotes(text)


def bare_target(text: str) -> str:
    """What names a task, without the list that it stands on and the words that only close the sentence."""
    return squeeze(_LAST_WORDS.sub("", _OFF_LIST.sub("", text)))


@dataclass(frozen=True, slots=True)
class Marks:
    """Quick-add notation taken out of a title."""

    rest: str
    labels: tuple[str, ...]
    priority: str | None


def marks(text: str) -> Marks:
    """Takes #label, !high, p1 and "with high priority" out of a title; "@friday" becomes a plain date word."""
    labels = tuple(dict.fromkeys(m[1] for m in _LABEL.finditer(text)))
    priority = None
    if m := _MARK.search(text):
        word = (m[1] or m[3] or "").lower()
        number = {"1": "URGENT", "2": "HIGH", "3": "MEDIUM", "4": "LOW"}
        priority = {"!!": "HIGH", "!!!": "URGENT"}.get(m[2] or "") or number.get(word) or v.PRIORITIES[word]
    elif m := _WITH_PRIORITY.search(text):
        priority = v.PRIORITIES[(m[1] or m[2]).lower()]
        text = _WITH_PRIORITY.sub(" ", text, count=1)
    rest = _AT_WORD.sub("@", _MARK.sub(" ", _LABEL.sub(" ", text)))
    return Marks(squeeze(rest), labels, priority)


def squeeze(text: str) -> str:
    """White space runs become one space; loose punctuation at the ends goes."""
    return _trimmed(re.sub(r"\s+([,.;])", r"\1", re.sub(r"\s+", " ", text)))


def _trimmed(text: str) -> str:
    """Without loose punctuation at the ends; a run of signs at the end belongs to the text: "drop it; --"."""
    return _LOOSE_END.sub("", text.strip()).lstrip(EDGE)


def priority_word(text: str) -> str | None:
    return v.PRIORITIES.get(re.sub(r"[\s-]*priority$", "", text.strip().lower()))
