"""Commands about several tasks made ones about each: places of the list last shown, or what a look at the tasks finds.

A look is a call of list_tasks of its own, in a round before; what it found is then named by ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from assistant.interpreter.commands import (
    Add,
    Categorize,
    Command,
    Complete,
    Delete,
    ListTasks,
    Reopen,
    Reschedule,
    Setting,
    Skip,
    Snooze,
    Update,
    intent_of,
    selections,
)
from assistant.interpreter.referring import Referents
from assistant.interpreter.targets import IT

_EVERYTHING = frozenset({"all", "it all", "all of it"})
AT_MOST = 50
"""Tasks that one command changes."""


def looks(commands: Sequence[Command], known: Referents, setting: Setting) -> tuple[ListTasks, ...]:
    """What must be looked up before the commands can be carried out, each once, in order."""
    found = (
        look for command in commands for words in _words(command) for look in _looks(command, words, known, setting)
    )
    labels = (_with_label(one.into[1]) for one in commands if isinstance(one, Add) and one.into)
    return tuple(dict.fromkeys((*found, *labels)))


def spread(
    commands: Sequence[Command], known: Referents, seen: Mapping[ListTasks, Sequence[str]], setting: Setting
) -> tuple[Command, ...]:
    """The commands with ids in place of words for several tasks, and for places. `seen` holds global ids of tasks.

    A command about tasks of which there are none is left out.
    """
    spread_out: list[Command] = []
    for command in commands:
        first = not any(intent_of([before]) != "none" for before in spread_out)  # else "it" is what was just spoken of
        ids = [_ids(command, words, known, seen, setting, it=first) for words in _words(command)]
        if isinstance(command, Complete | Reopen | Delete | Update | Skip):
            if _only_added(spread_out) and known.means_latest(command.target):
                command = replace(command, target="it")  # "add eggs and mark them as urgent"
            found = ids[0] if ids else None
            spread_out.extend([command] if found is None else [replace(command, target=one) for one in found])
        elif isinstance(command, Snooze):
            spread_out.append(replace(command, target=ids[0][0]) if ids and ids[0] else command)
        elif isinstance(command, Reschedule | Categorize):
            pairs = zip(command.targets, ids, strict=True)
            named = tuple(one for words, found in pairs for one in ([words] if found is None else found))
            spread_out.extend([replace(command, targets=named)] if named else [])
        elif isinstance(command, Add):
            spread_out.append(_labelled(command, seen))
        else:
            spread_out.append(command)
    return tuple(spread_out)


def _only_added(before: Sequence[Command]) -> bool:
    """Whether the message has so far added one task and done nothing else."""
    return len(before) == 1 and isinstance(before[0], Add)


def _with_label(name: str) -> ListTasks:
    return ListTasks(status="all", label=name)


def _labelled(command: Add, seen: Mapping[ListTasks, Sequence[str]]) -> Add:
    """ "milk to party" is milk for the party where there is such a label; otherwise a title."""
    if command.into is None or not seen.get(_with_label(command.into[1])):
        return command
    title, label = command.into
    return replace(command, title=title, labels=(*command.labels, label))


def _words(command: Command) -> tuple[str, ...]:
    match command:
        case Complete(target=target) | Reopen(target=target) | Delete(target=target) | Update(target=target):
            return (target,)
        case Skip(target=target) | Snooze(target=str(target)):
            return (target,)
        case Reschedule(targets=several) | Categorize(targets=several):
            return several
        case _:
            return ()


def _ids(
    command: Command,
    words: str,
    known: Referents,
    seen: Mapping[ListTasks, Sequence[str]],
    setting: Setting,
    *,
    it: bool,
) -> Sequence[str] | None:
    """The tasks that the words mean where they mean several, or one by its place; None where the server is to read."""
    if (several := known.places(words)) is not None:
        return several[:AT_MOST] if it or not known.means_latest(words) else None
    if (it or words.casefold() not in IT) and (one := known.one(words)) is not None:
        return [one]
    possible = _looks(command, words, known, setting)
    if not possible:
        return None
    return next((found for look in possible if (found := seen.get(look, ()))), ())[:AT_MOST]


def _looks(command: Command, words: str, known: Referents, setting: Setting) -> tuple[ListTasks, ...]:
    """What finds the tasks that the words mean; the first that finds any is meant. None where they name one task."""
    if known.places(words) is not None or isinstance(command, Skip | Snooze):
        return ()
    found = (ListTasks(),) if words.casefold() in _EVERYTHING else selections(words, setting)
    if isinstance(command, Reopen):
        return tuple(replace(look, status="completed") for look in found)
    return tuple(replace(look, status="open") for look in found) if isinstance(command, Complete) else found
