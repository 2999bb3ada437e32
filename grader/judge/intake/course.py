"""A class's folder as nbgrader sees it: the settings that lie in it, and where its parts are."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets.config import Config

if TYPE_CHECKING:
    from nbgrader.coursedir import CourseDirectory


def course_directory(course: Path) -> CourseDirectory:
    """nbgrader's view of the course in a folder, with the settings of its nbgrader_config.py."""
    from nbgrader.coursedir import CourseDirectory  # all of nbgrader: settings alone need none

    has_settings = (course / "nbgrader_config.py").exists()
    settings = settings_of(course) if has_settings else Config()
    settings.CourseDirectory.root = str(course.resolve())
    return CourseDirectory(config=settings)


def settings_of(course: Path) -> Any:
    """The course's nbgrader settings, read as nbgrader reads them."""
    from traitlets.config.loader import PyFileConfigLoader

    with environment_kept():  # the file sets variables for the kernels nbgrader starts
        return PyFileConfigLoader("nbgrader_config.py", path=str(course)).load_config()


@contextlib.contextmanager
def environment_kept() -> Iterator[None]:
    """Whatever is set in the environment meanwhile is taken back."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
