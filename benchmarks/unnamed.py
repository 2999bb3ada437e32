"""What a verdict says of each named mistake if the mistake had no name: facts, signatures, numbers.

Every message can be read with its mistake's own sentence beside it: whoever reads them counts the
misleading ones.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from grader.diagnosis.diagnose import Seen, diagnose
from grader.engine import state
from grader.engine.catalogue import tasks
from grader.engine.task import Task
from grader.engine.watch import observe
from grader.trusted.key import Key, Mistake, key_of
from grader.trusted.live import LiveAnswers


class Unnamed(LiveAnswers):
    """The answers to an exercise, without the names of mistakes; or without that of one."""

    without: str | None = None

    def mistakes(self) -> list[tuple[str, str, str | None]]:
        """None of them, or all but one."""
        if self.without is None:
            return []
        return [told for told in super().mistakes() if told[0] != self.without]

    def pairs(self) -> list[tuple[str, str, str]]:
        """None: what is counted are mistakes made alone."""
        return []


@dataclass(frozen=True)
class Read:
    """One mistake, what is said of it without its name, and the seconds of CPU it took to say."""

    code: str
    sentence: str
    findings: tuple[tuple[str, str], ...]
    seconds: float

    @property
    def kind(self) -> str:
        """What the first finding is: fact, form, error, effect, plain or complaint."""
        head = self.findings[0][0] if self.findings else "none"
        if head.startswith("WRONG"):
            return "plain"
        if head.startswith(("FACT", "RATIO", "ZERO", "NEARLY", "TRANSPOSED", "PER_SAMPLE")):
            return "fact"
        if head.startswith("PART"):
            return "another mistake in part"
        if head.startswith("ERROR"):
            return "error"
        return "effect" if head.startswith("SIDE") else "form"


def read(task: Task, *, others_named: bool = False) -> Iterator[Read]:
    """Every named mistake of an exercise, as if it had no name."""
    key = key_of(task)
    answers = Unnamed(task, key, "unnamed", "cpu")
    for mistake in key.mistakes(task.functions):
        answers.without = mistake.code if others_named else None
        yield _read(task, key, answers, mistake)


def _read(task: Task, key: type[Key], answers: Unnamed, mistake: Mistake) -> Read:
    functions = key.answer_with(mistake, task.functions)
    with state.defaults():
        seen = [
            Seen(case, observe(task, functions, answers.inputs(case), case).observation)
            for case in task.cases()
        ]
        for case in task.cases():
            if key.accepts is None:
                answers.reference(case)
        before = time.process_time()
        verdict = diagnose(task, answers, seen)
    spent = time.process_time() - before
    found = tuple((finding.code, finding.message) for finding in verdict.findings)
    return Read(mistake.code, mistake.message, found, spent)


def main() -> None:
    """Print every mistake with what is said of it, then how many of each kind, then the time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exercises", nargs="*", help="all of them unless some are named")
    parser.add_argument("--others-named", action="store_true", help="all other mistakes have names")
    parser.add_argument("--kind", help="only mistakes of which this kind of thing is said first")
    given = parser.parse_args()
    chosen = [
        task for task in tasks().values() if task.id in given.exercises or not given.exercises
    ]
    kinds: Counter[str] = Counter()
    spent: list[float] = []
    for task in chosen:
        for one in read(task, others_named=given.others_named):
            kinds[one.kind] += 1
            spent.append(one.seconds)
            if given.kind in (None, one.kind):
                print(f"{one.code} [{one.kind}]\n  mistake: {one.sentence}")
                for code, message in one.findings:
                    print(f"  {code}: {message}")
    print(dict(kinds))
    spent.sort()
    print(f"median {spent[len(spent) // 2] * 1e3:.0f} ms, worst {spent[-1] * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
