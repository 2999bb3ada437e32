"""Policies: of several lines at which a value ends, the one that the loss lost its gradient by."""

import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Categorical

from course import watch, why_no_grad

CODES = torch.arange(12.0).reshape(6, 2).sin()


def _policy():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 3))


@torch.no_grad()
def _rollout(policy):
    return Categorical(logits=policy(CODES)).sample()


def _greedy(policy):
    with torch.no_grad():
        return policy(CODES).argmax(1)


def _replayed(policy, choose, cut):
    """Actions that are chosen without recording, and their log-probability afterwards."""
    optimizer, scale = torch.optim.SGD(policy.parameters(), 0.1), nn.Parameter(torch.ones(()))
    with watch():
        actions = choose(policy)
        logits = cut(policy(CODES))
        logp = Categorical(logits=logits).log_prob(actions)
        (scale * -logp.mean()).backward()
        optimizer.step()


@pytest.mark.parametrize("choose", [_rollout, _greedy])
@pytest.mark.parametrize(
    ("cut", "code"),
    [
        (lambda one: one.clone().detach(), "cut_detach"),
        (lambda one: torch.tensor(one.tolist()), "cut_number"),
        (lambda one: one.data, "cut_data"),
    ],
)
def test_actions_that_were_drawn_without_recording_are_not_what_cut_a_policy_off(choose, cut, code):
    policy = _policy()
    _replayed(policy, choose, cut)
    for report in (why_no_grad(policy[0].weight), why_no_grad(model=policy)):
        assert report.codes == (code,), report
        assert "one" in report.findings[0].place.text, report


def test_draws_alone_are_told_where_nothing_else_cuts():
    policy = _policy()
    scale = nn.Parameter(torch.ones(()))
    with watch():
        (scale * _greedy(policy).float().mean()).backward()
    assert why_no_grad(policy[0].weight).codes == ("cut_off",)


@pytest.mark.parametrize("kind", [Categorical, Bernoulli])
def test_of_numbers_that_left_torch_those_are_named_that_had_a_graph(kind):
    """An action has none to lose."""
    policy, total = _policy(), torch.zeros(1, requires_grad=True)
    with watch():
        loss = total
        for code in CODES:
            made = kind(logits=policy(code)[..., : 1 if kind is Bernoulli else None])
            action = made.sample()
            reward = action.sum().item()
            chance = made.log_prob(action).sum().item()
            loss = loss - chance * (reward + 1)
        loss.backward()
    report = why_no_grad(policy[0].weight)
    assert report.codes == ("cut_number",), report
    assert "chance =" in report.findings[0].place.text
