"""What a conversation keeps: its title, its context and whether it is active."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core import clock
from core.database import Database
from core.errors import DomainError, ErrorCode
from core.settings import Settings
from models.conversations import Conversation
from models.enums import InactiveReason
from services import conversations
from services.context import CONTEXT_BYTES, merge
from services.messages import NewMessage, Said, send

DAY = 86_400


async def say(database: Database, user: str, content: str, **more: Any) -> Said:
    limits = Settings(limit_sends_per_minute=0)
    return await database.work(user, lambda work: send(work, NewMessage(content, **more), limits))


async def read(database: Database, user: str, conversation_id: UUID) -> Conversation:
    async with database.snapshot(user) as session:
        found = await conversations.find(session, conversation_id)
    assert found is not None
    return found


async def test_the_first_message_gives_the_title(database: Database, user: str) -> None:
    said = await say(database, user, "  add milk\nand much more  ")
    assert (await read(database, user, said.conversation_id)).title == "add milk"
    await say(database, user, "add eggs", conversation_id=said.conversation_id)
    assert (await read(database, user, said.conversation_id)).title == "add milk"


async def test_a_users_title_stays(database: Database, user: str) -> None:
    made = await database.work(
        user, lambda work: conversations.create(work, title="Shopping", context=None, idempotency_key=None)
    )
    await say(database, user, "add milk", conversation_id=made)
    found = await read(database, user, made)
    assert (found.title, found.title_source) == ("Shopping", "USER")


def test_a_long_first_line_is_cut_at_a_word() -> None:
    title = conversations.auto_title("word " * 40)
    assert len(title) <= conversations.AUTO_TITLE
    assert title.endswith("word…")


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_context_merges_as_rfc_7396_says(
    target: Mapping[str, Any], patch: Mapping[str, Any], result: Mapping[str, Any]
) -> None:
    assert merge(target, patch) == result


async def test_context_is_merged_message_by_message(database: Database, user: str) -> None:
    said = await say(database, user, "hello", context={"screen": "inbox", "filter": {"label": "home"}})
    await say(database, user, "hello", conversation_id=said.conversation_id, context={"filter": {"label": None}})
    found = await read(database, user, said.conversation_id)
    assert found.context == {"screen": "inbox", "filter": {}}


@pytest.mark.parametrize(
    ("context", "code"),
    [
        ({"assistant": {"shown": []}}, ErrorCode.INVALID),
        (["a list"], ErrorCode.INVALID),
        ({"text": "a\x00b"}, ErrorCode.INVALID),
        ({"number": 2**70}, ErrorCode.INVALID),
        ({"text": "x" * CONTEXT_BYTES}, ErrorCode.TOO_LONG),
    ],
)
async def test_a_context_that_cannot_be_kept_stores_nothing(
    database: Database, user: str, context: Any, code: ErrorCode
) -> None:
    with pytest.raises(DomainError) as caught:
        await say(database, user, "hello", context=context, idempotency_key="k")
    assert caught.value.code is code
    assert caught.value.field is not None
    assert caught.value.field[:2] == ("input", "context")
    again = await say(database, user, "other words", idempotency_key="k")
    assert (await read(database, user, again.conversation_id)).message_count == 1


async def test_idle_expiry_can_be_turned_off(database: Database, user: str) -> None:
    said = await say(database, user, "hello")
    found = await read(database, user, said.conversation_id)
    later = clock.now() + timedelta(days=4000)
    assert conversations.inactive_reason(found, DAY, later) is InactiveReason.IDLE
    assert conversations.inactive_reason(found, 0, later) is None


async def test_going_idle_is_logged_once(database: Database, user: str) -> None:
    said = await say(database, user, "hello")
    with clock.set_to(clock.now() + timedelta(days=2)):
        for _ in range(2):
            await database.work(
                user, lambda work: conversations.note_idle(work, said.conversation_id, idle_seconds=DAY)
            )
    async with database.snapshot(user) as session:
        changes = await session.connection.exec_driver_sql(
            "SELECT count(*) FROM tasktalk.change_log WHERE kind = 'CONVERSATION'"
        )
        assert changes.scalar() == 2


async def test_the_same_key_makes_one_conversation(database: Database, user: str) -> None:
    async def create(title: str) -> UUID:
        return await database.work(
            user, lambda work: conversations.create(work, title=title, context={"a": 1}, idempotency_key="k")
        )

    assert await create("one") == await create("one")
    with pytest.raises(DomainError) as caught:
        await create("two")
    assert caught.value.code is ErrorCode.IDEMPOTENCY_CONFLICT


async def test_a_minutes_messages_are_limited_and_the_answer_says_until_when(database: Database, user: str) -> None:
    limits = Settings(limit_sends_per_minute=2)
    for content in ("one", "two"):
        await database.work(user, lambda work, content=content: send(work, NewMessage(content), limits))  # type: ignore[misc]
    with pytest.raises(DomainError) as caught:
        await database.work(user, lambda work: send(work, NewMessage("three"), limits))
    assert caught.value.code is ErrorCode.RATE_LIMITED
    assert caught.value.retry_at is not None
    with clock.set_to(caught.value.retry_at):
        await database.work(user, lambda work: send(work, NewMessage("three"), limits))
