"""Losses that are made of what autograd.grad gives, in steps that return a number."""

import pytest
import torch
from torch import nn

from course import watch, why_no_grad


def _net(kind):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 6), kind(), nn.Linear(6, 6), kind(), nn.Linear(6, 1))


def _slope(y, x, **options):
    return torch.autograd.grad(y.sum(), x, **options)[0]


def _force(net, x, unit):
    return (unit * _slope(net(x), x)).square().mean()


def _residual(net, x, unit):
    first = _slope(net(x), x, create_graph=True)
    return unit * (_slope(first[:, 0], x, create_graph=True) - x).square().mean()


def _flow(net, x, unit):
    first = _slope(net(x), x, create_graph=True)
    return unit * (first - 1).square().mean()


def _steps(net, compute, count=1):
    """Watch steps whose losses are gone, beside a parameter that is always trained."""
    unit = nn.Parameter(torch.ones(()))
    optimizer = torch.optim.SGD([*net.parameters(), unit], lr=0.1)
    with watch() as seen:
        for _ in range(count):
            optimizer.zero_grad()
            compute(net, torch.rand(7, 2).requires_grad_(), unit).backward()
            optimizer.step()
    return seen


def test_a_gradient_as_values_alone_is_no_gradient_that_was_emptied():
    net = _net(nn.Tanh)
    _steps(net, _force)
    for report in (why_no_grad(net[0].weight), why_no_grad(model=net)):
        assert report.codes == ("cut_derivative",), report
        assert "torch.autograd.grad(y.sum(), x, **options)" in report.findings[0].place.text


@pytest.mark.parametrize("kind", [nn.ReLU, nn.LeakyReLU, nn.Hardtanh])
def test_a_second_derivative_of_straight_pieces_is_named_though_the_loss_is_gone(kind):
    net = _net(kind)
    _steps(net, _residual)
    for report in (why_no_grad(net[0].weight), why_no_grad(net[4].bias), why_no_grad()):
        assert report.codes == ("zero_curvature",), report


def test_a_second_derivative_of_a_curved_net_is_no_alarm():
    net = _net(nn.Softplus)
    _steps(net, _residual)
    assert why_no_grad(net[0].weight).codes == ("fine",)
    assert why_no_grad().codes == ()


@pytest.mark.parametrize(("kind", "compute"), [(nn.Tanh, _residual), (nn.ReLU, _flow)])
def test_a_constant_that_no_derivative_depends_on_is_told_and_is_no_alarm(kind, compute):
    net = _net(kind)
    _steps(net, compute)
    report = why_no_grad(net[4].bias)
    assert report.codes == ("constant_in_derivative",), report
    assert "No gradient of 6 parameters is lost." in why_no_grad(model=net).about


def test_a_constant_is_told_of_a_loss_that_is_there():
    net, x, unit = _net(nn.Tanh), torch.rand(7, 2).requires_grad_(), torch.ones(())
    with watch():
        loss = _residual(net, x, unit)
        loss.backward()
    assert why_no_grad(net[4].bias, loss).codes == ("constant_in_derivative",)
    assert why_no_grad(net[2].weight, loss).codes == ("fine",)


def test_what_only_shifts_straight_pieces_is_no_dead_relu():
    net = _net(nn.ReLU)
    _steps(net, _flow)
    assert why_no_grad(net[0].bias).codes == ("constant_in_derivative",)


def _balanced(net, x, unit):
    """Two losses whose weights come from the sizes of their gradients."""
    losses = [net(x).square().mean(), (net(x) - 1).abs().mean()]
    sizes = [torch.autograd.grad(one, net[0].weight, retain_graph=True)[0].norm() for one in losses]
    return unit * sum(one / size for one, size in zip(losses, sizes, strict=True))


@pytest.mark.parametrize("count", [1, 4])
def test_emptying_behind_a_pass_that_fills_nothing_is_no_alarm(count):
    net = _net(nn.Tanh)
    unit = nn.Parameter(torch.ones(()))
    optimizer = torch.optim.SGD([*net.parameters(), unit], lr=0.01)
    with watch() as seen:
        for _ in range(count):
            loss = _balanced(net, torch.rand(7, 2), unit)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert "Nothing in them is out of order." in str(seen)
