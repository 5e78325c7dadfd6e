"""A prompt and tools in the words of Chat Completions. Mends what endpoints refuse; judges nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence

import orjson
from openai.types.chat import (
    ChatCompletionAssistantMessageParam,
    ChatCompletionFunctionToolParam,
    ChatCompletionMessageFunctionToolCallParam,
    ChatCompletionMessageParam,
)

from assistant.providers.base import AssistantSaid, CallResult, Item, ModelCall, Prompt, ToolSpec

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")
_MAX_NAME = 64  # endpoints refuse the whole request for a longer one


def request_of(model: str, prompt: Prompt, tools: Sequence[ToolSpec]) -> bytes:
    """The JSON of a request for a stream with usage at its end."""
    body: dict[str, object] = {"model": model, "messages": messages_of(prompt)}
    if tools:
        body["tools"] = tools_of(tools)
    return orjson.dumps({**body, "stream": True, "stream_options": {"include_usage": True}})


def messages_of(prompt: Prompt) -> list[ChatCompletionMessageParam]:
    """The instructions as the system message, then the items in order. An empty round is skipped."""
    messages: list[ChatCompletionMessageParam] = [{"role": "system", "content": prompt.instructions}]
    for item in prompt.items:
        if not isinstance(item, AssistantSaid) or item.text or item.calls:
            messages.append(_message(item))
    return messages


def tools_of(tools: Sequence[ToolSpec]) -> list[ChatCompletionFunctionToolParam]:
    """The tools as functions."""
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": dict(tool.schema)},
        }
        for tool in tools
    ]


def _message(item: Item) -> ChatCompletionMessageParam:
    if isinstance(item, AssistantSaid):
        said: ChatCompletionAssistantMessageParam = {"role": "assistant", "content": item.text or None}
        if item.calls:
            said["tool_calls"] = [_call(call) for call in item.calls]
        return said
    if isinstance(item, CallResult):
        return {"role": "tool", "tool_call_id": item.call_id, "content": item.content}
    return {"role": "user", "content": item.text}


def _call(call: ModelCall) -> ChatCompletionMessageFunctionToolCallParam:
    """Endpoints refuse a history whose arguments aren't a JSON object, or with a name no function could have; a model
    sends both. The call's paired result tells it what was wrong."""
    arguments = call.arguments if _is_object(call.arguments) else "{}"
    name = _NOT_IN_NAMES.sub("_", call.name)[:_MAX_NAME] or "unknown"
    return {"id": call.id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _is_object(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False
