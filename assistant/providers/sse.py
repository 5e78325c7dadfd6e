"""An incremental parser of `text/event-stream`: bytes in, events out. Knows nothing of HTTP or of what the data means.

The rules are those of WHATWG HTML, section 9.2.6 (interpreting an event stream).
"""

from __future__ import annotations

from typing import NamedTuple

_BOM = b"\xef\xbb\xbf"


class EventTooLarge(Exception):
    """One event is larger than the parser was told to hold."""


class ServerEvent(NamedTuple):
    """One event. `data` is left as bytes, since a border between chunks may lie inside a character. There is one for
    each token, and a tuple is made in half the time of a frozen dataclass."""

    data: bytes
    event: str = "message"


class SseParser:
    """Feed it what arrives, in pieces of any size; take whole events. Lines end with LF, CR or CRLF.

    `max_event` bounds in bytes what is held for one event. The fields `id` and `retry` are read over: a model
    stream can't be resumed.
    """

    def __init__(self, max_event: int) -> None:
        self._max_event = max_event
        self._line = bytearray()
        self._data: list[bytes] = []
        self._size = 0
        self._event = ""
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """The events that became whole with this chunk. Raises EventTooLarge."""
        if not chunk:
            return []
        if self._after_cr:
            chunk = chunk.removeprefix(b"\n")
        self._after_cr = chunk.endswith(b"\r")  # its LF may open the next chunk
        lines = chunk.splitlines()
        rest = lines.pop() if lines and not chunk.endswith((b"\n", b"\r")) else b""
        if lines and self._line:
            lines[0] = bytes(self._hold(lines[0]))
            self._line.clear()
        found: list[ServerEvent] = []
        for line in lines:
            self._take(line, found)
        if rest:
            self._hold(rest)
        return found

    def end(self) -> list[ServerEvent]:
        """What the end of the stream leaves: some endpoints send no empty line after the last event.

        The standard drops such an event. Here it is given out, and whoever reads the data sees whether it is whole.
        """
        found: list[ServerEvent] = []
        if self._line:
            self._take(bytes(self._line), found)
            self._line.clear()
        self._dispatch(found)
        return found

    def _hold(self, part: bytes) -> bytearray:
        """What has come of the line so far. Appending in place keeps a long line in tiny pieces linear."""
        self._line += part
        self._check(len(self._line))
        return self._line

    def _check(self, length: int) -> None:
        if self._size + length > self._max_event:
            raise EventTooLarge

    def _take(self, line: bytes, found: list[ServerEvent]) -> None:
        """One whole line, without its end."""
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BOM)
        if not line:
            self._dispatch(found)
            return
        self._check(len(line))
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._size += len(value) + 1
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")

    def _dispatch(self, found: list[ServerEvent]) -> None:
        if self._data:
            data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
            found.append(ServerEvent(data, self._event or "message"))
            self._data.clear()
        self._size = 0
        self._event = ""
