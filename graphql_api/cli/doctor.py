"""`tasktalk doctor`: what is set up, what is missing, and what to do about it."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import SQLAlchemyError

from core.database import Database, make_engine
from core.errors import TasktalkError
from core.settings import Settings
from events.bus import Bus
from events.log import ChangeLog
from graphql_api.cli.serving import check_address, reachable
from graphql_api.health import prove_row_security
from migrations import runner


async def examine(settings: Settings) -> bool:
    """Print each check; whether all passed."""
    report = _Report()
    try:
        check_address(settings)
        report.good("settings", "development mode" if settings.development else "authentication is set up")
    except TasktalkError as error:
        report.bad("settings", error.message)
    async with Bus(settings.broadcast_url.get_secret_value()) as bus:
        if bus.healthy:
            report.good("bus", settings.broadcast_url.get_secret_value().partition("://")[0])
        else:
            report.bad("bus", "BROADCAST_URL can't be reached; live updates would go on by polling.")
        try:
            async with reachable(settings) as dsn:
                report.good("database", dsn.redacted())
                report.good("migrations", runner.newest())
                database = Database(make_engine(dsn, pool_size=2), ChangeLog(bus))
                if await prove_row_security(database):
                    report.good("row-level security", "holds")
                else:
                    report.bad("row-level security", f"does not hold. As an administrator run:\n{runner.ROLE_SQL}")
                await database.close()
        except TasktalkError as error:
            report.bad("database", error.message)
        except (SQLAlchemyError, OSError) as error:
            report.bad("database", f"{type(error).__name__}. As an administrator you may need:\n{runner.ROLE_SQL}")
    report.good("assistant", f"openai:{settings.openai_model}" if settings.uses_openai else "rules (no key needed)")
    return report.passed


class _Report:
    def __init__(self) -> None:
        self._console = Console()
        self.passed = True

    def good(self, name: str, text: str) -> None:
        self._console.print(f"[green]✓[/] {name}: {escape(text)}")

    def bad(self, name: str, text: str) -> None:
        self.passed = False
        self._console.print(f"[red]✗[/] {name}: {escape(text)}")
