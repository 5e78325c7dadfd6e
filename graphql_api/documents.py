"""Documents made ready to run: parsed, measured and validated once a text, and kept in a bounded cache."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    parse,
    specified_rules,
    validate,
    visit,
)
from graphql.execution import Executor
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from graphql_api.errors import TooComplex
from graphql_api.following import executor_of, result_of_operation
from graphql_api.limits import Cost, DocumentLimits
from graphql_api.meter import Meter

MAX_ERRORS = 20


@dataclass(frozen=True, slots=True)
class DocumentPolicy:
    """What documents may say. The cache holds at most `cached` documents of `cached_tokens` tokens together
    (a token weighs about 1 KB once parsed); a text over `cached_characters` isn't kept."""

    limits: DocumentLimits = field(default_factory=DocumentLimits)
    introspection: bool = False
    suggestions: bool = False
    cached: int = 1_000
    cached_tokens: int = 50_000
    cached_characters: int = 16_384


class DocumentRefused(Exception):
    """The document can't run; `errors` say why."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__("the document was refused")
        self.errors = errors


class PreparedQuery(str):
    """The text of a query with its document."""

    document: DocumentNode
    operation: OperationType
    operation_name: str | None
    place: str | None
    """The variable that is a subscription's `after` and nothing else: what follows a place is the same for all."""


@dataclass(slots=True)
class _Entry:
    document: DocumentNode
    errors: list[GraphQLError]
    costs: dict[str | None, Cost]
    queries: dict[str | None, PreparedQuery] = field(default_factory=dict)


class Documents:
    """The documents of one schema. Not thread-safe: it belongs to one event loop."""

    def __init__(self, schema: GraphQLSchema, policy: DocumentPolicy | None = None) -> None:
        self.policy = policy or DocumentPolicy()
        self._schema = schema
        self._meter = Meter(schema)
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._tokens = 0
        self._rules = [*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule]
        if not self.policy.introspection:
            self._rules.append(NoSchemaIntrospectionCustomRule)

    def __len__(self) -> int:
        return len(self._entries)

    def prepare(
        self, text: str, operation_name: str | None = None, variables: Mapping[str, object] | None = None
    ) -> PreparedQuery:
        """The text, ready to run. Raises DocumentRefused: syntax, a limit, validation, or no such operation."""
        entry = self._entries.get(text)
        if entry is not None:
            self._entries.move_to_end(text)
        else:
            document = self._parse(text)
            # The measure comes before validation, which takes quadratic time on what the limits forbid.
            cost = self._within_limits(self._meter.measure(document, operation_name, variables))
            entry = _Entry(document, self._validate(document), {operation_name: cost})
            self._keep(text, entry)
        if entry.errors:
            raise DocumentRefused(entry.errors)
        query = entry.queries.get(operation_name)
        if query is None:
            query = entry.queries[operation_name] = _query(text, entry.document, operation_name)
        known = entry.costs.get(operation_name)
        if known is None or known.varies:
            cost = self._within_limits(self._meter.measure(entry.document, operation_name, variables))
            entry.costs[operation_name] = cost
        return query

    def _parse(self, text: str) -> DocumentNode:
        limit = self.policy.limits.tokens
        try:
            return parse(text, max_tokens=limit or None)
        except GraphQLSyntaxError as error:
            if limit and f"more than {limit} tokens" in error.message:
                message = f"The document is too complex: tokens is limited to {limit}, this has more."
                raise DocumentRefused([TooComplex(message)]) from None
            raise DocumentRefused([error]) from None

    def _within_limits(self, cost: Cost) -> Cost:
        if complaint := cost.beyond(self.policy.limits):
            raise DocumentRefused([TooComplex(complaint)])
        return cost

    def _validate(self, document: DocumentNode) -> list[GraphQLError]:
        return validate(
            self._schema,
            document,
            self._rules,
            max_errors=MAX_ERRORS,
            hide_suggestions=not self.policy.suggestions,
        )

    def _keep(self, text: str, entry: _Entry) -> None:
        tokens = entry.document.token_count or 0
        if len(text) > self.policy.cached_characters or not self.policy.cached:
            return
        self._entries[text] = entry
        self._tokens += tokens
        while len(self._entries) > self.policy.cached or self._tokens > self.policy.cached_tokens:
            _, oldest = self._entries.popitem(last=False)
            self._tokens -= oldest.document.token_count or 0


def _query(text: str, document: DocumentNode, name: str | None) -> PreparedQuery:
    """Raises DocumentRefused where there is no such operation."""
    operation = _operation(document, name)
    query = PreparedQuery(text)
    query.document, query.operation, query.operation_name = document, operation.operation, name
    query.place = _place(document, operation)
    return query


def _place(document: DocumentNode, operation: OperationDefinitionNode) -> str | None:
    root = operation.selection_set.selections[0]
    if operation.operation is not OperationType.SUBSCRIPTION or not isinstance(root, FieldNode):
        return None
    uses: list[str] = []

    class Uses(Visitor):
        def enter_variable(self, node: VariableNode, *_: Any) -> None:
            uses.append(node.name.value)

    visit(document, Uses())
    for argument in root.arguments or ():
        if argument.name.value == "after" and isinstance(argument.value, VariableNode):
            name = argument.value.name.value
            return name if uses.count(name) == 2 else None  # there, and where it is declared
    return None


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    """The operation that would run (GraphQL spec section 6.1, GetOperation). Raises DocumentRefused."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is None:
        if len(operations) == 1:
            return operations[0]
        text = "Must provide operation name if query contains multiple operations."
        raise DocumentRefused([GraphQLError(text if operations else "The document has no operation.")])
    for operation in operations:
        if operation.name and operation.name.value == name:
            return operation
    raise DocumentRefused([GraphQLError(f"Unknown operation named {name[:100]!r}.")])


class EdgeSchema(strawberry.Schema):
    """A Strawberry schema that prepares its documents through `documents` and runs them by graphql-core's own parts.

    Strawberry's `execute` would do the same amid hooks for extensions, of which there are none: docs/decisions/0022.
    """

    # The arguments are strawberry.Schema's own, handed on untouched.
    def __init__(
        self,
        query: type,
        *,
        document_policy: DocumentPolicy | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(query, **kwargs)
        self.documents = Documents(self._schema, document_policy)

    async def run(
        self, query: str, variables: dict[str, Any] | None = None, context: object = None, name: str | None = None
    ) -> ExecutionResult:
        """A query's or mutation's result. A text that isn't prepared is; `name` is that of the operation."""
        try:
            prepared = query if isinstance(query, PreparedQuery) else self.documents.prepare(query, name, variables)
        except DocumentRefused as refused:
            return PreExecutionError(data=None, errors=refused.errors)
        executor = self.executor(prepared, variables, context)
        return executor if isinstance(executor, PreExecutionError) else await result_of_operation(executor)

    def executor(
        self, query: PreparedQuery, variables: dict[str, Any] | None, context: object
    ) -> Executor[Any] | PreExecutionError:
        """What runs a document in a context, or why its variables won't do."""
        return executor_of(
            self._schema,
            self.execution_context_class,
            query.document,
            operation_name=query.operation_name,
            variables=variables,
            context=context,
        )
