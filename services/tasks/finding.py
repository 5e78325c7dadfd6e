"""Tasks that words could mean: all of a short list, of a long one what search finds. Who chooses looks at the titles.

What is read doesn't grow with what the user has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func

from core.unit_of_work import Session
from models.base import rows_of
from models.enums import SearchKind
from models.tasks import Task, tasks
from services.search import narrowed, search
from services.search.finding import QUERY_LIMIT
from services.tasks.reading import get_tasks

SHORT: Final = 300
"""Tasks of a list that is looked through whole; of a longer one the newest, since who types badly may mean one of
them."""

SAME: Final = 100
"""Tasks of one title."""

_WORD: Final = re.compile(r"\w{2,}")
_EMPTY: Final = frozenset({"the", "an", "my", "our", "that", "this", "to", "of", "and", "task", "one"})
"""Words that say nothing about which task is meant."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Tasks, the likelier first; `everything`: they are all that the user has."""

    tasks: Sequence[Task]
    everything: bool


async def candidates(session: Session, words: str, shown: Sequence[UUID] = ()) -> Candidates:
    """Tasks that these words could mean, without deleted ones.

    Of a list of more than 300: those shown, the best hits of a search for the words, those of that very title, open
    ones first, and the newest.
    """
    live = rows_of(tasks).where(tasks.c.user_id == session.user_id, tasks.c.deleted_at.is_(None))
    newest = await session.all(live.order_by(tasks.c.id.desc()).limit(SHORT + 1), Task)
    if len(newest) <= SHORT:
        return Candidates(newest, True)
    found = await get_tasks(session, [*shown, *await _hits(session, words)])
    titled = _titled(live, words).where(*await narrowed(session, tasks.c.id, [words.strip()]))
    found += await session.all(titled, Task)
    return Candidates(_each_once([*found, *newest]), False)


def _titled(live: Select[Any], words: str) -> Select[Any]:  # Any: as rows_of gives it
    """Of that very title, in any case: of all tasks, since search finds the newest of many that have its words."""
    same = func.lower(tasks.c.title) == func.lower(words.strip())
    return live.where(same).order_by(tasks.c.completed_at.is_not(None), tasks.c.id.desc()).limit(SAME)


async def _hits(session: Session, words: str) -> list[UUID]:
    """What a search for the words that say something finds, the best first."""
    said = _WORD.findall(words)
    telling = [word for word in said if word.casefold() not in _EMPTY] or said
    if not telling:
        return []
    return [hit.id for hit in (await search(session, " ".join(telling)[:QUERY_LIMIT], (SearchKind.TASK,))).hits]


def _each_once(found: Iterable[Task]) -> list[Task]:
    return list({task.id: task for task in found}.values())
