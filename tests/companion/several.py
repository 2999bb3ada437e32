"""Programs with several losses, each with a backward of its own; and gradients that cancel."""

import torch
import torch.nn.functional as F
from torch import nn

from course import watch, why_no_grad
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
