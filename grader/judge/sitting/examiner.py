"""One process's boxes and judges: takes a submission as plain data, gives it back judged."""

from __future__ import annotations

import atexit
import copy
import functools
import platform
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from importlib.metadata import PackageNotFoundError, version

from grader.box.both.limits import Limits
from grader.box.outside.boxes import Boxes
from grader.judge.books.needs import Cause
from grader.judge.intake.normalise import normalise
from grader.judge.intake.repairs import CAUSES, NOT_RUN, Repair
from grader.judge.pages.clean import clean
from grader.judge.pages.remarks import remark
from grader.judge.sitting.judging import Judge
from grader.judge.sitting.papers import Graded, Marked, Paper, Round
from grader.judge.sitting.sitting import Pause, Sitting
from grader.judge.sitting.unrun import not_run


class Examiner:
    """Boxes started once, and a judge per assignment. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._boxes: dict[tuple[Limits, str, bool], Boxes] = {}
        self._judges: dict[tuple[bytes, str], Judge] = {}

    def close(self) -> None:
        """End every box and what boxes are made of."""
        with self._lock:
            for boxes in self._boxes.values():
                boxes.close()
            self._boxes.clear()

    def examine(
        self, round_: Round, paper: Paper, pause: Pause = nullcontext, *, with_texts: bool = False
    ) -> Marked:
        """Judge every notebook of a submission, all of them in the time that one may take.

        What it takes until a box is ready happens in a `pause`. Raises BoxRefused.
        """
        boxes, judge = self._equipment(round_)
        graded, repairs, texts = {}, {}, {}
        left = round_.limits.submission
        for name, form in round_.forms.items():
            submitted = paper.notebooks[name]
            normalised = normalise(submitted.notebook, form, submitted.files)
            notebook = normalised.notebook
            if with_texts:
                texts[name] = copy.deepcopy(notebook)
            if submitted.notebook is None:
                graded[name] = not_run(notebook, _without_notebook(submitted.repairs, form.name))
            elif stops := [one for one in normalised.repairs if one.code in NOT_RUN]:
                graded[name] = not_run(notebook, str(stops[0]))
            else:
                sitting = Sitting(
                    boxes,
                    judge,
                    submitted.files,
                    left,
                    round_.ignored,
                    hidden=round_.hidden,
                    pause=pause,
                )
                graded[name] = sitting.grade(notebook)
                left = sitting.seconds_left
            one = graded[name]
            one.notebook = clean(one.notebook, one.trusted)
            remark(one.notebook, one.plain, one.verdicts, boxes.level.value)
            found = (*submitted.repairs, *normalised.repairs)
            repairs[name] = _put_right(found, one)
        return Marked(paper.student, graded, repairs, boxes.level.value, versions(), texts)

    def _equipment(self, round_: Round) -> tuple[Boxes, Judge]:
        gpu = round_.device != "cpu"
        wanted = (round_.limits, round_.isolation, gpu)
        with self._lock:
            if wanted not in self._boxes:
                self._boxes[wanted] = Boxes(
                    round_.limits, round_.isolation, handler="grader.box.inside.observing", gpu=gpu
                )
            judged = (round_.secret.value, round_.device)
            if judged not in self._judges:
                self._judges[judged] = Judge(*judged)
            return self._boxes[wanted], self._judges[judged]


def _put_right(repairs: Sequence[Repair], graded: Graded) -> tuple[str, ...]:
    """What was put right in a notebook; what was not is a person's to see to.

    Why nothing of it ran is one need, whatever all spoke against it.
    """
    left = [repair for repair in repairs if repair.code in CAUSES]
    if not graded.ran:
        why = left or repairs
        cause = next((CAUSES[one.code] for one in left), Cause.NOTHING_RAN)
        graded.need(cause, " ".join(map(str, why)) or "Nothing was handed in.")
    else:
        for one in left:
            graded.need(CAUSES[one.code], str(one))
        why = left
    told = (one for one in repairs if graded.ran or one.code != "renamed")
    return tuple(str(one) for one in told if one not in why)


def _without_notebook(repairs: Sequence[Repair], name: str) -> str:
    """Why there is no notebook to run, for its learner: the instructor reads what lies there."""
    codes = {one.code for one in repairs}
    if "which_notebook" in codes:
        return f"Several notebooks may be {name}.ipynb: nothing was run."
    if "notebook_too_large" in codes:
        return f"{name}.ipynb is too large: nothing was run."
    return f"No {name}.ipynb that can be read was handed in: nothing was run."


def versions() -> dict[str, str]:
    """What a verdict depends on besides the submission, the course and the secret."""
    packages = {name: _installed(name) for name in ("autograd-course", "torch")}
    return {"python": platform.python_version()} | packages


@functools.cache
def _installed(package: str) -> str:
    """The version of a package that this process runs; reading it takes a millisecond."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


_own: Examiner | None = None
_owning = threading.Lock()


def examine(
    round_: Round, paper: Paper, pause: Pause = nullcontext, *, with_texts: bool = False
) -> Marked:
    """Judge a submission with this process's own examiner. Raises BoxRefused."""
    return own_examiner().examine(round_, paper, pause, with_texts=with_texts)


def own_examiner() -> Examiner:
    """This process's examiner, which ends with it."""
    global _own
    with _owning:
        if _own is None:
            _own = Examiner()
            atexit.register(_own.close)
        return _own
