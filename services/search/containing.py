"""Which rows may hold a text, by search's keys: so that a list with a rare one needn't look at everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Integer, Text, Uuid, any_, bindparam, func, literal, select

from core.statements import prepared
from core.unit_of_work import Session
from models.enums import SearchKind

MANY: Final = 1000
"""Rows past which going through a list in its order is as quick."""

_CONTAINING: Final = prepared(
    select(
        func.tasktalk.search_containing(
            bindparam("texts", type_=ARRAY(Text)),
            bindparam("kind", type_=Text),
            bindparam("most", type_=Integer),
        )
    )
)


async def may_contain(
    session: Session, texts: Sequence[str], kind: SearchKind = SearchKind.TASK, most: int = MANY
) -> list[UUID] | None:
    """The user's rows of that kind, without deleted tasks, in which all of the texts may stand, whatever the case.

    Every row that holds them is among these, and a few that don't: compare. What is committed counts, what this unit
    of work itself has changed doesn't. None where they are more than `most`, or where the texts (single letters, marks)
    don't say: then look through all.
    """
    found: list[UUID] | None = await session.value(_CONTAINING, texts=list(texts), kind=kind.value, most=most)
    return found


async def narrowed(
    session: Session, ids: ColumnElement[UUID], texts: Sequence[str], kind: SearchKind = SearchKind.TASK
) -> list[ColumnElement[bool]]:
    """The same as a condition on the ids of a list that holds no deleted tasks, or none. For a plan by its values."""
    found = await may_contain(session, texts, kind)
    return [] if found is None else [ids == any_(literal(found, ARRAY(Uuid)))]
