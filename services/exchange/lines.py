"""A file's bytes as lines, however they come in; a line that is too long or isn't text is passed over by its number."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Final

LINE_LIMIT: Final = 256 * 1024
"""Bytes of a line: the longest task takes a quarter of it."""


@dataclass(frozen=True, slots=True)
class Line:
    """Without its end; `fault` says why there is no text."""

    number: int
    text: str
    fault: str = ""


async def lines_of(chunks: AsyncIterable[bytes]) -> AsyncIterator[Line]:
    """Lines end with LF or CR LF. Never holds more than a chunk and a line."""
    number, rest, overlong = 0, b"", False
    async for chunk in chunks:
        *whole, rest_of_chunk = (rest + chunk).split(b"\n")
        for raw in whole:
            number += 1
            yield _too_long(number) if overlong else _line(number, raw)
            overlong = False
        rest = rest_of_chunk
        if len(rest) > LINE_LIMIT:
            overlong, rest = True, b""
    if rest or overlong:
        yield _too_long(number + 1) if overlong else _line(number + 1, rest)


def _line(number: int, raw: bytes) -> Line:
    if len(raw) > LINE_LIMIT:
        return _too_long(number)
    try:
        text = raw.removesuffix(b"\r").decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError:
        return Line(number, "", "is not UTF-8")
    return Line(number, text, "holds a NUL" if "\x00" in text else "")


def _too_long(number: int) -> Line:
    return Line(number, "", f"has more than {LINE_LIMIT:,} bytes")
