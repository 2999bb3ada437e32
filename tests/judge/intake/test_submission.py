"""Reading's promises: a submission's folder is read as far as it is plain files, and no further."""

import json
import os
import re
import socket

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grader.judge.intake.normalise import normalise
from grader.judge.intake.repairs import CAUSES
from grader.judge.intake.submission import DEEPEST, MOST_BYTES_IN_FILES, MOST_FILES, read_submission
from tests.fixtures import instructors

NOTEBOOK = "problems.ipynb"
OURS = {"data/numbers.csv": b"1,2,3\n"}


@pytest.fixture(scope="module")
def form():
    return instructors.form()


@pytest.fixture
def folder(tmp_path):
    """A submission: the release as a learner hands it in."""
    place = tmp_path / "ps1"
    (place / "data").mkdir(parents=True)
    (place / NOTEBOOK).write_bytes(instructors.release())
    (place / "essay.ipynb").write_text("{}")  # the assignment's other notebook
    (place / "data" / "numbers.csv").write_bytes(OURS["data/numbers.csv"])
    return place


def codes(submitted):
    return [repair.code for repair in submitted.repairs]


def test_an_honest_submission_is_read_whole(folder, form):
    (folder / "helper.py").write_text("x = 1")
    (folder / "figures").mkdir()
    (folder / "figures" / "plot é.png").write_bytes(b"\x89PNG")
    submitted = read_submission(folder, form)
    assert submitted.notebook == instructors.release()
    more = {"helper.py": b"x = 1", "figures/plot é.png": b"\x89PNG"}
    assert submitted.files == OURS | more
    assert submitted.repairs == ()


def test_what_jupyter_and_the_exchange_leave_behind_is_not_theirs(folder, form):
    (folder / "timestamp.txt").write_text("1970-01-01 00:00:00 UTC")
    (folder / "submission_secret.txt").write_text("x")
    for name in (".ipynb_checkpoints", "__pycache__"):
        (folder / name).mkdir()
        (folder / name / NOTEBOOK).write_text("{}")
    submitted = read_submission(folder, form)
    assert submitted.files == OURS
    assert submitted.repairs == ()


def test_no_symbolic_link_is_followed(folder, form, tmp_path):
    secret = tmp_path / "gradebook.db"
    secret.write_text("everybody's grades")
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "answer.txt").write_text("42")
    (folder / "file").symlink_to(secret)
    (folder / "folder").symlink_to(tmp_path / "others")
    (folder / "loop").symlink_to(".")
    (folder / "nowhere").symlink_to("missing")
    submitted = read_submission(folder, form)
    assert submitted.files == OURS
    assert codes(submitted) == ["link"] * 4


def test_a_notebook_that_is_a_link_is_not_read(folder, form, tmp_path):
    (tmp_path / "theirs.ipynb").write_bytes(instructors.release())
    (folder / NOTEBOOK).unlink()
    (folder / NOTEBOOK).symlink_to(tmp_path / "theirs.ipynb")
    submitted = read_submission(folder, form)
    assert submitted.notebook is None
    assert codes(submitted) == ["link", "no_notebook"]


def test_a_folder_that_is_a_link_is_not_read(folder, form, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    submitted = read_submission(tmp_path / "link", form)
    assert (submitted.notebook, codes(submitted)) == (None, ["no_folder"])
    assert submitted.files == OURS


def test_a_hard_link_counts_as_the_file_it_is(folder, form, tmp_path):
    (tmp_path / "kept.py").write_text("x = 1")
    os.link(tmp_path / "kept.py", folder / "helper.py")
    assert read_submission(folder, form).files["helper.py"] == b"x = 1"


def test_what_is_neither_file_nor_folder_is_never_opened(folder, form):
    os.mkfifo(folder / "pipe")  # to open it for reading would wait for ever
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(folder / "socket"))
        submitted = read_submission(folder, form)
    assert submitted.files == OURS
    assert codes(submitted) == ["not_a_file"] * 2


def test_a_renamed_notebook_is_found(folder, form):
    (folder / NOTEBOOK).rename(folder / "problems (1).ipynb")
    submitted = read_submission(folder, form)
    assert submitted.notebook == instructors.release()
    assert codes(submitted) == ["renamed"]
    assert "problems (1).ipynb" in str(submitted.repairs[0])


def test_of_several_notebooks_none_is_guessed(folder, form):
    (folder / NOTEBOOK).rename(folder / "a.ipynb")
    (folder / "b.ipynb").write_bytes(instructors.release())
    submitted = read_submission(folder, form)
    assert (submitted.notebook, codes(submitted)) == (None, ["which_notebook"])
    assert "a.ipynb, b.ipynb" in str(submitted.repairs[0])


def test_a_notebook_that_may_be_either_of_two_is_not_guessed(folder, form):
    (folder / NOTEBOOK).unlink()
    (folder / "essay.ipynb").rename(folder / "final.ipynb")
    submitted = read_submission(folder, form)
    assert (submitted.notebook, codes(submitted)) == (None, ["which_notebook"])


def test_notebooks_beside_the_right_one_are_left_out(folder, form):
    (folder / "scratch.ipynb").write_text("{}")
    (folder / "data" / NOTEBOOK).write_text("{}")
    submitted = read_submission(folder, form)
    assert submitted.notebook == instructors.release()
    assert submitted.files == OURS
    assert codes(submitted) == ["other_notebook"] * 2


@pytest.mark.parametrize("missing", ["folder", "notebook", "everything"])
def test_nothing_handed_in_is_reported(folder, form, missing):
    (folder / NOTEBOOK).unlink()
    if missing == "notebook":
        (folder / NOTEBOOK).mkdir()
    place = folder / "nowhere" if missing == "folder" else folder
    submitted = read_submission(place, form)
    assert submitted.notebook is None
    told = {"folder": ["no_folder"], "notebook": ["folder", "no_notebook"]}
    assert codes(submitted) == told.get(missing, ["no_notebook"])
    assert normalise(submitted.notebook, form).notebook == form.notebook()


def test_the_assignments_own_files_are_laid_over_the_learners(folder, form):
    (folder / "data" / "numbers.csv").write_text("9,9,9\n")
    submitted = read_submission(folder, form)
    assert submitted.files == OURS
    assert codes(submitted) == ["replaced_file"]


@pytest.mark.parametrize("theirs", ["data", "data/numbers.csv/x"])
def test_a_file_in_the_way_of_the_assignments_gives_way(folder, form, theirs):
    (folder / "data" / "numbers.csv").unlink()
    (folder / "data").rmdir()
    (folder / theirs).parent.mkdir(parents=True, exist_ok=True)
    (folder / theirs).write_text("in the way")
    assert read_submission(folder, form).files == OURS


def test_a_notebook_too_large_to_read_is_not_read(folder, form):
    os.truncate(folder / NOTEBOOK, 1 << 40)
    submitted = read_submission(folder, form)
    assert (submitted.notebook, codes(submitted)) == (None, ["notebook_too_large"])


def test_files_past_the_limit_are_left_out(folder, form):
    os.truncate(open_new(folder / "a.bin"), MOST_BYTES_IN_FILES - 1000)
    os.truncate(open_new(folder / "b.bin"), 2000)
    os.truncate(open_new(folder / "c.bin"), 1 << 40)
    (folder / "d.txt").write_text("small")
    submitted = read_submission(folder, form)
    assert submitted.files.keys() == {"a.bin", "d.txt", *OURS}
    assert codes(submitted) == ["too_large"] * 2


def open_new(path):
    path.touch()
    return path


def test_a_file_too_many_is_left_out(folder, form):
    for number in range(MOST_FILES + 50):
        (folder / f"{number:05}").touch()
    submitted = read_submission(folder, form)
    assert len(submitted.files) == MOST_FILES + len(OURS)
    assert submitted.notebook == instructors.release()
    assert codes(submitted) == ["too_many"]


def test_folders_without_end_are_not_walked(folder, form):
    deep = folder
    for _ in range(DEEPEST + 1):
        deep = deep / "d"
        deep.mkdir()
        (deep / "file").touch()
    submitted = read_submission(folder, form)
    assert len(submitted.files) == DEEPEST + len(OURS)
    assert codes(submitted) == ["too_deep"]


@pytest.mark.parametrize(
    "name", [b"\xff\xfe", b"a\nb", b"a\x1b[31mb", b"\xe2\x80\xae.py", b"x" * 250]
)
def test_names_that_nobody_can_read_are_left_out(folder, form, name):
    path = os.fsencode(folder) + b"/" + name
    with open(path, "wb") as file:
        file.write(b"x")
    submitted = read_submission(folder, form)
    assert submitted.files == OURS
    assert codes(submitted) == ["bad_name"]
    assert str(submitted.repairs[0]).isprintable()


def test_a_thousand_of_a_kind_are_reported_as_some_and_more(folder, form):
    for number in range(1000):
        (folder / f"link{number}").symlink_to("x")
    submitted = read_submission(folder, form)
    assert codes(submitted) == ["link"] * 20 + ["and_more"]


NAMES = st.sampled_from(["a", "b.py", "data", "numbers.csv", NOTEBOOK, "c.ipynb", "essay.ipynb"])
ENTRIES = st.lists(
    st.tuples(
        st.lists(NAMES, min_size=1, max_size=3), st.sampled_from(["file", "folder", "link", "pipe"])
    ),
    max_size=8,
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=ENTRIES)
def test_whatever_lies_in_a_folder_it_is_read(tmp_path_factory, form, entries):
    place = tmp_path_factory.mktemp("submission")
    for parts, kind in entries:
        path = place.joinpath(*parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            {
                "file": path.touch,
                "folder": path.mkdir,
                "link": lambda path=path: path.symlink_to("/etc/passwd"),
                "pipe": lambda path=path: os.mkfifo(path),
            }[kind]()
        except OSError:
            continue  # something else stands there already
    submitted = read_submission(place, form)
    assert submitted.files.items() >= OURS.items()
    names = set(submitted.files)
    assert not any(name.endswith(".ipynb") for name in names)
    assert not any(other.startswith(f"{name}/") for name in names for other in names)
    assert all(content == b"" for name, content in submitted.files.items() if name not in OURS)
    normalise(submitted.notebook, form)


# Where the work may lie


def solved():
    """The release with one answer in it."""
    notebook = json.loads(instructors.release())
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "why":
            cell["source"] = "Because."
    return json.dumps(notebook).encode()


@pytest.mark.parametrize(
    "name",
    ["problems.ipynb.json", "problems.ipynb.txt", "problems.IPYNB", "problems", "work.json"],
)
def test_work_under_another_extension_is_graded_where_it_is_the_only_one(folder, form, name):
    (folder / NOTEBOOK).unlink()
    (folder / name).write_bytes(solved())
    submitted = read_submission(folder, form)
    assert (submitted.notebook, codes(submitted)) == (solved(), ["renamed"])
    assert name in str(submitted.repairs[0])


def test_of_several_that_fit_the_only_one_with_answers_is_the_work(folder, form):
    (folder / NOTEBOOK).rename(folder / "a.ipynb")
    (folder / "b.ipynb").write_bytes(solved())
    submitted = read_submission(folder, form)
    assert (submitted.notebook, codes(submitted)) == (solved(), ["renamed", "other_notebook"])


@pytest.mark.parametrize(
    "name", ["problems-Copy1.ipynb", "problems.new.ipynb", "problems.ipynb.txt"]
)
def test_a_solved_copy_beside_an_untouched_original_is_graded_and_told(folder, form, name):
    (folder / name).write_bytes(solved())
    submitted = read_submission(folder, form)
    assert (submitted.notebook, codes(submitted)) == (solved(), ["copy"])
    assert f"{NOTEBOOK} holds no answer, and {name} does" in str(submitted.repairs[0])


def test_of_two_solved_copies_none_is_taken_and_both_are_told(folder, form):
    for name in ("one.ipynb", "two.ipynb"):
        (folder / name).write_bytes(solved())
    submitted = read_submission(folder, form)
    assert submitted.notebook == instructors.release()
    assert codes(submitted) == ["copies", "other_notebook", "other_notebook"]
    assert "one.ipynb, two.ipynb" in str(submitted.repairs[0])


def test_a_copy_beside_a_notebook_with_answers_is_left_out(folder, form):
    (folder / "old.ipynb").write_bytes(solved())
    (folder / NOTEBOOK).write_bytes(solved() + b" ")
    submitted = read_submission(folder, form)
    assert submitted.notebook == solved() + b" "
    assert codes(submitted) == ["other_notebook"]


@pytest.mark.parametrize("left", ["._graphs Ada.ipynb", ".~graphs-ada.ipynb", ".graphs.ipynb"])
def test_what_macos_and_jupyterlab_leave_beside_a_notebook_is_none(folder, form, left):
    (folder / NOTEBOOK).rename(folder / "graphs Ada.ipynb")
    (folder / left).write_bytes(b"\0\5\x16\7")
    submitted = read_submission(folder, form)
    assert (submitted.notebook, codes(submitted)) == (instructors.release(), ["renamed"])
    (folder / "graphs Ada.ipynb").unlink()
    assert codes(read_submission(folder, form)) == ["no_notebook"]


THERE = {
    "nothing": ({}, "The folder is empty."),
    "a program": ({"answers.py": b"x = 1"}, "There lies answers.py."),
    "an archive": ({"work.zip": b"PK"}, "There lies work.zip. Unpack it, and grade again."),
    "a folder too many": (
        {f"work/{NOTEBOOK}": b"{}"},
        f"There lies work/{NOTEBOOK}. Lay it where it belongs, and grade again.",
    ),
    "an empty folder": ({"work/": b""}, "There lies work."),
    "what programs leave": (
        {"._problems.ipynb": b"", ".git/": b""},
        "There lies nothing but what programs leave: ._problems.ipynb, .git.",
    ),
}


@pytest.mark.parametrize(
    ("lay", "told"),
    [
        (os.mkfifo, f"There lies {NOTEBOOK}, which is no file."),
        (os.mkdir, f"There lies a folder called {NOTEBOOK}."),
        (lambda path: os.symlink("/etc/hosts", path), f"There lies a link called {NOTEBOOK}."),
    ],
)
def test_what_has_the_notebooks_name_and_is_none_is_no_empty_folder(tmp_path, form, lay, told):
    lay(tmp_path / NOTEBOOK)
    assert str(read_submission(tmp_path, form).repairs[-1]).endswith(told)


@pytest.mark.parametrize("name", [b"graphs \xe9tude.ipynb", b"<b>\xff\n.ipynb", b"\x1b[2J.IPYNB"])
def test_a_notebook_is_found_whatever_bytes_its_name_holds(tmp_path, form, name):
    (tmp_path / "essay.ipynb").write_text("{}")
    with open(os.fsencode(tmp_path) + b"/" + name, "wb") as file:
        file.write(instructors.release())
    submitted = read_submission(tmp_path, form)
    assert submitted.notebook == instructors.release()
    (renamed,) = submitted.repairs
    assert renamed.code == "renamed"
    assert str(renamed).isprintable()
    assert str(renamed).encode()


@pytest.mark.parametrize(
    ("name", "why"),
    [(b"work\xff.zip", "whose name cannot be used"), (b"large.bin", "which is too large")],
)
def test_a_folder_with_something_that_was_left_out_is_not_called_empty(tmp_path, form, name, why):
    with open(os.fsencode(tmp_path) + b"/" + name, "wb") as file:
        file.truncate(MOST_BYTES_IN_FILES + 1)
    *_, told = read_submission(tmp_path, form).repairs
    assert told.code == "no_notebook"
    assert re.search(rf"There lies .*, {why}\.$", str(told))


def test_a_receipt_that_is_no_file_is_told_once(tmp_path, form):
    os.mkfifo(tmp_path / "timestamp.txt")
    assert codes(read_submission(tmp_path, form)) == ["no_notebook"]  # the receipt tells it


@pytest.mark.parametrize("kind", THERE)
def test_where_there_is_no_notebook_the_instructor_reads_what_lies_there(tmp_path, form, kind):
    contents, told = THERE[kind]
    for name, content in contents.items():
        path = tmp_path / "ps1" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.write_bytes(content)
    (tmp_path / "ps1").mkdir(exist_ok=True)
    submitted = read_submission(tmp_path / "ps1", form)
    assert submitted.notebook is None
    (repair,) = submitted.repairs
    assert repair.code in CAUSES
    assert str(repair) == f"There is no {NOTEBOOK}: nothing was run. {told}"
