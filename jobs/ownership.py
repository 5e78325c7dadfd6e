"""Who of this data directory's workers lives: each holds a lock on a file of its own, and the system drops it with it.

Whoever can lock such a file knows its worker dead, in whatever process namespace it ran and whoever has its id now.
What it held need not wait for its lease: a server that restarts goes on with its predecessor's turns at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TextIO

import structlog

from core.dsn import Dsn

log = structlog.get_logger()

SUFFIX: Final = ".lock"


def marks_of(data_dir: Path, dsn: Dsn) -> Path:
    """The directory of the marks of one database's workers: the same data directory may serve another one by now."""
    database = f"{dsn.host}:{dsn.port}/{dsn.database}"
    return data_dir.expanduser() / "workers" / hashlib.sha256(database.encode()).hexdigest()[:16]


class Mark:
    """One worker's file, locked from `make` to `leave`. Where there can be none, its turns wait for their leases."""

    def __init__(self, directory: Path, owner: str) -> None:
        self.directory = directory
        self._owner = owner
        self._path = directory / f"{owner.replace('/', '_')}{SUFFIX}"
        self._file: TextIO | None = None

    def make(self) -> None:
        """Say that this worker lives. Raises nothing: a directory that can't be written to is told of once."""
        try:
            for directory in (*reversed(self.directory.parents[:2]), self.directory):
                directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = self._hold()
        except OSError as error:
            log.warning("worker_leaves_no_mark", directory=str(self.directory), reason=error.strerror)

    def leave(self) -> None:
        """The worker has ended. The file stays for the next one, in case a turn could not be handed on."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _hold(self) -> TextIO:
        while True:
            file = _open(self._path, os.O_CREAT)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                if _is_at(self._path, file):
                    file.write(self._owner)
                    file.flush()
                    return file
            except BaseException:
                file.close()
                raise
            file.close()  # a worker that looks for the dead had it before we did, found it empty and removed it

    @contextmanager
    def dead(self) -> Iterator[list[str]]:
        """The owners whose processes are gone, no other worker's to look after while the block runs.

        Their files go at its end, but stay if it fails: then another look finds them again.
        """
        with ExitStack() as locks:
            found = [] if self._file is None else self._lock_the_dead(locks)
            yield [owner for owner, _ in found]
            for _, path in found:
                path.unlink(missing_ok=True)

    def _lock_the_dead(self, locks: ExitStack) -> list[tuple[str, Path]]:
        found: list[tuple[str, Path]] = []
        for path in sorted(self.directory.glob(f"*{SUFFIX}")):
            if path == self._path:  # a second lock of our own would end the first where locks belong to a process
                continue
            try:
                file = locks.enter_context(_open(path))
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not _is_at(path, file):
                    continue
                if owner := file.read():
                    found.append((owner, path))
                else:
                    path.unlink()  # killed between making and writing it; or about to write: then it makes another
                    file.close()
            except OSError:
                continue  # locked, for its worker lives; or gone, for another has looked after it
        return found


def _open(path: Path, flags: int = 0) -> TextIO:
    return open(os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | flags, 0o600), "r+", encoding="utf-8")


def _is_at(path: Path, file: TextIO) -> bool:
    """Whether that is still the file of that name: who waited for a lock may hold one that was removed meanwhile."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
