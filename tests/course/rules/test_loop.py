"""Chapter 6's rules, as the lesson shows them, hold in torch over drawn programs."""

import itertools
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from grader import check
from grader.engine.catalogue import tasks
from grader.keys.loop.right_answers import LINES, is_valid
from tests.fixtures.lesson_texts import LESSONS, headings, rule

PART_ONE, PART_TWO = "06-optimizer-loop", "06-optimizer-loop-2"
few = settings(max_examples=60, deadline=None)
numbers = st.floats(-4, 4, width=32).filter(lambda x: abs(x) > 0.01)
rates = st.floats(0.01, 1.0)
shares = st.sampled_from([0.0, 0.3, 0.9])
shapes = st.sampled_from([(), (1,), (3,), (2, 3)])


def tensor(values, shape):
    """A float64 tensor of a shape, from as many of the values as it has entries."""
    count = torch.Size(shape).numel()
    return torch.tensor(values[:count], dtype=torch.float64).reshape(shape)


six = st.lists(numbers, min_size=6, max_size=6)


def looped(lines, rounds=3):
    """Three rounds of the lines on a net whose backward pass reads the weights it went through.

    Returns the parameters at the end and the learning rate; None where torch refuses.
    """
    generator = torch.Generator().manual_seed(3)
    w, u = (
        torch.randn(3, 3, generator=generator, dtype=torch.float64).requires_grad_() for _ in "wu"
    )
    x = torch.randn(rounds, 5, 3, generator=generator, dtype=torch.float64)
    opt = torch.optim.SGD([w, u], lr=0.5, momentum=0.5)
    sched = torch.optim.lr_scheduler.ExponentialLR(opt, gamma=0.5)
    loss = None
    do = {
        "clear": opt.zero_grad,
        "clip": lambda: torch.nn.utils.clip_grad_norm_([w, u], 0.1),
        "step": opt.step,
        "schedule": sched.step,
    }
    try:
        for i in range(rounds):
            for line in lines:
                if line == "forward":
                    loss = ((x[i] @ w).tanh() @ u).square().mean()
                elif line == "backward":
                    loss.backward()
                else:
                    do[line]()
    except (AttributeError, RuntimeError):
        return None
    return torch.cat([w.detach(), u.detach()]), opt.param_groups[0]["lr"]


def same(one, other):
    """Whether two ends of a loop agree."""
    return one is not None and torch.allclose(one[0], other[0]) and one[1] == other[1]


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler.step")
@pytest.mark.parametrize("more", [("clip", "schedule"), ("clip",), ("schedule",), ()])
def test_a_loop_trains_right_exactly_where_the_rule_says_so_in_every_order_of_its_lines(more):
    trains_right = rule(PART_ONE, "trains_right")
    chain = [
        line
        for line in ("clear", "forward", "backward", "clip", "step", "schedule")
        if line in more or line not in ("clip", "schedule")
    ]
    usual = looped(chain)
    for lines in itertools.permutations(chain):
        assert trains_right(lines) == same(looped(lines), usual), lines


def test_the_rule_on_the_order_accepts_the_orders_that_the_exercise_accepts():
    trains_right = rule(PART_ONE, "trains_right")
    for order in itertools.permutations(LINES):
        after_forward = order.index("log") > order.index("forward")
        lines = [line for line in order if line != "log"]
        assert is_valid(order) == (trains_right(lines) and after_forward)


@few
@given(
    shape=shapes, start=six, data=st.data(), steps=st.integers(1, 4), mus=st.sampled_from(
        [(0.0,), (0.3, 0.9)]
    ), how=st.sampled_from([{}, {"foreach": True}, {"fused": True}]),
)  # fmt: skip
def test_sgd_of_the_lesson_is_sgd_of_torch(shape, start, data, steps, mus, how):
    """With settings that change from step to step; momentum is 0 at every step or at none."""
    sgd = rule(PART_ONE, "sgd")
    p = tensor(start, shape).requires_grad_()
    opt = torch.optim.SGD([p], **how)
    mine, buffer = tensor(start, shape), None
    for _ in range(steps):
        gradient = data.draw(six)
        lr, mu, wd = data.draw(rates), data.draw(st.sampled_from(mus)), data.draw(shares)
        opt.param_groups[0].update(lr=lr, momentum=mu, weight_decay=wd)
        p.grad = tensor(gradient, shape)
        opt.step()
        mine, buffer = sgd(mine, tensor(gradient, shape), buffer, lr, mu, wd)
    torch.testing.assert_close(p.detach(), mine)


@few
@given(
    shape=shapes, start=six, gradients=st.lists(six, min_size=1, max_size=4), size=st.sampled_from(
        [1.0, 1e-4, 1e-8, 0.0]
    ), lr=rates, betas=st.tuples(shares, st.sampled_from([0.5, 0.999])),
    eps=st.sampled_from([1e-8, 1e-2]), wd=shares, decoupled=st.booleans(),
    how=st.sampled_from([{}, {"foreach": True}, {"fused": True}]),
)  # fmt: skip
def test_adam_of_the_lesson_is_adam_and_adamw_of_torch(
    shape, start, gradients, size, lr, betas, eps, wd, decoupled, how
):
    adam = rule(PART_ONE, "adam")
    kind = torch.optim.AdamW if decoupled else torch.optim.Adam
    p = tensor(start, shape).requires_grad_()
    opt = kind([p], lr=lr, betas=betas, eps=eps, weight_decay=wd, **how)
    mine, m, v = tensor(start, shape), 0.0, 0.0
    for t, gradient in enumerate(gradients, start=1):
        g = size * tensor(gradient, shape)
        p.grad = g.clone()
        opt.step()
        mine, m, v = adam(mine, g, m, v, t, lr, *betas, eps, wd, decoupled)
    torch.testing.assert_close(p.detach(), mine, rtol=1e-9, atol=1e-12)


def test_adam_of_torch_decays_as_adamw_does_if_it_is_told_to():
    adam = rule(PART_ONE, "adam")
    p = torch.tensor([10.0], dtype=torch.float64, requires_grad=True)
    opt = torch.optim.Adam([p], lr=0.1, weight_decay=0.5, decoupled_weight_decay=True)
    p.grad = torch.full_like(p, 2.0)
    opt.step()
    mine, _, _ = adam(10.0, 2.0, 0.0, 0.0, 1, lr=0.1, wd=0.5, decoupled=True)
    assert p.item() == pytest.approx(mine)


# By optimizer: how it is made, whether it decays by itself, and whether it keeps a running mean.
MEANS = {
    "SGD": False, "SGD with momentum": True, "SGD with momentum, nesterov": True,
    "Adam": True, "Adam with amsgrad": True, "AdamW": True, "Adamax": True,
    "NAdam": True, "RAdam": True, "RMSprop": False, "RMSprop with momentum": True,
    "RMSprop with centered": False, "Adam with betas": False, "NAdam with betas": False,
    "Adagrad": False, "Adadelta": False,
}  # fmt: skip


def made(name, parameters, decay):
    kind, _, options = name.partition(" with ")
    settings = {"momentum": 0.9, "betas": (0.0, 0.999)}
    more = {option: settings.get(option, True) for option in options.split(", ") if option}
    return getattr(torch.optim, kind)(parameters, lr=0.1, weight_decay=decay, **more)


@few
@given(
    name=st.sampled_from(sorted(MEANS)), decay=st.sampled_from([0.0, 0.1]), held=st.booleans(),
    grad=st.sampled_from(["None", "zeros", "numbers"]), steps=st.integers(0, 2), at=numbers,
)  # fmt: skip
def test_a_step_moves_the_parameters_that_the_rule_names(name, decay, held, grad, steps, at):
    moves = rule(PART_ONE, "moves")
    p = torch.tensor([at], dtype=torch.float64, requires_grad=True)
    other = torch.ones(1, dtype=torch.float64, requires_grad=True)
    opt = made(name, [p, other] if held else [other], decay)
    for _ in range(steps):
        p.grad = other.grad = torch.ones(1, dtype=torch.float64)
        opt.step()
    before = p.item()
    p.grad = {"None": None, "zeros": torch.zeros_like(p), "numbers": torch.ones_like(p)}[grad]
    other.grad = torch.ones_like(other)
    opt.step()
    history = MEANS[name] and steps > 0
    assert (p.item() != before) == bool(moves(held, grad, decay, history))


@few
@given(
    y=st.lists(st.sampled_from([0, 1, 2, -100]), min_size=1, max_size=9),
    weight=st.none() | st.lists(st.floats(0.5, 5.0, width=32), min_size=3, max_size=3),
    cuts=st.integers(1, 4), ignored=st.sampled_from([-100, 0, 2, 7]),
)  # fmt: skip
def test_pieces_weighed_by_the_divisor_give_the_gradient_of_the_whole(y, weight, cuts, ignored):
    divisor = rule(PART_TWO, "divisor")
    y = torch.tensor([ignored if one == -100 else one for one in y])
    how = {"ignore_index": ignored}
    how["weight"] = None if weight is None else torch.tensor(weight, dtype=torch.float64)
    total = divisor(y, **how)
    scores = torch.randn(len(y), 3, dtype=torch.float64, requires_grad=True)
    if not total:
        assert F.cross_entropy(scores, y, **how).isnan()
        return
    (whole,) = torch.autograd.grad(F.cross_entropy(scores, y, **how), scores)
    for part, of in zip(scores.split(cuts), y.split(cuts), strict=True):
        if divisor(of, **how) > 0:
            mean = F.cross_entropy(part, of, **how)
            (mean * (divisor(of, **how) / total)).backward()
    torch.testing.assert_close(scores.grad, whole)


def test_the_sections_that_hints_name_are_there():
    lessons = [text for text in LESSONS if text.stem in (PART_ONE, PART_TWO)]
    there = {heading.split()[0] for text in lessons for heading in headings(text)}
    named = [
        number
        for task in tasks().values()
        if task.chapter == PART_ONE
        for hint in task.hints
        for number in re.findall(r"section (\d+\.\d+)", hint)
    ]
    assert len(named) >= 10
    assert set(named) <= there


# Programmed as they stand, the rules pass the exercises.


@torch.no_grad()
def stepped(params, state, rule_of_one):
    """Each parameter that has a gradient, changed in place by the rule and what it remembers."""
    for i, p in enumerate(params):
        if p.grad is not None:
            new, state[i] = rule_of_one(p, p.grad, state.get(i))
            p.copy_(new)


def test_sgd_of_the_lesson_passes_its_exercise():
    sgd = rule(PART_ONE, "sgd")

    def my_sgd_step(params, state, lr, mu, wd):
        stepped(params, state, lambda p, g, buffer: sgd(p, g, buffer, lr, mu, wd))

    assert check("sgd_from_scratch", my_sgd_step).credit == 1


def test_adam_of_the_lesson_passes_its_exercise():
    adam = rule(PART_ONE, "adam")

    def my_adam_step(params, state, lr, b1, b2, eps, wd, decoupled):
        def one(p, g, memory):
            m, v, t = memory or (0.0, 0.0, 0)
            p, m, v = adam(p, g, m, v, t + 1, lr, b1, b2, eps, wd, decoupled)
            return p, (m, v, t + 1)

        stepped(params, state, one)

    assert check("adam_from_scratch", my_adam_step).credit == 1


def test_weights_by_the_divisor_of_the_lesson_pass_the_exercise_on_padding():
    divisor = rule(PART_TWO, "divisor")

    def accum_tokens(model, pieces):
        total, mean = sum(divisor(y) for _, y in pieces), 0.0
        model.zero_grad()
        for x, y in pieces:
            if divisor(y):
                loss = F.cross_entropy(model(x), y) * (divisor(y) / total)
                loss.backward()
                mean += loss.item()
        return mean

    assert check("accumulate_tokens", accum_tokens).credit == 1
