"""Runs mutants through the cases of their exercise, and says which got through."""

from __future__ import annotations

import ast
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from grader.authoring.mutants import injections, operators
from grader.authoring.mutants.answers import MODEL, AnswerText, answers
from grader.authoring.mutants.kinds import Kind, kinds_of_arguments
from grader.authoring.mutants.mutation import Mutant, mutated
from grader.authoring.subject import Subject
from grader.diagnosis.compared import Compared, Seen
from grader.diagnosis.comparison import Rules, compare
from grader.diagnosis.diagnose import diagnose
from grader.engine import state
from grader.engine.callables import cannot_call, is_stub
from grader.engine.catalogue import PUBLIC_SEED
from grader.engine.task import ANOTHER, Case
from grader.engine.watch import observe
from grader.trusted.live import LiveAnswers

CPU_SECONDS = 2.0
"""What one case of a mutant may take before it counts as one that never ends."""

ENDLESS, UNNAMED = "ENDLESS", "UNNAMED"


@dataclass(frozen=True)
class Tried:
    """What became of one mutant of one answer: `code` is the first finding's, "" if it is alive."""

    answer: str
    id: str
    operator: str
    code: str

    @property
    def alive(self) -> bool:
        """Whether it passed every case."""
        return not self.code


class Bench:
    """The cases of one exercise, with what is known of them, for one mutant after the other."""

    def __init__(self, subject: Subject) -> None:
        self.subject, self.task = subject, subject.task
        self.trusted = LiveAnswers(self.task, subject.key, PUBLIC_SEED, subject.device)

    def tried(self, *, named: bool = True) -> Iterator[Tried]:
        """Every mutant of every right answer; see `try_`."""
        for answer, mutants in self.mutants():
            for mutant in mutants:
                yield self.try_(answer, mutant, named=named)

    def mutants(self) -> Iterator[tuple[AnswerText, list[Mutant]]]:
        """Every right answer with its mutants: statements are added to the model answer alone."""
        for answer in answers(self.subject):
            changes = [operators.changes(answer.tree)]
            if answer.name == MODEL:
                changes.append(injections.changes(answer.tree, self._kinds(answer)))
            yield answer, list(mutated(answer.tree, chain.from_iterable(changes)))

    def _kinds(self, answer: AnswerText) -> Mapping[str, Mapping[str, frozenset[Kind]]]:
        functions = answer.run(ast.unparse(answer.tree), f"<{self.task.id}>")
        with state.defaults():
            return kinds_of_arguments(self.task, functions)

    def try_(self, answer: AnswerText, mutant: Mutant, *, named: bool = True) -> Tried:
        """One mutant in every case, diagnosed if it is killed; or, unless it is to be `named`, in
        the cases up to the first that notices it, which costs a quarter."""
        with state.defaults():
            code = self._code(answer, mutant.source, named)
        return Tried(answer.name, mutant.id, mutant.operator, code)

    def _code(self, answer: AnswerText, source: str, named: bool) -> str:
        try:
            functions = answer.run(source, f"<{self.task.id}>")
        except Exception:
            return "NOT_DEFINED"
        if cannot_call(self.task, functions) or all(map(is_stub, functions)):
            return "NOT_CALLABLE"
        seen: list[Seen] = []
        failed = False
        for case in (*self.task.cases(), *self._elsewhere):
            if case.device == ANOTHER and failed:
                break
            one = self._see(functions, case)
            if one is None:
                return ENDLESS
            seen.append(one)
            if not self._passes(one):
                failed = True
                if not named:
                    return UNNAMED
        if not failed:
            return ""
        verdict = diagnose(self.task, self.trusted, seen)
        return verdict.findings[0].code if verdict.findings else "NOT_ATTEMPTED"

    @cached_property
    def _elsewhere(self) -> tuple[Case, ...]:
        return (self.task.meta_case(),) if self.task.meta else ()

    def _passes(self, seen: Seen) -> bool:
        """Whether nothing is wrong in one case. To name what is wrong costs far more."""
        case, observation = seen.case, seen.observation
        rules = Rules.of(self.task, case)
        if case.device == ANOTHER:
            return Compared(case, observation, rules, secret=False).passed
        if observation.error is not None or observation.effects:
            return False
        complaints = self.trusted.complaints(case, observation)
        if complaints is not None:
            return not complaints
        return not compare(self.trusted.reference(case).values, observation.values, rules)

    def _see(self, functions: Sequence[Callable[..., Any]], case: Case) -> Seen | None:
        """What happens in one case; None if it does not end. Raises KeyboardInterrupt."""
        inputs = self.trusted.inputs(case)
        with _limited(CPU_SECONDS) as spent:
            watched = observe(self.task, functions, inputs, case)
        if spent:
            return None
        if watched.interrupted:
            raise KeyboardInterrupt
        return Seen(case, watched.observation)


class _TimeUp(KeyboardInterrupt):
    """Goes through an answer that catches every Exception."""


@contextmanager
def _limited(seconds: float) -> Iterator[list[None]]:
    """Interrupt what takes more CPU time than that; the list is no longer empty then.

    An answer may catch even that: it is interrupted again and again. Only a main thread can be.
    """
    spent: list[None] = []

    def stop(*_: object) -> None:
        spent.append(None)
        raise _TimeUp

    if threading.current_thread() is not threading.main_thread():
        yield spent
        return
    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds, 0.5)
    try:
        yield spent
    except _TimeUp:
        pass
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
