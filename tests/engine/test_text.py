"""Text is read from anything, however it deceives, and every file and page can hold it."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.engine.text import KEPT_TEXT, plain_text, text_of, type_name
from tests.conftest import environment


@given(st.text(st.characters()))
def test_plain_text_can_be_written_and_is_left_as_it_is_if_it_could_be_before(text):
    plain = plain_text(text)
    assert plain.encode().decode() == plain
    try:
        text.encode()
    except UnicodeEncodeError:
        assert "?" in plain
    else:
        assert plain == text


class Lying(type):
    """A type that gives itself another name."""

    __name__ = property(lambda kind: "ValueError")
    __module__ = property(lambda kind: "builtins")


class Liar(Exception, metaclass=Lying):
    pass


def test_a_type_is_named_as_python_made_it_whatever_it_says_of_itself():
    assert type_name(ValueError) == "ValueError"
    assert type_name(Liar).endswith("Liar")
    assert len(type_name(type("x" * 1000, (), {}))) == 100


def failing(error):
    class Failing(Exception):
        def __str__(self):
            raise error

    return Failing()


class Deceptive(str):
    """A text that fails whoever uses it."""

    def __getitem__(self, index):
        raise RuntimeError

    isascii = encode = __str__ = __getitem__


class Spoken(Exception):
    def __str__(self):
        return Deceptive("as it stands")


class NoText(Exception):
    __str__ = None


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("why"), "why"),
        (ValueError("\ud800"), "?"),
        (ValueError("x" * 10_000), "x" * KEPT_TEXT),
        (Spoken(), "as it stands"),
        (failing(ValueError()), "(its text cannot be read: ValueError)"),
        (failing(KeyboardInterrupt()), "(its text cannot be read: KeyboardInterrupt)"),
        (failing(SystemExit()), "(its text cannot be read: SystemExit)"),
        (NoText(), "(its text cannot be read: TypeError)"),
    ],
)
def test_the_text_of_an_exception_is_read_whatever_its_class_does(error, text):
    assert text_of(error) == text


def test_what_has_no_torch_can_use_it():
    source = "import sys, grader.engine.text; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", source], env=environment(), check=True, timeout=300)
