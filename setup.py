"""Builds the wheel: code, and beside it the course's lessons, exercises, solutions and settings."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

# An editable install runs in the checkout, where all of it lies already.
CARRIED = ("course/lessons/*.md", "exercises/*/*", "solutions/*/*.md", "nbgrader_config.py")


class WithTheCourse(build_py):
    """Lays what is no Python module into `autograd_course`, as a checkout has it."""

    def run(self) -> None:
        """Build the modules, then copy the rest."""
        super().run()
        if self.editable_mode:
            return
        for pattern in CARRIED:
            for file in sorted(Path().glob(pattern)):
                if file.is_file():
                    target = Path(self.build_lib, "autograd_course", file)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, target)


setup(cmdclass={"build_py": WithTheCourse})
