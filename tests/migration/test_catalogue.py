"""What the database's own catalogue says of policies, the role's rights and the functions that run as the owner."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from tests.migration.seeding import OWNED, owner_column

MINE = "(SELECT current_setting('app.user_id'::text, true) AS current_setting)"

FUNCTIONS = {
    "wake(conversation uuid, after interval)": "void",
    "orphaned_turns(wanted integer, running_limit integer)": "TABLE(user_id text, conversation_id uuid)",
    "renew_leases(holder text, held uuid[], seconds double precision)": "TABLE(turn_id uuid, cancelled boolean)",
    "save_drafts(users text[], turn_ids uuid[], owners text[], numbers integer[], attempts integer[], texts text[])": (
        "TABLE(turn_id uuid, saved boolean)"
    ),
    "release_leases(holders text[])": "TABLE(user_id text, conversation_id uuid)",
    "positions(users text[])": "TABLE(user_id text, epoch uuid, seq bigint)",
    "idle_conversations(quiet_since timestamp with time zone, wanted integer)": (
        "TABLE(user_id text, conversation_id uuid)"
    ),
    "due_reminders(wanted integer)": "TABLE(user_id text, task_id uuid)",
    "deliver(task uuid, reminder timestamp with time zone)": "void",
    "purgeable_tasks(before timestamp with time zone, wanted integer)": "TABLE(user_id text, task_id uuid)",
    "erase_user(wanted integer)": "bigint",
    "calendar_owner(hash bytea)": "text",
    "search(words text[], kinds text[], wanted integer)": "TABLE(id uuid, kind text, score integer)",
    "search_containing(bodies text[], of_kind text, most integer)": "uuid[]",
    "search_catch_up(wanted bigint)": "boolean",
    "search_is_behind()": "boolean",
    "search_backlogs(behind bigint, wanted integer)": "TABLE(user_id text)",
    "trim_changes(before timestamp with time zone, wanted integer)": "bigint",
}
"""The functions that see every user's rows, and what they give out: ids, positions and counts."""

READ = {"SELECT"}
RIGHTS = {
    **dict.fromkeys(
        ("messages", "rounds", "undone_calls", "call_changes", "task_revisions", "change_log"), READ | {"INSERT"}
    ),
    **dict.fromkeys(("search_vocabulary", "search_positions"), READ),
    "search_documents": READ | {"DELETE"},
    **dict.fromkeys(("task_labels", "tool_call_tasks", "revoked_tokens"), READ | {"INSERT", "DELETE"}),
    **dict.fromkeys(
        ("calendar_feeds", "conversations", "drafts", "labels", "tasks"),
        READ | {"INSERT", "UPDATE", "DELETE"},
    ),
    **dict.fromkeys(
        ("users", "settings", "user_limits", "usage", "turns", "tool_calls", "change_counters"),
        READ | {"INSERT", "UPDATE"},
    ),
    "alembic_version": READ,
}
"""All that the role may do. What never changes has no UPDATE, and what goes only with its parent no DELETE."""


async def column(owner: AsyncConnection, statement: str) -> list[object]:
    return list(await owner.scalars(text(statement)))


async def test_every_table_with_an_owner_is_under_one_policy_for_reading_and_writing(owner: AsyncConnection) -> None:
    found = await owner.execute(
        text(
            "SELECT c.relname, c.relrowsecurity, p.polcmd::text, p.polpermissive, p.polroles::regrole[]::text[],"
            " pg_get_expr(p.polqual, c.oid) AS using, pg_get_expr(p.polwithcheck, c.oid) AS with_check"
            " FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid"
            " WHERE c.relnamespace = 'tasktalk'::regnamespace AND c.relkind IN ('r', 'p') AND (c.relname = 'users'"
            " OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'user_id'))"
            " ORDER BY c.relname"
        )
    )
    rules = {table.name: f"({owner_column(table)} = {MINE})" for table in OWNED}
    expected = [(name, True, "*", True, ["tasktalk_app"], rule, rule) for name, rule in sorted(rules.items())]
    squeezed = [(*row[:5], *(" ".join(str(rule).split()).replace("( ", "(") for rule in row[5:])) for row in found]
    assert squeezed == expected


async def test_the_role_cannot_log_in_nor_pass_the_policies_nor_own_anything(owner: AsyncConnection) -> None:
    role = await owner.execute(
        text(
            "SELECT rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolinherit"
            " FROM pg_roles WHERE rolname = 'tasktalk_app'"
        )
    )
    assert tuple(role.one()) == (False,) * 7
    owned = "SELECT refobjid::regrole::text FROM pg_shdepend WHERE refobjid = 'tasktalk_app'::regrole AND deptype = 'o'"
    assert await column(owner, owned) == []
    assert await column(owner, "SELECT roleid FROM pg_auth_members WHERE member = 'tasktalk_app'::regrole") == []


async def test_the_role_has_no_right_but_those_it_needs(owner: AsyncConnection) -> None:
    found = await owner.execute(
        text(
            "SELECT c.relname, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a"
            " WHERE c.relnamespace = 'tasktalk'::regnamespace AND a.grantee <> c.relowner"
        )
    )
    rights: dict[str, set[str]] = {}
    for name, right in found:
        rights.setdefault(name, set()).add(right)
    assert rights == RIGHTS


async def test_rights_are_on_whole_tables_and_none_is_for_everybody(owner: AsyncConnection) -> None:
    in_schema = "relnamespace = 'tasktalk'::regnamespace"
    on_columns = (
        f"SELECT attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE {in_schema} AND attacl IS NOT NULL"
    )
    for_all = f"SELECT relname FROM pg_class, aclexplode(relacl) a WHERE {in_schema} AND a.grantee = 0"
    assert await column(owner, on_columns) == []
    assert await column(owner, for_all) == []


@pytest.mark.parametrize(("right", "granted"), [("USAGE", True), ("CREATE", False)])
async def test_the_role_uses_the_schema_and_makes_nothing_in_it(
    owner: AsyncConnection, right: str, granted: bool
) -> None:
    held = f"SELECT has_schema_privilege('tasktalk_app', 'tasktalk', '{right}')"
    assert await column(owner, held) == [granted]


async def test_functions_that_run_as_the_owner_are_a_fixed_list_that_gives_ids_only(owner: AsyncConnection) -> None:
    found = await owner.execute(
        text(
            "SELECT proname || '(' || pg_get_function_identity_arguments(oid) || ')', pg_get_function_result(oid)"
            " FROM pg_proc WHERE pronamespace = 'tasktalk'::regnamespace AND prosecdef"
        )
    )
    assert {name: result for name, result in found} == FUNCTIONS


async def test_functions_that_run_as_the_owner_pin_their_search_path(owner: AsyncConnection) -> None:
    """One that didn't would run whatever its caller put in front of the tables."""
    settings = "SELECT proconfig FROM pg_proc WHERE pronamespace = 'tasktalk'::regnamespace AND prosecdef"
    assert await column(owner, settings) == [["search_path=tasktalk, pg_temp"]] * len(FUNCTIONS)


async def test_functions_that_run_as_the_owner_are_for_the_role_alone(owner: AsyncConnection) -> None:
    grantees = (
        "SELECT DISTINCT coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC') FROM pg_proc p,"
        " aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a"
        " WHERE p.pronamespace = 'tasktalk'::regnamespace AND p.prosecdef AND a.grantee <> p.proowner"
    )
    assert await column(owner, grantees) == ["tasktalk_app"]
