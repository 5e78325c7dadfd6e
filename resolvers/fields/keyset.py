"""Keyset pages: an order that ends in the primary key, cursors that carry it, and the conditions to go on from one."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import ColumnElement, UnaryExpression, literal, tuple_

from core.errors import DomainError, ErrorCode

LARGEST: Final = 100
DEFAULT: Final = 20

Parse = Callable[[Any], Any]


def check_count(name: str, count: int | None) -> None:
    """Raises DomainError INVALID, which names the argument and its range, for a count that no list gives."""
    if count is not None and not 1 <= count <= LARGEST:
        raise DomainError(ErrorCode.INVALID, f"{name} must be 1..{LARGEST}.", field=(name,))


def _instant(value: Any) -> datetime:
    return datetime.fromisoformat(value)


@dataclass(frozen=True, slots=True)
class Key:
    """One term of an order: what is compared, and how its value comes back out of a cursor's JSON."""

    sql: ColumnElement[Any]
    parse: Parse

    @staticmethod
    def uuid(sql: ColumnElement[Any]) -> Key:
        return Key(sql, UUID)

    @staticmethod
    def number(sql: ColumnElement[Any]) -> Key:
        return Key(sql, int)

    @staticmethod
    def text(sql: ColumnElement[Any]) -> Key:
        return Key(sql, str)

    @staticmethod
    def instant(sql: ColumnElement[Any]) -> Key:
        return Key(sql, _instant)


@dataclass(frozen=True, slots=True)
class Keyset:
    """A total order: the terms end in a unique one. No term is null, so a row comparison is one index range."""

    name: str
    keys: tuple[Key, ...]
    descending: bool = False

    def order_by(self, *, backwards: bool = False) -> list[UnaryExpression[Any]]:
        down = self.descending != backwards
        return [key.sql.desc() if down else key.sql.asc() for key in self.keys]

    def beyond(self, values: Sequence[Any], *, backwards: bool) -> ColumnElement[bool]:
        """Rows after `values` in this order, or before them."""
        here = tuple_(*(key.sql for key in self.keys))
        there = tuple_(*(literal(value, key.sql.type) for key, value in zip(self.keys, values, strict=True)))
        return here < there if self.descending != backwards else here > there


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A checked page: `limit` rows from the start or the end, beyond the values of a cursor where one was given."""

    limit: int
    backwards: bool
    after: tuple[Any, ...] | None
    before: tuple[Any, ...] | None


@dataclass(frozen=True, slots=True)
class Cursors:
    """Makes and reads the cursors of one list: they carry its order and its filter, and fit no other."""

    keyset: Keyset
    scope: bytes

    @staticmethod
    def of(keyset: Keyset, filter_: Mapping[str, Any] | None = None) -> Cursors:
        described = orjson.dumps(
            [keyset.name, keyset.descending, filter_ or {}], default=str, option=orjson.OPT_SORT_KEYS
        )
        return Cursors(keyset, hashlib.blake2b(described, digest_size=6).digest())

    def encode(self, values: Sequence[Any]) -> str:
        body = self.scope + orjson.dumps(list(values), default=str)
        return base64.urlsafe_b64encode(body).decode().rstrip("=")

    def decode(self, text: str, argument: str) -> tuple[Any, ...]:
        """The key values of a cursor. Raises DomainError INVALID for anything that this list didn't make."""
        try:
            if len(text) > 1000 or not text.isascii():
                raise ValueError(text)
            body = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            values = orjson.loads(body[len(self.scope) :])
            if body[: len(self.scope)] != self.scope or len(values) != len(self.keyset.keys):
                raise ValueError(text)
            return tuple(key.parse(value) for key, value in zip(self.keyset.keys, values, strict=True))
        except (ValueError, TypeError, OverflowError, binascii.Error):
            message = "The cursor isn't of this list with this order and filter."
            raise DomainError(ErrorCode.INVALID, message, field=(argument,)) from None

    def request(
        self, first: int | None, after: str | None, last: int | None, before: str | None, *, newest: bool = False
    ) -> PageRequest:
        """Check the arguments of a connection. Raises DomainError INVALID that names the argument and its range.

        With neither `first` nor `last`: 20 from the start, or from the end where `newest`.
        """
        if first is not None and last is not None:
            raise DomainError(ErrorCode.INVALID, "Give first or last, not both.", field=("last",))
        check_count("first", first)
        check_count("last", last)
        backwards = last is not None or (first is None and (before is not None or newest) and after is None)
        return PageRequest(
            limit=first or last or DEFAULT,
            backwards=backwards,
            after=self.decode(after, "after") if after is not None else None,
            before=self.decode(before, "before") if before is not None else None,
        )
