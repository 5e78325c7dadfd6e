"""Mutation payloads: what the user can cause comes back as `userErrors`, never as a top-level error."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import strawberry
from strawberry.types import Info

from core.errors import DomainError, ErrorCode
from core.ids import parse_global_id, to_global_id
from core.unit_of_work import UnitOfWork
from resolvers.enums import ErrorCode as ErrorCodes

Payload = TypeVar("Payload")


@strawberry.type(description="Something that the caller can mend.")
class UserError:
    code: ErrorCodes = strawberry.field(description="For programs.")
    field: list[str] | None = strawberry.field(description="The path of the input field that it is about.")
    message: str = strawberry.field(description="For people.")
    node_id: strawberry.ID | None = strawberry.field(description="The object that it is about.")
    retry_at: datetime | None = strawberry.field(description="When to try again.")


def expected_version() -> Any:
    """The field of an input that changes one object."""
    return strawberry.field(
        default=None, description="Where given and stale, nothing changes and the answer is VERSION_CONFLICT."
    )


def user_error(error: DomainError) -> UserError:
    """A domain error as its user sees it."""
    return UserError(
        code=error.code.value,
        field=list(error.field) if error.field else None,
        message=error.message,
        node_id=strawberry.ID(to_global_id(*error.node)) if error.node else None,
        retry_at=error.retry_at,
    )


async def mutate(
    info: Info,
    payload: Callable[..., Payload],
    action: Callable[[UnitOfWork], Awaitable[dict[str, Any]]],
    *,
    conflict: str | None = None,
    several: bool = False,
) -> Payload:
    """Run one unit of work; its values, or its error, make the payload. `conflict` names the payload's own id
    attribute (a tuple of ids where `several`), so that VERSION_CONFLICT brings the present object."""
    try:
        values = await info.context.work(action)
    except DomainError as error:
        known: dict[str, Any] = {}
        if conflict and error.code is ErrorCode.VERSION_CONFLICT and error.node is not None:
            known[conflict] = (error.node[1],) if several else error.node[1]
        return payload(user_errors=[user_error(error)], **known)
    return payload(user_errors=[], **values)


def id_of(text: str, type_name: str, *field: str, of: str = "input") -> UUID:
    """The UUID behind an id of the input, or of another argument.

    Raises DomainError NOT_FOUND: an id of another kind is no one's.
    """
    try:
        return parse_global_id(text, type_name)
    except ValueError:
        message = f"There is no such {type_name.lower()}."
        raise DomainError(ErrorCode.NOT_FOUND, message, field=(of, *field)) from None
