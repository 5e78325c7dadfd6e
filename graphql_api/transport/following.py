"""A subscription from its document to its results: graphql-core's pipeline, composed so that events which need no
execution are written as they come."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, cast

from graphql import ExecutionResult
from graphql.execution import Executor, create_source_event_stream, execute_subscription_event
from strawberry.types import ExecutionResult as Result
from strawberry.types.execution import PreExecutionError

from graphql_api.documents import EdgeSchema, PreparedQuery
from graphql_api.transport.compiled import EventWriters


async def results(
    schema: EdgeSchema, query: PreparedQuery, variables: dict[str, Any] | None, context: object
) -> AsyncGenerator[Result | bytes, None]:
    """The results of a subscription, in order; bytes are a whole response without errors, as JSON.

    Raises what its source raises once it runs. Extensions of the schema's have no part in it.
    """
    executor_class: type[Executor[Any]] = schema.execution_context_class
    executor = executor_class.build(
        schema.graphql,
        query.document,
        context_value=context,
        raw_variable_values=variables,
        operation_name=query.operation_name,
    )
    if isinstance(executor, list):
        yield PreExecutionError(data=None, errors=executor)
        return
    source: Any = create_source_event_stream(executor)
    if executor.is_awaitable(source):
        source = await source
    if isinstance(source, ExecutionResult):
        yield PreExecutionError(data=None, errors=source.errors)
        return
    writers = EventWriters(executor)
    async with aclosing(cast(AsyncGenerator[Any, None], source)) as events:
        async for event in cast(AsyncIterator[Any], events):
            written = writers.write(event)
            yield await _executed(executor, event) if written is None else written


async def _executed(executor: Executor[Any], event: object) -> Result:
    executed: Any = execute_subscription_event(executor.build_per_event_executor(event))
    if executor.is_awaitable(executed):
        executed = await executed
    return Result(data=executed.data, errors=executed.errors)
