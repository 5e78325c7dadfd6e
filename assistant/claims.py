"""Whether a reply says that something was done to tasks, and the plain fact where nothing was."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

from assistant.claim_words import LANGUAGES, Language
from models.enums import OperationType, ToolCallStatus
from models.turns import ToolCall

FACT: Final = "(Nothing was changed.)"

_LENGTH: Final = 20_000
"""Code points of a reply that are looked at."""

_CLAUSE_LENGTH: Final = 400
"""Code points of a clause that are looked at: a claim stands at its beginning or near it."""

_QUOTED: Final = re.compile(
    r"“[^“”\n]{0,600}”|„[^„“”\n]{0,600}[“”]|«[^«»\n]{0,600}»|\"[^\"\n]{0,600}\"|\*\*[^*\n]{1,600}\*\*|`[^`\n]{0,600}`"
    r"|__[^_\n]{1,600}__|(?<!\w)'[^'\n]{0,600}'(?!\w)"
)
_CLAUSES: Final = re.compile(
    r"(?<=[.!?…])\s+|\n+|;\s+|\s+[–—-]\s+|,?\s+(?:but|however|though|aber|jedoch|sondern|mais|pero|ma|però|mas|maar)\s+|,?\s+(?:and|so)\s+(?=(?:i|we)\b)"
)
_LEAD: Final = re.compile(
    r"^(?:\W*(?<!“)(?:(?:ok|okay|oké|alright|all right)[\s,.!:]+|(?:sure(?: thing)?|great|perfect|got it|no problem"
    r"|of course|absolutely|yes|yep|no worries|good news|there|sorry|right|certainly|gladly|noted|no|klar|gut|gerne?"
    r"|alles klar|bien sûr|d'accord|parfait|voilà|claro|listo|perfecto|vale|certo|perfetto|va bene|perfeito|pronto"
    r"|prima|goed|natuurlijk)\s*[,.!:]+\s*))+(?=[\w“])"
)
_NUMBERED: Final = re.compile(r"\s*(?:\d+[.)]|\[[ x]\])\s")
_BULLET: Final = re.compile(r"^\s*[-*•]\s+")
_SIGN: Final = re.compile(r"^\s*(?:✅|☑|✔)|(?:✅|☑|✔)\ufe0f?\s*$")


def proven(text: str, calls: Sequence[ToolCall]) -> str:
    """The reply, with the fact at its end where it claims what no finished call of the turn did.

    `calls` are those whose work the reply may speak of: of the turn, and of the attempts that it goes on from.
    """
    if any(call.status == ToolCallStatus.COMPLETED and call.operation != OperationType.SEARCH for call in calls):
        return text
    if text.rstrip().endswith(FACT) or not claims_done(text):
        return text
    return f"{text.rstrip()}\n\n{FACT}"


def claims_done(text: str) -> bool:
    """Whether an assistant says that it did something to tasks. Offers, questions, denials and lists don't."""
    low = unicodedata.normalize("NFC", text[:_LENGTH]).casefold().replace("’", "'")
    return any(_line_claims(line) for line in _QUOTED.sub("“”", low).split("\n"))


def _line_claims(line: str) -> bool:
    if _NUMBERED.match(line):
        return False  # a task of a list: the words are its title's
    bullet = _BULLET.match(line)
    if _SIGN.search(line) and not bullet and "?" not in line:
        return True
    rest = _BULLET.sub("", line)
    return any(_clause_claims(clause, listed=bullet is not None) for clause in _CLAUSES.split(rest) if clause)


def _clause_claims(clause: str, *, listed: bool) -> bool:
    if clause.rstrip("*_) ").endswith("?") or "¿" in clause:
        return False
    bare = _LEAD.sub("", clause[:_CLAUSE_LENGTH]).strip(" \t.!…*_()¡,:✅")
    return any(_said_in(language, bare, clause, listed=listed) for language in LANGUAGES)


def _said_in(language: Language, bare: str, clause: str, *, listed: bool) -> bool:
    if language.done.fullmatch(bare):
        return not listed and not clause.rstrip().endswith(":")
    for claim in language.claims:
        for found in claim.finditer(bare):
            before = bare[: found.end()]
            if not language.denied.search(before) and not language.denied_after.match(bare, found.end()):
                return True
    return False
