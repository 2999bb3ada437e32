"""In a notebook: an error of autograd is followed by what it means, once, below its traceback.

Every kernel installs this as it starts: what explains is loaded with the first error.
"""

from __future__ import annotations

import os
import sys
from typing import Any

_OF_GRADING = {"exit", "asks", "debugs"}
"""What is a mistake in a graded function alone."""


def install(shell: Any = None) -> bool:
    """Explain the errors of every cell from now on; True if they are.

    `shell` is IPython's, the running one if none is given. Nothing happens where no IPython runs,
    in a box of the judge, and under nbgrader, where an output would count. Installing again
    changes nothing.
    """
    shell = shell or running_shell()
    if shell is None or os.environ.get("NBGRADER_EXECUTION") or _is_boxed(shell):
        return False
    if _after_cell not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", _after_cell)
    return True


def _is_boxed(shell: Any) -> bool:
    """Whether a shell is the judge's."""
    return any(kind.__module__.startswith("grader.box.") for kind in type(shell).__mro__)


def running_shell() -> Any:
    """The IPython that runs this program, if one does; it is not imported for the question."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def _after_cell(result: Any) -> None:
    error = getattr(result, "error_in_exec", None)
    if not isinstance(error, Exception):
        return
    from grader.errors import explain_error  # a kernel starts without it

    told = explain_error(error)
    if told is not None and told.code not in _OF_GRADING:
        from IPython.display import display  # running, since it called this

        display(told)
