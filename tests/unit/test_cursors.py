"""Cursors come back as they went, to their own user and in their own spelling only."""

from __future__ import annotations

import base64
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import DomainError, ErrorCode
from events.cursors import Cursor, decode, encode

CURSOR = Cursor(UUID("6d1f3a52-7c1e-4a86-9d5b-0f8f2f0f6b11"), 1234)


def refused(text: str, user_id: str = "ada") -> bool:
    with pytest.raises(DomainError) as caught:
        decode(text, user_id)
    return caught.value.code is ErrorCode.INVALID and caught.value.field == ("after",)


@given(epoch=st.uuids(), seq=st.integers(0, 2**63 - 1), user_id=st.text(min_size=1).filter(str.isprintable))
def test_a_cursor_comes_back_as_it_went(epoch: UUID, seq: int, user_id: str) -> None:
    assert decode(encode(Cursor(epoch, seq), user_id), user_id) == Cursor(epoch, seq)


def test_another_users_cursor_is_invalid() -> None:
    assert refused(encode(CURSOR, "ada"), "grace")


@pytest.mark.parametrize(
    "text",
    ["", "1234", "A" * 44, "=" * 44, "é" * 44, "A" * 10_000, str(UUID(int=7)), "\x00" * 44, "ab\n" * 14 + "ab"],
)
def test_what_isnt_a_cursor_is_invalid(text: str) -> None:
    assert refused(text)


def test_no_character_of_a_cursor_can_be_changed() -> None:
    good = encode(CURSOR, "ada")
    for place, character in enumerate(good):
        other = "B" if character == "A" else "A"
        assert refused(good[:place] + other + good[place + 1 :])
    assert refused(good + "=")
    assert refused(" " + good)


def test_a_number_that_no_log_reaches_and_an_unknown_version_are_invalid() -> None:
    assert refused(encode(Cursor(CURSOR.epoch, 2**63), "ada"))
    raw = bytearray(base64.urlsafe_b64decode(encode(CURSOR, "ada")))
    raw[0] = 2
    assert refused(base64.urlsafe_b64encode(bytes(raw)).decode())


def test_the_error_names_the_field_it_was_given_in() -> None:
    with pytest.raises(DomainError) as caught:
        decode("no", "ada", field=("input", "after"))
    assert caught.value.field == ("input", "after")


def test_a_cursor_needs_no_escaping_in_a_url() -> None:
    text = encode(Cursor(UUID(int=2**128 - 1), 2**63 - 1), "ada")
    assert len(text) == 44
    assert text.replace("-", "").replace("_", "").isalnum()
