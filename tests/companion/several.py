"""Programs with several losses, each with a backward of its own; and gradients that cancel."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical

from course import watch, why_no_grad
from tests.companion.derived import named
from tests.companion.programs import pair


class Gan:
    """One step of each player; the critic is frozen while the generator learns."""

    def __init__(self, real_loss, fake_loss):
        torch.manual_seed(0)
        self.of_real, self.of_fake = real_loss, fake_loss
        self.generator = nn.Linear(2, 3)
        self.critic = nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(0.2), nn.Linear(4, 1))
        self.fast = torch.optim.Adam(self.generator.parameters())
        self.slow = torch.optim.Adam(self.critic.parameters())

    def criticise(self, fake):
        real = self.critic(torch.randn(8, 3))
        loss = self.of_real(real).mean() + self.of_fake(self.critic(fake.detach())).mean()
        self.slow.zero_grad()
        loss.backward()
        self.slow.step()
        return loss

    def generate(self, fake):
        self.critic.requires_grad_(False)
        loss = -self.critic(fake).mean()
        self.fast.zero_grad()
        loss.backward()
        self.fast.step()
        self.critic.requires_grad_(True)
        return loss


def hinge():
    return Gan(lambda told: F.relu(1 - told), lambda told: F.relu(1 + told))


def flat():
    """Neither hinge is ever reached: no parameter of the critic gets anything."""
    return Gan(lambda told: F.relu(told - 9), lambda told: F.relu(told - 9))


def asked_about_all(gan, keep=True):
    with watch():
        fake = gan.generator(torch.randn(8, 2))
        if keep:
            d_loss = gan.criticise(fake)
        else:
            gan.criticise(fake)
        g_loss = gan.generate(fake)
    assert g_loss.requires_grad
    assert not keep or d_loss.requires_grad
    return why_no_grad()


def asked_about_one(of_critic):
    gan = hinge()
    with watch():
        fake = gan.generator(torch.randn(8, 2))
        d_loss = gan.criticise(fake)
        g_loss = gan.generate(fake)
    return why_no_grad(gan.critic[0].weight, d_loss if of_critic else g_loss)


@pair("zero_relu", lambda: asked_about_all(hinge()))
def _():
    return asked_about_all(flat())


@pair("other_pass", lambda: asked_about_one(True))
def _():
    return asked_about_one(False)


# Gradients of all parameters that cancel


def _policy():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    memory = torch.randn(16, 4), torch.randint(0, 3, (16,)), torch.randn(16)
    return net, torch.optim.Adam(net.parameters()), memory


def _clipped(ratio, gain):
    return -torch.min(ratio * gain, ratio.clamp(0.8, 1.2) * gain).mean()


def proximal(older, compared=lambda new, old: (new - old).exp(), by_name=False):
    """PPO's first update, with the old log-probability computed in it."""
    net, optimizer, (seen, action, gain) = _policy()
    with watch():
        some = torch.arange(8)
        new = Categorical(logits=net(seen[some])).log_prob(action[some])
        old = older(Categorical(logits=net(seen[some])).log_prob(action[some]))
        loss = _clipped(compared(new, old), gain[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return why_no_grad(net[0].weight, loss) if by_name else why_no_grad()


def _from_one_minibatch(older, by_name=False):
    net, optimizer, (seen, action, gain) = _policy()
    with watch():
        seen = seen[torch.arange(16)]
        new = Categorical(logits=net(seen)).log_prob(action)
        old = older(Categorical(logits=net(seen)).log_prob(action))
        loss = _clipped((new - old).exp(), gain)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return why_no_grad(net[0].weight, loss) if by_name else why_no_grad()


@named("(new - old).exp()")
@pair("zero_twins", lambda: _from_one_minibatch(torch.detach))
def _():
    return _from_one_minibatch(lambda old: old)


@named("(new - old).exp()")
@pair("zero_twins", lambda: _from_one_minibatch(torch.detach, by_name=True))
def _():
    return _from_one_minibatch(lambda old: old, by_name=True)


def a_policy_compared_with_itself_in_parts():
    """Two minibatches that are equal and were taken apart: nobody sees that they are."""
    return proximal(lambda old: old)


def halves_of_a_batch(split):
    """A critic's bias meets both halves: its gradient is rightly 0."""
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizer = torch.optim.Adam(critic.parameters())
    with watch():
        real, fake = split(critic(torch.randn(16, 3)))
        loss = fake.mean() - real.mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return why_no_grad(critic[2].bias, loss), why_no_grad()
