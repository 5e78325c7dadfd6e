"""`tasktalk` and its commands. A setting that is wrong ends with one line and exit code 2.

What a command needs is imported when it runs: --help and token don't wait seconds for the server's modules.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from core import embedded
from core.errors import ConfigurationError
from core.settings import load
from graphql_api.cli.chat import chat
from graphql_api.cli.memory import hold_collector
from graphql_api.cli.understand import understand
from graphql_api.pages import DEVELOPER, TOKEN_SECONDS
from services.auth.development import DEVELOPMENT_MAX_LIFETIME, issue, load_key

app = typer.Typer(
    name="tasktalk",
    help="Talk to your to-do list: a GraphQL API with live subscriptions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Host = Annotated[str | None, typer.Option(help="Address to listen on.  [env: TASKTALK_HOST]")]
Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.  [env: TASKTALK_PORT]")
]
DataDir = Annotated[
    Path | None, typer.Option(help="Where the embedded database and the key live.  [env: TASKTALK_DATA_DIR]")
]


@app.command()
def serve(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Serve the API. Without DATABASE_URL it starts the embedded PostgreSQL; it migrates first."""
    hold_collector()
    from graphql_api.cli.process import run
    from graphql_api.cli.serving import serve as action

    run(action(load(host=host, port=port, data_dir=data_dir)))


@app.command()
def worker(data_dir: DataDir = None) -> None:
    """Run turns only, beside servers on the same database."""
    hold_collector()
    from graphql_api.cli.process import run
    from graphql_api.cli.serving import work

    run(work(load(data_dir=data_dir)))


@app.command()
def migrate(
    restored: Annotated[
        bool,
        typer.Option(
            "--restored", help="The database lost commits (a backup, a lagging standby): clients read all again."
        ),
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Bring the database to the newest schema and print its revision."""
    from graphql_api.cli.databases import migrated
    from graphql_api.cli.process import run
    from migrations import runner

    async def action() -> None:
        async with migrated(load(data_dir=data_dir)) as dsn:
            if restored:
                await runner.begin_new_epochs(dsn)
            typer.echo(runner.newest())

    run(action())


@app.command()
def token(
    user: Annotated[str, typer.Option(help="The user's id: 1 to 64 letters, digits, - and _.")] = DEVELOPER,
    ttl: Annotated[
        int, typer.Option(min=1, max=DEVELOPMENT_MAX_LIFETIME, help="Seconds until it ends.")
    ] = TOKEN_SECONDS,
    data_dir: DataDir = None,
) -> None:
    """Print a development token: the last line of the output. Only where no authentication is configured."""
    settings = load(data_dir=data_dir)
    if not settings.development:
        raise ConfigurationError("BETTER_AUTH_URL or BETTER_AUTH_SECRET is set: tokens come from Better Auth.")
    try:
        typer.echo(issue(load_key(embedded.prepare(settings.data_dir)), user, ttl))
    except ValueError as error:
        raise ConfigurationError(f"--user: {error}.") from None


@app.command()
def doctor(data_dir: DataDir = None) -> None:
    """Check settings, database, role, row-level security, bus and provider, and say what to do."""
    from graphql_api.cli.doctor import examine
    from graphql_api.cli.process import run

    if not run(examine(load(data_dir=data_dir))):
        raise typer.Exit(1)


app.command()(chat)

User = Annotated[str, typer.Option(help="Whose tasks: the user's id.")]
FormatName = Annotated[str | None, typer.Option("--format", help="jsonl, todoist, ical, markdown or lines.")]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What to read.")],
    user: User = DEVELOPER,
    format_name: FormatName = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen, and change nothing.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Bring tasks in from a file; what is there already is left as it is. Exit code 1 where a row was bad."""
    from graphql_api.cli.exchange import bring_in, chosen
    from graphql_api.cli.process import run

    form, size = chosen(format_name, file), file.stat().st_size
    if not run(bring_in(load(data_dir=data_dir), user, file, form, size=size, dry_run=dry_run)):
        raise typer.Exit(1)


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(dir_okay=False, help="What to write; the output by default.")] = None,
    user: User = DEVELOPER,
    format_name: FormatName = None,
    data_dir: DataDir = None,
) -> None:
    """Write a user's tasks to a file: as JSON lines with everything that they have, or as another format has it."""
    from graphql_api.cli.exchange import chosen, send_out
    from graphql_api.cli.process import run

    run(send_out(load(data_dir=data_dir), user, file, chosen(format_name, file)))


app.command()(understand)


@app.command("export-schema")
def export_schema(
    check: Annotated[Path | None, typer.Option(help="Compare with this file instead of printing.")] = None,
) -> None:
    """Print the GraphQL schema (SDL)."""
    from graphql_api.schema import make_schema

    printed = make_schema(load()).as_str() + "\n"
    if check is None:
        typer.echo(printed, nl=False)
    elif not check.exists() or check.read_text(encoding="utf-8") != printed:
        typer.echo(f"{check} is not what the code makes: run `make schema`.", err=True)
        raise typer.Exit(1)


def main() -> None:
    """The entry point."""
    try:
        app()
    except ConfigurationError as error:
        sys.stderr.write(f"tasktalk: {' '.join(error.message.splitlines())}\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
