"""What was put right in a submission before it was graded, in words for the instructor."""

from __future__ import annotations

from dataclasses import dataclass

_SENTENCES = {
    # The folder
    "no_notebook": "There is no {wanted}: nothing of this submission was run.",
    "renamed": "The notebook was called {found}. It was read as {wanted}.",
    "which_notebook": "There is no {wanted}, and any of these may be it: {found}. None was graded: "
    "give the right one that name.",
    "other_notebook": "{found} was left out: the assignment's notebook is {wanted}.",
    "no_folder": "The folder of the submission cannot be read: nothing of it was run.",
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
    "no_cells": "The notebook holds none of the assignment's cells.",
    "old_format": "The notebook has an older format, version {found}. It was read all the same.",
    "broken_text": "The notebook holds text that is not UTF-8. What could not be read shows as �.",
    "language": "The notebook was set to {found}. It was run with the assignment's {wanted}.",
    "too_many_cells": "Cells of the learner's own that were left out: {count}. Kept are {limit}.",
    "unreadable_cells": "Cells that cannot be read and were left out: {count}.",
    "unknown_cells": "Cells with nbgrader's settings under names that the assignment does not have "
    "({found}): {count}. They were run as the learner's own.",
    # One cell
    "restored": "The cell was missing and was put back.",
    "copied": "The cell was there {count} times. {kept} was graded, and the others were run as the "
    "learner's own.",
    "rewritten": "The text of this cell is the instructor's and had been changed. It was put back.",
    "settings": "nbgrader's settings of this cell had been changed ({found}). They were put back.",
    "lost_settings": "The cell had lost nbgrader's settings. It was known by its id.",
    "retyped": "The cell had been made a {found} cell. It was read as the {wanted} cell it was.",
    "unreadable": "The cell's text cannot be read: its starting text was graded.",
    "too_long": "The cell's text is longer than {limit}: its starting text was graded.",
    "moved": "Cells had been moved. The assignment's order was kept.",
    "attachment": "Attached files that were left out: {count}. A written answer keeps pictures in "
    "PNG, JPEG and GIF, up to {limit} in all.",
}


@dataclass(frozen=True)
class Repair:
    """One thing put right: a stable code, a sentence, and the grade_id of the cell if it is one."""

    code: str
    sentence: str
    cell: str | None = None

    def __str__(self) -> str:
        return f"{self.cell}: {self.sentence}" if self.cell else self.sentence


def repair(code: str, cell: str | None = None, **words: object) -> Repair:
    """The repair of this code; what a learner wrote goes into `words` as `quote` gives it."""
    return Repair(code, _SENTENCES[code].format(**words), cell)
