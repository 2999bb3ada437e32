"""An exercise begun again: its starting code is back, and no answer is lost."""

import json
import shutil
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.notebook.folder import carrying
from grader.notebook.folder.resetting import NothingToReset, reset
from tests.conftest import ROOT

DAY = date(2026, 11, 29)
START = carrying.answers((ROOT / "exercises/01-graphs/01-graphs.ipynb").read_bytes())


@pytest.fixture
def notebook(tmp_path):
    """A workspace's notebook in which somebody answered the first exercise and ran it."""
    place = tmp_path / "exercises" / "01-graphs" / "01-graphs.ipynb"
    place.parent.mkdir(parents=True)
    shutil.copy(ROOT / "exercises" / "01-graphs" / "01-graphs.ipynb", place)
    answer(place, "two_path_grad", "def two_path_grad(x, w):\n    return 'mine ü'")
    return place


def answer(place, exercise, source):
    content = json.loads(place.read_bytes())
    for cell in content["cells"]:
        if cell["id"] == f"{exercise}_answer":
            cell["source"] = source
            cell["execution_count"] = 3
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "said"}]
    place.write_text(json.dumps(content))


def cell(place, name):
    return next(c for c in json.loads(place.read_bytes())["cells"] if c["id"] == name)


def test_the_cell_gets_its_starting_code_and_the_answer_a_file_beside(notebook, tmp_path):
    done = reset("two_path_grad", ROOT, tmp_path, DAY)
    assert carrying.answers(notebook.read_bytes()) == START
    assert done.kept == notebook.parent / "two_path_grad-2026-11-29.py"
    assert done.kept.read_text() == "def two_path_grad(x, w):\n    return 'mine ü'\n"
    assert cell(notebook, "two_path_grad_answer")["outputs"] == []


def test_no_other_cell_is_touched(notebook, tmp_path):
    answer(notebook, "walk_graph", "my own")
    before = json.loads(notebook.read_bytes())
    reset("two_path_grad", ROOT, tmp_path, DAY)
    after = json.loads(notebook.read_bytes())
    changed = [a["id"] for a, b in zip(after["cells"], before["cells"], strict=True) if a != b]
    assert changed == ["two_path_grad_answer"]
    assert after["metadata"] == before["metadata"]


def test_answers_of_one_day_are_all_kept(notebook, tmp_path):
    kept = []
    for text in ("first", "second", "third"):
        answer(notebook, "two_path_grad", text)
        kept.append(reset("two_path_grad", ROOT, tmp_path, DAY).kept)
    assert [path.read_text() for path in kept] == ["first\n", "second\n", "third\n"]


def test_starting_code_is_left_and_no_file_is_written(notebook, tmp_path):
    before = notebook.read_bytes()
    assert reset("walk_graph", ROOT, tmp_path, DAY).kept is None
    assert notebook.read_bytes() == before
    assert [path.name for path in notebook.parent.iterdir()] == [notebook.name]


@pytest.mark.parametrize(
    ("exercise", "damage", "told"),
    [
        ("two_paths", lambda place: None, "Did you mean two_path_grad"),
        ("two_path_grad", lambda place: place.unlink(), "no notebook to reset"),
        ("two_path_grad", lambda place: place.write_text("{"), "no cell for this answer"),
        ("two_path_grad", lambda place: place.write_text("[1]"), "no cell for this answer"),
        (
            "two_path_grad",
            lambda place: place.write_text('{"cells": [{"metadata": null}, 3]}'),
            "no cell for this answer",
        ),
    ],
)
def test_what_cannot_be_reset_is_refused_and_left(notebook, tmp_path, exercise, damage, told):
    damage(notebook)
    before = notebook.read_bytes() if notebook.exists() else None
    with pytest.raises(NothingToReset) as refused:
        reset(exercise, ROOT, tmp_path, DAY)
    assert told in f"{refused.value.what} {refused.value.cure}"
    assert (notebook.read_bytes() if notebook.exists() else None) == before


def test_the_command_says_where_the_answer_is_and_how_jupyterlab_shows_the_change(
    notebook, tmp_path, command
):
    status, said = command("reset", "two_path_grad", "--course", ROOT, "--workspace", tmp_path)
    assert status == 0
    assert "two_path_grad has its starting code again" in said
    assert str(notebook.parent / "two_path_grad-") in said
    assert "Reload Notebook from Disk" in said
    status, said = command("reset", "two_path_grad", "--course", ROOT, "--workspace", tmp_path)
    assert "nothing to reset" in said
    assert "not saved yet" in said


names = st.text("abc_", min_size=1, max_size=4)
texts = st.text(max_size=40).map(lambda text: text.replace("\r", ""))


@given(st.dictionaries(names, texts, max_size=5), st.dictionaries(names, texts, max_size=5))
def test_what_is_carried_is_what_was_written_and_nothing_else_changes(offered, written):
    cells = [
        {
            "cell_type": "code",
            "metadata": {"nbgrader": {"grade_id": name, "solution": True}},
            "outputs": ["old"],
            "execution_count": 1,
            "source": source,
        }
        for name, source in offered.items()
    ]
    between = {"cell_type": "markdown", "metadata": {}, "source": "prose"}
    new = json.dumps({"cells": [between, *cells, between], "metadata": {"kept": 1}}).encode()
    laid = carrying.carried(new, written)
    assert carrying.answers(laid) == offered | {
        name: text for name, text in written.items() if name in offered
    }
    content = json.loads(laid)
    assert (content["cells"][0], content["cells"][-1]) == (between, between)
    assert content["metadata"] == {"kept": 1}
