"""What one document may ask for, and what one was found to ask for. The measuring itself is in `meter`."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """The most that one document may ask for; 0 turns a limit off.

    `nodes` is the largest product of page sizes along a path; the others count what the document says, fragments
    expanded. `tokens` counts comments as well and is enforced by the parser.
    """

    tokens: int = 1_000
    depth: int = 12
    aliases: int = 15
    fields: int = 300
    directives: int = 10
    nodes: int = 10_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What a document asks for. All but `nodes` is the largest over its operations and fragments; `nodes` is of the
    operation that would run. `varies` says that `nodes` depends on the variables."""

    depth: int = 0
    aliases: int = 0
    fields: int = 0
    directives: int = 0
    root_fields: int = 0
    nodes: int = 1
    varies: bool = False

    def beyond(self, limits: DocumentLimits) -> str | None:
        """A sentence that names the first limit this cost is over, or None."""
        for limit in fields(limits):
            most = getattr(limits, limit.name)
            # Tokens are the parser's to count: a parsed document is within them.
            if limit.name != "tokens" and most and (asked := getattr(self, limit.name)) > most:
                shown = asked if asked < 10**9 else "far more"
                return f"The document is too complex: {limit.name} is limited to {most}, this asks for {shown}."
        return None
