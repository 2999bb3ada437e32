"""What was put right in a submission before it was graded, in words for the instructor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from grader.judge.books.needs import Cause

_MOST_APART = 2  # cells that the same befell and that are still told one by one
_MOST_NAMED = 3  # of those that are told together

_SENTENCES = {
    # The folder
    "no_notebook": "There is no {wanted}: nothing was run. {there}",
    "renamed": "The notebook was called {found}. It was read as {wanted}.",
    "which_notebook": "There is no {wanted}, and any of these may be it: {found}. None was graded: "
    "give the right one that name.",
    "other_notebook": "{found} was left out: the assignment's notebook is {wanted}.",
    "copy": "{wanted} holds no answer, and {found} does: that one was graded. See whether it is "
    "the work.",
    "copies": "{wanted} was graded and holds no answer, and these do: {found}. Give the right one "
    "that name, and grade again.",
    "no_folder": "The folder of the submission cannot be read: nothing was run.",
    "link": "{found} is a link, and links are not followed: it was left out.",
    "not_a_file": "{found} is neither a file nor a folder: it was left out.",
    "folder": "{found} is a folder with the name of a file: it was left out.",
    "unreadable_file": "{found} cannot be read: it was left out.",
    "bad_name": "{found} has a name that cannot be used: it was left out.",
    "too_deep": "{found} lies too many folders deep: it was left out.",
    "too_large": "{found} was left out: with it the submission's files pass {limit}.",
    "too_many": "Some files were left out: a submission may hold {limit}.",
    "replaced_file": "{found} differed from the assignment's own file, which was used instead.",
    "and_more": "And more like it.",
    # The notebook
    "notebook_too_large": "The notebook is larger than {limit}. Nothing in it was graded.",
    "not_a_notebook": "The notebook cannot be read, since {reason}. Nothing in it was graded.",
    "no_cells": "The notebook holds none of the assignment's cells. Its own were run.",
    "other_assignment": "This is {found}: the notebook holds {count} of its cells, and of this "
    "assignment's none. Nothing was run.",
    "old_format": "The notebook has an older format, version {found}. It was read all the same.",
    "broken_text": "The notebook holds text that is not UTF-8. What could not be read shows as �.",
    "language": "The notebook was set to {found}. It was run with the assignment's {wanted}.",
    "too_many_cells": "Cells of the learner's own that were left out: {count}. Kept are {limit}.",
    "unreadable_cells": "Cells that cannot be read and were left out: {count}.",
    "another_release": "The notebook is of another release of the assignment, which had {found}"
    "{missing}. A person decides what that is worth.",
    "unknown_cells": "Cells with nbgrader's settings under names that the assignment does not have "
    "({found}): {count}. They were run as the learner's own.",
    # One cell
    "restored": "The cell was missing and was put back.",
    "copied": "The cell was there {count} times. {kept} was graded, and the others were run as the "
    "learner's own.",
    "rewritten": "The text of this cell is the instructor's and had been changed. It was put back.",
    "settings": "nbgrader's settings of this cell had been changed ({found}). They were put back.",
    "older_release": "This cell is as another release of the assignment had it, and was not "
    "changed since. The present release's was run.",
    "lost_settings": "The cell had lost nbgrader's settings. It was known by its id.",
    "retyped": "The cell had been made a {found} cell. It was read as the {wanted} cell it was.",
    "unreadable": "The cell's text cannot be read: its starting text was graded.",
    "too_long": "The cell's text is longer than {limit}: its starting text was graded.",
    "elsewhere": "{found} It waits for a person.",
    "moved": "Cells stood in another order. The assignment's was kept.",
    "attachment": "Attached files that were left out: {count}. A written answer keeps pictures in "
    "PNG, JPEG and GIF, up to {limit} in all.",
}


_TOGETHER = {
    "restored": "These cells were missing and were put back.",
    "copied": "Each of these cells was there {count} times. {kept} was graded, and the others were "
    "run as the learner's own.",
    "rewritten": "The text of these cells is the instructor's and had been changed. It was put "
    "back.",
    "settings": "nbgrader's settings of these cells had been changed ({found}). They were put "
    "back.",
    "older_release": "These cells are as another release of the assignment had them, and were not "
    "changed since. The present release's were run.",
    "lost_settings": "These cells had lost nbgrader's settings. They were known by their ids.",
    "retyped": "These cells had been made {found} cells. They were read as the {wanted} cells they "
    "were.",
    "unreadable": "The text of these cells cannot be read: their starting text was graded.",
    "too_long": "The text of these cells is longer than {limit}: their starting text was graded.",
}
"""The same of several cells."""

CAUSES = {
    "no_notebook": Cause.NOTHING_RAN,
    "which_notebook": Cause.NOTHING_RAN,
    "no_folder": Cause.NOTHING_RAN,
    "notebook_too_large": Cause.NOTHING_RAN,
    "not_a_notebook": Cause.NOTHING_RAN,
    "other_assignment": Cause.WRONG_NOTEBOOK,
    "no_cells": Cause.NO_CELLS,
    "copy": Cause.COPY,
    "copies": Cause.COPY,
    "another_release": Cause.ANOTHER_RELEASE,
}
"""The codes of what was not put right: a person must see to it."""

NOT_RUN = {"notebook_too_large", "not_a_notebook", "other_assignment"}
"""The codes with which nothing of a notebook that was handed in is run."""


@dataclass(frozen=True)
class Repair:
    """One thing put right: a stable code, a sentence, and the cell's grade_id if it is about one.

    What befell several cells alike is one repair, with their names in the place of `cell`;
    `together` is its sentence.
    """

    code: str
    sentence: str
    cell: str | None = None
    together: str = ""

    def __str__(self) -> str:
        return f"{self.cell}: {self.sentence}" if self.cell else self.sentence


def repair(code: str, cell: str | None = None, **words: object) -> Repair:
    """The repair of this code; what a learner wrote goes into `words` as `quote` gives it."""
    together = _TOGETHER.get(code, "").format(**words)
    return Repair(code, _SENTENCES[code].format(**words), cell, together)


def gathered(repairs: Iterable[Repair]) -> Iterator[Repair]:
    """The repairs of cells, with one in the place of many that say the same."""
    alike: dict[str, list[Repair]] = defaultdict(list)
    for one in repairs:
        alike[one.sentence].append(one)
    for group in alike.values():
        if len(group) <= _MOST_APART:
            yield from group
        else:
            names = ", ".join(str(one.cell) for one in group[:_MOST_NAMED])
            left = len(group) - _MOST_NAMED
            several = f"{names} and {left} more" if left else names
            yield Repair(group[0].code, group[0].together, several)
