"""What a notebook calls to check an answer: `check`, and the verdict it comes to."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from grader.diagnosis.diagnose import Answers, ReferenceFailed, SealBroken, Seen, diagnose
from grader.diagnosis.messages import say
from grader.diagnosis.verdict import CheckFailed, Finding, Outcome, Verdict
from grader.engine import state
from grader.engine.callables import cannot_call, is_stub
from grader.engine.catalogue import PUBLIC_SEED, device, find
from grader.engine.task import Case, Task, draw_inputs
from grader.engine.watch import observe
from grader.notebook import guidance, onward
from grader.notebook.clock import SECONDS, limited
from grader.notebook.record import records
from grader.notebook.replaying import FailedCase
from grader.recorded.find import answers_for


def check(
    exercise: str, *functions: Callable[..., Any], seconds: float | None = SECONDS
) -> Verdict | None:
    """Check the learner's functions against torch in every case of the exercise.

    A case that does not end within `seconds` is stopped; None sets no limit. Returns the Verdict,
    whose `inputs()` and `rerun()` show the first case that fails. Under nbgrader, which has its own
    clock, it raises CheckFailed instead if the check did not pass, and displays the verdict and
    returns None if it did. Raises UnknownExercise.
    """
    under_nbgrader = bool(os.environ.get("NBGRADER_EXECUTION"))
    task = find(exercise)
    verdict = verdict_on(task, functions, seconds=None if under_nbgrader else seconds)
    if not under_nbgrader:
        records.remember(verdict)
        guidance.checked(task.id)
        verdict = replace(verdict, onward=onward.after(verdict, task))
        return _with_replay(verdict, task, functions)
    if not verdict.passed:
        raise CheckFailed(str(verdict))
    from IPython.display import display  # 0.2 s that only nbgrader's kernels need to spend

    display(verdict)
    return None


def verdict_on(
    task: Task,
    functions: Sequence[Callable[..., Any]],
    *,
    seed: str = PUBLIC_SEED,
    on: str | None = None,
    dtype: torch.dtype | None = None,
    seconds: float | None = None,
) -> Verdict:
    """The verdict on some functions: every case drawn from `seed`, on device `on`.

    `dtype` replaces the dtype of every case; `seconds` is the time that one case may take.
    """
    stopped = cannot_call(task, functions)
    if stopped is not None:
        return _stop(task, Outcome.COULD_NOT_CHECK, *stopped)
    if all(is_stub(function) for function in functions):
        return _stop(task, Outcome.NOT_ATTEMPTED)
    where = on or device()
    broken = _cannot_use(where)
    if broken:
        return _stop(
            task, Outcome.COULD_NOT_CHECK, "CHECK.no_device", {"device": where, "error": broken}
        )
    watcher = _Watcher(task, functions, seed, where, dtype, seconds)
    try:
        with state.defaults():
            verdict = _seen_and_diagnosed(watcher, answers_for(task, seed, where))
    except KeyboardInterrupt:
        code, values = "CHECK.did_not_finish", dict[str, object]()
        if watcher.time_was_up and seconds is not None:
            call = ", ".join((f'"{task.id}"', *task.functions))
            code, values = (
                "CHECK.too_long",
                {"seconds": seconds, "call": call, "more": 10 * seconds},
            )
        verdict = _stop(task, Outcome.WRONG, code, values, watcher.case)
    except ReferenceFailed as failed:
        verdict = _stop(
            task, Outcome.COULD_NOT_CHECK, "CHECK.reference_failed", {"error": str(failed)}
        )
    except SealBroken as broken:
        verdict = _stop(task, Outcome.COULD_NOT_CHECK, "CHECK.seal_broken", {"error": str(broken)})
    warned = (*verdict.warned, *watcher.warned)[:5]
    return replace(verdict, printed=watcher.printed, warned=warned)


def _seen_and_diagnosed(watcher: _Watcher, answers: Answers | None) -> Verdict:
    """The verdict on the cases that the answers hold: all of them, or the visible ones."""
    task = watcher.task
    cases = [case for case in watcher.cases if answers is not None and answers.holds(case)]
    if answers is None or not cases:
        return _stop(task, Outcome.COULD_NOT_CHECK, "CHECK.no_key")
    verdict = diagnose(task, answers, [watcher.see(case) for case in cases])
    if verdict.passed and task.meta:
        watcher.see(watcher.cast(task.meta_case()))
        verdict = diagnose(task, answers, watcher.seen)
    if verdict.passed and not answers.decides:
        verdict = _stop(task, Outcome.COULD_NOT_CHECK, "CHECK.judge_decides")
    unchecked = len(watcher.cases) - len(cases)
    return replace(verdict, unchecked=unchecked, warned=answers.caveats)


class _Watcher:
    """Observes an answer case by case, and keeps what it printed first and warned."""

    def __init__(
        self,
        task: Task,
        functions: Sequence[Callable[..., Any]],
        seed: str,
        where: str,
        dtype: torch.dtype | None,
        seconds: float | None = None,
    ) -> None:
        self.task, self.functions, self.seed, self.where = task, functions, seed, where
        self.dtype, self.seconds, self.time_was_up = dtype, seconds, False
        self.cases = [self.cast(case) for case in task.cases()]
        self.seen: list[Seen] = []
        self.case: str | None = None
        self.printed = ""
        self.warned: dict[str, None] = {}

    def cast(self, case: Case) -> Case:
        """The case in the dtype that was asked for."""
        return case if self.dtype is None else replace(case, dtype=self.dtype)

    def see(self, case: Case) -> Seen:
        """Observe one case. Raises KeyboardInterrupt if it was interrupted."""
        self.case = case.name
        inputs = draw_inputs(self.task, case, self.seed, self.where)
        try:
            with limited(self.seconds) as clock:
                watched = observe(self.task, self.functions, inputs, case)
        finally:
            self.time_was_up = clock.is_up
        self.printed = self.printed or watched.printed
        self.warned.update(dict.fromkeys(watched.warned))
        if watched.interrupted:
            raise KeyboardInterrupt
        self.seen.append(Seen(case, watched.observation))
        return self.seen[-1]


def _with_replay(verdict: Verdict, task: Task, functions: Sequence[Callable[..., Any]]) -> Verdict:
    """A wrong answer's verdict with the case that is told first, to be looked at and run again."""
    failed = next((finding.case for finding in verdict.findings if finding.case), None)
    cases = {case.name: case for case in task.cases()}
    if (
        verdict.outcome is not Outcome.WRONG or failed not in cases
    ):  # all passed, or on another device alone
        return verdict
    case = cases[failed]
    replay = FailedCase(task, functions, case, PUBLIC_SEED, device(), verdict.row)
    return replace(verdict, replay=replay)


def _stop(
    task: Task,
    outcome: Outcome,
    code: str = "",
    values: dict[str, object] | None = None,
    case: str | None = None,
) -> Verdict:
    heading = (say("on_case", case=case) + ".",) if case else ()
    findings = (Finding(code, say(code, **(values or {})), case, heading),) if code else ()
    return Verdict(task.id, outcome, 0.0, findings, (), task.functions)


def _cannot_use(where: str) -> str:
    """Why tensors cannot be made on a device, in the error's first line; "" if they can."""
    try:
        torch.zeros((), device=where)
    except (RuntimeError, AssertionError) as error:
        return str(error).split("\n")[0]
    return ""
