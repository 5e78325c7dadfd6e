"""What a turn runs with, and how far it has come: values that the loop and its parts share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from assistant.drafts import DraftKeeper
from assistant.history import History
from assistant.providers.base import Provider
from core.database import Database
from core.settings import HISTORY_TOKENS
from events.bus import Bus
from models.enums import ConfirmPolicy
from models.turns import Round, ToolCall
from models.users import Settings
from services.turns import joined

Pause = Callable[[float], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Engine:
    """What every turn of a process runs with. `fallback` answers where the provider is unreachable, if there is one.

    `turn_seconds` is the wall time of a turn, `confirmation_seconds` how long a call waits for its user (0: without
    end), `tokens_per_day` a user's quota (0: none), `history_tokens` what the model is told of earlier turns at most.
    """

    database: Database
    bus: Bus
    provider: Provider
    fallback: Provider | None
    turn_seconds: float
    confirmation_seconds: int = 86_400
    tokens_per_day: int = 0
    pause: Pause = asyncio.sleep
    history_tokens: int = HISTORY_TOKENS
    drafts: DraftKeeper = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "drafts", DraftKeeper(self.database))


@dataclass(slots=True)
class Progress:
    """A turn as far as it is committed, and what the loop needs to go on from there."""

    history: History
    context: dict[str, Any]
    settings: Settings
    now: datetime
    rounds: list[Round]
    calls: list[ToolCall]
    attempt: int
    provider: Provider
    fell_back: bool = False
    shown: tuple[str, ...] = ()
    policy: ConfirmPolicy = ConfirmPolicy.BULK_DESTRUCTIVE
    tokens_today: int = 0
    noticed: bool = False
    """Whether the turn has a notice: that it is asked again, or another answers."""

    @property
    def text(self) -> str:
        """The committed text: what `draft` holds before the present round."""
        return joined(one.text for one in self.rounds)

    @property
    def done(self) -> bool:
        return bool(self.rounds) and not self.rounds[-1].calls
