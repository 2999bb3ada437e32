"""Which file sets which of nbgrader's settings: the class's own, and those above it."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traitlets.config import Config

from grader.engine.refusal import Refusal
from grader.judge.intake.course import environment_kept

NAMES = ("jupyter_config", "nbgrader_config")
"""What nbgrader reads in every folder of Jupyter's settings, the second over the first."""
_OURS = ("CourseDirectory", "Exchange", "NbGrader")
"""What counts of the first, which is for every program of Jupyter's."""


class UnreadableSettings(Refusal):
    """A file of settings raises an exception when it is read."""


_BELONGS = re.compile(r"It belongs to the class in:\n# (.+)\nc\.Exchange\.root")


@dataclass(frozen=True)
class Source:
    """One file, what it sets, and whether it is of the class."""

    file: Path
    config: Config
    own: bool = False

    @property
    def values(self) -> dict[str, Any]:
        """What it sets by name, `CourseDirectory.root`."""
        return {
            f"{section}.{name}": value
            for section, values in self.config.items()
            if hasattr(values, "items")
            for name, value in values.items()
        }


def sources(course: Path) -> list[Source]:
    """Every file that nbgrader reads when it is typed in a class's folder, the last one wins.

    Raises UnreadableSettings.
    """
    from jupyter_core.paths import jupyter_config_path

    folders = [Path(folder) for folder in reversed(jupyter_config_path())]
    above = [file for folder in folders for file in _in(folder, NAMES)]
    own = list(_in(course, NAMES[-1:]))
    return [
        *(Source(file, _read(file)) for file in above if file not in own),
        *(Source(file, _read(file), own=True) for file in own),
    ]


def from_above(found: list[Source]) -> dict[Path, list[str]]:
    """By file, what counts although the class does not say it."""
    winner = {name: source for source in found for name in source.values}
    above: dict[Path, list[str]] = {}
    for name, source in sorted(winner.items()):
        if not source.own:
            above.setdefault(source.file, []).append(name)
    return above


def root_of(course: Path, found: list[Source]) -> tuple[Path, Path | None]:
    """The folder that nbgrader's commands work in, and the file that says so, if one does."""
    for source in reversed(found):
        if "CourseDirectory.root" in source.values:
            return Path(os.path.abspath(str(source.values["CourseDirectory.root"]))), source.file
    return course, None


def meant(file: Path) -> bool:
    """Whether somebody asked for this file: a classroom's servers name theirs in a variable."""
    asked = os.environ.get("JUPYTER_CONFIG_PATH", "").split(os.pathsep)
    return file.parent in map(Path, filter(None, asked))


def settings_of(course: Path) -> Config:
    """What all of them together say, as nbgrader's commands have it in a class's folder.

    `autograd-course grade` reads the class's own file alone; but where the exchange is may be said
    above, by a classroom or an administrator. Raises UnreadableSettings.
    """
    whole = Config()
    for source in sources(course):
        whole.merge(source.config)
    whole.CourseDirectory.root = str(course.resolve())
    return whole


def _in(folder: Path, names: tuple[str, ...]) -> Iterator[Path]:
    for name in names:
        for ending in ("json", "py"):  # as traitlets reads them: the program wins
            file = folder / f"{name}.{ending}"
            if file.is_file():
                yield file


def _read(file: Path) -> Config:
    from traitlets.config.loader import JSONFileConfigLoader, PyFileConfigLoader

    loader = JSONFileConfigLoader if file.suffix == ".json" else PyFileConfigLoader
    try:
        with environment_kept():
            config = loader(file.name, path=str(file.parent)).load_config()
    except Exception as error:  # the file is a program: anything may be raised while it runs
        raise UnreadableSettings(
            f"{file} raises {error!r}.", "Mend the file, or move it away."
        ) from error
    if file.stem == NAMES[-1]:
        return Config(config)
    return Config({name: values for name, values in config.items() if name.startswith(_OURS)})


def whose_exchange(folder: Path) -> Path | None:
    """The class whose exchange the settings in a folder name, if that is another one."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        text = (folder / "nbgrader_config.py").read_text(encoding="utf-8")
        for named in _BELONGS.findall(text):
            return None if Path(named) == folder.resolve() else Path(named)
    return None
