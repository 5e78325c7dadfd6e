"""What every bench's `main` does around its measuring: a scratch directory that is gone at the end, and its figures."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvloop


def numbers(text: str) -> list[int]:
    """ "1,16", as an argument."""
    return [int(part) for part in text.split(",")]


def names(text: str) -> list[str]:
    """ "bare,chatkit", as an argument."""
    return text.split(",")


# Any: what a bench found, as JSON.
def measured(options: argparse.Namespace, run: Callable[[argparse.Namespace, Path], Awaitable[Any]]) -> None:
    """Run it in a scratch directory; what it found goes where `options.json` says, if it does."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped
    scratch = Path(tempfile.mkdtemp(prefix="tasktalk-bench-"))

    async def action() -> Any:
        return await run(options, scratch)

    try:
        results = uvloop.run(action())
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


@asynccontextmanager
async def home(prefix: str) -> AsyncIterator[Path]:
    """A directory to run servers in, gone at the end."""
    made = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
