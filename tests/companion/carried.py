"""Steps that begin with old gradients, weigh by estimates, or differentiate a Function twice."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical, Normal

from course import watch, why_no_grad
from tests.companion.programs import pair


def _asked(emptied, update):
    """A watched step behind one that nobody watched."""
    torch.manual_seed(0)
    model, x = nn.Linear(3, 1), torch.rand(5, 3)
    after = update(model)

    def step():
        if emptied:
            model.zero_grad()
        model(x).pow(2).mean().backward()
        after()

    step()
    with watch():
        step()
    return why_no_grad(model=model)


def _by_optimizer(model):
    return torch.optim.Adam(model.parameters()).step


def _by_data(model):
    def update():
        for one in model.parameters():
            one.data -= 0.1 * one.grad

    return update


@torch.no_grad()
def _written(model):
    for one in model.parameters():
        one.sub_(one.grad, alpha=0.1)


def _by_hand(model):
    return lambda: _written(model)


@pair("added_to_old", lambda: _asked(True, _by_optimizer))
def _():
    return _asked(False, _by_optimizer)


@pair("added_to_old", lambda: _asked(True, _by_data))
def _():
    return _asked(False, _by_data)


@pair("added_to_old", lambda: _asked(True, _by_hand))
def _():
    return _asked(False, _by_hand)


def _discrete(detached):
    torch.manual_seed(0)
    actor, critic = nn.Linear(4, 3), nn.Linear(4, 1)
    states, returns = torch.rand(6, 4), torch.rand(6)
    with watch():
        made = Categorical(logits=actor(states))
        value = critic(states).squeeze(1)
        edge = returns - (value.detach() if detached else value)
        loss = -(made.log_prob(made.sample()) * edge).mean() + F.smooth_l1_loss(value, returns)
        loss.backward()
    return why_no_grad(critic.weight)


def _continuous(detached):
    """A list of log-probabilities and a list of values, put together in the end."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh())
    mean, baseline = nn.Linear(8, 1), nn.Linear(8, 1)
    logs, guesses, gains = [], [], torch.rand(5, 1)
    with watch():
        for row in torch.rand(5, 2):
            h = net(row)
            policy = Normal(mean(h), 0.5)
            logs.append(policy.log_prob(policy.sample()))
            guesses.append(baseline(h))
        guess = torch.stack(guesses)
        weights = gains - guess
        weights = weights.detach() if detached else weights
        (F.mse_loss(guess, gains) - (weights * torch.stack(logs)).sum()).backward()
    return why_no_grad(mean.weight)


@pair("advantage_with_graph", lambda: _discrete(True))
def _():
    return _discrete(False)


@pair("advantage_with_graph", lambda: _continuous(True))
def _():
    return _continuous(False)


class Doubled(torch.autograd.Function):
    """(2x) to the third; keeps 2x, which nothing recorded."""

    @staticmethod
    def forward(ctx, x):
        twice = x + x
        ctx.twice = twice
        return twice**3

    @staticmethod
    def backward(ctx, grad):
        return 6 * ctx.twice**2 * grad


class Tripled(torch.autograd.Function):
    """The same by what it was given, and a number."""

    @staticmethod
    def forward(ctx, x, factor):
        ctx.save_for_backward(x)
        ctx.factor = factor
        ctx.ones = torch.ones(1)
        return (factor * x) ** 3

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 3 * ctx.factor * (ctx.factor * x) ** 2 * grad * ctx.ones, None


class Curve(torch.autograd.Function):
    """A sine whose cosine is computed in forward, in two steps."""

    @staticmethod
    def forward(ctx, x):
        shifted = x + torch.pi / 2
        ctx.slope = shifted.sin()
        return x.sin()

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.slope


class Recomputed(torch.autograd.Function):
    """A cube whose backward computes it anew, of its input or of a copy of it."""

    @staticmethod
    def forward(ctx, x, is_copy):
        ctx.save_for_backward(x)
        ctx.copy = x.detach().requires_grad_() if is_copy else None
        return x**3

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        x = x if ctx.copy is None else ctx.copy
        with torch.enable_grad():
            (slope,) = torch.autograd.grad(x**3, x, grad, create_graph=True)
        return slope, None


class Kept(torch.autograd.Function):
    """The same with a graph that forward records of a copy."""

    @staticmethod
    def forward(ctx, x):
        own = ctx.own = x.clone().detach().requires_grad_()
        with torch.enable_grad():
            ctx.result = own.exp() * own
        return ctx.result.detach()

    @staticmethod
    def backward(ctx, grad):
        return torch.autograd.grad(ctx.result, ctx.own, grad, create_graph=True)[0]


def _sloped(function, *more):
    """A loss of a force, behind a layer whose bias it depends on."""
    torch.manual_seed(0)
    first, last = nn.Linear(2, 4), nn.Linear(4, 1)
    optimizer = torch.optim.SGD([*first.parameters(), *last.parameters()], 0.1)
    with watch():
        x = torch.rand(5, 2, requires_grad=True)
        energy = last(function.apply(first(x), *more)).sum()
        (force,) = torch.autograd.grad(energy, x, create_graph=True)
        optimizer.zero_grad()
        (force - 1).pow(2).mean().backward()
        optimizer.step()
    return why_no_grad(first.bias)


@pair("kept_unrecorded", lambda: _sloped(Tripled, 2.0))
def _():
    return _sloped(Doubled)


@pair("kept_unrecorded", lambda: _sloped(Tripled, 1.5))
def _():
    return _sloped(Curve)


@pair("kept_copy", lambda: _sloped(Recomputed, False))
def _():
    return _sloped(Recomputed, True)


@pair("kept_copy", lambda: _sloped(Recomputed, False))
def _():
    return _sloped(Kept)
