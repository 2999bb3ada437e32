"""Programs that hide a tensor: in an object, a tuple, a state that is loaded, or a step before."""

import torch
import torch.nn.functional as F
from torch import nn

from course import watch, why_no_grad
from tests.companion.programs import asked, leaf, pair


class Scale:
    """An object that holds a weight, and is no module."""

    def __init__(self, size):
        self.weight = nn.Parameter(torch.ones(size))

    def __call__(self, x):
        return x * self.weight


class ScaleModule(nn.Module):
    """The same as a module."""

    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x):
        return x * self.weight


class Scaled(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.first, self.scale = nn.Linear(3, 2), scale

    def forward(self, x):
        return self.scale(self.first(x))


def scaled(scale):
    torch.manual_seed(0)
    model = Scaled(scale)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch():
        optimizer.zero_grad()
        model(torch.ones(4, 3)).square().mean().backward()
        optimizer.step()
    return why_no_grad()


@pair("in_an_object", lambda: scaled(ScaleModule(2)))
def _():
    return scaled(Scale(2))


class Rounded(torch.autograd.Function):
    """A straight-through rounding of whatever it is given."""

    @staticmethod
    def forward(ctx, *given):
        values = given[0] if isinstance(given[0], tuple) else given
        ctx.count = len(given)
        return sum(one.round() for one in values)

    @staticmethod
    def backward(ctx, gradient):
        return (gradient,) * ctx.count


def rounded(packed):
    torch.manual_seed(0)
    first, then = nn.Linear(3, 2), nn.Linear(2, 1)
    with watch():
        h = first(torch.ones(4, 3))
        h = Rounded.apply((h, h)) if packed else Rounded.apply(h, h)
        loss = then(h).sum()
        loss.backward()
    return why_no_grad(first.weight, loss)


@pair("cut_packed", lambda: rounded(False))
def _():
    return rounded(True)


def adapted(loaded):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    x = torch.linspace(-1, 1, 10).reshape(5, 2)
    begun = {name: one.clone() for name, one in model.state_dict().items()}
    with watch():
        inner = model(x).square().mean()
        weights = dict(model.named_parameters())
        record = loaded != "first"
        slopes = torch.autograd.grad(inner, list(weights.values()), create_graph=record)
        new = {
            name: one - 0.1 * slope
            for (name, one), slope in zip(weights.items(), slopes, strict=True)
        }
        if loaded:
            model.load_state_dict(new)
            loss = (model(x) - 1).square().mean()
        else:
            loss = (torch.func.functional_call(model, new, (x,)) - 1).square().mean()
        loss.backward()
        if loaded:
            model.load_state_dict(begun)
    return why_no_grad(model[0].weight, loss)


@pair("cut_loaded", lambda: adapted(""))
def _():
    return adapted("second")


@pair("cut_loaded", lambda: adapted("first"))
def _():
    return adapted("second")


def collected(join):
    torch.manual_seed(0)
    policy, value = nn.Linear(3, 2), nn.Linear(3, 1)
    logs = [policy(torch.ones(3)).log_softmax(0)[0] for _ in range(4)]
    with watch():
        critic = value(torch.ones(3)).square().sum()
        loss = -(join(logs) * torch.arange(4.0)).mean() + critic
        loss.backward()
    return why_no_grad(policy.weight, loss)


@pair("cut_rebuilt", lambda: collected(torch.stack))
def _():
    return collected(torch.tensor)


def rewarded():
    torch.manual_seed(0)
    policy, value = nn.Linear(3, 2), nn.Linear(3, 1)
    kept = [policy(torch.ones(3)).log_softmax(0)[0] for _ in range(4)]

    def step():
        logs = torch.stack(kept).detach()
        loss = -(logs * value(torch.ones(3)).tanh()).mean()
        loss.backward()
        return loss.item()

    with watch():
        step()
    return why_no_grad(policy.weight)


def rewarded_rightly():
    torch.manual_seed(0)
    policy, value = nn.Linear(3, 2), nn.Linear(3, 1)
    kept = [policy(torch.ones(3)).log_softmax(0)[0] for _ in range(4)]
    with watch():
        (-(torch.stack(kept) * value(torch.ones(3)).tanh().detach()).mean()).backward()
    return why_no_grad(policy.weight)


@pair("cut_detach", rewarded_rightly)
def _():
    return rewarded()


@pair("nan_loss", lambda: asked(lambda w: ((w - 1).square() + 0.1).pow(0.5).sum()))
def _():
    return asked(lambda w: (w - 1).pow(0.5).sum())


def pooled(bound):
    torch.manual_seed(0)
    layer = nn.Linear(3, 4)
    with watch():
        h = layer(torch.tensor([[1.0, -2.0, 0.5], [-1.0, 2.0, 0.0]]))
        h = h.clamp(min=1e-6) if bound else h
        loss = F.mse_loss((h**3).mean(0) ** (1 / 3), torch.ones(4))
        loss.backward()
    return why_no_grad(layer.weight, loss)


@pair("nan_loss", lambda: pooled(True))
def _():
    return pooled(False)


def told_of_roots():
    """What is said of a root of numbers below 0."""
    return str(pooled(False))


def told_of_unused():
    """What is said of a parameter that nothing uses and one line makes."""

    class Unused(nn.Module):
        def __init__(self):
            super().__init__()
            self.used = nn.Linear(2, 1)
            self.left_behind_here = nn.Parameter(leaf(3).detach())

        def forward(self, x):
            return self.used(x)

    model = Unused()
    with watch():
        loss = model(torch.ones(1, 2)).sum()
        loss.backward()
    return why_no_grad(model.left_behind_here, loss)


def steered(scale):
    """An actor's step with a critic that joins the action to the state; its loss is gone."""
    torch.manual_seed(0)
    actor = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    critic = nn.Linear(5, 1)
    state = torch.linspace(-1, 1, 12).reshape(4, 3)

    def step():
        action = torch.tanh(scale * (actor(state) + 2))
        loss = -critic(torch.cat([state, action], 1)).mean()
        loss.backward()
        return loss.item()

    with watch():
        step()
    return why_no_grad(actor[0].weight)


@pair("zero_flat", lambda: steered(0.1))
def _():
    return steered(100.0)
