"""What the documents promise exists: commands, files, and the very message they quote."""

import ast
import functools
import html
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from PIL import Image

import grader
from grader.cli import app
from grader.engine.catalogue import chapters
from tests.conftest import ROOT
from tests.course.in_jupyterlab.elements import PICTURED, PICTURED_AT, WRONG, first_picture

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
PAGES += sorted(page for folder in ("docs", "hub") for page in (ROOT / folder).rglob("*.md"))
COMMANDS = typer.main.get_command(app).commands
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def code(page):
    """All that a page sets as code, a command a line."""
    text = page.read_text()
    blocks = re.findall(r"(?ms)^```\w*\n(.*?)^```", text)
    inline = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", re.sub(r"(?ms)^```.*?^```", "", text))
    return [*inline, *(line.strip() for block in blocks for line in block.splitlines())]


def make(*argv):
    return subprocess.run(
        [shutil.which("make"), *argv], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("page", PAGES[:2], ids=lambda page: page.name)
def test_every_make_target_named_exists(page, program):
    program("make")
    targets = {found for line in code(page) for found in re.findall(r"\bmake ([a-z-]+)", line)}
    assert targets
    for target in targets:
        plan = make("--dry-run", "--question", target)
        assert "No rule to make target" not in plan.stderr, target


@every_page
def test_every_command_named_exists(page):
    for line in code(page):
        for name, options in re.findall(r"^autograd-course ([a-z-]+)((?: --[a-z]+)*)", line):
            assert name in COMMANDS, line
            known = {flag for option in COMMANDS[name].params for flag in option.opts}
            assert set(options.split()) <= known, line


def test_make_help_names_every_target(program):
    program("make")
    [phony] = re.findall(r"(?m)^\.PHONY: (course .*)$", (ROOT / "Makefile").read_text())
    said = make("help").stdout
    assert {target for target in phony.split() if f"make {target} " not in said} == {"help"}


@every_page
def test_every_link_leads_somewhere(page):
    prose = re.sub(r"`[^`\n]+`", "", page.read_text())  # what is quoted as code is no link
    for link in re.findall(r"\]\(([^)#\s]+)", prose):
        assert link.startswith("https://") or (page.parent / link).exists(), link


def test_the_message_the_readme_quotes_is_what_the_course_says(monkeypatch):
    monkeypatch.setenv("AUTOGRAD_COURSE_DEVICE", "cpu")
    blocks = dict(
        re.findall(r"(?ms)^```(python|text)\n(.*?)^```", (ROOT / "README.md").read_text())
    )
    names = {}
    exec(blocks["python"].split("check(")[0], names)
    assert str(grader.check("two_path_grad", names["two_path_grad"])) == blocks["text"].rstrip()


def verdict_shown():
    """What stands on the README's picture of a verdict: the verdict, and the first hint."""
    names = {}
    exec(WRONG, names)
    verdict = grader.check("two_path_grad", names["two_path_grad"])
    return f"{verdict}\n{grader.hint('two_path_grad', 1)}"


def step_shown(lesson):
    """What stands on the picture of a lesson at the step that the README shows."""
    *before, last = ast.parse(first_picture(PICTURED[lesson])).body
    names = {}
    exec(compile(ast.Module(before, []), lesson, "exec"), names)
    player = eval(compile(ast.Expression(last.value), lesson, "eval"), names)
    player.step = PICTURED_AT[lesson]
    drawn = re.sub(r"(?s)<(title|desc|style)\b.*?</\1>", "", player.stage.svg)
    return html.unescape("\n".join([player.sentence, *re.findall(r">([^<]+)<", drawn)]))


SHOWN = {one.partition("-")[2]: functools.partial(step_shown, one) for one in PICTURED_AT}
SHOWN["verdict"] = verdict_shown


@pytest.mark.parametrize("name", SHOWN)
def test_a_picture_of_the_readme_shows_what_the_course_says_now(name, tmp_path, monkeypatch):
    """Take it anew where it does not: docs/testing.md says how."""
    monkeypatch.setenv("AUTOGRAD_COURSE_DEVICE", "cpu")
    monkeypatch.setenv("AUTOGRAD_COURSE_DATA", str(tmp_path))
    with Image.open(ROOT / "docs" / "pictures" / f"{name}.png") as picture:
        taken = re.sub(r"\W", "", picture.text["Description"])
    for line in SHOWN[name]().splitlines():
        assert re.sub(r"\W", "", line) in taken


def test_every_picture_of_the_readme_is_one_of_them():
    shown = re.findall(r"\]\(docs/pictures/(.*?)\.png\)", (ROOT / "README.md").read_text())
    there = {place.stem for place in (ROOT / "docs" / "pictures").iterdir()}
    assert {*shown} == there == {*SHOWN}


def test_the_readme_counts_the_exercises_and_lists_every_lesson():
    text = (ROOT / "README.md").read_text()
    assert re.findall(r"they have\s+(\d+)\s+exercises", text) == [str(len(grader.exercises()))]
    listed = re.findall(r"(?m)^\| (\d+) [A-Za-z].* \| .+ \|$", text)
    assert [int(number) for number in listed] == [*range(1, len(chapters()) + 1)]


def test_continuous_integration_adds_nothing_to_make_test():
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    assert lines[-1] == "exec make test"
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


@pytest.mark.parametrize(
    "page",
    [
        *PAGES,
        *(ROOT / name for name in (".ci/run", ".gitignore", "Makefile", "nbgrader_config.py")),
        *(ROOT / name for name in ("constraints.txt", "environment.yml", "pyproject.toml")),
    ],
    ids=lambda page: page.name,
)
def test_nothing_names_the_machine_it_was_written_on(page):
    text = page.read_text()
    here = {f"{place}{os.sep}" for place in (ROOT, Path.home(), sys.base_prefix, sys.prefix)}
    if "-" in socket.gethostname() or "." in socket.gethostname():
        here.add(socket.gethostname())
    assert [place for place in here if re.search(rf"{re.escape(place)}\b", text)] == []
    assert (
        re.findall(r"file:|--(?:extra-)?index-url|--find-links|--trusted-host|PIP_INDEX", text)
        == []
    )
