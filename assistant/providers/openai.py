"""The provider that speaks Chat Completions with any compatible endpoint, through the official SDK.

The SDK sees to key, URL, headers, TLS and proxies, on aiohttp (decision 13). The request's JSON is made here and the
answer's bytes are read here: the SDK walks through every message of the one and makes models of every chunk of the
other, which costs more than all the rest of a turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing

import httpx2
import openai

from assistant.providers.base import Finished, Prompt, ProviderEvent, ToolSpec
from assistant.providers.openai_answer import Answer, AnswerTooLong
from assistant.providers.openai_body import MAX_EVENT, TRANSPORT_ERRORS, BodyReader, Timeouts, now
from assistant.providers.openai_faults import from_sdk, timed_out, unavailable
from assistant.providers.openai_request import request_of
from assistant.providers.sse import EventTooLarge
from core.errors import ConfigurationError
from models.enums import FinishReason

__all__ = ["OpenAIProvider", "Timeouts"]


class OpenAIProvider:
    """One model at one endpoint. An empty `api_key` is for endpoints that need none; no `base_url` is OpenAI's own."""

    def __init__(self, api_key: str, base_url: str | None, model: str, *, timeouts: Timeouts | None = None) -> None:
        """Raises ConfigurationError where the key or the URL can't be used at all; neither is repeated in it."""
        if not (api_key.isascii() and api_key.isprintable()) or " " in api_key:
            raise ConfigurationError("OPENAI_API_KEY holds characters that no key has: spaces, line ends or non-ASCII.")
        if base_url is not None and not _is_http_url(base_url):
            raise ConfigurationError("OPENAI_BASE_URL must be a whole URL of scheme http or https.")
        self._model = model
        self._timeouts = timeouts or Timeouts()
        connect = self._timeouts.connect
        self._client = openai.AsyncOpenAI(
            api_key=api_key or "unused",
            base_url=base_url,
            max_retries=0,  # retries are the loop's, so that subscribers see them
            # Reading is timed by BodyReader: the first byte and silence are different waits.
            timeout=httpx2.Timeout(connect=connect, pool=connect, write=self._timeouts.silence, read=None),
            http_client=openai.DefaultAioHttpClient(),
        )

    @property
    def name(self) -> str:
        return f"openai:{self._model}"

    async def aclose(self) -> None:
        """Close the connections; streams that are still open end with UNAVAILABLE."""
        await self._client.close()

    async def stream(self, prompt: Prompt, tools: Sequence[ToolSpec]) -> AsyncGenerator[ProviderEvent, None]:
        """One model call: text as it comes, then the calls, usage where the endpoint counts it, and Finished.

        Raises ProviderError. An answer past a bound (those of openai_answer, or MAX_EVENT) ends with LENGTH.
        """
        answer = Answer()
        async with AsyncExitStack() as stack:
            reader = await self._open(stack, prompt, tools)
            try:
                while (events := await reader.next(finished=answer.finish_reason is not None)) is not None:
                    for event in events:
                        for said in answer.feed(event.data, event.event):
                            yield said
                reason = _reason(answer, reader)
            except AnswerTooLong:
                reason = FinishReason.LENGTH
            except EventTooLarge:
                if not answer.begun:
                    raise unavailable(f"sent an event of more than {MAX_EVENT} bytes") from None
                reason = FinishReason.LENGTH
        for said in answer.end(reason):
            yield said
        yield Finished(reason)

    async def _open(self, stack: AsyncExitStack, prompt: Prompt, tools: Sequence[ToolSpec]) -> BodyReader:
        """Send the request and wait for the answer's headers. `stack` closes the response."""
        deadline = now() + self._timeouts.first_byte
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._post(request_of(self._model, prompt, tools))
                stack.push_async_callback(response.aclose)
            body = await stack.enter_async_context(aclosing(response.aiter_bytes()))
            reader = BodyReader(body, self._timeouts, deadline)
            stack.callback(reader.close)
            return reader
        except TimeoutError:
            fault = timed_out("answer", self._timeouts.first_byte)
        except openai.OpenAIError as error:
            fault = from_sdk(error)
        except TRANSPORT_ERRORS:
            fault = unavailable("could not be reached")
        raise fault  # outside the handlers: see from_sdk

    async def _post(self, content: bytes) -> httpx2.Response:
        """Send it. The answer's body is still to be read."""
        response: object = await self._client.post(
            "/chat/completions",
            content=content,
            cast_to=httpx2.Response,  # is what comes back, whatever the signature says of streams
            stream=True,
            stream_cls=openai.AsyncStream[object],
            options={"security": {"bearer_auth": True}},
        )
        assert isinstance(response, httpx2.Response)
        return response


def _is_http_url(text: str) -> bool:
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        return False
    return url.scheme in ("http", "https") and bool(url.host)


def _reason(answer: Answer, reader: BodyReader) -> FinishReason:
    """How a body that came to its end has ended. Raises ProviderError where the answer in it isn't whole."""
    if not answer.begun and not reader.saw_done:
        raise unavailable("sent no answer")
    if reader.is_stream and answer.finish_reason is None and not reader.saw_done:
        raise unavailable("broke the answer off")
    return answer.reason()
