"""`tasktalk doctor`: what is configured, what doesn't work, and what to do about it. It changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from sqlalchemy import TextClause, text
from sqlalchemy.exc import SQLAlchemyError

from core.database import ROLE, Database, make_links, sqlstate
from core.dsn import Dsn
from core.errors import ConfigurationError
from core.settings import Settings
from events.bus import Bus
from events.log import ChangeLog
from graphql_api.app import make_providers
from graphql_api.cli.databases import explained, reachable
from graphql_api.cli.process import check_address
from graphql_api.health import prove_row_security
from migrations import runner
from migrations.runner import ROLE_SQL
from services.auth import build_verifier

OLDEST: Final = 160_000
"""PostgreSQL 16, as server_version_num says it: the first whose GRANT of a role has WITH SET."""

_NUMBER = text("SELECT current_setting('server_version_num')::int")
_VERSION = text("SELECT current_setting('server_version')")
_ROLE = text(
    "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = :role)"
    " OR (SELECT rolsuper OR rolcreaterole FROM pg_catalog.pg_roles WHERE rolname = current_user)"
)


class Report:
    """The lines of the examination, and whether all is well."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self.passed = True

    def good(self, name: str, found: str) -> None:
        self._console.print(f"[green]✓[/] {name}: {escape(found)}", soft_wrap=True)

    def bad(self, name: str, problem: str) -> None:
        self.passed = False
        self._console.print(f"[red]✗[/] {name}: {escape(problem)}", soft_wrap=True)

    @contextmanager
    def check(self, name: str) -> Iterator[None]:
        """A check whose ConfigurationError is its bad line."""
        try:
            yield
        except ConfigurationError as error:
            self.bad(name, error.message)


async def examine(settings: Settings, report: Report | None = None) -> bool:
    """Print each check; whether all passed."""
    report = report or Report()
    with report.check("address"):
        check_address(settings)
        report.good("address", f"{settings.host}:{settings.port}")
    with report.check("authentication"):
        await build_verifier(settings).aclose()
        report.good("authentication", "development mode: own tokens" if settings.development else "Better Auth")
    with report.check("provider"):
        provider, fallback = make_providers(settings)
        report.good("provider", provider.name + (f", {fallback.name} where it is out of reach" if fallback else ""))
        await provider.aclose()
    scheme = settings.broadcast_url.get_secret_value().partition("://")[0]
    async with Bus(settings.broadcast_url.get_secret_value()) as bus:
        if bus.healthy:
            report.good("bus", scheme)
        else:
            report.bad("bus", f"BROADCAST_URL: the {scheme} server doesn't answer. Live updates come late without it.")
        with report.check("database"):
            async with reachable(settings) as dsn:
                await _examine_database(report, dsn, bus)
    return report.passed


async def _examine_database(report: Report, dsn: Dsn, bus: Bus) -> None:
    database = Database(make_links(dsn, size=2), ChangeLog(bus))
    try:
        with explained(dsn):
            number, version = await _asked(dsn, _NUMBER), await _asked(dsn, _VERSION)
            if number < OLDEST:
                report.bad("database", f"PostgreSQL {version} is too old: 16 or newer is needed.")
                return
            report.good("database", f"PostgreSQL {version} at {dsn.redacted()}")
            revision = await runner.current(dsn)
            if not await _asked(dsn, _ROLE):
                report.bad(
                    "role", f"{ROLE} is missing, and this user may not make it. An administrator runs:\n{ROLE_SQL}"
                )
        if revision != runner.newest():
            report.bad("migrations", f"at {revision or 'none'}, {runner.newest()} is needed. Run `tasktalk migrate`.")
            return
        report.good("migrations", runner.newest())
        await _examine_row_security(report, database)
    finally:
        await database.close()


# Any: each question has an answer of its own type.
async def _asked(dsn: Dsn, question: TextClause) -> Any:
    """One value, asked as the user of DATABASE_URL."""
    engine = runner.owner_engine(dsn)
    try:
        async with engine.connect() as connection:
            return (await connection.execute(question, {"role": ROLE} if question is _ROLE else {})).scalar()
    finally:
        await engine.dispose()


async def _examine_row_security(report: Report, database: Database) -> None:
    try:
        holds = await prove_row_security(database)
    except SQLAlchemyError as error:
        holds = False
        report.bad("role", f"it can't be taken on (SQLSTATE {sqlstate(error) or 'unknown'}).")
    if holds:
        report.good("row-level security", "holds: one user's rows aren't there for another")
    else:
        report.bad("row-level security", f"does not hold. As an administrator run:\n{ROLE_SQL}")
