"""Whether a sentence asks for anything, and what: the grammar's reading and the model's, weighed against each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from assistant.interpreter import model
from assistant.interpreter.commands import vocabulary as v

READ: Final = 3.0
"""How many times likelier a kind is that the grammar has read as well."""
PLAIN: Final = 300.0
"""The same for a few words after a verb of ours that hold nothing of other worlds: "add bread and butter pudding"."""
ACTS_AT: Final = 0.7
"""How likely a kind must be to be done on the model's word alone; below that it is asked about."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The likeliest kind, one of the model's, and how likely it is, 0 to 1."""

    kind: str
    probability: float


def judge(clause: str, read: str) -> Verdict:
    """`read` is the kind that the grammar found in a clause, "none" where it found none.

    Where the words are said of a task list and of nothing else the model isn't asked.
    """
    if read != "none" and v.SURE.search(clause):
        return Verdict(read, 0.95)
    odds = dict(model.probabilities(clause))
    if read != "none":
        odds[read] *= PLAIN if _is_plain(clause) else 1.0 if v.OTHER_WORLDS.search(clause) else READ
    elif v.OTHER_WORLDS.search(clause):
        odds["none"] *= READ
    kind = max(odds, key=lambda one: odds[one])
    return Verdict(kind, odds[kind] / sum(odds.values()))


def _is_plain(clause: str) -> bool:
    """ "Add …" may go on for longer than other words of ours."""
    plain = v.PLAIN.match(clause) or v.PLAINLY_ADDED.match(clause)
    return plain is not None and v.OTHER_WORLDS.search(clause) is None
