"""Losses that are computed and are not what was meant, each beside what its cure makes of it."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical, Laplace, Normal, kl_divergence

from course import watch, why_no_grad
from tests.companion.programs import net, pair

# Products of a column and a row


def _policy_gradient(rewards, mean):
    torch.manual_seed(0)
    policy = net(3, 4, 2)
    with watch():
        choice = Categorical(logits=policy(torch.randn(6, 3)))
        action = choice.sample()
        loss = mean(choice.log_prob(action) * rewards(torch.randn(6, 1)))
        loss.backward()
    return why_no_grad(policy, loss)


@pair("broadcast_product", lambda: _policy_gradient(lambda r: r.squeeze(1), lambda x: -x.mean()))
def rewards_in_a_column():
    return _policy_gradient(lambda r: r, lambda x: -x.mean())


@pair("broadcast_product", lambda: _policy_gradient(lambda r: r[:, 0], lambda x: x.sum() / -6 + 1))
def rewards_in_a_column_whose_sum_is_taken():
    return _policy_gradient(lambda r: r, lambda x: x.sum() / -6 + 1)


def an_outer_product_that_a_layer_reads():
    """It is meant: the loss is no mean of it."""
    torch.manual_seed(0)
    head, scale = nn.Linear(5, 1), nn.Parameter(torch.ones(5))
    with watch():
        angles = torch.arange(5.0)[:, None] * scale
        loss = head(angles.sin()).square().mean()
        loss.backward()
    return why_no_grad(head, loss)


# Draws


class Autoencoder(nn.Module):
    def __init__(self, kind, how):
        super().__init__()
        torch.manual_seed(0)
        self.mean, self.spread, self.decoder = nn.Linear(4, 2), nn.Linear(4, 2), nn.Linear(2, 4)
        self.kind, self.how = kind, how

    def forward(self, x):
        code = self.kind(self.mean(x), self.spread(x).exp())
        return self.decoder(getattr(code, self.how)()), code


def _autoencoded(kind, how):
    model = Autoencoder(kind, how)
    with watch():
        x = torch.randn(5, 4)
        made, code = model(x)
        prior = kind(torch.zeros(5, 2), torch.ones(5, 2))
        loss = F.mse_loss(made, x) + kl_divergence(code, prior).mean()
        loss.backward()
    return why_no_grad(model, loss)


@pair("sampled", lambda: _autoencoded(Normal, "rsample"))
def a_code_that_is_drawn_unrecorded():
    return _autoencoded(Normal, "sample")


@pair("sampled", lambda: _autoencoded(Laplace, "rsample"))
def a_code_of_another_distribution():
    return _autoencoded(Laplace, "sample")


def an_action_that_a_critic_judges_too():
    """The policy is trained by log_prob, and the critic on the drawn action: all is right."""
    torch.manual_seed(0)
    actor, critic = net(3, 4, 1), net(4, 4, 1)
    with watch():
        state = torch.randn(6, 3)
        policy = Normal(actor(state), 1.0)
        action = policy.sample()
        value = critic(torch.cat([state, action], 1))
        gain = (value - torch.randn(6, 1)).detach()
        loss = (value - torch.ones(6, 1)).square().mean() - (policy.log_prob(action) * gain).mean()
        loss.backward()
    return why_no_grad(nn.ModuleList([actor, critic]), loss)


def a_score_that_is_written_out():
    torch.manual_seed(0)
    actor, critic = net(3, 4, 1), nn.Linear(1, 1)
    with watch():
        mean = actor(torch.randn(6, 3))
        action = Normal(mean, 1.0).sample()
        gain = critic(action).detach()
        score = -(action - mean).square() / 2
        loss = (critic(action) - 1).square().mean() - (score * gain).mean()
        loss.backward()
    return why_no_grad(nn.ModuleList([actor, critic]), loss)


# Targets that hang on the net that is trained


def _values(target_of, compared=F.smooth_l1_loss):
    torch.manual_seed(0)
    q = net(3, 4, 2)
    with watch():
        state, reward, done = torch.randn(6, 3), torch.randn(6), torch.zeros(6)
        value = q(state).gather(1, torch.zeros(6, 1, dtype=torch.long)).squeeze(1)
        target = target_of(q, state.flip(0), reward, done)
        loss = compared(value, target)
        loss.backward()
    return why_no_grad(q, loss)


def _bootstrapped(q, state, reward, done):
    return reward + 0.9 * (1 - done) * q(state).max(1).values


def _without_graph(q, state, reward, done):
    with torch.no_grad():
        return reward + 0.9 * (1 - done) * q(state).max(1).values


@pair("target_with_graph", lambda: _values(_without_graph))
def a_target_by_the_net_itself():
    return _values(_bootstrapped)


def _squares(one, other):
    return (other - one).square().mean()


@pair("target_with_graph", lambda: _values(_without_graph, _squares))
def a_target_in_a_difference():
    return _values(_bootstrapped, _squares)


def two_views_that_are_to_agree():
    """Both sides are trained, and meant to be."""
    torch.manual_seed(0)
    model = net(3, 4, 2)
    with watch():
        x = torch.randn(6, 3)
        loss = F.mse_loss(model(x), model(x + 0.1)) + F.mse_loss(model(x)[:, 0], x[:, 0])
        loss.backward()
    return why_no_grad(model, loss)


# A hook that lets some rows through


def rows_behind_a_hook():
    table = nn.Embedding(6, 2)
    rows = torch.tensor([1.0, 1.0, 1.0, 0.0, 0.0, 1.0])[:, None]
    table.weight.register_hook(lambda gradient: gradient * rows)
    with watch():
        loss = table(torch.arange(6)).square().mean()
        loss.backward()
    return why_no_grad(table, loss)
