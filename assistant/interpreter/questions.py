"""The questions that calls left open: which task was meant. And what an answer picks of the candidates."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from assistant.interpreter import targets
from assistant.interpreter.commands import is_choice, picks_all, read_answer
from assistant.interpreter.commands.text import plain, unwrap
from assistant.interpreter.outcomes import Outcome, Shown, is_task_id
from core.errors import ErrorCode

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_ALONG = (
    r"(?:them|it|that|those|these|all|both|everything|all of (?:them|it|those)"
    r"|(?:the |its |all )*(?:open )?sub-?tasks?)"
)
_AS_WELL = re.compile(
    r"(?:yes|yeah|yep|sure|ok|okay)?[\s,]*"
    r"(?:(?:please|and|with|complete|finish|mark|do|close|tick off|check off|including)\s+)*"
    rf"{_ALONG}(?:\s+(?:all|under it|as (?:well|done)|too|also|both|together))*|(?:yes[\s,]*)?(?:as well|too)",
    re.I,
)
_ONLY_IT = re.compile(
    r"(?:no[\s,]*)?(?:(?:complete|finish|mark|do|close)\s+)?(?:just|only)\b(?!.*\bsub-?task).{0,60}"
    r"|(?:no[\s,]*)?(?:keep|leave)\s+(?:them|it|those|(?:the |its )?(?:open )?sub-?tasks?)(?:\s+(?:all\s+)?open)"
    r"|(?:no[\s,]*)?(?:not|without)\s+(?:the\s+|its\s+)?(?:sub-?tasks?|them|others?)"
    r"|(?:the|that) (?:task|one|parent)(?: only| alone| itself)",
    re.I,
)
_LEAD = re.compile(
    r"(?:(?:i\s+mean[t]?|it's|that's|make\s+it|take|pick|delete|remove|complete)\s+)?"
    r"the\s+(?:one|task)\s+(?:(?:with|about|for|called|named|from|to|in|at|on|due|that\s+(?:is|says|has))\s+)+(?=\S)"
    r"|(?:i\s+mean[t]?|it's|that's|make\s+it|take|pick)\s+(?=\S)",
    re.I,
)


def open_questions(rounds: Sequence[Sequence[Outcome]]) -> tuple[Outcome, ...]:
    """The calls of a turn's rounds that still wait for "which one?", in order: those of the last round with any.

    A question is settled once a call of a later round changed one of its candidates, or asks about one of them itself.
    """
    for number in range(len(rounds) - 1, -1, -1):
        later = [outcome for one in rounds[number + 1 :] for outcome in one]
        if found := tuple(outcome for outcome in rounds[number] if outcome.candidates and not _settled(outcome, later)):
            return found
    return ()


def _settled(question: Outcome, later: Sequence[Outcome]) -> bool:
    asked = {task.id for task in question.candidates if task.id}
    return any(
        asked & {task.id for task in (outcome.tasks if outcome.wrote else outcome.candidates)} for outcome in later
    )


def worth_telling(looks: Sequence[Outcome]) -> list[Outcome]:
    """The looks that found nothing, without those that only tried another sense: "groceries" as a word in titles."""
    labelled = any(one.arguments.get("label") for one in looks)
    return [one for one in looks if not (labelled and one.arguments.get("text"))]


def about_subtasks(text: str, rounds: Sequence[Sequence[Outcome]]) -> dict[str, object] | None:
    """The arguments of the call that asked what becomes of open subtasks, with the answer; None where it is none."""
    last = next((some for some in reversed(rounds) if some), ())
    asked = next((one for one in last if one.code == ErrorCode.OPEN_SUBTASKS), None)
    if asked is None:
        return None
    words = plain(text).strip("()[] .!,")
    if _ONLY_IT.fullmatch(words):
        return {**asked.arguments, "subtasks": "KEEP"}
    as_well = read_answer(text) or _AS_WELL.fullmatch(unwrap(words))
    return {**asked.arguments, "subtasks": "COMPLETE"} if as_well else None


def place_words(place: int) -> str:
    """What picks the candidate of that place, from 1: "the second one", "number 11"."""
    return f"the {_ORDINALS[place - 1]} one" if place <= len(_ORDINALS) else f"number {place}"


@dataclass(frozen=True, slots=True)
class Picked:
    """An answer to "which one?": a target for each task that is meant; none where it lies outside the list."""

    words: tuple[str, ...]


def picked(text: str, question: Outcome, *, whole_titles: bool = False) -> Picked | None:
    """What a whole message picks of a question's candidates: a place, all of them, or a title that exactly one has.

    Words of a title are enough, but with `whole_titles`, for a message that means something else as well.
    """
    words = _LEAD.sub("", unwrap(plain(text)).strip("()[] "))
    count = len(question.candidates)
    if picks_all(words):
        return Picked(tuple(_target(task, place_words(n)) for n, task in enumerate(question.candidates, start=1)))
    if is_choice(words) and (place := targets.position(words, count)) is not None and 1 <= place <= count:
        return Picked((_target(question.candidates[place - 1], words),))
    named = targets.match(words, _candidates(question.candidates), ())
    if not isinstance(named, targets.Found):
        return Picked(()) if is_choice(words) else None
    task = question.candidates[named.id.int]
    whole = words.casefold() == " ".join(task.title.split()).casefold()
    if whole_titles and not whole:
        return None
    return Picked((_target(task, words if whole else place_words(named.id.int + 1)),))


def _target(task: Shown, words: str) -> str:
    """The id of the task, which no list shown since and no like title can turn into another; else the words for it."""
    return task.id if is_task_id(task.id) else words


def answered(question: Outcome, words: Sequence[str]) -> list[dict[str, object]]:
    """The arguments of the calls that the answer makes of the one that asked."""
    given = dict(question.arguments)
    if "tasks" not in given:
        return [given | {"task": one} for one in words]
    named = given["tasks"]
    names = [str(name) for name in named] if isinstance(named, list) else []
    place = _unclear(names, question.candidates)
    return [given | {"tasks": [*names[:place], *words, *names[place + 1 :]]}]


def unclear_words(question: Outcome) -> str:
    """The words that several tasks fit."""
    named = question.arguments.get("tasks")
    if not isinstance(named, list) or not named:
        return question.target
    return str(named[_unclear([str(name) for name in named], question.candidates)])


def same_call(name: str, arguments: Mapping[str, object], other: Outcome) -> bool:
    """Whether a call is one that there was already: the same tool, and arguments equal as JSON."""
    return name == other.tool and _canonical(arguments) == _canonical(other.arguments)


def _canonical(arguments: Mapping[str, object]) -> str:
    return json.dumps(arguments, sort_keys=True)


def _unclear(names: Sequence[str], shown: Sequence[Shown]) -> int:
    """The place of the target that the candidates belong to."""
    matches = [targets.match(name, _candidates(shown), ()) for name in names]
    for kind in (targets.Ambiguous, targets.Found):
        for place, match in enumerate(matches):
            if isinstance(match, kind):
                return place
    return max(len(names) - 1, 0)


def _candidates(shown: Sequence[Shown]) -> list[targets.Candidate]:
    """The candidates with their places, from 0, as ids."""
    return [targets.Candidate(UUID(int=i), task.title, task.is_completed) for i, task in enumerate(shown)]
