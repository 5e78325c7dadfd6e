"""What a turn runs with, and how far it has come: values that the loop and its parts share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assistant.history import History
from assistant.providers.base import Provider
from core.database import Database
from events.bus import Bus
from models.turns import Round, ToolCall

Pause = Callable[[float], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Engine:
    """What every turn of a process runs with. `fallback` answers where the provider is unreachable, if there is one."""

    database: Database
    bus: Bus
    provider: Provider
    fallback: Provider | None
    turn_seconds: float
    pause: Pause = asyncio.sleep


@dataclass(slots=True)
class Progress:
    """A turn as far as it is committed, and what the loop needs to go on from there."""

    history: History
    context: dict[str, Any]
    locale: str
    now: datetime
    rounds: list[Round]
    calls: list[ToolCall]
    attempt: int
    provider: Provider
    fell_back: bool = False
    shown: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The committed text: what `draft` holds before the present round."""
        return joined(one.text for one in self.rounds)

    @property
    def done(self) -> bool:
        return bool(self.rounds) and not self.rounds[-1].calls


def joined(texts: Any) -> str:
    """The texts of rounds as one, so that offsets never go back within an attempt."""
    return "\n\n".join(text for text in texts if text)
