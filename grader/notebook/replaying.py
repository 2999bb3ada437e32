"""The failing case of an answer, for whoever wrote it: its inputs, and the call once more."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from grader.diagnosis.messages import say
from grader.engine import state
from grader.engine.task import Case, Inputs, Task, draw_inputs, place


@dataclass(frozen=True)
class _Call:
    """One call that an exercise makes of an answer."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    names: Sequence[str]

    @property
    def arguments(self) -> dict[str, Any]:
        return dict(zip(self.names, self.args, strict=False)) | dict(self.kwargs)


class _Reached(BaseException):
    """The call that was looked for is about to be made: no `except Exception` holds it up."""

    def __init__(self, call: _Call) -> None:
        super().__init__()
        self.call = call


class FailedCase:
    """One case that an answer fails, made anew each time it is asked for.

    `row` is the text that the failing call is asked about, where an exercise asks about several.
    """

    def __init__(
        self,
        task: Task,
        functions: Sequence[Callable[..., Any]],
        case: Case,
        seed: str,
        where: str,
        row: str = "",
    ) -> None:
        self._task, self._functions, self._case, self._row = task, tuple(functions), case, row
        self._seed, self._where = seed, where
        call = ", ".join((f'"{task.id}"', *task.functions))
        code = "note.replay.drawn" if self._of_class else "note.replay"
        self.note = say(code, call=call, case=case.name)

    def inputs(self) -> dict[str, Any]:
        """The arguments of the failing call by name, which nothing else uses: models too.

        Of an answer that is a class, what the case is built from.
        """
        call = self._call()
        return self._drawn() if call is None else call.arguments

    def rerun(self) -> Any:
        """What the answer returns; what it raises comes through with its own traceback."""
        call = self._call()
        if call is None:
            return self._task.observe(*self._functions, **self._drawn())
        return call.function(*call.args, **call.kwargs)

    @property
    def _of_class(self) -> bool:
        return any(isinstance(function, type) for function in self._functions)

    def _drawn(self) -> Inputs:
        drawn = draw_inputs(self._task, self._case, self._seed, self._where)
        return place(drawn, self._case.dtype, self._case.device or self._where)

    def _call(self) -> _Call | None:
        """The failing call: the one about the row, the one that raises, or else the first."""
        if self._of_class:
            return None
        number = self._number_about_row() if self._row else self._number_that_raises()
        return self._stopped(number) or self._stopped(1)

    def _number_about_row(self) -> int:
        """The number of the call whose texts make up most of the row."""
        lengths: list[int] = []

        def measure(number: int, call: _Call) -> bool:
            texts = [value for value in call.arguments.values() if isinstance(value, str)]
            lengths.append(sum(len(text) for text in texts if text in self._row))
            return False

        with contextlib.suppress(Exception):
            self._observe(measure)
        return lengths.index(max(lengths)) + 1 if lengths else 1

    def _number_that_raises(self) -> int:
        """The number of the call in which the answer raises; 1 if it does not."""
        made = 0

        def count(number: int, call: _Call) -> bool:
            nonlocal made
            made = number
            return False

        try:
            self._observe(count)
        except Exception:
            return made
        return 1

    def _stopped(self, wanted: int) -> _Call | None:
        """The call of that number, left just before it is made."""
        try:
            self._observe(lambda number, call: number == wanted)
        except _Reached as reached:
            return reached.call
        except Exception:  # a call before it raised
            return None
        return None

    def _observe(self, wanted: Callable[[int, _Call], bool]) -> None:
        number = 0

        def stopping(function: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
            def answer(*args: Any, **kwargs: Any) -> Any:
                nonlocal number
                number += 1
                call = _Call(function, args, kwargs, names)
                if wanted(number, call):
                    raise _Reached(call)
                return function(*args, **kwargs)

            return answer

        pairs = zip(self._functions, self._task.arguments, strict=True)
        watched = [stopping(function, names) for function, names in pairs]
        # What the calls before it print was shown with the verdict.
        with state.defaults(), state.watched({}), contextlib.redirect_stdout(io.StringIO()):
            self._task.observe(*watched, **self._drawn())
