"""The marks of live workers: who is found dead, by whom, and what happens where there can be none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from core.dsn import Dsn
from jobs.ownership import Mark, marks_of

HOLDER = """
import sys, time
from pathlib import Path
from jobs.ownership import Mark

mark = Mark(Path(sys.argv[1]), "the killed one")
mark.make()
print("held", flush=True)
sys.stdin.read()
"""


def made(directory: Path, owner: str) -> Mark:
    mark = Mark(directory, owner)
    mark.make()
    return mark


def found(mark: Mark) -> list[str]:
    with mark.dead() as owners:
        return owners


def test_who_lives_is_not_found_dead_and_who_left_is_once(tmp_path: Path) -> None:
    looking, other = made(tmp_path, "host:1:a"), made(tmp_path, "host:2:b")
    assert found(looking) == []
    other.leave()
    assert found(looking) == ["host:2:b"]
    assert found(looking) == []
    assert found(other) == [], "who has left looks no more"
    looking.leave()


def test_a_worker_that_was_killed_is_found_dead_whoever_has_its_id_now(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    looking = made(tmp_path, "host:1:a")
    assert found(looking) == []
    process.kill()
    process.communicate()
    assert found(looking) == ["the killed one"]
    looking.leave()


def test_the_dead_are_found_again_where_looking_after_them_failed(tmp_path: Path) -> None:
    looking = made(tmp_path, "looking")
    made(tmp_path, "dead").leave()

    def look_and_fail() -> None:
        with looking.dead() as owners:
            assert owners == ["dead"]
            raise OSError("the database is away")

    with pytest.raises(OSError, match="the database is away"):
        look_and_fail()
    assert found(looking) == ["dead"]
    looking.leave()


def test_of_two_that_look_at_once_one_gets_the_dead(tmp_path: Path) -> None:
    one, two = made(tmp_path, "one"), made(tmp_path, "two")
    made(tmp_path, "dead").leave()
    with one.dead() as owners:
        assert owners == ["dead"]
        assert found(two) == []
    assert found(two) == []
    one.leave()
    two.leave()


def test_a_file_that_nobody_has_written_yet_is_nobodys_and_its_maker_makes_another(tmp_path: Path) -> None:
    looking, late = made(tmp_path, "looking"), Mark(tmp_path, "late")
    (tmp_path / "late.lock").touch()
    assert found(looking) == []
    assert not (tmp_path / "late.lock").exists()
    late.make()
    assert (tmp_path / "late.lock").read_text() == "late"
    assert found(looking) == []
    looking.leave()
    late.leave()


def test_the_files_are_their_owners_alone(tmp_path: Path) -> None:
    mark = made(tmp_path / "data" / "workers" / "db", "host/odd:1:a")
    [file] = mark.directory.iterdir()
    assert file.name == "host_odd:1:a.lock"
    assert os.stat(file).st_mode & 0o777 == 0o600
    assert all(os.stat(path).st_mode & 0o077 == 0 for path in (mark.directory, *mark.directory.parents[:2]))
    mark.leave()


def test_where_no_mark_can_be_left_it_is_said_once_and_nobody_is_dead(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with capture_logs() as logged:
        mark = made(tmp_path / "file", "host:1:a")
        assert found(mark) == []
        assert found(mark) == []
        mark.leave()
    assert [entry["event"] for entry in logged] == ["worker_leaves_no_mark"]


def test_another_database_has_other_workers(tmp_path: Path) -> None:
    here, there = (Dsn.parse(f"postgresql://u:{secret}@db/tasktalk") for secret in ("one", "two"))
    assert marks_of(tmp_path, here) == marks_of(tmp_path, there), "a new password makes no new database"
    assert marks_of(tmp_path, here) != marks_of(tmp_path, Dsn.parse("postgresql://u@db/other"))
    assert marks_of(tmp_path, here).parent == tmp_path / "workers"
