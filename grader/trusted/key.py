"""The trusted half of an exercise: the reference answer and the mistakes that have names."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, overload

from grader.engine.refusal import Refusal
from grader.engine.task import Inputs, Task


@dataclass(frozen=True)
class Mistake:
    """A wrong implementation plus the sentence that explains it.

    `function` stands in for the answer's function called `replaces`. Where it raises, an answer
    that raises the same type matches if `raises` (a regular expression) is found in its text.
    """

    code: str
    message: str
    function: Callable[..., Any]
    replaces: str
    raises: str | None = None


@overload
def mistake(function: Callable[..., Any]) -> Any: ...
@overload
def mistake(
    *, replaces: str = "", raises: str | None = None
) -> Callable[[Callable[..., Any]], Any]: ...
def mistake(function: Any = None, *, replaces: str = "", raises: str | None = None) -> Any:
    """Mark a wrong implementation inside a Key; its docstring is what the learner reads."""

    def mark(wrong: Any) -> Any:
        wrong.__mistake__ = (replaces, raises)
        return wrong if isinstance(wrong, type) else staticmethod(wrong)

    return mark if function is None else mark(function)


class Key:
    """The trusted half of the exercise `task`. Subclass it in `grader/keys/`.

    `reference` takes and returns what the learner's function does; an answer of several functions
    has a method named like each of them instead. A task without a single right value defines
    `accepts`, which yields the code of every complaint, each a sentence in `complaints`.
    `sentences` replaces a generic signature's sentence by the exercise's own
    (`{"RATIO.sign": "You forgot that L = 10 - d."}`).
    """

    task: ClassVar[str]
    sentences: ClassVar[dict[str, str]] = {}
    complaints: ClassVar[dict[str, str]] = {}
    accepts: ClassVar[Callable[[Inputs, dict[str, Any]], Iterable[str]] | None] = None

    registry: ClassVar[dict[str, type[Key]]] = {}

    def __init_subclass__(cls) -> None:
        Key.registry[cls.task] = cls

    @classmethod
    def answer(cls, functions: tuple[str, ...]) -> tuple[Callable[..., Any], ...]:
        """The reference for each of the task's functions, in the order the task names them."""
        if len(functions) == 1:
            return (cls.reference,)  # type: ignore[attr-defined]
        return tuple(getattr(cls, name) for name in functions)

    @classmethod
    def mistakes(cls, functions: tuple[str, ...]) -> list[Mistake]:
        """The named mistakes, in the order they are written."""
        found = []
        for name, member in vars(cls).items():
            wrong = member.__func__ if isinstance(member, staticmethod) else member
            if hasattr(wrong, "__mistake__"):
                replaces, raises = wrong.__mistake__
                message = " ".join((wrong.__doc__ or "").split())
                found.append(
                    Mistake(f"{cls.task}.{name}", message, wrong, replaces or functions[0], raises)
                )
        return found


class NoKey(Refusal):
    """An exercise has a task and no key."""


def key_of(task: Task) -> type[Key]:
    """The key of a task: it stands in `grader.keys`, in the module named like the task's.

    Raises NoKey.
    """
    place = type(task).__module__.replace("grader.tasks.", "grader.keys.", 1)
    if place.startswith("grader.keys.") and importlib.util.find_spec(place) is not None:
        importlib.import_module(place)
    if task.id not in Key.registry:
        raise NoKey(
            f"There is no key of {task.id!r} in {place}.",
            f"Write a class with task = {task.id!r} there: `autograd-course prove {task.id}` "
            "says what it needs.",
        )
    return Key.registry[task.id]
