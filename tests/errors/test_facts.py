"""Facts that explanations of errors state, run."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from grader.errors import explain


def test_the_name_of_a_part_can_be_given_to_a_module_none_or_a_parameter():
    for value in (nn.ReLU(), None, nn.Parameter(torch.ones(1))):
        net = nn.Sequential(nn.Linear(1, 1))
        setattr(net, "0", value)
        assert getattr(net, "0") is value
    for value in (torch.ones(1), nn.Buffer(torch.ones(1)), [nn.ReLU()]):
        with pytest.raises(TypeError, match="as child module") as raised:
            setattr(nn.Sequential(nn.Linear(1, 1)), "0", value)
        assert "or to an nn.Parameter" in explain("TypeError", str(raised.value)).meaning


def test_an_index_in_brackets_counts_back_and_elsewhere_it_does_not():
    x, back = torch.arange(3), torch.tensor([-1])
    assert x[back] == x[-1] == 2
    assert x[-3] == 0
    for call in (
        lambda: x[-4],
        lambda: x.gather(0, back),
        lambda: nn.Embedding(3, 1)(back),
    ):
        with pytest.raises((IndexError, RuntimeError)) as raised:
            call()
        found = explain(type(raised.value).__name__, str(raised.value))
        assert "counts back from -1" in found.meaning
    with pytest.raises(RuntimeError, match="non-negative"):
        F.one_hot(back, 3)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
def test_a_mode_that_is_not_constant_pads_what_stands_behind_the_channels(mode):
    def pads(shape, pairs):
        try:
            F.pad(torch.ones(shape), (1, 1) * pairs, mode=mode)
        except (NotImplementedError, RuntimeError):
            return False
        return True

    for dimensions in range(2, 6):
        takes = {pairs for pairs in range(1, 5) if pads((3, 4, 4, 4, 4)[:dimensions], pairs)}
        with_batch, without = dimensions - 2, dimensions - 1
        assert takes == {with_batch, without} & {1, 2, 3}


def test_the_spread_of_one_number_is_0_with_correction_0_and_of_none_nan():
    assert torch.ones(1).std(correction=0) == 0
    with pytest.warns(UserWarning, match="degrees of freedom") as warned:
        assert torch.ones(0).std(correction=0).isnan()
    assert "of none nan" in explain("UserWarning", str(warned[0].message)).cure


def test_a_view_of_a_transpose_works_where_it_joins_nothing_that_no_one_stride_leads_through():
    turned = torch.zeros(4, 6).T
    assert turned.view(3, 2, 2, 2).shape == (3, 2, 2, 2)  # cuts both dimensions, and joins none
    assert torch.zeros(4, 6)[:, ::2].view(-1).stride() == (2,)
    for other in (turned, torch.zeros(4, 6)[:, :3]):
        with pytest.raises(RuntimeError, match="view size is not compatible") as raised:
            other.view(-1)
        assert "no one stride leads" in explain("RuntimeError", str(raised.value)).meaning


def test_the_index_of_scatter_is_not_larger_than_src_in_any_dimension():
    for shape in ((2, 5), (3, 3)):
        with pytest.raises(RuntimeError, match="no larger size than src") as raised:
            torch.zeros(9, 9).scatter(1, torch.zeros(shape, dtype=int), torch.ones(2, 3))
        found = explain("RuntimeError", str(raised.value))
        assert "not larger than src in any" in found.meaning
    assert torch.zeros(2, 3).gather(1, torch.zeros(2, 5, dtype=int)).shape == (2, 5)
    assert torch.zeros(2, 3).scatter(1, torch.zeros(2, 5, dtype=int), 1.0).shape == (2, 3)


def test_a_small_gradient_in_16_bits_survives_the_scale_and_not_its_division():
    scaled = torch.tensor(1e-8 * 2**16, dtype=torch.float16)
    assert scaled > 0
    assert scaled / 2**16 == 0
    text = "Attempting to unscale FP16 gradients."
    assert "divided by the scale again" in explain("ValueError", text).meaning


@pytest.mark.parametrize(
    ("loss_fn", "number"), [(F.mse_loss, 4.0), (F.l1_loss, 2.0)], ids=["mean", "median"]
)
def test_a_loss_of_every_pair_teaches_one_number_for_all(loss_fn, number):
    prediction, target = torch.zeros(3, 1), torch.tensor([1.0, 2.0, 9.0])
    with pytest.warns(UserWarning, match="different to the input size") as warned:
        loss_fn(prediction, target)
    slope = torch.func.grad(lambda column: loss_fn(column.expand(3, 3), target.expand(3, 3)))
    for step in range(600):
        prediction -= 0.2 * 0.99**step * slope(prediction)
    assert torch.allclose(prediction, torch.full((3, 1), number), atol=0.05)
    assert "teaches one number for all" in explain("UserWarning", str(warned[0].message)).meaning
