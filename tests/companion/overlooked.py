"""Programs whose gradients all arrive, and in which one line takes no effect, or a wrong one."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

from course import watch, why_no_grad
from tests.companion.programs import net, pair

# An inner update


def _adapted(used, steps=2):
    model = nn.Linear(3, 1)
    optimizer = torch.optim.Adam(model.parameters())
    x, y = torch.rand(8, 3), torch.rand(8, 1)
    with watch() as seen:
        fast = dict(model.named_parameters())
        for _ in range(steps):
            loss = F.mse_loss(torch.func.functional_call(model, fast, (x,)), y)
            grads = torch.autograd.grad(loss, list(fast.values()), create_graph=True)
            if used:
                fast = {name: p - 0.1 * g for (name, p), g in zip(fast.items(), grads, strict=True)}
            else:
                for p, g in zip(fast.values(), grads, strict=True):
                    p = p - 0.1 * g
        outer = F.mse_loss(torch.func.functional_call(model, fast, (x,)), y)
        optimizer.zero_grad()
        outer.backward()
        optimizer.step()
    return seen.report()


@pair("update_unused", lambda: _adapted(True))
def _():
    return _adapted(False)


@pair("update_unused", lambda: _adapted(True, steps=1))
def _():
    return _adapted(False, steps=1)


# A custom backward


class Bent(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(y := x.tanh())
        return y

    @staticmethod
    def backward(ctx, grad):
        (y,) = ctx.saved_tensors
        return grad * (1 - y * y)


class Careless(Bent):
    @staticmethod
    def backward(ctx, grad):
        (y,) = ctx.saved_tensors
        return 1 - y * y


class Fused(torch.autograd.Function):
    """A loss that is the last thing computed: the gradient that comes to it is 1."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x * x).mean()

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 2 * x / x.numel()


def _bent(function, end=None):
    layer, x = nn.Linear(3, 2), torch.rand(4, 3)
    with watch() as seen:
        out = function.apply(layer(x))
        loss = out.square().mean() if end is None else end(out)
        loss.backward()
    return seen.report()


@pair("gradient_unread", lambda: _bent(Bent))
def _():
    return _bent(Careless)


@pair("gradient_unread", lambda: _bent(Fused, lambda loss: loss))
def _():
    return _bent(Fused, lambda loss: loss / 4)


# Two nets, two names


def _distilled(is_copy):
    torch.manual_seed(0)
    student = net(4, 5, 2)
    teacher = copy.deepcopy(student) if is_copy else student
    optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
    x = torch.rand(6, 4)
    with watch():
        with torch.no_grad():
            aim = teacher(x).softmax(1)
        loss = F.mse_loss(student(x + 0.1).softmax(1), aim)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for slow, fast in zip(teacher.parameters(), student.parameters(), strict=True):
                slow.lerp_(fast, 0.01)
    return why_no_grad()


@pair("teacher_same", lambda: _distilled(True))
def _():
    return _distilled(False)


def _labelled_by_itself():
    """One net under one name that labels its own batch."""
    model = net(4, 5, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x = torch.rand(6, 4)
    with watch():
        with torch.no_grad():
            aim = model(x).softmax(1)
        loss = F.mse_loss(model(x + 0.1).softmax(1), aim)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return why_no_grad()


@pair("teacher_same", _labelled_by_itself)
def _():
    return _distilled(False)


def _by_turns(is_unfrozen):
    maker, judge = net(2, 4), net(4, 1)
    of_maker, of_judge = (torch.optim.Adam(one.parameters()) for one in (maker, judge))
    z, real = torch.rand(6, 2), torch.rand(6, 4)
    for _ in range(2):
        with watch() as seen:
            if is_unfrozen:
                judge.requires_grad_(True)
            of_judge.zero_grad()
            (F.softplus(-judge(real)).mean() + F.softplus(judge(maker(z))).mean()).backward()
            of_judge.step()
            judge.requires_grad_(False)
            of_maker.zero_grad()
            F.softplus(-judge(maker(z))).mean().backward()
            of_maker.step()
    return seen.report()


@pair("step_on_frozen", lambda: _by_turns(True))
def _():
    return _by_turns(False)


# A number that is shown


def in_pieces():
    """The loss that a step returns for the log is no part of any pass."""
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step():
        total = torch.zeros(())
        for _ in range(3):
            one = F.mse_loss(model(torch.rand(4, 3)), torch.rand(4, 1))
            (one / 3).backward()
            total = total + one.detach() / 3
        optimizer.step()
        optimizer.zero_grad()
        return total

    with watch():
        loss = step()
    report = why_no_grad()
    assert loss.grad_fn is None
    return report


# Sixteen bits


def _tuned(dtype, rate=1e-4):
    torch.manual_seed(0)
    model = nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 3)).to(dtype)
    optimizer = torch.optim.AdamW(model[0].parameters(), lr=rate, weight_decay=0.0)
    model[1].requires_grad_(False)
    nn.init.ones_(model[0].bias)
    x, y = torch.randn(8, 16).to(dtype), torch.randint(0, 3, (8,))
    with watch() as seen:
        loss = F.cross_entropy(model(x).float(), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return seen.report()


@pair("rounded_away", lambda: _tuned(torch.float32))
def _():
    return _tuned(torch.bfloat16)


@pair("rounded_away", lambda: _tuned(torch.bfloat16, rate=0.01))
def _():
    return _tuned(torch.bfloat16, rate=1e-5)


# An optimizer of one step


def _stepping(is_kept, momentum=0.9):
    model, x = nn.Linear(3, 1), torch.rand(4, 3)
    kept = []

    def step():
        if not kept or not is_kept:
            kept[:] = [torch.optim.SGD(model.parameters(), lr=0.1, momentum=momentum)]
        (optimizer,) = kept if is_kept else (kept.pop(),)
        loss = model(x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    for _ in range(2):
        with watch() as seen:
            step()
    return seen.report()


@pair("optimizer_anew", lambda: _stepping(True))
def _():
    return _stepping(False)


@pair("optimizer_anew", lambda: _stepping(False, momentum=0))
def _():
    return _stepping(False)


# A second derivative beside another term


def _physics(activation):
    torch.manual_seed(0)
    u = nn.Sequential(nn.Linear(1, 8), activation(), nn.Linear(8, 8), activation(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(u.parameters())
    x = torch.linspace(0, 1, 9).unsqueeze(1).requires_grad_()
    with watch() as seen:
        (slope,) = torch.autograd.grad(u(x).sum(), x, create_graph=True)
        (bend,) = torch.autograd.grad(slope.sum(), x, create_graph=True)
        loss = (bend + x.detach()).square().mean() + u(torch.tensor([[0.0], [1.0]])).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return seen.report()


@pair("curvature_none", lambda: _physics(nn.Tanh))
def _():
    return _physics(nn.ReLU)


@pair("curvature_none", lambda: _physics(nn.SiLU))
def _():
    return _physics(nn.LeakyReLU)
