"""The workspace's promises: brought up to date, and no change of the learner's is ever lost."""

import json
import os
import re
import shutil
import sys
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp

import nbformat
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from grader.notebook import files
from grader.notebook.folder import workspace
from grader.notebook.folder.workspace import Placement
from grader.notebook.texts import notebooks, places
from tests.conftest import ROOT

PLACE = PurePosixPath("exercises/01-demo/01-demo.ipynb")


def notebook(*sources):
    cells = [nbformat.v4.new_code_cell(text, id=f"cell-{i}") for i, text in enumerate(sources)]
    return notebooks.to_bytes(nbformat.v4.new_notebook(cells=cells))


def lay(folder, *sources):
    """Lay one notebook; what happened to it, and where its newest version lies."""
    [placed] = workspace.lay({PLACE: notebook(*sources)}, folder)
    return placed.outcome, placed.newest.name


def sources(path):
    return [source for _, source in notebooks.sources(path.read_bytes())]


def ran(path):
    """What JupyterLab leaves of a notebook that was run to its end and saved."""
    read = nbformat.read(path, 4)
    for cell in read.cells:
        cell.outputs = [nbformat.v4.new_output("stream", text="42\n")]
        cell.execution_count = 1
        cell.metadata["trusted"] = True
    read.cells.append(nbformat.v4.new_code_cell(""))
    read.metadata["language_info"] = {"name": "python", "version": "3.11.7"}
    nbformat.write(read, path)


def test_an_update_reaches_a_notebook_nobody_changed(tmp_path):
    assert lay(tmp_path, "old") == (Placement.NEW, PLACE.name)
    assert lay(tmp_path, "new") == (Placement.UPDATED, PLACE.name)
    assert sources(tmp_path / PLACE) == ["new"]


def test_a_notebook_the_learner_changed_stays_and_the_new_one_lies_beside_it(tmp_path):
    lay(tmp_path, "old")
    (tmp_path / PLACE).write_bytes(notebook("mine"))
    assert lay(tmp_path, "new") == (Placement.BESIDE, "01-demo.new.ipynb")
    assert sources(tmp_path / PLACE) == ["mine"]
    assert sources((tmp_path / PLACE).with_name("01-demo.new.ipynb")) == ["new"]


def test_the_new_version_is_laid_beside_once(tmp_path):
    lay(tmp_path, "old")
    (tmp_path / PLACE).write_bytes(notebook("mine"))
    lay(tmp_path, "new")
    beside = (tmp_path / PLACE).with_name("01-demo.new.ipynb")
    beside.unlink()  # the learner has seen it
    assert lay(tmp_path, "new") == (Placement.KEPT, PLACE.name)
    assert not beside.exists()
    assert lay(tmp_path, "newer") == (Placement.BESIDE, beside.name)


def test_a_new_version_the_learner_works_in_is_theirs_too(tmp_path):
    lay(tmp_path, "old")
    (tmp_path / PLACE).write_bytes(notebook("mine"))
    lay(tmp_path, "new")
    (tmp_path / PLACE).with_name("01-demo.new.ipynb").write_bytes(notebook("new", "mine too"))
    assert lay(tmp_path, "newer") == (Placement.BESIDE, "01-demo.new-2.ipynb")


def test_a_learner_who_takes_the_new_version_over_gets_the_next_one(tmp_path):
    lay(tmp_path, "old")
    (tmp_path / PLACE).write_bytes(notebook("mine"))
    lay(tmp_path, "new")
    os.replace((tmp_path / PLACE).with_name("01-demo.new.ipynb"), tmp_path / PLACE)
    assert lay(tmp_path, "newer") == (Placement.UPDATED, PLACE.name)


def test_running_a_notebook_is_no_change_of_it(tmp_path):
    lay(tmp_path, "old")
    ran(tmp_path / PLACE)
    assert lay(tmp_path, "new") == (Placement.UPDATED, PLACE.name)


def test_outputs_stay_as_long_as_the_course_does_not_change(tmp_path):
    lay(tmp_path, "old")
    ran(tmp_path / PLACE)
    before = (tmp_path / PLACE).read_bytes()
    assert lay(tmp_path, "old") == (Placement.KEPT, PLACE.name)
    assert (tmp_path / PLACE).read_bytes() == before


def test_a_deleted_notebook_is_laid_again(tmp_path):
    lay(tmp_path, "old")
    (tmp_path / PLACE).unlink()
    assert lay(tmp_path, "old") == (Placement.RESTORED, PLACE.name)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"a": 1}', '{"a": {"offered": 1}}'])
def test_without_its_record_every_notebook_counts_as_the_learners(tmp_path, damage):
    lay(tmp_path, "old")
    (tmp_path / workspace.MANIFEST).write_text(damage)
    assert lay(tmp_path, "new") == (Placement.BESIDE, "01-demo.new.ipynb")
    assert sources(tmp_path / PLACE) == ["old"]


def test_a_notebook_that_cannot_be_read_is_the_learners(tmp_path):
    lay(tmp_path, "old")
    (tmp_path / PLACE).write_bytes(b"\xff not a notebook")
    assert lay(tmp_path, "new") == (Placement.BESIDE, "01-demo.new.ipynb")
    assert (tmp_path / PLACE).read_bytes() == b"\xff not a notebook"


def test_a_link_is_the_learners_and_what_it_points_to_is_not_written(tmp_path):
    lay(tmp_path / "workspace", "old")
    place = tmp_path / "workspace" / PLACE
    elsewhere = tmp_path / "elsewhere.ipynb"
    os.replace(place, elsewhere)
    place.symlink_to(elsewhere)
    assert lay(tmp_path / "workspace", "new") == (Placement.BESIDE, "01-demo.new.ipynb")
    assert place.is_symlink()
    assert sources(elsewhere) == ["old"]


def test_a_run_that_is_cut_off_leaves_nothing_that_counts_as_the_learners(tmp_path, monkeypatch):
    lay(tmp_path, "old")
    writes = []

    def cut_off(path, content, write=files.write):
        writes.append(path)
        if len(writes) == stop:
            raise KeyboardInterrupt
        write(path, content)

    for stop in (1, 2, 3):
        writes.clear()
        with monkeypatch.context() as patch:
            patch.setattr(files, "write", cut_off)
            with pytest.raises(KeyboardInterrupt):
                lay(tmp_path, f"new {stop}")
        lay(tmp_path, f"new {stop}")
        assert sources(tmp_path / PLACE) == [f"new {stop}"]
        assert [path.name for path in (tmp_path / PLACE).parent.iterdir()] == [PLACE.name]


class AnyDays(RuleBasedStateMachine):
    """A learner and a course in any order: whatever the learner wrote is still somewhere."""

    def __init__(self):
        super().__init__()
        self.folder = Path(mkdtemp())
        self.path = self.folder / PLACE
        self.written = {}
        self.offered = set()

    def teardown(self):
        shutil.rmtree(self.folder)

    @rule(version=st.integers(0, 4))
    def update(self, version):
        lay(self.folder, f"version {version}")
        self.offered.add(f"version {version}")

    @rule(text=st.text("ab", max_size=2), beside=st.booleans())
    def change(self, text, beside):
        path = self.path.with_name("01-demo.new.ipynb") if beside else self.path
        if path.exists():
            path.write_bytes(notebook(f"mine {text}"))
            self.written[path.name] = f"mine {text}"

    @rule(beside=st.booleans())
    def run(self, beside):
        path = self.path.with_name("01-demo.new.ipynb") if beside else self.path
        if path.exists():
            ran(path)

    @rule(beside=st.booleans())
    def delete(self, beside):
        path = self.path.with_name("01-demo.new.ipynb") if beside else self.path
        path.unlink(missing_ok=True)
        self.written.pop(path.name, None)

    @rule()
    def take_over(self):
        beside = self.path.with_name("01-demo.new.ipynb")
        if beside.exists():
            os.replace(beside, self.path)
            self.written.pop(self.path.name, None)
            if beside.name in self.written:
                self.written[self.path.name] = self.written.pop(beside.name)

    @rule()
    def lose_the_record(self):
        (self.folder / workspace.MANIFEST).unlink(missing_ok=True)

    @invariant()
    def nothing_the_learner_wrote_is_lost(self):
        for name, text in self.written.items():
            assert sources(self.path.with_name(name)) == [text]

    @invariant()
    def all_else_is_the_courses(self):
        for path in self.path.parent.glob("*") if self.path.parent.exists() else ():
            if path.name not in self.written:
                assert set(sources(path)) <= self.offered


TestAnyDays = AnyDays.TestCase


def test_the_workspace_holds_the_course_and_only_it(course):
    shutil.copytree(
        course / "solutions", course / "exercises", ignore=shutil.ignore_patterns("*.md")
    )
    placed = workspace.build(course, course / "workspace")
    assert [str(one.path) for one in placed] == [
        "lessons/lesson-00-start-here.ipynb",
        "exercises/01-demo/numbers.csv",
    ]
    assert {one.outcome for one in workspace.build(course, course / "workspace")} == {
        Placement.KEPT
    }


def test_every_link_inside_the_workspace_leads_somewhere(tmp_path):
    workspace.build(ROOT, tmp_path)
    for path in tmp_path.rglob("*.ipynb"):
        for cell in nbformat.read(path, 4).cells:
            links = (
                re.findall(r"\]\(([^)#\s]+)", cell.source) if cell.cell_type == "markdown" else []
            )
            for link in links:
                if "://" not in link and not link.startswith("attachment:"):
                    assert (path.parent / link).exists(), f"{path.name}: {link}"


@pytest.mark.parametrize("obstacle", ["file for a folder", "folder for a file", "broken link"])
def test_a_workspace_that_cannot_be_written_is_named_without_a_traceback(course, obstacle, command):
    folder = course / "workspace"
    (folder / "lessons").mkdir(parents=True)
    notebook_place = folder / "lessons" / "lesson-00-start-here.ipynb"
    if obstacle == "file for a folder":
        (folder / "lessons").rmdir()
        (folder / "lessons").write_text("mine")
    elif obstacle == "folder for a file":
        notebook_place.mkdir()
    else:
        notebook_place.symlink_to("nowhere")
    status, said = command("workspace", "--course", course)
    assert status == 1
    assert f"The workspace {folder} cannot be brought up to date" in said
    assert str(folder / "lessons") in said
    assert "--workspace FOLDER" in said


@pytest.fixture
def readable_folder():
    """A folder of ours that other accounts may read: pytest's own are closed to them."""
    folder = Path(mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX account")
def test_a_workspace_without_write_permission_is_refused_and_left_as_it_is(readable_folder):
    lay(readable_folder, "old")
    for folder in (
        readable_folder,
        *(path for path in readable_folder.rglob("*") if path.is_dir()),
    ):
        folder.chmod(0o555)
    ours = os.geteuid()
    if ours == 0:
        os.seteuid(65534)  # an administrator may write anywhere
    try:
        with pytest.raises(workspace.WorkspaceRefused, match="Permission denied"):
            lay(readable_folder, "new")
    finally:
        os.seteuid(ours)
    assert sources(readable_folder / PLACE) == ["old"]


def test_the_command_says_what_it_kept(course, command):
    update = ("workspace", "--course", course)
    assert "is made (1 file)" in command(*update)[1]
    assert "is up to date (1 file)" in command(*update)[1]
    place = course / "workspace" / "lessons" / "lesson-00-start-here.ipynb"
    place.write_text(place.read_text().replace("1 + 1", "1 + 2"))
    text = course / "course" / "lessons" / "00-start-here.md"
    text.write_text(text.read_text().replace("# Start here", "# Begin here"))
    status, said = command(*update)
    assert status == 0
    assert "lessons/lesson-00-start-here.ipynb holds your changes and stays as it is" in said
    assert "lessons/lesson-00-start-here.new.ipynb" in said
    assert "holds your changes" not in command(*update)[1]


def test_the_record_is_json_a_person_can_read(tmp_path):
    lay(tmp_path, "old")
    assert list(json.loads((tmp_path / workspace.MANIFEST).read_text())) == [str(PLACE)]


# Exercises renewed, and lessons that lie elsewhere now


def answered(*pairs, start="# YOUR CODE HERE"):
    """An exercise notebook of (grade_id, source): "" for what the exercise starts with."""
    cells = []
    for name, source in pairs:
        mark = {"grade_id": name, "solution": True, "grade": False, "locked": False}
        cells.append(nbformat.v4.new_code_cell(source or start, id=name))
        cells[-1].metadata["nbgrader"] = mark
    return notebooks.to_bytes(nbformat.v4.new_notebook(cells=cells))


def test_a_renewed_notebook_carries_the_answers_over_and_the_old_file_stays(tmp_path):
    workspace.lay({PLACE: answered(("a", ""), ("b", "bug 1"), ("c", ""))}, tmp_path)
    mine = answered(("a", "mine"), ("b", "bug 1"), ("c", ""))
    (tmp_path / PLACE).write_bytes(mine)
    new = answered(("c", "# YOUR CODE HERE, renewed"), ("b", "bug 2"), ("a", ""), ("d", "new"))
    [placed] = workspace.lay({PLACE: new}, tmp_path)
    assert placed.outcome is Placement.BESIDE
    assert (tmp_path / PLACE).read_bytes() == mine
    assert sources(tmp_path / placed.newest) == [
        "# YOUR CODE HERE, renewed",
        "bug 2",
        "mine",
        "new",
    ]


def test_a_renewed_notebook_that_was_taken_over_is_the_learners(tmp_path):
    workspace.lay({PLACE: answered(("a", ""))}, tmp_path)
    (tmp_path / PLACE).write_bytes(answered(("a", "mine")))
    [placed] = workspace.lay({PLACE: answered(("a", ""), ("b", "more"))}, tmp_path)
    os.replace(tmp_path / placed.newest, tmp_path / PLACE)
    [placed] = workspace.lay({PLACE: answered(("a", ""), ("b", "most"))}, tmp_path)
    assert placed.outcome is Placement.BESIDE
    assert sources(tmp_path / PLACE) == ["mine", "more"]
    assert sources(tmp_path / placed.newest) == ["mine", "most"]


def test_a_renewed_notebook_that_nobody_opened_is_renewed_again_under_its_name(tmp_path):
    workspace.lay({PLACE: answered(("a", ""))}, tmp_path)
    (tmp_path / PLACE).write_bytes(answered(("a", "mine")))
    workspace.lay({PLACE: answered(("a", ""), ("b", "more"))}, tmp_path)
    (tmp_path / PLACE).write_bytes(answered(("a", "mine, mended")))
    [placed] = workspace.lay({PLACE: answered(("a", ""), ("b", "most"))}, tmp_path)
    assert placed.newest.name == "01-demo.new.ipynb"
    assert sources(tmp_path / placed.newest) == ["mine, mended", "most"]


OLD, NOW = (PurePosixPath("lessons", name) for name in ("01-a.ipynb", "lesson-01-a.ipynb"))


def test_a_lesson_of_an_earlier_version_that_nobody_changed_goes(tmp_path):
    workspace.lay({OLD: notebook("old")}, tmp_path)
    ran(tmp_path / OLD)
    placed = workspace.lay({NOW: notebook("new")}, tmp_path)
    assert [(one.path, one.outcome) for one in placed] == [
        (NOW, Placement.NEW),
        (OLD, Placement.GONE),
    ]
    assert [path.name for path in (tmp_path / "lessons").iterdir()] == [NOW.name]


def test_a_lesson_of_an_earlier_version_that_was_changed_stays_and_is_named_once(tmp_path):
    workspace.lay({OLD: notebook("old")}, tmp_path)
    (tmp_path / OLD).write_bytes(notebook("mine"))
    placed = workspace.lay({NOW: notebook("new")}, tmp_path)
    assert (placed[1].path, placed[1].outcome, placed[1].newest) == (OLD, Placement.LEFT, NOW)
    assert sources(tmp_path / OLD) == ["mine"]
    assert len(workspace.lay({NOW: notebook("new")}, tmp_path)) == 1


@pytest.mark.parametrize("before", ["01-a-2.ipynb", "lesson-01-a-2.ipynb"])
def test_a_second_part_of_any_earlier_version_lies_beside_the_first(tmp_path, before):
    old = PurePosixPath("lessons", before)
    workspace.lay({old: notebook("old")}, tmp_path)
    now = places.lesson("01-a-2")
    placed = workspace.lay({now: notebook("new")}, tmp_path)
    assert [(one.path, one.outcome) for one in placed] == [
        (now, Placement.NEW),
        (old, Placement.GONE),
    ]
    assert [path.name for path in (tmp_path / "lessons").iterdir()] == ["lesson-01b-a.ipynb"]


def test_a_file_that_only_has_such_a_name_is_the_learners(tmp_path):
    (tmp_path / "lessons").mkdir()
    (tmp_path / OLD).write_bytes(notebook("mine"))
    assert len(workspace.lay({NOW: notebook("new")}, tmp_path)) == 1
    assert sources(tmp_path / OLD) == ["mine"]


def test_the_command_names_a_lesson_it_left(course, command):
    folder = course / "workspace"
    workspace.lay({PurePosixPath("lessons/00-start-here.ipynb"): notebook("old")}, folder)
    (folder / "lessons" / "00-start-here.ipynb").write_bytes(notebook("mine"))
    status, said = command("workspace", "--course", course)
    assert status == 0
    assert "lessons/00-start-here.ipynb holds your changes and stays as it is" in said
    assert "lies in lessons/lesson-00-start-here.ipynb from now on" in said
    assert "is up to date (1 file)" in said


def test_the_command_says_that_lessons_lie_under_new_names(course, command):
    folder = course / "workspace"
    workspace.lay({PurePosixPath("lessons/00-start-here.ipynb"): notebook("old")}, folder)
    assert (
        "1 lesson that you had not changed lies under a new name"
        in command("workspace", "--course", course)[1]
    )
    assert "under a new name" not in command("workspace", "--course", course)[1]
