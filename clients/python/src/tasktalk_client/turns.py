"""A turn as it is followed: its updates, and the draft that snapshots and deltas make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tasktalk_client.entities import FollowedTurn, ToolCall
from tasktalk_client.errors import UNREADABLE, OperationFailed

ENDED: Final = frozenset({"COMPLETED", "FAILED", "CANCELLED"})
"""The statuses after which nothing follows."""

_KINDS: Final = frozenset({"TurnSnapshot", "TextDelta", "ToolCallUpdate", "TurnEnded"})


@dataclass(frozen=True, slots=True)
class TurnUpdate:
    """`kind` is TurnSnapshot, TextDelta, ToolCallUpdate or TurnEnded; `data` is all of it, as it came."""

    kind: str
    data: Mapping[str, Any] = field(repr=False)  # JSON, by the document


class Draft:
    """The text of a reply so far. Offsets are in UTF-16 code units, as the server and browsers count."""

    def __init__(self) -> None:
        self.attempt = 0
        self.text = ""
        self.offset = 0

    def take(self, attempt: int, text: str) -> None:
        """A snapshot. One that is behind, as after a server's crash, takes nothing back: its deltas come again."""
        if attempt != self.attempt or not self.text.startswith(text):
            self.attempt = attempt
            self.text = text
            self.offset = _units(text)

    def append(self, attempt: int, offset: int, text: str) -> bool:
        """A delta. False where it adds nothing: known already, of another attempt, or after a hole, which a snapshot
        then fills."""
        if attempt != self.attempt or not 0 <= offset <= self.offset:
            return False
        here, there = self.text.encode("utf-16-le"), text.encode("utf-16-le")
        known = here[2 * offset :]
        if len(there) <= len(known) or not there.startswith(known):
            return False
        # The text that is here ends between characters, and what overlaps is the same: so does the cut.
        self.text += there[len(known) :].decode("utf-16-le")
        self.offset = offset + len(there) // 2
        return True


class TurnView:
    """A turn as far as it is known. After each update: `update` is that one, `appended` the text that it added to
    `text`, and `restarted` whether the text starts anew (a retry, a fallback): what was shown of it no longer holds."""

    def __init__(self, turn_id: str) -> None:
        self.id = turn_id
        self.turn: FollowedTurn | None = None
        self.tool_calls: dict[str, ToolCall] = {}
        self.text = ""
        self.appended = ""
        self.restarted = False
        self.update = TurnUpdate("", {})
        self._draft = Draft()

    @property
    def status(self) -> str:
        """Empty before the first snapshot."""
        return self.turn["status"] if self.turn is not None else ""

    @property
    def ended(self) -> bool:
        return self.update.kind == "TurnEnded"

    def apply(self, data: object) -> None:
        """Take an update as it came. Raises OperationFailed for what isn't one."""
        try:
            self._take(data)
        except (KeyError, TypeError, UnicodeError):
            raise OperationFailed(UNREADABLE) from None

    def _take(self, data: object) -> None:
        text = self._draft.text
        match data:
            case {"__typename": "TurnSnapshot", "attempt": int(attempt), "draft": str(draft), "turn": dict(turn)}:
                self._know(turn)
                self._draft.take(attempt, draft)
                text = self._draft.text
            case {"__typename": "TextDelta", "attempt": int(attempt), "offset": int(offset), "text": str(more)}:
                self._draft.append(attempt, offset, more)
                text = self._draft.text
            case {"__typename": "ToolCallUpdate", "toolCall": dict(call)}:
                self.tool_calls[call["id"]] = call  # type: ignore[assignment]  # by the document
                text = self.text
            case {"__typename": "TurnEnded", "turn": dict(turn)}:
                self._know(turn)
                text = turn["reply"]["content"] if turn["reply"] is not None else self.text
            case {"__typename": str(kind)} if kind not in _KINDS:  # of a newer server
                text = self.text
            case _:
                raise KeyError
        assert isinstance(data, dict)
        self.update = TurnUpdate(data["__typename"], data)
        self._show(text)

    def _know(self, turn: dict[str, Any]) -> None:
        self.turn = turn  # type: ignore[assignment]  # by the document
        self.tool_calls |= {call["id"]: call for call in turn["toolCalls"]}

    def _show(self, text: str) -> None:
        """A new attempt whose text is what is shown already, or a part of it, hasn't started anew yet."""
        if not self.ended and self.text.startswith(text):
            self.appended, self.restarted = "", False
            return
        self.restarted = not text.startswith(self.text)
        self.appended = text if self.restarted else text[len(self.text) :]
        self.text = text


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
