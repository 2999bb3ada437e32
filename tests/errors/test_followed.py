"""A lost graph is followed through functions and objects to the line that cut it."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical

from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


class Criterion:
    """A loss of several parts: an object that is called, and no module."""

    def __init__(self, stacked=False):
        self.stacked = stacked

    def __call__(self, out, y):
        parts = {"mse": F.mse_loss(out, y), "l1": F.l1_loss(out, y)}
        if self.stacked:
            return torch.stack(list(parts.values())).sum()
        return torch.tensor([one for one in parts.values()]).sum()  # noqa: C416


def _by_parts(criterion):
    net = nn.Linear(3, 1)
    loss = criterion(net(torch.ones(4, 3)), torch.zeros(4, 1))
    loss.backward()


@told(
    "no_graph",
    r"torch\.tensor copies values alone",
    "return torch.tensor(",
    "torch.stack([...])",
    lambda: _by_parts(Criterion(stacked=True)),
)
def parts_of_a_loss_made_a_tensor_anew():
    _by_parts(Criterion())


class Steps:
    def __init__(self, recorded=False):
        self.net, self.recorded = nn.Linear(3, 1), recorded

    @torch.no_grad()
    def measured(self, x):
        return self.net(x).square().mean()

    def trained(self, x):
        return self.net(x).square().mean()

    def fit(self):
        x = torch.ones(4, 3)
        loss = self.trained(x) if self.recorded else self.measured(x)
        loss.backward()


@told(
    "no_graph",
    r"measured is decorated to record nothing",
    "@torch.no_grad()",
    "Take the decorator off",
    lambda: Steps(recorded=True).fit(),
)
def a_decorated_method_that_is_called_through_self():
    Steps().fit()


class Policy(nn.Module):
    def __init__(self, recorded=False):
        super().__init__()
        self.net, self.recorded = nn.Linear(4, 2), recorded

    def act(self, x):
        if self.recorded:
            told_by = Categorical(logits=self.net(x))
        else:
            with torch.no_grad():
                told_by = Categorical(logits=self.net(x))
        action = told_by.sample()
        return action, told_by.log_prob(action)


def _play(policy):
    logs, rewards = [], []
    for _ in range(3):
        action, log = policy.act(torch.ones(4))
        logs.append(log)
        rewards.append(float(action))
    loss = -(torch.stack(logs) * torch.tensor(rewards)).sum()
    loss.backward()


@told(
    "no_graph",
    r"nothing is recorded under no_grad",
    "with torch.no_grad():",
    "Move what the loss is computed from out of that block",
    lambda: _play(Policy(recorded=True)),
)
def log_probabilities_of_an_actor_that_records_nothing():
    _play(Policy())


class Remembering:
    """What one method computes stands in its list when another one makes a loss of it."""

    def __init__(self, numbers):
        self.net, self.logs, self.numbers = nn.Linear(4, 2), [], numbers

    def act(self, x):
        told_by = Categorical(logits=self.net(x))
        log = told_by.log_prob(told_by.sample())
        self.logs.append(float(log) if self.numbers else log)

    def learn(self):
        (-sum(torch.as_tensor(log) for log in self.logs)).backward()


def _played(actor):
    actor.act(torch.ones(4))
    actor.act(torch.ones(4))
    actor.learn()


@told(
    "no_graph",
    r"line \d+: float\(\) makes a number",
    "",
    "take float() only of what is printed or stored",
    lambda: _played(Remembering(numbers=False)),
)
def numbers_that_one_method_keeps_and_another_adds_up():
    _played(Remembering(numbers=True))


def _chances(as_numbers):
    net, logs = nn.Linear(4, 2), []
    for _ in range(3):
        told_by = Categorical(logits=net(torch.ones(4)))
        log = told_by.log_prob(told_by.sample())
        logs.append(log.item() if as_numbers else log)
    torch.stack([torch.as_tensor(log) for log in logs]).sum().backward()


@told(
    "no_graph",
    r"Cuts in this code: [^;]*item\(\) makes a number[^;]*$",
    "logs.append(log.item() if as_numbers else log)",
    "Keep the tensor",
    lambda: _chances(False),
)
def the_number_of_a_log_probability_and_not_the_draw_it_is_of():
    _chances(True)


def _binary(p, level=0.5):
    return (p > level).float()


def _overlap(p, mask, soft):
    p = p if soft else _binary(p)
    return 1 - (p * mask).sum() / (p.sum() + mask.sum() + 1)


def _segmented(soft):
    net, mask = nn.Conv2d(1, 1, 3, padding=1), (torch.rand(2, 1, 4, 4) > 0.5).float()
    if soft:
        _overlap(net(torch.ones(2, 1, 4, 4)).sigmoid(), mask, soft).backward()
    else:
        _overlap(net(torch.ones(2, 1, 4, 4)).sigmoid(), mask, soft).backward()


@told(
    "no_graph",
    r"^The tensor you differentiate was not recorded\. Cuts in this code: [^;]*comparison[^;]*$",
    "return (p > level).float()",
    "the probabilities themselves",
    lambda: _segmented(True),
)
def a_comparison_two_calls_below_and_not_that_of_the_target():
    _segmented(False)


def _drawn(rsample):
    mean, spread = nn.Parameter(torch.zeros(3)), nn.Parameter(torch.ones(3))
    told_by = torch.distributions.Normal(mean, spread.exp())
    z = told_by.rsample((4,)) if rsample else told_by.sample((4,))
    loss = (z - 2).square().mean()
    loss.backward()


@told(
    "no_graph",
    r"sample\(\) draws without a graph",
    "told_by.sample((4,))",
    "Draw by rsample()",
    lambda: _drawn(True),
)
def a_sample_that_is_to_be_trained_through():
    _drawn(False)


class Values:
    def __init__(self):
        self.q, self.target = nn.Linear(2, 3), nn.Linear(2, 3).requires_grad_(False)

    def loss(self, x, right):
        best = self.target(x).max(1).values
        now = self.q(x) if right else self.target(x)
        return F.mse_loss(now[:, 0], best + 1)


def _valued(right):
    values = Values()
    loss = values.loss(torch.ones(4, 2), right)
    loss.backward()


@told(
    "no_graph",
    r"no parameter of self\.target requires grad",
    None,
    "call the model that is to be trained",
    lambda: _valued(True),
)
def a_loss_of_the_frozen_net_in_the_place_of_the_other():
    _valued(False)


def _measure(net, switched):
    if switched:
        torch.set_grad_enabled(False)
    with torch.no_grad():
        return net(torch.ones(1, 2)).item()


def _epochs(switched):
    net = nn.Linear(2, 1)
    try:
        for _ in range(2):
            loss = net(torch.ones(3, 2)).square().mean()
            loss.backward()
            _measure(net, switched)
    finally:
        torch.set_grad_enabled(True)


def test_a_switch_that_stays_is_named():
    """A stand-in for `told`: grad mode is on again where the error is caught."""
    with pytest.raises(RuntimeError) as raised:
        _epochs(True)
    assert "does not require grad" in str(raised.value)
    _epochs(False)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_cut_is_named_and_its_cure_cures(program):
    program.is_explained()
