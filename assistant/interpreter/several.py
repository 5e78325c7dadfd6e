"""Commands about several tasks made ones about each: places of the list last shown, or what a look at the tasks finds.

A look is a call of list_tasks of its own, in a round before; what it found is then named by ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from assistant.interpreter import targets
from assistant.interpreter.commands import (
    Categorize,
    Command,
    Complete,
    Delete,
    ListTasks,
    Reopen,
    Reschedule,
    Setting,
    Update,
    selection,
)

Targeted = Complete | Reopen | Delete | Update
AT_MOST = 50
"""Tasks that one command changes."""


def looks(commands: Sequence[Command], shown: Sequence[str], setting: Setting) -> tuple[ListTasks, ...]:
    """What must be looked up before the commands can be carried out, each once, in order."""
    found = (_look(command, words, shown, setting) for command in commands for words in _words(command))
    return tuple(dict.fromkeys(look for look in found if look is not None))


def spread(
    commands: Sequence[Command], shown: Sequence[str], seen: Mapping[ListTasks, Sequence[str]], setting: Setting
) -> tuple[Command, ...]:
    """The commands with ids in place of words for several tasks. `shown` and `seen` hold global ids of tasks.

    A command about tasks of which there are none is left out.
    """
    spread_out: list[Command] = []
    for command in commands:
        ids = [_ids(command, words, shown, seen, setting) for words in _words(command)]
        if isinstance(command, Complete | Reopen | Delete | Update):
            found = ids[0] if ids else None
            spread_out.extend([command] if found is None else [replace(command, target=one) for one in found])
        elif isinstance(command, Reschedule | Categorize):
            pairs = zip(command.targets, ids, strict=True)
            named = tuple(one for words, found in pairs for one in ([words] if found is None else found))
            spread_out.extend([replace(command, targets=named)] if named else [])
        else:
            spread_out.append(command)
    return tuple(spread_out)


def _words(command: Command) -> tuple[str, ...]:
    match command:
        case Complete(target=target) | Reopen(target=target) | Delete(target=target) | Update(target=target):
            return (target,)
        case Reschedule(targets=several) | Categorize(targets=several):
            return several
        case _:
            return ()


def _ids(
    command: Command,
    words: str,
    shown: Sequence[str],
    seen: Mapping[ListTasks, Sequence[str]],
    setting: Setting,
) -> Sequence[str] | None:
    """The tasks that the words mean where they mean several; None where they are for the server to read."""
    if shown and (places := targets.places(words, len(shown))) is not None:
        return [shown[place - 1] for place in places][:AT_MOST]
    look = _look(command, words, shown, setting)
    return None if look is None else seen.get(look, ())[:AT_MOST]


def _look(command: Command, words: str, shown: Sequence[str], setting: Setting) -> ListTasks | None:
    if shown and targets.places(words, len(shown)) is not None:
        return None
    look = selection(words, setting)
    if look is None:
        return None
    if isinstance(command, Reopen):
        return replace(look, status="completed")
    return replace(look, status="open") if isinstance(command, Complete) else look
