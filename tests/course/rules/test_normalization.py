"""The programs that lesson 7 shows as its rules, run against torch on layers that are drawn."""

import copy
import math
from contextlib import nullcontext

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from grader import check
from tests.fixtures.lesson_texts import rule

FIRST, SECOND = "07-normalization", "07-normalization-2"
EPS = 0.3  # so that an output depends on its whole group even where that holds two values

groups = rule(FIRST, "groups")
statistics_after = rule(FIRST, "statistics_after")
in_both_modes = rule(FIRST, "in_both_modes")
through_group = rule(SECOND, "through_group")
through_rms = rule(SECOND, "through_rms")
averaged_axes = rule(SECOND, "averaged_axes")

sizes = st.integers(1, 4)


@st.composite
def shapes(draw, places=(0, 1, 2, 3)):
    """(N, C) and any number of axes of places, with few entries in all."""
    shape = [draw(sizes), draw(st.sampled_from((1, 2, 3, 4)))]
    shape += [draw(st.integers(1, 3)) for _ in range(draw(st.sampled_from(places)))]
    return tuple(shape)


def of_dimension(name, places):
    """nn.BatchNorm2d for "BatchNorm" and two axes of places; (N, C) is BatchNorm1d's as well."""
    return getattr(nn, f"{name}{max(places, 1)}d")


@st.composite
def layers(draw, shape, kinds=("batch", "instance", "layer", "rms", "group")):
    """A layer that takes inputs of this shape, in one of the modes."""
    places = len(shape) - 2
    kind = draw(st.sampled_from([k for k in kinds if places or k != "instance"]))
    training, tracked = draw(st.booleans()), draw(st.booleans())
    if kind in ("layer", "rms"):
        last = draw(st.integers(1, len(shape) - 1))
        made = {"layer": nn.LayerNorm, "rms": nn.RMSNorm}[kind](shape[-last:], EPS)
    elif kind == "group":
        divisors = [g for g in range(1, shape[1] + 1) if shape[1] % g == 0]
        made = nn.GroupNorm(draw(st.sampled_from(divisors)), shape[1], EPS)
    else:
        name = {"batch": "BatchNorm", "instance": "InstanceNorm"}[kind]
        made = of_dimension(name, places)(
            shape[1], EPS, affine=draw(st.booleans()), track_running_stats=tracked
        )
    return made.double().train(training)


def applied(layer, x):
    """layer(x), or None where torch refuses it."""
    try:
        return layer(x)
    except ValueError as error:
        if "Expected more than 1" not in str(error):
            raise
        return None


def dependence(layer, x):
    """Which output depends on which input, both counted through; None where torch refuses."""
    x = x.clone().requires_grad_()
    y = applied(layer, x)
    if y is None:
        return None
    rows = [torch.autograd.grad(one, x, retain_graph=True)[0].flatten() for one in y.flatten()]
    return torch.stack(rows) != 0


some_shape_and_layer = shapes().flatmap(lambda shape: st.tuples(st.just(shape), layers(shape)))
seeds = st.integers(0, 2**31)


@settings(max_examples=60, deadline=None)
@given(some_shape_and_layer, seeds)
def test_an_output_depends_on_exactly_the_inputs_of_its_group(drawn, seed):
    shape, layer = drawn
    torch.manual_seed(seed)
    x = torch.randn(shape, dtype=torch.float64)
    labels = groups(layer, shape).flatten()
    together = labels[:, None] == labels
    alone = together.sum(1) == 1  # a group of one: constant, but for RMSNorm and remembered numbers
    depends = dependence(layer, x)
    if depends is not None:
        assert torch.equal(depends[~alone], together[~alone])
        assert not depends[alone][~together[alone]].any()


@settings(max_examples=60, deadline=None)
@given(some_shape_and_layer, seeds)
def test_the_table_for_the_wall_names_the_axes_that_a_group_extends_over(drawn, seed):
    shape, layer = drawn
    labels = groups(layer.train(), shape)
    at = (labels == labels.flatten()[0]).nonzero()
    reached = {axis for axis in range(len(shape)) if len(at[:, axis].unique()) > 1}
    axes = set(averaged_axes(layer, len(shape)))
    assert reached == {axis for axis in axes if shape[axis] > 1}


@pytest.mark.parametrize("places", [1, 2, 3])
def test_instance_norm_averages_over_the_places_with_and_without_a_batch(places):
    layer = of_dimension("InstanceNorm", places)(3).double()
    torch.manual_seed(0)
    for shape in ((3, 2, 4, 5)[: places + 1], (2, 3, 2, 4, 5)[: places + 2]):
        y = layer(torch.randn(shape, dtype=torch.float64))
        axes = averaged_axes(layer, len(shape))
        assert y.mean(axes).abs().max() < 1e-9
        assert len(groups(layer, shape).unique()) == y.numel() // math.prod(shape[-places:])


MODES = {
    "recorded": nullcontext,
    "no_grad": torch.no_grad,
    "inference": torch.inference_mode,
}


@settings(max_examples=60, deadline=None)
@given(
    shapes(),
    st.sampled_from((0.0, 0.1, 0.25, 1.0, None)),
    st.lists(st.booleans(), min_size=1, max_size=4),
    st.booleans(),
    st.sampled_from(sorted(MODES)),
    st.sampled_from((torch.float32, torch.float64)),
    seeds,
)
def test_running_statistics_are_after_a_call_what_the_rule_says(
    shape, momentum, modes, tracked, grad_mode, dtype, seed
):
    """Training and eval mode in any order, frozen or not, whatever is recorded."""
    torch.manual_seed(seed)
    bn = of_dimension("BatchNorm", len(shape) - 2)(
        shape[1], momentum=momentum, track_running_stats=tracked, dtype=dtype
    ).requires_grad_(seed % 2 == 0)
    for training in modes:
        x = torch.randn(shape, dtype=dtype) * 2 + 1
        bn.train(training)
        if (training or not tracked) and x.numel() == shape[1]:
            return  # refused
        expected = copy.deepcopy(statistics_after(bn, x))  # they may be the layer's own, which move
        with MODES[grad_mode]():
            bn(x)
        if tracked:
            torch.testing.assert_close((bn.running_mean, bn.running_var), expected)
        else:
            assert expected == (None, None)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_short_numbers_are_averaged_in_the_dtype_of_the_statistics(dtype):
    torch.manual_seed(0)
    bn = nn.BatchNorm1d(5)
    for _ in range(4):
        x = (torch.randn(33, 5) * 3 + 2).to(dtype)
        expected = copy.deepcopy(statistics_after(bn, x))
        bn(x)
        torch.testing.assert_close((bn.running_mean, bn.running_var), expected)


def test_a_batch_norm_told_later_to_track_has_nothing_to_bring_up_to_date():
    bn = nn.BatchNorm1d(3, track_running_stats=False)
    bn.track_running_stats = True
    assert statistics_after(bn, torch.randn(7, 3)) == (None, None)
    bn(torch.randn(7, 3))
    assert bn.running_mean is None


@pytest.mark.parametrize("training", [False, True])
def test_a_batch_norm_told_later_to_track_nothing_keeps_its_statistics(training):
    torch.manual_seed(0)
    bn = nn.BatchNorm1d(3).train(training)
    bn.track_running_stats = False
    x = torch.randn(7, 3) + 1
    expected = copy.deepcopy(statistics_after(bn, x))
    bn(x)
    torch.testing.assert_close((bn.running_mean, bn.running_var), expected)
    assert not bn.running_mean.any()


@st.composite
def layers_and_dropouts(draw):
    shape = draw(shapes((0, 1, 2)))
    if draw(st.integers(0, 4)) == 0:
        return shape, nn.Dropout(draw(st.sampled_from((0.0, 0.3, 1.0))))
    return shape, draw(layers(shape))


@settings(max_examples=80, deadline=None)
@given(layers_and_dropouts(), seeds)
def test_the_mode_matters_where_the_rule_says_so(drawn, seed):
    shape, layer = drawn
    torch.manual_seed(seed)
    x = torch.randn(shape, dtype=torch.float64)
    outputs = applied(layer.train(), x), applied(layer.eval(), x)
    if any(y is None for y in outputs):
        word = "raises"
    else:
        word = "equal" if torch.equal(*outputs) else "different"
    assert in_both_modes(layer, shape) == word


def test_the_rule_of_the_modes_passes_the_exercise():
    assert check(
        "train_or_eval", lambda layer, shape: in_both_modes(eval(layer, {"nn": nn}), shape)
    ).passed


def by_groups(layer, x, g, eps, through):
    """The rule for one group, for every group of the layer."""
    gx, labels = torch.zeros_like(x), groups(layer, x.shape)
    for label in labels.unique():
        gx[labels == label] = through(x[labels == label], g[labels == label], eps)
    return gx


@settings(max_examples=60, deadline=None)
@given(some_shape_and_layer, seeds)
def test_the_gradient_of_every_layer_is_that_of_its_groups(drawn, seed):
    shape, layer = drawn
    torch.manual_seed(seed)
    weight = getattr(layer, "weight", None)
    if weight is not None:
        nn.init.uniform_(weight, 0.5, 2.0)
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    gy = torch.randn(shape, dtype=torch.float64)
    y = applied(layer.train(), x)
    if y is None:
        return
    if weight is None:
        w = 1.0
    elif isinstance(layer, nn.LayerNorm | nn.RMSNorm):
        w = weight.detach()
    else:
        w = weight.detach().reshape(1, -1, *(1 for _ in shape[2:]))
    through = through_rms if isinstance(layer, nn.RMSNorm) else through_group
    (gx,) = torch.autograd.grad(y, x, gy)
    torch.testing.assert_close(by_groups(layer, x.detach(), gy * w, EPS, through), gx)


def test_the_rule_of_the_gradient_passes_the_exercises():
    def bn_grad_x(x, gy, w, eps):
        layer = of_dimension("BatchNorm", x.ndim - 2)(x.shape[1])
        wide = w.detach().reshape(1, -1, *(1 for _ in x.shape[2:]))
        return by_groups(layer, x.detach(), gy * wide, eps, through_group)

    def layer_norm_grad(x, gy, w, eps):
        return by_groups(nn.LayerNorm(w.shape), x.detach(), gy * w.detach(), eps, through_group)

    assert check("bn_backward", bn_grad_x).passed
    assert check("ln_backward", layer_norm_grad).passed


def test_one_image_of_one_place_is_refused_for_its_single_values():
    """As the question on a batch of one says of the other shape."""
    layer = nn.BatchNorm2d(3)
    layer(torch.randn(1, 3, 4, 5))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        layer(torch.randn(1, 3, 1, 1))


def test_the_squares_of_the_output_have_the_mean_1_for_the_variance_over_n_alone():
    """As the question on the two variances says of the other divisor."""
    x = torch.tensor([[1.0], [3.0]], dtype=torch.float64)
    y = nn.BatchNorm1d(1, eps=1e-12).double()(x)
    assert y.square().mean().item() == pytest.approx(1)
    assert ((x - x.mean()) / x.std()).square().mean().item() == pytest.approx(0.5)
