"""Prepared statements: what becomes text, what becomes an argument, and what the driver is given."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import ARRAY, Uuid, any_, bindparam, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from core.statements import prepared
from models.turns import rounds, turns
from models.users import usage


def test_constants_are_in_the_text_and_arguments_are_numbered() -> None:
    made = prepared(
        select(turns.c.id).where(
            turns.c.user_id == bindparam("user_id"),
            turns.c.status.in_(["QUEUED", "RUNNING"]),
            turns.c.number > bindparam("number"),
            turns.c.attempt < 5,
        )
    )
    assert "status IN ('QUEUED', 'RUNNING')" in made.sql
    assert "attempt < 5" in made.sql
    assert made.arguments({"number": 3, "user_id": "ann", "more": 1}) == ["ann", 3]
    assert "$1" in made.sql
    assert "$3" not in made.sql


def test_one_argument_may_stand_in_many_places() -> None:
    held = select(turns.c.id).where(turns.c.user_id == bindparam("user_id"), turns.c.status == "RUNNING").cte("held")
    made = prepared(
        update(turns).where(turns.c.user_id == bindparam("user_id"), turns.c.id == held.c.id).values(attempt=0)
    )
    assert made.arguments({"user_id": "ann"}) == ["ann"]
    assert made.sql.count("$1") == 2
    assert "attempt=0" in made.sql


def test_columns_are_taken_from_arguments_of_their_names() -> None:
    turn_id = uuid4()
    made = prepared(insert(turns).values(status="QUEUED"), columns=("user_id", "id", "number"))
    assert made.arguments({"number": 1, "user_id": "ann", "id": turn_id}) == ["ann", turn_id, 1]
    assert "'QUEUED'" in made.sql
    counted = upsert(usage)
    made = prepared(
        counted.on_conflict_do_update(
            index_elements=["user_id", "day"], set_={"turns": usage.c.turns + counted.excluded.turns}
        ),
        columns=("user_id", "day", "turns"),
    )
    assert made.arguments({"user_id": "ann", "day": None, "turns": 1}) == ["ann", None, 1]


def test_json_is_given_to_the_driver_as_text() -> None:
    made = prepared(insert(rounds), columns=("user_id", "turn_id", "number", "calls"))
    given = {"user_id": "ann", "turn_id": None, "number": 0, "calls": [{"name": "ä"}]}
    assert made.arguments(given) == ["ann", None, 0, '[{"name":"ä"}]']


def test_arrays_and_text_stay_as_they_are() -> None:
    ids = [uuid4(), uuid4()]
    made = prepared(select(turns.c.id).where(turns.c.id == any_(bindparam("ids", type_=ARRAY(Uuid)))))
    assert made.arguments({"ids": ids}) == [ids]
    made = prepared(text("SELECT :one::text, :one || :two"))
    assert made.arguments({"one": "a", "two": "b"}) == ["a", "b"]


def test_a_missing_argument_is_refused() -> None:
    made = prepared(select(turns.c.id).where(turns.c.id == bindparam("id")))
    with pytest.raises(KeyError, match="id"):
        made.arguments({"user_id": "ann"})
