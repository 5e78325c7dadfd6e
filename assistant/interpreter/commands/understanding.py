"""From a message to commands: clause by clause, each read by the first part of the grammar that knows it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from assistant.interpreter.commands import vocabulary as v
from assistant.interpreter.commands.adding import bullets, is_asked_of_somebody
from assistant.interpreter.commands.answers import read_answer
from assistant.interpreter.commands.arranging import arranging
from assistant.interpreter.commands.clauses import clauses, forbids, read
from assistant.interpreter.commands.correcting import correcting
from assistant.interpreter.commands.follow_ups import (
    ALL_RIGHT,
    ASK_CHANGE,
    ASK_TARGET,
    ASK_TITLE,
    FAREWELL,
    NOTHING_WAITS,
    answered_plainly,
    ask_meant,
    meant,
    not_yet,
)
from assistant.interpreter.commands.guessing import (
    added_words,
    guessed_add,
    guessed_list,
    guessed_target,
    looks_like_a_task,
)
from assistant.interpreter.commands.housekeeping import housekeeping
from assistant.interpreter.commands.judging import ACTS_AT, Verdict, judge
from assistant.interpreter.commands.kinds import (
    Add,
    Categorize,
    Command,
    Complete,
    Delete,
    Greet,
    Help,
    Keep,
    ListTasks,
    NeverMind,
    Nothing,
    Reopen,
    Reschedule,
    Search,
    Skip,
    Snooze,
    Thanks,
    Understanding,
    Update,
    intent_of,
)
from assistant.interpreter.commands.past import was_done
from assistant.interpreter.commands.text import plain, spelt_out, unwrap
from assistant.interpreter.commands.titles import Setting
from assistant.interpreter.commands.undoing import starts_undoing

_ADDS = re.compile(r"add\s", re.I)
_NEED = re.compile(r"\W*(?:i|we)(?:'ve)?\s+(?:have|need|got|must|should|ought|gotta)\b", re.I)
_IT = frozenset({"it", "that", "that one", "this"})
GUESSED_FROM, GUESSED_TO = 2, 40
"""Words that a clause has of which the model alone may make anything."""
GUESSED_AT = 0.5
"""How likely that must be where it changes tasks."""
TOLD_AT_MOST, MERE_TALK = 7, 0.9
"""Words of what was done that are asked about, and how sure the model is where they aren't."""
NOT_ASKED = 0.5
"""How sure it is of having been asked nothing: a person may have meant something."""


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
        commands = read(confirmed, setting) or (Nothing(),)
        return Understanding(commands, 1.0, _entities(commands), intent_of(commands))
    if social := _social(text) or _answer(text, last_question):
        return Understanding((social,), 1.0)
    if text.endswith("?") and setting.is_due(text.rstrip(" ?")):
        return Understanding((ListTasks(text.rstrip(" ?")),), 0.8, (), "list")
    if corrected := correcting(text, setting):
        return Understanding((corrected,), 0.8, (), "update")
    if arranged := arranging(text, lambda clause: read(clause, setting) or ()):
        return Understanding(arranged, 0.9, _entities(arranged), intent_of(arranged))
    if kept := housekeeping(text):
        return Understanding((kept,), 0.9, _entities((kept,)), intent_of((kept,)))
    if listed := bullets(text, setting):
        return Understanding(listed, 0.8, _entities(listed), "add")
    plainly = answered_plainly(text, last_question, setting)
    understanding = _read_all(text, setting, guess=not plainly)
    if plainly and understanding.intent == "none":
        return Understanding(plainly, 0.7, _entities(plainly), intent_of(plainly))
    return understanding


def _unread(clause: str, verdict: Verdict, setting: Setting) -> tuple[tuple[Command, ...], Verdict]:
    """What the model makes of a clause. What only looks like a thing to do is offered and not taken for asked, and what
    is forbidden is neither: the model sees the words, and not the "not"."""
    if forbids(unwrap(clause)):
        return (Nothing(),), Verdict("none", 1.0)
    if musing := v.MUSING.match(unwrap(clause)):
        return _only_thought_of(musing["words"], setting), Verdict("none", 1.0)
    if starts_undoing(unwrap(clause)) and verdict.kind != "none":
        return (Nothing(question=ask_meant("undo")),), Verdict("undo", NOT_ASKED)
    if (done := _told_of(unwrap(clause), verdict)) is not None:
        return (Nothing(question=ask_meant(f"complete {done}")),), Verdict("complete", NOT_ASKED)
    guessed = (Nothing(),) if verdict.kind == "none" else _guessed(clause, verdict, setting)
    if guessed == (Nothing(),) and looks_like_a_task(unwrap(clause)):
        return (Nothing(question=ask_meant(added_words(unwrap(clause)))),), Verdict("none", NOT_ASKED)
    return guessed, verdict


def _told_of(clause: str, verdict: Verdict) -> str | None:
    """The task that "I paid the rent" may be about, unless the model is sure that it is mere talk."""
    done = was_done(clause) if len(clause.split()) <= TOLD_AT_MOST and not clause.endswith("?") else None
    sure = verdict.kind not in ("none", "complete", "list") or (
        verdict.kind == "none" and verdict.probability > MERE_TALK
    )
    return None if sure or v.OTHER_WORLDS.search(clause) else done


def _only_thought_of(words: str, setting: Setting) -> tuple[Command, ...]:
    """ "I might add tea": nothing is done, and how to have it done is said."""
    found = read(words, setting)
    ours = found is not None and not isinstance(found[0], Nothing) and len(words.split()) <= GUESSED_TO
    return (Nothing(question=not_yet(words)),) if ours else (Nothing(),)


def _guessed(text: str, verdict: Verdict, setting: Setting) -> tuple[Command, ...]:
    """What the model alone takes for a command: done where that harms nothing and is likely, else asked about."""
    clause = unwrap(text)
    if not GUESSED_FROM <= len(clause.split()) <= GUESSED_TO or v.ARITHMETIC.match(clause):
        return (Nothing(),)
    if verdict.kind != "list" and (verdict.probability < GUESSED_AT or v.QUESTION.match(clause)):
        return (Nothing(),)
    match verdict.kind:
        case "list":
            return (guessed_list(clause, setting),)
        case "add" if is_asked_of_somebody(clause):
            return (Nothing(),)
        case "add":
            made = guessed_add(clause, setting)
            if not made:
                return (Nothing(question=ASK_TITLE),)
            likely = verdict.probability >= ACTS_AT and not looks_like_a_task(clause)
            return made if likely else (Nothing(question=ask_meant(added_words(clause))),)
        case "update":
            return (Nothing(question=ASK_CHANGE),)
        case kind:
            aim = guessed_target(clause, kind, setting)
            return (Nothing(question=ask_meant(f"{kind} {aim}") if aim else ASK_TARGET[kind]),)


def _social(text: str) -> Command | None:
    """Greetings, thanks and calls for help that are the whole message."""
    whole = spelt_out(" ".join(re.sub(r"[.!?,:;)(]+", " ", text).split()) or text)
    farewell = Nothing(question=FAREWELL)
    for pattern, command in (
        (v.GREETINGS, Greet()), (v.THANKS, Thanks()), (v.HELP, Help()), (v.FAREWELLS, farewell)
    ):  # fmt: skip
        if pattern.fullmatch(whole):
            return command
    if v.HEARD.fullmatch(whole) and read_answer(text) is None:
        return Nothing(question=ALL_RIGHT)
    inner = unwrap(whole)
    return Help() if v.HELP.fullmatch(inner) else Thanks() if v.THANKS.fullmatch(inner) else None


def _answer(text: str, last_question: str | None) -> Command | None:
    """A yes or a no that is the whole message, where a question stood before it; "never mind" needs none."""
    if v.NEVER_MIND.fullmatch(unwrap(text)):
        return NeverMind()
    yes = read_answer(text)
    if yes is None or (last_question is None and not yes):
        return None
    if yes:
        if last_question is None:
            return Nothing(question=NOTHING_WAITS)
        return Nothing(question=ASK_TITLE if ASK_TITLE in last_question else None)
    return NeverMind()


def _read_all(text: str, setting: Setting, *, guess: bool) -> Understanding:
    """The clauses read one by one. A clause that asks for nothing is passed over; alone it is `Nothing`.

    `guess`: one that the grammar can't read may still be what the model takes it for.
    """
    commands: list[Command] = []
    verdicts: list[Verdict] = []
    parts = clauses(text, setting)
    for clause in parts:
        found = read(clause, setting)
        if found is None and (len(parts) > 1 or not guess):
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


def _weighed(clause: str, found: tuple[Command, ...] | None, setting: Setting) -> tuple[tuple[Command, ...], Verdict]:
    """What the grammar read, where the model doesn't speak against it; what the model alone saw, or a question."""
    kind = "none" if found is None else intent_of(found)
    if found and kind == "none":
        kind = "add"  # it asks what to add
    if kind == "undo":
        return found or (), Verdict(kind, 1.0)
    if found and all(_grammar_alone_knows(command) for command in found) and not v.OTHER_WORLDS.search(clause):
        return found, Verdict(kind, 0.9)
    verdict = judge(unwrap(clause), kind)
    if found is None:
        return _unread(clause, verdict, setting)
    if verdict.kind == "none":
        return _perhaps(clause, found, verdict), verdict
    if verdict.kind != kind and verdict.kind in ("add", "list"):
        return _guessed(clause, verdict, setting), verdict
    return found, Verdict(kind, verdict.probability)


def _perhaps(clause: str, found: tuple[Command, ...], verdict: Verdict) -> tuple[Command, ...]:
    """What was read, asked about where it adds something by a day and the model isn't sure that it is mere talk, and
    where it begins with "add": that may well mean this list, whatever else it could be added to."""
    words = unwrap(clause)
    adds = all(isinstance(one, Add) for one in found) and _ADDS.match(words)
    dated = _NEED.match(clause) and all(isinstance(one, Add) and one.due for one in found)
    asks = adds or (dated and verdict.probability < 0.8)
    return (Nothing(question=ask_meant(added_words(words)) if asks else None),)


def _grammar_alone_knows(command: Command) -> bool:
    """Whether only the grammar knows of it: the model has seen nobody skip, snooze or repeat a task, or ask what was
    done."""
    if isinstance(command, ListTasks):
        return command.status == "completed"
    if isinstance(command, Update):
        return command.recurrence is not None or command.remind is not None
    return isinstance(command, Skip | Snooze)


def _joined(commands: Sequence[Command]) -> tuple[Command, ...]:
    """ "Find the milk and delete it": what was looked for is what the next command is about."""
    joined: list[Command] = []
    for command in commands:
        before = joined[-1] if joined else None
        about = isinstance(command, Complete | Reopen | Delete | Update) and command.target.lower() in _IT
        if isinstance(before, Search) and isinstance(command, Complete | Reopen | Delete | Update) and about:
            joined[-1] = replace(command, target=before.query)
        else:
            joined.append(command)
    return tuple(joined)


def _entities(commands: tuple[Command, ...]) -> tuple[Mapping[str, object], ...]:
    found: list[Mapping[str, object]] = []

    def note(kind: str, *texts: str | None, value: object = None) -> None:
        found.extend({"kind": kind, "text": text, "value": value or text} for text in texts if text)

    for command in commands:
        match command:
            case Add(title, due, priority, labels, remind):
                note("title", title)
                note("due", due)
                note("remind", remind)
                note("priority", priority)
                note("label", *labels)
            case Update(target, title, _, priority, recurrence, remind):
                note("target", target)
                note("title", title)
                note("recurrence", recurrence)
                note("remind", remind)
                note("priority", priority)
            case Reschedule(targets, due):
                note("target", *targets)
                note("due", due)
            case Categorize(targets, added, removed):
                note("target", *targets)
                note("label", *added, *removed)
            case Snooze(until, about):
                note("target", about)
                note("until", until)
            case Complete(target) | Reopen(target) | Skip(target) | Delete(target):
                note("target", target)
            case Search(query):
                note("query", query)
            case Keep(_, arguments):
                note("label", *(str(arguments[name]) for name in ("label", "name") if name in arguments))
            case ListTasks(due, _, label, priority):
                note("due", due)
                note("label", label)
                note("priority", priority)
    return tuple(found)
