"""Attacks on a notebook as a whole and on the folder around it: edited, broken, copied, linked.

Each function changes the right answers; its docstring says what that deserves, in the form that
`tests.adversarial` reads.
"""

from __future__ import annotations

import base64
import copy
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from tests.adversarial import Deserts, deserts
from tests.adversarial.assignment import ASSIGNMENT, POINTS
from tests.fixtures import payloads

Work = Callable[[Any, Path], "bytes | None"]
"""Takes the notebook and the submission's folder; gives the notebook's bytes if it is no more one,
and NO_NOTEBOOK if it is to have none."""

NO_NOTEBOOK = b""
WORKS: dict[str, Work] = {}
DESERTS: dict[str, Deserts] = {}


def notebook(work: Work) -> Work:
    """Register an attack under its function's name."""
    name = f"notebook-{work.__name__}"
    WORKS[name], DESERTS[name] = work, deserts(work.__doc__ or "")
    return work


def by_id(book: Any) -> dict[str, Any]:
    """A notebook's cells by id, which is the grade_id where there is one."""
    return {cell.id: cell for cell in book.cells}


def without_answers(book: Any, *names: str) -> None:
    """Put a wrong answer into some answers."""
    for name in names:
        cell = by_id(book)[f"{name}_answer"]
        cell.source = cell.source.split("\n")[0] + "\n    return None"


# Settings


@notebook
def points_raised(book: Any, folder: Path) -> None:
    """Every graded cell is worth a thousand points.

    Earns: two_path_grad 0
    Told: *: nbgrader's settings of these cells had been changed (points). They were put back.
    Because: points are the gradebook's.
    """
    without_answers(book, "two_path_grad")
    for cell in book.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.metadata.nbgrader.points = 1000


@notebook
def flags_turned(book: Any, folder: Path) -> None:
    """Tests say that they are not locked, not graded, solutions or tasks; an answer that it is one.

    Earns: triple 0
    Told: two_path_grad: nbgrader's settings of this cell had been changed (locked). *
    Told: edge_products: nbgrader's settings of this cell had been changed (grade). *
    Told: triple: nbgrader's settings of this cell had been changed (solution, locked). *
    Told: triple: The text of this cell is the instructor's and had been changed. *
    Told: count: nbgrader's settings of this cell had been changed (task). *
    Told: make_leaf_answer: nbgrader's settings of this cell had been changed (grade, points). *
    Because: what a cell is was said when it was released.
    """
    cells = by_id(book)
    without_answers(book, "triple")
    cells["two_path_grad"].metadata.nbgrader.locked = False
    cells["edge_products"].metadata.nbgrader.grade = False
    cells["triple"].metadata.nbgrader.update(solution=True, locked=False)
    cells["triple"].source = "pass"
    cells["count"].metadata.nbgrader.task = True
    cells["make_leaf_answer"].metadata.nbgrader.update(grade=True, points=50)


@notebook
def settings_of_other_types(book: Any, folder: Path) -> None:
    """nbgrader's settings are a list, a number, absent, and flags are texts.

    Earns: everything
    Told: *: These cells had lost nbgrader's settings. They were known by their ids.
    Told: triple: nbgrader's settings of this cell had been changed (points, schema_version). *
    Because: every cell is known by its id as well.
    """
    cells = by_id(book)
    cells["two_path_grad"].metadata.nbgrader = []
    cells["edge_products"].metadata = {"nbgrader": 5}
    cells["make_leaf"].metadata = {}
    cells["triple"].metadata.nbgrader.update(points="4000", schema_version=[99], grade="yes")


@notebook
def names_of_answers_swapped(book: Any, folder: Path) -> None:
    """Two answers go by each other's names.

    Earns: two_path_grad 0
    Told: Cells stood in another order. The assignment's was kept.
    Learner: is not defined when the check runs
    Because: the answer that went by a later name stands, and runs, after the check it is for.
    """
    cells = by_id(book)
    one, other = (cells[f"{name}_answer"] for name in ("two_path_grad", "edge_products"))
    one.metadata.nbgrader.grade_id, other.metadata.nbgrader.grade_id = other.id, one.id
    one.id, other.id = other.id, one.id


@notebook
def names_of_tests_swapped(book: Any, folder: Path) -> None:
    """A hard test goes by the name of an easy one, and the easy one by the hard one's.

    Earns: edge_products 0
    Told: edge_products: The text of this cell is the instructor's and had been changed. *
    Told: count: The text of this cell is the instructor's and had been changed. *
    Told: edge_products: nbgrader's settings of this cell had been changed (points, checksum). *
    Told: count: nbgrader's settings of this cell had been changed (points, checksum). *
    Told: Cells stood in another order. The assignment's was kept.
    Because: what is graded under a name is the text that was released under it.
    """
    cells = by_id(book)
    without_answers(book, "edge_products")
    one, other = cells["edge_products"], cells["count"]
    one.metadata.nbgrader.grade_id, other.metadata.nbgrader.grade_id = other.id, one.id
    one.id, other.id = other.id, one.id


@notebook
def tests_rewritten(book: Any, folder: Path) -> None:
    """Every test is another one.

    Earns: two_path_grad 0, triple 0
    Told: *: The text of these cells is the instructor's and had been changed. It was put back.
    Because: the text of a test is the gradebook's.
    """
    cells = by_id(book)
    without_answers(book, "two_path_grad", "triple")
    for name in POINTS:
        cells[name].source = "1000.0"
    cells["two_path_grad"].source = 'check("make_leaf", make_leaf)'
    cells["edge_products"].source = 'check("edge_products", lambda *a: None)'


@notebook
def checksums_forged(book: Any, folder: Path) -> None:
    """Checksums and unknown settings are added to every cell.

    Earns: everything
    Told: *: nbgrader's settings of these cells had been changed (checksum). They were put back.
    Because: nothing that a submission says of itself is read.
    """
    for cell in book.cells:
        if "nbgrader" in cell.metadata:
            cell.metadata.nbgrader.update(checksum="0" * 32, score=1000, auto_score=1000)
        cell.metadata.update(deletable=True, editable=True, tags=["skip-execution", "remove_input"])


@notebook
def tests_become_text(book: Any, folder: Path) -> None:
    """Code cells are Markdown, Markdown is code, and an answer is a raw cell.

    Earns: everything
    Told: two_path_grad: The cell had been made a markdown cell. It was read as the code cell *
    Told: triple_answer: The cell had been made a raw cell. It was read as the code cell it was.
    Told: explain: The cell had been made a code cell. It was read as the markdown cell it was.
    Because: a cell's type was said when it was released.
    """
    cells = by_id(book)
    cells["two_path_grad"].cell_type = "markdown"
    cells["triple_answer"].cell_type = "raw"
    cells["explain"].cell_type = "code"
    for cell in (cells["two_path_grad"], cells["triple_answer"]):
        cell.pop("outputs")
        cell.pop("execution_count")
    cells["explain"].update(outputs=[], execution_count=None)


@notebook
def another_kernel(book: Any, folder: Path) -> None:
    """The notebook asks for a kernel that deletes everything, in another language.

    Earns: everything
    Told: The notebook was set to julia. It was run with the assignment's python.
    Because: the kernel is the assignment's.
    """
    argv = ["sh", "-c", "touch /tmp/autograd-course-escaped-kernel"]
    book.metadata.kernelspec = {"name": "evil", "display_name": "x", "language": "julia"}
    book.metadata.kernelspec["argv"] = argv
    book.metadata.language_info = {"name": "julia", "pygments_lexer": "html+evil"}


@notebook
def outputs_forged(book: Any, folder: Path) -> None:
    """The tests come with the outputs of full marks.

    Earns: two_path_grad 0, count 0
    Told: nothing
    Because: outputs that come with a submission are dropped.
    """
    without_answers(book, "two_path_grad")
    by_id(book)["count_answer"].source = "def count(items):\n    return 10"
    for name in ("two_path_grad", "count"):
        cell = by_id(book)[name]
        cell.outputs = [
            nbformat.v4.new_output(
                "execute_result", data={"text/plain": "8.0", "text/html": payloads.HTML[0]}
            )
        ]
        cell.execution_count = 7


# Cells taken away, added, copied


@notebook
def tests_deleted(book: Any, folder: Path) -> None:
    """The tests of what is wrong are gone.

    Earns: two_path_grad 0, triple 0
    Told: two_path_grad: The cell was missing and was put back.
    Told: triple: The cell was missing and was put back.
    Because: a test that is missing is put back where it stood.
    """
    without_answers(book, "two_path_grad", "triple")
    book.cells = [cell for cell in book.cells if cell.id not in ("two_path_grad", "triple")]


@notebook
def answers_deleted(book: Any, folder: Path) -> None:
    """An answer is gone, and its text stands in a cell of the learner's own, below another one.

    Earns: everything
    Told: two_path_grad_answer: The cell was missing and was put back.
    Because: the learner's own cells run where they stand, after the starting code put back.
    """
    answer = by_id(book)["two_path_grad_answer"]
    at = book.cells.index(answer)
    book.cells[at] = new_code_cell(answer.source)


@notebook
def everything_deleted(book: Any, folder: Path) -> None:
    """A notebook without a cell.

    Earns: nothing
    Told: The notebook holds none of the assignment's cells. *
    Because: nothing was answered.
    """
    book.cells = []


@notebook
def answer_copied(book: Any, folder: Path) -> None:
    """An answer stands there twice, under one name: first as it was released, then right.

    Earns: everything
    Told: two_path_grad_answer: The cell was there 2 times. The first that was written in was *
    Because: copying a cell is how an editor is used.
    """
    answer = by_id(book)["two_path_grad_answer"]
    untouched = copy.deepcopy(answer)
    untouched.source = (
        "def two_path_grad(x, w):\n    # YOUR CODE HERE\n    raise NotImplementedError"
    )
    release = nbformat.read(
        folder.parents[2] / "exercises" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", as_version=4
    )
    untouched.source, untouched.id = by_id(release)["two_path_grad_answer"].source, "copied"
    book.cells.insert(book.cells.index(answer), untouched)


@notebook
def test_copied(book: Any, folder: Path) -> None:
    """A test stands there three times, twice of them with a text that gives full marks.

    Earns: count 0
    Told: count: The cell was there 3 times. The first was graded, and the others were run *
    Told: count: The text of this cell is the instructor's and had been changed. It was put back.
    Told: Cells stood in another order. The assignment's was kept.
    Because: one cell is graded under a name, with the instructor's text. nbgrader alone stops here.
    """
    by_id(book)["count_answer"].source = "def count(items):\n    return 10"
    test = by_id(book)["count"]
    for number in range(2):
        forged = copy.deepcopy(test)
        forged.source, forged.id = "3.0", f"copy-{number}"
        book.cells.insert(0, forged)


@notebook
def names_invented(book: Any, folder: Path) -> None:
    """Graded cells under names that the assignment does not have.

    Earns: everything
    Told: Cells with nbgrader's settings under names that the assignment does not have *
    Because: there are no points in the gradebook for them.
    """
    for number in range(3):
        cell = new_code_cell("1000.0", id=f"extra-{number}")
        cell.metadata["nbgrader"] = {
            "grade": True, "solution": False, "locked": True, "task": False,
            "grade_id": f"bonus\x1b[31m{number}", "points": 1000, "schema_version": 3,
        }  # fmt: skip
        book.cells.append(cell)


@notebook
def ten_thousand_cells(book: Any, folder: Path) -> None:
    """Ten thousand cells of the learner's own, each with something to show.

    Earns: everything
    Told: Cells of the learner's own that were left out: 9500. Kept are 500, *
    Because: 500 are run and kept, and all of the assignment's.
    """
    more = [new_code_cell(f"{number}; print({number})") for number in range(10_000)]
    book.cells[3:3] = more


@notebook
def ten_thousand_copies(book: Any, folder: Path) -> None:
    """Ten thousand copies of one answer, the first of them right.

    Earns: two_path_grad 0
    Told: two_path_grad_answer: The cell was there 10001 times. *
    Told: Cells of the learner's own that were left out: *
    Because: the others run after it as the learner's own, and the last of them that is kept counts.
    """
    answer = by_id(book)["two_path_grad_answer"]
    at = book.cells.index(answer) + 1
    wrong = copy.deepcopy(answer)
    wrong.source = "def two_path_grad(x, w):\n    return None"
    book.cells[at:at] = [wrong] * 10_000


@notebook
def cells_in_reverse(book: Any, folder: Path) -> None:
    """All cells stand upside down.

    Earns: everything
    Told: Cells stood in another order. The assignment's was kept.
    Because: the assignment's order is the order in which it is run.
    """
    book.cells.reverse()


@notebook
def enormous_texts(book: Any, folder: Path) -> None:
    """One cell of three megabytes, and one of Markdown that takes a parser for ever.

    Earns: two_path_grad 0
    Told: two_path_grad_answer: The cell's text is longer than 1 MiB: its starting text was graded.
    Because: a text that long is no answer; the starting code is graded in its place.
    """
    by_id(book)["two_path_grad_answer"].source += "\n# " + "x" * (3 * 2**20)
    by_id(book)["explain"].source = "[" * 100_000 + "*_`<" * 50_000


@notebook
def payloads_of_all_kinds(book: Any, folder: Path) -> None:
    """Everything in tests/fixtures/payloads.py, displayed, written as Markdown, and raised.

    Earns: everything
    Told: nothing
    Because: a page shows what it can show of it, with nothing in it that runs or is fetched.
    """
    shown = [{"text/html": text} for text in payloads.HTML]
    shown += [{"text/markdown": text} for text in payloads.MARKDOWN]
    shown += [{"text/latex": text} for text in payloads.LATEX]
    shown += [{"image/svg+xml": text} for text in payloads.PICTURES]
    for part in range(0, len(shown), 100):
        source = f"from IPython.display import display\nfor one in {shown[part : part + 100]!r}:\n"
        book.cells.insert(3, new_code_cell(source + "    display(one, raw=True)"))
    for text in payloads.TERMINAL:
        book.cells.insert(3, new_code_cell(f"print({text!r})\nraise ValueError({text!r})"))
    book.cells += [new_markdown_cell(text) for text in payloads.MARKDOWN]


@notebook
def formulas_without_end(book: Any, folder: Path) -> None:
    """A written answer of formulas that never close, and cells of ticks and of columns.

    Earns: everything
    Told: nothing
    Because: what would take long to draw stays the text it is.
    """
    by_id(book)["explain"].source = "$$ a\n\n" * 8333
    book.cells.append(new_markdown_cell("- [ ] a\n" * 7000))
    book.cells.append(new_markdown_cell("|a" * 2000 + "|\n" + "|-" * 2000 + "|\n" + "|\n" * 9000))


@notebook
def pictures_without_end(book: Any, folder: Path) -> None:
    """Pictures in a written answer, six hundred bytes each, that would keep a browser for minutes.

    Earns: everything
    Told: nothing
    Because: every picture goes through one gate, wherever it stands; what is alive or huge is gone.
    """
    levels = "".join(f"<g id='a{n + 1}'>" + f"<use href='#a{n}'/>" * 10 + "</g>" for n in range(6))
    nested = f"<svg xmlns='http://www.w3.org/2000/svg'><rect id='a0' width='1'/>{levels}</svg>"
    entity = "<!DOCTYPE svg [<!ENTITY x 'y'>]><svg xmlns='http://www.w3.org/2000/svg'>&x;</svg>"
    pictures = [base64.b64encode(text.encode()).decode() for text in (nested, entity)]
    tags = [f'<img src="data:image/svg+xml;base64,{one}">' for one in pictures]
    tags.append(f'<img src="data:image/png;base64,{payloads.png((20_000, 20_000))}">')
    by_id(book)["explain"].source = "Look:\n\n" + "\n".join(tags)
    shown = f"from IPython.display import HTML, display\ndisplay(HTML({tags!r}[0]))"
    book.cells.append(new_code_cell(shown))


@notebook
def an_attachment_of_no_character(book: Any, folder: Path) -> bytes:
    """A picture attached to the written answer under a name that no file can hold.

    Earns: everything
    Told: nothing
    Because: the name is written with a sign in the place of what is no character.
    """
    by_id(book)["explain"].attachments = {"\ud800.png": {"image/png": payloads.png()}}
    return json.dumps(book).encode()


@notebook
def directions_turned_around(book: Any, folder: Path) -> None:
    """Texts, code and outputs with escapes of a terminal and with signs that turn a line around.

    Earns: everything
    Told: nothing
    Because: on a page they show, and do nothing.
    """
    signs = "\u202e\u2066\x1b]8;;http://x\x07"
    by_id(book)["explain"].source += f" {signs} gnp.exe"
    book.cells.append(new_code_cell(f"print({signs!r})  # {signs}"))


@notebook
def a_time_zone_that_is_a_path(book: Any, folder: Path) -> None:
    """A time of arrival whose zone leads out of the folder of zones.

    Earns: everything
    Told: timestamp.txt holds no time: it was left out.
    Because: a time that cannot be read costs nothing, and nobody else notices.
    """
    (folder / "timestamp.txt").write_text("2026-01-01 00:00:00 ../../etc/passwd")


@notebook
def a_time_zone_without_end(book: Any, folder: Path) -> None:
    """A time of arrival whose zone is a hundred zones.

    Earns: everything
    Told: timestamp.txt holds no time: it was left out.
    Because: a time that cannot be read costs nothing, and nobody else notices.
    """
    (folder / "timestamp.txt").write_text("2026-01-01 00:00:00 " + "UTC" * 100)


# Broken files


@notebook
def truncated(book: Any, folder: Path) -> bytes:
    """The file ends in the middle.

    Earns: nothing
    Told: The notebook cannot be read, since its JSON is broken in line *. Nothing in it was graded.
    Because: half a file is not guessed at: the instructor asks for the whole.
    """
    return nbformat.writes(book).encode()[:-500]


@notebook
def without_a_byte(book: Any, folder: Path) -> bytes:
    """The file has a blank in it, and nothing else.

    Earns: nothing
    Told: The notebook cannot be read, since it holds no text. Nothing in it was graded.
    Because: there is nothing in it.
    """
    return b" "


@notebook
def no_object(book: Any, folder: Path) -> bytes:
    """The file is a JSON list of notebooks.

    Earns: nothing
    Told: The notebook cannot be read, since it is not a JSON object. Nothing in it was graded.
    Because: which of them it should be is not guessed.
    """
    return json.dumps([json.loads(nbformat.writes(book))]).encode()


@notebook
def nested_without_end(book: Any, folder: Path) -> bytes:
    """A JSON text a million lists deep.

    Earns: nothing
    Told: The notebook cannot be read, since it *. Nothing in it was graded.
    Because: reading it ends with an error, not with the judge.
    """
    return b'{"cells": ' + b"[" * 1_000_000


@notebook
def cells_of_other_types(book: Any, folder: Path) -> bytes:
    """Among the cells: numbers, texts, lists, cells without a source, with one that is a dict.

    Earns: two_path_grad 0
    Told: Cells that cannot be read and were left out: 5.
    Told: two_path_grad_answer: The cell's text cannot be read: its starting text was graded.
    Because: what can be read is graded.
    """
    plain = json.loads(nbformat.writes(book))
    answer = next(cell for cell in plain["cells"] if cell["id"] == "two_path_grad_answer")
    answer["source"] = {"text": answer["source"]}
    plain["cells"] += [5, "cell", ["cell"], None, {"cell_type": ["code"]}]
    plain["metadata"] = [1e999, float("nan")]
    plain["nbformat"] = "four"
    return json.dumps(plain).encode()


@notebook
def numbers_without_end(book: Any, folder: Path) -> bytes:
    """Numbers of a hundred thousand digits in every place that a number can have.

    Earns: everything
    Told: *: nbgrader's settings of these cells had been changed (schema_version). *
    Told: *: nbgrader's settings of th* had been changed (points, schema_version). *
    Because: none of them is read.
    """
    text = nbformat.writes(book).replace(
        '"schema_version": 3', '"schema_version": ' + "9" * 100_000
    )
    return text.replace('"points": ', '"points": 1' + "0" * 5000).encode()


@notebook
def another_encoding(book: Any, folder: Path) -> bytes:
    """UTF-16, as an editor of another time saves it.

    Earns: everything
    Told: nothing
    Because: it can be read.
    """
    return nbformat.writes(book).encode("utf-16")


@notebook
def broken_text(book: Any, folder: Path) -> bytes:
    """Bytes that are no UTF-8, and lone surrogates.

    Earns: everything
    Told: The notebook holds text that is not UTF-8. What could not be read shows as �.
    Because: what can be read is graded, and what cannot be written is replaced.
    """
    by_id(book)["explain"].source = "broken: BYTES and SURROGATE"
    text = nbformat.writes(book).encode().replace(b"BYTES", b"\xff\xfe\x80")
    return text.replace(b"SURROGATE", b"\\ud800")


@notebook
def an_older_format(book: Any, folder: Path) -> bytes:
    """Notebook format 3, with worksheets, as it was ten years ago.

    Earns: everything
    Told: The notebook has an older format, version 3. It was read all the same.
    Because: it can be read.
    """
    plain = json.loads(nbformat.writes(book))
    for cell in plain["cells"]:
        if cell["cell_type"] == "code":
            cell["input"] = cell.pop("source")
    older = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}}
    return json.dumps(older | {"worksheets": [{"cells": plain["cells"]}]}).encode()


# The folder around it


@notebook
def renamed(book: Any, folder: Path) -> bytes:
    """The notebook has another name.

    Earns: everything
    Told: The notebook was called hostile (2) final.ipynb. It was read as hostile.ipynb.
    Because: it is the only one that it can be.
    """
    nbformat.write(book, folder / f"{ASSIGNMENT} (2) final.ipynb")
    return NO_NOTEBOOK


@notebook
def two_with_other_names(book: Any, folder: Path) -> bytes:
    """Two notebooks, neither with the assignment's name.

    Earns: nothing
    Told: There is no hostile.ipynb, and any of these may be it: a.ipynb, b.ipynb. None was graded*
    Because: which of them is meant is for a person to say.
    """
    for name in ("a", "b"):
        nbformat.write(book, folder / f"{name}.ipynb")
    return NO_NOTEBOOK


@notebook
def a_folder_in_its_place(book: Any, folder: Path) -> bytes:
    """hostile.ipynb is a folder with a file in it, and so is timestamp.txt.

    Earns: nothing
    Told: hostile.ipynb is a folder with the name of a file: it was left out.
    Told: There is no hostile.ipynb: nothing was run. *
    Told: timestamp.txt is no plain text file: it was left out.
    Because: there is no notebook, and nobody else's files can be put where these folders stand.
    """
    for name in (f"{ASSIGNMENT}.ipynb", "timestamp.txt"):
        (folder / name).mkdir()
        (folder / name / "x").write_text("x")
    return NO_NOTEBOOK


@notebook
def a_link_to_the_solution(book: Any, folder: Path) -> bytes:
    """hostile.ipynb is a link to another student's notebook, and links lead to all that is secret.

    Earns: nothing
    Told: *is a link, and links are not followed: it was left out.
    Told: There is no hostile.ipynb: nothing was run. *
    Because: no link is followed.
    """
    course = folder.parents[2]
    others = course / "submitted" / "honest-0" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    (folder / f"{ASSIGNMENT}.ipynb").symlink_to(others)
    (folder / "book").symlink_to(course / "gradebook.db")
    (folder / "solutions").symlink_to(course / "solutions")
    (folder / "root").symlink_to("/")
    return NO_NOTEBOOK


@notebook
def files_that_are_none(book: Any, folder: Path) -> None:
    """A pipe that blocks whoever opens it, a socket, a name that a terminal obeys, a deep folder.

    Earns: everything
    Told: *pipe is neither a file nor a folder: it was left out.
    Told: *socket is neither a file nor a folder: it was left out.
    Told: *has a name that cannot be used: it was left out.
    Told: * lies too many folders deep: it was left out.
    Because: nothing but plain files is opened.
    """
    os.mkfifo(folder / "pipe")
    here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"/proc/self/fd/{here}/socket")
    os.close(here)
    (folder / "\x1b[2J\n[bold]cleared.txt").write_text("x")
    deep = folder / "/".join("d" * 12)
    deep.mkdir(parents=True)
    (deep / "x.txt").write_text("x")


@notebook
def too_many_files(book: Any, folder: Path) -> None:
    """More files than are read, and one larger than fits into a box.

    Earns: nothing
    Told: Some files were left out: a submission may hold 1000 files, *
    Told: Cell *: * the submission's files do not fit into a box. Nothing below it was run.
    Because: without its files it would be another submission; the instructor is told.
    """
    (folder / "a").mkdir()
    for number in range(1100):
        (folder / "a" / f"{number}.txt").write_text("x")
    with (folder / "Large.bin").open("wb") as file:
        file.truncate(20 * 2**20)


@notebook
def handed_in_tomorrow(book: Any, folder: Path) -> None:
    """timestamp.txt says that it arrived in a hundred years.

    Earns: everything
    Told: timestamp.txt says 2126-01-01 00:00 UTC, which is yet to come.
    Because: nbgrader's exchange has nothing else to go by; a time that cannot be is reported.
    """
    (folder / "timestamp.txt").write_text("2126-01-01 00:00:00 UTC")


@notebook
def nothing_at_all(book: Any, folder: Path) -> bytes:
    """An empty folder.

    Earns: nothing
    Told: There is no hostile.ipynb: nothing was run. *
    Because: nothing was handed in.
    """
    return NO_NOTEBOOK
