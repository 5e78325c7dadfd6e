"""Which labels tasks bear before and after a patch, and the rows that make it so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, delete, or_
from sqlalchemy.dialects.postgresql import insert

from core.unit_of_work import UnitOfWork
from models.tasks import Label, task_labels
from services.inputs import UNSET, Unset
from services.labels import check_count, hold_labels, labels_of, name_key
from services.tasks.values import TaskPatch


@dataclass(frozen=True, slots=True)
class Labelling:
    """The labels of one task before and after, each by name."""

    before: tuple[Label, ...] = ()
    after: tuple[Label, ...] = ()


UNTOUCHED = Labelling()


async def plan_labels(work: UnitOfWork, task_ids: Sequence[UUID], patch: TaskPatch) -> dict[UUID, Labelling]:
    """What the cleaned patch makes of these tasks' labels; empty where it doesn't touch any.

    The tasks are locked by now; the labels to be added are made where missing, and held. Raises DomainError INVALID.
    """
    if not patch.touches_labels:
        return {}
    present = await labels_of(work, task_ids)
    removed = {name_key(name) for name in patch.remove_labels}
    replaced = () if isinstance(patch.labels, Unset) else patch.labels or ()
    wanted = [name for name in (*replaced, *patch.add_labels) if name_key(name) not in removed]
    added = await hold_labels(work, wanted)
    plans: dict[UUID, Labelling] = {}
    for task_id, before in present.items():
        kept = {label.name_key: label for label in before if patch.labels is UNSET and label.name_key not in removed}
        after = {**kept, **added}
        check_count(len(after), ("input", "labels"))
        plans[task_id] = Labelling(before, tuple(after[key] for key in sorted(after)))
    return plans


async def write_labels(work: UnitOfWork, plans: Mapping[UUID, Labelling]) -> None:
    """At most two statements for all tasks."""
    lost = [(task_id, _ids(plan.before) - _ids(plan.after)) for task_id, plan in plans.items()]
    won = [(task_id, _ids(plan.after) - _ids(plan.before)) for task_id, plan in plans.items()]
    if gone := [(task_id, ids) for task_id, ids in lost if ids]:
        pairs = [and_(task_labels.c.task_id == task_id, task_labels.c.label_id.in_(ids)) for task_id, ids in gone]
        await work.execute(delete(task_labels).where(task_labels.c.user_id == work.user_id, or_(*pairs)))
    rows = [
        {"user_id": work.user_id, "task_id": task_id, "label_id": label_id}
        for task_id, ids in won
        for label_id in sorted(ids)
    ]
    if rows:
        await work.execute(insert(task_labels).values(rows).on_conflict_do_nothing())


def _ids(borne: Sequence[Label]) -> set[UUID]:
    return {label.id for label in borne}
