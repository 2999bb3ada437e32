"""Programs whose loss is made of a gradient, with its graph or without; each beside a right one."""

import torch
import torch.nn.functional as F
from torch import nn

from course import watch, why_no_grad
from tests.companion.derived import named
from tests.companion.programs import pair


def _forces(kept, joined, by_name=True):
    """A loss of energies and of forces, which are a gradient of the energy."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    with watch():
        x = torch.ones(2, 3, requires_grad=True)
        energy = net(x)
        forces = -torch.autograd.grad(energy.sum(), x, retain_graph=True, create_graph=kept)[0]
        force_loss = F.mse_loss(forces, torch.zeros(2, 3))
        loss = joined(energy.square(), force_loss)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    asked_about = loss if by_name else force_loss
    return why_no_grad(net[0].weight, asked_about) if by_name is not None else why_no_grad(net)


def _scalars(energy, force):
    return 0.01 * energy.mean() + 100 * force


def _listed(energy, force):
    return torch.stack([energy.mean(), force]).sum() / 2


def _each(energy, force):
    return (energy[:, 0] + 100 * force).mean()


@named("torch.autograd.grad(energy.sum(), x")
@pair("cut_derivative", lambda: _forces(True, _scalars, by_name=False))
def _():
    return _forces(False, _scalars, by_name=False)


@named("torch.autograd.grad(energy.sum(), x")
@pair("term_without_graph", lambda: _forces(True, _scalars))
def _():
    return _forces(False, _scalars)


@named("torch.autograd.grad(energy.sum(), x")
@pair("term_without_graph", lambda: _forces(True, _listed))
def _():
    return _forces(False, _listed)


@named("torch.autograd.grad(energy.sum(), x")
@pair("term_without_graph", lambda: _forces(True, _each, by_name=None))
def _():
    return _forces(False, _each, by_name=None)


def a_loss_of_gradients_alone():
    """What is asked about every parameter; a cut before autograd.grad is beside the point."""
    net = nn.Linear(3, 1)
    with watch():
        x = (net.weight.detach() + 1).requires_grad_()
        slope = torch.autograd.grad(net(x).square().sum(), x)[0]
        loss = slope.square().mean()
    return why_no_grad(net, loss)


def an_adversarial_example():
    """A gradient that moves an input is meant as a value."""
    torch.manual_seed(0)
    net, x, y = nn.Linear(3, 2), torch.ones(4, 3, requires_grad=True), torch.tensor([0, 1, 0, 1])
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    with watch():
        (slope,) = torch.autograd.grad(F.cross_entropy(net(x), y), x)
        moved = x.detach() + 0.1 * slope.sign()
        loss = F.cross_entropy(net(x.detach()), y) + F.cross_entropy(net(moved), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return why_no_grad(net.weight, loss), why_no_grad()
