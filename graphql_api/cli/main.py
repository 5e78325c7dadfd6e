"""`tasktalk` and its commands. A setting that is wrong ends with one line and exit code 2."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from core.errors import ConfigurationError
from core.settings import Settings, load
from graphql_api.cli import serving
from graphql_api.cli.doctor import examine

app = typer.Typer(
    name="tasktalk",
    help="Talk to your to-do list: a GraphQL API with live subscriptions.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Host = Annotated[str | None, typer.Option(help="Address to listen on (TASKTALK_HOST).")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one (TASKTALK_PORT).")]
DataDir = Annotated[Path | None, typer.Option(help="Where the embedded database and keys live (TASKTALK_DATA_DIR).")]


@app.command()
def serve(host: Host = None, port: Port = None, data_dir: DataDir = None) -> None:
    """Serve the API; starts the embedded PostgreSQL where DATABASE_URL is not set, and migrates."""
    asyncio.run(serving.serve(load(host=host, port=port, data_dir=data_dir)))


@app.command()
def worker(data_dir: DataDir = None) -> None:
    """Run turns only, beside servers on the same database."""
    asyncio.run(serving.work(load(data_dir=data_dir)))


@app.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database to the newest schema."""
    typer.echo(asyncio.run(serving.migrate(load(data_dir=data_dir))))


@app.command()
def token(
    user: Annotated[str, typer.Option(help="The user's id: the token's sub.")] = "developer",
    ttl: Annotated[int, typer.Option(help="Seconds until it ends.", min=1)] = 86_400,
    data_dir: DataDir = None,
) -> None:
    """Print a development token; it is the last line of the output."""
    typer.echo(serving.development_token(load(data_dir=data_dir), user, ttl))


@app.command()
def doctor(data_dir: DataDir = None) -> None:
    """Check the settings, the database and what else is needed, and say what to do."""
    if not asyncio.run(examine(load(data_dir=data_dir))):
        raise typer.Exit(1)


@app.command("export-schema")
def export_schema(
    check: Annotated[Path | None, typer.Option(help="Compare with this file instead of printing.")] = None,
) -> None:
    """Print the GraphQL schema."""
    from graphql_api.schema import make_schema

    printed = make_schema(Settings()).as_str() + "\n"
    if check is None:
        typer.echo(printed, nl=False)
    elif check.read_text(encoding="utf-8") != printed:
        typer.echo(f"{check} is not what the code makes: run `make schema`.", err=True)
        raise typer.Exit(1)


def main() -> None:
    """The entry point."""
    try:
        app()
    except ConfigurationError as error:
        sys.stderr.write(f"tasktalk: {error.message}\n")
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
