"""What was in use before an answer is given it: each state is there, and nothing else moved."""

import pytest
import torch
from torch import nn

from grader.engine.lived import computed, in_two_groups, lived, some_numbers, with_grad


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 3), nn.Tanh())


def test_grad_fills_every_grad_with_the_same_numbers_in_every_run():
    first, second = (lived(net(), "grad") for _ in range(2))
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert one.grad.shape == one.shape
        assert bool((one.grad != 0).all())
        assert torch.equal(one.grad, other.grad)


def test_frozen_and_mode_reach_one_part_each():
    model = lived(net(), "frozen", "mode")
    assert [p.requires_grad for p in model.parameters()] == [True] * 5 + [False]
    assert [m.training for m in model] == [True, True, True, False]


def test_a_nested_net_computes_the_same_and_keeps_each_mode():
    flat = net()
    flat[1].eval()
    x = some_numbers(torch.empty(4, 3))
    expected = flat(x)
    model = lived(flat, "nested")
    assert "0.1.weight" in dict(model.named_parameters())
    assert (model.training, model[0].training, model[0][1].training) == (True, True, False)
    assert torch.equal(model(x), expected)


def test_a_part_under_two_names_is_one_part():
    model = lived(net(), "twice")
    assert model[-1] is model[-2]


def test_tied_weights_are_one_parameter():
    model = lived(net(), "tied")
    assert model[0].weight is model[2].weight
    with pytest.raises(ValueError, match="no two weights"):
        lived(nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2)), "tied")


def test_affine_moves_norms_off_one_and_zero():
    norm = lived(net(), "affine")[1]
    assert bool((norm.weight != 1).all())
    assert bool((norm.bias != 0).all())


def test_an_optimizer_in_two_groups_holds_every_parameter_once():
    model = net()
    optimizer = in_two_groups(torch.optim.SGD(model.parameters(), lr=0.1), lr=0.01)
    held = [id(p) for group in optimizer.param_groups for p in group["params"]]
    assert sorted(held) == sorted(map(id, model.parameters()))
    assert [group["lr"] for group in optimizer.param_groups] == [0.1, 0.01]


def test_tensors_that_have_lived():
    x = torch.tensor([1.0, 2.0, 3.0])
    assert (with_grad(x).is_leaf, computed(x).is_leaf) == (True, False)
    assert torch.equal(computed(x), x)
    assert with_grad(x).grad.shape == x.shape


def test_an_unknown_state_is_an_error():
    with pytest.raises(KeyError):
        lived(net(), "tired")


def test_a_hook_stands_on_the_module_which_a_call_runs_and_forward_passes_by():
    model, x = net(), torch.ones(7, 3)
    plain = model(x)
    assert lived(model, "hooked") is model
    assert torch.equal(model(x), plain * 1.25)
    assert torch.equal(model.forward(x), plain)
