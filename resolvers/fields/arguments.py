"""The arguments of every connection, described once."""

from __future__ import annotations

from typing import Annotated

import strawberry

FirstArgument = Annotated[
    int | None, strawberry.argument(description="How many from the start, 1..100; 20 where neither is given.")
]
CountArgument = Annotated[int, strawberry.argument(description="How many, 1..100.")]
AfterArgument = Annotated[str | None, strawberry.argument(description="Go on after this cursor of the same list.")]
LastArgument = Annotated[int | None, strawberry.argument(description="How many from the end, 1..100.")]
BeforeArgument = Annotated[str | None, strawberry.argument(description="Go on before this cursor of the same list.")]

PageArguments = tuple[int | None, str | None, int | None, str | None]
"""first, after, last, before, as they came."""
