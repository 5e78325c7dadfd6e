"""Sentences on labels and settings: what became of them by what their tools answered, and what is about to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from assistant.interpreter.outcomes import Outcome
from assistant.interpreter.wording import joined, one_line, title

TOOLS: Final = frozenset({"list_labels", "update_label", "delete_label", "update_settings"})
_SETTINGS: Final = {
    "time_zone": "your time zone",
    "locale": "your language",
    "week_start": "the first day of your week",
    "default_due_time": "the time of day of due dates without one",
}
"""Settings by their parameters."""


def about_to(tool: str, parameters: Mapping[str, object]) -> str:
    """What a call of one of `TOOLS` that waits would do, behind "I'm about to"."""
    label = title(str(parameters.get("label", "")))
    match tool:
        case "delete_label":
            return f"delete the label {label}"
        case "update_label" if parameters.get("create") is True:
            return f"make the label {label}"
        case "update_label" if parameters.get("name") is not None:
            return f"rename the label {label} to {title(str(parameters['name']))}"
        case "update_label":
            return f"change the colour of the label {label}"
        case "update_settings":
            return f"change {joined([_SETTINGS[name] for name in parameters if name in _SETTINGS])}"
        case _:
            return "look at your labels"


def kept(outcome: Outcome) -> str:
    """What became of a call of one of `TOOLS` that succeeded."""
    if outcome.action == "unchanged":
        return "That was so already: nothing changed."
    match outcome.tool:
        case "list_labels":
            return _labels(outcome.told.get("labels"))
        case "delete_label":
            return _deleted(outcome.told)
        case "update_label":
            return _changed(outcome)
        case _:
            return _settings(outcome)


def _members(raw: object) -> Mapping[str, object]:
    return raw if isinstance(raw, dict) else {}


def _labels(raw: object) -> str:
    found = [_members(one) for one in raw] if isinstance(raw, list) else []
    if not found:
        return "You have no labels. Say “add milk #shopping” to make one."
    lines = [f"{one_line(str(one.get('name', '')))} — {_counted(one.get('open_tasks'))}" for one in found]
    return "\n".join([f"You have {len(found)} label{'s' if found[1:] else ''}:", *(f"- {line}" for line in lines)])


def _counted(raw: object, kind: str = "open ") -> str:
    count = raw if isinstance(raw, int) else 0
    return f"{count or 'no'} {kind}task{'' if count == 1 else 's'}"


def _deleted(told: Mapping[str, object]) -> str:
    name = title(str(_members(told.get("label")).get("name", "")))
    off = told.get("taken_off")
    return f"Deleted the label {name}" + (f" and took it off {_counted(off, '')}." if off else ".")


def _changed(outcome: Outcome) -> str:
    label, asked = _members(outcome.told.get("label")), outcome.arguments
    name, color = title(str(label.get("name", ""))), label.get("color")
    if outcome.action == "created":
        return f"Made the label {name}" + (f" in {asked.get('color')}." if color else ".")
    deeds = [f"is now called {name}"] if "name" in asked else []
    deeds += [f"is now {asked.get('color')}" if color else "has no colour now"] if "color" in asked else []
    return f"The label {'' if 'name' in asked else name + ' '}{joined(deeds)}."


def _settings(outcome: Outcome) -> str:
    now = _members(outcome.told.get("settings"))
    said = joined([_setting(name, now.get(name)) for name in outcome.arguments])
    return f"{said[0].upper()}{said[1:]}."


def _setting(name: str, value: object) -> str:
    match name:
        case "time_zone":
            return f"your time zone is now {value}"
        case "week_start":
            return f"your weeks now start on {str(value).capitalize()}"
        case "default_due_time" if value is None:
            return "tasks that are due on a day are due all day now"
        case "default_due_time":
            return f"tasks that are due on a day are due at {value} now"
        case _:
            return f"your language is now {value}"
