"""A step between a forward pass and its backward: the lines to write again, or the other order."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


def _forger_and_judge(again):
    forger, judge = nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    of_forger, of_judge = (torch.optim.SGD(one.parameters(), 0.1) for one in (forger, judge))
    for _ in range(2):
        forged = forger(torch.ones(5, 2))
        verdict = judge(forged)
        caught = F.softplus(verdict).mean() + F.softplus(-judge(torch.ones(5, 3))).mean()
        passed = F.softplus(-verdict).mean()
        of_judge.zero_grad()
        caught.backward(retain_graph=True)
        of_judge.step()
        if again:
            verdict = judge(forged)
            passed = F.softplus(-verdict).mean()
        of_forger.zero_grad()
        passed.backward()
        of_forger.step()


def _forger_and_judge_once():
    forger, judge = nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    of_forger, of_judge = (torch.optim.SGD(one.parameters(), 0.1) for one in (forger, judge))
    for _ in range(2):
        forged = forger(torch.ones(5, 2))
        verdict = judge(forged)
        caught = F.softplus(verdict).mean() + F.softplus(-judge(torch.ones(5, 3))).mean()
        passed = F.softplus(-verdict).mean()
        of_judge.zero_grad()
        caught.backward(retain_graph=True)
        of_judge.step()
        of_forger.zero_grad()
        passed.backward()
        of_forger.step()


@told(
    "modified",
    r"of_judge\.step\(\) changed",
    "of_judge.step()",
    "write `verdict = judge(forged)` and `passed = F.softplus(-verdict).mean()` again behind it",
    lambda: _forger_and_judge(again=True),
)
def a_loss_and_the_result_that_it_is_made_of():
    _forger_and_judge_once()


def _referee(again):
    model, referee = nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))
    fit, judge = torch.optim.Adam(model.parameters()), torch.optim.Adam(referee.parameters())
    data = torch.arange(20.0).reshape(5, 4)
    made = model(data)
    at_data = referee(data)
    gap = at_data - referee(made.detach())
    gap.mean().backward(retain_graph=True)
    judge.step()
    if again:
        at_data = referee(data)
    fit.zero_grad()
    loss = (referee(made) - at_data.mean()).pow(2).mean()
    loss.backward()
    fit.step()


def _referee_once():
    model, referee = nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))
    fit, judge = torch.optim.Adam(model.parameters()), torch.optim.Adam(referee.parameters())
    data = torch.arange(20.0).reshape(5, 4)
    made = model(data)
    at_data = referee(data)
    gap = at_data - referee(made.detach())
    gap.mean().backward(retain_graph=True)
    judge.step()
    fit.zero_grad()
    loss = (referee(made) - at_data.mean()).pow(2).mean()
    loss.backward()
    fit.step()


@told(
    "modified",
    r"judge\.step\(\) changed",
    "judge.step()",
    "Compute at_data after judge.step(), from the updated weights: write `at_data = referee(data)`",
    lambda: _referee(again=True),
)
def one_part_of_a_loss_that_is_else_new():
    _referee_once()


class _Pair:
    def __init__(self):
        self.coder = nn.Sequential(nn.Linear(3, 4), nn.ELU(), nn.Linear(4, 3))
        self.critic = nn.Sequential(nn.Linear(3, 4), nn.ELU(), nn.Linear(4, 1))
        self.of_coder = torch.optim.SGD(self.coder.parameters(), 0.1)
        self.of_critic = torch.optim.SGD(self.critic.parameters(), 0.1)

    def losses(self, data):
        coded = self.coder(data)
        apart = self.critic(coded.detach()).mean() - self.critic(data).mean()
        return -self.critic(coded).mean(), apart

    def update(self, near, apart):
        self.of_coder.zero_grad()
        self.of_critic.zero_grad()
        apart.backward()
        self.of_critic.step()
        near.backward()
        self.of_coder.step()

    def update_in_order(self, near, apart):
        self.of_coder.zero_grad()
        near.backward()
        self.of_coder.step()
        self.of_critic.zero_grad()
        apart.backward()
        self.of_critic.step()


def _in_order():
    pair = _Pair()
    near, apart = pair.losses(torch.ones(5, 3))
    pair.update_in_order(near, apart)


@told(
    "modified",
    r"self\.of_critic\.step\(\) changed",
    "self.of_critic.step()",
    "put near.backward() and self.of_coder.step() in front of apart.backward(), and "
    "self.of_critic.zero_grad() between them",
    _in_order,
)
def losses_that_came_computed():
    pair = _Pair()
    near, apart = pair.losses(torch.ones(5, 3))
    pair.update(near, apart)


def test_the_other_order_gives_each_loss_the_gradients_of_its_own():
    data = torch.ones(5, 3)
    torch.manual_seed(0)
    pair = _Pair()
    near, apart = pair.losses(data)
    own = torch.autograd.grad(apart, list(pair.critic.parameters()), retain_graph=True)
    pair.update_in_order(near, apart)
    for one, grad in zip(pair.critic.parameters(), own, strict=True):
        torch.testing.assert_close(one.grad, grad)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_cure_names_lines(program):
    program.is_explained()
