"""Logs tell what happened, and nothing that anybody said or may not know."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from core.logging import configure


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure("INFO", stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_both_kinds_of_loggers_write_json_lines(stream: io.StringIO) -> None:
    structlog.get_logger("a").info("turn_ended", turn="t1")
    logging.getLogger("b").warning("lost %s", "redis")
    first, second = lines(stream)
    assert (first["event"], first["turn"], first["level"]) == ("turn_ended", "t1", "info")
    assert (second["event"], second["logger"], second["level"]) == ("lost redis", "b", "warning")


def test_a_lower_level_is_not_written(stream: io.StringIO) -> None:
    structlog.get_logger("a").debug("detail")
    logging.getLogger("b").debug("detail")
    logging.getLogger("openai").info("POST {'content': 'what she said'}")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("name", ["token", "api_key", "Authorization", "better_auth_secret", "password"])
def test_a_secret_is_struck_out(stream: io.StringIO, name: str) -> None:
    structlog.get_logger("a").warning("odd", **{name: "hush"})
    assert "hush" not in stream.getvalue()


def fails() -> None:
    try:
        raise KeyError("SELECT hush")
    except KeyError as error:
        raise ValueError("what she said") from error


def test_an_exception_is_told_by_its_types_and_frames_alone(stream: io.StringIO) -> None:
    for log in (structlog.get_logger("a"), logging.getLogger("b")):
        try:
            fails()
        except ValueError:
            log.exception("turn_failed")
    for line in lines(stream):
        assert line["error"] == "builtins.ValueError from builtins.KeyError"
        assert "in fails" in line["exception"]
        assert "Traceback" not in line["event"]
