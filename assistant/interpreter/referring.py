"""What "it", "them" and "the second one" stand for: the tasks of the list last shown, and those last spoken of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from assistant.interpreter import targets
from assistant.interpreter.outcomes import Outcome, Shown, is_task_id

_THEM: Final = re.compile(
    r"(?:all\s+(?:of\s+)?|both\s+(?:of\s+)?|each\s+of\s+)?(?:them|these|those)(?:\s+all)?|both", re.I
)
_PLACE: Final = re.compile(
    r"(?:the|that|my|number|no|nr|option|task|item|#)\b.*|.+\b(?:one|task|item|entry|option)|#?\d{1,3}|last|first", re.I
)


@dataclass(frozen=True, slots=True)
class Referents:
    """Global ids. `listed` has the places that numbers name, `latest` is what the turn before was about.

    `titles` are those of tasks spoken of, case-folded: what is one isn't read as a place.
    """

    listed: tuple[str, ...] = ()
    latest: tuple[str, ...] = ()
    titles: frozenset[str] = frozenset()

    def places(self, words: str) -> tuple[str, ...] | None:
        """The tasks that words for several mean: "the last two", "them", "1 and 3"; None for other words."""
        first, second = self.listed, self.latest if len(self.latest) > 1 else ()  # "all" is never the one just added
        if self.means_latest(words):
            first, second = self.latest, self.listed
        for among in (first, second):
            if among and (found := targets.places(words, len(among))) is not None:
                return tuple(among[place - 1] for place in found)
        return None

    def means_latest(self, words: str) -> bool:
        """Whether they are words for what was just spoken of: "them", "both"."""
        return _THEM.fullmatch(words.strip(" .!?")) is not None

    def one(self, words: str) -> str | None:
        """The task that "it" or "the second one" means; None for other words, and where it isn't clear."""
        low = " ".join(words.casefold().split()).strip(" .!?,\"'“”‘’")
        if low in self.titles:
            return None
        if low in targets.IT:
            return self.latest[0] if len(self.latest) == 1 else None
        listed = self.listed or self.latest
        place = targets.position(low, len(listed)) if _PLACE.fullmatch(low) else None
        return listed[place - 1] if place is not None and 1 <= place <= len(listed) else None


def referents(turns: Sequence[Sequence[Outcome]]) -> Referents:
    """What stands to be referred to after these turns, each with its calls' outcomes, oldest first.

    A list stays the one that numbers are of until another is shown, or until several tasks in a row were added.
    """
    listed: tuple[str, ...] = ()
    latest: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    for turn in turns:
        asked = next((one.candidates for one in turn if one.candidates), ())
        wrote = [one for one in turn if one.wrote]
        if asked or not wrote:
            shown = asked or next((one.tasks for one in reversed(turn) if one.message is None and one.tasks), ())
            if ids := _ids(shown):
                listed, latest, run = ids, ids, ()
            continue
        touched = _ids(task for one in wrote for task in one.tasks) or latest
        run = (*run, *touched) if all(one.action == "created" for one in wrote) else ()
        gone = set(touched) < set(latest) and all(one.action == "deleted" for one in wrote)
        latest = tuple(one for one in latest if one not in touched) if gone else touched
        listed = run if len(run) > 1 else listed
    spoken_of = (task.title.casefold() for turn in turns for one in turn for task in one.tasks)
    return Referents(listed, latest, frozenset(spoken_of))


def _ids(tasks: Iterable[Shown]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(task.id for task in tasks if is_task_id(task.id)))
