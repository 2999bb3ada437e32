"""Prints what a pyproject.toml depends on, so that an image can have it without the course itself.

python hub/dependencies.py pyproject.toml hub > requirements.txt
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def dependencies(file: Path, extras: list[str]) -> list[str]:
    """The requirements of the project in a file, and of some of its extras. Raises KeyError."""
    project = tomllib.loads(file.read_text(encoding="utf-8"))["project"]
    chosen = [line for extra in extras for line in project["optional-dependencies"][extra]]
    return [*project["dependencies"], *chosen]


if __name__ == "__main__":
    print("\n".join(dependencies(Path(sys.argv[1]), sys.argv[2:])))
