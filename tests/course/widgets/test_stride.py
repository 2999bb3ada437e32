"""Chapter 9's picture shows where the entries of real tensors lie, and leaves x as it was."""

from itertools import pairwise
from xml.etree import ElementTree

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course.widgets import explore_strides
from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player
from course.widgets.frame.svg import text_width
from course.widgets.stride.picture import StridePicture
from course.widgets.stride.reader import look

SVG = "{http://www.w3.org/2000/svg}"

VIEWS = (
    "x", "x.T", "x[1]", "x[1:, ::2]", "x[2, 3]", "x[:, None]", "x.view(2, 6)", "x.reshape(-1)",
    "x[1].expand(2, 4)", "x.unflatten(1, (2, 2)).permute(1, 0, 2)", "x.mT",
)  # fmt: skip
COPIES = ("x.T.reshape(12)", "x[[2, 0]]", "x[x > 5]", "x.flip(0)", "x.T.contiguous()", "x.clone()")
every_tensor = pytest.mark.parametrize("made", VIEWS + COPIES)


def table():
    return torch.tensor([[10.0, 11, 12, 13], [20, 21, 22, 23], [30, 31, 32, 33]])


# What it shows is what torch does.


@every_tensor
def test_entries_shape_strides_and_offset_are_those_of_the_tensor(made):
    looked = look(table(), made)
    leaf = torch.arange(12.0).reshape(3, 4).requires_grad_()
    wanted = eval(made, {"x": leaf})
    assert (looked.shape, looked.strides) == (wanted.shape, wanted.stride())
    assert looked.offset == wanted.storage_offset()
    numbers = table().flatten()[wanted.detach().long().flatten()]
    assert list(looked.entries) == numbers.tolist()


@every_tensor
def test_a_tensor_is_called_a_copy_exactly_where_it_has_a_storage_of_its_own(made):
    assert look(table(), made).is_copy == (made in COPIES)


@every_tensor
def test_each_entry_lies_in_the_cell_that_is_lit(made):
    looked = look(table(), made)
    storage = looked.own if looked.is_copy else looked.memory
    assert [storage[cell] for cell in looked.cells] == list(looked.entries)
    assert [looked.memory[cell] for cell in looked.sources] == list(looked.entries)


@every_tensor
def test_the_gradient_of_a_cell_counts_the_entries_that_come_from_it(made):
    looked = look(table(), made)
    assert list(looked.gradient) == [looked.sources.count(cell) for cell in range(12)]


@given(st.permutations(range(3)), st.integers(0, 1), st.integers(1, 2))
@settings(deadline=None, max_examples=20)
def test_any_order_of_axes_and_any_slice_can_be_looked_at(order, start, step):
    x = torch.arange(12.0).reshape(2, 3, 2) * 10
    looked = look(x, f"x.permute({order[0]}, {order[1]}, {order[2]})[{start}:, ::{step}]")
    wanted = x.permute(*order)[start:, ::step]
    assert list(looked.entries) == wanted.flatten().tolist()
    assert not looked.is_copy


def test_x_is_left_as_it_was():
    x = table().requires_grad_()
    explore_strides(x, "x.T", "x.requires_grad_()")
    assert x.grad is None
    assert torch.equal(x, table())
    assert x._version == 0


# The steps, the drawing, and what is not drawn.


def test_the_steps_of_a_view_are_told_in_words():
    told = [step.sentence for step in explore_strides(table(), "x.T").steps()[0][1]]
    assert len(told) == 12 + 2
    assert told[0] == (
        "Step 0 of 13: x.T has shape (4, 3), offset 0 and strides (1, 4). It looks at the storage "
        "of x: no number was moved."
    )
    assert told[6] == ("Step 6 of 13: entry [1, 2] lies in cell 0 + 1·1 + 2·4 = 9, which holds 31.")
    assert told[13].startswith("Step 13 of 13: a gradient of 1 arrives at each entry of x.T, and")
    assert "every cell of x gets 1" in told[13]


def test_the_steps_of_a_copy_and_of_a_stretched_row_are_told_in_words():
    copy, row, two = (
        [step.sentence for step in steps]
        for _, steps in explore_strides(
            table(), "x[[2, 0]]", "x[1].expand(3, 4)", "x[0, :1].expand(2)"
        ).steps()
    )
    assert "It has a storage of its own: the numbers were copied." in copy[0]
    assert copy[2].endswith("= 1 of its own storage. It is 31, copied from cell 9.")
    assert row[7].endswith("which holds 22. 2 more look at this cell.")
    assert "the cells of x get from 0 to 3" in row[-1]
    assert two[1].endswith("1 more looks at this cell.")


def drawn(picture, step):
    return ElementTree.fromstring(picture.picture(0, step).live())


def test_the_cell_and_the_entry_of_a_step_are_lit_by_border_and_bold_numbers():
    picture = StridePicture([look(table(), "x.T")])
    shapes = [
        (shape.get("class"), text.get("class"), text.text)
        for shape, text in pairwise(drawn(picture, 6))
        if shape.tag == f"{SVG}rect"
    ]
    lit = [(shape.split()[1], text) for shape, bold, text in shapes if bold == "strong"]
    assert lit == [("storage", "31"), ("tensor", "31")]
    assert all("read" in shape for shape, bold, _ in shapes if bold == "strong")
    assert sum("later" in shape for shape, _, _ in shapes) == 6


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e5])
@every_tensor
def test_every_text_fits_into_its_shape_and_into_the_picture(made, scale):
    picture = StridePicture([look(table() * scale, made)])
    for step in range(picture.last_step(0) + 1):
        tree = drawn(picture, step)
        for shape, text in pairwise(tree):
            if shape.tag == f"{SVG}rect" and text.tag == f"{SVG}text":
                assert text_width(text.text) <= float(shape.get("width")), text.text
        for text in tree.iter(f"{SVG}text"):
            if text.get("text-anchor") == "start":
                room = float(tree.get("width")) - float(text.get("x"))
                assert text_width(text.text) <= room, text.text


def test_what_cannot_be_shown_is_explained():
    assert "This tensor has 20" in explore_strides(torch.ones(4, 5), "x").message
    assert isinstance(explore_strides(table()), Notice)
    assert "has 60" in explore_strides(table(), "x.expand(5, 3, 4)").message
    for computed in ("x + 0.5", "x * 0", "x.clamp(max=5)", "x + 1"):
        with pytest.raises(ValueError, match="computes new numbers"):
            explore_strides(table(), computed)
    with pytest.raises(ValueError, match="makes no tensor"):
        explore_strides(table(), "x.shape")
    with pytest.raises(RuntimeError, match="view size is not compatible"):
        explore_strides(table(), "x.T.view(12)")


def test_a_page_without_a_kernel_shows_a_step(monkeypatch):
    monkeypatch.setenv("AUTOGRAD_COURSE_STATIC", "1")
    player = explore_strides(table(), "x.T", "x")
    assert isinstance(player, Player)
    bundle = player._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/svg+xml"}
    assert bundle["text/plain"].startswith("Step 2 of 13: entry [0, 1] lies in cell 0 + 0·1 + 1·4")
