"""Findings in words: what is told of a case, and what is not where its inputs are hidden."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from grader.diagnosis.compared import Compared
from grader.diagnosis.comparison import Difference
from grader.diagnosis.messages import TEMPLATES, say
from grader.diagnosis.shown import short_text, shown_apart
from grader.diagnosis.truth import asks_what_is_raised, is_argument
from grader.diagnosis.verdict import Finding
from grader.engine.observation import Raised
from grader.engine.task import ANOTHER, Task
from grader.errors import explain, is_known


def of_mistake(code: str, message: str, c: Compared) -> Finding:
    """A named mistake, with the plain numbers behind it from its first failing case."""
    error = c.observation.error
    lines = [_spoken_error(error, secret=False)] if error is not None and not c.secret else []
    for difference in c.differences[:3]:
        lines += numbers(difference, difference.path, c.secret)
    return finding(code, message, c, lines)


def of_complaints(failing: Sequence[Compared]) -> list[Finding]:
    """What the key's `accepts` objects to, each complaint once."""
    return _first_of_each(
        finding(code, sentence, c) for c in failing for code, sentence in c.complaints
    )


def of_errors(task: Task, failing: Sequence[Compared]) -> list[Finding]:
    """The exceptions that ended the answer, each kind once."""
    return _first_of_each(
        _of_error(task, c, c.observation.error) for c in failing if c.observation.error
    )


def of_effects(
    task: Task, sentences: Mapping[str, str], failing: Sequence[Compared]
) -> list[Finding]:
    """What the answer changed without being asked, each kind once."""
    arguments = [name for names in task.arguments for name in names]

    def every() -> Iterator[Finding]:
        for c in failing:
            for effect, detail in c.observation.effects.items():
                # An effect's name comes from where the answer ran: only known ones are repeated.
                code = f"SIDE.{effect}" if f"SIDE.{effect}" in TEMPLATES else "SIDE.other"
                if code == "SIDE.hooks" and detail.endswith("fewer than before the call"):
                    code = "SIDE.hooks.fewer"
                of_module = f"{code}.module" in TEMPLATES and not is_argument(detail, arguments)
                template = f"{code}.module" if of_module else code
                told = say("hidden_effect") if c.secret else detail[:300]
                yield finding(code, sentences.get(code) or say(template, detail=told), c)

    return _first_of_each(every())


def _first_of_each(findings: Iterable[Finding]) -> list[Finding]:
    first: dict[str, Finding] = {}
    for one in findings:
        first.setdefault(one.code, one)
    return list(first.values())


def finding(code: str, message: str, c: Compared, lines: Sequence[str] = ()) -> Finding:
    """A finding that says in which case it was seen."""
    where = say("on_hidden_case" if c.secret else "on_case", case=c.case.name)
    return Finding(code, message, c.case.name, (where + (":" if lines else "."), *lines))


def _of_error(task: Task, c: Compared, error: Raised) -> Finding:
    found, function = explain(error.type_name, error.message), " and ".join(task.functions)
    told = _spoken_error(error, c.secret)
    if found is not None and c.case.device == ANOTHER and c.is_device_error:
        code, message = "ERROR.device", say("ERROR.device", function=function)
    elif found is not None:
        code, template = f"ERROR.{found.code}", "ERROR.explained"
        if not error.by_learner:
            template = f"ERROR.explained_{_after(task)}"
        elif found.code != "no_graph" and asks_what_is_raised(task, c.expected, error.type_name):
            template = "ERROR.explained_asked"
        elif error.in_text:
            template = "ERROR.explained_text"
        message = say(
            template,
            function=function,
            error=told,
            meaning=found.meaning,
            cure=found.cure,
            kind=error.type_name if is_known(error.type_name) else "Exception",
        )
    else:
        code = "ERROR.raised"
        template = "ERROR.raised" if error.by_learner else f"ERROR.{_after(task)}"
        message = say(template, function=function, error=told)
    return finding(code, message, c, [error.line] if error.line and not c.secret else [])


def _after(task: Task) -> str:
    """What an error outside of the answer comes after: what it returned, or what it did."""
    returns = not all(signature.endswith("-> None") for signature in task.signatures)
    return "after" if returns else "afterwards"


def _spoken_error(error: Raised, secret: bool) -> str:
    """`ValueError: its text.`; of an error in a hidden case the type alone, if it is known."""
    if secret:
        name = error.type_name if is_known(error.type_name) else say("unknown_error")
        return f"{name}."
    text = short_text(error.message)
    spoken = f"{error.type_name}: {text}" if text else error.type_name
    return spoken if spoken.endswith((".", "!", "?", "…")) else f"{spoken}."


def numbers(difference: Difference, label: str, secret: bool) -> list[str]:
    """Expected and received, and how far apart; nothing of either where inputs are secret."""
    if secret or difference.path == "":
        return []
    expected, received = shown_apart(difference.expected, difference.received)
    lines = [f"{label}: expected {expected}", f"{' ' * len(label)}  received {received}"]
    n = difference.numbers
    if n is not None and n.wrong:
        told = say(
            "numbers" if n.at else "numbers.one",
            wrong=n.wrong,
            total=n.total,
            worst_abs=f"{n.worst_abs:.4g}",
            at=n.at,
            worst_rel=f"{n.worst_rel:.4g}",
            allowed=f"{n.allowed:.4g}",
        )
        lines.append(told)
    return lines
