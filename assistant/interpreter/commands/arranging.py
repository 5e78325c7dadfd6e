"""Whole messages about a task's place: under a parent, before or after another, at an end, back from its deletion."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from assistant.interpreter.commands.kinds import Add, Arrange, Command, Complete
from assistant.interpreter.commands.text import strip_quotes, target, unwrap

_ADD: Final = re.compile(
    r"(?P<add>(?:add|create|make|put)\s+.+?)\s+as\s+(?:a\s+)?subtasks?\s+(?:of|to|under)\s+(?P<p>.+)$", re.I
)
_SUBTASK: Final = re.compile(
    r"(?:add|create|make|put)\s+(?:an?\s+|the\s+)?sub-?task\s+(?P<t>.+?)\s+(?:to|of|under|for)\s+(?P<p>.+)$", re.I
)
_NEST: Final = re.compile(r"(?:make|turn)\s+(?P<t>.+?)\s+(?:into\s+)?a\s+subtask\s+of\s+(?P<p>.+)$", re.I)
_WITH: Final = re.compile(
    r"(?:complete|finish|mark\s+off|check\s+off)\s+(?P<t>.+?)\s+(?:and|with|including)\s+(?:everything\s+(?:under|in)\s+it"
    r"|(?:all\s+)?(?:of\s+)?(?:its|the)\s+subtasks)$",
    re.I,
)
_ONLY: Final = re.compile(r"(?:complete|finish)\s+only\s+(?P<t>.+)$", re.I)
_BESIDE: Final = re.compile(
    r"(?:move|put)\s+(?P<t>.+?)\s+(?:(?P<before>above|right\s+before)|below|right\s+after)\s+(?P<o>.+)$", re.I
)
_END: Final = re.compile(
    r"(?:move|put)\s+(?P<t>.+?)\s+(?:to|at|on)\s+the\s+(?P<end>top|bottom)(?:\s+of\s+(?:my|the)\s+(?:to-?do\s+)?list)?$",
    re.I,
)
_RESTORE: Final = re.compile(
    r"(?:undelete\s+(?P<t>.+)|(?:restore|bring\s+back)\s+(?:the\s+deleted\s+(?P<d>.+)|(?P<l>(?:the\s+(?:one|task)|what)\s.*deleted)))$",
    re.I,
)


def arranging(text: str, read: Callable[[str], Sequence[Command]]) -> tuple[Command, ...]:
    """What a whole message of that kind asks for; empty for any other. `read` reads an "add …" that stands in it."""
    words = unwrap(text)
    if found := _ADD.match(words):
        made = read(found["add"])
        under = target(strip_quotes(found["p"]))
        return tuple(replace(one, parent=under) for one in made if isinstance(one, Add))
    if found := _SUBTASK.match(words):
        made = read(f"add {found['t']}")
        return tuple(replace(one, parent=_named(found["p"]), into=None) for one in made if isinstance(one, Add))
    if found := _NEST.match(words):
        return (Arrange(_named(found["t"]), parent=_named(found["p"])),)
    if found := _WITH.match(words):
        return (Complete(_named(found["t"]), subtasks="COMPLETE"),)
    if found := _ONLY.match(words):
        return (Complete(_named(found["t"]), subtasks="KEEP"),)
    if found := _END.match(words):
        return (Arrange(_named(found["t"]), to=found["end"].upper()),)
    if found := _BESIDE.match(words):
        moved, other = _named(found["t"]), _named(found["o"])
        return (Arrange(moved, before=other) if found["before"] else Arrange(moved, after=other),)
    if found := _RESTORE.match(words):
        return (Arrange(_named(found["t"] or found["d"] or found["l"]), restore=True),)
    return ()


def _named(words: str) -> str:
    return target(strip_quotes(words))
