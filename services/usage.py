"""What a user took of the models, counted by UTC day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from core.statements import prepared
from core.unit_of_work import UnitOfWork
from models.users import usage


@dataclass(frozen=True, slots=True)
class Spent:
    """What one model call took."""

    input_tokens: int = 0
    output_tokens: int = 0


_COUNTERS: Final = ("turns", "model_calls", "input_tokens", "output_tokens")


def added_to_usage(counted: Select[Any] | None = None) -> ReturningInsert[Any]:
    """Add rows of user_id, day and the counters in their order; answers the day's tokens with that."""
    made = insert(usage)
    if counted is not None:
        made = made.from_select(["user_id", "day", *_COUNTERS], counted)
    return made.on_conflict_do_update(
        index_elements=[usage.c.user_id, usage.c.day],
        set_={name: usage.c[name] + made.excluded[name] for name in _COUNTERS},
    ).returning(usage.c.input_tokens + usage.c.output_tokens)


_COUNTED: Final = prepared(added_to_usage(), columns=("user_id", "day", *_COUNTERS))


async def count_usage(work: UnitOfWork, *, turns_: int = 0, model_calls: int = 0, spent: Spent | None = None) -> int:
    """Add to the user's counters of the present UTC day; the day's tokens with that."""
    took = spent or Spent()
    tokens = await work.value(
        _COUNTED,
        day=work.now.astimezone(UTC).date(),
        turns=turns_,
        model_calls=model_calls,
        input_tokens=took.input_tokens,
        output_tokens=took.output_tokens,
    )
    return int(tokens)
