"""The environment's promises: one list of packages, exact versions, clear words when one lacks."""

import importlib.metadata
import os
import re
import shutil
import socket
import subprocess
import sys
import textwrap
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from grader.cli import doctor, lab, torch_range
from tests.conftest import ROOT, environment

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ASKED = [Requirement(line) for line in PROJECT["dependencies"]]
TESTING = [Requirement(line) for line in PROJECT["optional-dependencies"]["test"]]
PINNED = {
    canonicalize_name(line.split("==")[0]): line.split("==")[1]
    for line in (ROOT / "constraints.txt").read_text().split("\n")
    if line and not line.startswith("#")
}


def closure(requirements):
    """The names of all packages that some requirements bring, as installed here."""
    found, waiting = set(), list(requirements)
    while waiting:
        one = waiting.pop()
        for extra in ("", *one.extras):
            if (one.name, extra) in found:
                continue
            found.add((one.name, extra))
            brought = map(Requirement, importlib.metadata.requires(one.name) or [])
            waiting += [
                new for new in brought if not new.marker or new.marker.evaluate({"extra": extra})
            ]
    return {canonicalize_name(name) for name, _ in found}


def test_every_pinned_package_can_be_had_by_the_oldest_python_that_is_supported():
    oldest = PROJECT["requires-python"].removeprefix(">=") + ".0"
    for name in PINNED:
        wanted = importlib.metadata.metadata(name).get("Requires-Python")
        assert SpecifierSet(wanted or "").contains(oldest), f"{name} asks for Python {wanted}"


def test_conda_users_get_the_same_packages():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    [pip] = [entry["pip"] for entry in conda if isinstance(entry, dict)]
    options = [line for line in pip if line.startswith("-")]
    assert options == ["--constraint constraints.txt", "--editable ."]
    assert sorted(set(pip) - set(options)) == sorted(PROJECT["dependencies"])
    assert f"python{PROJECT['requires-python']}" in conda


def test_every_package_of_the_environment_is_pinned_to_what_is_tested():
    for name in closure([*ASKED, *TESTING]):
        installed = Version(importlib.metadata.version(name)).public
        assert PINNED.get(name) == installed, f"constraints.txt: {name}=={installed}"


def test_the_pins_are_exact_and_within_what_the_project_asks_for():
    lines = (ROOT / "constraints.txt").read_text().splitlines()[1:]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    for one in [*ASKED, *TESTING]:
        assert one.specifier.contains(PINNED[canonicalize_name(one.name)])


def test_one_lower_bound_of_torch():
    [asked] = [one for one in ASKED if one.name == "torch"]
    assert str(asked.specifier) == f">={torch_range.OLDEST}"


MISSING_OR_OLD = pytest.mark.parametrize(
    ("version", "complaint"),
    [(None, "torch is not installed"), ("2.10.0", "torch 2.10.0 is older than 2.11")],
    ids=["missing", "too old"],
)


@pytest.mark.parametrize(
    "argv", [("open", "--no-browser"), ("progress",)], ids=["open", "progress"]
)
@MISSING_OR_OLD
def test_torch_missing_or_too_old_is_said_with_its_cure(argv, version, complaint):
    pretend = f"""
        import importlib.metadata, sys
        known = importlib.metadata.distribution
        def distribution(name):
            if name != "torch":
                return known(name)
            if not {version!r}:
                raise importlib.metadata.PackageNotFoundError(name)
            return type("Old", (), dict(version={version!r}, requires=[]))
        importlib.metadata.distribution = distribution
        if not {version!r}:
            sys.modules["torch"] = None
        from grader.cli import main
        main()
    """
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(pretend), *argv],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 1
    assert complaint in said.stderr
    assert '-m pip install "torch>=2.11"' in said.stderr
    assert "Traceback" not in said.stderr


def test_a_taken_port_is_refused_and_a_free_one_named(command):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        status, said = command("open", "--course", ROOT, "--port", taken, "--no-browser")
        assert status == 1
        assert f"Port {taken} is taken" in said
        free = int(re.search(r"make course PORT=(\d+)", said)[1])
        assert free != taken
        assert lab.choose_port(free) == free


def test_without_a_wish_a_free_port_is_chosen(monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setattr(lab, "FIRST_PORT", other.getsockname()[1])
        assert lab.choose_port(None) != other.getsockname()[1]


def test_jupyterlab_never_hops_to_another_port_and_asks_no_question(course):
    line = lab.command(course / "workspace", 8899, browser=False)
    assert {
        "--ServerApp.port=8899",
        "--ServerApp.port_retries=0",
        "--ServerApp.answer_yes=True",
    } <= {*line}


def test_jupyterlab_opens_at_the_start_page(course):
    line = lab.command(course / "workspace", 8899, browser=True)
    assert {
        "--LabApp.default_url=/start.html",
        "--ServerApp.jpserver_extensions=grader.start=True",
        "--ServerApp.jpserver_extensions=nbgrader.server_extensions.formgrader=False",
    } <= {*line}


def test_a_folder_without_a_course_is_refused(command, tmp_path):
    status, said = command("workspace", "--course", tmp_path)
    assert status == 1
    assert f"There is no course in {tmp_path}" in said


def test_the_doctor_names_all_it_looked_at(command, course, program):
    program("dot")
    status, said = command("doctor", "--course", course)
    for line in ("Python", "torch", "GPU", "Notebook kernel", "Graphviz", "Workspace", "nbgrader"):
        assert f"{line}: " in said
    assert "✗" not in said.replace("✗ Packages", "")
    assert status == ("✗ Packages" in said)  # where the course runs without being installed


def examine(check, course):
    return check(doctor.Place(course, course / "workspace", course))


@MISSING_OR_OLD
def test_the_doctor_cures_a_missing_or_old_torch(course, monkeypatch, version, complaint):
    def installed(name):
        if version:
            return version
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(torch_range, "version", installed)
    line = examine(doctor.torch, course)
    assert line.state is doctor.Health.BROKEN
    assert complaint in line.found
    assert 'pip install "torch>=2.11"' in line.cure


def test_the_doctor_cures_a_missing_dot(course, monkeypatch):
    monkeypatch.setenv("PATH", "")
    line = examine(doctor.dot, course)
    assert line.state is doctor.Health.WORTH_KNOWING
    assert "apt-get install graphviz" in line.cure


def test_the_doctor_cures_a_workspace_that_cannot_be_made(course):
    (course / "workspace").write_text("a file")
    line = examine(doctor.workspace, course)
    assert line.state is doctor.Health.BROKEN
    assert "--workspace FOLDER" in line.cure


@pytest.mark.parametrize("damage", ["c = get_config(", "c = get_config()\n"])
def test_the_doctor_cures_damaged_nbgrader_settings(course, damage):
    (course / "nbgrader_config.py").write_text(damage)
    line = examine(doctor.nbgrader, course)
    assert line.state is doctor.Health.BROKEN
    assert "git checkout nbgrader_config.py" in line.cure


@pytest.fixture
def checkout(tmp_path, program):
    """What make needs of a checkout to begin to make the environment."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)

    def make(*argv):
        return subprocess.run(
            [program("make"), *argv],
            cwd=tmp_path,
            env=os.environ | {"MAKEFLAGS": ""},
            capture_output=True,
            text=True,
            check=False,
        )

    return make


@pytest.mark.parametrize("target", ["course", "test", "exercises", "lint"])
def test_a_python_too_old_is_named_before_anything_is_made(checkout, tmp_path, target):
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\n[ "$1" != -c ]\n')
    old.chmod(0o755)
    said = checkout(target, f"PYTHON={old}")
    assert said.returncode != 0
    assert f"This course needs Python 3.11 or newer, and {old} is Python 3.9.2." in said.stdout
    assert not (tmp_path / ".venv").exists()


def test_a_python_that_is_not_there_is_named(checkout, tmp_path):
    said = checkout("course", "PYTHON=python9.9")
    assert said.returncode != 0
    assert "There is no program python9.9" in said.stdout
    assert not (tmp_path / ".venv").exists()


def test_an_environment_made_elsewhere_is_made_anew(checkout, tmp_path):
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    for stamp in ("made-core", "made-test"):
        (tmp_path / ".venv" / stamp).touch()
    plan = checkout("--dry-run", "test").stdout
    assert "-m venv --clear" in plan
    assert "--constraint constraints.txt --editable '.[test]'" in plan
    (tmp_path / ".venv" / "made-in").write_text(f"{tmp_path}\n")
    assert "venv --clear" not in checkout("--dry-run", "test").stdout
