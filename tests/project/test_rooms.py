"""Who may import whom, room by room, and who may see which room."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from grader import rooms
from tests.conftest import ROOT, SLOW, environment

FILES = sorted(
    path for top in ("grader", "course/companion") for path in (ROOT / top).rglob("*.py")
)

ENGINE = ("grader.engine",)
DIAGNOSIS = (*ENGINE, "grader.errors", "grader.diagnosis")
NOTEBOOK = (*DIAGNOSIS, "grader.recorded", "grader.notebook")
TRUSTED = (*DIAGNOSIS, "grader.trusted")
BOX = ("grader.engine.refusal", "grader.box.both", "grader.box.outside")
LINKS = (
    "grader.notebook.texts.home",
    "grader.notebook.texts.links",
    "grader.notebook.texts.places",
)
ON_DISK = ("grader.notebook.files",)
BOOKS = ("grader.engine", "grader.diagnosis.verdict", "grader.judge.books")
INTAKE = (*BOOKS, *ON_DISK, "grader.judge.intake")
PAGES = (*INTAKE, "grader.judge.pages")
SITTING = (*PAGES, *TRUSTED, *BOX, "grader.judge.sitting")
BATCH = (*SITTING, "grader.judge.batch")
AUTHORING = (*NOTEBOOK, *TRUSTED, "grader.rooms", "grader.judge.intake", "grader.authoring")
REPORT = (*BATCH, "grader.report", "grader.notebook.texts.notebooks")
CLASSROOM = (*REPORT, "grader.authoring", "grader.export", "grader.classroom")
COMPANION = tuple(
    f"course.companion.{name}" for name in ("finding", "kinds", "places", "surroundings", "record")
)

MAY_IMPORT = {
    "grader.rooms": (),
    "grader.tasks": (*ENGINE, "grader.tasks"),
    "grader.engine": (*ENGINE, "grader.tasks"),
    "grader.errors": ("grader.errors", *LINKS),
    "grader.diagnosis": DIAGNOSIS,
    "grader.recorded.find": (*DIAGNOSIS, "grader.recorded", "grader.trusted"),
    "grader.recorded": (*DIAGNOSIS, "grader.recorded"),
    "grader.trusted": (*TRUSTED, "grader.keys"),
    "grader.keys": (
        *ENGINE,
        "grader.trusted.key",
        "grader.trusted.families",
        "grader.keys",
        "grader.tasks",
    ),
    "grader.notebook": NOTEBOOK,
    "grader.notebook.folder.index": (*NOTEBOOK, "course.symptoms"),
    "grader.start": (*NOTEBOOK, "grader.start"),
    "grader.box.both": ("grader.engine.refusal", "grader.box.both"),
    "grader.box.inside": (*ENGINE, "grader", "grader.box.both", "grader.box.inside"),
    "grader.box.outside": (*BOX, "grader", "grader.rooms"),
    "grader.judge.books": BOOKS,
    "grader.judge.intake": INTAKE,
    "grader.judge.pages": PAGES,
    "grader.judge.sitting": SITTING,
    "grader.judge": BATCH,
    "grader.authoring": AUTHORING,
    "grader.classroom": CLASSROOM,
    "grader.report": REPORT,
    "grader.export": (*REPORT, "grader.export"),
    "grader.demo": (*AUTHORING, "grader.demo"),
    "grader.cli": ("grader", "course"),
    "grader": NOTEBOOK,
    "course.companion.record": COMPANION,
    "course.companion.cut": (*COMPANION, "course.companion.cut", "grader.errors.seen.reading"),
    "course.companion.zeros": (*COMPANION, "course.companion.zeros"),
    "course.companion.training": (*COMPANION, "course.companion.training"),
    "course.companion": ("course.companion", "grader.errors", "grader.notebook.errors"),
}
"""What each room may import of the project. The longest name that a module stands under counts."""


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


def room_of(module):
    """The longest name in MAY_IMPORT that a module stands under."""
    return max((room for room in MAY_IMPORT if within(module, room)), key=len)


def misplaced(path):
    """What a file imports of this project, and may not."""
    module = module_of(path)
    names = imported(path.read_text(), module, path.name == "__init__.py")
    ours = [n for n in names if n.split(".")[0] in ("grader", "course", "hub", "tests")]
    allowed = MAY_IMPORT[room_of(module)]
    # `grader` alone is the package itself: what a notebook imports, and where its files are.
    return sorted(
        name
        for name in ours
        if not any(name == a or ((a != "grader" or room_of(module) == "grader.cli")
                   and within(name, a)) for a in allowed)
    )  # fmt: skip


def test_every_module_imports_only_what_stands_below_it():
    assert not {module_of(path): wrong for path in FILES if (wrong := misplaced(path))}


def test_no_module_imports_what_imports_it():
    files = [path for top in ("grader", "course", "hub") for path in (ROOT / top).rglob("*.py")]
    modules = {module_of(path): path for path in files}
    graph = {}
    for module, path in modules.items():
        names = imported(path.read_text(), module, path.name == "__init__.py")
        found = (name if name in modules else name.rpartition(".")[0] for name in names)
        graph[module] = {name for name in found if name in modules} - {module}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_no_package_gives_the_name_of_one_of_its_rooms_to_something_else():
    """`grader.notebook` would be whatever `grader/__init__.py` binds under that name last."""
    for top in ("grader", "course", "hub", "book"):
        for path in (ROOT / top).rglob("__init__.py"):
            own = module_of(path)
            inside = {part.stem for part in path.parent.iterdir()}
            body = ast.parse(path.read_text()).body
            bodies = [node for node in body if not isinstance(node, ast.FunctionDef)]
            for node in ast.walk(ast.Module(bodies, [])):
                for alias in node.names if isinstance(node, ast.ImportFrom) else ():
                    name, source = alias.asname or alias.name, f"{node.module}.{alias.name}"
                    assert name not in inside or within(source, f"{own}.{name}"), (path, name)


def test_every_room_says_what_it_is_for():
    for package in ("grader", "course"):
        for path in (ROOT / package).rglob("__init__.py"):
            assert ast.get_docstring(ast.parse(path.read_text())), path


def test_nothing_of_the_answers_is_on_either_list():
    for name in (*rooms.BOX, *rooms.STUDENT_SIDE):
        assert not {"keys", "trusted", "authoring", "judge"} & set(Path(name).parts)
        assert (ROOT / "grader" / name).is_dir()


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import grader.keys", "grader.keys"),
        ("import grader.keys.graphs as g", "grader.keys.graphs"),
        ("from grader import keys", "grader.keys"),
        ("from grader.keys import graphs", "grader.keys.graphs"),
        ("from ...keys import graphs", "grader.keys.graphs"),
        ("from ... import keys", "grader.keys"),
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
    assert name in set(imported(source, "grader.box.inside.loop"))


def brought_by(program, first="torch"):
    """The modules that a program's imports add to those of `first`."""
    source = f"import sys, {first}\nbefore = set(sys.modules)\n{program}\n"
    done = subprocess.run(
        [sys.executable, "-c", source + "print(*sorted(set(sys.modules) - before))"],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    return done.stdout.split()


def among(names, heavy):
    return [name for name in names if any(within(name, package) for package in heavy)]


HEAVY = ("IPython", "sympy", "torch._dynamo", "torch._inductor", "matplotlib", "nbgrader", "course")


def test_the_package_alone_does_not_wait_for_torch():
    assert not among(brought_by("import grader", first="os"), ("torch", "numpy"))


def test_importing_grader_brings_neither_keys_nor_anything_heavy():
    brought = brought_by("from grader import check")
    assert "grader.notebook.checking" in brought
    others = ("keys", "trusted", "tasks", "judge", "box", "cli", "authoring")
    libraries = ("numpy", "nbformat", "jupytext", "rich", "typer", "platformdirs", "safetensors")
    assert not among(brought, (*HEAVY, *libraries, *(f"grader.{room}" for room in others)))


def test_checking_brings_nothing_heavy_either():
    brought = brought_by(
        "import grader\n"
        "verdict = grader.check('two_path_grad', lambda x, w: (w + 1, w + 1))\n"
        "assert verdict.findings[0].code == 'two_path_grad.first_path_only', verdict\n"
        "assert not grader.check('count_params', lambda model: 0).passed"  # it makes modules
    )
    assert "grader.keys" in brought
    assert not among(brought, HEAVY)


def test_the_table_of_what_takes_long_names_modules_that_there_are():
    assert [path for path in SLOW if not (ROOT / "tests" / path).exists()] == []


@pytest.mark.parametrize("program", ["nbformat", "nbgrader.apps", "jupyter_server.serverapp"])
def test_reading_a_notebook_brings_no_grammar_for_addresses(program):
    assert not among(brought_by(f"import {program}", first="os"), ("rfc3987_syntax", "lark"))


COMMAND = """
import contextlib, io
sys.argv = ["autograd-course", {name!r}]
from grader.cli import main
with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
    main()
"""


def test_progress_is_shown_without_torch():
    brought = brought_by(COMMAND.format(name="progress"), first="os")
    assert "grader.notebook.progress" in brought
    libraries = ("torch", "numpy", "IPython", "nbformat", "nbgrader", "nbconvert", "jupytext")
    assert not among(brought, (*libraries, "grader.judge.sitting", "grader.keys"))


def test_doctor_imports_of_the_large_libraries_torch_alone():
    brought = brought_by(COMMAND.format(name="doctor"), first="os")
    assert "grader.box.outside.probe" in brought
    assert not among(brought, ("nbgrader", "nbconvert", "nbformat", "sqlalchemy", "matplotlib"))


def test_bringing_lessons_up_to_date_brings_no_reader_of_texts():
    brought = brought_by("from grader.notebook.folder.workspace import lay", first="os")
    assert "nbformat" in brought
    assert not among(brought, ("jupytext", "torch", "numpy", "IPython", "nbconvert"))


def test_what_begins_a_first_grade_waits_for_nothing_large():
    brought = brought_by("import grader.judge.batch.starting", first="os")
    assert "grader.box.outside.sharing" in brought
    assert not among(brought, (*HEAVY, "torch", "numpy", "sqlalchemy", "nbconvert", "nbformat"))


def test_the_process_that_writes_grades_never_loads_torch():
    modules = ("cli.grade", "judge.batch.plugins", "judge.batch.pool", "judge.batch.workers")
    brought = brought_by("\n".join(f"import grader.{name}" for name in modules), first="os")
    assert "grader.judge.batch.filing" in brought
    assert not among(brought, ("torch", "numpy", "matplotlib", "grader.keys", "grader.tasks"))
