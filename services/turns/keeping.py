"""A round under its turn's lease: the turn's row, the round and the user's counters, written by one statement."""

from __future__ import annotations

from datetime import UTC
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Date, Integer, Text, Uuid, bindparam, insert, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB

from core.statements import Prepared, prepared
from core.unit_of_work import UnitOfWork
from models.turns import Round, rounds, turns
from services.turns.leases import UNDER_LEASE, Lease, LeaseLost, lease_arguments
from services.usage import Spent, added_to_usage


async def keep_round(
    work: UnitOfWork, lease: Lease, done: Round, spent: Spent, *, ended: int = 0, **values: Any
) -> int:
    """Write `values` to the turn's row, keep the round, and count a model call with what it took, and `ended` turns.

    The day's tokens with that. Raises LeaseLost, and then nothing was written.
    """
    tokens = await work.value(
        _keeping(tuple(sorted(values))),
        **lease_arguments(lease),
        **values,
        round_number=done.number,
        round_text=done.text,
        round_calls=[dict(call) for call in done.calls],
        round_finish_reason=done.finish_reason,
        day=work.now.astimezone(UTC).date(),
        ended=ended,
        spent_input=spent.input_tokens,
        spent_output=spent.output_tokens,
    )
    if tokens is None:
        raise LeaseLost
    return int(tokens)


@cache
def _keeping(names: tuple[str, ...]) -> Prepared[Any]:
    """The turn is locked before its user's counters, and neither if the lease is lost."""
    user_id, turn_id = bindparam("user_id", type_=Text), bindparam("id", type_=Uuid)
    spent_input, spent_output = bindparam("spent_input", type_=BigInteger), bindparam("spent_output", type_=BigInteger)
    held = (
        update(turns)
        .where(UNDER_LEASE)
        .values({name: bindparam(name) for name in names})
        .values(
            input_tokens=turns.c.input_tokens + spent_input,
            output_tokens=turns.c.output_tokens + spent_output,
            model_calls=turns.c.model_calls + 1,
            version=turns.c.version + 1,
        )
        .returning(turns.c.id)
        .cte("held")
    )
    said = (
        bindparam("round_number", type_=Integer),
        bindparam("round_text", type_=Text),
        bindparam("round_calls", type_=JSONB),
        bindparam("round_finish_reason", type_=Text),
    )
    kept = insert(rounds).from_select(
        ["user_id", "turn_id", "number", "text", "calls", "finish_reason"],
        select(user_id, turn_id, *said).select_from(held),
    )
    counted: list[Any] = [  # Any: select() is typed for few columns
        *(user_id, bindparam("day", type_=Date), bindparam("ended", type_=Integer), literal(1)),
        *(spent_input, spent_output),
    ]
    return prepared(added_to_usage(select(*counted).select_from(held)).add_cte(kept.cte("kept")))
