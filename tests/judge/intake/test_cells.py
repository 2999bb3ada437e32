"""A cell is a test, and its result a number, exactly where nbgrader takes it for one."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output, new_raw_cell
from nbgrader.utils import determine_grade

from grader.judge.intake.cells import is_test, number_of, result_of

GRADED = {"grade": True, "grade_id": "x", "points": 4.0, "locked": True, "solution": False}


def cell_of(make=new_code_cell, *outputs, **settings):
    cell = make("f()", metadata={"nbgrader": GRADED | {"schema_version": 3} | settings})
    if outputs:
        cell.outputs = list(outputs)
    return cell


def result(text):
    return new_output("execute_result", data={"text/plain": text})


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (cell_of(), True),
        (cell_of(grade=False), False),
        (cell_of(solution=True), False),  # an answer that a person grades
        (cell_of(task=True, grade=False), False),
        (cell_of(new_markdown_cell), False),
        (cell_of(new_raw_cell), False),
        (new_code_cell("f()"), False),
        (new_code_cell("f()", metadata={"nbgrader": {}}), False),
    ],
)
def test_a_test_is_code_that_earns_points_and_is_no_answer(cell, expected):
    assert is_test(cell) is expected


NUMBERS = st.one_of(
    st.floats().map(repr),
    st.integers().map(str),
    st.sampled_from(["", " 3.5\n", "1_0", "nan", "-inf", "1e999", "٣", "0x10", "3,5", "None"]),
    st.text(),
)


@given(NUMBERS)
def test_a_number_is_what_nbgrader_gives_points_for_by_its_size(text):
    if not text:
        assert number_of(text) is None
        return
    found = number_of(text)
    cell = cell_of(new_code_cell, result(text))
    if found is None or not found >= 0:
        assert determine_grade(cell)[0] == 4.0  # nbgrader's full marks for what is no score
    elif found > 4:
        with pytest.raises(ValueError, match="greater than maximum"):
            determine_grade(cell)
    else:
        assert determine_grade(cell)[0] == found


@pytest.mark.parametrize("value", [None, [], ["3"], {}, "three", b"\xff"])
def test_anything_else_is_no_number(value):
    assert number_of(value) is None


def test_the_result_of_a_cell_is_that_of_its_first_result_alone():
    printed = new_output("stream", name="stdout", text="1.0")
    shown = new_output("display_data", data={"text/plain": "2.0"})
    assert result_of(cell_of()) is None
    assert result_of(cell_of(new_code_cell, printed, shown)) is None
    assert result_of(cell_of(new_code_cell, printed, result("3.0"), result("4.0"))) == 3.0
    assert result_of(cell_of(new_code_cell, result("<Figure>"), result("4.0"))) is None
    assert result_of(cell_of(new_code_cell, new_output("execute_result", data={}))) is None
    assert math.isnan(result_of(cell_of(new_code_cell, result("nan"))))
