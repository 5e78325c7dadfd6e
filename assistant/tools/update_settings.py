"""update_settings: the user's time zone, language, week and usual due time.

Which calls wait for the user's word is theirs alone to say, past the assistant: a text in a task must not be able to.
"""

from __future__ import annotations

from datetime import time
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from assistant.interpreter import dates
from assistant.tools.base import Parameters, Tool, ToolContext, ToolFailure, ToolOutcome, WeekStartName, Words
from core.errors import ErrorCode
from models.enums import ChangeKind, OperationType, ToolName, WeekStart
from services.inputs import UNSET, Unset
from services.undo import Beside, note, settings_state
from services.users import LOCALE_LIMIT, read_settings, update_settings, zone_names

_OLD: Final = ("Etc/", "SystemV/", "US/", "posix/", "right/")
"""Names of zones that a place doesn't mean where another has it as well."""


class UpdateSettings(Parameters):
    time_zone: (
        Annotated[
            Words, Field(min_length=1, max_length=64, description='Where the user is: "Europe/Berlin", "New York".')
        ]
        | None
    ) = None
    locale: (
        Annotated[Words, Field(min_length=2, max_length=LOCALE_LIMIT, description='A BCP 47 tag, e.g. "en-GB".')] | None
    ) = None
    week_start: Annotated[WeekStartName, Field(description="The day that weeks begin on.")] | None = None
    default_due_time: (
        Annotated[
            Words,
            Field(
                min_length=1,
                max_length=40,
                description='The time of day of due dates that are named by their day alone: "9am"; "none": all day.',
            ),
        ]
        | None
    ) = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("give what to change: time_zone, locale, week_start or default_due_time")
        return self


async def run(context: ToolContext, parameters: UpdateSettings) -> ToolOutcome:
    before = await read_settings(context.work)
    await update_settings(
        context.work,
        time_zone=_zone(parameters.time_zone) if parameters.time_zone else None,
        locale=parameters.locale,
        week_start=WeekStart(parameters.week_start) if parameters.week_start else None,
        default_due_time=_clock(parameters.default_due_time, context),
    )
    after = await read_settings(context.work)
    noted = Beside(ChangeKind.SETTINGS, None, settings_state(before), settings_state(after))
    await note(context.work, context.tool_call_id, [noted])
    told = {
        "time_zone": after.time_zone,
        "locale": after.locale,
        "week_start": after.week_start,
        "default_due_time": f"{after.default_due_time:%H:%M}" if after.default_due_time else None,
    }
    action = "updated" if after != before else "unchanged"
    return ToolOutcome(tasks=(), answer={"ok": True, "action": action, "settings": told})


def _zone(words: str) -> str:
    """An IANA name, or the one that ends in the place. Raises ToolFailure INVALID."""
    wanted = "_".join(words.casefold().split())
    names = sorted(zone_names())
    whole = [name for name in names if name.casefold() == wanted]
    ending = [name for name in names if name.casefold().endswith(f"/{wanted}") and not name.startswith(_OLD)]
    found = whole or ending
    if len(found) != 1:
        more = f" It may mean {', '.join(found[:10])}." if found else " Give an IANA name, e.g. Europe/Berlin."
        raise ToolFailure(ErrorCode.INVALID, f"I don't know which time zone “{words}” is.{more}")
    return found[0]


def _clock(words: str | None, context: ToolContext) -> time | Unset | None:
    if words is None:
        return UNSET
    if words.casefold().strip(" .") in ("none", "no", "all day", "never"):
        return None
    try:
        return time.fromisoformat(words)
    except ValueError:
        pass
    value = dates.resolve(f"today at {words}", now=context.now, time_zone="UTC", locale=context.locale)
    if not isinstance(value, dates.DateTimeValue):
        raise ToolFailure(ErrorCode.INVALID, f"I didn't understand “{words}” as a time of day.")
    return value.at.time()


TOOL = Tool(
    name=ToolName.UPDATE_SETTINGS,
    description="Change the user's settings: time zone, language, first day of the week, usual due time. Only where the"
    " user asks for it.",
    operation=OperationType.UPDATE,
    parameters=UpdateSettings,
    run=run,
)
