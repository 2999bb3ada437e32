"""Steps that return a number, so that the loss is gone when one asks; wrong beside right."""

import torch
import torch.nn.functional as F
from torch import nn

from course import watch, why_no_grad
from tests.companion.programs import leaf, net


class Coder(nn.Module):
    """A code between two layers, handed on in one way or another."""

    def __init__(self, hand_on, spare=False):
        super().__init__()
        self.encoder, self.decoder = net(3, 4, 2), nn.Linear(2, 1)
        self.hand_on = hand_on
        if spare:
            self.spare = nn.Linear(2, 2)

    def forward(self, x):
        code = self.encoder(x)
        return self.decoder(self.hand_on(code))


def _step(model, optimizer):
    optimizer.zero_grad()
    loss = F.mse_loss(model(leaf(5, 3).detach()), torch.ones(5, 1))
    loss.backward()
    optimizer.step()
    return loss.item()


def asked(hand_on, spare=False):
    """Ask about a weight, and about all."""
    torch.manual_seed(0)
    model = Coder(hand_on, spare)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch():
        value = _step(model, optimizer)
    assert isinstance(value, float)
    return why_no_grad(model.encoder[0].weight), why_no_grad()


class Estimator(torch.autograd.Function):
    """A sign, and a backward that lets through what lies outside of [-1, 1], or inside, or none."""

    @staticmethod
    def forward(ctx, x, passes):
        ctx.passes = passes(x)
        return x.sign()

    @staticmethod
    def backward(ctx, grad):
        if ctx.passes is None:
            return None, None
        return grad * ctx.passes, None


def estimated(passes):
    return lambda code: Estimator.apply(code, passes)


WRONG = {
    "zero_other": (estimated(lambda x: x.abs() > 9), "return grad * ctx.passes, None"),
    "none_returned": (estimated(lambda x: None), "return grad * ctx.passes, None"),
    "cut_detach": (lambda code: code.detach(), "code.detach()"),
    "cut_number": (lambda code: torch.tensor(code.tolist()), "code.tolist()"),
    "zero_step": (lambda code: code.round(), "code.round()"),
    "zero_flat": (lambda code: torch.sigmoid(code * 1e4), "torch.sigmoid(code * 1e4)"),
    "zero_factor": (lambda code: code * torch.full((2,), 0.0), "code * torch.full((2,), 0.0)"),
    "zero_sum": (
        lambda code: code.softmax(1).sum(1, keepdim=True).expand(5, 2),
        "code.softmax(1).sum(1, keepdim=True)",
    ),
    "zero_parts": (
        lambda code: (code - code.mean()).mean().expand(5, 2),
        "(code - code.mean()).mean()",
    ),
    "nan_row": (
        lambda code: torch.where(
            torch.ones(5, 2) > 0,
            code,
            code.masked_fill(torch.ones(5, 2) > 0, -torch.inf).softmax(1) * code,
        ),
        "code.masked_fill(torch.ones(5, 2) > 0, -torch.inf).softmax(1) * code",
    ),
    "nan_point": (lambda code: (code * 0).sqrt(), "(code * 0).sqrt()"),
    "nan_loss": (lambda code: (code * 0 - 1).log(), "(code * 0 - 1).log()"),
}
"""By the code of the finding: what is done to the value in between, and the line's text."""


def a_branch_whose_normalization_begins_at_zero():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    nn.init.zeros_(model[1].weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step():
        x = torch.randn(6, 4)
        loss = (x + model(x) - x.flip(0)).square().mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    with watch():
        step()
    return why_no_grad(model[0].weight), why_no_grad()


def noise_that_is_scored_alone():
    """A draw's own log-probability, whose mean gets zeros, and a score that is detached."""
    torch.manual_seed(0)
    policy, spread, critic = net(3, 4, 1), nn.Linear(3, 1), nn.Linear(1, 1)
    optimizer = torch.optim.SGD([*policy.parameters(), *spread.parameters()], lr=0.1)

    def step(detached):
        x = torch.randn(5, 3)
        normal = torch.distributions.Normal(policy(x), spread(x).exp())
        drawn = normal.rsample()
        score = critic(drawn)
        loss = (normal.log_prob(drawn) - (score.detach() if detached else score)).mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    with watch():
        step(True)
    lost = why_no_grad(policy[2].weight)
    optimizer.zero_grad()
    with watch():
        step(False)
    return lost, why_no_grad(policy[2].weight)


def many_sigmoids():
    torch.manual_seed(0)
    layers = [part for _ in range(15) for part in (nn.Linear(6, 6), nn.Sigmoid())]
    model = nn.Sequential(*layers, nn.Linear(6, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch():
        loss = model(torch.randn(4, 6)).square().mean()
        loss.backward()
        optimizer.step()
        del loss
    return why_no_grad(model[0].weight), why_no_grad()


def small_for_a_reason_of_its_own():
    """Fifteen parameters that are given next to nothing by the loss itself."""
    torch.manual_seed(0)
    model = net(6, *[6] * 13, 1).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch():
        loss = model(torch.randn(4, 6).double()).square().mean() * 1e-12
        loss.backward()
        optimizer.step()
        del loss
    return why_no_grad(model[0].weight), why_no_grad()


def an_adapter_that_begins_at_zero():
    down, up = nn.Parameter(torch.ones(2, 3)), nn.Parameter(torch.zeros(1, 2))
    optimizer = torch.optim.SGD([down, up], lr=0.1)

    def step():
        loss = (leaf(5, 3).detach() @ down.T @ up.T - 1).square().mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    with watch():
        step()
    return why_no_grad(down), why_no_grad()
