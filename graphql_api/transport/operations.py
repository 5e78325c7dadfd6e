"""Runs one operation, whichever transport it came by: prepared first, then in a context of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from graphql import GraphQLError, OperationType
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from graphql_api.documents import DocumentRefused, EdgeSchema, PreparedQuery
from graphql_api.errors import Fault
from graphql_api.following import TOGETHER, results, results_together, source_of
from graphql_api.transport.answers import Answer
from graphql_api.transport.audience import Asked, Audiences, Member, Told
from graphql_api.transport.body import GraphQLRequest
from graphql_api.transport.encoding import encode
from graphql_api.transport.hooks import Caller, EdgeHooks
from resolvers.sharing import Shareable, Step


class Operations:
    """What a transport needs of the schema."""

    def __init__(self, schema: EdgeSchema, hooks: EdgeHooks) -> None:
        self._schema = schema
        self._hooks = hooks
        self.audiences = Audiences(self._read, lambda error: self.refusal([error]))

    def prepare(self, request: GraphQLRequest) -> PreparedQuery | Answer:
        """The document, ready to run, or the answer that refuses it. No context has been opened yet."""
        try:
            return self._schema.documents.prepare(request.query, request.operation_name, request.variables)
        except DocumentRefused as refused:
            return self.refusal(refused.errors)

    def refusal(self, errors: Sequence[BaseException]) -> Answer:
        """The answer to a request whose execution never began."""
        shown, faults = self._hooks.presenter.present(errors)
        listed = encode(shown)
        return Answer(b'{"errors":%b}' % listed, faults, ran=False, null=True, errors=listed)

    async def run(self, query: PreparedQuery, request: GraphQLRequest, caller: Caller) -> Answer:
        """A query's or mutation's one answer. Its context is closed when this returns."""
        try:
            async with self._hooks.operation_context(caller) as context:
                result = await self._schema.run(query, request.variables, context)
            return self._answer(result)
        # The edge is a process boundary: whatever came through is masked and logged by the presenter. A result that
        # can't be encoded is such a thing too.
        except Exception as error:
            return self.refusal([error])

    async def follow(
        self, query: PreparedQuery, request: GraphQLRequest, caller: Caller
    ) -> AsyncGenerator[Answer, None]:
        """A subscription's answers. Closing the generator closes the subscription."""
        shared: Asked | None = None
        async with aclosing(self.begin(query, request, caller)) as items:
            async for item in items:
                if isinstance(item, Asked):
                    shared = item
                else:
                    yield item
        if shared is not None:
            async with aclosing(self._share(shared)) as answers:
                async for answer in answers:
                    yield answer

    async def begin(
        self, query: PreparedQuery, request: GraphQLRequest, caller: Caller
    ) -> AsyncGenerator[Answer | Asked, None]:
        """A subscription's answers, in its own context, which closing the generator closes. One that can be shared is
        all that comes instead: then a Member of `audiences` gets the answers."""
        try:
            async with self._hooks.operation_context(caller) as context:
                executor = self._schema.executor(query, request.variables, context)
                if isinstance(executor, PreExecutionError):
                    yield self._answer(executor)
                    return
                source = await source_of(executor)
                if isinstance(source, PreExecutionError):
                    yield self._answer(source)
                elif isinstance(source, Shareable):
                    yield Asked(source, query, request.variables)
                else:
                    async with aclosing(results(executor, source)) as found:
                        async for result in found:
                            yield Answer(result) if isinstance(result, bytes) else self._answer(result)
        # As above.
        except Exception as error:
            yield self.refusal([error])

    async def alone(self, member: Member) -> AsyncGenerator[Answer, None]:
        """The answers that a member of `audiences` reads for itself."""
        try:
            async with aclosing(member.alone()) as answers:
                async for answer in answers:
                    yield answer
        # As above.
        except Exception as error:
            yield self.refusal([error])

    async def _share(self, asked: Asked) -> AsyncGenerator[Answer, None]:
        more = asyncio.Event()
        member = Member(self.audiences, asked, more.set)
        try:
            while not member.over:
                async with aclosing(self.alone(member)) as answers:
                    async for answer in answers:
                        yield answer
                        if not answer.ran:
                            return
                while member.joined:
                    more.clear()
                    while (taken := member.take()) is not None:
                        yield taken
                    if member.joined:
                        await more.wait()
            if member.refusal is not None:
                yield member.refusal
        finally:
            member.leave()
            await self.audiences.settled()

    async def _read(self, asked: Asked, step: Step) -> AsyncGenerator[Sequence[Told], None]:
        """The answers to a step, read in a context that knows no token, as many at a time as load well together."""
        for first in range(0, len(step.events), TOGETHER):
            some = step.events[first : first + TOGETHER]
            async with asked.source.reading(step) as context:
                executor = self._schema.executor(asked.query, asked.variables, context)
                assert not isinstance(executor, PreExecutionError), "its source was opened with the same"
                found = await results_together(executor, [event for _, event in some])
            yield [Told(place, self._answer(result)) for (place, _), result in zip(some, found, strict=True)]

    def _answer(self, result: ExecutionResult) -> Answer:
        errors: list[GraphQLError] = result.errors or []
        began = not isinstance(result, PreExecutionError) and (
            result.data is not None or not errors or any(error.path is not None for error in errors)
        )
        if not began:
            return self.refusal(errors)
        payload: dict[str, Any] = {"data": result.data}
        faults: tuple[Fault, ...] = ()
        if errors:
            shown, faults = self._hooks.presenter.present(errors)
            payload = {"errors": shown, **payload}
        if result.extensions:
            payload["extensions"] = result.extensions
        return Answer(encode(payload), faults, null=result.data is None)


def is_subscription(query: PreparedQuery) -> bool:
    return query.operation is OperationType.SUBSCRIPTION
