"""Steps in which one value, layer or pass stands for another; each wrong one beside a right one."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from course import watch, why_no_grad
from tests.companion.derived import named
from tests.companion.programs import pair


class Table(nn.Module):
    """A codebook; what it hands on beside the estimated value."""

    def __init__(self, codes=5, width=3):
        super().__init__()
        self.rows = nn.Parameter(torch.linspace(-1, 1, codes * width).reshape(codes, width))

    def forward(self, z):
        q = self.rows[torch.cdist(z, self.rows).argmin(1)]
        return z + (q - z).detach(), q


def _quantized(term, beside=False):
    """One step of an encoder, a table and a decoder; the loss is gone if `beside`."""
    torch.manual_seed(0)
    encoder, table, decoder = nn.Linear(4, 3), Table(), nn.Linear(3, 4)
    x = torch.randn(6, 4)

    def step():
        z = encoder(x)
        estimated, q = table(z)
        loss = F.mse_loss(decoder(estimated), x) + term(z, estimated, q)
        loss.backward()
        return loss

    with watch():
        loss = step().item() if beside else step()
    return why_no_grad(table.rows) if beside else why_no_grad(table.rows, loss)


@named("return z + (q - z).detach(), q")
@pair("straight_through", lambda: _quantized(lambda z, e, q: (q - z.detach()).abs().mean()))
def _():
    return _quantized(lambda z, e, q: 0.25 * (z - q.detach()).square().mean())


def _of_estimate(z, estimated, q):
    return F.smooth_l1_loss(estimated, z.detach()) + 0.25 * F.mse_loss(z, estimated.detach())


def _of_rows(z, estimated, q):
    return F.smooth_l1_loss(q, z.detach()) + 0.25 * F.mse_loss(z, q.detach())


@named("return F.smooth_l1_loss(estimated, z.detach())")
@pair("straight_through_compared", lambda: _quantized(_of_rows))
def _():
    return _quantized(_of_estimate)


@named("return (z.detach() - estimated).pow(2).sum(1).mean()")
@pair("straight_through_compared", lambda: _quantized(_of_rows, beside=True))
def _():
    def squared(z, estimated, q):
        return (z.detach() - estimated).pow(2).sum(1).mean()

    return _quantized(squared, beside=True)


class Gate(nn.Module):
    def __init__(self, begin):
        super().__init__()
        self.weigh = nn.Linear(3, 1)
        begin(self.weigh.weight)
        nn.init.zeros_(self.weigh.bias)
        self.out = nn.Linear(3, 2)

    def forward(self, x):
        return self.out(x * F.relu(self.weigh(x)) + x)


def _gated(begin, asked):
    torch.manual_seed(0)
    gate = Gate(begin)
    with watch():
        loss = gate(torch.randn(8, 3)).square().sum()
        loss.backward()
    return why_no_grad(asked(gate), loss)


@pair("zero_relu_start", lambda: _gated(nn.init.normal_, lambda gate: gate.weigh.weight))
def _():
    return _gated(nn.init.zeros_, lambda gate: gate.weigh.weight)


def _convolved(begin):
    torch.manual_seed(0)
    first, last = nn.Conv1d(2, 4, 3, bias=False), nn.Conv1d(4, 1, 3, bias=False)
    begin(last.weight)
    net = nn.Sequential(first, nn.Tanh(), last, nn.ReLU())
    with watch():
        net(torch.randn(3, 2, 9)).mean().backward()
    return why_no_grad(net)


@pair("zero_relu_start", lambda: _convolved(nn.init.ones_))
def _():
    return _convolved(nn.init.zeros_)


def _blurred(as_array):
    """A loss of two branches of which one leaves torch for NumPy on its way to the sum."""
    torch.manual_seed(0)
    trunk, near, far = nn.Linear(3, 4), nn.Linear(4, 2), nn.Linear(4, 2)
    x, y = torch.randn(5, 3), torch.randn(5, 4)

    def smooth(values):
        if not as_array:
            return values.cumsum(0)
        return torch.from_numpy(np.cumsum(values.detach().numpy(), 0))

    with watch():
        h = trunk(x)
        both = torch.cat([near(h), far(h)], 1)
        loss = F.mse_loss(both[:, :2], y[:, :2])
        loss = loss + 0.5 * F.l1_loss(smooth(both[:, 2:]), y[:, 2:].cumsum(0))
        loss.backward()
    return why_no_grad(far.weight, loss)


@pair("term_cut", lambda: _blurred(False))
def blurred_by_arrays():
    return _blurred(True)


@pair("term_cut", lambda: _blurred(False))
def a_term_that_arrays_make_and_a_cast_hands_on():
    torch.manual_seed(0)
    net, x, y = nn.Linear(3, 4), torch.randn(5, 3), torch.randn(5, 4)
    with watch():
        out = net(x)
        spread = torch.tensor(np.std(out[:, 2:].detach().numpy(), 0), dtype=torch.float64)
        loss = F.mse_loss(out, y) + 0.1 * F.mse_loss(spread, y[:, 2:].double().std(0)).float()
        loss.backward()
    return why_no_grad(net.weight, loss)


def _pieced(emptied_each, ends):
    """Two optimizers that step on every second piece of a batch."""
    torch.manual_seed(0)
    made, judge = nn.Linear(2, 3), nn.Linear(3, 1)
    first = torch.optim.Adam(made.parameters(), 1e-3)
    second = torch.optim.SGD(judge.parameters(), 1e-2)
    with watch() as seen:
        for number in range(6):
            fake = made(torch.randn(4, 2))
            loss = -judge(fake).mean()
            loss.backward()
            if number % 2:
                first.step()
            if emptied_each or number % 2:
                first.zero_grad()
            second.zero_grad()
            (judge(fake.detach()).mean() - judge(torch.randn(4, 3)).mean()).backward()
            if ends:
                second.step()
    return seen.report()


@pair("emptied_unused", lambda: _pieced(False, True))
def pieces_emptied_one_by_one():
    return _pieced(True, True)


def in_turns():
    """Two optimizers each of which empties what the other one's loss has left: as it should be."""
    torch.manual_seed(0)
    made, judge = nn.Linear(2, 3), nn.Linear(3, 1)
    first = torch.optim.Adam(made.parameters(), 1e-3)
    second = torch.optim.SGD(judge.parameters(), 1e-2)
    with watch() as seen:
        for _ in range(4):
            fake = made(torch.randn(4, 2))
            second.zero_grad()
            (judge(fake).mean() - judge(torch.randn(4, 3)).mean()).backward()
            second.step()
            first.zero_grad()
            (-judge(made(torch.randn(4, 2))).mean()).backward()
            first.step()
    return seen.report()


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)

    def forward(self, x):
        return x + self.fc(x).tanh()


def in_checkpoints(begins):
    """A step through two reentrant checkpoints; the first is frozen, or its input requires grad."""
    torch.manual_seed(0)
    frozen, stem, learnt = Block().requires_grad_(False), nn.Linear(3, 3), Block()
    x = torch.randn(4, 3, requires_grad=begins)
    with watch():
        h = stem(checkpoint(frozen, x, use_reentrant=True))
        loss = checkpoint(learnt, h, use_reentrant=True).square().mean()
        loss.backward()
    return why_no_grad(), why_no_grad(learnt.fc.weight, loss), why_no_grad(stem.weight, loss)


def emptied_by_its_own():
    """A gradient that its own optimizer emptied, and after that another one its own."""
    one, other = nn.Linear(2, 1), nn.Linear(2, 1)
    opt_one = torch.optim.SGD(one.parameters(), 0.1)
    opt_other = torch.optim.SGD(other.parameters(), 0.1)
    with watch():
        loss = one(torch.ones(3, 2)).sum()
        loss.backward()
        opt_one.step()
        opt_one.zero_grad()
        opt_other.zero_grad()
        other(torch.ones(3, 2)).sum().backward()
        opt_other.step()
    return why_no_grad(one.weight, loss)


class Nested(nn.Module):
    def __init__(self, inside):
        super().__init__()
        self.stem = nn.Linear(2, 2)
        self.pairs = inside

    def forward(self, x):
        x = self.stem(x)
        for layers in self.pairs:
            for layer in layers:
                x = layer(x)
        return x


def _nested(inside):
    net = Nested(inside)
    with watch():
        loss = net(torch.ones(3, 2)).sum()
        loss.backward()
    return why_no_grad(net.stem.weight, loss)


@pair("in_a_list", lambda: _nested(nn.ModuleList([nn.ModuleList([nn.Linear(2, 2)]) for _ in "ab"])))
def _():
    return _nested([(nn.Linear(2, 2), nn.ReLU()) for _ in "ab"])


@pair("in_a_list", lambda: _nested(nn.ModuleList([nn.Sequential(nn.Linear(2, 2))])))
def _():
    return _nested([[nn.Linear(2, 2)], [nn.Linear(2, 2)]])


def counted(kind):
    """A loss that is nan or inf: of a mean over nothing, of what is too large, of a log of 0."""
    torch.manual_seed(0)
    net = nn.Linear(3, 2)
    x = torch.randn(4, 3)
    with watch() as seen:
        out = net(x)
        if kind == "mean":
            chosen = torch.tensor([[1.0, 0], [0, 0], [0, 1], [0, 0]])
            loss = ((out * chosen).sum(1) / chosen.sum(1)).mean()
        elif kind == "exp":
            loss = (200 * out.abs() + 100).exp().mean()
        else:
            loss = -(out.clamp_min(0) * torch.tensor([1.0, 0])).log().mean()
        loss.backward()
    return seen.report()
