"""A message cut into clauses, and each clause read by the first part of the grammar that knows it."""

from __future__ import annotations

import re
from itertools import zip_longest

from assistant.interpreter.commands import vocabulary as v
from assistant.interpreter.commands.adding import adding, reminded
from assistant.interpreter.commands.asking import listing, searching
from assistant.interpreter.commands.kinds import Command, Nothing
from assistant.interpreter.commands.managing import MANAGING
from assistant.interpreter.commands.reminders import dropping, reminding
from assistant.interpreter.commands.repeating import repeating
from assistant.interpreter.commands.text import unwrap
from assistant.interpreter.commands.titles import Setting
from assistant.interpreter.commands.undoing import starts_undoing, undoing

_READERS = (reminded, repeating, dropping, reminding, *MANAGING[:2], listing, *MANAGING[2:], searching, adding)
_NOT = r"(?:do\s+not|don['’]?t)"
_SPLIT = re.compile(
    rf"(?P<strong>\s*;\s*|[.!?]\s+|\s*,\s*(?:and\s+)?(?:then\s+|also\s+)|\s+and\s+(?:then|also)\s+|\s*,\s*and\s+"
    rf"|\n+|\s+then\s+|\s*,?\s+but\s+|\s*,\s*)"
    rf"(?=(?:please\s+|also\s+|then\s+|{_NOT}\s+)?(?:{v.COMMAND_VERBS})\b)"
    rf"|(?P<weak>\s+and\s+)(?=(?:please\s+|{_NOT}\s+)?(?:{v.COMMAND_VERBS})\b)",
    re.I,
)
_HYPOTHETICAL = re.compile(
    r"(?:if|unless|in case|once|as soon as|whenever|when (?!is\b|are\b|do\b|does\b|did\b)"
    r"|how (?:do|can|would|should|to|does)|why|who|whose|should i (?:add|delete|remove)|what (?:would|does|if"
    r"|happens)|is it possible|did you|have you"
    r"|do you (?:know|think|like|want))\b",
    re.I,
)
_FORBIDDING = re.compile(
    rf"(?:please\s+)?(?:(?:i|we)\s+(?:said|told\s+you)\s+)?(?:{_NOT}|never|no\s+need\s+to"
    rf"|you\s+(?:must\s*n['’]?t|should\s*n['’]?t|may\s+not|must\s+not|should\s+not|need\s+not"
    rf"|don['’]?t\s+(?:have|need)\s+to))\s+(?:ever\s+|please\s+)?(?!(?:remind|tell)\b)(?:{v.COMMAND_VERBS})\b",
    re.I,
)
_SENTENCE_END = re.compile(r"[.!?;\n]")
_INFINITIVE = re.compile(r"\b(?:remind|need|have|forget|remember|reminder|task\s+to)\b", re.I)


def clauses(text: str, setting: Setting) -> list[str]:
    """The text cut where what follows is a command of its own. One pass: a message may hold hundreds of clauses."""
    found: list[str] = []
    start, readable = 0, True
    cuts = [m for m in _SPLIT.finditer(text) if not _inside_quotes(text, m.start())]
    for m, following in zip_longest(cuts, cuts[1:]):
        rest, head = text[m.end() : following.start() if following else len(text)], text[start : m.start()]
        ruled_out = forbids(unwrap(rest)) and not _INFINITIVE.search(head)
        if not (ruled_out or _is_command(rest, setting)) or _lacks_object(head, setting):
            continue
        if not _asks(unwrap(head)) and not _SENTENCE_END.search(m[0]) and "but" not in m[0].lower():
            continue  # "if it rains, delete the picnic" asks for nothing now
        if m["weak"]:
            # "remind me to wash and remove the covers" is one thing to do
            readable = readable and not _INFINITIVE.search(head) and read(head, setting) is not None
            if not readable:
                continue
        found.append(head)
        start, readable = m.end(), True
    return [*found, text[start:]]


def _is_command(clause: str, setting: Setting) -> bool:
    found = read(clause, setting)
    return found is not None and not any(isinstance(c, Nothing) for c in found)


def _lacks_object(clause: str, setting: Setting) -> bool:
    """Whether it is a command that what follows belongs to: "add '; drop table tasks"."""
    return not re.search(r"\w\W+\w", clause) and any(isinstance(one, Nothing) for one in read(clause, setting) or ())


def _inside_quotes(text: str, place: int) -> bool:
    return text[:place].count('"') % 2 == 1


def forbids(clause: str) -> bool:
    """Whether it says what is not to be done: "don't add milk"."""
    return _FORBIDDING.match(clause) is not None


def _asks(clause: str) -> bool:
    return not (_HYPOTHETICAL.match(clause) or v.MUSING.match(clause) or forbids(clause))


def read(clause: str, setting: Setting) -> tuple[Command, ...] | None:
    """The commands of a clause; None where the grammar knows none."""
    clause = unwrap(clause)
    if not clause or not _asks(clause):
        return None
    if found := undoing(clause):
        return found
    if starts_undoing(clause) or re.match(r"never ?mind\b", clause, re.I):
        return None
    for reader in _READERS:
        if found := reader(clause, setting):
            return found
    return None
