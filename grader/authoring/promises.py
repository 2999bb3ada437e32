"""What is promised of every exercise: each promise a function that yields what of it is broken."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from grader.authoring.releases import leaks
from grader.authoring.subject import Subject, cell_of, defined
from grader.diagnosis.verdict import Outcome
from grader.engine.catalogue import tasks
from grader.engine.task import Inputs, Task
from grader.notebook.checking import verdict_on
from grader.notebook.texts.cells import BEGIN, grade_id
from grader.trusted.live import LiveAnswers

PLACEHOLDER = "…"
"""What `new-exercise` writes where a text is to come."""


@dataclass(frozen=True)
class Broken:
    """What of a promise does not hold, and what to do about it."""

    what: str
    cure: str


Promise = Callable[[Subject], Iterator[Broken]]
PROMISES: dict[str, Promise] = {}


def promise(sentence: str) -> Callable[[Promise], Promise]:
    """Register what holds for every exercise, under the sentence that says it."""

    def register(function: Promise) -> Promise:
        PROMISES[sentence] = function
        return function

    return register


@promise("it says what it asks, how hard it is and how long it takes")
def _is_told(subject: Subject) -> Iterator[Broken]:
    task, place = subject.task, f"in {subject.place}"
    if not task.statement.endswith(".") or PLACEHOLDER in task.statement:
        yield Broken(
            "its class docstring is no statement of the exercise",
            f"Say in full sentences what the learner writes, {place}.",
        )
    if PLACEHOLDER in task.title or not task.title.strip():
        yield Broken("it has no title", f"Give `title` two or three words, {place}.")
    if not (1 <= task.difficulty <= 5 and task.minutes > 0 and task.points > 0):
        yield Broken(
            f"difficulty {task.difficulty}, {task.minutes} minutes, {task.points} points",
            f"Difficulty goes from 1 to 5; minutes and points are above 0, {place}.",
        )
    unknown = sorted(set(task.prerequisites) - set(tasks()))
    if unknown:
        yield Broken(f"it builds on {', '.join(unknown)}", f"Name exercises that exist, {place}.")


@promise("its three hints differ, and none holds a long line of the solution")
def _hints_lead(subject: Subject) -> Iterator[Broken]:
    hints, place = subject.task.hints, f"in {subject.place}"
    if len(hints) != 3 or len(set(hints)) != 3 or any(PLACEHOLDER in hint for hint in hints):
        yield Broken(
            "it has not three hints that differ, with words in them",
            f"Say where to read, what to try, and how it is done, {place}.",
        )
    told = _letters("".join(hints))
    for line in subject.hidden_lines:
        given = _letters(line.removeprefix("return "))
        if len(given) >= 24 and given in told:
            yield Broken(f"a hint holds the solution's {line!r}", "Say what to try instead.")


@promise("its cases have names of their own, and the first is visible")
def _cases_are_named(subject: Subject) -> Iterator[Broken]:
    cases, place = subject.task.cases(), f"in {subject.place}"
    names = [case.name for case in cases]
    if not cases or not cases[0].visible:
        yield Broken("its first case is not visible", f"Give it visible=True, {place}.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        yield Broken(
            f"several cases are called {', '.join(twice)}",
            f"Feedback names them: give each a name of its own, {place}.",
        )


@promise("its functions are called like no other in its chapter, and its cell defines them")
def _functions_are_its_own(subject: Subject) -> Iterator[Broken]:
    task = subject.task
    for other in tasks().values():
        shared = sorted(set(task.functions) & set(other.functions))
        if shared and other.chapter == task.chapter and other.id != task.id:
            yield Broken(
                f"{other.id} has a function called {shared[0]}, too", "Rename one of the two."
            )
    absent = _absent(subject)
    if absent:
        yield Broken(
            f"its solution cell does not define {', '.join(absent)}",
            f"Define what `signatures` names, in {subject.chapter_text.name}.",
        )


def _absent(subject: Subject) -> list[str]:
    """What `signatures` names and the solution cell does not define."""
    answer = ast.parse(cell_of(subject.solution, f"{subject.task.id}_answer"))
    there = {node.name for node in answer.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return sorted(set(subject.task.functions) - there)


@promise("its draws are repeated by their seed and changed by another")
def _draws_follow_the_seed(subject: Subject) -> Iterator[Broken]:
    task, key = subject.task, subject.key
    once, again, other = (LiveAnswers(task, key, seed, "cpu") for seed in ("a", "a", "b"))
    cases = list(task.cases())
    if type(task).observe is Task.observe:
        lacking = sorted(set(task.arguments[0]) - set(once.inputs(cases[0])))
        if lacking:
            yield Broken(
                f"draw gives no {', '.join(lacking)}, which `signatures` names",
                f"Call what is drawn like the arguments, or write observe, in {subject.place}.",
            )
    for case in cases:
        if _plain(once.inputs(case)) != _plain(again.inputs(case)):
            yield Broken(
                f"case {case.name} is drawn otherwise each time",
                f"Draw from `rng` alone, in {subject.place}.",
            )
    values = [value for case in cases for value in once.inputs(case).values()]
    if any(isinstance(value, torch.Tensor) for value in values) and all(
        _plain(once.inputs(case)) == _plain(other.inputs(case)) for case in cases
    ):
        yield Broken(
            "another seed draws the same inputs", f"Use `rng` in draw, in {subject.place}."
        )


@promise("its reference has no side effects")
def _reference_is_pure(subject: Subject) -> Iterator[Broken]:
    for effect, text in subject.trials.effects_of_the_reference().items():
        yield Broken(
            f"the reference has the effect {effect}: {text}",
            f"Undo it in {subject.key.__module__}, or let the task allow it.",
        )


@promise("its solution earns full credit")
def _solution_is_right(subject: Subject) -> Iterator[Broken]:
    source = cell_of(subject.solution, f"{subject.task.id}_answer")
    if not _absent(subject):
        yield from _passes(subject, defined(subject.task, source), "the solution")


@promise("other right answers earn full credit")
def _right_answers_pass(subject: Subject) -> Iterator[Broken]:
    for functions in subject.right_answers():
        name = " and ".join(getattr(one, "__name__", repr(one)) for one in functions)
        yield from _passes(subject, functions, name)


def _passes(subject: Subject, functions: Any, name: str) -> Iterator[Broken]:
    for verdict in subject.trials.verdicts(functions):
        if verdict.outcome is not Outcome.RIGHT or verdict.credit != 1.0:
            yield Broken(
                f"{name} is refused. {verdict}",
                "If it is right, mend the reference, `observe` or the cases.",
            )
            return


@promise("its release is as its text, earns nothing untouched, and holds no line of the solution")
def _release_is_empty(subject: Subject) -> Iterator[Broken]:
    task = subject.task
    try:
        released = cell_of(subject.release, f"{task.id}_answer")
    except LookupError:
        yield Broken("its chapter's release does not hold it", "Run: make exercises")
        return
    if _public(subject.solution, task.id) != _public(subject.release, task.id):
        yield Broken("its release is another text than its section now", "Run: make exercises")
        return
    if _absent(subject):
        return  # told by the promise about its functions
    verdict = verdict_on(task, defined(task, released), on=subject.device)
    if verdict.outcome is not Outcome.NOT_ATTEMPTED:
        yield Broken(
            f"the untouched release is not `not attempted`: {verdict}",
            "Let BEGIN SOLUTION to END SOLUTION hold the whole body, then: make exercises",
        )
    for line in sorted(set(subject.hidden_lines) & set(leaks(subject.solution, subject.release))):
        yield Broken(f"its release shows {line!r}", "Run: make exercises")


@promise("every mistake is named as itself and as nothing else")
def _mistakes_are_named(subject: Subject) -> Iterator[Broken]:
    mistakes = subject.key.mistakes(subject.task.functions)
    if not mistakes:
        yield Broken(
            "no mistake has a name",
            f"Write a function for each that you expect, in {subject.key.__module__}.",
        )
    for mistake in mistakes:
        if not mistake.message.endswith(".") or PLACEHOLDER in mistake.message:
            yield Broken(
                f"{mistake.code} is explained by no sentence",
                "Its docstring says what the learner did, and what to do instead.",
            )
        if mistake.raises is None and (error := subject.trials.always_raised(mistake)) is not None:
            yield Broken(
                f"{mistake.code} raises {error.type_name} in every case: {error.message}",
                "If that is the mistake, say so above it: @raises(a pattern of the text).",
            )
        for verdict in subject.trials.verdicts_on(mistake):
            told = [(finding.code, finding.message) for finding in verdict.findings]
            if verdict.outcome is Outcome.WRONG and verdict.credit < 1.0:
                if told == [(mistake.code, mistake.message)]:
                    continue
                alike = subject.trials.twins(mistake.code)
                if [said for _, said in told] == [mistake.message] and told[0][0] not in alike:
                    continue  # in this precision another of the same sentence does the same
                twins = " and ".join(alike)
                what = f"{mistake.code} is taken for something else. {verdict}"
                cure = "Draw inputs that tell it from what is right and from other mistakes."
                if twins:
                    what = f"{mistake.code} does the same as {twins} in every case"
                    cure = "Draw inputs in which the two differ, or write one of them."
            else:
                what = f"{mistake.code} is not rejected. {verdict}"
                cure = "Add a case in which it shows."
            yield Broken(what, cure)
            break


@promise("a topic leads to it")
def _topic_leads_to_it(subject: Subject) -> Iterator[Broken]:
    text = (subject.course / "docs" / "coverage.md").read_text(encoding="utf-8")
    rows = [row for row in text.splitlines() if f"exercise `{subject.task.id}`" in row]
    if not rows or any(f"| {PLACEHOLDER} |" in row for row in rows):
        yield Broken(
            f"its row in docs/coverage.md names no topic yet: {rows[0]}"
            if rows
            else "docs/coverage.md has no row that leads to it",
            f"Add exercise `{subject.task.id}` to the row of its topic, or write the topic's row.",
        )


@promise("its texts are formatted")
def _texts_are_formatted(subject: Subject) -> Iterator[Broken]:
    with tempfile.TemporaryDirectory() as folder:
        cell = Path(folder, f"{subject.chapter_text.name}, the cell of {subject.task.id}.py")
        cell.write_text(
            cell_of(subject.solution, f"{subject.task.id}_answer") + "\n", encoding="utf-8"
        )
        files = [
            _file(sys.modules[subject.place]),
            _file(sys.modules[subject.key.__module__]),
            subject.course / "grader" / "keys" / subject.package / "right_answers.py",
            cell,
        ]
        ruff = [sys.executable, "-m", "ruff", "format", "--check", "--no-cache", "-q"]
        settings = ["--config", str(subject.course / "pyproject.toml")]
        done = subprocess.run(
            [*ruff, *settings, *map(str, files)], capture_output=True, text=True, check=False
        )
    if done.returncode == 1 and "No module named ruff" not in done.stderr:
        names = [path.name for path in files if path.name in done.stdout]
        yield Broken(f"ruff would format {', '.join(names)}", "Run: make format")
    elif done.returncode:
        yield Broken(done.stderr.strip(), "Make the environment for tests: make test FAST=1")


def _public(notebook: Any, exercise: str) -> list[str]:
    """What a learner is given of an exercise: its text, and its cell down to where it is cut."""
    shown = _shown_before(notebook, f"{exercise}_answer")
    lines = cell_of(notebook, f"{exercise}_answer").splitlines()
    opening = next((n for n, line in enumerate(lines) if BEGIN in line), None)
    if opening is None:  # a release
        opening = next((n for n, line in enumerate(lines) if "YOUR CODE HERE" in line), len(lines))
    return [shown, *lines[:opening]]


def _shown_before(notebook: Any, name: str) -> str:
    """The Markdown that stands right above a cell."""
    above = ""
    for cell in notebook.cells:
        if grade_id(cell) == name:
            return above
        above = str(cell.source) if cell.cell_type == "markdown" else above
    return above


def _letters(text: str) -> str:
    """A text without what may be written in several ways."""
    return re.sub(r"[\s`]", "", text)


def _file(module: ModuleType) -> Path:
    return Path(str(module.__file__))


def _plain(inputs: Inputs) -> dict[str, Any]:
    """The inputs, tensors as texts of their numbers: nan is not equal to itself."""
    return {k: str(v.tolist()) if isinstance(v, torch.Tensor) else v for k, v in inputs.items()}
