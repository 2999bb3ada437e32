"""The programs that lesson 10 shows as its rules, run against torch on modules that are drawn."""

import collections
import datetime
import io
import pickle
import warnings
from pathlib import Path

import numpy
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tests.fixtures.lesson_texts import rule

LESSON = "10-modules"

registered_as = rule(LESSON, "registered_as")
reached_by = rule(LESSON, "reached_by")
size_after = rule(LESSON, "size_after")
loads = rule(LESSON, "loads")
shapes_met = rule(LESSON, "shapes_met")

VALUES = {
    "a parameter": lambda: nn.Parameter(torch.ones(2)),
    "a frozen parameter": lambda: nn.Parameter(torch.ones(2), requires_grad=False),
    "a parameter times a number": lambda: nn.Parameter(torch.ones(2)) * 2,
    "a detached parameter": lambda: nn.Parameter(torch.ones(2)).detach(),
    "a tensor": lambda: torch.ones(2),
    "a tensor that requires grad": lambda: torch.ones(2, requires_grad=True),
    "a buffer": lambda: nn.Buffer(torch.ones(2)),
    "a module": lambda: nn.Linear(1, 1),
    "a module list": lambda: nn.ModuleList([nn.Linear(1, 1)]),
    "a list of modules": lambda: [nn.Linear(1, 1)],
    "a tuple of parameters": lambda: (nn.Parameter(torch.ones(2)),),
    "a dict of modules": lambda: {"one": nn.Linear(1, 1)},
    "a parameter list": lambda: nn.ParameterList([torch.ones(2)]),
    "a function": lambda: torch.relu,
    "a class": lambda: nn.ReLU,
    "a number": lambda: 3,
    "nothing": lambda: None,
}


def tables(module):
    """In which of a module's tables the name `it` stands."""
    kinds = {"parameter": "_parameters", "buffer": "_buffers", "module": "_modules"}
    return next(
        (kind for kind, table in kinds.items() if "it" in getattr(module, table)), "nothing"
    )


@pytest.mark.parametrize("value", VALUES)
def test_what_is_assigned_is_registered_as_the_program_says(value):
    module = nn.Module()
    made = VALUES[value]()
    module.it = made
    assert tables(module) == registered_as(made)


@given(st.sampled_from(sorted(VALUES)), st.integers(0, 3))
def test_what_stands_levels_deep_is_reached_as_the_program_says(value, depth):
    """For tensors: in parameters(), in a new dtype after to(), in state_dict()."""
    made = VALUES[value]()
    if not isinstance(made, torch.Tensor):
        return
    inner = outer = nn.Module()
    inner.it = made
    for _ in range(depth):
        outer = nn.ModuleList([outer])
    assert reaches(outer, inner) == reached_by(registered_as(made))


@pytest.mark.parametrize("persistent", [True, False])
def test_a_buffer_is_saved_if_it_is_persistent(persistent):
    module = nn.Module()
    module.register_buffer("it", torch.ones(2), persistent=persistent)
    assert reaches(module, module) == reached_by("buffer", persistent)


def reaches(outer, inner):
    """Which of the three find the tensor `it` of the inner module."""
    found = {"parameters"} if any(p is inner.it for p in outer.parameters()) else set()
    if any(name.split(".")[-1] == "it" for name in outer.state_dict()):
        found.add("state_dict")
    outer.to(torch.float64)
    return found | ({"to"} if inner.it.dtype == torch.float64 else set())


@given(st.integers(1, 40), st.integers(1, 7), st.integers(1, 5), st.integers(0, 4))
def test_the_side_behind_a_convolution_is_as_the_program_says(size, kernel, stride, padding):
    image = torch.zeros(1, 1, size, size + 1)
    layer = nn.Conv2d(1, 1, kernel, stride, padding)
    sides = tuple(size_after(n, kernel, stride, padding) for n in (size, size + 1))
    if min(sides) < 1:
        with pytest.raises(RuntimeError):
            layer(image)
        return
    assert layer(image).shape[2:] == sides


@given(
    st.sampled_from([F.max_pool2d, F.avg_pool2d]),
    st.integers(1, 40), st.integers(1, 7), st.integers(1, 5), st.data(),
)  # fmt: skip
def test_the_side_behind_a_pooling_is_as_the_program_says(pool, size, kernel, stride, data):
    padding = data.draw(st.integers(0, kernel // 2))  # more is refused
    image = torch.zeros(1, 1, size, size)
    side = size_after(size, kernel, stride, padding)
    if side < 1:
        with pytest.raises(RuntimeError, match="too small"):
            pool(image, kernel, stride, padding)
        return
    assert pool(image, kernel, stride, padding).shape[2] == side


shapes = st.lists(st.integers(1, 3), min_size=1, max_size=2).map(tuple)
named_shapes = st.dictionaries(st.sampled_from("abc"), shapes, max_size=3)


def holding(named):
    """A module with parameters of these names and shapes, the last of them a buffer."""
    module = nn.Module()
    for number, (name, shape) in enumerate(named.items()):
        tensor = torch.zeros(shape)
        if number == 2:
            module.register_buffer(name, tensor)
        else:
            module.register_parameter(name, nn.Parameter(tensor))
    return module


@given(named_shapes, named_shapes, st.booleans(), st.booleans())
def test_a_state_dict_is_accepted_as_the_program_says(own, saved, alike, strict):
    if alike:
        saved = {name: own.get(name, shape) for name, shape in saved.items()}
    module, state = holding(own), {name: torch.ones(shape) for name, shape in saved.items()}
    try:
        module.load_state_dict(state, strict=strict)
        accepted = True
    except RuntimeError:
        accepted = False
    assert accepted == loads(module.state_dict(), state, strict)


LOSSES = (
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "kl_div",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
)


any_shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)


@settings(max_examples=300)
@given(st.sampled_from(LOSSES), any_shapes, any_shapes)
def test_two_shapes_meet_in_a_loss_as_the_program_says(loss, prediction, target):
    given_, wanted = torch.rand(prediction), torch.rand(target)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            getattr(F, loss)(given_, wanted, reduction="sum")
            happened = "fits" if prediction == target else "broadcasts"
        except (RuntimeError, ValueError):
            happened = "raises"
    assert happened == shapes_met(loss, prediction, target)
    told = any("broadcasting" in str(one.message) for one in warned)
    assert told == (prediction != target and loss.endswith(("mse_loss", "l1_loss", "huber_loss")))


def loaded(value):
    """What torch.load gives back of a value that torch.save has written."""
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file)


@pytest.mark.parametrize(
    "value",
    [3, 0.5, 1j, True, None, "a", b"a", [1, "a"], (1, (2,)), {1, 2}, {"a": [1]}, torch.Size([2])],
)
def test_plain_values_lists_tuples_sets_and_dicts_are_loaded(value):
    assert loaded(value) == value
    assert loaded({"deep": [(value, torch.ones(1))]})["deep"][0][0] == value


@pytest.mark.parametrize(
    "value",
    [
        Path("a"),
        range(3),
        frozenset([1]),
        collections.deque([1]),
        datetime.date(2000, 1, 1),
        numpy.float64(0.5),
        numpy.ones(2),
        nn.ReLU(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_all_else_is_refused_by_a_load(value):
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        loaded({"epoch": 3, "more": value})
