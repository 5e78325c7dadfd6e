"""What a turn begins with: everything that it needs to know before its model is asked, read in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assistant.history import History, read_history
from assistant.progress import Engine
from core.unit_of_work import Session
from models.conversations import Conversation
from models.enums import ConfirmPolicy
from models.turns import Round, ToolCall, Turn
from models.users import Settings
from services import turns
from services.limits import tokens_today
from services.users import read_settings


@dataclass(frozen=True, slots=True)
class Beginning:
    """A turn's surroundings as they are stored, and how far earlier workers have brought it."""

    conversation: Conversation
    history: History
    settings: Settings
    rounds: Sequence[Round]
    calls: Sequence[ToolCall]
    tokens_today: int

    @property
    def policy(self) -> ConfirmPolicy:
        return ConfirmPolicy(self.settings.confirm)


async def read_beginning(session: Session, engine: Engine, turn: Turn, conversation: Conversation) -> Beginning:
    """Read what a turn begins with. One that is run for the first time has no rounds to look for."""
    rounds, calls = await turns.read_progress(session, turn.id) if turn.attempt > 1 else ([], [])
    return Beginning(
        conversation=conversation,
        history=await read_history(session, turn, conversation, budget=engine.history_tokens),
        settings=await read_settings(session),
        rounds=rounds,
        calls=calls,
        tokens_today=await tokens_today(session) if engine.tokens_per_day else 0,
    )
