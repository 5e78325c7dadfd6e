"""`tasktalk understand`: a sentence shown to a person, and requests answered line by line."""

from __future__ import annotations

import io
import json
import sys

import pytest

from graphql_api.cli.main import main


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str, given: str = "") -> int:
    """The exit code."""
    monkeypatch.setattr(sys, "argv", ["tasktalk", "understand", *arguments])
    monkeypatch.setattr(sys, "stdin", io.StringIO(given))
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str, *texts: str
) -> list[object]:
    base = {"reference": "2026-11-25T10:30:00", "tz": "Europe/Berlin", "hints": {}}
    lines = [json.dumps({"id": str(place), "text": text, **base}) for place, text in enumerate(texts)]
    assert run(monkeypatch, option, given="\n".join(lines) + "\n\n") == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer.pop("id") for answer in answers] == [str(place) for place in range(len(texts))]
    return answers


def test_a_sentence_is_shown_with_its_dates_its_commands_and_how_sure_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = "remind me to call mom tomorrow at 5pm"
    assert run(monkeypatch, sentence, "--at", "2026-11-25T10:30:00+01:00", "--zone", "Europe/Berlin") == 0
    shown = capsys.readouterr().out
    assert "said Wed 2026-11-25 10:30:00 +0100 in Europe/Berlin" in shown
    assert "“tomorrow at 5pm”" in shown
    assert "date-time Thu 2026-11-26 17:00:00 +0100" in shown
    assert "add title='call mom' due='tomorrow at 5pm'" in shown
    assert "confidence 0." in shown


def test_date_requests_are_answered_line_by_line_in_wall_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ("call mom tomorrow", "tomorrow at 17:00", "next week", "2 hours", "every friday at 9am", "buy milk")
    assert asked(monkeypatch, capsys, "--dates-jsonl", *texts) == [
        {"kind": "date", "start": "2026-11-26", "grain": "day"},
        {"kind": "datetime", "start": "2026-11-26T17:00:00", "grain": "minute"},
        {"kind": "interval", "start": "2026-11-30", "end": "2026-12-07", "grain": "week"},
        {"kind": "duration", "seconds": 7200},
        {
            "kind": "recurrence", "start": "2026-11-27T09:00:00", "grain": "minute",
            "rrule": {"interval": 1, "freq": "WEEKLY", "byday": ["FR"], "byhour": [9], "byminute": [0]},
        },
        {"kind": "none"},
    ]  # fmt: skip


def test_command_requests_are_answered_line_by_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = ("add buy milk tomorrow", "delete the dentist", "what's the weather?")
    assert asked(monkeypatch, capsys, "--commands-jsonl", *texts) == [
        {"intent": "add", "title": "buy milk", "date_text": "tomorrow"},
        {"intent": "delete", "title": "the dentist"},
        {"intent": "none"},
    ]


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        ((), "", "sentence is missing"),
        (("x", "--zone", "Mars/Olympus"), "", "Mars/Olympus"),
        (("x", "--at", "noon"), "", "--at"),
        (("--dates-jsonl", "--commands-jsonl"), "", "at a time"),
        (("--dates-jsonl",), "[]\n", "request"),
        (("--dates-jsonl",), '{"text": "today"}\n', "request"),
        (("--commands-jsonl",), "hello\n", "request"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_reason(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    given: str,
    said: str,
) -> None:
    assert run(monkeypatch, *arguments, given=given) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert said in line
