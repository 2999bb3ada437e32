"""The trusted half of an exercise: the reference answer and the mistakes that have names."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FunctionType
from typing import Any, ClassVar, TypeVar

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


@dataclass(frozen=True)
class Pair:
    """Two mistakes made at once: a wrong implementation, and the sentence of each."""

    name: str
    one: str
    other: str
    function: Callable[..., Any]


@dataclass(frozen=True)
class MadePair:
    """A pair as an exercise has it: its code, both sentences, and what it does."""

    code: str
    one: str
    other: str
    made: Mistake


_Function = TypeVar("_Function", bound=Callable[..., Any])


def raises(pattern: str) -> Callable[[_Function], _Function]:
    """Above a mistake: it raises, and an answer makes it whose error's text the pattern finds."""
    return _noting("raises", pattern)


def replaces(function: str) -> Callable[[_Function], _Function]:
    """Above a mistake in an answer of several functions: the one that it stands in for."""
    return _noting("replaces", function)


def _noting(what: str, value: str) -> Callable[[_Function], _Function]:
    def note(wrong: _Function) -> _Function:
        setattr(wrong, what, value)
        return wrong

    return note


def mistake(
    name: str, sentence: str, wrong: Callable[..., Any], *, raises: str | None = None
) -> Callable[..., Any]:
    """A mistake made by a family: `wrong` under a name, with the sentence a learner reads."""

    @functools.wraps(wrong)
    def made(*given: Any, **named: Any) -> Any:
        return wrong(*given, **named)

    made.__name__, made.__doc__ = name, sentence
    return made if raises is None else _noting("raises", raises)(made)


class Key:
    """The trusted half of the exercise `task`. Subclass it in `grader/keys/`:
    `class TwoPathGradKey(Key, task="two_path_grad")`.

    Its functions take no `self`. `reference` takes and returns what the learner's function does; an
    answer of several functions has a function named like each of them instead. A task without a
    single right value defines `accepts`, which yields the code of every complaint, each a sentence
    in `complaints`. **Every other function is a mistake**: a wrong implementation, whose docstring
    is what the learner reads. It names those of the reference's arguments that it uses, or takes
    all of them as `*given`. `families` are mistakes that siblings of the exercise share, each made
    by `mistake`; they come after its own. `pairs` are two of them at once, where one formula makes
    both (`families.pairs`): tried after all others. `sentences` replaces a generic signature's
    sentence by the exercise's own (`{"RATIO.sign": "You forgot that L = 10 - d."}`).
    """

    task: ClassVar[str]
    families: ClassVar[Iterable[Callable[..., Any]]] = ()
    pairs: ClassVar[Iterable[Pair]] = ()
    sentences: ClassVar[dict[str, str]] = {}
    complaints: ClassVar[dict[str, str]] = {}
    accepts: ClassVar[Callable[[Inputs, dict[str, Any]], Iterable[str]] | None] = None

    registry: ClassVar[dict[str, type[Key]]] = {}

    def __init_subclass__(cls, *, task: str) -> None:
        cls.task = task
        for name, member in list(vars(cls).items()):
            if isinstance(member, FunctionType):
                setattr(cls, name, staticmethod(member))
        Key.registry[task] = cls

    @classmethod
    def answer(cls, functions: tuple[str, ...]) -> tuple[Callable[..., Any], ...]:
        """The reference for each of the task's functions, in the order the task names them."""
        names = ("reference",) if len(functions) == 1 else functions
        return tuple(getattr(cls, name) for name in names)

    @classmethod
    def answer_with(cls, mistake: Mistake, functions: tuple[str, ...]) -> list[Callable[..., Any]]:
        """The same with one mistake in the place of what it replaces."""
        right = zip(functions, cls.answer(functions), strict=True)
        return [mistake.function if name == mistake.replaces else one for name, one in right]

    @classmethod
    def mistakes(cls, functions: tuple[str, ...]) -> list[Mistake]:
        """The named mistakes, in the order they are written, each called like the answer.

        Raises WrongKey.
        """
        found = []
        shared = {wrong.__name__: wrong for wrong in cls.families}
        for name, member in (vars(cls) | shared).items():
            wrong = member.__func__ if isinstance(member, staticmethod) else member
            if name in ("reference", "accepts", *functions) or name.startswith("_"):
                continue
            if isinstance(wrong, FunctionType | type):
                replaced = getattr(wrong, "replaces", functions[0])
                right = getattr(cls, "reference" if len(functions) == 1 else replaced, wrong)
                message = " ".join((wrong.__doc__ or "").split())
                called = called_like(right, wrong)
                pattern = getattr(wrong, "raises", None)
                found.append(Mistake(f"{cls.task}.{name}", message, called, replaced, pattern))
        return found

    @classmethod
    def two_at_once(cls, functions: tuple[str, ...]) -> list[MadePair]:
        """The pairs, each called like the answer."""
        made = []
        for pair in cls.pairs:
            code = f"{cls.task}.{pair.name}"
            right = getattr(cls, "reference" if len(functions) == 1 else functions[0])
            called = called_like(right, pair.function)
            both = Mistake(code, f"{pair.one} {pair.other}", called, functions[0])
            made.append(MadePair(code, pair.one, pair.other, both))
        return made


class WrongKey(Refusal):
    """A mistake cannot be called like the reference."""


def called_like(right: Callable[..., Any], wrong: Callable[..., Any]) -> Callable[..., Any]:
    """`wrong`, which names the arguments it uses, to be called with all that `right` takes."""
    if isinstance(wrong, type):
        return wrong
    names, taken = inspect.signature(right).parameters, inspect.signature(wrong).parameters.values()
    if any(one.kind is one.VAR_POSITIONAL for one in taken):
        return wrong
    used = [one.name for one in taken if one.name in names or one.default is one.empty]
    if unknown := [name for name in used if name not in names]:
        raise WrongKey(
            f"{wrong.__qualname__} takes {unknown[0]}, and the reference takes {', '.join(names)}.",
            "A mistake names arguments of the reference; the name of a helper starts with _.",
        )

    untold = {one.name: one.default for one in names.values() if one.default is not one.empty}

    def called(*args: Any, **kwargs: Any) -> Any:
        given = untold | dict(zip(names, args, strict=False)) | kwargs
        return wrong(**{name: given[name] for name in used})

    return called


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
            f"Write a class there with (Key, task={task.id!r}): `autograd-course prove {task.id}` "
            "says what it needs.",
        )
    return Key.registry[task.id]
