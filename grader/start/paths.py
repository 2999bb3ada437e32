"""Where the start page is served, and where its parts lie."""

from __future__ import annotations

from pathlib import Path

PAGE = "start.html"

HERE = Path(__file__).parent

STARTUP = HERE / "startup.py"
"""What a kernel runs first."""

LABEXTENSIONS = HERE / "labextensions"
"""For JupyterLab's `extra_labextensions_path`: it then goes to the cell that an address names."""
