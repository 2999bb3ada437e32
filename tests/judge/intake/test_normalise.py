"""Normalising's promises: graded cells are the instructor's, answers are the learner's, always."""

import base64
import copy
import json
import pickle
import shutil
import string
from dataclasses import replace

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbgrader.utils import compute_checksum

from grader.judge.books.reading import NoGradebook
from grader.judge.books.unanswered import elsewhere
from grader.judge.intake.course import course_directory
from grader.judge.intake.form import NoForm, read_forms
from grader.judge.intake.lenient import MOST_BYTES, read
from grader.judge.intake.normalise import MOST_OWN_CELLS, MOST_TEXT, normalise
from grader.judge.pages.rendering import drawn_markdown
from tests.conftest import ROOT
from tests.fixtures import instructors
from tests.fixtures.instructors import ASSIGNMENT
from tests.fixtures.payloads import png

ANSWERS = {
    "square_answer": "def square(x):\n    return x ** 2",
    "root_answer": "root = lambda x: x ** 0.5\n\n",
    "shown": "print(42)  # “quoted”, \t tabbed\r\n",
    "why": "Because $x^2$ … \N{SNOWMAN}",
}


@pytest.fixture(scope="module")
def form():
    return instructors.form()


@pytest.fixture
def answered():
    """The release with an answer in each cell that asks for one."""
    notebook = json.loads(instructors.release())
    for cell in notebook["cells"]:
        cell["source"] = ANSWERS.get(grade_id(cell), cell["source"])
    return notebook


def grade_id(cell):
    return cell["metadata"].get("nbgrader", {}).get("grade_id")


def find(notebook, name):
    return next(cell for cell in notebook["cells"] if name in (cell.get("id"), grade_id(cell)))


def code(source, **more):
    return {
        "cell_type": "code",
        "id": "a1b2",
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": 7,
    } | more


def raw(notebook):
    return json.dumps(notebook).encode()


def laid(notebook, form):
    """Normalise, and hold what every submission is promised."""
    content = notebook if isinstance(notebook, bytes) else raw(notebook)
    result = normalise(content, form)
    must_hold(result, form)
    return result


def must_hold(result, form):
    notebook = result.notebook
    nbformat.validate(notebook)
    known = {cell.id for cell in form.cells}
    kept = [cell for cell in notebook.cells if cell.id in known]
    assert [cell.id for cell in kept] == [cell.id for cell in form.cells]
    for cell, wanted in zip(kept, form.cells, strict=True):
        assert cell.cell_type == wanted.type
        assert cell.metadata == wanted.metadata
        if wanted.locked:
            assert cell.source == wanted.source
    own = [cell for cell in notebook.cells if cell.id not in known]
    assert all(cell.metadata == {} for cell in own)
    assert len(own) <= MOST_OWN_CELLS
    assert notebook.metadata == form.metadata
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)
    json.dumps(notebook).encode()
    assert all(isinstance(str(repair), str) and "{" not in str(repair) for repair in result.repairs)


def codes(result):
    return [(repair.code, repair.cell) for repair in result.repairs]


def sources(result):
    return [cell.source for cell in result.notebook.cells]


# What an instructor's form is


def test_a_form_holds_the_hidden_tests_and_still_knows_what_was_released(form):
    cells = {cell.grade_id: cell for cell in form.cells if cell.grade_id}
    assert "HIDDEN" in cells["square"].source
    assert "HIDDEN" not in cells["square"].released
    assert [name for name, cell in cells.items() if cell.hides] == ["square"]
    assert "YOUR CODE HERE" in cells["square_answer"].source
    assert "x * x" not in pickle.dumps(form).decode("latin-1")


def test_a_form_travels_to_other_processes_and_is_small(form):
    assert pickle.loads(pickle.dumps(form)) == form
    assert len(pickle.dumps(form)) < 20_000


def test_a_form_takes_the_points_from_the_gradebook(form):
    points = {c.grade_id: c.metadata["nbgrader"].get("points") for c in form.cells if c.graded}
    assert points == {"square": 2, "root": 3, "shown": 1, "why": 4, "deed": 5}


def test_every_notebook_of_an_assignment_has_a_form(form):
    forms = read_forms(course_directory(instructors.course()), ASSIGNMENT)
    assert forms.keys() == {"problems", "essay"}
    assert forms["essay"].siblings == {"problems"}
    assert forms["problems"] == form


def test_files_that_learners_may_change_are_not_the_forms(form):
    assert form.files == {"data/numbers.csv": b"1,2,3\n"}
    own = read_forms(course_directory(instructors.course()), ASSIGNMENT, {"data/numbers.csv"})
    assert own["problems"].files == {}


def test_no_release_or_no_gradebook_is_refused_with_the_cure(tmp_path):
    with pytest.raises(NoGradebook, match="generate_assignment"):
        read_forms(course_directory(tmp_path), ASSIGNMENT)
    shutil.copytree(instructors.course(), tmp_path, dirs_exist_ok=True)
    directory = course_directory(tmp_path)
    with pytest.raises(NoForm, match="ps2"):
        read_forms(directory, "ps2")
    notebook = tmp_path / "release" / ASSIGNMENT / "problems.ipynb"
    changed = json.loads(notebook.read_text())
    changed["cells"] = [cell for cell in changed["cells"] if grade_id(cell) != "root"]
    notebook.write_text(json.dumps(changed))
    with pytest.raises(NoForm, match="root"):
        read_forms(directory, ASSIGNMENT)
    notebook.unlink()
    with pytest.raises(NoForm, match=r"problems\.ipynb"):
        read_forms(directory, ASSIGNMENT)


# Honest submissions


def as_jupyterlab(notebook):
    """What JupyterLab changes when it saves a notebook that was worked in."""
    notebook = copy.deepcopy(notebook)
    notebook["metadata"] |= {
        "kernelspec": {"display_name": "My env", "language": "python", "name": "conda-env-my"},
        "language_info": {"name": "python", "version": "3.13.1", "file_extension": ".py"},
        "widgets": {"application/vnd.jupyter.widget-state+json": {"state": {"a": {}}}},
        "toc-autonumbering": True,
    }
    for number, cell in enumerate(notebook["cells"]):
        cell["source"] = cell["source"].splitlines(keepends=True)
        cell["metadata"] |= {"collapsed": True, "jupyter": {"source_hidden": number % 2 == 0}}
        settings = cell["metadata"].get("nbgrader", {})
        if "points" in settings:
            settings["points"] = int(settings["points"])
        if cell["cell_type"] == "code":
            cell["metadata"]["execution"] = {"iopub.execute_input": "2025-01-01T00:00:00Z"}
            cell["execution_count"] = number
            cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["1\n", "2\n"]}]
    return notebook


def test_an_honest_submission_needs_no_repair(answered, form):
    notebook = as_jupyterlab({**answered, "cells": [joined(cell) for cell in answered["cells"]]})
    notebook["cells"].insert(3, code(["square = None\n", "1 / 0"]))
    notebook["cells"].append(code([], id="0f0f", execution_count=None))
    result = laid(notebook, form)
    assert result.repairs == ()
    for name, answer in ANSWERS.items():
        assert find(result.notebook, name)["source"] == answer
    assert sources(result)[3] == "square = None\n1 / 0"


def joined(cell):
    return cell | {"source": "".join(cell["source"])}


@pytest.mark.parametrize("minor", [0, 2, 4])
def test_a_notebook_without_cell_ids_loses_nothing(answered, form, minor):
    answered["nbformat_minor"] = minor
    for cell in answered["cells"]:
        cell.pop("id", None)
    result = laid(answered, form)
    assert result.repairs == ()
    assert len(result.notebook.cells) == len(form.cells)
    assert find(result.notebook, "why")["source"] == ANSWERS["why"]


def test_prose_and_scratch_cells_are_the_learners_to_change(answered, form):
    find(answered, "setup")["source"] = "import math, random\nSCALE = 2"
    find(answered, "scratch")["source"] = "square(3)"
    result = laid(answered, form)
    assert result.repairs == ()
    assert find(result.notebook, "setup")["source"] == "import math, random\nSCALE = 2"
    assert find(result.notebook, "scratch")["source"] == "square(3)"


def test_answers_survive_byte_for_byte(answered, form):
    for name, answer in ANSWERS.items():
        assert find(laid(answered, form).notebook, name)["source"] == answer


def test_nothing_handed_in_is_the_untouched_form(form):
    assert normalise(None, form).notebook == form.notebook()
    assert normalise(None, form).repairs == ()


def test_own_cells_stay_after_the_cell_they_followed(answered, form):
    answered["cells"][0:0] = [code("first = 1", id="x")]
    place = answered["cells"].index(find(answered, "square_answer"))
    answered["cells"][place + 1 : place + 1] = [
        code("helper = 1"),
        {"cell_type": "markdown", "id": "n", "metadata": {}, "source": "a note"},
    ]
    result = laid(answered, form)
    assert sources(result)[0] == "first = 1"
    after = sources(result).index(ANSWERS["square_answer"])
    assert sources(result)[after + 1 : after + 3] == ["helper = 1", "a note"]
    assert result.repairs == ()


def test_pictures_attached_to_a_written_answer_are_kept_and_nothing_else_is(answered, form):
    why = find(answered, "why")
    why["attachments"] = {
        "drawing.png": {"image/png": png()},
        "lines.png": {"image/png": [png()[:20] + "\n", png()[20:]]},
        "live.svg": {"image/svg+xml": base64.b64encode(b"<svg onload='x'/>").decode()},
        "page.html": {"text/html": "PHNjcmlwdD4="},
        "lies.png": {"image/png": base64.b64encode(b"<script>").decode()},
        "bomb.png": {"image/png": png((60_000, 60_000))},
        "odd": 3,
    }
    result = laid(answered, form)
    kept = find(result.notebook, "why")["attachments"]
    assert kept == {name: {"image/png": png()} for name in ("drawing.png", "lines.png")}
    assert codes(result) == [("attachment", None)]


@pytest.mark.parametrize(
    ("shown", "files"),
    [
        (f"![sketch](data:image/png;base64,{png()})", {}),
        ("![sketch](plot.png)", {"plot.png": base64.b64decode(png())}),
        ('![sketch](./a/my%20plot.png "titled")', {"a/my plot.png": base64.b64decode(png())}),
        ("![sketch](<my plot.png>)", {"my plot.png": base64.b64decode(png())}),
    ],
    ids=["in the text", "beside it", "in a folder", "with a blank"],
)
def test_a_picture_in_a_text_or_beside_it_comes_along(answered, form, shown, files):
    find(answered, "why")["source"] = f"Before {shown} and {shown} after"
    result = normalise(raw(answered), form, files)
    must_hold(result, form)
    assert result.repairs == ()
    cell = find(result.notebook, "why")
    assert cell["attachments"] == {"picture-1.png": {"image/png": png()}}
    assert cell["source"].count("![sketch](attachment:picture-1.png") == 2
    page = drawn_markdown(cell["source"], links=True, attachments=cell["attachments"])
    assert page.count(f'src="data:image/png;base64,{png()}"') == 2


def test_a_picture_makes_no_answer_too_long_and_what_is_none_stays_text(answered, form):
    large = base64.b64encode(base64.b64decode(png()) + b"\0" * MOST_TEXT).decode()
    find(answered, "why")["source"] = f"See ![it](data:image/png;base64,{large})"
    result = laid(answered, form)
    assert result.repairs == ()
    assert find(result.notebook, "why")["attachments"].keys() == {"picture-1.png"}
    for other in ("![x](secret.txt)", "![x](../a.png)", "![x](https://a.b/c.png)", "[x](plot.png)"):
        find(answered, "why")["source"] = other
        files = {"secret.txt": b"no picture", "plot.png": base64.b64decode(png())}
        cell = find(normalise(raw(answered), form, files).notebook, "why")
        assert (cell["source"], cell.get("attachments")) == (other, None)


def test_no_more_pictures_are_held_than_there_is_room_for(answered, form):
    photo = base64.b64decode(png()) + b"\0" * 5_000_000
    own = [
        {"cell_type": "markdown", "id": f"n{n}", "metadata": {}, "source": f"![x]({n}.png)"}
        for n in range(50)
    ]
    answered["cells"] += own
    files = {f"{n}.png": photo for n in range(50)}
    result = normalise(raw(answered), form, files)
    kept = [cell for cell in result.notebook.cells if cell.get("attachments")]
    assert len(kept) == 1
    assert codes(result) == [("attachment", None)]


# Tampering and accidents, each repaired and reported


def test_a_deleted_cell_is_put_back(answered, form):
    answered["cells"] = [c for c in answered["cells"] if grade_id(c) not in ("square", "given")]
    result = laid(answered, form)
    assert codes(result) == [("restored", "given"), ("restored", "square")]


def test_a_test_that_was_rewritten_is_put_back_with_its_hidden_half(answered, form):
    find(answered, "square")["source"] = "assert True"
    result = laid(answered, form)
    assert codes(result) == [("rewritten", "square")]
    assert "HIDDEN" in find(result.notebook, "square")["source"]


@pytest.mark.parametrize(
    "change",
    [
        {"points": 100},
        {"grade": False},
        {"locked": False},
        {"solution": True},
        {"task": True},
        {"schema_version": 99},
        {"checksum": "0" * 32},
        {"points": [[[]]]},
        {"points": float("nan")},
    ],
    ids=str,
)
def test_changed_settings_are_put_back(answered, form, change):
    find(answered, "square")["metadata"]["nbgrader"] |= change
    assert codes(laid(answered, form)) == [("settings", "square")]


def test_a_cell_that_lost_its_settings_is_known_by_its_id(answered, form):
    for cell in answered["cells"]:
        cell["metadata"] = {}
    result = laid(answered, form)
    assert {code for code, _ in codes(result)} == {"lost_settings"}
    for name, answer in ANSWERS.items():
        assert find(result.notebook, name)["source"] == answer


def test_a_renamed_cell_is_known_by_its_id(answered, form):
    find(answered, "square_answer")["metadata"]["nbgrader"]["grade_id"] = "mine"
    result = laid(answered, form)
    assert codes(result) == [("lost_settings", "square_answer")]
    assert find(result.notebook, "square_answer")["source"] == ANSWERS["square_answer"]


def test_an_answer_without_settings_and_id_still_has_the_last_word(answered, form):
    cell = find(answered, "square_answer")
    cell["metadata"], cell["id"] = {}, "f00d"
    result = laid(answered, form)
    assert codes(result) == [("restored", "square_answer")]
    order = sources(result)
    starting = order.index(next(s for s in order if "YOUR CODE HERE" in s and "square" in s))
    assert order[starting + 1] == ANSWERS["square_answer"]
    assert "HIDDEN" in order[starting + 2]


def test_of_copies_the_first_one_written_in_is_graded_and_all_others_run(answered, form):
    place = answered["cells"].index(find(answered, "why"))
    copies = [copy.deepcopy(answered["cells"][place]) for _ in range(3)]
    copies[0]["source"] = find(json.loads(raw(form.notebook())), "why")["source"]
    copies[1]["source"], copies[2]["source"] = "The answer.", "A later thought."
    answered["cells"][place : place + 1] = copies
    result = laid(answered, form)
    assert codes(result) == [("copied", "why")]
    assert "3 times" in str(result.repairs[0])
    assert find(result.notebook, "why")["source"] == "The answer."
    assert sources(result).count("A later thought.") == 1


def test_a_copied_test_does_not_count_twice(answered, form):
    answered["cells"] += [copy.deepcopy(find(answered, "square")) for _ in range(3)]
    result = laid(answered, form)
    assert codes(result) == [("copied", "square")]
    assert [grade_id(cell) for cell in result.notebook.cells].count("square") == 1


def test_a_retyped_cell_is_read_as_what_it_was(answered, form):
    find(answered, "square_answer")["cell_type"] = "markdown"
    find(answered, "why")["cell_type"] = "raw"
    result = laid(answered, form)
    assert codes(result) == [("retyped", "square_answer"), ("retyped", "why")]
    assert find(result.notebook, "square_answer")["source"] == ANSWERS["square_answer"]


def test_cells_in_another_order_are_put_back_in_order(answered, form):
    answered["cells"].reverse()
    assert ("moved", None) in codes(laid(answered, form))


def signposted(form):
    """The form with a locked text in front, under a number that another release may change."""
    intro = next(cell for cell in form.cells if cell.id == "intro")
    given = {"grade_id": "way", "grade": False, "locked": True, "solution": False, "task": False}
    way = replace(intro, id="way", locked=True, grade_id="way", settings=given,
                  metadata={"nbgrader": given}, source="Back.", released="Back.")  # fmt: skip
    asked = replace(intro, id="2-say-why", source="## 2. Say why", released="## 2. Say why")
    return replace(form, cells=(way, asked, *form.cells))


def test_a_signpost_that_is_missing_or_there_twice_is_no_news(answered, form):
    form = signposted(form)
    assert codes(laid(answered, form)) == []
    way = json.loads(raw(form.notebook()))["cells"][0]
    answered["cells"][:0] = [way, way]
    assert codes(laid(answered, form)) == []
    answered["cells"][0]["source"] = "My answer."
    assert codes(laid(answered, form)) == [("rewritten", "way")]


def test_a_statement_is_known_under_another_number_and_is_no_answer(answered, form):
    form = signposted(form)
    line = "*4 points · about 5 minutes · read and graded by a person*"
    cell = {"cell_type": "markdown", "metadata": {}, "source": f"## 9. Say why\n\n{line}"}
    answered["cells"].insert(0, cell | {"id": "9-say-why"})
    gone = f"## 3. Of another release\n\n{line}"
    answered["cells"].append(cell | {"id": "3-of-another-release", "source": gone})
    find(answered, "why")["source"] = find(json.loads(instructors.release()), "why")["source"]
    result = laid(answered, form)
    assert codes(result) == []
    assert sources(result).count(cell["source"]) == 1
    assert "## 2. Say why" not in sources(result)


def test_a_notebook_of_another_release_is_one_thing_for_a_person_to_see_to(answered, form):
    gone = code('check("old", old)', id="old")
    settings = {"grade": True, "grade_id": "old", "locked": True, "points": 8.0,
                "schema_version": 3, "solution": False, "task": False}  # fmt: skip
    gone["metadata"] = {"nbgrader": settings}
    settings["checksum"] = compute_checksum(nbformat.from_dict(gone))
    answered["cells"] = [one for one in answered["cells"] if "root" not in (grade_id(one) or "")]
    answered["cells"].insert(0, gone)
    result = laid(answered, form)
    assert codes(result) == [("another_release", None)]
    assert "which had old, and not root. A person decides" in str(result.repairs[0])
    gone["source"] += "  # edited: of no release"
    assert ("unknown_cells", None) in codes(laid(answered, form))


def test_cells_that_claim_to_be_graded_become_the_learners_own(answered, form):
    forged = {"grade": True, "grade_id": "bonus\x1b[31m", "points": 100, "solution": False}
    answered["cells"].append(code("100.0", metadata={"nbgrader": forged}))
    result = laid(answered, form)
    assert codes(result) == [("unknown_cells", None)]
    assert "\x1b" not in str(result.repairs[0])
    assert sources(result)[-1] == "100.0"


def test_another_language_is_reported_and_the_assignments_is_used(answered, form):
    answered["metadata"]["kernelspec"] = {"name": "ir", "language": "R", "display_name": "R"}
    assert codes(laid(answered, form)) == [("language", None)]


def test_answers_swapped_between_cells_stay_where_their_names_put_them(answered, form):
    one, two = find(answered, "square_answer"), find(answered, "root_answer")
    one["metadata"], two["metadata"] = two["metadata"], one["metadata"]
    result = laid(answered, form)
    assert find(result.notebook, "root_answer")["source"] == ANSWERS["square_answer"]


# Several cells, other releases, other notebooks


def test_what_befell_many_cells_alike_is_told_in_one_line(answered, form):
    for cell in answered["cells"]:
        cell["metadata"] = {}
    (one,) = laid(answered, form).repairs
    assert one.code == "lost_settings"
    assert str(one) == (
        "given, square_answer, square and 5 more: These cells had lost nbgrader's settings. They "
        "were known by their ids."
    )


def rereleased(name, source, **settings):
    """Make a cell as another release had it, with the checksum that nbgrader gave it then."""

    def work(notebook):
        cell = find(notebook, name)
        cell["source"] = source
        cell["metadata"]["nbgrader"] |= settings
        cell["metadata"]["nbgrader"]["checksum"] = compute_checksum(nbformat.from_dict(cell))

    return work


def test_a_test_of_an_earlier_release_was_not_changed_by_the_learner(answered, form):
    rereleased("square", "assert square(3) == 9", points=7)(answered)
    result = laid(answered, form)
    assert codes(result) == [("older_release", "square")]
    assert "another release" in str(result.repairs[0])
    assert "HIDDEN" in find(result.notebook, "square")["source"]


def test_a_test_that_was_changed_after_an_earlier_release_was(answered, form):
    rereleased("square", "assert square(3) == 9")(answered)
    find(answered, "square")["source"] = "pass"
    assert codes(laid(answered, form)) == [("settings", "square"), ("rewritten", "square")]


def test_a_starting_text_of_an_earlier_release_is_nothing_to_tell(answered, form):
    find(answered, "square_answer")["metadata"]["nbgrader"]["checksum"] = "0" * 32
    assert laid(answered, form).repairs == ()


def test_another_notebook_of_the_class_is_called_by_its_name(form):
    essay = (instructors.course() / "release" / ASSIGNMENT / "essay.ipynb").read_bytes()
    result = laid(essay, form)
    assert codes(result) == [("other_assignment", None)]
    assert str(result.repairs[0]).startswith("This is essay.ipynb: the notebook holds 1 of its")
    assert result.notebook == form.notebook()


def test_a_chapter_of_the_course_that_the_class_does_not_have_is_called_by_its_name(form):
    leaves = (ROOT / "exercises" / "02-leaves" / "02-leaves.ipynb").read_bytes()
    assert str(laid(leaves, form).repairs[0]).startswith("This is 02-leaves: the notebook holds ")


def test_cells_that_two_assignments_have_tell_nothing(answered, form):
    both = replace(form, others={"02-more": frozenset({"given", "square", "extra"})})
    assert laid(answered, both).repairs == ()
    answered["cells"] = [cell for cell in answered["cells"] if grade_id(cell) == "given"]
    assert ("other_assignment", None) not in codes(laid(answered, both))
    answered["cells"].append(code("1", id="extra"))
    assert codes(laid(answered, both)) == [("other_assignment", None)]


WRITTEN = {
    "text": {"cell_type": "markdown", "source": "Because it is so."},
    "raw": {"cell_type": "raw", "source": "Because it is so."},
    "comments": {"cell_type": "code", "source": "# Because\n\n# it is so.", "outputs": []},
}


@pytest.mark.parametrize("kind", WRITTEN)
@pytest.mark.parametrize("is_there", [True, False])
def test_a_written_answer_in_a_cell_of_ones_own_waits_for_a_person(answered, form, kind, is_there):
    place = answered["cells"].index(find(answered, "why"))
    answered["cells"].insert(place + 1, {"metadata": {}, "id": "mine"} | WRITTEN[kind])
    find(answered, "why")["source"] = "YOUR ANSWER HERE"
    if not is_there:
        del answered["cells"][place]
    result = laid(answered, form)
    assert ("elsewhere", "why") in codes(result)
    assert "a cell that the learner added: 1 below." in elsewhere(result.notebook)["why"]


def test_who_wrote_nothing_or_wrote_where_it_belongs_waits_for_nobody_more(answered, form):
    own = {"cell_type": "markdown", "source": "My notes.", "metadata": {}, "id": "mine"}
    answered["cells"].append(own)
    assert elsewhere(laid(answered, form).notebook) == {}
    assert elsewhere(laid(json.loads(instructors.release()), form).notebook) == {}


def test_settings_without_a_grade_id_are_no_settings(tmp_path):
    shutil.copytree(instructors.course(), tmp_path, dirs_exist_ok=True)
    path = tmp_path / "release" / ASSIGNMENT / "problems.ipynb"
    old = json.loads(path.read_text())
    old["cells"][0]["metadata"]["nbgrader"] = {"grade": False, "solution": False, "locked": False}
    path.write_text(json.dumps(old))
    form = read_forms(course_directory(tmp_path), ASSIGNMENT)["problems"]
    result = laid(old, form)
    assert result.repairs == ()
    assert all("grade_id" in cell.metadata.get("nbgrader", {"grade_id"}) for cell in form.cells)


# Broken notebooks


def test_an_empty_notebook_is_the_untouched_form(form):
    empty = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    result = laid(empty, form)
    assert result.notebook == form.notebook()
    assert codes(result) == [("no_cells", None)]


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "the file is empty"), (b"\0" * 9, "it holds no text")]
)
def test_a_file_without_text_is_told_as_that(content, why, form):
    assert why in str(laid(content, form).repairs[0])


DEEP = b'{"cells":' + b"[" * 200_000
MANY = b'{"cells":[' + b"[]," * 3_000_000 + b"[]]}"
SLOW = b'"' + b'\\"' * 3_000_000 + b"," * 2_500_000


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"null", b"[]", b"42", b'{"cells":', b"<html>", b"\xff\xfe\0", DEEP, MANY, SLOW],
    ids=["empty", "nul", "null", "list", "42", "cut", "html", "utf16", "deep", "many", "slow"],
)
def test_what_is_no_notebook_is_the_untouched_form(content, form):
    result = laid(content, form)
    assert result.notebook == form.notebook()
    assert codes(result) == [("not_a_notebook", None)]


def test_a_huge_notebook_is_not_read(form):
    result = laid(b" " * (MOST_BYTES + 1), form)
    assert result.notebook == form.notebook()
    assert codes(result) == [("notebook_too_large", None)]


def test_large_outputs_are_no_reason_to_refuse_a_notebook(answered, form):
    find(answered, "shown")["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": "0.1234, " * 2_500_000}
    ]
    result = laid(answered, form)
    assert result.repairs == ()
    assert find(result.notebook, "why")["source"] == ANSWERS["why"]


def test_an_older_format_is_read(answered, form):
    cells = copy.deepcopy(answered["cells"])
    for cell in cells:
        if cell["cell_type"] == "code":
            cell["input"], cell["language"] = cell.pop("source"), "python"
    cells.insert(0, {"cell_type": "heading", "level": 1, "metadata": {}, "source": "Title"})
    old = {"worksheets": [{"cells": cells, "metadata": {}}], "metadata": {}, "nbformat": 3}
    result = laid(old, form)
    assert codes(result) == [("old_format", None)]
    assert find(result.notebook, "square_answer")["source"] == ANSWERS["square_answer"]


def test_a_format_of_the_future_is_read(answered, form):
    answered["nbformat"], answered["nbformat_minor"] = 5, 1
    assert find(laid(answered, form).notebook, "why")["source"] == ANSWERS["why"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_notebook_in_another_unicode_encoding_is_read(answered, form, encoding):
    content = json.dumps(answered, ensure_ascii=False).encode(encoding)
    result = laid(content, form)
    assert result.repairs == ()
    assert find(result.notebook, "why")["source"] == ANSWERS["why"]


def test_text_that_is_not_utf8_costs_only_the_letters_it_broke(answered, form):
    find(answered, "why")["source"] = "caf\N{LATIN SMALL LETTER E WITH ACUTE}"
    result = laid(json.dumps(answered, ensure_ascii=False).encode("latin-1", "replace"), form)
    assert ("broken_text", None) in codes(result)
    assert find(result.notebook, "why")["source"] == "caf\N{REPLACEMENT CHARACTER}"


def test_a_lone_surrogate_can_be_written_to_a_file(answered, form):
    find(answered, "why")["source"] = "\ud800 and \udfff"
    nbformat.writes(laid(answered, form).notebook).encode()


def test_a_number_too_long_to_read_and_nan_are_no_trouble(answered, form):
    text = json.dumps(answered)
    head = '{"odd": [' + "9" * 10_000 + ", NaN, -Infinity, 1e999], "
    result = laid((head + text[1:]).encode(), form)
    assert result.repairs == ()


def test_ten_thousand_cells_are_cut_and_the_known_ones_survive(answered, form):
    answered["cells"][2:2] = [code("x = 1", id=f"n{n}") for n in range(10_000)]
    result = laid(answered, form)
    assert codes(result) == [("too_many_cells", None)]
    assert str(10_000 - MOST_OWN_CELLS) in str(result.repairs[0])
    assert find(result.notebook, "why")["source"] == ANSWERS["why"]


def test_an_answer_too_long_to_be_one_is_not_graded(answered, form):
    find(answered, "why")["source"] = "x" * (MOST_TEXT + 1)
    result = laid(answered, form)
    assert codes(result) == [("too_long", "why")]
    assert find(result.notebook, "why")["source"] == "YOUR ANSWER HERE"


@pytest.mark.parametrize("odd", [3, None, {}, [1, 2], {"a": "b"}, True])
@pytest.mark.parametrize("key", ["source", "metadata", "cell_type", "id", "attachments", "outputs"])
def test_a_wrong_type_in_one_cell_costs_no_other_cell(answered, form, key, odd):
    find(answered, "square_answer")[key] = odd
    result = laid(answered, form)
    assert find(result.notebook, "why")["source"] == ANSWERS["why"]


# Anything else: random mutations


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["code", "markdown", "raw", "square", "square_answer", "nbgrader", "cells"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cell_type", "source", "metadata", "nbgrader", "grade_id", "id", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)


def mutate(data, node):
    """Put junk, a copy or nothing somewhere below a node of a JSON tree; False if at a leaf."""
    keys = list(node) if isinstance(node, dict) else range(len(node))
    if not keys:
        return
    key = data.draw(st.sampled_from(list(keys)))
    if isinstance(node[key], dict | list) and data.draw(st.integers(0, 3)):
        mutate(data, node[key])
        return
    what = data.draw(st.sampled_from(["junk", "delete", "copy", "swap"]))
    if what == "delete":
        del node[key]
    elif what == "junk":
        node[key] = data.draw(JUNK)
    elif isinstance(node, list):
        other = data.draw(st.integers(0, len(node) - 1))
        if what == "copy":
            node.insert(other, copy.deepcopy(node[key]))
        else:
            node[key], node[other] = node[other], node[key]
    else:
        other = data.draw(st.sampled_from(list(keys)))
        node[key] = copy.deepcopy(node[other])


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_mutation_of_a_notebook_changes_what_is_graded(answered, form, data):
    notebook = copy.deepcopy(answered)
    for _ in range(data.draw(st.integers(1, 12))):
        mutate(data, notebook)
    laid(notebook, form)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bytes_can_stop_normalising(answered, form, data):
    content = bytearray(raw(answered))
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(content) - 1))
        length = data.draw(st.integers(0, 50))
        content[place : place + length] = data.draw(st.binary(max_size=20))
    laid(bytes(content), form)


@settings(max_examples=100)
@given(content=st.binary(max_size=300))
def test_no_random_bytes_can_stop_normalising(form, content):
    laid(content, form)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_tampered_with_the_answers_left_alone_survive(answered, form, data):
    notebook = copy.deepcopy(answered)
    alone = data.draw(st.sets(st.sampled_from(sorted(ANSWERS))))
    others = [cell for cell in notebook["cells"] if grade_id(cell) not in alone]
    for cell in data.draw(st.lists(st.sampled_from(others), max_size=6, unique_by=id)):
        kept = cell["metadata"].get("nbgrader", {}).get("grade_id")
        mutate(data, cell)
        settled = cell.get("metadata")
        settled = settled.get("nbgrader") if isinstance(settled, dict) else None
        if isinstance(settled, dict) and settled.get("grade_id") in list(alone):
            settled["grade_id"] = kept
        if cell.get("id") in list(alone):
            del cell["id"]
    extra = data.draw(st.lists(st.text(string.printable, max_size=20), max_size=5))
    for source in extra:
        place = data.draw(st.integers(0, len(notebook["cells"])))
        notebook["cells"].insert(place, code(source))
    result = laid(notebook, form)
    for name in alone:
        assert find(result.notebook, name)["source"] == ANSWERS[name]


def test_a_name_that_no_file_can_hold_keeps_its_picture(answered, form):
    notebook = copy.deepcopy(answered)
    find(notebook, "why")["attachments"] = {"\ud800.png": {"image/png": png()}}
    result = laid(json.dumps(notebook).encode(), form)
    nbformat.writes(result.notebook).encode()
    assert list(find(result.notebook, "why")["attachments"]) == ["\ufffd.png"]


DEEP = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["cells", "source", "metadata", "nbgrader", "grade_id", "cell_type", "id", "code",
                 "attachments", "worksheets", "nbformat", "kernelspec", "language", "markdown"]
            ) | st.text(max_size=2),
            inner | st.sampled_from(["code", "markdown", "explain", "imports", "\ud800"]),
            max_size=4,
        )
    ),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=200)
@given(tree=DEEP, cells=st.lists(DEEP, max_size=3))
def test_no_json_stops_the_lenient_reader(tree, cells):
    for notebook in (tree, {"cells": cells, "metadata": tree}):
        read(json.dumps(notebook).encode())
        read(json.dumps(notebook, ensure_ascii=False).encode("utf-8", "surrogatepass"))
        read(json.dumps(notebook).encode("utf-16"))
