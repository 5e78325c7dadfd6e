"""Clauses that take back what was done last: "undo that", "revert the last change", "bring it back"."""

from __future__ import annotations

import re

from assistant.interpreter.commands.kinds import Command, Undo

_THAT = (
    r"(?:it|that|this|those|them|all of (?:it|that|them|those)|all (?:that|those)"
    r"|everything you(?:'ve| have)? just did)"
)
_CHANGE = (
    r"(?:change|changes|thing|things|action|one|step|edit|command|operation|move|update|deletion|removal|completion"
    r"|addition|rename|renaming|entry|request|instruction|input|modification)"
)
_LAST = (
    rf"(?:(?:the|my|your|that|this)\s+(?:(?:very\s+)?(?:last|latest|previous|recent|most recent)\s+)?{_CHANGE}"
    r"(?:\s+(?:i|we|you)(?:'ve| have)? (?:just )?(?:made|did|done|said|asked(?: for)?|added|entered))?"
    r"|(?:the\s+)?last|(?:what|whatever)\s+(?:i|we|you)(?:'ve| have)? (?:just |last )?(?:did|done|changed|added|deleted"
    r"|removed))"
)
_JUST_DONE = (
    r"(?:(?:the|my|your)\s+(?:very\s+)?(?:last|latest|previous|most recent)"
    r"\s+(?:changes?|action|edit|update|command|operation|step|modification|request|instruction)"
    r"(?:\s+(?:to|on|in|of|from)\s+(?:my|the)\s+(?:[\w-]+\s+){0,3}(?:list|tasks|to-?dos?|to do))?"
    r"(?:\s+(?:i|we|you)(?:'ve| have)? (?:just )?\w+)?"
    r"|(?:what|whatever)\s+(?:i|we|you)(?:'ve| have)? (?:just |last )(?:did|done|changed))"
)
_LEAD = (
    r"(?:(?:oops|whoops|wait|no|oh no|hang on|hold on|sorry|my mistake|my bad|never ?mind|nvm)\b[\s,.!]*)*"
    r"(?:please\s+)?"
)

_UNDO = re.compile(
    rf"{_LEAD}(?:(?:undo|revert|reverse|take back|roll back|rollback|scratch(?= (?:the|that|my|your) last)"
    rf"|cancel(?= (?:the|that|my|your) last (?:change|edit|action|thing)))(?:\s+(?:{_THAT}|{_LAST}))?"
    r"|undo\s+(?:the\s+)?(?:adding|deleting|removing|completing|moving|renaming|adding|deletion|removal|rename"
    r"|move)\b.{0,60}"
    r"|i\s+didn't\s+(?:mean|want)\s+(?:to\s+do\s+)?that|that\s+was\s+(?:a\s+mistake|wrong|an?\s+accident)"
    r"|(?:go|step)\s+back\s+(?:one|a)\s+step|(?:ctrl|control|cmd)\s*[+-]?\s*z"
    r"|(?:that's|that\s+is|this\s+is)\s+not\s+what\s+i\s+(?:meant|wanted|asked\s+for|said)"
    rf"|i\s+take\s+{_THAT}\s+back"
    rf"|(?:put|change|set)\s+(?:it|that|them|everything|things)\s+back(?:\s+(?:to\s+)?(?:the\s+way|how|as|what|like)"
    rf"\s+(?:it|they|things|everything)\s+(?:was|were)(?:\s+before)?)"
    rf"|(?:delete|remove|cancel|erase|discard|ignore|disregard|drop|forget|reset|rescind|retract|withdraw)"
    rf"\s+{_JUST_DONE}"
    rf"|undo\s+{_JUST_DONE}"
    rf"|(?:take|roll)\s+{_THAT}\s+back|(?:undo|revert)\s+(?:it|that)\s+all)",
    re.I,
)
_WISHED = re.compile(
    rf"{_LEAD}(?:(?:please|can|could|would|you|we|i|want|need|like|to|just|let's|let\s+us|go\s+ahead|and|actually"
    rf"|then|now|have|it)\s+)+"
    rf"(?:undo|revert|reverse|roll\s+back)(?:\s+(?:{_THAT}|{_LAST}|everything|all))?(?:\s+(?:please|now|again"
    rf"|right\s+away))*",
    re.I,
)
_RESTORE = re.compile(rf"{_LEAD}(?:(?:bring|put|get|give me|i want|i need)\s+{_THAT}\s+back|restore\s+{_THAT})", re.I)


def starts_undoing(clause: str) -> bool:
    """Whether it begins as a taking back does, whatever comes after."""
    return re.match(r"(?:undo|revert)\b", clause, re.I) is not None


def undoing(clause: str) -> tuple[Command, ...] | None:
    """The command of a clause that takes something back as a whole; None where it names what it is about."""
    if _UNDO.fullmatch(clause) or _WISHED.fullmatch(clause):
        return (Undo(),)
    return (Undo(restores=True),) if _RESTORE.fullmatch(clause) else None
