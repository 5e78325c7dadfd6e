"""Import and export over HTTP and by the command line, as their users meet them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import icalendar
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from core.database import Database, make_links
from core.dsn import Dsn
from events.bus import Bus
from events.log import ChangeLog
from graphql_api import exchange
from graphql_api.cli.main import app
from models.users import calendar_feeds
from tests.conftest import new_user
from tests.support.reading import GUARD
from tests.support.replica import Replica, replica

LISTED = "{ tasks(first: 100, orderBy: CREATED) { edges { node { title } } } }"


@pytest.fixture
async def running(database: Database, bus: Bus, dsn: Dsn, tmp_path: Path) -> AsyncIterator[Replica]:
    async with replica(database, bus, dsn, tmp_path) as here:
        yield here


async def ask(server: Replica, token: str | None, method: str, path: str, **more: Any) -> httpx2.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(trust_env=False, timeout=GUARD) as client:
        return await client.request(method, f"http://{server.address}{path}", headers=headers, **more)


async def titles(server: Replica, token: str) -> list[str]:
    found = (await server.post(token, LISTED))["data"]["tasks"]["edges"]
    return [edge["node"]["title"] for edge in found]


async def test_tasks_go_in_and_out_over_http_by_the_callers_token(running: Replica, user: str) -> None:
    token = running.token(user)

    async def body() -> AsyncIterator[bytes]:
        for piece in (b"- [ ] Pack\n  - [", b"x] socks\n- ", b"Go\n", b"- " + b"y" * 501):
            yield piece

    planned = await ask(running, token, "POST", "/import?format=markdown&dryRun=true", content=body())
    assert (planned.status_code, await titles(running, token)) == (200, [])
    assert [(row["row"], row["result"], row["title"][:5]) for row in planned.json()["rows"]] == [
        (1, "MADE", "Pack"),
        (2, "MADE", "socks"),
        (3, "MADE", "Go"),
        (4, "BAD", "yyyyy"),
    ]
    done = (await ask(running, token, "POST", "/import?format=markdown", content=body())).json()
    assert {name: done[name] for name in ("dryRun", "made", "known", "bad")} == {
        "dryRun": False,
        "made": 3,
        "known": 0,
        "bad": 1,
    }
    assert [row["row"] for row in done["rows"]] == [4]
    assert await titles(running, token) == ["Pack", "socks", "Go"]
    written = await ask(running, token, "GET", "/export?format=markdown")
    assert written.text == "- [ ] Pack\n  - [x] socks\n- [ ] Go\n"
    assert written.headers["content-disposition"] == 'attachment; filename="tasktalk.md"'
    other = running.token(f"{user}_2")
    whole = (await ask(running, token, "GET", "/export")).content
    assert (await ask(running, other, "POST", "/import", content=whole)).json()["made"] == 3
    assert (await ask(running, other, "GET", "/export")).content == whole


async def test_what_cannot_be_is_refused_before_anything_is_read(
    running: Replica, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = running.token(user)
    for method, path in (("POST", "/import"), ("GET", "/export")):
        refused = await ask(running, None, method, path)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        unknown = await ask(running, token, method, f"{path}?format=xml")
        assert (unknown.status_code, unknown.json()["errors"][0]["extensions"]["code"]) == (400, "DOCUMENT_INVALID")
        assert "jsonl" in unknown.json()["errors"][0]["message"]
    assert (await ask(running, token, "GET", "/import")).status_code == 405
    monkeypatch.setattr(exchange, "BODY_LIMIT", 20)

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield b"a task\n"

    for content in ("a task\n" * 3, endless()):
        large = await ask(running, token, "POST", "/import?format=lines", content=content)
        assert (large.status_code, large.json()["errors"][0]["extensions"]["code"]) == (413, "DOCUMENT_TOO_COMPLEX")
    assert await titles(running, token) == []


async def test_pages_of_the_origins_that_are_set_may_import_and_export(
    database: Database, bus: Bus, dsn: Dsn, tmp_path: Path, user: str
) -> None:
    ours, asked = "https://app.example.com", {"access-control-request-headers": "authorization"}
    async with (
        replica(
            database,
            bus,
            dsn,
            tmp_path,
            BETTER_AUTH_SECRET="x" * 32,
            auth_issuer="i",
            auth_audience="a",
            cors_origins=(ours,),
        ) as running,
        httpx2.AsyncClient(trust_env=False, timeout=GUARD, base_url=f"http://{running.address}") as client,
    ):
        for origin, allowed in ((ours, ours), ("https://evil.example.com", None)):
            headers = {"origin": origin, "access-control-request-method": "POST", **asked}
            answer = await client.options("/import", headers=headers)
            assert answer.headers.get("access-control-allow-origin") == allowed


async def test_a_calendar_reads_due_tasks_at_a_secret_address_until_it_is_renewed_or_revoked(
    running: Replica, user: str, database: Database
) -> None:
    token = running.token(user)
    for given in (
        'title: "due", dueDate: "2030-01-02"',
        'title: "at", dueAt: "2030-01-02T03:04:05Z", remindBefore: 30',
        'title: "some day"',
    ):
        await running.post(token, f"mutation {{ createTask(input: {{{given}}}) {{ task {{ id }} }} }}")
    renew = "mutation { renewCalendarFeed { path userErrors { code } } }"
    old = (await running.post(token, renew))["data"]["renewCalendarFeed"]["path"]
    feed = await ask(running, None, "GET", old)
    assert (feed.status_code, feed.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    assert feed.text.count("BEGIN:VTODO") == 2
    assert "SUMMARY:some day" not in feed.text
    assert "DUE;VALUE=DATE:20300102" in feed.text
    assert "TRIGGER;RELATED=END:-PT30M" in feed.text
    events = icalendar.Calendar.from_ical((await ask(running, None, "GET", f"{old}?as=events")).text)
    assert [(str(one["summary"]), one["dtstart"].to_ical()) for one in events.walk("VEVENT")] == [
        ("due", b"20300102"),
        ("at", b"20300102T030405Z"),
    ]
    async with database.snapshot(user) as session:
        [kept] = (await session.execute(select(calendar_feeds.c.secret_hash))).scalars()
    assert kept == hashlib.sha256(old.removeprefix("/calendar/").removesuffix(".ics").encode()).digest()
    new = (await running.post(token, renew))["data"]["renewCalendarFeed"]["path"]
    assert [(await ask(running, None, "GET", path)).status_code for path in (old, new)] == [404, 200]
    since = "{ viewer { calendarFeedSince } }"
    assert (await running.post(token, since))["data"]["viewer"]["calendarFeedSince"] is not None
    await running.post(token, "mutation { revokeCalendarFeed { userErrors { code } } }")
    assert (await ask(running, None, "GET", new)).status_code == 404
    assert (await running.post(token, since))["data"]["viewer"]["calendarFeedSince"] is None


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, arguments)
    return done.exit_code, done.stdout


async def _new_user(dsn: Dsn) -> str:
    async with Bus("memory://") as bus:
        database = Database(make_links(dsn, size=1), ChangeLog(bus))
        made = await new_user(database)
        await database.close()
    return made


def test_the_command_line_brings_tasks_in_and_writes_them_out(
    server: str, dsn: Dsn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", server.replace("/tasktalk?", f"/{dsn.database}?"))
    monkeypatch.setenv("TASKTALK_DATA_DIR", str(tmp_path))
    someone = asyncio.run(_new_user(dsn))
    todo, whole = tmp_path / "todo.txt", tmp_path / "tasks.jsonl"
    todo.write_text("milk\nbread\n" + "x" * 501 + "\n")
    assert run("import", str(todo), "--user", someone, "--dry-run") == (
        1,
        "2 would be made, 0 would be known already, 1 would be bad\n",
    )
    assert run("import", str(todo), "--user", someone) == (1, "2 made, 0 known already, 1 bad\n")
    assert run("export", str(whole), "--user", someone) == (0, "")
    assert run("import", str(whole), "--user", someone) == (0, "0 made, 2 known already, 0 bad\n")
    assert run("export", "--user", someone, "--format", "lines") == (0, "milk\nbread\n")
