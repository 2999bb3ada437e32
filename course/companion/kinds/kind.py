"""One kind of finding: a code, a title, symptoms, words, a cure, a section of a lesson."""

from __future__ import annotations

from dataclasses import dataclass

from grader.errors.sections import Section

GRAPHS, LEAVES, DETACH, MODES = "01-graphs", "02-leaves", "03-detach-clone", "04-grad-modes"
HOOKS, LOOP, NORM = "05-hooks", "06-optimizer-loop", "07-normalization"
NONE, ZERO, NAN, FLAT = ".grad is None", ".grad is zero", "nan", "the loss does not fall"


@dataclass(frozen=True)
class Kind:
    """One cause. `says` and `cure` are templates of the names that a finding fills in."""

    code: str
    title: str
    says: str
    cure: str
    section: Section
    symptoms: tuple[str, ...] = ()


def kind(
    code: str, title: str, says: str, cure: str, lesson: str, words: str, *symptoms: str
) -> Kind:
    """A kind that the section of `lesson` explains whose heading holds `words`."""
    return Kind(code, title, says, cure, Section(lesson, words), symptoms)
