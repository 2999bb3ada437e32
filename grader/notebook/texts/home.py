"""Where the course lies that runs here: a checkout, a student side, or what pip installed."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]

CARRIED = PACKAGE.with_name("autograd_course")
"""What a wheel carries besides code: lessons, exercises, solutions and nbgrader's settings, as a
checkout has them."""

HOME = CARRIED if CARRIED.is_dir() else PACKAGE.parent
"""The folder that holds course/lessons, exercises and solutions, as far as they are here."""
