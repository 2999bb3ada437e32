"""Programs that raise, each with what is said of it, where, and the same with its cure."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from grader.errors import EXPLANATIONS, explain_error

NO_CODE = re.compile(r"(?<=[: ])[\w.]+\([\w., ]*\) = |(?<![\w.])\d+\.\d*\.[a-z]\w*\(")
"""What no cure may say: a call that is assigned to, or a method of a number."""


@dataclass(frozen=True)
class Program:
    """A program that raises: the explanation's code, words of it, and the text of its line."""

    raises: Callable[[], Any]
    code: str
    meaning: str
    place: str | None
    cure: str
    cured: Callable[[], Any]

    def is_explained(self):
        """Assert that all of this is said, and that the program with its cure runs."""
        with pytest.raises(Exception) as raised:  # noqa: PT011 - the code says which
            self.raises()
        found = explain_error(raised.value)
        assert found.code == self.code, found
        assert re.search(self.meaning, found.meaning), found
        assert self.cure in found.cure, found
        assert not NO_CODE.search(found.cure), found
        if self.place is not None:
            line = int(re.search(r"line (\d+)", found.place)[1])
            with open(inspect.getsourcefile(inspect.unwrap(self.raises))) as file:
                assert self.place in file.readlines()[line - 1], found
        self.cured()


class Programs(list):
    """The programs of a module, as parameters of its test."""

    def told(self, code, meaning, place, cure, cured):
        """Register a program that raises, what is said of it, the line, and the same cured."""

        def register(function):
            program = Program(function, code, meaning, place, cure, cured)
            self.append(pytest.param(program, id=function.__name__))
            return function

        return register


def cure_of(code):
    """What the text alone advises, by its code."""
    return next(one.cure for one in EXPLANATIONS if one.code == code)


def said_of(program):
    """What is said of a program that raises."""
    with pytest.raises(Exception) as raised:  # noqa: PT011 - the code says which
        program()
    return explain_error(raised.value)
