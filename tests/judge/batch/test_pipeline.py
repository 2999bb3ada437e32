"""The pipeline's promises: text is the source, and what is cut from it is the same everywhere."""

import os
import shutil
from pathlib import PurePosixPath

import jupytext
import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.authoring import releases
from grader.notebook import notebooks, workspace
from tests.conftest import FRONT, ROOT, code, run, small_course
from tests.fixtures.classroom import shared

EVERY_TEXT = [*sorted((ROOT / "course" / "lessons").glob("*.md")), *releases.texts(ROOT)]
every_chapter = pytest.mark.parametrize("text", releases.texts(ROOT), ids=lambda text: text.stem)


def release(course, name="01-demo"):
    return course / "exercises" / name / f"{name}.ipynb"


def solution(course):
    return course / "solutions" / "01-demo" / "01-demo.md"


def change(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_the_course_has_texts():
    assert EVERY_TEXT


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
    said = run("nbgrader", "generate_assignment", "01-demo", "--force", cwd=course)
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


@pytest.mark.parametrize("text", EVERY_TEXT, ids=lambda text: text.stem)
def test_every_text_is_a_valid_notebook(text):
    nbformat.validate(notebooks.read(text))


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (code("same", "1") + code("same", "2"), "two cells have the grade_id 'same'"),
        (code("no spaces", "1"), "the grade_id 'no spaces' must be"),
        ("```{code-cell} ipython3\n---\nnbgrader: [\n---\n1\n```\n", "could not be read"),
        ('+++ {"nbgrader": \n\nText\n', "could not be read"),
    ],
    ids=["twice", "spaces", "yaml", "json"],
)
def test_a_text_that_cannot_be_read_says_which_and_why(tmp_path, body, complaint):
    text = tmp_path / "broken.md"
    text.write_text(FRONT + body)
    with pytest.raises(notebooks.BrokenText, match=complaint) as refusal:
        notebooks.read(text)
    assert str(text) in str(refusal.value)


headings = st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1), max_size=6)


@given(headings)
def test_every_cell_has_a_valid_id_of_its_own(titles):
    notebook = notebooks.from_text(
        FRONT + "".join(f"# {title}\n\n```{{code-cell}}\n1\n```\n\n" for title in titles)
    )
    nbformat.validate(notebook)
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


def test_an_added_cell_moves_no_id_under_another_heading():
    def ids(first):
        return [cell.id for cell in notebooks.from_text(FRONT + first + "## Two\n\n" + cell).cells]

    cell = "```{code-cell}\n# a comment, no heading\n```\n\n"
    assert ids(f"## One\n\n{cell}")[-2:] == ids(f"## One\n\n{cell}{cell}{cell}")[-2:]


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


def test_saving_in_the_workspace_writes_no_text(course):
    workspace.build(course, course / "workspace")
    manager = jupytext.TextFileContentsManager(root_dir=str(course))
    place = PurePosixPath("workspace/lessons/00-start-here.ipynb")
    manager.save(manager.get(str(place)), str(place))
    assert not (course / place).with_suffix(".md").exists()
