"""What a learner wrote can be printed: no terminal obeys it, and it keeps to its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.judge.intake.printable import printable, quote

ANY = st.text(st.characters())  # lone surrogates and control characters, too


@given(ANY)
def test_nothing_but_what_shows_is_left_and_all_of_that_is(text):
    plain = printable(text)
    assert plain.isprintable()
    assert len(plain) == len(text)
    assert all(there == c for there, c in zip(plain, text, strict=True) if c.isprintable())


@given(ANY)
def test_lines_are_kept_where_they_are_asked_for(text):
    plain = printable(text, lines=True)
    assert plain.count("\n") == text.count("\n")
    assert plain.replace("\n", "").isprintable()


@given(ANY)
def test_a_quote_is_short_and_stands_on_one_line(text):
    assert quote(text).isprintable()
    assert len(quote(text)) <= 80


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("as it is", "as it is"),
        ("\x1b[31mred\x07", "�[31mred�"),
        ("two\nlines", "two�lines"),
        ("x" * 80, "x" * 80),
        ("x" * 81, "x" * 79 + "…"),
        ("", ""),
    ],
)
def test_a_quote_is_the_text_where_that_can_be_printed(text, shown):
    assert quote(text) == shown
