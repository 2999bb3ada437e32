"""Straight-through estimates that lead nowhere, kept results, and a target that is the model."""

import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from course import watch, why_no_grad
from tests.companion.programs import net, pair

# A straight-through value that nothing uses


def _spoken(passed):
    """A sender of words to a listener, who is given the words or what leads back."""
    torch.manual_seed(0)
    sender, words = net(3, 8, 5), torch.eye(5)
    listener = nn.Linear(5, 2)
    optimizer = torch.optim.SGD([*sender.parameters(), *listener.parameters()], lr=0.1)
    with watch():
        scores = sender(torch.rand(6, 3)).softmax(1)
        chosen = scores.argmax(1)
        hard = scores + (words[chosen] - scores).detach()
        loss = listener(hard if passed else F.one_hot(chosen, 5).float()).square().mean()
        loss.backward()
        optimizer.step()
    return why_no_grad(sender[0].weight, loss)


@pair("estimate_unused", lambda: _spoken(True))
def _():
    return _spoken(False)


class Nearest(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("table", torch.randn(4, 2))

    def forward(self, z):
        index = torch.cdist(z, self.table).argmin(1)
        return index, z + (self.table[index] - z).detach()


def _decoded(passed):
    torch.manual_seed(0)
    encoder, nearest, table, decoder = net(3, 2), Nearest(), nn.Embedding(4, 2), net(2, 3)
    x = torch.rand(5, 3)
    with watch():
        index, estimate = nearest(encoder(x))
        given = table(index) + estimate if passed else table(index)
        loss = F.mse_loss(decoder(given), x)
        loss.backward()
    return why_no_grad(encoder[0].weight, loss)


@pair("estimate_unused", lambda: _decoded(True))
def _():
    return _decoded(False)


# What is left when an estimate is taken off


def _in_stages(detached):
    torch.manual_seed(0)
    encoder, tables = net(3, 2), [torch.randn(4, 2) for _ in range(2)]
    with watch():
        rest, loss = encoder(torch.rand(5, 3)), torch.zeros(())
        for table in tables:
            q = table[torch.cdist(rest, table).argmin(1)]
            loss = loss + F.mse_loss(rest, q)
            estimate = rest + (q - rest).detach()
            rest = rest - (estimate.detach() if detached else estimate)
        loss.backward()
    return why_no_grad(encoder[0].weight, loss)


@pair("residual_estimated", lambda: _in_stages(True))
def _():
    return _in_stages(False)


def _rounded(detached):
    """The error of rounding as a penalty."""
    w = torch.linspace(0.2, 1.7, 4).requires_grad_()
    with watch():
        rounded = w + (w.round() - w).detach()
        left = w - (rounded.detach() if detached else rounded)
        loss = rounded.square().sum() + F.l1_loss(left, torch.zeros(4))
        loss.backward()
    return why_no_grad(w, loss)


@pair("residual_estimated", lambda: _rounded(True))
def _():
    return _rounded(False)


# What was kept of an earlier call


class Mixed(nn.Module):
    def __init__(self, keep):
        super().__init__()
        self.linear, self.keep, self.weights = nn.Linear(3, 1), keep, None

    def normalised(self, weights):
        if self.keep and self.weights is not None:
            return self.weights
        weights = weights.softmax(0)
        if self.keep:
            self.weights = weights.detach()
        return weights

    def forward(self, x, weights):
        return self.linear(x * self.normalised(weights))


def _mixed(keep):
    model, weights = Mixed(keep), torch.zeros(3, requires_grad=True)
    model(torch.rand(4, 3), weights)
    with watch():
        loss = model(torch.rand(4, 3), weights * 2).square().mean()
        loss.backward()
    return why_no_grad(weights, loss)


@pair("dropped_cached", lambda: _mixed(False))
def _():
    return _mixed(True)


class Tables(nn.Module):
    def __init__(self, keep):
        super().__init__()
        self.head, self.keep, self.cache = nn.Linear(2, 1), keep, {}

    def forward(self, key, angle):
        return self.head(self.turned(key, angle))

    def turned(self, key, angle):
        if key in self.cache:
            return self.cache[key]
        turned = torch.stack([angle.cos(), angle.sin()], -1)
        if self.keep:
            self.cache[key] = turned.detach()
        return turned


def _turned(keep):
    model, angle = Tables(keep), torch.zeros(3, requires_grad=True)
    model("a", angle)
    with watch():
        loss = model("a", angle + 1).square().mean()
        loss.backward()
    return why_no_grad(angle, loss)


@pair("dropped_cached", lambda: _turned(False))
def _():
    return _turned(True)


# A target network that is the network itself


class Agent:
    def __init__(self, copied, follow=None):
        self.online = net(3, 4, 2)
        self.target = copy.deepcopy(self.online) if copied else self.online
        self.optimizer = torch.optim.Adam(self.online.parameters())
        self.follow = follow

    def update(self, x, taken):
        now = self.online(x).gather(1, taken)
        then = self.target(x + 1)
        aim = x[:, :1] + 0.9 * then.max(1, keepdim=True).values
        loss = F.smooth_l1_loss(now, aim)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if self.follow is not None:
            self.follow(self.online, self.target)
        return loss.item()


def _updated(copied, follow=None):
    torch.manual_seed(0)
    agent = Agent(copied, follow)
    if copied and follow is None:
        agent.target.requires_grad_(False)
    with watch() as seen:
        agent.update(torch.rand(5, 3), torch.randint(0, 2, (5, 1)))
    return seen.report(), why_no_grad()


@pair("target_same", lambda: _updated(True)[0])
def _():
    return _updated(False)[0]


class Both(nn.Module):
    def __init__(self, copied):
        super().__init__()
        self.value = nn.Linear(3, 2)
        self.lagging = copy.deepcopy(self.value).requires_grad_(False) if copied else self.value


def _valued(copied):
    torch.manual_seed(0)
    both = Both(copied)
    optimizer = torch.optim.SGD(both.value.parameters(), lr=0.1)
    x = torch.rand(4, 3)
    with watch() as seen:
        aim = x[:, 0] + 0.9 * both.lagging(x + 1).amax(1)
        loss = F.mse_loss(both.value(x).amax(1), aim)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return seen.report()


@pair("target_same", lambda: _valued(True))
def _():
    return _valued(False)


# Right programs


def _by_data(online, target):
    for one, slow in zip(online.parameters(), target.parameters(), strict=True):
        slow.data.copy_(0.9 * slow.data + 0.1 * one.data)


@torch.no_grad()
def _by_mean(online, target):
    for one, slow in zip(online.parameters(), target.parameters(), strict=True):
        slow.lerp_(one, 0.1)


def _by_assignment(online, target):
    for one, slow in zip(online.parameters(), target.parameters(), strict=True):
        slow.data = 0.9 * slow.data + 0.1 * one.data


FOLLOWS = [_by_data, _by_mean, _by_assignment]
"""How a target network follows in the step itself."""


def followed(follow):
    """Both reports about an agent whose target is not frozen and follows in its step."""
    return _updated(True, follow)


def adapted(rows):
    """A frozen table whose result is told to require grad, for checkpoints behind it."""
    torch.manual_seed(0)
    table = nn.Embedding(5, 4).requires_grad_(False)
    block, head = net(4, 4), nn.Linear(4, 1).requires_grad_(False)
    optimizer = torch.optim.SGD(block.parameters(), lr=0.1)
    with watch():
        optimizer.zero_grad()
        h = table(torch.arange(3)) if rows else table.weight * 1
        h.requires_grad_()
        loss = head(checkpoint(block, h, use_reentrant=True)).square().mean()
        loss.backward()
        optimizer.step()
    return why_no_grad()
