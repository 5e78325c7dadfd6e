"""Labels: one a name, whatever its case. Renaming or deleting one is no change of the tasks that bear it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, Uuid, bindparam, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.exc import IntegrityError

from core.errors import DomainError, ErrorCode
from core.ids import new_id
from core.statements import prepared
from core.unit_of_work import Change, Session, UnitOfWork
from models.base import columns_of, rows_of
from models.enums import ChangeKind
from models.tasks import LABEL_LIMIT, LABELS_PER_TASK, LABELS_PER_USER, Label, labels, task_labels, tasks
from services.inputs import UNSET, Field, Unset, check_idempotency_key, clean_text, digest
from services.versions import check_version

_COLOR: Final = re.compile(r"#[0-9a-f]{6}")

_MAKING: Final = prepared(
    select(func.pg_advisory_xact_lock(func.hashtextextended("tasktalk.labels:" + bindparam("user_id", type_=Text), 0)))
)
"""Held until COMMIT, so that those who make labels count them one after the other. It stands right before the labels
that are made."""
_COUNTED: Final = labels.alias()
_BEFORE: Final = (
    select(func.count()).where(_COUNTED.c.user_id == func.current_setting("app.user_id", True)).scalar_subquery()
)
"""How many there were before the statement that makes some."""


def name_key(name: str) -> str:
    """What two spellings of one name share: trimmed, composed (NFC) and case-folded."""
    return unicodedata.normalize("NFC", name.strip()).casefold()


def clean_names(names: Iterable[str], field: Field) -> tuple[str, ...]:
    """Trimmed names, each once, in order. Raises DomainError INVALID (empty, or more than 50) or TOO_LONG."""
    cleaned = {name_key(name): clean_text(name, field, limit=LABEL_LIMIT) for name in names}
    check_count(len(cleaned), field)
    return tuple(cleaned.values())


def check_count(count: int, field: Field) -> None:
    """Raises DomainError INVALID past the labels that a task may bear."""
    if count > LABELS_PER_TASK:
        raise DomainError(ErrorCode.INVALID, f"A task has at most {LABELS_PER_TASK} labels.", field=field)


def _clean_color(color: str | None) -> str | None:
    if color is None:
        return None
    lowered = color.strip().lower()
    if not _COLOR.fullmatch(lowered):
        raise DomainError(ErrorCode.INVALID, "color must look like #1a2b3c.", field=("input", "color"))
    return lowered


async def list_labels(session: Session) -> list[Label]:
    """All of the user's labels by name."""
    return await session.all(_own(session).order_by(labels.c.name_key), Label)


async def label_named(session: Session, name: str) -> Label | None:
    """The label of that name, in any case."""
    return await session.one(_own(session).where(labels.c.name_key == name_key(name)), Label)


async def label_by_id(session: Session, label_id: UUID) -> Label | None:
    return await session.one(_own(session).where(labels.c.id == label_id), Label)


async def bearers(session: Session, label_id: UUID, limit: int, *, deleted: bool = True) -> list[UUID]:
    """Tasks that bear the label; deleted ones too, unless told otherwise."""
    borne = select(task_labels.c.task_id).where(
        task_labels.c.user_id == session.user_id, task_labels.c.label_id == label_id
    )
    if not deleted:
        live = select(tasks.c.id).where(tasks.c.user_id == session.user_id, tasks.c.deleted_at.is_(None))
        borne = borne.where(task_labels.c.task_id.in_(live))
    return list((await session.execute(borne.limit(limit))).scalars())


async def open_counts(session: Session) -> dict[UUID, int]:
    """How many open tasks bear each label that any does."""
    is_open = select(tasks.c.id).where(
        tasks.c.user_id == session.user_id, tasks.c.completed_at.is_(None), tasks.c.deleted_at.is_(None)
    )
    counted = (
        select(task_labels.c.label_id, func.count().label("open"))
        .where(task_labels.c.user_id == session.user_id, task_labels.c.task_id.in_(is_open))
        .group_by(task_labels.c.label_id)
    )
    return {row.label_id: row.open for row in await session.execute(counted)}


async def labels_of(session: Session, task_ids: Iterable[UUID]) -> dict[UUID, tuple[Label, ...]]:
    """The labels of each of these tasks by name, in one statement; a task without labels has an empty tuple."""
    found: dict[UUID, tuple[Label, ...]] = dict.fromkeys(task_ids, ())
    if not found:
        return found
    statement = (
        select(task_labels.c.task_id, *labels.c)
        .join(labels, (labels.c.user_id == task_labels.c.user_id) & (labels.c.id == task_labels.c.label_id))
        .where(task_labels.c.user_id == session.user_id, task_labels.c.task_id.in_(found))
        .order_by(labels.c.name_key)
    )
    for row in await session.execute(statement):
        task_id, *columns = tuple(row)
        found[task_id] += (Label(*columns),)
    return found


async def hold_labels(work: UnitOfWork, names: Sequence[str]) -> Mapping[str, Label]:
    """The labels of these cleaned names by their keys, held until COMMIT so that none is deleted meanwhile.

    Missing ones are made (and logged). Lock tasks before this. Raises DomainError INVALID past the labels of a user.
    """
    wanted = {name_key(name): name for name in names}
    held = await _hold(work, wanted)
    missing = sorted(wanted.keys() - held.keys())
    if not missing:
        return held
    await work.run(_MAKING)
    rows = [{"user_id": work.user_id, "id": new_id(), "name": wanted[key], "name_key": key} for key in missing]
    made = insert(labels).values(rows).on_conflict_do_nothing(index_elements=["user_id", "name_key"])
    fresh = await _made(work, made, ("input", "labels"))
    held |= {label.name_key: label for label in fresh}
    if wanted.keys() - held.keys():  # another transaction made one first, or renamed it so, and has committed
        held = await _hold(work, wanted)
    return held


async def _hold(work: UnitOfWork, keys: Iterable[str]) -> dict[str, Label]:
    wanted = list(keys)
    if not wanted:
        return {}
    statement = _own(work).where(labels.c.name_key.in_(wanted)).order_by(labels.c.name_key)
    held = await work.all(statement.with_for_update(read=True, key_share=True), Label)
    return {label.name_key: label for label in held}


async def _made(work: UnitOfWork, made: Insert, field: Field) -> list[Label]:
    """Make labels, under the lock for that, and log them. Raises DomainError INVALID where they are too many."""
    rows = [tuple(row) for row in await work.execute(made.returning(*labels.c, _BEFORE))]
    if rows and rows[0][-1] + len(rows) > LABELS_PER_USER:
        message = f"There can be {LABELS_PER_USER} labels at most: delete one that you don't need."
        raise DomainError(ErrorCode.INVALID, message, field=field)
    found = [Label(*row[:-1]) for row in rows]
    for label in found:
        work.record(Change(kind=ChangeKind.LABEL, entity_id=label.id))
    return found


async def create_label(
    work: UnitOfWork, name: str, color: str | None = None, idempotency_key: str | None = None
) -> Label:
    """Make a label; `color` is #rrggbb. The same key and input answer the same label.

    Raises DomainError INVALID (name or color, the name is taken, or 500 labels are there), TOO_LONG or
    IDEMPOTENCY_CONFLICT.
    """
    key = check_idempotency_key(idempotency_key)
    fingerprint = digest({"name": name.strip(), "color": color and color.strip().lower()}) if key else None
    if key and (before := await _made_before(work, key, fingerprint)):
        return before
    cleaned = clean_text(name, ("input", "name"), limit=LABEL_LIMIT)
    values = {
        "user_id": work.user_id,
        "id": new_id(),
        "name": cleaned,
        "name_key": name_key(cleaned),
        "color": _clean_color(color),
        "idempotency_key": key,
        "idempotency_digest": fingerprint,
    }
    await work.run(_MAKING)
    made = await _made(work, insert(labels).values(values).on_conflict_do_nothing(), ("input", "name"))
    if not made:  # by name, or by a request with the same key that ran beside this one
        if key and (before := await _made_before(work, key, fingerprint)):
            return before
        raise _taken(cleaned)
    return made[0]


async def _made_before(work: UnitOfWork, key: str, fingerprint: bytes | None) -> Label | None:
    found = await work.one(_own(work).where(labels.c.idempotency_key == key), Label)
    if found is not None and found.idempotency_digest != fingerprint:
        message = "idempotencyKey was used before with other input."
        raise DomainError(ErrorCode.IDEMPOTENCY_CONFLICT, message, field=("input", "idempotencyKey"))
    return found


async def bring_back(work: UnitOfWork, gone: Label, task_ids: Sequence[UUID]) -> None:
    """A deleted label as it was, on those of the tasks that are still there and have room for one.

    Raises DomainError INVALID where its name is taken by now, or there are 500 labels.
    """
    await work.run(_MAKING)
    row = {**columns_of(gone), "idempotency_key": None, "idempotency_digest": None}
    if not await _made(work, insert(labels).values(row).on_conflict_do_nothing(), ("input", "name")):
        raise _taken(gone.name)
    borne = (
        select(func.count())
        .where(task_labels.c.user_id == tasks.c.user_id, task_labels.c.task_id == tasks.c.id)
        .correlate(tasks)
        .scalar_subquery()
    )
    room = select(tasks.c.user_id, tasks.c.id, literal(gone.id, Uuid)).where(
        tasks.c.user_id == work.user_id, tasks.c.id.in_(list(task_ids)), borne < LABELS_PER_TASK
    )
    await work.execute(insert(task_labels).from_select(["user_id", "task_id", "label_id"], room))


async def update_label(
    work: UnitOfWork,
    label_id: UUID,
    *,
    name: str | Unset | None = UNSET,
    color: str | Unset | None = UNSET,
    expected_version: int | None = None,
) -> Label:
    """Change what is given; a null color clears it. What changes nothing leaves no trace.

    Raises DomainError NOT_FOUND, VERSION_CONFLICT with the label as its node, INVALID or TOO_LONG.
    """
    values: dict[str, Any] = {}  # Any: column values
    if not isinstance(name, Unset):
        values["name"] = clean_text(name, ("input", "name"), limit=LABEL_LIMIT)
        values["name_key"] = name_key(values["name"])
    if not isinstance(color, Unset):
        values["color"] = _clean_color(color)
    label = await _locked(work, label_id, expected_version)
    changed = replace(label, **values)
    if changed == label:
        return label
    changed = replace(changed, version=label.version + 1)
    where = (labels.c.user_id == work.user_id, labels.c.id == label_id)
    try:
        async with work.savepoint():
            await work.execute(update(labels).where(*where).values(**values, version=changed.version))
    except IntegrityError as error:
        raise _taken(changed.name) from error
    work.record(Change(kind=ChangeKind.LABEL, entity_id=label_id))
    return changed


async def delete_label(work: UnitOfWork, label_id: UUID, *, expected_version: int | None = None) -> UUID:
    """Delete the label and take it off its tasks, whose versions stay: the label's own entry in the log tells it.

    Raises DomainError NOT_FOUND, or VERSION_CONFLICT with the label as its node.
    """
    await _locked(work, label_id, expected_version)
    await work.execute(delete(labels).where(labels.c.user_id == work.user_id, labels.c.id == label_id))
    work.record(Change(kind=ChangeKind.LABEL, entity_id=label_id))
    return label_id


async def _locked(work: UnitOfWork, label_id: UUID, expected_version: int | None) -> Label:
    statement = _own(work).where(labels.c.id == label_id)
    label = await work.one(statement.with_for_update(key_share=True), Label)
    if label is None:
        raise _not_found()
    check_version(("Label", label_id), label.version, expected_version)
    return label


def _own(session: Session) -> Any:  # Any: as rows_of gives it
    return rows_of(labels).where(labels.c.user_id == session.user_id)


def _taken(name: str) -> DomainError:
    return DomainError(ErrorCode.INVALID, f"There is a label “{name}” already.", field=("input", "name"))


def _not_found() -> DomainError:
    return DomainError(ErrorCode.NOT_FOUND, "There is no such label.", field=("input", "labelId"))
