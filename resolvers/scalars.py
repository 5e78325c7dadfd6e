"""Scalars of the contract: instants in UTC with Z, IANA zones, JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final, NewType

import strawberry

from core.errors import RequestError, RequestErrorCode

TimeZone = NewType("TimeZone", str)


def _serialize(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _parse(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ValueError("A DateTime is a string such as 2026-11-23T09:00:00Z.")
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("A DateTime is an RFC 3339 instant such as 2026-11-23T09:00:00Z.") from None
    if parsed.tzinfo is None or not 1 < parsed.year < 9999:
        raise ValueError("A DateTime needs an offset or Z, and a year from 2 to 9998.")
    return parsed.astimezone(UTC)


def _zone(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("A TimeZone is an IANA name such as Europe/Berlin.")
    return value


SCALARS: Final[dict[object, Any]] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant (RFC 3339), answered in UTC with Z.",
        serialize=_serialize,
        parse_value=_parse,
    ),
    TimeZone: strawberry.scalar(
        name="TimeZone",
        description="A time zone by its IANA name, e.g. Europe/Berlin.",
        serialize=str,
        parse_value=_zone,
    ),
}


def invalid_argument(message: str) -> RequestError:
    """The top-level error of a query argument that can't be."""
    return RequestError(RequestErrorCode.DOCUMENT_INVALID, message)
