"""What is cut from the solutions: nothing half made, no line of an answer, the same everywhere."""

import functools
import os
import shutil
from pathlib import PurePosixPath

import jupytext
import nbformat
import pytest
from nbgrader import api
from nbgrader.api import Gradebook

import grader.tasks.graphs
from grader.authoring import parts, releases
from grader.notebook.folder import workspace
from grader.notebook.texts import notebooks
from grader.trusted.key import Key
from tests.conftest import ROOT, small_course
from tests.fixtures.classroom import shared
from tests.fixtures.commands import forked

every_chapter = pytest.mark.parametrize("text", releases.texts(ROOT), ids=lambda text: text.stem)


version_of_tables = functools.cache(api.get_alembic_version)


@pytest.fixture(autouse=True)
def asked_once(request, monkeypatch):
    """For each new gradebook nbgrader starts a program, which takes longer than a small release."""
    if request.function is not test_the_gradebook_is_made_without_an_activated_environment:
        monkeypatch.setattr(api, "get_alembic_version", version_of_tables)


def release(course, name="01-demo"):
    return course / "exercises" / name / f"{name}.ipynb"


def solution(course):
    return course / "solutions" / "01-demo" / "01-demo.md"


def change(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_the_course_has_solutions():
    assert releases.texts(ROOT)


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory):
    """The releases of the course, generated from its texts alone."""

    def make(place):
        ignored = shutil.ignore_patterns("*.ipynb")
        shutil.copytree(ROOT / "solutions", place / "solutions", ignore=ignored)
        shutil.copy(ROOT / "nbgrader_config.py", place)
        list(releases.generate(place))

    return shared(tmp_path_factory, "regenerated", make)


@every_chapter
def test_releases_are_in_sync_with_the_solutions(text, regenerated):
    made, kept = (root / "exercises" / text.stem for root in (regenerated, ROOT))
    files = {path.relative_to(made) for path in made.rglob("*") if path.is_file()}
    assert files == {path.relative_to(kept) for path in kept.rglob("*") if path.is_file()}
    for file in files:
        assert (made / file).read_bytes() == (kept / file).read_bytes(), "run `make exercises`"


def test_no_release_outlives_its_solution():
    assert releases.leftovers(ROOT) == []


def test_a_release_is_told_as_left_over_only_without_its_folder_in_solutions(tmp_path):
    for place in ("solutions/hw1", "exercises/hw1", "exercises/gone"):
        (tmp_path / place).mkdir(parents=True)
    assert releases.leftovers(tmp_path) == [tmp_path / "exercises" / "gone"]


@every_chapter
def test_a_release_shows_no_line_of_its_solution(text):
    assert releases.leaks(notebooks.read(text), nbformat.read(release(ROOT, text.stem), 4)) == []


@every_chapter
def test_a_release_carries_no_outputs_and_names_its_cells(text):
    for cell in nbformat.read(release(ROOT, text.stem), 4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
        graded = cell.metadata.get("nbgrader", {}).get("grade_id")
        assert graded in (None, cell.id)


def test_a_release_is_the_same_bytes_wherever_it_is_made(tmp_path):
    courses = [small_course(tmp_path / name) for name in ("one", "the other place")]
    for course in courses:
        assert [made.changed for made in releases.generate(course)] == [True]
    first, second = (release(course).read_bytes() for course in courses)
    assert first == second
    assert [made.changed for made in releases.generate(courses[0])] == [False]


def test_nbgrader_itself_makes_the_same_release(course):
    list(releases.generate(course))
    ours = release(course).read_bytes()
    said = forked("nbgrader", "generate_assignment", "01-demo", "--force", cwd=course)
    assert said.returncode == 0, said.stdout
    assert release(course).read_bytes() == ours


def test_files_beside_a_solution_are_released_and_its_text_is_not(course):
    list(releases.generate(course))
    assert {path.name for path in release(course).parent.iterdir()} == {
        "01-demo.ipynb",
        "numbers.csv",
    }


def test_the_gradebook_is_made_without_an_activated_environment(tmp_path, monkeypatch):
    course = small_course(tmp_path / "course")
    monkeypatch.setenv("PATH", os.defpath)
    list(releases.generate(course))
    assert (course / "gradebook.db").exists()
    assert os.environ["PATH"] == os.defpath


def test_a_notebook_that_would_be_released_by_accident_is_refused(course):
    stray = solution(course).with_name("Untitled.ipynb")
    stray.write_text("{}")
    with pytest.raises(releases.StrayNotebook, match=r"Untitled\.ipynb"):
        list(releases.generate(course))


def test_a_release_that_fails_leaves_the_one_before(course):
    list(releases.generate(course))
    before = release(course).read_bytes()
    change(solution(course), "    ### END SOLUTION\n```", "```")
    with pytest.raises(releases.ReleaseFailed, match="no end solution statement"):
        list(releases.generate(course))
    assert release(course).read_bytes() == before


def test_changes_made_only_in_the_notebook_are_not_overwritten(course):
    list(releases.generate(course))
    built = solution(course).with_suffix(".ipynb")
    change(built, "Write it.", "Write it now.")
    later = solution(course).stat().st_mtime + 60
    os.utime(built, (later, later))
    with pytest.raises(notebooks.TextBehind, match="the two differ"):
        list(releases.generate(course))
    assert "Write it now." in built.read_text()


def test_a_leak_is_found(course):
    list(releases.generate(course))
    change(release(course), "Write it.", "return 2 * x")
    leaks = releases.leaks(notebooks.read(solution(course)), nbformat.read(release(course), 4))
    assert leaks == ["return 2 * x"]


def test_saving_a_solution_in_jupyterlab_saves_its_text(course):
    text = solution(course)
    list(releases.generate(course))
    manager = jupytext.TextFileContentsManager(root_dir=str(course))
    for place in ("solutions/01-demo/01-demo.ipynb", "course/lessons/00-start-here.ipynb"):
        if place.startswith("course"):
            notebooks.build(course / "course/lessons/00-start-here.md", course / place)
        model = manager.get(place)
        model["content"].cells[0].source += "\n\nA sentence more."
        manager.save(model, place)
        assert "A sentence more." in (course / place).with_suffix(".md").read_text()
    again = notebooks.read(text)
    assert [cell.id for cell in again.cells] == [
        cell.id for cell in nbformat.read(text.with_suffix(".ipynb"), 4).cells
    ]
    assert {cell.id: cell for cell in again.cells}["double"].metadata.nbgrader.points == 8


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout with the texts of two chapters."""
    return lay_checkout(tmp_path_factory.mktemp("checkout"), "01-graphs", "02-leaves")


def lay_checkout(place, *chapters):
    for name in ("nbgrader_config.py", "pyproject.toml"):
        shutil.copy(ROOT / name, place)
    for name in chapters:
        (place / "solutions" / name).mkdir(parents=True)
        shutil.copy(ROOT / "solutions" / name / f"{name}.md", place / "solutions" / name)
    return place


def test_a_chapter_saved_in_jupyterlab_keeps_its_text_and_its_release(tmp_path):
    """JupyterLab saves the notebook as short as the text; nbgrader alone releases it in full."""
    course = lay_checkout(tmp_path, "01-graphs")
    list(releases.generate(course))
    before = release(course, "01-graphs").read_bytes()
    place = "solutions/01-graphs/01-graphs.ipynb"
    text = (course / place).with_suffix(".md")
    kept = text.read_bytes()
    check = 'check(\\"two_path_grad'
    assert check in (course / place).read_text()
    manager = jupytext.TextFileContentsManager(root_dir=str(course))
    model = manager.get(place)
    answer = next(cell for cell in model["content"].cells if "def two_path_grad" in cell.source)
    answer.outputs = [nbformat.v4.new_output("stream", text="it was run")]
    manager.save(model, place)
    assert text.read_bytes() == kept
    assert check not in (course / place).read_text()
    said = forked("nbgrader", "generate_assignment", "01-graphs", "--force", cwd=course)
    assert said.returncode == 0, said.stdout
    assert release(course, "01-graphs").read_bytes() == before
    later = text.stat().st_mtime + 60
    os.utime(course / place, (later, later))
    notebooks.build(text, course / place)
    assert check in (course / place).read_text()


def test_a_half_made_exercise_stops_every_release(checkout, monkeypatch):
    """Each missing part is named, of every exercise; no file and no gradebook comes of it."""
    (checkout / "grader").symlink_to(ROOT / "grader")
    listed = grader.tasks.graphs.EXERCISES
    monkeypatch.setattr(grader.tasks.graphs, "EXERCISES", (*listed, "three_path_grad"))
    monkeypatch.delitem(Key.registry, "walk_graph")
    change(checkout / "solutions/02-leaves/02-leaves.md", "## cast_leaf", "## cast_a_leaf")
    before = sorted(checkout.rglob("*"))
    with pytest.raises(parts.PartsMissing) as refusal:
        list(releases.generate(checkout))
    for lacking in (
        "three_path_grad has no task",
        "three_path_grad has no section",
        "walk_graph has no key",
        "cast_leaf has no section",
        "cast_a_leaf has no task",
    ):
        assert f"{lacking}. Write" in refusal.value.cure  # fmt: skip
    assert sorted(checkout.rglob("*")) == before


def test_a_class_releases_the_sections_that_its_text_holds(tmp_path):
    """In a class's folder an exercise may be left out; the others move up."""
    course = lay_checkout(tmp_path, "01-graphs")
    text = course / "solutions" / "01-graphs" / "01-graphs.md"
    start, end = (
        text.read_text().index(f"## {name}\n") for name in ("two_path_grad", "walk_graph")
    )
    text.write_text(text.read_text()[:start] + text.read_text()[end:])
    list(releases.generate(course))
    cells = nbformat.read(release(course, "01-graphs"), 4).cells
    assert {"edge_products", "walk_graph"} & {cell.id for cell in cells} == {"walk_graph"}
    assert any(cell.source.startswith("## 1. Walk the graph\n") for cell in cells)


def test_a_section_that_is_no_exercise_shows_no_answer(tmp_path):
    """A misspelt id: nbgrader refuses a solution in a cell that is not marked as one."""
    course = lay_checkout(tmp_path, "01-graphs")
    change(course / "solutions/01-graphs/01-graphs.md", "## two_path_grad", "## two_path_gard")
    with pytest.raises(releases.ReleaseFailed, match="01-graphs"):
        list(releases.generate(course))
    assert not release(course, "01-graphs").exists()


def test_an_assignment_with_submissions_stays_as_it_was_released_and_the_others_are_made(tmp_path):
    """A class is updated in the middle of a term."""
    course = small_course(tmp_path / "course")
    (course / "solutions" / "02-other").mkdir()
    other = course / "solutions" / "02-other" / "02-other.md"
    other.write_text(solution(course).read_text())
    list(releases.generate(course))
    with Gradebook(f"sqlite:///{course}/gradebook.db", "autograd-course") as gradebook:
        gradebook.add_student("ada")
        gradebook.add_submission("01-demo", "ada")
    before = release(course).read_bytes()
    for text in (solution(course), other):
        change(text, "halve", "third")
    with pytest.raises(releases.ReleaseFailed, match="01-demo stays as it was released") as failure:
        list(releases.generate(course))
    assert "Traceback" not in failure.value.what
    assert release(course).read_bytes() == before
    assert b"third" in release(course, "02-other").read_bytes()


def test_a_section_of_another_version_is_called_by_its_name(tmp_path):
    course = lay_checkout(tmp_path, "01-graphs")
    change(course / "solutions/01-graphs/01-graphs.md", "## two_path_grad", "## one_path_grad")
    with pytest.raises(releases.ReleaseFailed, match="01-graphs") as failure:
        list(releases.generate(course))
    assert "No exercise of this version of the course is called one_path_grad" in failure.value.cure


def test_saving_in_the_workspace_writes_no_text(course):
    workspace.build(course, course / "workspace")
    manager = jupytext.TextFileContentsManager(root_dir=str(course))
    place = PurePosixPath("workspace/lessons/lesson-00-start-here.ipynb")
    manager.save(manager.get(str(place)), str(place))
    assert not (course / place).with_suffix(".md").exists()
