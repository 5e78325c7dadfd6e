"""Classes of words that the model sees beside the words themselves, so that it knows "erase" from "delete".

This is data for one language; another has a table and trained weights of its own.
"""

from __future__ import annotations

_CLASSES = {
    "ADD": "add put create make set schedule insert include append write note jot enter start new book record log save"
    " place need want",
    "REMIND": "remind reminder reminders reminded alert alerts notify notification notifications nudge buzz poke"
    " remember forget notice notices ping",
    "DELETE": "delete remove erase clear cancel trash wipe drop scrap clean empty discard rid eliminate off unschedule",
    "CHANGE": "move push shift reschedule postpone snooze delay defer rename change update edit modify bump",
    "DONE": "done complete completed finished finish check tick cross mark",
    "SHOW": "show list tell read what what's whats which give see view display hear check recite when how many any do"
    " does did have am is are",
    "TASK": "task tasks todo todos to-do item items chore chores errand errands thing things stuff",
    "LIST": "list lists",
    "CALENDAR": "calendar calender schedule agenda planner diary",
    "EVENT": "meeting meetings appointment appointments event events birthday party lunch dinner anniversary conference"
    " interview class visit date plans",
    "ELSEWHERE": "song songs music playlist radio podcast podcasts play weather temperature rain light lights volume"
    " news email emails mail recipe recipes train trains flight flights bus traffic joke jokes restaurant restaurants"
    " stock stocks price exchange rate currency card account bank credit balance language name accent time timezone"
    " movie movies audiobook alarm timer phone facebook twitter tweet contact contacts",
    "DAY": "today tonight tomorrow yesterday monday tuesday wednesday thursday friday saturday sunday january february"
    " march april may june july august september october november december noon midnight morning afternoon evening week"
    " weekend month year day pm am 0 0th",
}


def _table() -> dict[str, str]:
    """Each word's first class."""
    table: dict[str, str] = {}
    for name, line in _CLASSES.items():
        for word in line.split():
            table.setdefault(word, name)
    return table


CLASS_OF = _table()
