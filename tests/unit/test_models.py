"""A value's fields are its table's stored columns, in order: rows become values by position."""

from __future__ import annotations

from dataclasses import fields
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest
from sqlalchemy import ForeignKeyConstraint, Table

from models.base import metadata, stored
from models.changes import LoggedChange, change_log
from models.conversations import Conversation, Message, conversations, messages
from models.tasks import Label, Task, TaskRevision, labels, task_revisions, tasks
from models.turns import Round, ToolCall, Turn, rounds, tool_calls, turns
from models.users import DailyUsage, Settings, User, settings, usage, users

PAIRS: list[tuple[Table, type[Any]]] = [  # Any: the values share no base
    (users, User),
    (settings, Settings),
    (usage, DailyUsage),
    (conversations, Conversation),
    (messages, Message),
    (turns, Turn),
    (rounds, Round),
    (tool_calls, ToolCall),
    (tasks, Task),
    (labels, Label),
    (task_revisions, TaskRevision),
    (change_log, LoggedChange),
]
every_value = pytest.mark.parametrize(("table", "value"), PAIRS, ids=[value.__name__ for _, value in PAIRS])
every_table = pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)


@every_value
def test_a_values_fields_are_the_stored_columns_in_order(table: Table, value: type[Any]) -> None:
    assert [field.name for field in fields(value)] == [column.name for column in stored(table)]


@every_value
def test_a_field_is_optional_where_its_column_is_nullable(table: Table, value: type[Any]) -> None:
    optional = {name for name, hint in get_type_hints(value).items() if NoneType in get_args(hint)}
    assert optional == {column.name for column in stored(table) if column.nullable}


@every_value
def test_a_value_is_frozen(table: Table, value: type[Any]) -> None:
    made = value(*[None] * len(stored(table)))
    with pytest.raises(AttributeError):
        setattr(made, fields(value)[0].name, "changed")


@every_table
def test_the_owner_leads_every_key(table: Table) -> None:
    if table.name not in ("users", "revoked_tokens"):
        assert next(iter(table.primary_key.columns)).name == "user_id"


@every_table
def test_every_reference_carries_the_owner_and_goes_with_what_it_refers_to(table: Table) -> None:
    for constraint in table.constraints:
        if isinstance(constraint, ForeignKeyConstraint):
            assert constraint.columns[0].name == "user_id"
            assert constraint.elements[0].column.name == ("id" if constraint.referred_table is users else "user_id")
            assert constraint.ondelete == "CASCADE"


def test_the_due_order_is_computed_and_so_no_field() -> None:
    assert {"due_order", "due_order_desc"} <= set(tasks.c.keys())
    assert not {"due_order", "due_order_desc"} & {column.name for column in stored(tasks)}
