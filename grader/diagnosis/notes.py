"""What stands beneath the findings: what is right all the same, and why there is no credit yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grader.diagnosis.compared import Compared
from grader.diagnosis.messages import say
from grader.diagnosis.naming import is_row
from grader.engine.observation import FLAGS
from grader.engine.task import ANOTHER

_MOST = 6


def notes(compared: Sequence[Compared], parts: Sequence[str]) -> tuple[str, ...]:
    """Sentences about a wrong answer, each true of the cases that were compared.

    `parts` are the names of what one call of the answer returns.
    """
    return tuple(_notes(compared, parts))


def _notes(compared: Sequence[Compared], parts: Sequence[str]) -> Iterator[str]:
    real = [c for c in compared if c.case.device != ANOTHER]
    yield from _right_parts(real)
    yield from _right_in_rows(real, parts)
    passed = [c.case.name for c in real if c.passed]
    if passed and len(passed) < len(real):
        names = ", ".join(f'"{name}"' for name in passed[:_MOST])
        names += ", …" if len(passed) > _MOST else ""
        yield say("note.right_cases", cases=names)
    if passed and not compared[0].passed:
        yield say("note.no_credit", case=compared[0].case.name)


def _right_parts(real: Sequence[Compared]) -> Iterator[str]:
    """Which of the values of the first case that fails are right in every case, or in some."""
    if any(c.observation.error or c.observation.effects or not c.expected for c in real):
        return
    first = next((c for c in real if c.differences), real[0])
    names = [name for name in first.expected if _is_part(name, first)]
    wrong = dict.fromkeys(names, 0)
    for c in real:
        for name in {difference.name for difference in c.differences}:
            if name == "":
                return
            if name in wrong:
                wrong[name] += 1
    right = [f"`{name}`" for name, times in wrong.items() if times == 0]
    if right and any(wrong.values()):
        more = ", …" if len(right) > _MOST else ""
        yield say("note.right_parts", parts=", ".join(right[:_MOST]) + more)
    counts = {times for times in wrong.values() if times}
    if len(names) > 1 and len(counts) > 1:  # else the count of cases says as much
        for name, times in list(wrong.items())[:_MOST]:
            total = sum(name in c.expected for c in real)
            if 0 < times < total:
                told = {"part": f"`{name}`", "right": total - times, "total": total}
                yield say("note.right_partly", **told)


def _right_in_rows(real: Sequence[Compared], parts: Sequence[str]) -> Iterator[str]:
    """Which part of a pair is right in every row of every case, where another is not."""
    if any(c.observation.error or not c.expected for c in real):
        return
    rows = [(c, d) for c in real for d in c.differences if is_row(d.name, c.case)]
    wrong = {d.steps[0] for _, d in rows if len(d.steps) == 1}
    if not rows or len(rows) != sum(len(c.differences) for c in real):
        return
    if all(len(d.steps) == 1 for _, d in rows):
        right = [f"`{part}`" for i, part in enumerate(parts) if not wrong & {i, part}]
        if right:
            yield say("note.right_rows", parts=", ".join(right))


def _is_part(name: str, c: Compared) -> bool:
    return (
        name not in ("", "answer")
        and name.rpartition(".")[2] not in FLAGS
        and not is_row(name, c.case)
    )
