"""The least that a turn can be with the openai SDK: its own stream, the calls answered with ok, nothing stored.

POST /turn {"text", "model", "stream"} answers {"text"}, or the deltas as server-sent events.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import uvicorn
from openai import AsyncOpenAI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

Emit = Callable[[str], Awaitable[None]]

_TITLE = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}
_TOOLS: Any = [
    {"type": "function", "function": {"name": "add_todo", "description": "Add a todo", "parameters": _TITLE}}
]


class Bare:
    """Runs turns against one endpoint."""

    def __init__(self, base_url: str) -> None:
        self._client = AsyncOpenAI(base_url=base_url, api_key="unused")

    async def turn(self, text: str, model: str, emit: Emit | None = None) -> str:
        messages: list[Any] = [{"role": "user", "content": text}]
        while True:
            said, calls = await self._round(messages, model, emit)
            if not calls:
                return said
            messages.append({"role": "assistant", "tool_calls": calls})
            messages += [{"role": "tool", "tool_call_id": call["id"], "content": '{"ok":true}'} for call in calls]

    async def _round(self, messages: list[Any], model: str, emit: Emit | None) -> tuple[str, list[dict[str, Any]]]:
        said: list[str] = []
        calls: dict[int, dict[str, Any]] = {}
        stream = await self._client.chat.completions.create(model=model, messages=messages, tools=_TOOLS, stream=True)
        async for chunk in stream:
            delta = chunk.choices[0].delta
            if delta.content:
                said.append(delta.content)
                if emit is not None:
                    await emit(delta.content)
            for piece in delta.tool_calls or ():
                assert piece.function is not None
                empty = {"id": piece.id, "type": "function", "function": {"name": "", "arguments": ""}}
                function = calls.setdefault(piece.index, empty)["function"]
                function["name"] += piece.function.name or ""
                function["arguments"] += piece.function.arguments or ""
        for call in calls.values():
            json.loads(call["function"]["arguments"])
        return "".join(said), list(calls.values())

    async def answer(self, request: Request) -> Response:
        asked = await request.json()
        if not asked.get("stream"):
            return JSONResponse({"text": await self.turn(asked["text"], asked["model"])})
        return StreamingResponse(self._deltas(asked["text"], asked["model"]), media_type="text/event-stream")

    async def _deltas(self, text: str, model: str) -> AsyncIterator[str]:
        deltas: asyncio.Queue[str] = asyncio.Queue()
        turn = asyncio.create_task(self.turn(text, model, deltas.put))
        turn.add_done_callback(lambda _: deltas.put_nowait(""))
        while delta := await deltas.get():
            yield f"data: {json.dumps({'delta': delta})}\n\n"
        await turn


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("port", type=int)
    options.add_argument("model_url")
    chosen = options.parse_args()
    app = Starlette(routes=[Route("/turn", Bare(chosen.model_url).answer, methods=["POST"])])
    uvicorn.run(app, host="127.0.0.1", port=chosen.port, log_level="warning", access_log=False)
