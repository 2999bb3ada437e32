"""Findings in words: what is told of a case, and what is not where its inputs are hidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from grader.diagnosis.compared import Compared
from grader.diagnosis.comparison import Difference
from grader.diagnosis.messages import TEMPLATES, say
from grader.diagnosis.misses import Miss, Signature
from grader.diagnosis.shown import shown
from grader.diagnosis.signatures import recognise
from grader.diagnosis.verdict import Finding
from grader.engine.observation import Raised
from grader.engine.task import Task
from grader.errors import explain, is_known


def of_mistake(code: str, message: str, c: Compared) -> Finding:
    """A named mistake, with the plain numbers behind it from its first failing case."""
    error = c.observation.error
    lines = [_spoken_error(error, secret=False)] if error is not None and not c.secret else []
    for difference in c.differences[:3]:
        lines += _numbers(difference, c.secret)
    return _finding(code, message, c, lines)


def of_complaints(failing: Sequence[Compared]) -> list[Finding]:
    """What the key's `accepts` objects to, each complaint once."""
    return _first_of_each(
        _finding(code, sentence, c) for c in failing for code, sentence in c.complaints
    )


def of_errors(task: Task, failing: Sequence[Compared]) -> list[Finding]:
    """The exceptions that ended the answer, each kind once."""
    function = " and ".join(task.functions)
    return _first_of_each(
        _of_error(function, c, c.observation.error) for c in failing if c.observation.error
    )


def of_effects(sentences: dict[str, str], failing: Sequence[Compared]) -> list[Finding]:
    """What the answer changed without being asked, each kind once."""

    def every() -> Iterator[Finding]:
        for c in failing:
            for effect, detail in c.observation.effects.items():
                # An effect's name comes from where the answer ran: only known ones are repeated.
                code = f"SIDE.{effect}" if f"SIDE.{effect}" in TEMPLATES else "SIDE.other"
                spoken = say("hidden_effect") if c.secret else detail[:300]
                yield _finding(code, sentences.get(code) or say(code, detail=spoken), c)

    return _first_of_each(every())


def of_differences(sentences: dict[str, str], failing: Sequence[Compared]) -> list[Finding]:
    """One finding per signature, naming every value it holds for."""
    misses: dict[str, list[tuple[Compared, Miss]]] = {}
    for c in failing:
        for difference in c.differences:
            miss = Miss(c.case, c.rules, difference)
            misses.setdefault(difference.path, []).append((c, miss))
    grouped: dict[tuple[str, str], tuple[Signature, list[str], Compared, Difference]] = {}
    for path, entries in misses.items():
        signature = recognise([miss for _, miss in entries])
        first, miss = entries[0]
        key = (signature.code, repr(sorted(signature.values.items())))
        grouped.setdefault(key, (signature, [], first, miss.difference))[1].append(path)
    return [
        _finding(
            signature.code,
            sentences.get(signature.code) or _sentence(signature, paths, c.secret),
            c,
            _numbers(difference, c.secret),
        )
        for signature, paths, c, difference in grouped.values()
    ]


def _first_of_each(findings: Iterable[Finding]) -> list[Finding]:
    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(finding.code, finding)
    return list(first.values())


def _finding(code: str, message: str, c: Compared, lines: Sequence[str] = ()) -> Finding:
    """A finding that says in which case it was seen."""
    where = say("on_hidden_case" if c.secret else "on_case", case=c.case.name)
    return Finding(code, message, c.case.name, (where + (":" if lines else "."), *lines))


def _of_error(function: str, c: Compared, error: Raised) -> Finding:
    found = explain(error.type_name, error.message)
    spoken = _spoken_error(error, c.secret)
    if found is not None and c.case.device == "meta" and c.is_device_error:
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
    return _finding(code, message, c, [error.line] if error.line and not c.secret else [])


def _spoken_error(error: Raised, secret: bool) -> str:
    """`ValueError: its text.`; of an error in a hidden case the type alone, if it is known."""
    if secret:
        name = error.type_name if is_known(error.type_name) else say("unknown_error")
        return f"{name}."
    text = next((line.strip() for line in error.message.splitlines() if line.strip()), "")[:300]
    spoken = f"{error.type_name}: {text}" if text else error.type_name
    return spoken if spoken.endswith((".", "!", "?")) else f"{spoken}."


def _sentence(signature: Signature, paths: Sequence[str], secret: bool) -> str:
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


def _numbers(difference: Difference, secret: bool) -> list[str]:
    """Expected and received, and how far apart; nothing of either where inputs are secret."""
    if secret or difference.path == "":
        return []
    path = difference.path
    lines = [
        f"{path}: expected {shown(difference.expected)}",
        f"{' ' * len(path)}  received {shown(difference.received)}",
    ]
    n = difference.numbers
    if n is not None and n.wrong:
        told = say(
            "numbers",
            worst_abs=f"{n.worst_abs:.4g}",
            at=n.at if n.at else "the only entry",
            worst_rel=f"{n.worst_rel:.4g}",
            allowed=f"{n.allowed:.4g}",
        )
        lines.append(told)
    return lines
