"""An operation from its document to its results: graphql-core's pipeline in its parts, so that a subscription's events
which need no execution are written as they come, and results can be read in another context than the source was opened
in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import aclosing
from typing import Any, Final, cast

from graphql import DocumentNode, ExecutionResult, GraphQLSchema
from graphql.execution import Executor, create_source_event_stream, execute_subscription_event
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.types import ExecutionResult as Result
from strawberry.types.execution import PreExecutionError

from graphql_api.compiled import EventWriters

TOGETHER: Final = 50
"""Events that are read at the same time, so that what they refer to is loaded by one statement a kind."""


def executor_of(
    schema: GraphQLSchema,
    executor_class: type[Executor[Any]],
    document: DocumentNode,
    *,
    operation_name: str | None,
    variables: dict[str, Any] | None,
    context: object,
) -> Executor[Any] | PreExecutionError:
    """What runs a validated operation in a context, or why its variables won't do."""
    executor = executor_class.build(
        schema,
        document,
        context_value=context,
        raw_variable_values=variables,
        operation_name=operation_name,
        is_awaitable=cast(Any, optimized_is_awaitable),  # typed as a bool, not as the guard that it is
    )
    return PreExecutionError(data=None, errors=executor) if isinstance(executor, list) else executor


async def source_of(executor: Executor[Any]) -> AsyncIterable[Any] | PreExecutionError:
    """What the subscription's field follows, or why it can't."""
    source: Any = create_source_event_stream(executor)
    if executor.is_awaitable(source):
        source = await source
    if isinstance(source, ExecutionResult):
        return PreExecutionError(data=None, errors=source.errors)
    return cast(AsyncIterable[Any], source)


async def results(executor: Executor[Any], source: AsyncIterable[Any]) -> AsyncGenerator[Result | bytes, None]:
    """The results of one event after the other; bytes are a whole response without errors, as JSON. Raises what the
    source raises."""
    writers = EventWriters(executor)
    async with aclosing(cast(AsyncGenerator[Any, None], source)) as events:
        async for event in events:
            written = writers.write(event)
            yield await result_of(executor, event) if written is None else written


async def results_together(executor: Executor[Any], events: Sequence[Any]) -> list[Result]:
    """The results of events of one instant, in their order."""
    if len(events) == 1:
        return [await result_of(executor, events[0])]
    return await asyncio.gather(*(result_of(executor, event) for event in events))


async def result_of_operation(executor: Executor[Any]) -> Result:
    """A query's or mutation's result."""
    return await _result(executor, executor.execute_operation())


async def result_of(executor: Executor[Any], event: object) -> Result:
    """The result of a subscription's event."""
    return await _result(executor, execute_subscription_event(executor.build_per_event_executor(event)))


async def _result(executor: Executor[Any], executed: Any) -> Result:
    if executor.is_awaitable(executed):
        executed = await executed
    return Result(data=executed.data, errors=executed.errors)
