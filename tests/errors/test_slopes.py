"""What stands for a comparison of two tensors, and a layer that a wrapped model never uses."""

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from grader.errors import explain_error
from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# Comparisons of what is trained with a grid, with another result, with a number


def _inside(edges, soft):
    grid = torch.linspace(0, 1, 9)
    low, high = edges.unbind()
    if soft:
        above, below = torch.sigmoid((grid - low) / 0.1), torch.sigmoid((high - grid) / 0.1)
        return above * below
    return ((grid > low) & (grid < high)).float()


def _fitted(soft):
    edges = nn.Parameter(torch.tensor([0.2, 0.7]))
    loss = (_inside(edges, soft).sum() - 3).abs()
    loss.backward()
    assert edges.grad.abs().min() > 0


@told(
    "no_graph",
    "a comparison has no gradient",
    None,
    "torch.sigmoid((grid - low) / t) for grid > low, torch.sigmoid((high - grid) / t) for "
    "grid < high",
    lambda: _fitted(soft=True),
)
def a_span_on_a_grid():
    _fitted(soft=False)


class Ranking(nn.Module):
    def forward(self, better, worse):
        return (worse >= better).float().mean()


class SoftRanking(nn.Module):
    def forward(self, better, worse):
        return torch.sigmoid((worse - better) / 0.1).mean()


def _ranked(kind):
    net, of_order = nn.Linear(2, 1), kind()
    loss = of_order(net(torch.ones(4, 2)), net(torch.zeros(4, 2)))
    loss.backward()
    assert net.weight.grad.abs().min() > 0


@told(
    "no_graph",
    "a comparison has no gradient",
    None,
    "torch.sigmoid((worse - better) / t) for worse >= better",
    lambda: _ranked(SoftRanking),
)
def one_result_beside_another():
    _ranked(Ranking)


def test_beside_a_number_the_probabilities_themselves_are_the_cure():
    net, wanted = nn.Linear(2, 1), torch.ones(4, 1)
    guessed = (torch.sigmoid(net(torch.ones(4, 2))) > 0.5).float()
    loss = F.mse_loss(guessed, wanted)
    with pytest.raises(RuntimeError) as raised:
        loss.backward()
    assert "torch.sigmoid((" not in explain_error(raised.value).cure


# A layer that is made and not used


class Spare(nn.Module):
    def __init__(self, freeze):
        super().__init__()
        self.used = nn.Linear(2, 1)
        self.spare = nn.Linear(2, 3)
        if freeze:
            self.spare.requires_grad_(False)

    def forward(self, x):
        return self.used(x)


def _wrapped(folder, freeze):
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=0, world_size=1)
    try:
        model = DistributedDataParallel(Spare(freeze))
        for _ in range(2):
            model(torch.ones(3, 2)).sum().backward()
    finally:
        dist.destroy_process_group()


def test_a_layer_that_only_the_constructor_names_is_told_with_its_line(tmp_path):
    with pytest.raises(RuntimeError) as raised:
        _wrapped(tmp_path, freeze=False)
    found = explain_error(raised.value)
    assert "No method but __init__ names self.spare" in found.meaning, found
    assert "self.spare.requires_grad_(False)" in found.cure, found
    with open(__file__) as file:
        line = file.read().split("self.spare = ")[0].count("\n") + 1
    assert found.place.endswith(f"line {line}"), found


def test_frozen_before_it_is_wrapped_the_layer_is_not_waited_for(tmp_path):
    _wrapped(tmp_path, freeze=True)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_slope_stands_for_a_step(program):
    program.is_explained()
