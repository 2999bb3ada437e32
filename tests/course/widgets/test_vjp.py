"""Chapter 8's picture shows a vector-Jacobian product, measured without the function's backward."""

from xml.etree import ElementTree

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course.widgets import explore_vjp
from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player
from course.widgets.frame.svg import text_width
from course.widgets.vjp.picture import VjpPicture
from course.widgets.vjp.reader import measure

SVG = "{http://www.w3.org/2000/svg}"
X = torch.tensor([1.0, -0.5, 2.0], dtype=torch.float64)
W = torch.tensor([[1.0, 2.0, 3.0], [-1.0, 0.0, 2.0]], dtype=torch.float64)
FUNCTIONS = {
    "exp": torch.exp,
    "softmax": lambda x: x.softmax(0),
    "cumsum": lambda x: x.cumsum(0),
    "two_outputs": lambda x: W @ x,
}


class Halved(torch.autograd.Function):
    """exp whose backward is wrong in its first entry."""

    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, arriving):
        (y,) = ctx.saved_tensors
        return arriving * y * torch.tensor([0.5, 1.0, 1.0], dtype=y.dtype)


@pytest.fixture(scope="module")
def picture():
    return explore_vjp(X, **FUNCTIONS, wrong=Halved.apply)._stepped


def sentences(picture, choice):
    return [picture.picture(choice, i).sentence for i in range(picture.last_step(choice) + 1)]


# What it says is what torch does.


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(sorted(FUNCTIONS)),
    st.lists(st.floats(-2, 2), min_size=3, max_size=3),
    st.lists(st.floats(-3, 3), min_size=3, max_size=3),
)
def test_the_product_is_what_torch_sends_back(name, x, v):
    function = FUNCTIONS[name]
    x, v = torch.tensor(x, dtype=torch.float64), torch.tensor(v, dtype=torch.float64)
    v = v[: len(function(x))]
    found = measure(name, function, x, v)
    exact = torch.func.jacrev(function)(x)
    torch.testing.assert_close(
        torch.tensor(found.jacobian, dtype=torch.float64), exact, atol=1e-6, rtol=1e-6
    )
    torch.testing.assert_close(
        torch.tensor(found.product, dtype=torch.float64), v @ exact, atol=1e-6, rtol=1e-6
    )
    assert found.differing == []


def test_a_wrong_backward_is_found_and_told_by_its_entries(picture):
    told = sentences(picture, picture.choices.index("wrong"))[-1]
    assert told.startswith("Step 6 of 6: backward returned [1.36, ")
    assert told.endswith("they differ for x[0].")
    assert picture.picture(picture.choices.index("wrong"), 6).live().count("≠") == 1
    assert picture.picture(0, 6).live().count("≠") == 0


def test_at_a_corner_a_convention_differs_and_is_not_called_wrong():
    found = measure("relu", torch.relu, torch.tensor([0.0, 1.0]), torch.ones(2))
    assert (found.returned, found.differing) == ((0.0, 1.0), [0])
    told = VjpPicture([found]).picture(0, 5).sentence
    assert told.endswith("v times the Jacobian is [0.5, 1]: they differ for x[0].")


def test_a_backward_that_brings_nothing_is_told():
    found = measure("cut", lambda x: x.detach().exp(), X, torch.ones(3))
    assert found.returned is None
    assert found.differing == [0, 1, 2]
    cut = VjpPicture([found])
    assert "no gradient came back to x" in cut.picture(0, 6).sentence
    assert "None" in cut.picture(0, 6).static()


def test_the_sentences_tell_a_product_number_by_number():
    picture = explore_vjp(X, two_outputs=FUNCTIONS["two_outputs"])._stepped
    assert sentences(picture, 0) == [
        "Step 0 of 6: two_outputs takes x = [1, -0.5, 2] and gives y = [6, 3]. Its node is "
        "MvBackward0.",
        "Step 1 of 6: the Jacobian has a row for each of the 2 outputs and a column for each of "
        "the 3 inputs, measured by moving one input at a time. 1 of its 6 entries is 0.",
        "Step 2 of 6: a backward pass brings v = [1, -2], one number for each output: the "
        "gradient of the loss with respect to y.",
        "Step 3 of 6: x[0] gets the sum over all outputs, v times column 0: 1 × 1 + -2 × -1 = 3.",
        "Step 4 of 6: x[1] gets the sum over all outputs, v times column 1: 1 × 2 + -2 × 0 = 2.",
        "Step 5 of 6: x[2] gets the sum over all outputs, v times column 2: 1 × 3 + -2 × 2 = -1.",
        "Step 6 of 6: backward returned [3, 2, -1]. It is v times the Jacobian, in 3 numbers, "
        "where the Jacobian has 6.",
    ]


# It can be stepped and read.


def test_every_step_is_drawn_well_formed_with_its_text_inside(picture):
    for choice in range(len(picture.choices)):
        for step in range(picture.last_step(choice) + 1):
            drawn = picture.picture(choice, step)
            root = ElementTree.fromstring(drawn.static())
            width = float(root.get("width"))
            for one in root.iter(f"{SVG}text"):
                room = text_width(one.text, 12)
                x = float(one.get("x"))
                anchor = one.get("text-anchor")
                left = {"start": x, "middle": x - room / 2, "end": x - room}[anchor]
                assert left >= 0, one.text
                assert left + room <= width + 1, one.text
            assert drawn.sentence.startswith(f"Step {step} of {picture.last_step(choice)}: ")
            assert drawn.sentence in root.get("aria-label")


def test_each_step_shows_one_part_more(picture):
    rows = [picture.picture(1, step).live().count("<rect") for step in range(7)]
    assert rows == [6, 15, 18, 20, 21, 22, 24]


@pytest.mark.parametrize("x", [torch.ones(6), torch.ones(2, 2), torch.ones(0), torch.arange(3)])
def test_what_is_too_large_or_no_number_gets_a_notice(x):
    assert isinstance(explore_vjp(x, exp=torch.exp), Notice)


def test_a_picture_without_a_function_or_with_many_outputs_gets_a_notice():
    assert isinstance(explore_vjp(X), Notice)
    assert "shape (9,)" in explore_vjp(X, outer=lambda x: x.outer(x).flatten()).message
    assert "shape (3, 3)" in explore_vjp(X, outer=lambda x: x.outer(x)).message


def test_a_v_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"shape \(2,\) for an x of shape \(3,\)"):
        explore_vjp(X, v=torch.ones(2), exp=torch.exp)


def test_a_learner_can_give_a_function_and_what_arrives():
    player = explore_vjp(X, v=torch.tensor([0.0, 1.0, 0.0]), mine=Halved.apply)
    assert isinstance(player, Player)
    player.step = player.last_step
    assert "backward returned [0, 0.607, 0]" in player.sentence
    assert "text/html" in player._repr_mimebundle_()
