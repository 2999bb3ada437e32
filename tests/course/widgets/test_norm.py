"""Chapter 7's picture shows what the real layers do to a block, and leaves them as they were."""

import copy
import warnings
from itertools import pairwise
from xml.etree import ElementTree

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from course.widgets import explore_norms
from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player
from course.widgets.frame.svg import text_width
from course.widgets.norm import words as norm_words
from course.widgets.norm.picture import NormPicture
from course.widgets.norm.reader import measure

SVG = "{http://www.w3.org/2000/svg}"


def block(n=3, c=4, h=2, w=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    spread = torch.arange(1.0, c + 1).reshape(1, c, 1, 1)
    return torch.randn(n, c, h, w, generator=generator) * spread + spread


def trained(layer, c=4):
    """The layer after some batches, with a weight and a bias of its own for each channel."""
    for seed in range(3):
        layer(block(5, c, 3, 2, seed))
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(torch.linspace(0.5, 2, p.numel()).reshape(p.shape))
    return layer


def batch_in_training():
    return trained(nn.BatchNorm2d(4))


def batch_in_eval():
    return trained(nn.BatchNorm2d(4)).eval()


def batch_untracked():
    return nn.BatchNorm2d(4, track_running_stats=False).eval()


def layer_over_samples():
    return nn.LayerNorm((4, 2, 2))


def layer_over_positions():
    return nn.LayerNorm((2, 2))


def instances():
    return nn.InstanceNorm2d(4)


def instances_in_eval():
    return trained(nn.InstanceNorm2d(4, affine=True, track_running_stats=True)).eval()


def groups():
    return nn.GroupNorm(2, 4)


# Each layer, with the axes of a block viewed as (N, G, C // G, H, W) that it averages over.
AVERAGING = [
    (batch_in_training, 1, (0, 2, 3, 4), 4, "N, H and W"),
    (batch_untracked, 1, (0, 2, 3, 4), 4, "N, H and W"),
    (layer_over_samples, 4, (1, 2, 3, 4), 3, "C, H and W"),
    (layer_over_positions, 1, (2, 3, 4), 12, "H and W"),
    (instances, 1, (2, 3, 4), 12, "H and W"),
    (groups, 2, (2, 3, 4), 6, "part of C, H and W"),
]
REMEMBERING = [batch_in_eval, instances_in_eval]
every_averaging = pytest.mark.parametrize(
    ("build", "size", "axes", "count", "told"), AVERAGING, ids=lambda v: getattr(v, "__name__", "")
)
every_layer = pytest.mark.parametrize(
    "build", [row[0] for row in AVERAGING] + REMEMBERING, ids=lambda build: build.__name__
)


# What it shows is what torch does.


@every_averaging
def test_the_groups_and_their_statistics_are_those_of_the_block(build, size, axes, count, told):
    x = block()
    measured = measure(build(), x)
    parts = x.double().reshape(3, 4 // size, size, 2, 2)
    means = parts.mean(axes, keepdim=True).expand_as(parts).flatten()
    variances = parts.var(axes, correction=0, keepdim=True).expand_as(parts).flatten()
    assert len(measured.groups) == count
    assert sorted(e for one in measured.groups for e in one.entries) == list(range(x.numel()))
    for one in measured.groups:
        for entry in one.entries:
            assert one.mean == pytest.approx(means[entry].item())
            assert one.variance == pytest.approx(variances[entry].item())
        assert norm_words.axes(measured, one) == told


@pytest.mark.parametrize("build", REMEMBERING, ids=lambda build: build.__name__)
def test_in_eval_mode_the_statistics_are_the_running_ones(build):
    layer = build()
    measured = measure(layer, block())
    assert [one.mean for one in measured.groups] == pytest.approx(layer.running_mean.tolist())
    assert [one.variance for one in measured.groups] == pytest.approx(layer.running_var.tolist())
    assert all(inputs == {entry} for entry, inputs in enumerate(measured.reached))
    said = NormPicture([measured]).picture(0, 1).sentence
    assert "each of these 12 outputs depends on its own input alone" in said


@every_layer
def test_the_outputs_are_those_of_the_layer(build):
    layer, x = build(), block()
    shown = torch.tensor(measure(layer, x).y).reshape(x.shape)
    torch.testing.assert_close(shown, copy.deepcopy(layer)(x), check_dtype=False)


@every_layer
def test_the_influence_is_the_norm_of_the_jacobian(build):
    layer, x = build(), block()
    twin = copy.deepcopy(layer)
    jacobian = torch.autograd.functional.jacobian(twin, x).flatten(5).flatten(1, 3)
    wanted = jacobian.square().sum((1, 3)).sqrt()
    shown = torch.tensor(measure(layer, x).influence)
    torch.testing.assert_close(shown, wanted, rtol=1e-3, atol=1e-4)


@given(st.integers(1, 3), st.sampled_from([1, 2, 3, 6]), st.integers(2, 3), st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_only_batch_statistics_let_samples_meet(n, number_of_groups, h, seed):
    x = block(n, 6, h, 2, seed)
    for layer in (nn.GroupNorm(number_of_groups, 6), nn.BatchNorm2d(6).eval()):
        for i, row in enumerate(measure(layer, x).influence):
            assert all((strength > 0) == (i == j) for j, strength in enumerate(row))
    coupled = measure(nn.BatchNorm2d(6), x).influence
    assert all(strength > 0 for row in coupled for strength in row)


def test_it_tells_whether_the_mode_makes_a_difference():
    last = NormPicture([measure(build(), block()) for build in (groups, batch_in_training)])
    assert last.picture(0, 9).sentence.endswith("Training and eval mode give the same outputs.")
    bn, x = batch_in_training(), block()
    with torch.no_grad():
        modes = [copy.deepcopy(bn).train(mode)(x) for mode in (True, False)]
    apart = (modes[0] - modes[1]).abs().max().item()
    assert last.layers[1].mode_difference == pytest.approx(apart, rel=1e-4)
    assert last.picture(1, 7).sentence.endswith(f"the outputs differ by up to {apart:.4g}.")


# The steps, the drawing, and what is not drawn.


def test_the_steps_of_one_layer_are_told_in_words():
    picture = NormPicture([measure(nn.GroupNorm(2, 4), block(2))])
    assert picture.choices == ["GroupNorm(2, 4)"]
    assert picture.last_step(0) == 4 + 2
    told = [picture.picture(0, step).sentence for step in range(7)]
    assert told[0].startswith("Step 0 of 6: x has shape (2, 4, 2, 2): a row for each of 2 samples")
    assert told[2].startswith(
        "Step 2 of 6: the 8 values of channels 2 and 3 of sample 0 are averaged together, over "
        "part of C, H and W. Their mean is "
    )
    assert told[6].startswith("Step 6 of 6: sample 1 has influence on its own output alone")


def labelled(drawn):
    """Each cell of a drawing, with the text that stands in it."""
    return [
        (shape, text)
        for shape, text in pairwise(drawn)
        if shape.tag == f"{SVG}rect" and text.tag == f"{SVG}text" and shape.get("rx") == "3"
    ]


def drawn_numbers(picture, step):
    """Each number in the block with the style of its cell, in order."""
    drawn = ElementTree.fromstring(picture.picture(0, step).live())
    return [
        (shape.get("class"), text.get("class"), text.text)
        for shape, text in labelled(drawn)
        if shape.get("width") == "40"
    ]


def test_a_lit_group_is_marked_by_border_and_by_bold_numbers():
    x = block()
    picture = NormPicture([measure(batch_in_training(), x)])
    cells = drawn_numbers(picture, 2)
    assert len(cells) == x.numel()
    for entry, (shape, text, _) in enumerate(cells):
        channel = norm_words.coordinates(x.shape, entry)[1]
        assert ("read" in shape) == ("strong" in text) == (channel == 1)
        assert ("tensor" in shape) == (channel <= 1)  # normalised already
    assert all(
        "label-now" in shape and "strong" in text for shape, text, _ in drawn_numbers(picture, 6)
    )


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e5])
def test_every_text_fits_into_its_shape(scale):
    layers = [batch_in_training(), nn.GroupNorm(2, 4), layer_over_positions()]
    picture = NormPicture([measure(layer, block() * scale) for layer in layers])
    for choice in range(len(layers)):
        for step in range(picture.last_step(choice) + 1):
            drawn = ElementTree.fromstring(picture.picture(choice, step).live())
            for shape, text in labelled(drawn):
                assert text_width(text.text, 12) <= float(shape.get("width")), text.text


@every_layer
def test_looking_changes_nothing_and_warns_of_nothing(build):
    layer, x = build(), block().requires_grad_()
    before = copy.deepcopy(layer.state_dict())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        player = explore_norms(x, layer)
    assert isinstance(player, Player)
    assert layer.training == build().training
    for name, tensor in layer.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert x.grad is None


def test_what_cannot_be_shown_is_explained():
    assert "This tensor has shape (7, 3)" in explore_norms(torch.ones(7, 3)).message
    assert "128 numbers" in explore_norms(torch.ones(1, 3, 9, 9), nn.BatchNorm2d(3)).message
    assert isinstance(explore_norms(block()), Notice)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        explore_norms(block(1, 4, 1, 1), nn.BatchNorm2d(4))
    with pytest.raises(TypeError, match="Tanh"):
        explore_norms(block(), nn.Tanh())


def test_a_page_without_a_kernel_shows_the_first_group(monkeypatch):
    monkeypatch.setenv("AUTOGRAD_COURSE_STATIC", "1")
    bundle = explore_norms(block(), nn.BatchNorm2d(4))._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/svg+xml"}
    assert bundle["text/plain"].startswith(
        "Step 1 of 7: the 12 values of channel 0 of every sample"
    )
