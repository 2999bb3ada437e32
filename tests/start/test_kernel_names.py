"""A workspace's kernels know the course's names from their start, and load nothing for it."""

import ast
import importlib.machinery
import json
import os
import subprocess
import sys
import types

import pytest

from grader.start import kernel
from grader.start.paths import STARTUP
from tests.conftest import environment
from tests.fixtures import kernels


class Kernel:
    """A kernel as a workspace's server starts it: `run` gives what a cell printed and raised."""

    def __init__(self, client):
        self.client = client

    def run(self, source):
        said, wrong = [], []

        def hear(message):
            content = message["content"]
            if message["msg_type"] == "stream":
                said.append(content["text"])
            if message["msg_type"] == "error":
                wrong.append(f"{content['ename']}: {content['evalue']}")

        self.client.execute_interactive(source, output_hook=hear, timeout=300)
        return "".join(said), wrong

    def outputs(self, source):
        """What a cell shows, in order: each output's kind, and its text."""
        shown = []

        def hear(message):
            content = message["content"]
            if "text/plain" in content.get("data", {}):
                shown.append((message["msg_type"], content["data"]["text/plain"]))
            elif message["msg_type"] == "error":
                shown.append(("error", content["evalue"]))

        self.client.execute_interactive(source, output_hook=hear, timeout=300)
        return shown

    def value(self, expression):
        said, wrong = self.run(f"print(repr({expression}))")
        assert wrong == []
        return ast.literal_eval(said)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A kernel that has run nothing yet."""
    folder = tmp_path_factory.mktemp("kernel")
    own = folder / "own_startup.py"
    own.write_text("mine = 5\n")
    env = environment(PYTHONSTARTUP=str(STARTUP), AUTOGRAD_COURSE_OWN_STARTUP=str(own))
    with kernels.started(env | {"AUTOGRAD_COURSE_DATA": str(folder)}) as (_, client):
        yield Kernel(client)


AT_START = {
    "course",
    "grader",
    "grader.notebook",
    "grader.notebook.errors",
    "grader.start",
    "grader.start.kernel",
    "grader.start.unrun",
}
"""What gives a kernel its names, and listens for an error: nothing that a name does."""


def test_a_cell_in_the_middle_of_a_notebook_raises_no_name_error(fresh):
    loaded = set(fresh.value("[*__import__('sys').modules]"))
    assert {name for name in loaded if name.partition(".")[0] in ("grader", "course")} == AT_START
    assert not {"torch", "numpy", "nbformat"} & loaded
    assert fresh.value("mine") == 5  # the learner's own startup file has run as well
    _, wrong = fresh.run("progress()\ncheck('two_path_grad', lambda x, w: (w + 1, w + 1))")
    assert wrong == []
    assert fresh.value("check('two_path_grad', lambda x, w: (w + 1, x + 2*w + 1)).passed") is True
    for call in ("hint('two_path_grad')", "ask('start-predict')", "review()"):
        assert fresh.run(call)[1] == []


@pytest.mark.parametrize("first", ["import torch", "import grader", "from course import watch"])
def test_an_error_of_torch_is_followed_by_what_it_means_once(fresh, first):
    fresh.run(f"{first}\nimport torch")
    (_, said), (kind, told) = fresh.outputs("torch.ones(3).sum().backward()")
    assert "does not require grad" in said
    assert kind == "display_data"
    assert told.startswith("What it")
    assert "section 1.8" in told


def test_an_error_within_a_check_is_told_by_the_verdict_alone(fresh):
    fresh.run("import torch")
    shown = fresh.outputs("check('two_path_grad', lambda x, w: torch.ones(3).sum().backward())")
    ((_, told),) = shown
    assert "does not require grad" in told
    assert not told.startswith("What it")


def test_a_name_that_a_cell_above_makes_is_missed_with_the_way_to_it(fresh, tmp_path):
    cells = {"first": "import math\nb = 2", "text": "c = 3", "magic": "%who", "second": "b + 1"}
    written = [
        {"id": id, "cell_type": "markdown" if id == "text" else "code", "source": [source]}
        for id, source in (cells | {"below": "later = 5"}).items()
    ]
    place = tmp_path / "a.ipynb"
    place.write_text(json.dumps({"cells": written}))
    fresh.run(f"import os; os.environ['JPY_SESSION_NAME'] = {str(place)!r}")

    def told(source, cell="second"):
        shown = fresh.outputs(f"_ = get_ipython().run_cell({source!r}, cell_id={cell!r})")
        return [text for _, text in shown if "this kernel does not have it" in text]

    for name in ("b", "math"):
        (said,) = told(f"{name} + 1")
        assert said.startswith(f"A cell above this one makes {name}, ")
    for name in ("c", "later", "nobody"):  # text; a cell below; no cell
        assert told(f"{name} + 1") == []
    assert told("b + 1", "first") == []
    assert told("1 / 0") == []
    fresh.run("b = 2")
    assert told("b + 1") == []
    fresh.run("del os.environ['JPY_SESSION_NAME'], b")
    assert told("b + 1") == []


def test_a_learners_own_variable_wins(fresh):
    assert fresh.value("[check := 7, check][1]") == 7
    fresh.run("from grader import hint")
    assert fresh.value("hint.__module__") == "grader.notebook.guidance"
    said, _ = fresh.run("%who")
    assert "check" in said
    assert "solution" not in said


def test_every_name_is_where_it_is_said_to_be():
    import importlib

    for name, module in kernel.NAMES.items():
        if kernel._is_there(module):
            assert callable(getattr(importlib.import_module(module), name))


class Shell:
    """As much of IPython's shell as is needed to give it names."""

    def __init__(self, **variables):
        self.user_ns, self.user_ns_hidden = variables, {}
        self.events = types.SimpleNamespace(callbacks={"post_run_cell": []}, register=print)


def test_errors_are_explained_in_every_cell_where_the_course_has_explanations(monkeypatch):
    installed = []
    explaining = types.ModuleType("explaining")
    explaining.install = installed.append
    explaining.__spec__ = importlib.machinery.ModuleSpec("explaining", None)
    monkeypatch.setitem(sys.modules, "explaining", explaining)
    monkeypatch.setattr(kernel, "ERRORS", "explaining")
    shell = Shell(check="mine")
    kernel.provide(shell)
    assert installed == [shell]
    assert shell.user_ns["check"] == "mine"
    assert callable(shell.user_ns["hint"])


def python(*words, **extra):
    done = subprocess.run(
        [sys.executable, *words],
        env=environment(PYTHONSTARTUP=str(STARTUP), **extra),
        input="",
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return done.stdout + done.stderr


def test_a_terminals_plain_python_gets_nothing_of_it():
    env = environment(PYTHONSTARTUP=str(STARTUP))
    done = subprocess.run(
        [sys.executable, "-i", "-q"],
        env=env,
        input="import sys; print('IPython' in sys.modules, 'check' in dir(), '_start' in dir())",
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert done.stdout.split() == ["False", "False", "False"]


def test_under_nbgrader_a_notebook_has_what_it_imports_and_no_more():
    said = python("-m", "IPython", "-c", "print('check' in dir())", NBGRADER_EXECUTION="validate")
    assert "False" in said


def test_a_kernel_without_the_course_starts_as_ever(tmp_path):
    env = os.environ | {"PYTHONSTARTUP": str(STARTUP), "IPYTHONDIR": str(tmp_path)}
    env.pop("PYTHONPATH", None)
    program = (
        "import sys; sys.modules['grader'] = None\n"
        f"import IPython; exec(compile(open({str(STARTUP)!r}).read(), 'startup', 'exec'))\n"
        "print('went on')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout == "went on\n", done.stderr
