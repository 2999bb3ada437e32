"""What torch says at the programs of `tests/errors/test_errors.py`, by what explains it."""

import warnings

import torch

from tests.errors.test_errors import CASES

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
