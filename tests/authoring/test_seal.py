"""A class's student side: the same verdicts and the same named mistakes, and no answers in it."""

import ast
import functools
import hashlib
import json
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import PurePosixPath

import nbformat
import pytest
import torch

from grader.authoring import releases, student_side
from grader.authoring.sealing import recorded, sealed_file, shows_nowhere
from grader.authoring.subject import cell_of, defined
from grader.diagnosis.compared import Compared
from grader.diagnosis.comparison import Rules
from grader.diagnosis.diagnose import diagnose
from grader.diagnosis.in_part import reproduces
from grader.diagnosis.verdict import CheckFailed, Outcome
from grader.engine import state, wire
from grader.engine.catalogue import PUBLIC_SEED, tasks
from grader.engine.refusal import Refusal
from grader.engine.task import Task, case, draw_inputs
from grader.notebook.checking import _Watcher, check, verdict_on
from grader.notebook.texts import notebooks, places
from grader.recorded.sealed import sealed_answers
from grader.trusted.key import Key, NoKey, key_of
from grader.trusted.live import LiveAnswers
from tests.conftest import ROOT, environment
from tests.fixtures.exercises import DEVICES, TASKS, every_exercise, flat
from tests.fixtures.student_sides import alone, sealed_side


@pytest.fixture(scope="session")
def side(tmp_path_factory):
    return sealed_side(tmp_path_factory)


def bin_of(side):
    return side / "python" / "grader" / "recorded" / "sealed.bin"


@pytest.fixture
def recorded_alone(monkeypatch):
    """Let `check` find no keys, and the recorded answers of a file."""

    def look(path):
        monkeypatch.setattr("grader.recorded.find.has_keys", lambda: False)
        found = functools.partial(sealed_answers, path=path)
        monkeypatch.setattr("grader.recorded.sealed.sealed_answers", found)

    return look


TRIED = 5
"""Of so many mistakes of an exercise one is tried; what is recorded of all is counted."""


def codes(verdict):
    return [finding.code for finding in verdict.findings]


# The same verdicts


def seen_in(task, functions, device):
    """What an answer does in the visible cases."""
    watcher = _Watcher(task, functions, PUBLIC_SEED, device, None)
    with state.defaults():
        return [watcher.see(one) for one in task.cases() if one.visible]


@functools.cache
def solutions_of(chapter):
    """The notebook of a chapter's solutions."""
    return notebooks.read(ROOT / "solutions" / chapter / f"{chapter}.md")


def given(task):
    """The solution under no code, and the answer of some named mistakes, each under its own."""
    key = key_of(task)
    yield "", defined(task, cell_of(solutions_of(task.chapter), f"{task.id}_answer"))
    for wrong in key.mistakes(task.functions)[::TRIED]:
        yield wrong.code, key.answer_with(wrong, task.functions)


@pytest.mark.parametrize("device", DEVICES)
@every_exercise
def test_recorded_answers_give_the_verdicts_of_the_keys_on_the_visible_cases(task, device, side):
    keys = LiveAnswers(task, key_of(task), PUBLIC_SEED, device)
    seal = sealed_answers(task, PUBLIC_SEED, bin_of(side))
    for code, functions in given(task):
        seen = seen_in(task, functions, device)
        verdict = diagnose(task, seal, seen)
        assert verdict == diagnose(task, keys, seen)
        # A mistake that shows in a visible case at all is named there, as itself alone, unless only
        # a hidden case tells it from another one: then none of the two is named, but where what
        # is said of both is the same.
        unseen = not code or shows_nowhere(task, seal, code)
        assert verdict.passed == unseen
        if codes(verdict) != ([] if unseen else [code]):
            twins = [other for other in does_the_same(task, seal, seen) if other != code]
            assert twins, f"{code} is taken for {codes(verdict)}"
            said = {other: sentence for other, sentence, _ in seal.mistakes()}
            assert {said[one] for one in codes(verdict) if one in said} <= {said[code]}


def does_the_same(task, answers, seen):
    """The mistakes that do in every visible case what was seen there."""
    shown = [
        Compared(one.case, one.observation, Rules.of(task, one.case), False)
        for one in seen
        if one.case.visible
    ]
    for code, _, raises in answers.mistakes():
        if all(reproduces(answers.mistaken(code, c.case), c, raises) for c in shown):
            yield code


@every_exercise
def test_a_solution_passes_the_visible_cases_and_the_meta_case(task, side, recorded_alone):
    recorded_alone(bin_of(side))
    _, solution = next(given(task))
    verdict = verdict_on(task, solution, on="cpu")
    assert verdict.passed
    visible = [one.name for one in task.cases() if one.visible]
    assert [one.name for one in verdict.cases] == visible + ["another device"] * task.meta
    assert verdict.unchecked == len(task.cases()) - len(visible)


_ELSEWHERE = """
import functools, sys
from pathlib import Path
import torch
from grader.authoring.subject import cell_of, defined
from grader.engine.catalogue import tasks
from grader.notebook.texts import notebooks
from grader.notebook.checking import verdict_on
from grader.recorded import find, sealed

find.has_keys = lambda: False
sealed.sealed_answers = functools.partial(sealed.sealed_answers, path=Path(sys.argv[1]))
read = functools.cache(notebooks.read)
print(torch.backends.cpu.get_cpu_capability(), file=sys.stderr)
for task in tasks().values():
    solutions = read(Path("solutions", task.chapter, f"{task.chapter}.md"))
    solution = defined(task, cell_of(solutions, f"{task.id}_answer"))
    if not verdict_on(task, solution, on="cpu").passed:
        print(task.id)
"""


def test_a_solution_passes_on_a_processor_that_rounds_otherwise(side):
    """A student's vector units are not those of whoever sealed the course."""
    plainest = environment(ATEN_CPU_CAPABILITY="default", MKL_ENABLE_INSTRUCTIONS="SSE4_2")
    done = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, bin_of(side)],
        cwd=ROOT,
        env=plainest,
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert "DEFAULT" in done.stderr
    assert done.stdout == ""


@every_exercise
def test_what_is_visible_changes_nothing_that_is_drawn(task):
    """The judge draws every case as a hidden one."""
    for one in task.cases():
        shown, hidden = (
            draw_inputs(task, replace(one, visible=visible), "seed", "cpu")
            for visible in (True, False)
        )
        assert str(flat(shown)) == str(flat(hidden))  # nan is no other nan


@pytest.mark.parametrize("task", TASKS[::7], ids=lambda task: task.id)
def test_the_recording_is_the_same_bytes_every_time(task, side):
    with zipfile.ZipFile(bin_of(side)) as file:
        for name, content in recorded(task):
            assert file.read(f"{task.id}/{name}") == content


# What the learner is told


def right(x, w):
    return w + 1, x + 2 * w + 1


def wrong(x, w):
    return w + 1, w + 1


def test_a_pass_says_that_the_judge_checks_the_other_cases(side, recorded_alone):
    recorded_alone(bin_of(side))
    verdict = verdict_on(tasks()["two_path_grad"], [right])
    assert (verdict.outcome, verdict.credit, verdict.unchecked) == (Outcome.RIGHT, 1.0, 3)
    assert verdict.headline == (
        "Right in the visible case: two_path_grad agrees with torch. The judge checks all 4 cases, "
        "with other inputs."
    )
    assert "Checked: 5 numbers. On another device it holds too." in str(verdict)
    assert "The judge checks all 4 cases" in verdict._repr_html_()
    verdict = verdict_on(tasks()["two_path_grad"], [wrong])
    assert verdict.headline == "Not yet: the case that is checked here fails."


def test_recorded_answers_are_for_the_public_seed_and_the_dtypes_of_the_cases(side, recorded_alone):
    recorded_alone(bin_of(side))
    for asked in ({"seed": "another"}, {"dtype": torch.float32}):
        verdict = verdict_on(tasks()["two_path_grad"], [wrong], **asked)
        assert verdict.outcome is Outcome.COULD_NOT_CHECK
        assert codes(verdict) == ["CHECK.no_key"]


def test_answers_of_another_torch_are_told(side, recorded_alone, monkeypatch):
    monkeypatch.setattr("grader.recorded.sealed.torch_version", lambda: "2.11.0")
    recorded_alone(bin_of(side))
    verdict = verdict_on(tasks()["two_path_grad"], [right])
    (told,) = verdict.warned
    assert told.startswith(
        f"The answers were recorded with torch {torch.__version__.split('+')[0]}"
    )
    assert "this is torch 2.11.0" in told


@pytest.mark.parametrize("damage", ["cut", "garbled", "empty"])
def test_a_damaged_file_of_answers_is_no_verdict(damage, side, recorded_alone, tmp_path):
    content = bin_of(side).read_bytes()
    with zipfile.ZipFile(bin_of(side)) as file:
        at = file.getinfo("two_path_grad/0/reference").header_offset + 90
    damaged = tmp_path / "sealed.bin"
    damaged.write_bytes(
        {"cut": content[:9000], "garbled": content[:at] + b"??" + content[at + 2 :], "empty": b""}[
            damage
        ]
    )
    recorded_alone(damaged)
    verdict = verdict_on(tasks()["two_path_grad"], [right])
    assert verdict.outcome is Outcome.COULD_NOT_CHECK
    assert codes(verdict) == ["CHECK.seal_broken"]
    assert "Ask your instructor" in str(verdict)


# A key without one right value


class AnySplit(Task):
    """Return two numbers that add up to n."""

    id = "any_split"
    signatures = ("split(n) -> (a, b)",)

    def cases(self):
        return (case("7", n=7, visible=True), case("0", n=0))

    def draw(self, rng, case):
        return {"n": case["n"]}

    def observe(self, split, n):
        return {"parts": split(n)}


class AnySplitKey(Key, task="any_split"):
    complaints = {"sum": "The two do not add up to n."}  # noqa: RUF012 - as keys are written

    def reference(n):
        return n, 0

    def halved_down(n):
        """n // 2 twice loses the odd one: give it to either."""
        return n // 2, n // 2

    def accepts(inputs, values):
        if sum(values["parts"]) != inputs["n"]:
            yield "sum"


del Task.registry["any_split"], Key.registry["any_split"]  # no exercise of the course


@pytest.fixture
def split(tmp_path, monkeypatch, recorded_alone):
    """The verdict on a function that splits, where its key was recorded."""
    task = AnySplit()
    with monkeypatch.context() as there:
        there.setattr("grader.authoring.sealing.tasks", lambda: {"any_split": task})
        there.setattr("grader.authoring.sealing.key_of", lambda task: AnySplitKey)
        (tmp_path / "sealed.bin").write_bytes(sealed_file())
    recorded_alone(tmp_path / "sealed.bin")
    return lambda function: verdict_on(task, [function])


def test_where_no_answer_is_the_only_right_one_the_judge_decides(split):
    verdict = split(lambda n: (n - 2, 2))
    assert verdict.outcome is Outcome.COULD_NOT_CHECK
    assert verdict.credit == 0.0
    assert codes(verdict) == ["CHECK.judge_decides"]
    assert "the judge decides" in str(verdict)


def test_under_nbgrader_what_cannot_be_decided_is_no_pass(split, monkeypatch):
    monkeypatch.setattr("grader.notebook.checking.find", lambda exercise: AnySplit())
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")
    with pytest.raises(CheckFailed, match="the judge decides"):
        check("any_split", lambda n: (n, 0))


def test_a_wrong_split_that_is_no_named_mistake_is_not_taken_for_right(split):
    assert split(lambda n: (n, n)).outcome is Outcome.COULD_NOT_CHECK


def test_what_is_wrong_for_certain_is_told_there_too(split):
    assert codes(split(lambda n: (n // 2, n // 2))) == ["any_split.halved_down"]
    assert codes(split(lambda n: n[0])) == ["ERROR.raised"]


# No answers


def test_the_student_side_checks_where_the_course_is_nowhere_else(side, tmp_path):
    program = """
import importlib, grader
from course import quiz, widgets

def right(x, w):
    return w + 1, x + 2 * w + 1

def wrong(x, w):
    return w + 1, w + 1

print(grader.__file__)
for answer in (right, wrong):
    print(grader.check("two_path_grad", answer).headline)
print(*[finding.code for finding in grader.check("two_path_grad", wrong).findings])
print(grader.hint("two_path_grad"))
print(grader.solution("two_path_grad", reveal=True))
print(grader.progress())
for name in ("grader.keys", "grader.judge", "grader.box", "grader.cli", "grader.authoring.sealing"):
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        print(error)
"""
    told = alone(side, program, AUTOGRAD_COURSE_DATA=str(tmp_path))
    assert str(side / "python" / "grader") in told
    assert "Right in the visible case: two_path_grad agrees with torch." in told
    assert "Not yet: the case that is checked here fails." in told
    assert "\ntwo_path_grad.first_path_only\n" in told
    assert "Hint 1 of 3" in told
    assert "The solutions are not installed here" in told
    assert re.search(r"✓ visible cases right +two_path_grad \(8\)", told)
    assert "The judge checks every case, with other inputs." in told
    assert told.count("No module named 'grader.") == 5


def test_keys_of_another_copy_of_the_course_are_left_alone(side, tmp_path):
    """This environment has the whole course installed, from where it can still be imported."""
    program = "import grader; print(grader.check('two_path_grad', lambda x, w: (w + 1, x)))"
    extra = {"PYTHONPATH": str(side / "python"), "AUTOGRAD_COURSE_DATA": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-B", "-c", program],
        cwd=tmp_path,
        env=environment(**extra),
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    ).stdout
    assert "Not yet: the case that is checked here fails." in told


def test_a_program_that_opens_the_checkout_is_seen(side):
    """What the first test rests on."""
    with pytest.raises(AssertionError, match="opened"):
        alone(side, f"open({str(ROOT / 'grader' / 'key.py')!r})")


def windows(lines):
    """Every three consecutive lines that say something, or all where there are fewer."""
    kept = [line.strip() for line in lines if line.strip()]
    size = min(3, len(kept))
    found = (tuple(kept[at : at + size]) for at in range(len(kept) - size + 1)) if size else ()
    # `return False` alone is nobody's secret.
    return {window for window in found if len("".join(window)) >= 20}


def secrets():
    """Every three lines of what solutions hide, and of what the functions of keys do."""
    for text in releases.texts(ROOT):
        for cell in notebooks.read(text).cells:
            for hidden in cell.source.split("### BEGIN SOLUTION")[1:]:
                yield from windows(hidden.split("### END SOLUTION")[0].splitlines())
    for path in (ROOT / "grader" / "keys").rglob("*.py"):
        lines = path.read_text().splitlines()
        for node in ast.walk(ast.parse("\n".join(lines))):
            if isinstance(node, ast.FunctionDef):
                does = node.body[1:] if ast.get_docstring(node) else node.body
                yield from windows(lines[does[0].lineno - 1 : node.end_lineno] if does else ())


def test_the_student_side_holds_no_line_of_a_key_or_a_solution(side):
    hidden = set(secrets())
    assert len(hidden) > 500
    for path in (side / "python").rglob("*.py"):
        kept = [line.strip() for line in path.read_text().splitlines() if line.strip()]
        have = {tuple(kept[at : at + size]) for size in (1, 2, 3) for at in range(len(kept))}
        assert not have & hidden, path
    texts = set(re.findall(rb"[\x20-\x7e\n]{20,}", bin_of(side).read_bytes()))
    recording = " ".join(b" ".join(texts).decode().replace("\\n", " ").split())
    assert min(len(" ".join(window)) for window in hidden) >= 20
    assert not [window for window in hidden if " ".join(window) in recording]


def test_no_lesson_of_the_student_side_shows_a_whole_solution(side):
    whole = set()
    for text in releases.texts(ROOT):
        for cell in notebooks.read(text).cells:
            for hidden in cell.source.split("### BEGIN SOLUTION")[1:]:
                lines = hidden.split("### END SOLUTION")[0].splitlines()
                whole.add("\n".join(line.strip() for line in lines if line.strip()))
    for path in (side / "lessons").glob("*.ipynb"):
        for cell in nbformat.read(path, 4).cells:
            shown = "\n".join(line.strip() for line in cell.source.splitlines() if line.strip())
            assert not [one for one in whole if len(one) >= 20 and one in shown], path


def test_no_recorded_error_carries_the_line_of_the_key_that_raised(side):
    errors = 0
    with zipfile.ZipFile(bin_of(side)) as file:
        for name in file.namelist():
            if name.split("/")[-1] != "about":
                error = wire.unpack_observation(file.read(name)).error
                errors += error is not None
                assert error is None or error.line == ""
    assert errors


def test_what_the_student_side_holds_is_listed_and_nothing_else_is_there(side):
    manifest = json.loads((side / "manifest.json").read_text())
    assert manifest["torch"] == torch.__version__.split("+")[0]
    files = {path.relative_to(side).as_posix(): path for path in side.rglob("*") if path.is_file()}
    del files["manifest.json"]
    assert {
        place: hashlib.sha256(path.read_bytes()).hexdigest() for place, path in files.items()
    } == manifest["files"]
    grader = {place for place in files if place.startswith("python/grader/")}
    assert grader == {"python/grader/recorded/sealed.bin", "python/grader/__init__.py"} | {
        f"python/grader/{path.relative_to(ROOT / 'grader')}"
        for room in ("diagnosis", "engine", "errors", "notebook", "recorded", "start", "tasks")
        for path in (ROOT / "grader" / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {place.partition("/")[0] for place in files} == {"python", "lessons"}
    lessons = sorted(path.stem for path in (ROOT / "course" / "lessons").glob("*.md"))
    laid = sorted(path.stem for path in (side / "lessons").glob("*.ipynb"))
    assert laid == ["errors", *(places.lesson(name).stem for name in lessons)]
    texts = (side / "python" / "course" / "lessons").iterdir()
    assert sorted(path.stem for path in texts) == lessons
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in side.rglob("*"))


# The folder


@pytest.fixture
def quick(monkeypatch):
    """Seal one lesson and no recording: what is asked is what happens to the folder."""
    lesson = (PurePosixPath("lessons", "00-start-here.ipynb"), b"{}")
    monkeypatch.setattr("grader.notebook.folder.workspace.offers", lambda source: [lesson])
    monkeypatch.setattr(student_side, "sealed_file", lambda: b"recorded")


def test_a_student_side_is_replaced_and_is_the_same_bytes_again(tmp_path, quick):
    student_side.seal(tmp_path / "side")
    first = (tmp_path / "side" / "manifest.json").read_bytes()
    pycache = tmp_path / "side" / "python" / "grader" / "__pycache__"
    pycache.mkdir()
    (pycache / "task.cpython-311.pyc").write_bytes(b"")
    made = student_side.seal(tmp_path / "side")
    assert (made.folder / "manifest.json").read_bytes() == first
    assert not pycache.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["side"]


@pytest.mark.parametrize(
    "place", ["mine.txt", "lessons/mine.ipynb", "python/grader/engine/task.py"]
)
def test_a_folder_with_other_files_is_refused_and_left_as_it_is(place, tmp_path, quick):
    folder = tmp_path / "side"
    if place == "mine.txt":
        folder.mkdir()
    else:
        student_side.seal(folder)
    (folder / place).write_text("mine")
    before = sorted(folder.rglob("*"))
    with pytest.raises(Refusal, match=f"did not write: {place}"):
        student_side.seal(folder)
    assert (folder / place).read_text() == "mine"
    assert sorted(folder.rglob("*")) == before


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path, quick):
    (tmp_path / "side").write_text("")
    with pytest.raises(Refusal, match="is no folder"):
        student_side.seal(tmp_path / "side")


def test_the_student_side_itself_cannot_be_sealed(tmp_path, monkeypatch):
    def no_key(task):
        raise NoKey(f"There is no key of {task.id!r}.", "Write one.")

    monkeypatch.setattr("grader.authoring.sealing.key_of", no_key)
    with pytest.raises(Refusal, match="no key of"):
        student_side.seal(tmp_path / "side")
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_was_sealed_and_what_the_judge_alone_finds(
    tmp_path, command, side, quick, monkeypatch
):
    two = {name: tasks()[name] for name in ("two_path_grad", "gn_forward")}
    monkeypatch.setattr(student_side, "sealed_file", bin_of(side).read_bytes)
    monkeypatch.setattr("grader.authoring.sealing.tasks", lambda: two)
    status, told = command("seal", tmp_path / "side", "--hidden")
    assert status == 0
    assert f"Sealed 2 exercises into {tmp_path / 'side'}" in told
    written = [m.code for task in two.values() for m in key_of(task).mistakes(task.functions)]
    assert f"Of {len(written)} named mistakes" in told
    hidden = re.findall(r"^  (\w+\.\w+)$", told, re.MULTILINE)
    assert "gn_forward.view_of_scattered_memory" in hidden
    assert set(hidden) < set(written)
    assert f"PYTHONPATH={tmp_path / 'side' / 'python'}" in told
    status, told = command("seal", ROOT / "solutions")
    assert status == 1
    assert "holds files that `seal` did not write" in told
