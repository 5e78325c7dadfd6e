"""Runs one operation, whichever transport it came by: prepared first, then in a context of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError, OperationType
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from graphql_api.documents import DocumentRefused, EdgeSchema, PreparedQuery
from graphql_api.errors import Fault
from graphql_api.following import results, source_of
from graphql_api.transport.body import GraphQLRequest
from graphql_api.transport.encoding import encode
from graphql_api.transport.hooks import Caller, EdgeHooks


@dataclass(frozen=True, slots=True)
class Answer:
    """One result, encoded once for whoever sends it.

    `body` is the GraphQL response as JSON on one line (GraphQL spec section 7.1). `ran` is False where execution never
    began: then there is no `data` entry, and `errors` is the JSON of that list alone. `null` says that `data` isn't
    there or is null.
    """

    body: bytes
    faults: tuple[Fault, ...] = ()
    ran: bool = True
    null: bool = False
    errors: bytes = b""


class Operations:
    """What a transport needs of the schema."""

    def __init__(self, schema: EdgeSchema, hooks: EdgeHooks) -> None:
        self._schema = schema
        self._hooks = hooks

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
                result = await self._schema.execute(
                    query,
                    variable_values=request.variables,
                    context_value=context,
                    operation_name=request.operation_name,
                )
            return self._answer(result)
        # The edge is a process boundary: whatever came through is masked and logged by the presenter. A result that
        # can't be encoded is such a thing too.
        except Exception as error:
            return self.refusal([error])

    async def follow(
        self, query: PreparedQuery, request: GraphQLRequest, caller: Caller
    ) -> AsyncGenerator[Answer, None]:
        """A subscription's answers. Closing the generator closes the subscription and its context."""
        try:
            async with self._hooks.operation_context(caller) as context:
                executor = self._schema.executor(query, request.variables, context)
                if isinstance(executor, PreExecutionError):
                    yield self._answer(executor)
                    return
                source = await source_of(executor)
                if isinstance(source, PreExecutionError):
                    yield self._answer(source)
                    return
                async with aclosing(results(executor, source)) as found:
                    async for result in found:
                        yield Answer(result) if isinstance(result, bytes) else self._answer(result)
        # As above.
        except Exception as error:
            yield self.refusal([error])

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
