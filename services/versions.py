"""What a client may expect of the thing it changes: that it is as the client last saw it."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from core.errors import DomainError, ErrorCode
from services.inputs import Field

ONE: Final[Field] = ("input", "expectedVersion")


def check_version(node: tuple[str, UUID], present: int, expected: int | None, field: Field = ONE) -> None:
    """Raises DomainError VERSION_CONFLICT, which names the node, where an expected version isn't the present one."""
    if expected is not None and expected != present:
        message = f"The {node[0].lower()} has changed: it is at version {present}, not {expected}."
        raise DomainError(ErrorCode.VERSION_CONFLICT, message, field=field, node=node)
