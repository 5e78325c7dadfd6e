"""From a message to commands: clause by clause, each read by the first part of the grammar that knows it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import zip_longest

from assistant.interpreter.commands import vocabulary as v
from assistant.interpreter.commands.adding import adding, bullets
from assistant.interpreter.commands.answers import read_answer
from assistant.interpreter.commands.asking import listing, searching
from assistant.interpreter.commands.follow_ups import ASK_CHANGE, ASK_TARGET, ASK_TITLE, answered_plainly, ask_meant, meant
from assistant.interpreter.commands.guessing import guessed_add, guessed_list, guessed_target
from assistant.interpreter.commands.judging import ACTS_AT, Verdict, judge
from assistant.interpreter.commands.kinds import (
    Add,
    Categorize,
    Command,
    Complete,
    Delete,
    Greet,
    Help,
    ListTasks,
    NeverMind,
    Nothing,
    Reopen,
    Reschedule,
    Search,
    Thanks,
    Understanding,
    Undo,
    Update,
)
from assistant.interpreter.commands.managing import MANAGING
from assistant.interpreter.commands.reminders import dropping, reminding
from assistant.interpreter.commands.text import plain, unwrap
from assistant.interpreter.commands.titles import Setting
from assistant.interpreter.commands.undoing import undoing

__all__ = ["ASK_TITLE", "understand"]

_IT = frozenset({"it", "that", "that one", "this"})
GUESSED_FROM = 2
"""Words that a clause needs for the model alone to make anything of it."""
NOT_ASKED = 0.5
"""How sure it is of having been asked nothing: a person may have meant something."""

_READERS = (dropping, reminding, *MANAGING[:2], listing, *MANAGING[2:], searching, adding)
_INTENTS: Mapping[type[Command], str] = {
    Add: "add", ListTasks: "list", Search: "list", Update: "update", Reopen: "update", Reschedule: "update",
    Categorize: "update", Complete: "complete", Delete: "delete", Undo: "undo",
}  # fmt: skip
_SPLIT = re.compile(
    rf"(?P<strong>\s*;\s*|[.!?]\s+|\s*,\s*(?:and\s+)?(?:then\s+|also\s+)|\s+and\s+(?:then|also)\s+|\s*,\s*and\s+"
    rf"|\n+|\s+then\s+|\s*,\s*)"
    rf"(?=(?:please\s+|also\s+|then\s+)?(?:{v.COMMAND_VERBS})\b)"
    rf"|(?P<weak>\s+and\s+)(?=(?:please\s+)?(?:{v.COMMAND_VERBS})\b)",
    re.I,
)
_HYPOTHETICAL = re.compile(
    r"(?:if|unless|in case|once|as soon as|whenever|when (?!is\b|are\b|do\b|does\b|did\b)"
    r"|how (?:do|can|would|should|to|does)|why|who|whose|should i (?:add|delete|remove)|what (?:would|does|if"
    r"|happens)|is it possible|did you|have you"
    r"|do you (?:know|think|like|want)|don't (?:add|delete|remove|create|mark|move|change|rename|complete)"
    r"|do not (?:add|delete|remove|create|mark|move|change))\b",
    re.I,
)
_SENTENCE_END = re.compile(r"[.!?;\n]")
_INFINITIVE = re.compile(r"\b(?:remind|need|have|forget|remember|reminder|task)\b", re.I)


def understand(
    text: str, *, now: datetime, time_zone: str, locale: str = "en", last_question: str | None = None
) -> Understanding:
    """The commands of a message, in the order said. `now` is aware, `time_zone` an IANA name.

    `last_question` is what the assistant asked just before, if anything: after `ASK_TITLE` plain words are titles.
    """
    setting = Setting(now, time_zone, locale)
    text = plain(text).strip()
    confirmed = meant(last_question)
    if confirmed and (text == confirmed or read_answer(text)):
        commands = _read(confirmed, setting) or (Nothing(),)
        return Understanding(commands, 1.0, _entities(commands), intent_of(commands))
    if social := _social(text) or _answer(text, last_question):
        return Understanding((social,), 1.0)
    if listed := bullets(text, setting):
        return Understanding(listed, 0.8, _entities(listed), "add")
    understanding = _read_all(text, setting)
    if understanding.commands == (Nothing(),) and (plainly := answered_plainly(text, last_question, setting)):
        understanding = Understanding(plainly, 0.7, _entities(plainly), intent_of(plainly))
    return understanding


def intent_of(commands: Sequence[Command]) -> str:
    """The first thing that is asked for, as the model names kinds; "undo" besides, and "none"."""
    kinds = (_INTENTS.get(type(command), "none") for command in commands)
    return next((kind for kind in kinds if kind != "none"), "none")


def _guessed(text: str, verdict: Verdict, setting: Setting) -> tuple[Command, ...]:
    """What the model alone takes for a command: done where that harms nothing and is likely, else asked about."""
    clause = unwrap(text)
    if len(clause.split()) < GUESSED_FROM:
        return (Nothing(),)
    match verdict.kind:
        case "list":
            return (guessed_list(clause, setting),)
        case "add":
            made = guessed_add(clause, setting)
            if not made:
                return (Nothing(question=ASK_TITLE),)
            return made if verdict.probability >= ACTS_AT else (Nothing(question=ask_meant(f"add {made[0].title}")),)
        case "update":
            return (Nothing(question=ASK_CHANGE),)
        case kind:
            aim = guessed_target(clause, kind, setting)
            return (Nothing(question=ask_meant(f"{kind} {aim.target}") if aim else ASK_TARGET[kind]),)


def _social(text: str) -> Command | None:
    """Greetings, thanks and calls for help that are the whole message."""
    whole = " ".join(re.sub(r"[.!?,:;)(]+", " ", text).split()) or text
    for pattern, command in ((v.GREETINGS, Greet()), (v.THANKS, Thanks()), (v.HELP, Help())):
        if pattern.fullmatch(whole):
            return command
    inner = unwrap(whole)
    return Help() if v.HELP.fullmatch(inner) else Thanks() if v.THANKS.fullmatch(inner) else None


def _answer(text: str, last_question: str | None) -> Command | None:
    """A yes or a no that is the whole message, where a question stood before it; "never mind" needs none."""
    if v.NEVER_MIND.fullmatch(unwrap(text)):
        return NeverMind()
    if last_question is None or (yes := read_answer(text)) is None:
        return None
    if yes:
        return Nothing(question=ASK_TITLE if ASK_TITLE in last_question else None)
    return NeverMind()


def _read_all(text: str, setting: Setting) -> Understanding:
    """The clauses read one by one. A clause that asks for nothing is passed over; alone it is `Nothing`."""
    commands: list[Command] = []
    verdicts: list[Verdict] = []
    clauses = _clauses(text, setting)
    for clause in clauses:
        found = _read(clause, setting)
        if found is None and len(clauses) > 1:
            continue
        made, verdict = _weighed(clause, found, setting)
        if made != (Nothing(),):
            commands.extend(made)
            verdicts.append(verdict)
    if not commands:
        return Understanding((Nothing(),), NOT_ASKED)
    found_all = _joined(commands)
    intent = intent_of(found_all)
    likely = min(verdict.probability for verdict in verdicts)
    return Understanding(found_all, likely, _entities(found_all), verdicts[0].kind if intent == "none" else intent)


def _weighed(
    clause: str, found: tuple[Command, ...] | None, setting: Setting
) -> tuple[tuple[Command, ...], Verdict]:
    """What the grammar read, where the model doesn't speak against it; what the model alone saw, or a question."""
    read = "none" if found is None else intent_of(found)
    if found and read == "none":
        read = "add"  # it asks what to add
    if read == "undo":
        return found or (), Verdict(read, 1.0)
    verdict = judge(unwrap(clause), read)
    if verdict.kind == "none":
        return (Nothing(),), verdict
    if found is None:
        return _guessed(clause, verdict, setting), verdict
    if verdict.kind != read and verdict.kind in ("add", "list"):
        return _guessed(clause, verdict, setting), verdict
    return found, Verdict(read, verdict.probability)


def _joined(commands: Sequence[Command]) -> tuple[Command, ...]:
    """ "Find the milk and delete it": what was looked for is what the next command is about."""
    joined: list[Command] = []
    for command in commands:
        before = joined[-1] if joined else None
        if isinstance(before, Search) and isinstance(command, Complete | Reopen | Delete | Update):
            if command.target.lower() in _IT:
                joined[-1] = replace(command, target=before.query)
                continue
        joined.append(command)
    return tuple(joined)


def _clauses(text: str, setting: Setting) -> list[str]:
    """The text cut where what follows is a command of its own. One pass: a message may hold hundreds of clauses."""
    clauses: list[str] = []
    start, readable = 0, True
    cuts = [m for m in _SPLIT.finditer(text) if not _inside_quotes(text, m.start())]
    for m, following in zip_longest(cuts, cuts[1:]):
        if not _is_command(text[m.end() : following.start() if following else len(text)], setting):
            continue
        head = text[start : m.start()]
        if _HYPOTHETICAL.match(unwrap(head)) and not _SENTENCE_END.search(m[0]):
            continue  # "if it rains, delete the picnic" asks for nothing now
        if m["weak"]:
            # "remind me to wash and remove the covers" is one thing to do
            readable = readable and not _INFINITIVE.search(head) and _read(head, setting) is not None
            if not readable:
                continue
        clauses.append(head)
        start, readable = m.end(), True
    return [*clauses, text[start:]]


def _is_command(clause: str, setting: Setting) -> bool:
    found = _read(clause, setting)
    return found is not None and not any(isinstance(c, Nothing) for c in found)


def _inside_quotes(text: str, place: int) -> bool:
    return text[:place].count('"') % 2 == 1


def _read(clause: str, setting: Setting) -> tuple[Command, ...] | None:
    clause = unwrap(clause)
    if not clause or _HYPOTHETICAL.match(clause):
        return None
    if found := undoing(clause):
        return found
    if re.match(r"(?:never ?mind|undo|revert)\b", clause, re.I):
        return None
    for reader in _READERS:
        if found := reader(clause, setting):
            return found
    return None


def _entities(commands: tuple[Command, ...]) -> tuple[Mapping[str, object], ...]:
    found: list[Mapping[str, object]] = []

    def note(kind: str, *texts: str | None, value: object = None) -> None:
        found.extend({"kind": kind, "text": text, "value": value or text} for text in texts if text)

    for command in commands:
        match command:
            case Add(title, due, priority, labels):
                note("title", title)
                note("due", due)
                note("priority", priority)
                note("label", *labels)
            case Update(target, title, _, priority):
                note("target", target)
                note("title", title)
                note("priority", priority)
            case Reschedule(targets, due):
                note("target", *targets)
                note("due", due)
            case Categorize(targets, added, removed):
                note("target", *targets)
                note("label", *added, *removed)
            case Complete(target) | Reopen(target) | Delete(target):
                note("target", target)
            case Search(query):
                note("query", query)
            case ListTasks(due, _, label, priority):
                note("due", due)
                note("label", label)
                note("priority", priority)
    return tuple(found)
