"""What lies among the submissions and is none is said by its name, and nothing of it is touched."""

import os

import pytest

from grader.judge.intake.misplaced import Looked, misplaced

BELONGS = "A submission of 02-leaves lies in submitted/{0}/02-leaves."
LINK = "submitted/{0} is a link, and links are not followed. " + BELONGS
FILE = "submitted/{0} is a file, among students' folders. " + BELONGS
HIGH = "submitted/s1/{} lies one folder too high. It belongs in submitted/s1/02-leaves."
CALLED = "submitted/s1/{} is not called as the assignment is. It belongs in submitted/s1/02-leaves."


@pytest.fixture
def step(tmp_path):
    (tmp_path / "submitted" / "s9" / "02-leaves").mkdir(parents=True)
    return tmp_path / "submitted"


def found(step):
    names = {path.name for path in step.iterdir() if (path / "02-leaves").exists()}
    others = ["01-graphs", "02-leaves-2", "02_leaves"]
    students = [f"s{number}" for number in range(10)]
    return misplaced(Looked(step, "02-leaves", ["02-leaves"], others, students, names))


def pipe(path):
    os.mkfifo(path)  # to open it would wait for ever


def lay(path):
    path.parent.mkdir(exist_ok=True)
    path.write_text("{}")


THERE = {
    "s1": (pipe, "submitted/s1 is neither a file nor a folder. " + BELONGS.format("s1")),
    "s2": (lay, FILE.format("s2")),
    "s3": (lambda path: path.symlink_to("/etc"), LINK.format("s3")),
    "s4": (lambda path: path.symlink_to("s4"), LINK.format("s4")),
    "s5.ipynb": (lay, f"submitted/s5.ipynb is a file, among students' folders. "
                 f"{BELONGS.format('s5')}"),
    "S6.tar.gz": (lay, f"submitted/S6.tar.gz is a file, among students' folders. "
                  f"{BELONGS.format('s6')}"),
    "leaves.ipynb": (lay, f"submitted/leaves.ipynb is a file, among students' folders. "
                     f"{BELONGS.format('STUDENT')}"),
    "s1/02-leaves.ipynb": (lay, HIGH.format("02-leaves.ipynb")),
    "s1/02-leaves (1).ipynb": (lay, HIGH.format("02-leaves (1).ipynb")),
    "s1/02-Leaves": (lambda path: path.mkdir(parents=True), CALLED.format("02-Leaves")),
    "s1/02 leaves": (lambda path: path.mkdir(parents=True), CALLED.format("02 leaves")),
    "02-leaves/s1": (
        lambda path: path.mkdir(parents=True),
        "submitted/02-leaves has the assignment's name, among students' folders. "
        + BELONGS.format("STUDENT"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", THERE)
def test_it_is_told_with_the_place_where_it_belongs(step, name):
    make, told = THERE[name]
    make(step / name)
    before = sorted(os.walk(step))
    assert found(step) == {name.partition("/")[0]: told}
    assert sorted(os.walk(step)) == before


def test_all_that_lies_wrong_in_one_folder_is_one_sentence_after_the_other(step):
    lay(step / "s1" / "02-leaves.ipynb")
    (step / "s1" / "02-Leaves").mkdir()
    assert found(step) == {"s1": f"{CALLED.format('02-Leaves')} {HIGH.format('02-leaves.ipynb')}"}


@pytest.mark.parametrize(
    "name",
    [
        "README.txt",  # of whoever grades
        ".DS_Store",
        ".collecting-abc/fresh",
        "s1/.collecting-abc/fresh",  # what a collecting that was killed left
        "s1/.02-leaves.before/02-leaves.ipynb",
        "s1/01-graphs/01-graphs.ipynb",
        "s1/02_leaves/02_leaves.ipynb",  # an assignment of the class, too
        "s1/02-leaves-2.ipynb",
        "s1/notes.txt",
        "somebody/anything.txt",
    ],
)
def test_of_what_belongs_there_or_to_another_assignment_nothing_is_said(step, name):
    (step / name).parent.mkdir(parents=True, exist_ok=True)
    lay(step / name)
    assert found(step) == {}


def test_without_submissions_there_is_nothing_to_say(tmp_path):
    assert misplaced(Looked(tmp_path / "none", "02-leaves", ["02-leaves"], [], [], [])) == {}
