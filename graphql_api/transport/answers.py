"""One result of an operation, as every way out sends it."""

from __future__ import annotations

from dataclasses import dataclass

from graphql_api.errors import Fault


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
