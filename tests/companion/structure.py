"""Programs whose mistake lies far from the line that loses the gradient, and a right one beside."""

import torch
import torch.nn.functional as F
from torch import nn

from course import watch, why_no_grad
from tests.companion.programs import asked, leaf, pair

# Outside of a clamp's limits


@pair("zero_clamped", lambda: asked(lambda w: w.clamp(0, 2).exp().sum()))
def _():
    return asked(lambda w: w.clamp(2, 3).exp().sum())


class Policy(nn.Module):
    """A spread that is bounded before its exponential is taken."""

    def __init__(self, log_std, bound):
        super().__init__()
        self.mean, self.log_std = nn.Linear(3, 2), nn.Parameter(torch.full((2,), log_std))
        self.bound = bound

    def forward(self, x):
        return torch.distributions.Normal(self.mean(x), self.bound(self.log_std).exp())


def clipped(log_std, bound=lambda value: value.clamp(-2, 0.5), limit=1.0):
    """A step that gives a number, with gradients that are clipped by their norm."""
    torch.manual_seed(0)
    policy = Policy(log_std, bound)
    optimizer = torch.optim.SGD(policy.parameters(), lr=0.1)

    def step():
        loss = -policy(torch.ones(4, 3)).log_prob(torch.ones(4, 2)).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(policy.parameters(), limit)
        optimizer.step()
        return loss.item()

    with watch():
        step()
    return why_no_grad(policy.log_std)


@pair("zero_clamped", lambda: clipped(-1.0))
def _():
    return clipped(-3.0)


@pair("zero_clipped", lambda: clipped(-1.0))
def _():
    return clipped(-1.0, limit=0.0)


# A softmax over one number, where the loss is gone


def attended(dim):
    """A pool over time by scores of one number each."""
    torch.manual_seed(0)
    score = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(score.parameters(), lr=0.1)

    def step():
        h = torch.randn(2, 5, 4)
        loss = (torch.softmax(score(h), dim) * h).sum(1).square().mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    with watch():
        step()
    return why_no_grad(score.weight)


@pair("zero_single", lambda: attended(1))
def _():
    return attended(-1)


# A custom Function that gives None for one of two leaves


class Scaled(torch.autograd.Function):
    """x times a scale."""

    @staticmethod
    def forward(ctx, x, scale, learns):
        ctx.learns = learns
        ctx.save_for_backward(x, scale)
        return x * scale

    @staticmethod
    def backward(ctx, g):
        x, scale = ctx.saved_tensors
        return g * scale, (g * x).sum().view(1) if ctx.learns else None, None


def quantized(learns):
    scale, weight = leaf(1), leaf(3)
    optimizer = torch.optim.SGD([scale, weight], lr=0.1)

    def step():
        loss = Scaled.apply(weight, scale, learns).square().sum()
        loss.backward()
        optimizer.step()
        return loss.item()

    with watch():
        step()
    return why_no_grad(scale)


@pair("none_returned", lambda: quantized(True))
def _():
    return quantized(False)


# A Function whose backward is 0 for once, beside a way around it


class Weakened(torch.autograd.Function):
    """Hands gradients on by a strength."""

    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return -ctx.strength * g, None


class Gated(nn.Module):
    """A residual branch behind a gate that begins at 0."""

    def __init__(self):
        super().__init__()
        self.branch, self.gate = nn.Linear(4, 4), nn.Parameter(torch.zeros(()))

    def forward(self, x):
        return x + self.gate * self.branch(x)


def reversed_beside_a_gate():
    """The first step of a domain adaptation whose strength begins at 0."""
    torch.manual_seed(0)
    model = nn.ModuleDict({"body": Gated(), "label": nn.Linear(4, 2), "domain": nn.Linear(4, 1)})
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step(strength):
        optimizer.zero_grad()
        h = model["body"](torch.randn(6, 4))
        loss = F.cross_entropy(model["label"](h), torch.tensor([0, 1] * 3))
        loss = loss + model["domain"](Weakened.apply(h, strength)).square().mean()
        loss.backward()
        optimizer.step()
        return loss.item()

    with watch():
        step(0.0)
    return why_no_grad()


# A parameter that is put in the place of another


class Prototypes(nn.Module):
    """Rows of length 1, by a new parameter or by writing into the one there is."""

    def __init__(self):
        super().__init__()
        self.rows = nn.Parameter(torch.ones(3, 4))
        self.bias = nn.Parameter(torch.zeros(3))

    def renew(self):
        self.rows = nn.Parameter(F.normalize(self.rows.detach(), dim=1))

    def rescale(self):
        with torch.no_grad():
            self.rows.copy_(F.normalize(self.rows, dim=1))

    def forward(self, x):
        return x @ self.rows.T + self.bias


def normalised(how):
    model = Prototypes()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step():
        how(model)
        loss = model(torch.ones(2, 4)).square().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    with watch():
        step()
    return why_no_grad()


@pair("parameter_replaced", lambda: normalised(Prototypes.rescale))
def _():
    return normalised(Prototypes.renew)


class Vocabulary(nn.Module):
    """A table that grows."""

    def __init__(self):
        super().__init__()
        self.table, self.out = nn.Parameter(torch.ones(3, 2)), nn.Linear(2, 1)

    def grow(self, rows):
        self.table = nn.Parameter(torch.cat([self.table.data, torch.ones(rows, 2)]))

    def forward(self, ids):
        return self.out(self.table[ids])


def grown(first):
    model = Vocabulary()
    if first:
        model.grow(2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    if not first:
        model.grow(2)
    with watch():
        loss = model(torch.tensor([0, 4])).square().sum()
        loss.backward()
        optimizer.step()
    return why_no_grad()


@pair("parameter_replaced", lambda: grown(True))
def _():
    return grown(False)


# Gradients of another loss


def _rivals(in_front):
    """A critic and a maker, each with its optimizer; the critic's is emptied before or behind."""
    torch.manual_seed(0)
    maker, critic = nn.Linear(2, 3), nn.Linear(3, 1)
    of_maker = torch.optim.SGD(maker.parameters(), lr=0.1)
    of_critic = torch.optim.SGD(critic.parameters(), lr=0.1)
    with watch():
        if in_front:
            of_critic.zero_grad()
        told = critic(torch.ones(4, 3)).mean() - critic(maker(torch.ones(4, 2)).detach()).mean()
        told.backward()
        of_critic.step()
        if not in_front:
            of_critic.zero_grad()
        of_maker.zero_grad()
        fooled = critic(maker(torch.ones(4, 2))).mean()
        fooled.backward()
        of_maker.step()
    return why_no_grad()


@pair("left_over", lambda: _rivals(True))
def _():
    return _rivals(False)


def _actor_critic(empties):
    """An actor's loss that goes through a value net, whose optimizer may be emptied at the end."""
    torch.manual_seed(0)
    actor, value = nn.Linear(3, 2), nn.Linear(5, 1)
    of_actor = torch.optim.Adam(actor.parameters())
    of_value = torch.optim.Adam(value.parameters())
    state = torch.ones(4, 3)

    def learn():
        action = actor(state)
        error = (value(torch.cat([state, action.detach()], 1)) - 1).square().mean()
        error.backward()
        of_value.step()
        of_value.zero_grad()
        gain = -value(torch.cat([state, actor(state)], 1)).mean()
        of_actor.zero_grad()
        gain.backward()
        of_actor.step()
        if empties:
            of_value.zero_grad()
        return gain.item()

    with watch():
        learn()
    return why_no_grad()


@pair("left_over", lambda: _actor_critic(True))
def _():
    return _actor_critic(False)


# Hooks that a loop makes


def _scaled(binds):
    """Gradients scaled by a factor of each layer; the last one's is 0."""
    model = nn.ModuleDict({"body": nn.Linear(2, 2), "head": nn.Linear(2, 1)})
    for layer, factor in [(model["body"], 0.5), (model["head"], 0.0)]:
        if binds:
            layer.weight.register_hook(lambda g, factor=factor: g * factor)
        else:
            layer.weight.register_hook(lambda g: g * factor)  # noqa: B023 - the mistake
    with watch():
        loss = model["head"](model["body"](torch.ones(3, 2))).square().sum()
        loss.backward()
    return why_no_grad(model["body"].weight, loss)


@pair("zero_hook_late", lambda: _scaled(True))
def _():
    return _scaled(False)


def _masked(given):
    """A mask of rows for each table, by a hook that a loop or a function makes."""
    tables = [nn.Parameter(torch.ones(3, 2)) for _ in range(2)]
    masks = [torch.tensor([[1.0], [0.0], [1.0]]), torch.zeros(3, 1)]

    def hook_of(mask):
        return lambda g: g * mask

    for table, mask in zip(tables, masks, strict=True):

        def late(g):
            return g * mask  # noqa: B023 - the mistake

        table.register_hook(hook_of(mask) if given else late)
    with watch():
        loss = (tables[0] * tables[1]).sum()
        loss.backward()
    return why_no_grad(tables[0], loss)


@pair("zero_hook_late", lambda: _masked(True))
def _():
    return _masked(False)


# A layer that a stack was copied from


class Patterned(nn.Module):
    def __init__(self, kept, kind):
        super().__init__()
        options = {"d_model": 4, "nhead": 2, "dim_feedforward": 8, "batch_first": True}
        layer = kind(**options, dropout=0.0)
        if kept:
            self.block = layer
        stack = nn.TransformerEncoder
        if kind is nn.TransformerDecoderLayer:
            stack = nn.TransformerDecoder
        self.stack, self.out = stack(layer, 2), nn.Linear(4, 1)

    def forward(self, x):
        decodes = isinstance(self.stack, nn.TransformerDecoder)
        return self.out(self.stack(x, x) if decodes else self.stack(x))


def _patterned(kept, kind):
    model = Patterned(kept, kind)
    optimizer = torch.optim.Adam(model.parameters())
    with watch():
        loss = model(torch.rand(3, 5, 4)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return why_no_grad(model=model, loss=loss)


@pair("pattern", lambda: _patterned(False, nn.TransformerEncoderLayer))
def _():
    return _patterned(True, nn.TransformerEncoderLayer)


@pair("pattern", lambda: _patterned(False, nn.TransformerDecoderLayer))
def _():
    return _patterned(True, nn.TransformerDecoderLayer)


# Zeros that were made to be filled


class Echo(nn.Module):
    def __init__(self):
        super().__init__()
        self.past, self.now, self.out = nn.Linear(2, 3), nn.Linear(2, 3), nn.Linear(3, 2)

    def forward(self, x, past):
        return self.out(torch.tanh(self.now(x) + self.past(past)))


def _echoed(filled):
    model, y = Echo(), torch.rand(5, 4, 2)
    with watch():
        past = torch.zeros_like(y)
        if filled:
            past[:, 1:] = y[:, :-1]
        loss = F.mse_loss(model(torch.rand(5, 4, 2), past), y)
        loss.backward()
    return why_no_grad(model.past.weight, loss)


@pair("zero_made", lambda: _echoed(True))
def _():
    return _echoed(False)


def _stated(filled):
    w, x = nn.Linear(3, 3, bias=False), torch.rand(4, 3)
    with watch():
        h = x.new_zeros(4, 1, 3).squeeze(1)
        if filled:
            h = torch.tanh(w(x))
        loss = (torch.tanh(x) + w(h)).square().mean()
        loss.backward()
    return why_no_grad(w.weight, loss)


@pair("zero_made", lambda: _stated(True))
def _():
    return _stated(False)
