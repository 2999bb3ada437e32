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
