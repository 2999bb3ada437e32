"""What is a note and no alarm in a step that takes something over, and what no longer misleads."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course import watch, why_no_grad
from tests.companion import carried


def _adapted(first_order, steps=2):
    """A loss of weights that inner steps updated, and its net."""
    torch.manual_seed(0)
    net, x, y = nn.Linear(3, 2), torch.rand(6, 3), torch.rand(6, 2)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    with watch() as seen:
        fast = dict(net.named_parameters())
        for _ in range(steps):
            loss = F.mse_loss(torch.func.functional_call(net, fast, (x,)), y)
            grads = torch.autograd.grad(loss, list(fast.values()), create_graph=not first_order)
            fast = {name: w + -0.1 * g for (name, w), g in zip(fast.items(), grads, strict=True)}
        optimizer.zero_grad()
        F.mse_loss(torch.func.functional_call(net, fast, (x + 1,)), y).backward()
        optimizer.step()
    return seen, net


def test_an_inner_update_of_first_order_is_a_note_with_its_line_and_no_alarm():
    seen, net = _adapted(first_order=True)
    for report in (seen.report(), why_no_grad(model=net), why_no_grad(net.weight, seen=seen)):
        assert set(report.codes) <= {"fine"}, report
        (note,) = report.notes
        assert "create_graph=True" in note
        assert "carried.py" in note


def test_an_inner_update_of_second_order_is_no_note():
    seen, net = _adapted(first_order=False)
    assert seen.report().notes == ()
    assert why_no_grad(model=net).notes == ()


def test_an_attack_on_the_input_is_no_inner_update():
    torch.manual_seed(0)
    net, x = nn.Linear(3, 1), torch.rand(4, 3)
    with watch() as seen:
        near = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(net(near).pow(2).sum(), near)
        net((x + 0.1 * slope.sign()).detach()).pow(2).mean().backward()
    assert seen.report().notes == ()


def test_a_bias_behind_the_function_is_still_in_no_derivative():
    """What the Function keeps has nothing to do with it."""
    torch.manual_seed(0)
    first, last = nn.Linear(2, 4), nn.Linear(4, 1)
    with watch():
        x = torch.rand(5, 2, requires_grad=True)
        energy = last(carried.Doubled.apply(first(x))).sum()
        (force,) = torch.autograd.grad(energy, x, create_graph=True)
        (force - 1).pow(2).mean().backward()
    assert "constant_in_derivative" in why_no_grad(last.bias).codes
    assert why_no_grad(first.bias).codes == ("kept_unrecorded",)


@pytest.mark.parametrize("emptied_with", [lambda net: net.zero_grad(), lambda net: None])
def test_a_step_that_is_emptied_behind_it_is_no_alarm(emptied_with):
    """The last of several batches that add up, and the emptying that follows."""
    torch.manual_seed(0)
    net, x = nn.Linear(3, 1), torch.rand(4, 3)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    net(x).sum().backward()
    emptied_with(net)
    with watch() as seen:
        net(x + 1).pow(2).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    assert "added_to_old" not in seen.report().codes


@pytest.mark.parametrize("weighted", [lambda s, v: F.softmax(s, -1) @ v, F.log_softmax])
def test_a_row_that_is_masked_altogether_is_named_though_the_loss_is_gone(weighted):
    torch.manual_seed(0)
    net = nn.Linear(3, 4)

    def step():
        scores = net(torch.rand(2, 3)).masked_fill(torch.tensor([[True], [False]]), -torch.inf)
        given = (scores, torch.rand(4, 2)) if weighted is not F.log_softmax else (scores, -1)
        loss = weighted(*given).sum()
        loss.backward()
        return loss.item()

    with watch() as seen:
        step()
    assert seen.report().codes == ("nan_row",), seen
