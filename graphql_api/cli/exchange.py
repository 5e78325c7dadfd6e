"""`tasktalk import` and `tasktalk export`: a user's tasks from and to a file, straight on the database."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from core import clock
from core.database import Database, make_links
from core.errors import ConfigurationError, UserGone
from core.settings import Settings
from events.bus import Bus
from events.log import ChangeLog
from graphql_api.cli.databases import explained, migrated
from graphql_api.exchange import reader_of
from services.exchange import FORMATS, Format, Result, export_tasks, format_of, import_tasks
from services.users import read_settings

PIECE: Final = 64 * 1024
SAID: Final = {Result.MADE: "made", Result.KNOWN: "known already", Result.BAD: "bad"}


def chosen(name: str | None, file: Path | None) -> Format:
    """The format by its name, or by the file's. Raises ConfigurationError."""
    if name is not None and name not in FORMATS:
        raise ConfigurationError(f"--format must be one of {', '.join(FORMATS)}.")
    found = FORMATS[name] if name is not None else format_of(file.name) if file is not None else FORMATS["jsonl"]
    if found is None:
        raise ConfigurationError(f"--format is needed: {', '.join(FORMATS)}.")
    return found


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    async with migrated(settings) as dsn, Bus(settings.broadcast_url.get_secret_value()) as bus:
        with explained(dsn):
            database = Database(
                make_links(dsn, size=2), ChangeLog(bus), statement_timeout=settings.statement_timeout_seconds
            )
            try:
                yield database
            finally:
                await database.close()


async def bring_in(settings: Settings, user: str, file: Path, form: Format, *, size: int, dry_run: bool) -> bool:
    """Import a file, show its bad rows (in a dry run all), and say how many there were. Whether none was bad."""
    console = Console(stderr=True, highlight=False)
    counted: Counter[Result] = Counter()
    with file.open("rb") as opened, _progress(console) as progress:
        bar = progress.add_task("reading", total=size)
        async with _opened(settings) as database:
            try:
                async with database.snapshot(user) as session:
                    reader = reader_of(await read_settings(session), clock.now())
                pieces = _pieces(opened, progress, bar)
                async for outcome in import_tasks(database, user, form, pieces, reader, dry_run=dry_run):
                    counted[outcome.result] += 1
                    if dry_run or outcome.result is Result.BAD:
                        line = f"{outcome.number}: {SAID[outcome.result]}: {outcome.title} {outcome.message}".rstrip()
                        progress.console.print(line, markup=False, soft_wrap=True)
            except UserGone:
                raise ConfigurationError(f"--user: there is no user {user}; one is made by signing in.") from None
    would = "would be " if dry_run else ""
    sys.stdout.write(", ".join(f"{counted[result]} {would}{SAID[result]}" for result in Result) + "\n")
    return not counted[Result.BAD]


async def send_out(settings: Settings, user: str, file: Path | None, form: Format) -> None:
    """Export to a file, or to the output."""
    with _progress(Console(stderr=True, highlight=False)) as progress:
        bar = progress.add_task("writing", total=None)
        async with _opened(settings) as database:
            target = file.open("wb") if file is not None else sys.stdout.buffer
            try:
                async for piece in export_tasks(database, user, form.output):
                    await asyncio.to_thread(target.write, piece)
                    progress.advance(bar, len(piece))
                target.flush()
            finally:
                if file is not None:
                    target.close()


def _progress(console: Console) -> Progress:
    """Shown on a terminal alone, beside what is written."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


async def _pieces(opened: BinaryIO, progress: Progress, bar: object) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(opened.read, PIECE):
        yield piece
        progress.advance(bar, len(piece))  # type: ignore[arg-type]  # rich's TaskID
