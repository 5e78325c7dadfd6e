"""What fits into a prompt: an estimate of tokens, and items of earlier turns cut down to an allowance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from assistant.providers.base import AssistantSaid, CallResult, Item, ModelCall, UserSaid

BYTES_A_TOKEN: Final = 4
EACH: Final = 4
"""Tokens that a message or a call takes beside its text: its role, its separators, the id that pairs it."""

ALLOWANCES: Final = (8192, 4096, 2048, 1024, 512, 256)
"""Bytes that a text or a result may keep, tried in this order."""

SHORTENED: Final = "… (shortened)"
VALUE_LIMIT: Final = 200


def tokens(text: str) -> int:
    """An estimate: UTF-8 bytes / 4, rounded up.

    Not counted by a tokenizer, because there is none that holds: each model has its own, any endpoint may stand behind
    the provider, and counting would cost more than the rest of the prompt. Bytes, not characters: scripts whose letters
    take two or three bytes also take more tokens a letter. The budget is far below what models take, so that an
    estimate that is off by half breaks nothing.
    """
    return -(-len(text.encode("utf-8", "replace")) // BYTES_A_TOKEN)


def size(item: Item) -> int:
    """Tokens of one item, as estimated."""
    match item:
        case UserSaid(text):
            return EACH + tokens(text)
        case AssistantSaid(text, calls):
            return EACH + tokens(text) + sum(EACH + tokens(call.name) + tokens(call.arguments) for call in calls)
        case CallResult(_, content):
            return EACH + tokens(content)


def size_of(items: Sequence[Item]) -> int:
    return sum(map(size, items))


def fitted(items: Sequence[Item], room: int) -> list[Item] | None:
    """The items whole where they fit into `room` tokens, else with long texts and results shortened, else None."""
    if size_of(items) <= room:
        return list(items)
    for allowance in ALLOWANCES:
        short = [_shortened(item, allowance) for item in items]
        if size_of(short) <= room:
            return short
    return None


def least(items: Sequence[Item]) -> list[Item]:
    """The items as short as they get."""
    return [_shortened(item, ALLOWANCES[-1]) for item in items]


def _shortened(item: Item, allowance: int) -> Item:
    match item:
        case UserSaid(text):
            return UserSaid(cut(text, allowance))
        case AssistantSaid(text, calls):
            return AssistantSaid(cut(text, allowance), tuple(_short_call(call, allowance) for call in calls))
        case CallResult(call_id, content):
            return CallResult(call_id, short_json(content, allowance))


def _short_call(call: ModelCall, allowance: int) -> ModelCall:
    return ModelCall(call.id, cut(call.name, allowance), short_json(call.arguments, allowance))


def cut(text: str, limit: int) -> str:
    """At most so many bytes of UTF-8, said to be shortened where they are."""
    raw = text.encode("utf-8", "replace")
    if len(raw) <= limit:
        return text
    return raw[: limit - len(SHORTENED.encode())].decode("utf-8", "ignore") + SHORTENED


def short_json(text: str, limit: int) -> str:
    """A JSON object cut to about so many bytes, still one: the first entries of its lists stand for the rest.

    What isn't an object when it is too long becomes an empty one that says so.
    """
    if len(text.encode("utf-8", "replace")) <= limit:
        return text
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = {}
    return orjson.dumps(_short_object(value if isinstance(value, dict) else {}, limit)).decode()


def _short_object(value: dict[str, Any], limit: int) -> dict[str, Any]:
    lists = {key: entries for key, entries in value.items() if isinstance(entries, list)}
    plain = {key: _brief(entry) for key, entry in value.items() if key not in lists}
    keep = max(map(len, lists.values()), default=0)
    while keep:
        few = {key: entries[:keep] for key, entries in lists.items()}
        left_out = {key: f"first {keep} of {len(lists[key])}" for key in lists if len(lists[key]) > keep}
        tried = {**plain, **few, "shortened": left_out or True}
        if len(orjson.dumps(tried)) <= limit:
            return tried
        keep //= 2
    counts = {key: f"none of {len(entries)}" for key, entries in lists.items()}
    tried = {**plain, "shortened": counts or True}
    if len(orjson.dumps(tried)) <= limit:
        return tried
    told = {
        key: plain[key] for key in ("ok", "action", "total", "undone") if isinstance(plain.get(key), bool | str | int)
    }
    error = plain.get("error")
    code = {"error": {"code": error.get("code")}} if isinstance(error, dict) else {}
    return {**told, **code, "shortened": True}


def _brief(value: Any) -> Any:  # Any: JSON
    """A value that isn't a list, its long texts cut."""
    if isinstance(value, str):
        return cut(value, VALUE_LIMIT)
    if isinstance(value, dict):
        return {key: _brief(entry) for key, entry in value.items()}
    return value
