"""The two ends of the conversation on this side: lines that the person types or a script pipes in, and the screen."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Protocol

from rich.console import Console

from graphql_api.cli.chat_view import Note, Restart, Shown, Text, clean, clean_line

PROMPT: Final = "› "
_CHUNK: Final = 65_536


class Lines:
    """Lines on demand, read by a thread of its own: what a terminal sends can't be awaited everywhere, and a read that
    waits can't be cancelled. The thread is let go at the end; it holds no lock that an exit needs.

    `read` gives the next line, or None at the end of the input.
    """

    def __init__(self, read: Callable[[], str | None]) -> None:
        self.waiting = False
        self._read = read

    async def next(self) -> str | None:
        """The next line without its end, or None after the last."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str | None] = loop.create_future()

        def hand_over(line: str | None) -> None:
            if not answer.done():
                answer.set_result(line)

        def work() -> None:
            line = self._read()
            with suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(hand_over, line)

        self.waiting = True
        try:
            threading.Thread(target=work, name="input", daemon=True).start()
            return await answer
        finally:
            self.waiting = False


def piped_lines(descriptor: int) -> Callable[[], str | None]:
    """The lines of a pipe or file (UTF-8). Past Python's own buffer, whose lock a waiting thread would keep."""
    lines = _split(descriptor)
    return lambda: next(lines, None)


def typed_line() -> str | None:
    """A line from the terminal, with editing and history where the machine has readline."""
    try:
        return input(PROMPT)
    except (EOFError, OSError):
        return None
    except UnicodeDecodeError:
        return ""


@contextmanager
def tidy_terminal() -> Iterator[None]:
    """Give the terminal back as it was, also where the input thread was still editing a line."""
    try:
        import readline  # noqa: F401  # importing it is what gives input() its editing
        import termios
    except ImportError:  # not on Windows
        yield
        return
    before = termios.tcgetattr(sys.stdin.fileno())
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, before)


class Screen(Protocol):
    """What a session shows."""

    def show(self, shown: Shown) -> None:
        """A part of the reply, or a note beside it."""

    def end_reply(self) -> None:
        """The reply is whole."""

    def say(self, line: str) -> None:
        """A line that was asked for."""

    def remark(self, line: str) -> None:
        """A line that wasn't: states, changes made elsewhere."""

    def problem(self, sentence: str) -> None:
        """What went wrong."""


class PlainScreen:
    """For scripts: notes and whole replies on the output, problems on the error output, and nothing unasked."""

    def __init__(self, out: Console, err: Console) -> None:
        self._out = out
        self._err = err
        self._reply = ""

    def show(self, shown: Shown) -> None:
        match shown:
            case Text(text):
                self._reply += text
            case Restart():
                self._reply = ""
            case Note(line):
                self._out.out(line, highlight=False)

    def end_reply(self) -> None:
        if self._reply:
            self._out.out(clean(self._reply).rstrip("\n"), highlight=False)
        self._reply = ""

    def say(self, line: str) -> None:
        self._out.out(line, highlight=False)

    def remark(self, line: str) -> None:
        pass

    def problem(self, sentence: str) -> None:
        self._err.out(clean_line(sentence, 500), highlight=False)


class LiveScreen:
    """For people: the reply as it streams, the rest dim. `typing` tells whether a line is being typed just now; then
    it is drawn again below what had to be said."""

    def __init__(self, out: Console, typing: Callable[[], bool]) -> None:
        self._out = out
        self._typing = typing
        self._within_line = False

    def show(self, shown: Shown) -> None:
        match shown:
            case Text(text):
                self._write(clean(text))
            case Restart():
                self._line("↻ once more:", "dim")
            case Note(line):
                self._line(line, "dim")

    def end_reply(self) -> None:
        self._fresh()

    def say(self, line: str) -> None:
        self._line(line, None)

    def remark(self, line: str) -> None:
        self._aside(line, "dim")

    def problem(self, sentence: str) -> None:
        self._aside(clean_line(sentence, 500), "red")

    def _aside(self, line: str, style: str) -> None:
        if not self._typing():
            self._line(line, style)
            return
        self._out.file.write("\r\x1b[K")
        self._line(line, style)
        self._out.file.write(PROMPT + _typed_so_far())
        self._out.file.flush()

    def _line(self, line: str, style: str | None) -> None:
        self._fresh()
        self._out.out(line, style=style, highlight=False)

    def _write(self, text: str) -> None:
        if text:
            self._out.out(text, end="", highlight=False)
            self._out.file.flush()
            self._within_line = not text.endswith("\n")

    def _fresh(self) -> None:
        if self._within_line:
            self._out.out("", highlight=False)
            self._within_line = False


def _typed_so_far() -> str:
    try:
        import readline
    except ImportError:
        return ""
    return readline.get_line_buffer()


def _split(descriptor: int) -> Iterator[str]:
    parts: list[bytes] = []
    while chunk := os.read(descriptor, _CHUNK):
        *whole, rest = chunk.split(b"\n")
        for line in whole:
            yield b"".join([*parts, line]).decode("utf-8", "replace").removesuffix("\r")
            parts.clear()
        parts.append(rest)
    if last := b"".join(parts):
        yield last.decode("utf-8", "replace")
