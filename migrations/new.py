"""`make migration m="what changes"`: a new script from what the models say, against an embedded database of its own."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy import Connection

from core import embedded
from core.dsn import Dsn
from migrations import runner


def _write(connection: Connection, message: str) -> None:
    number = f"{int(runner.newest()) + 1:04}"
    command.revision(runner.configuration(connection), message, autogenerate=True, rev_id=number)


async def _compare(directory: Path, message: str) -> None:
    server = await embedded.start(directory)
    try:
        dsn = Dsn.parse(server.dsn)
        await runner.migrate(dsn)
        engine = runner.owner_engine(dsn)
        async with engine.connect() as connection:
            await connection.run_sync(_write, message)
        await engine.dispose()
    finally:
        await server.stop()


def main(arguments: list[str]) -> int:
    """Write the script. Exit code 2 without a message."""
    if len(arguments) != 1 or not arguments[0].strip():
        sys.stderr.write('say what changes: make migration m="Add reminders"\n')
        return 2
    directory = Path(tempfile.mkdtemp(prefix="tasktalk-migration-"))
    try:
        asyncio.run(_compare(directory, arguments[0]))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
