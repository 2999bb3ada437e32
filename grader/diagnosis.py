"""From observations to a verdict: named mistakes first, generic signatures next, never a guess."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from grader.comparison import Difference, Rules, agree, compare
from grader.errors import explain, is_known
from grader.messages import TEMPLATES, say
from grader.misses import Miss, Signature
from grader.observation import Observation, Raised
from grader.shown import shown
from grader.signatures import recognise
from grader.task import Case, Task
from grader.verdict import CaseOutcome, Finding, Outcome, Verdict

SHOWN_FINDINGS = 4


class Answers(Protocol):
    """What the trusted half knows of one exercise: computed from a key, or recorded by `seal`."""

    sentences: dict[str, str]

    def reference(self, case: Case) -> Observation:
        """What the right answer does in this case."""
        ...

    def mistakes(self) -> Iterable[tuple[str, str, str | None]]:
        """Code, sentence and error pattern of each named mistake."""
        ...

    def mistaken(self, code: str, case: Case) -> Observation:
        """What the mistake does in this case."""
        ...

    def complaints(self, case: Case, observation: Observation) -> list[tuple[str, str]] | None:
        """Code and sentence of what is wrong, for keys without one right value; else None."""
        ...


@dataclass(frozen=True)
class Seen:
    """One case with what the learner's answer did in it."""

    case: Case
    observation: Observation


@dataclass(frozen=True)
class _Compared:
    seen: Seen
    rules: Rules
    differences: tuple[Difference, ...]
    complaints: tuple[tuple[str, str], ...]

    @property
    def passed(self) -> bool:
        observation = self.seen.observation
        if self.seen.case.device == "meta":
            return not _is_device_error(observation.error)
        return not (observation.error or observation.effects or self.differences or self.complaints)


def diagnose(
    task: Task, answers: Answers, seen: Sequence[Seen], *, hidden: bool = False
) -> Verdict:
    """The verdict on what was seen in every case, the first of which is visible.

    `hidden` leaves out of the findings on hidden cases everything that could carry an input:
    numbers, shapes, texts, and names of classes that are neither Python's nor torch's.
    """
    compared = [_compare(task, answers, one) for one in seen]
    outcomes = tuple(
        CaseOutcome(c.seen.case.name, c.passed, c.seen.case.visible, c.seen.case.weight)
        for c in compared
    )
    failing = [c for c in compared if not c.passed]
    if not failing:
        return Verdict(task.id, Outcome.RIGHT, 1.0, (), outcomes, task.functions)
    if _not_attempted(compared[0].seen.observation.error):
        return Verdict(task.id, Outcome.NOT_ATTEMPTED, 0.0, (), outcomes, task.functions)
    findings = _findings(task, answers, compared, failing, hidden)
    return Verdict(task.id, Outcome.WRONG, _credit(compared), findings, outcomes, task.functions)


def _compare(task: Task, answers: Answers, seen: Seen) -> _Compared:
    rules = Rules(seen.case.dtype, seen.case.scale, task.accepts_numbers)
    observation = seen.observation
    if seen.case.device == "meta" or observation.error is not None:
        return _Compared(seen, rules, (), ())
    complaints = answers.complaints(seen.case, observation)
    if complaints is not None:
        return _Compared(seen, rules, (), tuple(complaints))
    expected = answers.reference(seen.case)
    return _Compared(seen, rules, tuple(compare(expected.values, observation.values, rules)), ())


def _credit(compared: Sequence[_Compared]) -> float:
    """The weight of the cases passed, and nothing unless the first visible case passes."""
    if not compared[0].passed:
        return 0.0
    total = sum(c.seen.case.weight for c in compared)
    return sum(c.seen.case.weight for c in compared if c.passed) / total


def _not_attempted(error: Raised | None) -> bool:
    """Whether the answer still has the `raise NotImplementedError` that it is released with."""
    return error is not None and error.own_raise and error.type_name == "NotImplementedError"


def _is_device_error(error: Raised | None) -> bool:
    if error is None:
        return False
    found = explain(error.type_name, error.message)
    return found is not None and found.code == "device"


def _findings(
    task: Task,
    answers: Answers,
    compared: Sequence[_Compared],
    failing: Sequence[_Compared],
    hidden: bool,
) -> tuple[Finding, ...]:
    name = _named_mistake(task, answers, compared, failing)
    if name is not None:
        code, message = name
        return (Finding(code, message, failing[0].seen.case.name, _details(failing[0], hidden)),)
    found = [*_complaint_findings(failing, hidden), *_error_findings(task, failing, hidden)]
    if not any(c.seen.observation.error for c in failing):
        found += _difference_findings(task, answers, failing, hidden)
    found += _effect_findings(answers, failing, hidden)
    return tuple(found[:SHOWN_FINDINGS])


def _named_mistake(
    task: Task, answers: Answers, compared: Sequence[_Compared], failing: Sequence[_Compared]
) -> tuple[str, str] | None:
    """The one mistake that reproduces the observation in every case, if exactly one does."""
    real = [c for c in compared if c.seen.case.device != "meta"]
    order = sorted(real, key=lambda c: c.passed)  # failing cases rule most mistakes out at once
    if all(c.passed for c in real):
        return None
    matching = [
        (code, message)
        for code, message, raises in answers.mistakes()
        if all(_reproduces(answers.mistaken(code, c.seen.case), c, raises, task) for c in order)
    ]
    return matching[0] if len(matching) == 1 else None


def _reproduces(mistaken: Observation, c: _Compared, raises: str | None, task: Task) -> bool:
    received = c.seen.observation
    one, other = mistaken.error, received.error
    if raises is not None and one is not None and other is not None:
        return one.type_name == other.type_name and bool(re.search(raises, other.message, re.S))
    return agree(mistaken, received, c.rules)


def _complaint_findings(failing: Sequence[_Compared], hidden: bool) -> list[Finding]:
    first: dict[str, Finding] = {}
    for c in failing:
        for code, sentence in c.complaints:
            heading = _heading(c, hidden)
            first.setdefault(code, Finding(code, sentence, c.seen.case.name, heading))
    return list(first.values())


def _error_findings(task: Task, failing: Sequence[_Compared], hidden: bool) -> list[Finding]:
    first: dict[str, Finding] = {}
    for c in failing:
        error = c.seen.observation.error
        if error is not None:
            finding = _error_finding(task, c, error, hidden and not c.seen.case.visible)
            first.setdefault(finding.code, finding)
    return list(first.values())


def _error_finding(task: Task, c: _Compared, error: Raised, hidden: bool) -> Finding:
    function = " and ".join(task.functions)
    found = explain(error.type_name, error.message)
    spoken = _spoken_error(error, hidden)
    if found is not None and found.code == "device" and c.seen.case.device == "meta":
        code, message = "ERROR.device", say("ERROR.device", function=function)
    elif found is not None:
        code = f"ERROR.{found.code}"
        template = "ERROR.explained" if error.by_learner else "ERROR.explained_after"
        message = say(
            template, function=function, error=spoken, meaning=found.meaning, cure=found.cure
        )
    else:
        code = "ERROR.raised"
        template = "ERROR.raised" if error.by_learner else "ERROR.after"
        message = say(template, function=function, error=spoken)
    where = (error.line,) if error.line and not hidden else ()
    return Finding(code, message, c.seen.case.name, (*_heading(c, hidden), *where))


def _spoken_error(error: Raised, hidden: bool) -> str:
    """`ValueError: its text.`; of an error in a hidden case the type alone, if it is known."""
    if hidden:
        name = error.type_name if is_known(error.type_name) else say("unknown_error")
        return f"{name}."
    text = next((line.strip() for line in error.message.splitlines() if line.strip()), "")[:300]
    spoken = f"{error.type_name}: {text}" if text else error.type_name
    return spoken if spoken.endswith((".", "!", "?")) else f"{spoken}."


def _difference_findings(
    task: Task, answers: Answers, failing: Sequence[_Compared], hidden: bool
) -> list[Finding]:
    """One finding per signature, naming every path it holds for."""
    misses: dict[str, list[tuple[_Compared, Miss]]] = {}
    for c in failing:
        for difference in c.differences:
            miss = Miss(c.seen.case, c.rules, difference)
            misses.setdefault(difference.path, []).append((c, miss))
    grouped: dict[tuple[str, str], tuple[Signature, list[str], _Compared, Difference]] = {}
    for path, entries in misses.items():
        signature = recognise([miss for _, miss in entries])
        first, miss = entries[0]
        key = (signature.code, repr(sorted(signature.values.items(), key=lambda kv: kv[0])))
        grouped.setdefault(key, (signature, [], first, miss.difference))[1].append(path)
    return [
        Finding(
            signature.code,
            _sentence(answers, signature, paths, hidden and not c.seen.case.visible),
            c.seen.case.name,
            (*_heading(c, hidden), *_numbers(difference, hidden and not c.seen.case.visible)),
        )
        for signature, paths, c, difference in grouped.values()
    ]


def _sentence(answers: Answers, signature: Signature, paths: Sequence[str], secret: bool) -> str:
    own = answers.sentences.get(signature.code)
    if own is not None:
        return own
    code = signature.code
    if secret and f"HIDDEN.{code}" in TEMPLATES:
        code = f"HIDDEN.{code}"
    sentence = say(code, path=_listed(paths, secret), **signature.values)
    return sentence[:1].upper() + sentence[1:]


def _listed(paths: Sequence[str], secret: bool) -> str:
    """The values a sentence is about, as its subject in the singular: "each of `dx`, `dw`"."""
    # The keys and positions inside a value may come from hidden inputs: its name alone does not.
    known = [path.partition("[")[0] for path in paths] if secret else paths
    spoken = list(dict.fromkeys(_spoken(path) for path in known))
    if len(spoken) == 1:
        return spoken[0]
    return "each of " + ", ".join(spoken[:4]) + (", …" if len(spoken) > 4 else "")


def _spoken(path: str) -> str:
    """How a path is called in a sentence: `dx`, `w` for the flag `w.is_leaf`, the answer."""
    if path in ("", "answer"):
        return "the answer"
    stem, dot, flag = path.rpartition(".")
    return f"`{stem}`" if dot and f"FLAGS.{flag}" in TEMPLATES else f"`{path}`"


def _effect_findings(answers: Answers, failing: Sequence[_Compared], hidden: bool) -> list[Finding]:
    first: dict[str, Finding] = {}
    for c in failing:
        for effect, detail in c.seen.observation.effects.items():
            # An effect's name comes from where the answer ran: only known ones are repeated.
            code = f"SIDE.{effect}" if f"SIDE.{effect}" in TEMPLATES else "SIDE.other"
            secret = hidden and not c.seen.case.visible
            spoken = say("hidden_effect") if secret else detail[:300]
            message = answers.sentences.get(code) or say(code, detail=spoken)
            heading = _heading(c, hidden)
            first.setdefault(code, Finding(code, message, c.seen.case.name, heading))
    return list(first.values())


def _heading(c: _Compared, hidden: bool) -> tuple[str, ...]:
    """In which case it was seen. Nothing is hidden from who checks an answer of their own."""
    template = "on_hidden_case" if hidden and not c.seen.case.visible else "on_case"
    return (say(template, case=c.seen.case.name) + ":",)


def _details(c: _Compared, hidden: bool) -> tuple[str, ...]:
    """The plain numbers behind a named mistake, from its first failing case."""
    lines = list(_heading(c, hidden))
    secret = hidden and not c.seen.case.visible
    if c.seen.observation.error is not None and not secret:
        lines.append(_spoken_error(c.seen.observation.error, hidden=False))
    for difference in c.differences[:3]:
        lines += _numbers(difference, secret)
    return tuple(lines)


def _numbers(difference: Difference, secret: bool) -> tuple[str, ...]:
    """Expected and received, and how far apart; nothing of either where inputs are secret."""
    if secret or difference.path == "":
        return ()
    path = difference.path
    lines = [
        f"{path}: expected {shown(difference.expected)}",
        f"{' ' * len(path)}  received {shown(difference.received)}",
    ]
    n = difference.numbers
    if n is not None and n.wrong:
        lines.append(
            say(
                "numbers",
                worst_abs=f"{n.worst_abs:.4g}",
                at=n.at if n.at else "the only entry",
                worst_rel=f"{n.worst_rel:.4g}",
                allowed=f"{n.allowed:.4g}",
            )
        )
    return tuple(lines)
