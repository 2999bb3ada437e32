"""Below a NameError: that a cell above makes the name, and how to run what stands above."""

from __future__ import annotations

import json
import os
import symtable
from pathlib import Path
from typing import Any

_NOTEBOOK = "JPY_SESSION_NAME"
"""Where a Jupyter server tells a kernel its notebook's path."""


def install(shell: Any) -> None:
    """Say it after each cell of an IPython shell from now on; twice changes nothing."""
    if _after_cell not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", _after_cell)


def _after_cell(result: Any) -> None:
    error, cell = result.error_in_exec, getattr(result.info, "cell_id", None)
    if type(error) is not NameError or not error.name or not cell:
        return
    if made_above(Path(os.environ.get(_NOTEBOOK, "")), cell, error.name):
        from IPython.display import display  # a kernel starts without what says it

        from grader.diagnosis.messages import say
        from grader.notebook.notes import Text, note

        said = say("start.unrun", name=error.name)
        display(Text(said, note(said)))


def made_above(notebook: Path, cell: str, name: str) -> bool:
    """Whether a code cell above the one of this id, as the notebook was saved, makes a name."""
    try:
        cells = json.loads(notebook.read_bytes())["cells"]
        at = [one.get("id") for one in cells].index(cell)
        code = [one["source"] for one in cells[:at] if one["cell_type"] == "code"]
        return any(_makes("".join(source), name) for source in code)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _makes(source: str, name: str) -> bool:
    """Whether a cell binds a name for the cells after it; not if it is no plain Python."""
    try:
        symbol = symtable.symtable(source, "cell", "exec").lookup(name)
    except (SyntaxError, KeyError):
        return False
    return symbol.is_assigned() or symbol.is_imported()
