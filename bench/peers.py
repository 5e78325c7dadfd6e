"""Runs the outside peers as they come: their fake model, their data set in a PostgreSQL of its own, their servers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.servers import Server, environment, free_port, postmaster_below, serving, stop_postmaster

KINDS = ("bare", "bare_pg", "chatkit")
NODE_KINDS = ("aisdk",)
"""Those that node runs; the others are `peers/py_turns.py`."""

_STORING = ("bare_pg", "chatkit")
_PATHS = {"relay": "/graphql"}
_SMALL = {"PERF_USERS": "5", "PERF_CONVS": "5", "PERF_MSGS": "10", "PERF_TODOS": "20"}


@contextmanager
def peer_model(directory: Path, python: str, port: int, scratch: Path) -> Iterator[None]:
    """Their fake model; told which of our tools to call."""
    env = environment(PORT=str(port), FAKE_TOOL="add_task")
    with serving((python, "fake_llm.py"), port, scratch / "model.log", env, cwd=directory):
        yield


@contextmanager
def peer_servers(
    directory: Path, python: str, scratch: Path, model_url: str, kinds: Sequence[str]
) -> Iterator[dict[str, Server]]:
    """One server a kind, those that store with a postmaster of their own."""
    with ExitStack() as stack:
        storing = any(kind in _STORING for kind in kinds)
        dsn, postmaster = stack.enter_context(_data_set(directory, python, scratch)) if storing else ("", None)
        servers: dict[str, Server] = {}
        for kind in kinds:
            port = free_port()
            env = environment(PORT=str(port), KIND=kind, LLM_URL=model_url, PERF_DSN=dsn)
            log = scratch / f"{kind}.log"
            command = ("node", f"peers/{kind}.mjs") if kind in NODE_KINDS else (python, "peers/py_turns.py")
            server = serving(command, port, log, env, _PATHS.get(kind, "/turn"), cwd=directory)
            servers[kind] = stack.enter_context(server)
            servers[kind].postmaster = postmaster if kind in _STORING else None
        yield servers


@contextmanager
def _data_set(directory: Path, python: str, scratch: Path) -> Iterator[tuple[str, int]]:
    """Their tables, and where they are."""
    home = scratch / "peers"
    env = environment(PERF_DATA=str(home), **_SMALL)
    try:
        subprocess.run((python, "dataset.py"), cwd=directory, env=env, check=True, capture_output=True, timeout=300)
        yield (home / "dsn").read_text(), postmaster_below(home)
    finally:
        stop_postmaster(postmaster_below(home))
