"""Outputs without the paths of the machine that ran them, and without a terminal's colours."""

from __future__ import annotations

import re
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_CELL_FILE = re.compile(r"[^\s\"'<>]*/ipykernel_\d+/\d+\.py")
_TERMINAL = re.compile(r"\x1b\[[0-9;]*m")


def without_paths(text: str) -> str:
    """A text whose files are named from the package, from the course, or as the cell."""
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), str(ROOT)}
    for folder in sorted(folders, key=len, reverse=True):  # an environment lies in the checkout
        text = text.replace(f"{folder}/", "")
    if "/ipykernel_" in text:  # an output may hold a megabyte of a picture
        text = _CELL_FILE.sub("the cell", text)
    return _TERMINAL.sub("", text)
