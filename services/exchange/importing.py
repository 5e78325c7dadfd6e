"""Bringing tasks in: a hundred rows a transaction, each row by itself; what is known already is left as it is."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, any_, bindparam, select
from sqlalchemy.exc import DBAPIError

from core.database import Database, sqlstate
from core.errors import DomainError, UserGone
from core.statements import prepared
from core.unit_of_work import UnitOfWork
from models.enums import Actor
from models.tasks import Task, tasks
from services.exchange.formats import Format
from services.exchange.lines import lines_of
from services.exchange.values import Bad, Dates, Draft, Item, LabelRow, Outcome, Result, Whole
from services.inputs import check_characters
from services.labels import create_label, label_named
from services.recurrence import clean_rule
from services.search import follow
from services.tasks import adopt_task, plan_task

BATCH: Final = 100
KEY: Final = "import:"
"""What the idempotency keys of imported tasks begin with; behind it stands what tells the row in its file."""

_KNOWN_IDS: Final = prepared(
    select(tasks.c.id).where(
        tasks.c.user_id == bindparam("user_id"), tasks.c.id == any_(bindparam("ids", type_=ARRAY(Uuid)))
    )
)
_KNOWN_KEYS: Final = prepared(
    select(tasks.c.idempotency_key, tasks.c.id).where(
        tasks.c.user_id == bindparam("user_id"),
        tasks.c.idempotency_key == any_(bindparam("keys", type_=ARRAY(Text))),
    )
)


class _DryRun(Exception):
    """Gives a batch up once its outcomes are known."""


async def import_tasks(
    database: Database, user_id: str, form: Format, chunks: AsyncIterable[bytes], dates: Dates, *, dry_run: bool = False
) -> AsyncIterator[Outcome]:
    """What becomes of each row, as it does; with `dry_run` what would, and nothing changes.

    Importing the same again changes nothing: a task is known by its id, by its UID, or else by its content and how
    often that came before in its file. Raises UserGone.
    """
    batch: list[Item] = []
    planned: set[str] = set()
    async for item in form.read(lines_of(chunks), dates):
        batch.append(item)
        if len(batch) >= BATCH:
            for outcome in await _take(database, user_id, batch, planned, dry_run=dry_run):
                yield outcome
            batch = []
    for outcome in await _take(database, user_id, batch, planned, dry_run=dry_run):
        yield outcome
    if not dry_run:
        await follow(database, user_id)  # so that who searches next needn't wait for much


async def _take(
    database: Database, user_id: str, batch: Sequence[Item], planned: set[str], *, dry_run: bool
) -> list[Outcome]:
    found: list[Outcome] = []

    async def action(work: UnitOfWork) -> None:
        found.clear()  # a unit of work that met a deadlock runs again
        if not work.user_exists:
            raise UserGone
        known = await _known(work, batch)
        for item in batch:
            found.append(await _one(work, item, known, planned if dry_run else set()))
        if dry_run:
            raise _DryRun

    try:
        await database.work(user_id, action)
    except _DryRun:
        planned |= {one.source for one in batch if isinstance(one, Draft) and one.parent is None}
        planned |= {str(one.values["id"]) for one in batch if isinstance(one, Whole)}
    return found


async def _known(work: UnitOfWork, batch: Sequence[Item]) -> dict[str, UUID]:
    """Which of the batch's tasks and parents there are, by key or by the id as text."""
    drafts = [one for one in batch if isinstance(one, Draft)]
    keys = {KEY + source for one in drafts for source in (one.source, one.parent) if source}
    ids = {one.values["id"] for one in batch if isinstance(one, Whole)} | {one.own_id for one in drafts if one.own_id}
    ids |= {own for one in drafts if one.parent and (own := _own_parent(one.parent))}
    found = {key: task_id for key, task_id in await work.every(_KNOWN_KEYS, keys=sorted(keys))} if keys else {}
    if ids:
        found |= {str(task_id): task_id for (task_id,) in await work.every(_KNOWN_IDS, ids=sorted(ids))}
    return found


async def _one(work: UnitOfWork, item: Item, known: dict[str, UUID], planned: set[str]) -> Outcome:
    if isinstance(item, Bad):
        return Outcome(item.number, Result.BAD, message=item.message)
    title = item.name if isinstance(item, LabelRow) else item.new.title
    shown = " ".join(title.split())[:100]
    try:
        async with work.savepoint():
            if isinstance(item, LabelRow):
                made = await _label(work, item)
            elif isinstance(item, Whole):
                made = await _whole(work, item, known, planned)
            else:
                made = await _draft(work, item, known, planned)
    except DomainError as error:
        return Outcome(item.number, Result.BAD, shown, error.message)
    except DBAPIError as error:
        if (sqlstate(error) or "")[:2] not in (
            "22",
            "23",
        ):  # of data and of constraints; anything else is no row's fault
            raise
        return Outcome(item.number, Result.BAD, shown, "Its values don't go together.")
    return Outcome(item.number, Result.MADE if made else Result.KNOWN, shown)


async def _label(work: UnitOfWork, row: LabelRow) -> bool:
    if await label_named(work, row.name) is not None:
        return False
    await create_label(work, row.name, row.color)
    return True


async def _whole(work: UnitOfWork, item: Whole, known: dict[str, UUID], planned: set[str]) -> bool:
    own_id: UUID = item.values["id"]
    if str(own_id) in known:
        return False
    new = item.new
    if new.parent_id is not None and str(new.parent_id) in planned:
        new = replace(new, parent_id=None)  # an earlier batch of the dry run would have made it
    # Its rule may be at its end by now, and its due date not of the rule: that is how it was left.
    checked = await plan_task(work, replace(new, recurrence=None))
    values: dict[str, Any] = {  # Any: columns
        **item.values,
        "title": checked.title,
        "description": checked.description,
        "recurrence": clean_rule(new.recurrence) if new.recurrence else None,
        "parent_id": new.parent_id,
    }
    await adopt_task(work, replace(checked, **values), new.labels, Actor.USER)
    known[str(own_id)] = own_id
    return True


async def _draft(work: UnitOfWork, item: Draft, known: dict[str, UUID], planned: set[str]) -> bool:
    key = KEY + check_characters(item.source, ("input", "uid"))[:150]
    if key in known or (item.own_id is not None and str(item.own_id) in known):
        return False
    parent = None
    if item.parent is not None and item.parent not in planned:
        own = _own_parent(item.parent)
        parent = known.get(KEY + item.parent) or (known.get(str(own)) if own else None)
    task: Task = await plan_task(work, replace(item.new, parent_id=parent), key)
    if task.recurrence is not None:
        task = replace(task, recurrence_time=item.recurrence_time)
    if item.is_completed:
        task = replace(task, completed_at=item.completed_at or work.now)
    await adopt_task(work, task, item.new.labels, Actor.USER)
    known[key] = task.id
    return True


def _own_parent(source: str) -> UUID | None:
    """The id of a task of ours that a source names by its UID."""
    try:
        return UUID(source.removeprefix("uid:").removesuffix("@tasktalk")) if source.endswith("@tasktalk") else None
    except ValueError:
        return None
