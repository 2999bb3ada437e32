"""Recording that a caller switched off, leaves that are frozen or asked for anew, old Functions."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd import Function

from grader.errors import explain_error
from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# A function that differentiates by itself, called where nothing is recorded


def _forces(net, at, recorded=False):
    with torch.set_grad_enabled(recorded or torch.is_grad_enabled()):
        energy = net(at).sum()
        return -torch.autograd.grad(energy, at)[0]


def _validated(recorded):
    net, at = nn.Linear(3, 1), torch.ones(4, 3, requires_grad=True)
    with torch.no_grad():
        return _forces(net, at, recorded).abs().mean()


def _forces_of(net, at):
    energy = net(at).sum()
    return -torch.autograd.grad(energy, at)[0]


@told(
    "no_graph",
    r"_forces_of computes and differentiates by itself, and `_forces_of\(net, at\)`",
    "with torch.no_grad():",
    "torch.enable_grad():` around its lines from `energy = net(at).sum()`",
    lambda: _validated(True),
)
def forces_that_a_validation_asks_for():
    net, at = nn.Linear(3, 1), torch.ones(4, 3, requires_grad=True)
    with torch.no_grad():
        _forces_of(net, at)


class Tuner:
    def __init__(self):
        self.net, self.prompt = nn.Linear(2, 1), nn.Parameter(torch.zeros(1, 2))

    def fitted(self, x):
        loss = self.net(x + self.prompt).square().mean()
        loss.backward()
        return loss.item()

    @torch.no_grad()
    def evaluated(self, x):
        return self.fitted(x)


@told(
    "no_graph",
    r"fitted computes and differentiates by itself, and `self\.fitted\(x\)`",
    "@torch.no_grad()",
    "Take that call out of what switches recording off.",
    lambda: Tuner().fitted(torch.ones(3, 2)),
)
def a_prompt_that_is_fitted_in_an_evaluation():
    Tuner().evaluated(torch.ones(3, 2))


# A list of results that an object keeps


class Episode:
    def __init__(self, stacked=False):
        self.net, self.logs, self.wins, self.stacked = nn.Linear(2, 2), [], [], stacked

    def play(self, steps):
        for step in range(steps):
            logs = self.net(torch.ones(2)).log_softmax(0)
            self.logs.append(logs[step % 2])
            self.wins.append(float(bool(step % 2)))

    def loss(self):
        logs = torch.stack(self.logs) if self.stacked else torch.tensor(self.logs)
        return -(logs * torch.tensor(self.wins)).sum()


def _played(episode):
    for steps in (2, 3):
        won = bool(steps)
        episode.play(steps if won else 0)
    loss = episode.loss()
    loss.backward()


@told(
    "no_graph",
    r"Cuts in this code: test_anew\.py, line \d+: torch\.tensor copies values alone\.$",
    "torch.tensor(self.logs)",
    "torch.stack([...])",
    lambda: _played(Episode(stacked=True)),
)
def log_probabilities_that_an_object_keeps_are_made_a_tensor():
    _played(Episode())


class Heads(nn.Module):
    def __init__(self, stacked=False):
        super().__init__()
        self.parts, self.losses, self.stacked = nn.ModuleList([nn.Linear(2, 1)] * 2), [], stacked

    def forward(self, x):
        self.losses = [part(x).square().mean() for part in self.parts]
        return sum(torch.stack(self.losses)) if self.stacked else torch.tensor(self.losses).sum()


@told(
    "no_graph",
    r"torch\.tensor copies values alone",
    "torch.tensor(self.losses)",
    "torch.stack([...])",
    lambda: Heads(stacked=True)(torch.ones(3, 2)).backward(),
)
def losses_that_a_module_keeps_are_made_a_tensor():
    heads = Heads()
    loss = heads(torch.ones(3, 2))
    loss.backward()


# A Function that is written as an object


class Reversal(Function):
    def __init__(self, strength):
        self.strength = strength

    def forward(self, x):
        return x.view_as(x)

    def backward(self, grad):
        return -self.strength * grad


class Reversed(Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return -ctx.strength * grad, None


@told(
    "function_object",
    r"Reversal\(0\.5\) is an object of Reversal",
    "def forward(self, x)",
    "call Reversal.apply(x, 0.5) in the place of Reversal(0.5)(x)",
    lambda: Reversed.apply(torch.ones(2, requires_grad=True), 0.5).sum().backward(),
)
def a_reversal_that_is_made_and_called_on_one_line():
    x = torch.ones(2, requires_grad=True)
    Reversal(0.5)(x)


class Within(Function):
    def __init__(self, low, high):
        self.low, self.high = low, high

    def forward(self, x):
        self.save_for_backward(x)
        return x.clamp(self.low, self.high)

    def backward(self, grad):
        (x,) = self.saved_tensors
        return grad * ((x > self.low) & (x < self.high))


class Bounded(Function):
    @staticmethod
    def forward(ctx, x, low, high):
        ctx.low, ctx.high = low, high
        ctx.save_for_backward(x)
        return x.clamp(low, high)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * ((x > ctx.low) & (x < ctx.high)), None, None


@told(
    "function_object",
    r"Within\(-1, high=1\) is an object of Within",
    "def forward(self, x)",
    "call Within.apply(x, -1, 1) in the place of Within(-1, high=1)(x)",
    lambda: Bounded.apply(torch.ones(2, requires_grad=True), -1, 1).sum().backward(),
)
def bounds_that_are_given_together():
    x = torch.ones(2, requires_grad=True)
    Within(-1, high=1)(x)


class Binary(Function):
    def forward(self, x):
        self.kept = x.abs() < 1
        return x.sign()

    def backward(self, grad):
        return grad * self.kept


class Binarized(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x.abs() < 1)
        return x.sign()

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.saved_tensors[0]


class Rounded(nn.Module):
    def __init__(self):
        super().__init__()
        self.sign = Binary()

    def forward(self, x):
        return self.sign(x)


@told(
    "function_object",
    r"self\.sign is an object of Binary",
    "def forward(self, x)",
    "through ctx, a tensor by save_for_backward.",
    lambda: Binarized.apply(torch.ones(2, requires_grad=True)).sum().backward(),
)
def a_sign_that_a_module_keeps():
    Rounded()(torch.ones(2, requires_grad=True))


# Gradients that are asked of what is frozen, or made at that moment


def _adapted(trained):
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    net[0].bias.requires_grad_(False)
    fast = {name: one * 1 for name, one in net.named_parameters()}
    loss = torch.func.functional_call(net, fast, (torch.ones(4, 2),)).square().mean()
    if trained:
        part = {k: p for k, p in fast.items() if p.requires_grad}
        torch.autograd.grad(loss, part.values())
    else:
        torch.autograd.grad(loss, fast.values())


@told(
    "input_without_grad",
    r"1 of the 4 tensors in fast\.values\(\) does not require grad \(0\.bias\)",
    None,
    "trained = {k: p for k, p in fast.items() if p.requires_grad}",
    lambda: _adapted(True),
)
def a_dict_of_weights_with_a_frozen_bias():
    _adapted(False)


class Mixture:
    def __init__(self):
        self.scores = torch.zeros(3, requires_grad=True)
        self.scale = torch.ones(())

    def weights(self):
        return (self.scores * self.scale).softmax(0)


def _mixed(leaf):
    mixture, x = Mixture(), torch.ones(3, requires_grad=True)
    loss = (mixture.weights() * x).square().sum()
    if leaf:
        torch.autograd.grad(loss, [x, mixture.scores])
    else:
        torch.autograd.grad(loss, [x, mixture.weights()])


@told(
    "unused",
    r"mixture\.weights\(\) makes a new tensor at this moment",
    "[x, mixture.weights()]",
    "Ask for the gradient of mixture.scores",
    lambda: _mixed(True),
)
def weights_that_are_computed_anew_among_others():
    _mixed(False)


class Positive(nn.Module):
    def __init__(self):
        super().__init__()
        self.raw = nn.Parameter(torch.zeros(2))

    def rate(self):
        return F.softplus(self.raw)

    def sensitivity(self, x, leaf=False):
        y = (self.rate() * x).sum()
        if leaf:
            return torch.autograd.grad(y, self.raw)
        return torch.autograd.grad(y, self.rate())


@told(
    "unused",
    r"self\.rate\(\) makes a new tensor",
    "self.rate())",
    "Ask for the gradient of self.raw",
    lambda: Positive().sensitivity(torch.ones(2), leaf=True),
)
def a_rate_that_a_method_computes():
    Positive().sensitivity(torch.ones(2))


# Hooks on frozen parameters, and first values of one


def _masked(every):
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    net[0].requires_grad_(False)
    for name, parameter in net.named_parameters():
        if every or parameter.requires_grad:
            parameter.register_hook(lambda grad, name=name: grad.clamp(-1, 1))


@told(
    "hook_without_grad",
    r"parameter is net\.0\.weight, which is frozen",
    "parameter.register_hook",
    "if parameter.requires_grad: parameter.register_hook(",
    lambda: _masked(False),
)
def hooks_on_every_parameter():
    _masked(True)


def _listened(trained):
    table = nn.Embedding.from_pretrained(torch.ones(3, 2), freeze=not trained)
    handles = []
    handles.append(table.weight.register_hook(print))


@told(
    "hook_without_grad",
    r"table\.weight is frozen",
    "table.weight.register_hook",
    "call table.weight.requires_grad_() first",
    lambda: _listened(True),
)
def a_hook_on_a_table_that_was_frozen():
    _listened(False)


def _positions(weight, recorded=True):
    places = torch.arange(4.0).unsqueeze(1)
    with torch.set_grad_enabled(recorded):
        weight[:, 0::2] = places.sin()
        weight[:, 1::2] = places.cos()


@told(
    "leaf_in_place",
    r"weight is .*a parameter|weight is a parameter",
    "weight[:, 0::2] = places.sin()",
    "and `weight[:, 1::2] = places.cos()` inside `with torch.no_grad():`",
    lambda: _positions(nn.Embedding(4, 2).weight, recorded=False),
)
def a_table_that_a_function_fills():
    _positions(nn.Embedding(4, 2).weight)


class Gated(nn.Module):
    def __init__(self, recorded=True):
        super().__init__()
        self.cell = nn.Linear(2, 4)
        with torch.set_grad_enabled(recorded):
            self.cell.bias[2:] = torch.ones(2)


@told(
    "leaf_in_place",
    r"self\.cell\.bias is a parameter",
    "self.cell.bias[2:] = torch.ones(2)",
    "inside `with torch.no_grad():`",
    lambda: Gated(recorded=False),
)
def a_bias_that_begins_at_one():
    Gated()


def test_values_that_may_have_a_graph_are_not_said_to_be_first_values():
    class Memory(nn.Module):
        def __init__(self):
            super().__init__()
            self.slots, self.write = nn.Parameter(torch.zeros(3, 2)), nn.Linear(2, 2)

        def store(self, x):
            self.slots[0] = self.write(x)

    with pytest.raises(RuntimeError) as raised:
        Memory().store(torch.ones(2))
    assert "is no part of a graph" not in str(explain_error(raised.value))


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_program_is_explained_and_its_cure_runs(program):
    program.is_explained()
