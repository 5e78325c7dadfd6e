"""What a user took of the models, counted by UTC day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC

from sqlalchemy.dialects.postgresql import insert

from core.unit_of_work import UnitOfWork
from models.users import usage


@dataclass(frozen=True, slots=True)
class Spent:
    """What one model call took."""

    input_tokens: int = 0
    output_tokens: int = 0


async def count_usage(work: UnitOfWork, *, turns_: int = 0, model_calls: int = 0, spent: Spent | None = None) -> int:
    """Add to the user's counters of the present UTC day; the day's tokens with that."""
    took = spent or Spent()
    made = insert(usage).values(
        user_id=work.user_id,
        day=work.now.astimezone(UTC).date(),
        turns=turns_,
        model_calls=model_calls,
        input_tokens=took.input_tokens,
        output_tokens=took.output_tokens,
    )
    names = ("turns", "model_calls", "input_tokens", "output_tokens")
    counted = made.on_conflict_do_update(
        index_elements=[usage.c.user_id, usage.c.day],
        set_={name: usage.c[name] + made.excluded[name] for name in names},
    )
    return int(await work.scalar(counted.returning(usage.c.input_tokens + usage.c.output_tokens)))
