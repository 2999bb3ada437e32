"""Imports run one way, and `import grader` stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import environment

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "grader").rglob("*.py"))

DESK = ("grader.cli", "grader.demo", "grader.export", "grader.report")
FORBIDDEN = {
    "grader.box": ("grader.keys", "grader.judge", "grader.solutions", *DESK),
    "grader.tasks": ("grader.keys", "grader.key", "grader.judge", "grader.box", *DESK),
    "grader.keys": ("grader.judge", "grader.box", *DESK),
    "grader.judge": DESK,
    "grader.report": ("grader.cli", "grader.demo"),
    "grader.export": ("grader.cli", "grader.demo"),
    "grader.errors": ("grader.keys", "grader.tasks", "grader.judge", "grader.box", "grader.cli"),
    "grader": ("course", "hub", "tests", "benchmarks"),
}
"""What may be imported nowhere inside a package."""

ENGINE = ("grader.keys", "grader.judge", "grader.cli", "grader.box")
SEEKERS = {"grader.answers": ("grader.keys",)}
"""What no module directly in `grader` imports, and the ones that look for it when asked to."""


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(source, module, is_package=False):
    """Every module that a source names in an import, wherever it stands.

    Every text inside the name given to import_module, find_spec, run_module and __import__ counts.
    """
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*above, node.module or ""] if node.level else [node.module])
            base = base.rstrip(".")
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and called(node) in LOADERS and node.args:
            yield from texts(node.args[0])


LOADERS = {"import_module", "find_spec", "run_module", "__import__", "resolve_name"}


def called(node):
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def texts(argument):
    for node in ast.walk(argument):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value.rstrip(".")


def within(name, package):
    return name == package or name.startswith(package + ".")


def broken(path):
    """The imports of a file that go the wrong way."""
    module = module_of(path)
    names = set(imported(path.read_text(), module, path.name == "__init__.py"))
    barred = {b for p, names_ in FORBIDDEN.items() if within(module, p) for b in names_}
    directly = module.count(".") == 1 and path.name != "__init__.py"
    if directly or module == "grader":
        barred |= set(ENGINE) - set(SEEKERS.get(module, ()))
    return sorted(name for name in names if any(within(name, b) for b in barred))


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_module_imports_only_what_stands_below_it(path):
    assert not broken(path)


def test_the_trusted_half_stands_on_the_public_one_and_not_the_other_way():
    bases = {"grader.observation", "grader.verdict", "grader.task", "grader.messages"}
    for path in FILES:
        if module_of(path) in bases:
            names = set(imported(path.read_text(), module_of(path)))
            own = {name for name in names if within(name, "grader")}
            assert all(any(within(name, base) for base in bases) for name in own), own


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import grader.keys", "grader.keys"),
        ("import grader.keys.graphs as g", "grader.keys.graphs"),
        ("from grader import keys", "grader.keys"),
        ("from grader.keys import graphs", "grader.keys.graphs"),
        ("from ..keys import graphs", "grader.keys.graphs"),
        ("from .. import keys", "grader.keys"),
        ("def f():\n    from grader.keys import graphs", "grader.keys.graphs"),
        ("import importlib\nimportlib.import_module('grader.keys')", "grader.keys"),
        ("from importlib import import_module\nimport_module(f'grader.keys.{x}')", "grader.keys"),
        ("import_module('grader.keys' if x else 'grader.tasks')", "grader.keys"),
        ("__import__('grader.keys')", "grader.keys"),
        ("if TYPE_CHECKING:\n    import grader.keys", "grader.keys"),
        ("try:\n    import grader.keys\nexcept ImportError:\n    pass", "grader.keys"),
    ],
)
def test_every_way_of_importing_is_seen(source, name):
    assert name in set(imported(source, "grader.box.loop"))


def brought_by(program, first="torch"):
    """The modules that a program's imports add to those of `first`."""
    source = f"import sys, {first}\nbefore = set(sys.modules)\n{program}\n"
    done = subprocess.run(
        [sys.executable, "-c", source + "print(*sorted(set(sys.modules) - before))"],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout.split()


def among(names, heavy):
    return [name for name in names if any(within(name, package) for package in heavy)]


HEAVY = ("IPython", "sympy", "torch._dynamo", "torch._inductor", "matplotlib", "nbgrader", "course")


def test_the_package_alone_does_not_wait_for_torch():
    assert not among(brought_by("import grader", first="os"), ("torch", "numpy"))


def test_importing_grader_brings_neither_keys_nor_anything_heavy():
    brought = brought_by("from grader import check")
    assert "grader.checking" in brought
    others = ("grader.keys", "grader.tasks", "grader.judge", "grader.box", "grader.cli")
    libraries = ("numpy", "nbformat", "jupytext", "rich", "typer", "platformdirs", "safetensors")
    assert not among(brought, (*HEAVY, *others, *libraries))


def test_checking_brings_nothing_heavy_either():
    brought = brought_by(
        "import grader\n"
        "verdict = grader.check('two_path_grad', lambda x, w: (w + 1, w + 1))\n"
        "assert verdict.findings[0].code == 'two_path_grad.first_path_only', verdict"
    )
    assert "grader.keys" in brought
    assert not among(brought, HEAVY)


def test_what_runs_in_a_box_brings_no_keys():
    brought = brought_by("import grader.box.observing, grader.box.loop, grader.checking")
    assert not among(brought, ("grader.keys", "grader.key", "grader.judge", "grader.live"))
