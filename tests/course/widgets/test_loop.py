"""Chapter 6's picture shows what a training loop does to a parameter on a real optimizer."""

from xml.etree import ElementTree

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from course.widgets import explore_loop
from course.widgets.frame.player import Player
from course.widgets.frame.svg import text_width
from course.widgets.loop.model import (
    BACKWARD,
    CLEAR,
    FORWARD,
    LOWEST,
    ORDERS,
    START,
    STEP,
    run,
    standard_runs,
    valley,
)
from course.widgets.loop.picture import MAP, LoopPicture

SVG = "{http://www.w3.org/2000/svg}"
CHOICES = range(len(standard_runs()))
RIGHT = (ORDERS[0], ORDERS[1])


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.4)


def trained(make, lines, rounds):
    """p, its .grad and the optimizer after some rounds of the lines, without the picture."""
    p = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    opt, loss = make([p]), None
    for _ in range(rounds):
        for line in lines:
            if line == FORWARD:
                loss = valley(p)
            elif line == BACKWARD:
                loss.backward()
            else:
                {CLEAR: opt.zero_grad, STEP: opt.step}[line]()
    return p, opt


def numbers(tensor):
    return None if tensor is None else pytest.approx(tuple(tensor.tolist()))


@pytest.fixture(scope="module")
def picture():
    return LoopPicture(standard_runs())


# What it says is what torch does.


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.name)
@pytest.mark.parametrize(
    "make",
    [
        sgd,
        lambda ps: torch.optim.SGD(ps, lr=0.1, momentum=0.8),
        lambda ps: torch.optim.Adam(ps, lr=0.6),
        lambda ps: torch.optim.AdamW(ps, lr=0.6, weight_decay=0.3),
        lambda ps: torch.optim.Adagrad(ps, lr=0.6),
    ],
    ids=["SGD", "momentum", "Adam", "AdamW", "Adagrad"],
)
def test_every_frame_is_what_a_plain_loop_leaves(order, make):
    frames = run("opt", order, make, rounds=3).frames
    for rounds in range(4):
        p, opt = trained(make, order.lines, rounds)
        frame = frames[rounds * len(order.lines)]
        assert frame.p == numbers(p)
        assert frame.grad == numbers(p.grad)
        kept = {name: t for name, t in opt.state.get(p, {}).items() if t is not None}
        assert set(frame.state) == set(kept)
        for name, value in kept.items():
            assert frame.state[name] == pytest.approx(value.tolist())


@settings(deadline=None, max_examples=30)
@given(st.permutations([CLEAR, FORWARD, BACKWARD, STEP]))
def test_an_order_trains_as_the_usual_one_does_if_its_lines_are_in_turn(lines):
    """Forward, backward, step in this turn, and zero_grad not between the last two."""
    at = {line: i for i, line in enumerate(lines)}
    assume(at[FORWARD] < at[BACKWARD])  # else there is no loss yet to start from
    is_right = at[BACKWARD] < at[STEP] and not at[BACKWARD] < at[CLEAR] < at[STEP]
    usual, _ = trained(sgd, ORDERS[0].lines, 3)
    other, _ = trained(sgd, lines, 3)
    assert torch.equal(usual, other) == is_right


def test_the_orders_called_right_are_right_and_the_others_are_not():
    ends = {order.name: run("opt", order, sgd).frames[-1].p for order in ORDERS}
    usual = ends[ORDERS[0].name]
    for order in ORDERS:
        assert (ends[order.name] == usual) == (order in RIGHT), order.name
        assert bool(order.verdict) == (order not in RIGHT)


def test_the_sentences_tell_the_first_round_of_the_usual_loop(picture):
    told = [picture.picture(0, step).sentence for step in range(6)]
    assert told[0] == (
        "Step 0 of 32: before the loop, p is (-1, 3), p.grad is None and the optimizer's state is "
        "empty."
    )
    assert told[1].endswith(
        "opt.zero_grad(): p.grad is None already. p and the optimizer's state stay."
    )
    assert "the loss at p = (-1, 3) is 16." in told[2]
    assert "writes the gradient (-4, 8) into p.grad, which was None." in told[3]
    assert "reads p.grad = (-4, 8) and moves p from (-1, 3) to (0.6, -0.2)." in told[4]
    assert "p.grad was (-4, 8) and is None now." in told[5]


def test_without_zero_grad_it_tells_the_sum(picture):
    choice = next(c for c in CHOICES if "no zero_grad" in picture.choices[c])
    assert (
        "adds the gradient (-2.4, -4.8) to p.grad, which held (-4, 8) and holds (-6.4, 3.2) now"
        in picture.picture(choice, 5).sentence
    )


def test_a_step_without_gradient_is_told(picture):
    choice = next(c for c in CHOICES if "between backward and step" in picture.choices[c])
    assert "p.grad is None, so the optimizer leaves p alone" in picture.picture(choice, 4).sentence


def test_the_map_is_that_of_the_loss():
    assert valley(torch.tensor(LOWEST)) == 0
    gradient = torch.func.grad(valley)(torch.tensor(START, dtype=torch.float64))
    assert gradient.tolist() == [-4, 8]


# It can be stepped, read and given another optimizer.


@pytest.mark.parametrize("choice", CHOICES)
def test_every_step_is_drawn_well_formed_with_its_text_inside(picture, choice):
    for step in range(picture.last_step(choice) + 1):
        drawn = picture.picture(choice, step)
        root = ElementTree.fromstring(drawn.static())
        width = float(root.get("width"))
        for one in root.iter(f"{SVG}text"):
            if "small" in one.get("class", "") or one.get("class") == "strong":
                continue  # on the map, whose window cuts what leaves it
            room = text_width(one.text, 12)
            x = float(one.get("x"))
            left = {"start": x, "middle": x - room / 2, "end": x - room}[one.get("text-anchor")]
            assert left >= 0
            assert left + room <= width + 1, one.text
        assert drawn.sentence.startswith(f"Step {step} of {picture.last_step(choice)}")
        assert drawn.sentence in root.get("aria-label")


def test_changes_are_said_in_words_as_well(picture):
    drawn = picture.picture(0, 4).live()
    assert drawn.count("changed") == drawn.count('class="shape halo"') == 1


def test_the_map_grows_until_the_whole_way_is_on_it():
    far = lambda ps: torch.optim.SGD(ps, lr=0.55)  # noqa: E731  (it overshoots, and runs away)
    picture = explore_loop(far, "SGD(lr=0.55)")._stepped
    last = picture.last_step(0)
    root = ElementTree.fromstring(picture.picture(0, last).live())
    window = next(one for one in root.iter(f"{SVG}svg") if one is not root)
    for dot in window.iter(f"{SVG}circle"):
        assert 0 <= float(dot.get("cx")) <= MAP[0]
        assert 0 <= float(dot.get("cy")) <= MAP[1]


def test_a_loop_that_runs_away_ends_early_and_is_drawn():
    picture = explore_loop(lambda ps: torch.optim.SGD(ps, lr=50.0), "SGD(lr=50)")._stepped
    assert 0 < picture.last_step(0) < 32
    assert "nan" not in picture.picture(0, picture.last_step(0)).live()


def test_a_learner_can_give_an_optimizer():
    player = explore_loop(lambda ps: torch.optim.RMSprop(ps, lr=0.1), "RMSprop(lr=0.1)")
    assert isinstance(player, Player)
    assert [name for name, _ in player.what.options] == [
        f"RMSprop(lr=0.1), {order.name}" for order in ORDERS
    ]
    player.step = 4
    assert "square_avg" in player.sentence
    player.what.value = 2
    assert player.last_step == 24
    player.restart()
    assert player.step == 0
