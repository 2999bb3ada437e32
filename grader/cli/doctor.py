"""What `autograd-course doctor` looks at: each check is one line, with the cure if it is needed."""

from __future__ import annotations

import enum
import os
import platform
import shutil
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from grader.cli import torch_range

if TYPE_CHECKING:
    from grader.classroom import settings


class Health(enum.Enum):
    """How a line of the doctor begins."""

    FINE = "[green]✓[/]"
    WORTH_KNOWING = "[yellow]![/]"
    BROKEN = "[red]✗[/]"


@dataclass(frozen=True)
class Place:
    """What is examined: a course, the workspace that goes with it, and the settings of a class."""

    course: Path
    workspace: Path
    settings: Path


@dataclass(frozen=True)
class Checkup:
    """What one check found; `cure` says what to do about it, where there is something to do."""

    state: Health
    what: str
    found: str
    cure: str = ""


def python(place: Place) -> Checkup:
    """The interpreter."""
    return Checkup(Health.FINE, "Python", f"{platform.python_version()}, {sys.executable}")


def torch(place: Place) -> Checkup:
    """torch: installed, new enough, importable."""
    try:
        found = torch_range.require()
        import torch as module
    except torch_range.TorchUnusable as refusal:
        return Checkup(Health.BROKEN, "torch", refusal.what, refusal.cure)
    except (ImportError, OSError) as error:
        cure = f'Install it again: {sys.executable} -m pip install --force-reinstall "torch"'
        return Checkup(Health.BROKEN, "torch", f"cannot be imported: {error}", cure)
    threads = module.get_num_threads()
    return Checkup(Health.FINE, "torch", f"{found}, {threads} thread{'s' * (threads != 1)}")


def gpu(place: Place) -> Checkup:
    """The device that checks run on."""
    try:
        import torch as module
    except (ImportError, OSError):
        return Checkup(Health.WORTH_KNOWING, "GPU", "not looked for, since torch is missing")
    if module.cuda.is_available():
        return Checkup(Health.FINE, "GPU", module.cuda.get_device_name())
    return Checkup(Health.FINE, "GPU", "none that torch can use; the whole course runs without one")


def packages(place: Place) -> Checkup:
    """Every package the course asks for, in the range it asks for."""
    try:
        asked = [Requirement(line) for line in requires("autograd-course") or []]
    except PackageNotFoundError:
        return Checkup(
            Health.BROKEN,
            "Packages",
            "the course itself is not installed here",
            f"In the course's folder: {sys.executable} -m pip install -e . -c constraints.txt",
        )
    wrong = [f"{one.name} {_lack(one)}" for one in asked if _is_core(one) and _lack(one)]
    if not wrong:
        return Checkup(Health.FINE, "Packages", "all that the course needs")
    cure = f"In the course's folder: {sys.executable} -m pip install -e . -c constraints.txt"
    return Checkup(Health.BROKEN, "Packages", "; ".join(wrong), cure)


def kernel(place: Place) -> Checkup:
    """The kernel notebooks ask for runs this interpreter."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    cure = f"{sys.executable} -m ipykernel install --sys-prefix"
    try:
        spec = KernelSpecManager().get_kernel_spec("python3")
    except NoSuchKernel:
        return Checkup(Health.BROKEN, "Notebook kernel", "there is no kernel named python3", cure)
    runs = spec.argv[0]
    if runs in ("python", "python3", f"python{sys.version_info[0]}.{sys.version_info[1]}"):
        return Checkup(Health.FINE, "Notebook kernel", "python3 runs this Python")
    if Path(runs).exists() and Path(runs).samefile(sys.executable):
        return Checkup(Health.FINE, "Notebook kernel", "python3 runs this Python")
    return Checkup(Health.BROKEN, "Notebook kernel", f"python3 runs another Python, {runs}", cure)


def dot(place: Place) -> Checkup:
    """Graphviz's `dot`, which draws torchviz's pictures."""
    found = shutil.which("dot")
    if found:
        return Checkup(Health.FINE, "Graphviz", found)
    return Checkup(
        Health.WORTH_KNOWING,
        "Graphviz",
        "no dot; torchviz's pictures appear as text",
        "Install Graphviz: apt-get install graphviz, brew install graphviz, or "
        "conda install graphviz",
    )


def workspace(place: Place) -> Checkup:
    """The workspace can be written."""
    folder = place.workspace
    nearest = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return Checkup(Health.FINE, "Workspace", str(folder))
    return Checkup(
        Health.BROKEN,
        "Workspace",
        f"{nearest} cannot be written",
        "Make it a folder of yours, or name another: autograd-course open --workspace FOLDER",
    )


def record(place: Place) -> Checkup:
    """Where the learner's progress is kept."""
    from grader.notebook.record.records import path

    return Checkup(Health.FINE, "Your progress", f"is kept in {path()}")


def nbgrader(place: Place) -> Checkup:
    """nbgrader's settings, and the program it runs to make a gradebook."""
    from grader.classroom import settings

    try:
        found = settings.sources(place.settings)
    except settings.UnreadableSettings as refusal:
        cure = f"{refusal.cure} The course's own is restored by: git checkout nbgrader_config.py"
        return Checkup(Health.BROKEN, "nbgrader", refusal.what, cure)
    said = {name: value for one in found for name, value in one.values.items()}
    steps = (said.get(f"CourseDirectory.{step}_directory") for step in ("source", "release"))
    if tuple(steps) != ("solutions", "exercises"):
        cure = "Restore nbgrader_config.py: git checkout nbgrader_config.py"
        return Checkup(Health.BROKEN, "nbgrader", "its folders are not the course's", cure)
    if not shutil.which("alembic", path=sysconfig.get_path("scripts")):
        missing = "alembic, which makes the gradebook, is not installed"
        cure = f"{sys.executable} -m pip install --force-reinstall alembic"
        return Checkup(Health.BROKEN, "nbgrader", missing, cure)
    return _where_from(place.settings, found)


def _where_from(course: Path, found: list[settings.Source]) -> Checkup:
    """Which file set what. A file outside the class that counts is worth knowing."""
    from grader.classroom import settings

    own = course / "nbgrader_config.py"
    above = settings.from_above(found)
    told = [f"{version('nbgrader')}, with the settings of {own}"]
    told += [f"and from {file}: {', '.join(names)}" for file, names in above.items()]
    root, file = settings.root_of(course, found)
    if root.resolve() != course.resolve():
        return Checkup(
            Health.BROKEN,
            "nbgrader",
            f"{'; '.join(told)}. Its commands work in {root}, since {file} says so",
            f'In {own}: c.CourseDirectory.root = "{course}". It is read last, and wins.',
        )
    other = settings.whose_exchange(course)
    if other is not None:
        return Checkup(
            Health.WORTH_KNOWING,
            "nbgrader",
            f"{'; '.join(told)}. Its exchange is that of the class in {other}: what is collected, "
            "followed and erased here is theirs",
            f"Name another c.Exchange.root in {own}, or, if the class was moved, the folder above "
            "it.",
        )
    unasked = [file for file in above if not settings.meant(file)]
    if unasked:
        return Checkup(
            Health.WORTH_KNOWING,
            "nbgrader",
            "; ".join(told),
            "nbgrader's own commands follow all of these, autograd-course the class's file alone. "
            f"What is meant for this class belongs into {own}, which is read last, and wins.",
        )
    return Checkup(Health.FINE, "nbgrader", "; ".join(told))


def isolation(place: Place) -> Checkup:
    """How submissions are walled in when they are graded here."""
    from grader.box.outside.probe import probe

    report = probe()
    failed = [trial for trial in report.trials if not trial.works]
    cure = "\n    ".join(dict.fromkeys(trial.cure for trial in failed if trial.cure))
    if report.level is None:
        why = "; ".join(f"{trial.level.value}: {trial.why}" for trial in failed)
        found = f"none, so grading is refused here; learning is not affected. {why}"
        return Checkup(Health.WORTH_KNOWING, "Grading", found, cure)
    found = f"{report.level.value}: {report.trials[-1].why}; {report.memory}"
    for trial in failed:
        found += f"; {trial.level.value} would be stronger, but: {trial.why}"
    return Checkup(Health.WORTH_KNOWING if failed else Health.FINE, "Grading", found, cure)


CHECKS: tuple[Callable[[Place], Checkup], ...] = (
    python,
    torch,
    gpu,
    packages,
    kernel,
    dot,
    workspace,
    record,
    nbgrader,
    isolation,
)


def _is_core(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def _lack(requirement: Requirement) -> str:
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return "is missing"
    inside = requirement.specifier.contains(found, prereleases=True)
    return "" if inside else f"is {found}, not {requirement.specifier}"
