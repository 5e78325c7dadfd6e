"""Which of the user's tasks a call's words mean: an id, a place in the list last shown, or a title. Never a guess."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, time
from enum import Enum
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from assistant.interpreter import targets
from assistant.tools.answers import numbered
from assistant.tools.base import ToolContext, ToolFailure
from core.errors import ErrorCode
from core.ids import parse_global_id
from models.tasks import Task
from services.tasks import Candidates, candidates, deleted_tasks, get_tasks, with_labels
from services.tasks.family import restored_with

_DELETED: Final = 300
"""Deleted tasks that words may mean, the last first."""

_NOUN: Final = re.compile(r"\s+(?:task|to-?do|item|reminder)\W*$", re.IGNORECASE)
"""A last word that says what a task is, where no title holds it."""


_LAST_DELETED: Final = re.compile(
    r"(?:the\s+)?(?:last\s+|just\s+)?(?:deleted\s+)?(?:one|task|it|that|what)"
    r"(?:\s+(?:that\s+|which\s+)?i\s+(?:just\s+|last\s+)?(?:deleted|removed))?",
    re.IGNORECASE,
)
"""Words for the task that was deleted last."""


class Prefer(Enum):
    """Which tasks win over others that fit equally well."""

    NEITHER = "NEITHER"
    OPEN = "OPEN"
    COMPLETED = "COMPLETED"


async def find_task(context: ToolContext, words: str, prefer: Prefer = Prefer.NEITHER) -> UUID:
    """The one task that the words mean.

    Raises ToolFailure NOT_FOUND, or INVALID with the candidates where several fit. Deleted tasks are never meant.
    """
    by_id = _id_of(words)
    if by_id is not None:
        if not await get_tasks(context.work, [by_id]):
            raise _gone()
        return by_id
    found = await candidates(context.work, words, context.shown)
    return await _by_words(context, words, prefer, found.tasks)


async def find_tasks(context: ToolContext, several: Sequence[str]) -> list[UUID]:
    """The tasks that each of the words mean, each once, in order. Raises so.

    "them" and "the last two" are of the list last shown.
    """
    found: list[UUID] = []
    named = [task_id for words in several if (task_id := _id_of(words))]
    existing = {task.id for task in await get_tasks(context.work, named)}
    everything: Candidates | None = None
    for words in several:
        if places := shown_places(words, len(context.shown)):
            named_ids = [context.shown[place - 1] for place in places]
            found += [task.id for task in await get_tasks(context.work, named_ids)]
        elif (by_id := _id_of(words)) is not None:
            if by_id not in existing:
                raise _gone()
            found.append(by_id)
        else:
            pool = everything or await candidates(context.work, words, context.shown)
            everything = pool if pool.everything else None  # then there is no need to ask again
            found.append(await _by_words(context, words, Prefer.NEITHER, pool.tasks))
    return list(dict.fromkeys(found))


async def find_deleted(context: ToolContext, words: str) -> list[UUID]:
    """The one deleted task that the words mean, and the subtasks that its deletion took along.

    Words that name none of them in particular ("the one I deleted") mean the one deleted last. Raises as `find_task`.
    """
    pool = await deleted_tasks(context.work, _DELETED)
    by_id = _id_of(words)
    if by_id is not None:
        task_id = next((task.id for task in pool if task.id == by_id), None)
    elif _LAST_DELETED.fullmatch(words.strip()):
        task_id = next((task.id for task in pool), None)
    else:
        task_id = await _by_words(context, words, Prefer.NEITHER, pool)
    if task_id is None:
        raise ToolFailure(ErrorCode.NOT_FOUND, "There is no such deleted task.")
    return await restored_with(context.work, task_id)


def shown_places(words: str, shown: int) -> tuple[int, ...]:
    """The places, from 1, that words for several tasks name in a list of so many: "them", "the last two"; else none."""
    return (targets.places(words, shown) or ()) if shown else ()


def _id_of(words: str) -> UUID | None:
    try:
        return parse_global_id(words.strip(), "Task")
    except ValueError:
        return None


async def _by_words(context: ToolContext, words: str, prefer: Prefer, pool: Sequence[Task]) -> UUID:
    by_id = {task.id: task for task in pool}
    match _match(words, pool, context.shown, prefer):
        case targets.Found(task_id) if task_id in by_id:
            return task_id
        case targets.Ambiguous(ids) if fitting := [by_id[task_id] for task_id in ids if task_id in by_id]:
            if len(fitting) == 1:
                return fitting[0].id
            message = f"More than one task fits {_quoted(words)}."
            listed = _as_listed(fitting, context)
            raise ToolFailure(ErrorCode.INVALID, message, numbered(await with_labels(context.work, listed)))
        case _:
            raise _nothing(words)


def _as_listed(fitting: Sequence[Task], context: ToolContext) -> list[Task]:
    """As the list last shown has them, where it has them all; otherwise as lists are shown, by due then position."""
    places = {task_id: place for place, task_id in enumerate(context.shown)}
    if all(task.id in places for task in fitting):
        return sorted(fitting, key=lambda task: places[task.id])
    zone = ZoneInfo(context.time_zone)

    def due(task: Task) -> datetime:
        if task.due_at is not None:
            return task.due_at
        return datetime.combine(task.due_date, time.min, zone) if task.due_date else datetime.max.replace(tzinfo=UTC)

    return sorted(fitting, key=lambda task: (due(task), task.position, task.id))


def _match(words: str, pool: Sequence[Task], shown: Sequence[UUID], prefer: Prefer) -> targets.Match:
    listed = [targets.Candidate(task.id, task.title, task.completed_at is not None) for task in pool]
    if prefer is Prefer.COMPLETED:
        done = targets.match(words, [candidate for candidate in listed if candidate.is_completed], shown)
        if not isinstance(done, targets.NotFound):
            return done
    matched = targets.match(words, listed, shown, prefer_open=prefer is Prefer.OPEN)
    bare = _NOUN.sub("", words)
    if isinstance(matched, targets.NotFound) and bare != words:  # "the milk task"
        return targets.match(bare, listed, (), prefer_open=prefer is Prefer.OPEN)
    return matched


def _nothing(words: str) -> ToolFailure:
    return ToolFailure(ErrorCode.NOT_FOUND, f"No task fits {_quoted(words)}.")


def _gone() -> ToolFailure:
    return ToolFailure(ErrorCode.NOT_FOUND, "There is no such task, or not any more.")


def _quoted(words: str) -> str:
    line = " ".join(words.split())
    return f"“{line if len(line) <= 80 else line[:79] + '…'}”"
