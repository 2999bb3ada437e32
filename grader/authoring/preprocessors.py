"""What nbgrader runs on a solution's notebook before it cuts a release from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbgrader.preprocessors import NbGraderPreprocessor

from grader.notebook.texts import notebooks


class InFull(NbGraderPreprocessor):  # type: ignore[misc]
    """Writes out the exercises of a notebook that JupyterLab saved as short as its text is.

    A notebook that was built is in full already, and stays as it is.
    """

    def preprocess(self, nb: Any, resources: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The notebook in full."""
        about = resources["nbgrader"]
        text = Path("solutions", about["assignment"], f"{about['notebook']}.md")
        return notebooks.completed(nb, text), resources
