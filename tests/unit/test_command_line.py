"""The command line: what it refuses, and that it explains itself."""

from __future__ import annotations

import json
import os
import sys
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest

from core.settings import Settings, environment_name
from graphql_api.cli.main import main


@pytest.fixture(autouse=True)
def _only_a_data_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    names = {environment_name(field) for field in Settings.model_fields}
    for name in [name for name in os.environ if name in names or name.startswith("TASKTALK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TASKTALK_DATA_DIR", str(tmp_path / "data"))


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code."""
    monkeypatch.setattr(sys, "argv", ["tasktalk", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


@pytest.mark.parametrize(
    ("arguments", "settings", "named"),
    [
        (("serve", "--host", "0.0.0.0"), {}, "TASKTALK_HOST"),
        (("serve",), {"TASKTALK_HOST": "tasktalk.example"}, "TASKTALK_HOST"),
        (("serve",), {"TASKTALK_PROT": "1"}, "TASKTALK_PORT"),
        (("worker",), {"BROADCAST_URL": "amqp://x"}, "BROADCAST_URL"),
        (("migrate",), {"DATABASE_URL": "postgresql://u:hush@127.0.0.1:1/x"}, "DATABASE_URL"),
        (("token", "--user", "a b"), {}, "--user"),
        (("token",), {"BETTER_AUTH_URL": "https://auth.example"}, "BETTER_AUTH_URL"),
    ],
)
def test_a_wrong_setting_ends_with_one_line_and_code_2(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    settings: dict[str, str],
    named: str,
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert run(monkeypatch, *arguments) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("tasktalk: ")
    assert named in line
    assert "hush" not in line


def test_a_token_is_the_last_line_and_says_whose_it_is_and_for_how_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "token", "--user", "alice", "--ttl", "60") == 0
    payload = capsys.readouterr().out.splitlines()[-1].split(".")[1]
    claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (claims["sub"], claims["exp"] - claims["iat"]) == ("alice", 60)


@pytest.mark.parametrize("ttl", ["0", "2592001", "soon"])
def test_a_token_lives_a_second_to_thirty_days(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ttl: str
) -> None:
    assert run(monkeypatch, "token", "--ttl", ttl) == 2
    assert "--ttl" in capsys.readouterr().err


def test_the_schema_can_be_checked_against_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "export-schema") == 0
    file = tmp_path / "schema.graphql"
    assert run(monkeypatch, "export-schema", "--check", str(file)) == 1
    file.write_text(capsys.readouterr().out)
    assert run(monkeypatch, "export-schema", "--check", str(file)) == 0
    file.write_text(file.read_text() + "# more\n")
    assert run(monkeypatch, "export-schema", "--check", str(file)) == 1
    assert "make schema" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["serve", "worker", "migrate", "token", "chat", "doctor", "export-schema"])
def test_every_command_explains_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run(monkeypatch, command, "--help") == 0
    assert "Usage: " in capsys.readouterr().out
