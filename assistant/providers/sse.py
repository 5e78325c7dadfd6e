"""An incremental parser of `text/event-stream`: bytes in, events out. Knows nothing of HTTP or of what the data means.

The rules are those of WHATWG HTML, section 9.2.6 (interpreting an event stream).
"""

from __future__ import annotations

from dataclasses import dataclass

_BOM = b"\xef\xbb\xbf"


class EventTooLarge(Exception):
    """One event is larger than the parser was told to hold."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event. `data` is left as bytes, since a border between chunks may lie inside a character."""

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
        self._after_cr = False
        found: list[ServerEvent] = []
        for line in chunk.splitlines(keepends=True):
            # Appending in place keeps a long line that comes in tiny pieces linear.
            self._line += line
            if self._size + len(self._line) > self._max_event:
                raise EventTooLarge
            if line.endswith((b"\n", b"\r")):
                self._end_line(found)
        self._after_cr = chunk.endswith(b"\r")  # its LF may open the next chunk
        return found

    def end(self) -> list[ServerEvent]:
        """What the end of the stream leaves: some endpoints send no empty line after the last event.

        The standard drops such an event. Here it is given out, and whoever reads the data sees whether it is whole.
        """
        found: list[ServerEvent] = []
        self._end_line(found)
        self._dispatch(found)
        return found

    def _end_line(self, found: list[ServerEvent]) -> None:
        line = bytes(self._line).rstrip(b"\r\n")
        self._line.clear()
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BOM)
        if not line:
            self._dispatch(found)
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._size += len(value) + 1
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")

    def _dispatch(self, found: list[ServerEvent]) -> None:
        if self._data:
            found.append(ServerEvent(b"\n".join(self._data), self._event or "message"))
        self._data = []
        self._size = 0
        self._event = ""
