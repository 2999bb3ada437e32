"""The proof for every exercise: a new chapter is covered by adding its modules alone."""

import ast
import importlib
import pkgutil
from pathlib import Path

import nbformat
import pytest
import torch

import grader
from grader.diagnosis.verdict import Outcome
from grader.engine.catalogue import tasks
from grader.notebook.checking import verdict_on
from grader.notebook.notebooks import read
from grader.trusted.key import key_of
from grader.trusted.live import LiveAnswers

ROOT = Path(__file__).resolve().parents[2]
TASKS = list(tasks().values())
SEEDS = [f"seed {i}" for i in range(5)]
DTYPES = [None, torch.float64, torch.float32]
DEVICES = ["cpu"]
if torch.cuda.is_available():
    DEVICES.append(pytest.param("cuda", marks=pytest.mark.gpu))

every_exercise = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
every_mistake = pytest.mark.parametrize(
    ("task", "mistake"),
    [
        pytest.param(task, wrong, id=wrong.code)
        for task in TASKS
        for wrong in key_of(task).mistakes(task.functions)
    ],
)


def cells(notebook):
    """The cells of a notebook that nbgrader knows, by grade_id."""
    known = ((cell.metadata.get("nbgrader", {}).get("grade_id"), cell) for cell in notebook.cells)
    return {name: cell for name, cell in known if name}


def solutions(task):
    return cells(read(ROOT / "solutions" / task.chapter / f"{task.chapter}.md"))


def release(task):
    path = ROOT / "exercises" / task.chapter / f"{task.chapter}.ipynb"
    return cells(nbformat.read(path, as_version=4))


def defined(task, source):
    """The functions that a cell's source defines, as `check` takes them."""
    namespace = {"torch": torch}
    exec(compile(source, f"<{task.id}>", "exec"), namespace)
    return [namespace[name] for name in task.functions]


def verdicts(task, functions, device="cpu"):
    """Verdicts in every dtype on every seed."""
    for dtype in DTYPES:
        for seed in SEEDS:
            yield verdict_on(task, functions, seed=seed, on=device, dtype=dtype)


@pytest.mark.parametrize("device", DEVICES)
@every_exercise
def test_the_solution_earns_full_credit(task, device):
    functions = defined(task, solutions(task)[f"{task.id}_answer"].source)
    for verdict in verdicts(task, functions, device):
        assert verdict.outcome is Outcome.RIGHT, str(verdict)
        assert verdict.credit == 1.0


@every_exercise
def test_other_right_answers_earn_full_credit(task):
    chapter = type(task).__module__.split(".")[2]
    answers = importlib.import_module(f"grader.keys.{chapter}.right_answers").ANSWERS
    assert answers[task.id], f"write other right answers to {task.id} beside its key"
    for functions in answers[task.id]:
        for verdict in verdicts(task, functions):
            assert verdict.passed, f"{functions}: {verdict}"


@every_exercise
def test_the_untouched_release_earns_nothing(task):
    functions = defined(task, release(task)[f"{task.id}_answer"].source)
    verdict = verdict_on(task, functions)
    assert verdict.outcome is Outcome.NOT_ATTEMPTED, str(verdict)
    assert verdict.credit == 0.0


@pytest.mark.parametrize("device", DEVICES)
@every_mistake
def test_a_mistake_is_rejected_and_named_as_itself_alone(task, mistake, device):
    functions = list(key_of(task).answer(task.functions))
    functions[task.functions.index(mistake.replaces)] = mistake.function
    for verdict in verdicts(task, functions, device):
        assert verdict.outcome is Outcome.WRONG
        assert verdict.credit < 1.0
        assert [finding.code for finding in verdict.findings] == [mistake.code], str(verdict)
        assert verdict.findings[0].message == mistake.message


@every_exercise
def test_a_reference_leaves_no_side_effects(task):
    for seed in SEEDS:
        answers = LiveAnswers(task, key_of(task), seed, "cpu")
        for case in task.cases():
            assert not answers.reference(case).effects


@every_exercise
def test_every_draw_is_repeated_by_its_seed_and_changed_by_another(task):
    key = key_of(task)
    once, again, other = (LiveAnswers(task, key, seed, "cpu") for seed in ("a", "a", "b"))
    for case in task.cases():
        assert flat(once.inputs(case)) == flat(again.inputs(case))
    tensors = [v for case in task.cases() for v in once.inputs(case).values()]
    if any(isinstance(v, torch.Tensor) for v in tensors):
        assert any(flat(once.inputs(case)) != flat(other.inputs(case)) for case in task.cases()), (
            "another seed draws the same inputs: use rng in draw"
        )


def flat(inputs):
    return {k: v.tolist() if isinstance(v, torch.Tensor) else v for k, v in inputs.items()}


@every_exercise
def test_what_an_exercise_tells_is_complete(task):
    assert len(task.hints) == 3, "give three hints: where to read, what to try, how it is done"
    assert len(set(task.hints)) == 3
    assert task.statement.endswith("."), "the class docstring says what the learner is asked"
    assert 1 <= task.difficulty <= 5
    assert task.minutes > 0
    assert task.cases()[0].visible, "the first case is visible"
    names = [case.name for case in task.cases()]
    assert len(set(names)) == len(names), "case names are read in feedback: make them unique"
    assert set(task.prerequisites) <= set(tasks())
    for wrong in key_of(task).mistakes(task.functions):
        assert wrong.message.endswith("."), f"{wrong.code} needs a sentence as its docstring"


@every_exercise
def test_no_hint_gives_the_solution_away(task):
    source = solutions(task)[f"{task.id}_answer"].source
    inside = source.split("### BEGIN SOLUTION")[1].split("### END SOLUTION")[0]
    told = "".join(task.hints).replace("`", "")
    for line in (line.strip() for line in inside.splitlines()):
        assert len(line) < 20 or line not in told, f"a hint holds the line {line!r}"


@every_exercise
def test_the_notebook_agrees_with_the_task(task):
    known = solutions(task)
    graded = known[task.id]
    assert graded.source == f"check({', '.join((repr_double(task.id), *task.functions))})"
    assert graded.metadata.nbgrader.points == task.points
    assert graded.metadata.nbgrader.grade
    defined_names = {
        node.name
        for node in ast.parse(known[f"{task.id}_answer"].source).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    assert set(task.functions) <= defined_names


def repr_double(text):
    return f'"{text}"'


@every_exercise
def test_function_names_are_unique_within_the_chapter(task):
    others = [t for t in TASKS if t.chapter == task.chapter and t.id != task.id]
    assert not set(task.functions) & {name for t in others for name in t.functions}


def test_every_chapter_has_one_written_answer_graded_by_a_person():
    for chapter in {task.chapter for task in TASKS}:
        known = cells(read(ROOT / "solutions" / chapter / f"{chapter}.md"))
        written = [c for c in known.values() if c.metadata.nbgrader.get("grade")]
        written = [c for c in written if c.metadata.nbgrader.solution]
        assert len(written) == 1, chapter
        assert "Marking" in written[0].source


def test_every_key_has_a_task():
    import grader.keys
    from grader.trusted.key import Key

    for module in pkgutil.walk_packages(grader.keys.__path__, "grader.keys."):
        importlib.import_module(module.name)
    assert set(Key.registry) == set(tasks())


def test_exercises_lists_what_is_public():
    listed = {e.id: e for e in grader.exercises()}
    first = listed["two_path_grad"]
    assert (first.chapter, first.points, first.functions) == (
        "01-graphs",
        8,
        ("two_path_grad",),
    )
    assert first.signatures == ("two_path_grad(x, w) -> (dx, dw)",)
