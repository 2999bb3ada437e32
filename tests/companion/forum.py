"""Programs as they are asked about: each beside what its cure makes of it."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Normal

from course import watch, why_no_grad


def _two_losses(joined):
    net = nn.Linear(3, 2)
    with watch():
        out = net(torch.ones(4, 3))
        losses = [out[:, 0].mean(), out[:, 1].pow(2).mean()]
        loss = joined(losses).sum()
        if loss.requires_grad:
            loss.backward()
    return why_no_grad(net.weight, loss)


def losses_by_a_class():
    return _two_losses(lambda losses: torch.Tensor(losses))


def losses_by_a_stack():
    return _two_losses(torch.stack)


def _state(change):
    cell, h = nn.Linear(3, 3), torch.ones(2, 3)
    with watch() as seen:
        for _ in range(2):
            h = cell(h)
            h = change(h)
        loss = h.pow(2).sum()
        loss.backward()
    return seen, why_no_grad(cell.weight, loss)


def a_state_replaced_through_data():
    def change(h):
        h.data = h.data / h.data.norm()
        return h

    return _state(change)


def a_state_scaled_through_data():
    def change(h):
        h.data.mul_(0.5)
        return h

    return _state(change)


def a_state_written_through_data():
    def change(h):
        h.data[0] = 0.0
        return h

    return _state(change)


def a_state_scaled_in_the_graph():
    return _state(lambda h: h / h.norm())


def a_state_read_through_data():
    def read(h):
        assert float(h.data[0, 0]) == h.data[0, 0] == h.data.clone()[0, 0]
        return h

    return _state(read)


def weights_averaged_through_data():
    net, average = nn.Linear(3, 1), nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch() as seen:
        loss = net(torch.ones(2, 3)).pow(2).mean()
        loss.backward()
        optimizer.step()
        for mine, other in zip(average.parameters(), net.parameters(), strict=True):
            mine.data.mul_(0.9).add_(other.data, alpha=0.1)
            other.data = other.data.clamp(-1, 1)
    return seen, why_no_grad(net.weight, loss)


def an_action_that_is_drawn(how):
    actor, critic = nn.Linear(3, 1), nn.Linear(1, 1)
    with watch():
        drawn = Normal(actor(torch.ones(2, 3)), 1.0)
        action = drawn.sample() if how == "sample" else drawn.rsample()
        loss = critic(action.tanh()).mean()
        loss.backward()
    return why_no_grad(actor.weight, loss)


class Heads(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.body = nn.Linear(3, 4)
        self.heads = kind({"de": nn.Linear(4, 2), "fr": nn.Linear(4, 2)})

    def forward(self, x):
        return self.heads["de"](self.body(x))


def heads_in_a_dict(kind):
    net = Heads(kind)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch():
        loss = F.cross_entropy(net(torch.eye(3)), torch.tensor([0, 1, 0]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return why_no_grad(net.heads["de"].weight, loss)


def gradients_emptied_before_the_step():
    net = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch():
        loss = net(torch.ones(2, 3)).pow(2).mean()
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
    return why_no_grad(net.weight, loss)


def frozen_in_two_places():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    model[0].weight.requires_grad = False
    model[1].weight.requires_grad_(False)
    with watch():
        loss = model(torch.ones(2, 3)).sum()
        loss.backward()
    return why_no_grad(model[0].weight, loss)
