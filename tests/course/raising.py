"""What torch says at the programs of `tests/errors/test_errors.py`, by what explains it.

`python -m tests.course.raising` writes it into `course/symptoms/said.toml`, from which the index of
errors is made. What no program raises stays there as it is.
"""

import json
import warnings

import torch

from course.symptoms.said import FILE, shortened
from course.symptoms.said import said as written
from grader.errors import EXPLANATIONS
from tests.errors.test_errors import CASES, OTHERWHERE

OF_GRADING = {"exit", "asks", "debugs"}
"""What happens in a graded function alone: no index lists it."""

PROGRAMS = {}
for _case in CASES:
    _code, _raises, _ = _case.values
    PROGRAMS.setdefault(_code, []).append(_raises)


def said(program):
    """The types and texts of the errors and warnings of one run."""
    found = []
    always = torch.is_warn_always_enabled()
    torch.set_warn_always(True)  # else torch says some of its warnings once in a process
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            program()
        except BaseException as error:
            found.append((type(error).__name__, str(error)))
        finally:
            torch.set_warn_always(always)
    return found + [(one.category.__name__, str(one.message)) for one in caught]


def texts(entry):
    """What is said where an explanation fits, each kind of beginning once."""
    if entry.code in OTHERWHERE:  # not here, or not in the same words each time
        return OTHERWHERE[entry.code]
    found = {}
    for program in PROGRAMS.get(entry.code, ()):
        for kind, text in said(program):
            if entry.reads(kind, text):
                words = shortened(kind, text)
                found.setdefault(words[:26], words)
    return list(found.values())[:5] or written().get(entry.code, [])


def main():
    lines = ["# What torch 2.13 says, by the code of the explanation: its errors and warnings.\n"]
    for entry in EXPLANATIONS:
        if entry.code not in OF_GRADING:
            told = "".join(f"  {json.dumps(text, ensure_ascii=False)},\n" for text in texts(entry))
            lines.append(f"{entry.code} = [\n{told}]")
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
