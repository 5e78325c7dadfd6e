"""What a user took of the models, counted by UTC day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Final

from sqlalchemy.dialects.postgresql import Insert, insert

from core.statements import prepared
from core.unit_of_work import UnitOfWork
from models.users import usage


@dataclass(frozen=True, slots=True)
class Spent:
    """What one model call took."""

    input_tokens: int = 0
    output_tokens: int = 0


_COUNTERS: Final = ("turns", "model_calls", "input_tokens", "output_tokens")


def _counted() -> Insert:
    made = insert(usage)
    return made.on_conflict_do_update(
        index_elements=[usage.c.user_id, usage.c.day],
        set_={name: usage.c[name] + made.excluded[name] for name in _COUNTERS},
    )


_COUNTED: Final = prepared(
    _counted().returning(usage.c.input_tokens + usage.c.output_tokens), columns=("user_id", "day", *_COUNTERS)
)


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
