"""Custom Functions, slopes and weights that a gradient does not reach: which line; its cure."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from grader.errors import explain_error
from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# A backward that cuts the graph of what it returns


class Cubed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g.detach() * 3 * x.detach() ** 2


class Recorded(Cubed):
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x**2


def _curved(kind):
    x = torch.ones(3, requires_grad=True)
    slope = torch.autograd.grad(kind.apply(x).sum(), x, create_graph=True)[0]
    slope.sum().backward()


@told(
    "no_graph",
    r"Cubed\.backward computed it, and cut it there \(.*detach\(\)",
    "x.detach() ** 2",
    "by recorded operations of ctx.saved_tensors",
    lambda: _curved(Recorded),
)
def a_backward_that_detaches():
    x = torch.ones(3, requires_grad=True)
    y = Cubed.apply(x)
    slope = torch.autograd.grad(y, x, torch.ones(3), create_graph=True)[0]
    slope.sum().backward()


class Bare(torch.autograd.Function):
    """An implicit step whose backward runs the forward again."""

    @staticmethod
    def forward(ctx, k, y):
        ctx.save_for_backward(k, y)
        return y + k * y.sin()

    @staticmethod
    def backward(ctx, g):
        k, y = ctx.saved_tensors
        with torch.enable_grad():
            out = y + k * y.sin()
            return torch.autograd.grad(out, (k, y), g)


class Whole(Bare):
    @staticmethod
    def backward(ctx, g):
        k, y = ctx.saved_tensors
        with torch.enable_grad():
            out = y + k * y.sin()
            return torch.autograd.grad(out, (k, y), g, create_graph=True)


def _stepped(kind):
    k, y = torch.tensor(0.5, requires_grad=True), torch.ones(2, requires_grad=True)
    end = kind.apply(k, y).square().sum()
    (by_k,) = torch.autograd.grad(end, k, create_graph=True)
    by_k.backward()


@told(
    "no_graph",
    r"Bare\.backward computed it, and cut it there \(.*without create_graph=True",
    "return torch.autograd.grad(out, (k, y), g)",
    "pass create_graph=True to that torch.autograd.grad",
    lambda: _stepped(Whole),
)
def a_backward_that_differentiates_without_recording():
    k, y = torch.tensor(0.5, requires_grad=True), torch.ones(2, requires_grad=True)
    end = Bare.apply(k, y).sum()
    (by_k,) = torch.autograd.grad(end, k, create_graph=True)
    by_k.backward()


# A model that differentiates by its input, inside of a Function's forward


class Potential(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))

    def forward(self, q):
        energy = self.net(q).sum()
        return -torch.autograd.grad(energy, q, create_graph=True)[0]


class Recording(Potential):
    def forward(self, q):
        with torch.enable_grad():
            if not q.requires_grad:
                q = q.detach().requires_grad_()
            return super().forward(q)


class Fixed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, q, force):
        for _ in range(3):
            q = q + 0.1 * force(q)
        return q

    @staticmethod
    def backward(ctx, g):
        return g, None


def _moved(force):
    q = torch.ones(3, 2, requires_grad=True)
    Fixed.apply(q, force).sum().backward()


@told(
    "no_graph",
    r"inside of the forward of a torch\.autograd\.Function.*so energy has no graph",
    "energy = self.net(q).sum()",
    "if not q.requires_grad: q = q.detach().requires_grad_()",
    lambda: _moved(Recording()),
)
def a_force_inside_of_a_solver():
    _moved(Potential())


# A backward without a return


class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, a, x):
        ctx.save_for_backward(a, x)
        return a * x

    @staticmethod
    def backward(ctx, g):
        a, x = ctx.saved_tensors
        grad_a = (g * x).sum()
        grad_x = g * a
        torch.stack([grad_a, grad_x.sum()])


class Returning(Scaled):
    @staticmethod
    def backward(ctx, g):
        a, x = ctx.saved_tensors
        return (g * x).sum(), g * a


def _scaled(kind):
    a, x = torch.tensor(2.0, requires_grad=True), torch.ones(3, requires_grad=True)
    kind.apply(a, x).sum().backward()


@told(
    "function_count",
    r"Scaled\.backward ends without a return",
    "torch.stack([grad_a, grad_x.sum()])",
    "return grad_a, grad_x",
    lambda: _scaled(Returning),
)
def gradients_that_are_not_returned():
    _scaled(Scaled)


# A flag that is set on what has no graph


def _rounded(keep):
    x = torch.rand(4, 2, requires_grad=True)
    score = (x * x if keep else (x * x).detach()).sum()
    if not keep:
        score.requires_grad = True
    return torch.autograd.grad(score, x)


@told(
    "unused",
    r"score has no graph: it did not require grad, and this line set the flag",
    "score.requires_grad = True",
    "keep what score is computed from in torch and recorded",
    lambda: _rounded(True),
)
def a_flag_on_what_was_detached():
    _rounded(False)


def _orders(forced):
    x = torch.linspace(0, 1, 5, requires_grad=True)
    u = 3 * x + 1
    for _ in range(2):
        if not u.requires_grad and not forced:
            u = torch.zeros_like(x)
            continue
        u.requires_grad_(True)
        (u,) = torch.autograd.grad(
            outputs=u, inputs=x, grad_outputs=torch.ones(5), create_graph=True
        )


def test_a_flag_on_a_slope_beside_custom_functions_is_not_called_a_constant():
    with pytest.raises(RuntimeError) as raised:
        _orders(True)
    found = explain_error(raised.value)
    assert "u has no graph: it did not require grad, and this line set the flag" in found.meaning
    assert "constant" not in found.meaning, found  # a Function of this file may have cut it
    _orders(False)


# Weights that were to be put into a model


def _adapted(by_call):
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    fast = [p.clone() for p in net.parameters()]
    x, y = torch.rand(5, 3), torch.arange(5) % 2
    if by_call:
        named = dict(zip(dict(net.named_parameters()), fast, strict=True))
        loss = F.cross_entropy(torch.func.functional_call(net, named, (x,)), y)
    else:
        for w, p in zip(fast, net.parameters(), strict=True):
            p = w
        loss = F.cross_entropy(net(x), y)
    return p if loss is None else torch.autograd.grad(loss, fast)


@told(
    "unused",
    r"gives the variable p another value, and leaves the parameters of net as they are",
    "p = w",
    "torch.func.functional_call(net, dict(zip(dict(net.named_parameters()), fast)), (x,))",
    lambda: _adapted(True),
)
def a_loop_that_gives_its_variable_a_value():
    _adapted(False)


def _written():
    net = nn.Linear(3, 2)
    fast = [p.clone() for p in net.parameters()]
    x = torch.rand(5, 3)
    for i, (_, p) in enumerate(net.named_parameters()):
        p.data.copy_(fast[i])
    loss = net(x).square().mean()
    return torch.autograd.grad(loss, fast)


@told(
    "unused",
    r"copies values into the parameters of net, and no graph",
    "p.data.copy_(fast[i])",
    "torch.func.functional_call(net,",
    lambda: _adapted(True),
)
def a_loop_that_copies_values():
    _written()


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_a_gradient_does_not_reach_is_named_and_its_cure_cures(program):
    program.is_explained()
