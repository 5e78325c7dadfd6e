"""What the tools on labels share: which label a name means, its colour in words, and how it is answered."""

from __future__ import annotations

import re
from typing import Any, Final

from assistant.interpreter.colors import COLORS
from assistant.tools.base import ToolContext, ToolFailure
from core.errors import ErrorCode
from core.ids import to_global_id
from models.tasks import Label
from services.labels import label_named, list_labels

NONE: Final = frozenset({"none", "no", "no color", "no colour", "clear"})
_HEX: Final = re.compile(r"#?(?P<digits>[0-9a-f]{6})", re.IGNORECASE)


async def find_label(context: ToolContext, name: str) -> Label:
    """The label of that name, with or without a # before it. Raises ToolFailure NOT_FOUND that names some there are."""
    label = await label_named(context.work, name) or await label_named(context.work, name.removeprefix("#"))
    if label is None:
        names = [one.name for one in await list_labels(context.work)]
        known = f" There are: {', '.join(names[:20])}{' and more' if names[20:] else ''}." if names else ""
        raise ToolFailure(ErrorCode.NOT_FOUND, f"There is no label “{name}”.{known}")
    return label


def read_color(words: str) -> str | None:
    """#rrggbb of a colour in words or digits; None for none. Raises ToolFailure INVALID."""
    plain = " ".join(words.casefold().split()).removesuffix(" color").removesuffix(" colour")
    if plain in NONE or words.casefold().strip() in NONE:
        return None
    if digits := _HEX.fullmatch(plain):
        return "#" + digits["digits"].lower()
    if plain not in COLORS:
        raise ToolFailure(ErrorCode.INVALID, f"I don't know the colour “{words}”: give #rrggbb or {', '.join(COLORS)}.")
    return COLORS[plain]


def label_json(label: Label) -> dict[str, Any]:
    return {"id": to_global_id("Label", label.id), "name": label.name, "color": label.color}
