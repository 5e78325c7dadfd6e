"""Which task is meant: places in the list shown, titles, and never a guess between two."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.interpreter.targets import Ambiguous, Candidate, Found, Match, NotFound, match, position, within


def ids(*numbers: int) -> tuple[UUID, ...]:
    return tuple(UUID(int=n) for n in numbers)


TASKS = [
    Candidate(UUID(int=1), "Buy milk", False),
    Candidate(UUID(int=2), "Call mom", False),
    Candidate(UUID(int=3), "Remember to call dad", False),
    Candidate(UUID(int=4), "milk", False),
    Candidate(UUID(int=5), "Dentist appointment", False),
    Candidate(UUID(int=6), "The Quarterly  Report!", True),
    Candidate(UUID(int=7), "First aid kit", False),
    Candidate(UUID(int=8), "🎉", False),
]
SHOWN = ids(2, 5, 1)


def found(number: int) -> Match:
    return Found(UUID(int=number))


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("the second one", 5),
        ("2", 5),
        ("#2", 5),
        ("number 3", 1),
        ("no. 1", 2),
        ("the first", 2),
        ("The 3rd task", 1),
        ("task 2", 5),
        ("the last one", 1),
        ("last", 1),
        ("the second one.", 5),
    ],
)
def test_a_place_is_of_the_list_last_shown(words: str, number: int) -> None:
    assert match(words, TASKS, SHOWN) == found(number)


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("milk", 4),
        ("the milk", 4),
        ("BUY  MILK", 1),
        ("“buy milk”", 1),
        ("quarterly report", 6),
        ("dentist", 5),
        ("the dentist's appointment", 5),
        ("dentst appointment", 5),
        ("apointment", 5),
        ("first aid kit", 7),
        ("aid", 7),
        ("dent", 5),
        ("call mom", 2),
        ("🎉", 8),
    ],
)
def test_a_title_is_found_exactly_then_by_words_then_nearly(words: str, number: int) -> None:
    assert match(words, TASKS, ()) == found(number)


@pytest.mark.parametrize("words", ["7", "the ninth one", "number 99", "0", "butter", "mulk", "cat", "", "...", "the"])
def test_what_fits_nothing_is_not_found(words: str) -> None:
    assert match(words, TASKS, SHOWN) == NotFound()


def test_two_that_fit_equally_are_never_guessed_between() -> None:
    assert match("call", TASKS, ()) == Ambiguous(ids(2, 3))
    twins = [Candidate(UUID(int=1), "Milk", False), Candidate(UUID(int=2), "milk", True)]
    assert match("milk", twins, ()) == Ambiguous(ids(1, 2))
    assert match("milk", twins, (), prefer_open=True) == found(1)


def test_open_tasks_win_only_at_equal_rank() -> None:
    tasks = [Candidate(UUID(int=1), "milk", True), Candidate(UUID(int=2), "oat milk", False)]
    assert match("milk", tasks, (), prefer_open=True) == found(1)


def test_a_number_that_is_also_a_title_is_ambiguous() -> None:
    tasks = [*TASKS, Candidate(UUID(int=9), "2", False)]
    assert match("2", tasks, SHOWN) == Ambiguous(ids(5, 9))
    assert match("2", tasks, ()) == found(9)


def test_it_is_the_only_task_shown() -> None:
    assert match("it", TASKS, ids(5)) == found(5)
    assert match("that one", TASKS, ids(5)) == found(5)
    assert match("it", TASKS, SHOWN) == Ambiguous(SHOWN)
    assert match("it", TASKS, ()) == NotFound()


def test_accents_and_other_scripts_are_compared_by_their_letters() -> None:
    tasks = [Candidate(UUID(int=1), "Cafe\u0301 buchen", False), Candidate(UUID(int=2), "牛乳を買う", False)]
    assert match("café buchen", tasks, ()) == found(1)
    assert match("牛乳を買う", tasks, ()) == found(2)


def test_a_place_is_read_only_from_words_that_are_nothing_else() -> None:
    assert position("the second one", 5) == 2
    assert position("last", 5) == 5
    assert position("second hand shop", 5) is None
    assert position("buy 2", 5) is None


def test_an_edit_is_an_insertion_a_deletion_a_change_or_a_swap() -> None:
    assert within("dentist", "dentits", 1)
    assert within("dentist", "dentst", 1)
    assert not within("dentist", "dense", 1)
    assert not within("cat", "cut", 0)


def _distance(left: str, right: str) -> int:
    """The definition, without the bounds that make it quick."""
    found: dict[tuple[int, int], int] = {}
    for i in range(len(left) + 1):
        for j in range(len(right) + 1):
            costs = [i + j] if not i or not j else []
            if i and j:
                costs += [found[i - 1, j] + 1, found[i, j - 1] + 1]
                costs.append(found[i - 1, j - 1] + (left[i - 1] != right[j - 1]))
            if i > 1 and j > 1 and left[i - 2 : i] == right[j - 2 : j][::-1]:
                costs.append(found[i - 2, j - 2] + 1)
            found[i, j] = min(costs)
    return found[len(left), len(right)]


_WORDS = st.text("abc", max_size=9)


@given(_WORDS, _WORDS, st.integers(0, 5))
def test_nearness_is_the_edit_distance(left: str, right: str, limit: int) -> None:
    assert within(left, right, limit) == (_distance(left, right) <= limit)


def test_long_titles_are_not_searched_for_misprints() -> None:
    """A thousand of them compared letter by letter would hold up everybody: this would hang, not fail."""
    many = [Candidate(UUID(int=n), "ab" * 240 + str(n), False) for n in range(1, 1000)]
    assert match("ba" * 240, many, ()) == NotFound()
    assert match("ab" * 240 + "7", many, ()) == Found(UUID(int=7))
