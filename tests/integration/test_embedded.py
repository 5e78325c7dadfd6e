"""The embedded server against what really happens to it: kills of every kind, neighbours, odd directories."""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from core import embedded
from core.dsn import Dsn
from core.errors import ConfigurationError

ROOT = Path(__file__).parents[2]

# A neighbour: joins, says so, then does what its standard input says until that ends.
NEIGHBOUR = """
import asyncio, sys, psycopg
from pathlib import Path
from core import embedded

async def main():
    server = await embedded.start(Path(sys.argv[1]))
    try:
        print(server.pid, flush=True)
        for line in iter(sys.stdin.readline, ""):
            if line == "write\\n":
                with psycopg.connect(server.dsn, autocommit=True) as connection:
                    connection.execute("CREATE TABLE IF NOT EXISTS acknowledged (n bigserial PRIMARY KEY)")
                    while True:
                        n = connection.execute("INSERT INTO acknowledged DEFAULT VALUES RETURNING n").fetchone()[0]
                        print(n, flush=True)
            if line == "exit without stop\\n":
                return
            if line == "stop\\n":
                await server.stop()
                print("stopped", flush=True)
            if line == "wait\\n":
                print("waiting", flush=True)
                await asyncio.Event().wait()
    finally:
        if "stop at the end" in sys.argv:
            await server.stop()

asyncio.run(main())
"""


class Neighbour:
    """Another Python on the same directory, in a process group of its own."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", NEIGHBOUR, str(data_dir), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )
        line = self.hear()
        self.postmaster = int(line) if line else 0

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end(self) -> tuple[list[str], str]:
        """What it still had to say, once it is gone."""
        output, errors = self.process.communicate(timeout=60)
        return output.split(), errors

    def kill(self) -> list[str]:
        self.process.kill()
        return self.end()[0]


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A directory to start in; whatever a failed test left running there is killed.

    Not below tmp_path: as root, every pytest that begins closes that root to other users, the server's among them.
    """
    with tempfile.TemporaryDirectory(prefix="tasktalk-test-", ignore_cleanup_errors=True) as base:
        yield Path(base) / "data"
        for place in Path(base).rglob("postmaster.pid"):
            with contextlib.suppress(ProcessLookupError, ValueError, OSError):
                os.kill(int(place.read_text().split("\n")[0]), signal.SIGKILL)


@contextlib.contextmanager
def neighbour(data_dir: Path, *options: str) -> Iterator[Neighbour]:
    other = Neighbour(data_dir, *options)
    try:
        yield other
    finally:
        if other.process.poll() is None:
            other.process.kill()
        other.process.communicate()


def ask(dsn: str, query: str) -> str:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return str(row[0])


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what the server or a thread does; nothing there could call back."""
    while not condition():  # noqa: ASYNC110  # an Event has no one to set it
        await asyncio.sleep(0)


def log_of(data_dir: Path) -> str:
    return (data_dir / "postgres" / "log").read_text()


def assert_stopped_cleanly(data_dir: Path) -> None:
    assert not (data_dir / "postgres" / "postmaster.pid").exists()
    assert log_of(data_dir).rstrip().endswith("database system is shut down")


def kill_and_await(pid: int) -> None:
    """kill -9; gone or a zombie when it returns."""
    process = psutil.Process(pid)
    os.kill(pid, signal.SIGKILL)
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        os.sched_yield()


@contextlib.contextmanager
def child_of_another(command: list[str], user: str | None) -> Iterator[int]:
    """A process whose parent is neither us nor reaps it: a zombie of it stays one."""
    script = (
        f"import subprocess, sys; p = subprocess.Popen({command}, user={user!r}, stdin=subprocess.PIPE);"
        "print(p.pid, flush=True); sys.stdin.readline(); p.communicate()"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script], stdin=pipe, stdout=pipe, text=True) as parent:
        assert parent.stdout is not None
        try:
            yield int(parent.stdout.readline())
        finally:
            parent.communicate("\n")


async def test_it_is_durable_utf8_and_reached_by_no_network(data_dir: Path) -> None:
    server = await embedded.start(data_dir)
    expected = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "data_checksums": "on"}
    expected |= {"server_encoding": "UTF8", "listen_addresses": "", "max_connections": "100"}
    assert {name: ask(server.dsn, f"SHOW {name}") for name in expected} == expected
    assert ask(server.dsn, "SELECT current_database()") == "tasktalk"
    assert ask(server.dsn, "SELECT lower('ÅΣ')") == "åσ"
    assert ask(server.dsn, "SHOW server_version_num").startswith("18")
    await server.stop()
    await server.stop()
    assert_stopped_cleanly(data_dir)


@pytest.mark.parametrize("name", ["with a space, a comma and 'quotes\"", "long" * 40, "π:$HOME\\x"])
async def test_any_directory_will_do(data_dir: Path, name: str) -> None:
    server = await embedded.start(data_dir / name)
    dsn = Dsn.parse(server.dsn)
    assert dsn.is_local_socket
    url, arguments = dsn.asyncpg_url_and_args()
    engine = create_async_engine(url, connect_args=arguments)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT current_user"))).scalar_one() == "postgres"
    await engine.dispose()
    assert ask(dsn.psycopg_conninfo(), "SELECT current_user") == "postgres"
    sockets = Path(dsn.host or "")
    assert mode_of(sockets) == 0o700  # there are no passwords: the directory is the guard
    await server.stop()
    assert_stopped_cleanly(data_dir / name)
    if not sockets.is_relative_to(data_dir):
        shutil.rmtree(sockets)


async def test_a_second_process_joins_and_the_last_one_turns_off_the_light(data_dir: Path) -> None:
    server = await embedded.start(data_dir)
    with neighbour(data_dir) as other:
        assert other.postmaster == server.pid
        await server.stop()
        other.say("stop")
        assert other.hear() == "stopped"
        assert_stopped_cleanly(data_dir)
    server = await embedded.start(data_dir)
    with neighbour(data_dir) as other:
        other.say("stop")
        assert other.hear() == "stopped"
        assert ask(server.dsn, "SELECT 1") == "1"
    await server.stop()
    assert_stopped_cleanly(data_dir)


async def test_starting_all_at_once_starts_one(data_dir: Path) -> None:
    servers = await asyncio.gather(*(embedded.start(data_dir) for _ in range(6)))
    assert len({server.pid for server in servers}) == 1
    assert len({server.dsn for server in servers}) == 1
    await asyncio.gather(*(server.stop() for server in servers))
    assert_stopped_cleanly(data_dir)


async def test_a_killed_python_leaves_the_server_to_the_next_which_can_turn_it_off(data_dir: Path) -> None:
    with neighbour(data_dir) as other:
        other.kill()
        assert ask(f"postgresql://postgres@/tasktalk?host={data_dir / 'postgres'}", "SELECT 1") == "1"
        server = await embedded.start(data_dir)
        assert server.pid == other.postmaster
        await server.stop()
    assert_stopped_cleanly(data_dir)


@pytest.mark.parametrize("killed", ["python", "postmaster", "both"])
async def test_no_acknowledged_row_is_lost(data_dir: Path, killed: str) -> None:
    with neighbour(data_dir) as other:
        other.say("write")
        heard = [other.hear() for _ in range(200)]
        if killed != "python":
            kill_and_await(other.postmaster)
        heard += other.kill() if killed != "postmaster" else other.end()[0]
    acknowledged = [int(n) for n in heard]
    server = await embedded.start(data_dir)
    assert (server.pid == other.postmaster) is (killed == "python")
    with psycopg.connect(server.dsn) as connection:
        stored = {row[0] for row in connection.execute("SELECT n FROM acknowledged")}
    assert len(acknowledged) >= 200
    assert not set(acknowledged) - stored
    await server.stop()
    assert_stopped_cleanly(data_dir)


async def test_a_server_that_died_under_its_user_is_revived_in_the_same_place(data_dir: Path) -> None:
    server = await embedded.start(data_dir)
    dsn, pid = server.dsn, server.pid
    kill_and_await(pid)
    await server.revive()
    assert server.dsn == dsn
    assert server.pid != pid
    assert ask(dsn, "SELECT 1") == "1"
    await server.stop()
    assert_stopped_cleanly(data_dir)


@pytest.mark.parametrize("kind", ["zombie", "unrelated"])
async def test_an_id_that_is_no_longer_the_servers_does_not_pass_for_one(data_dir: Path, kind: str) -> None:
    with neighbour(data_dir) as other:
        kill_and_await(other.postmaster)
    pid_file = data_dir / "postgres" / "postmaster.pid"
    _, _, rest = pid_file.read_text().partition("\n")
    # As the server's own user: PostgreSQL itself overlooks the processes of others.
    command = ["true"] if kind == "zombie" else ["cat"]
    user = embedded.SYSTEM_USER if os.geteuid() == 0 else None
    with child_of_another(command, user) as pid:
        await until(lambda: kind == "unrelated" or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
        pid_file.write_text(f"{pid}\n{rest}")
        server = await embedded.start(data_dir)
        assert server.pid != pid
        assert psutil.pid_exists(pid)
    await server.stop()
    assert_stopped_cleanly(data_dir)


async def test_a_backend_that_outlived_its_server_is_waited_for(data_dir: Path) -> None:
    server = await embedded.start(data_dir)
    with psycopg.connect(server.dsn) as connection:
        orphan = connection.info.backend_pid
        os.kill(orphan, signal.SIGSTOP)
        kill_and_await(server.pid)
        before = len(log_of(data_dir))
        reviving = asyncio.create_task(server.revive())
        await until(lambda: "pre-existing shared memory block" in log_of(data_dir)[before:])
        assert not reviving.done()
        os.kill(orphan, signal.SIGCONT)
        await reviving
    assert ask(server.dsn, "SELECT 1") == "1"
    await server.stop()
    assert_stopped_cleanly(data_dir)


async def test_a_server_that_does_not_answer_is_waited_for_with_a_bound_and_left_alone(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await embedded.start(data_dir)
    os.kill(server.pid, signal.SIGSTOP)
    monkeypatch.setattr(embedded, "START_SECONDS", 0.1)
    with pytest.raises(ConfigurationError, match=r"TASKTALK_DATA_DIR.*did not answer in time.*postgres/log"):
        await embedded.start(data_dir)
    monkeypatch.undo()
    starting = asyncio.create_task(embedded.start(data_dir))
    os.kill(server.pid, signal.SIGCONT)
    second = await starting
    assert second.pid == server.pid
    await second.stop()
    await server.stop()
    assert_stopped_cleanly(data_dir)


async def test_ctrl_c_reaches_the_whole_group_but_the_server_is_stopped_by_us(data_dir: Path) -> None:
    with neighbour(data_dir, "stop at the end") as other:
        assert os.getsid(other.postmaster) != os.getsid(other.process.pid)
        assert os.getpgid(other.postmaster) != os.getpgid(other.process.pid)
        other.say("wait")
        assert other.hear() == "waiting"
        os.killpg(other.process.pid, signal.SIGINT)
        _, errors = other.end()
        assert errors.rstrip().endswith("KeyboardInterrupt")
    assert_stopped_cleanly(data_dir)
    assert "received immediate shutdown" not in log_of(data_dir)


async def test_a_process_that_forgets_to_stop_does_so_at_its_end(data_dir: Path) -> None:
    with neighbour(data_dir) as other:
        other.say("exit without stop")
        assert other.end() == ([], "")
        assert other.process.returncode == 0
    assert_stopped_cleanly(data_dir)


async def test_a_start_that_is_cancelled_leaves_nothing_running(data_dir: Path) -> None:
    starting = asyncio.create_task(embedded.start(data_dir))
    await until((data_dir / "postgres-users.lock").exists)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert_stopped_cleanly(data_dir)


async def test_a_directory_of_another_version_is_refused_and_left_as_it_is(data_dir: Path) -> None:
    await (await embedded.start(data_dir)).stop()
    version = data_dir / "postgres" / "PG_VERSION"
    version.write_text("16\n")
    before = log_of(data_dir)
    with pytest.raises(ConfigurationError, match=r"TASKTALK_DATA_DIR.*PostgreSQL 16 and 18.*upgrade_db"):
        await embedded.start(data_dir)
    assert version.read_text() == "16\n"
    assert log_of(data_dir) == before


async def test_an_initialisation_that_was_cut_short_is_made_anew(data_dir: Path) -> None:
    half = data_dir / "postgres.new-half"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    server = await embedded.start(data_dir)
    assert not half.exists()
    await server.stop()


async def test_a_server_that_can_not_start_says_where_to_look_at_once(data_dir: Path) -> None:
    await (await embedded.start(data_dir)).stop()
    configuration = data_dir / "postgres" / "postgresql.auto.conf"
    configuration.write_text("shared_buffers = 'much'\n")
    with pytest.raises(ConfigurationError, match=r"TASKTALK_DATA_DIR.*did not start.*postgres/log"):
        await embedded.start(data_dir)
    configuration.write_text("")
    await (await embedded.start(data_dir)).stop()
    assert_stopped_cleanly(data_dir)


async def test_secrets_beside_it_stay_ours_and_its_parents_are_not_listed(data_dir: Path) -> None:
    outer, inner = data_dir, data_dir / "inner"
    for directory in (outer, inner):
        os.mkdir(directory, 0o700)
    key = inner / "development.key"
    key.write_text("secret")
    os.chmod(key, 0o644)
    server = await embedded.start(inner)
    assert mode_of(key) == 0o600
    assert [mode_of(inner / f"postgres-{name}.lock") for name in ("gate", "users")] == [0o600, 0o600]
    assert mode_of(inner / "postgres") == 0o700
    passed_through = 0o711 if os.geteuid() == 0 else 0o700
    assert mode_of(outer) == mode_of(inner) == passed_through
    owner = pwd.getpwuid(os.stat(inner / "postgres").st_uid).pw_name
    assert owner == (embedded.SYSTEM_USER if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name)
    await server.stop()


async def test_a_place_that_can_not_be_a_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match=r"TASKTALK_DATA_DIR: .*file/data can't be used"):
        await embedded.start(tmp_path / "file" / "data")
