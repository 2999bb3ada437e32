"""One kind of finding: a code, a title, symptoms, words, a cure, a section of a lesson."""

from __future__ import annotations

from dataclasses import dataclass

from grader.errors.sections import Section

GRAPHS, GRAPHS_2 = "01-graphs", "01-graphs-2"
LEAVES, DETACH, HOOKS = "02-leaves", "03-detach-clone", "05-hooks"
MODES, MODES_2 = "04-grad-modes", "04-grad-modes-2"
LOOP, LOOP_2, NORM_2 = "06-optimizer-loop", "06-optimizer-loop-2", "07-normalization-2"
FUNCTIONS, TENSORS, MODULES, PARALLEL = "08-functions", "09-tensors", "10-modules", "13-parallel"
BREAKING, BREAKING_2 = "14-where-gradients-break", "14-where-gradients-break-2"
NONE, ZERO, NAN, FLAT = ".grad is None", ".grad is zero", "nan", "the loss does not fall"

ARRIVES = {"fine", "fine_in_part", "other_pass"}
"""The codes that say of a gradient that it arrives."""


@dataclass(frozen=True)
class Kind:
    """One cause. `says` and `cure` are templates of the names that a finding fills in."""

    code: str
    title: str
    says: str
    cure: str
    section: Section
    symptoms: tuple[str, ...] = ()

    @property
    def is_remark(self) -> bool:
        """Whether it is said where nothing is wrong too, so that `cure` cures nothing."""
        return self.code in {*ARRIVES, "emptied", "frozen_batchnorm", "part_alone"}


def kind(
    code: str, title: str, says: str, cure: str, lesson: str, words: str, *symptoms: str
) -> Kind:
    """A kind that the section of `lesson` explains whose heading holds `words`."""
    return Kind(code, title, says, cure, Section(lesson, words), symptoms)
