"""Wrong programs by the finding they deserve, each beside a right one that looks like it."""

import itertools

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from course import watch, why_no_grad

PAIRS = []
"""(code, wrong program, right program): each returns the report about itself."""


def pair(code, right):
    """Register a wrong program beside a right one."""

    def register(wrong):
        PAIRS.append((code, wrong, right))
        return wrong

    return register


def leaf(*shape):
    return torch.linspace(0.5, 1.5, torch.Size(shape).numel()).reshape(shape).requires_grad_()


def net(*sizes, **options):
    layers = []
    for one, other in itertools.pairwise(sizes):
        layers += [nn.Linear(one, other, **options), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def asked(compute, w=None):
    """Ask about a leaf after one watched step."""
    w = leaf(3) if w is None else w
    with watch():
        loss = compute(w)
        if loss.requires_grad:
            loss.backward()
    return why_no_grad(w, loss)


def squares(w):
    return (w * w).sum()


# Flags


@pair("no_requires_grad", lambda: asked(squares))
def _():
    w, other = torch.ones(3), leaf(3)
    loss = (w * other).sum()
    return why_no_grad(w, loss)


def _frozen(flag):
    model = net(3, 4, 1)
    model[0].weight.requires_grad_(flag)
    loss = model(torch.ones(2, 3)).sum()
    loss.backward()
    return why_no_grad(model[0].weight, loss)


@pair("frozen", lambda: _frozen(True))
def _():
    return _frozen(False)


@pair("integer", lambda: asked(squares))
def _():
    w = torch.tensor([1, 2, 3])
    return why_no_grad(w, (w * leaf(3)).sum())


def _made(mode):
    with mode():
        return torch.ones(3)


@pair("inference", lambda: asked(squares, _made(torch.no_grad).requires_grad_()))
def _():
    return why_no_grad(_made(torch.inference_mode), leaf(3).sum())


@pair("not_a_leaf", lambda: asked(squares))
def _():
    w = leaf(3)
    h = w * 2
    loss = h.exp().sum()
    loss.backward()
    return why_no_grad(h, loss)


@pair("moved", lambda: asked(squares, leaf(3).detach().double().requires_grad_()))
def _():
    w = leaf(3).double()
    loss = squares(w)
    loss.backward()
    return why_no_grad(w, loss)


# Reached or not


@pair("loss_without_graph", lambda: asked(squares))
def _():
    w = leaf(3)
    return why_no_grad(w, torch.ones(3).sum())


@pair("loss_is_leaf", lambda: asked(squares))
def _():
    w = leaf(3)
    loss = squares(w).detach().requires_grad_()
    loss.backward()
    return why_no_grad(w, loss)


def _two_losses(of_both):
    a, b = leaf(3), leaf(3)
    first, second = squares(a), squares(b)
    loss = first + second if of_both else first
    loss.backward()
    return why_no_grad(b, loss)


@pair("other_loss", lambda: _two_losses(True))
def _():
    return _two_losses(False)


@pair("not_reached", lambda: asked(squares))
def _():
    w, other = leaf(3), leaf(3)
    loss = squares(other)
    return why_no_grad(w, loss)


class Experts(nn.Module):
    """Three layers of which a batch uses some."""

    def __init__(self, used):
        super().__init__()
        self.experts = nn.ModuleList(nn.Linear(3, 2) for _ in range(3))
        self.used = used

    def forward(self, x):
        return sum(self.experts[number](x) for number in self.used)


def _experts(used):
    model = Experts(used)
    with watch():
        loss = model(torch.ones(4, 3)).pow(2).mean()
        loss.backward()
    return why_no_grad(model, loss)


@pair("idle", lambda: _experts([0, 1, 2]))
def _():
    return _experts([0, 2])


class Branches(nn.Module):
    """A layer beside the way, or on it."""

    def __init__(self, both):
        super().__init__()
        self.a, self.b, self.both = nn.Linear(3, 2), nn.Linear(3, 2), both

    def forward(self, x):
        return self.a(x) + self.b(x) if self.both else self.a(x)


def _branches(both):
    model = Branches(both)
    with watch():
        loss = model(torch.ones(2, 3)).pow(2).sum()
        loss.backward()
    return why_no_grad(model.b.weight, loss)


@pair("never_used", lambda: _branches(True))
def _():
    return _branches(False)


@pair("dropped", lambda: asked(lambda w: squares(w.exp())))
def _():
    other = leaf(3)

    def compute(w):
        h = w.exp()
        h = other * 2
        return h.sum()

    return asked(compute)


# Cut


@pair("cut_detach", lambda: asked(lambda w: (w * w.detach()).sum()))
def _():
    other = leaf(3)
    return asked(lambda w: (w.exp().detach() * other).sum())


@pair("cut_data", lambda: asked(lambda w: (w * w.data).sum()))
def _():
    other = leaf(3)
    return asked(lambda w: (w.data * other).sum())


def _half_off(w):
    with torch.no_grad():
        scale = w.abs().max()
    return (w / scale).pow(2).sum()


@pair("cut_off", lambda: asked(_half_off))
def _():
    other = leaf(3)

    def compute(w):
        with torch.no_grad():
            h = w.exp()
        return (h * other).sum()

    return asked(compute)


@pair("cut_inference", lambda: asked(squares))
def _():
    def compute(w):
        with torch.inference_mode():
            return squares(w)

    return asked(compute)


def _checkpointed(reentrant):
    layer, head = nn.Linear(3, 4), nn.Linear(4, 1)
    x = torch.ones(2, 3)

    def block(x):
        return torch.tanh(layer(x))

    with watch():
        h = checkpoint(block, x, use_reentrant=reentrant)
        loss = head(h).sum()
        loss.backward()
    return why_no_grad(layer.weight, loss)


@pair("cut_checkpoint", lambda: _checkpointed(False))
def in_a_reentrant_checkpoint():
    return _checkpointed(True)


@pair("cut_integer", lambda: asked(lambda w: w.softmax(0)[w.argmax()]))
def _():
    other = leaf(3)
    return asked(lambda w: ((w > 1).float() * other).sum())


@pair("cut_rebuilt", lambda: asked(lambda w: torch.stack([w[0] * 2, w[1]]).prod()))
def _():
    other = leaf(2)
    return asked(lambda w: (torch.tensor([w[0] * 2, w[1]]) * other).sum())


@pair("cut_rebuilt", lambda: asked(lambda w: torch.stack([w.sum(), w.exp().sum()]).sum()))
def _():
    parts = lambda w: [w.sum(), w.exp().sum()]  # noqa: E731
    return asked(lambda w: torch.tensor(parts(w), requires_grad=True).sum())


@pair("cut_number", lambda: asked(lambda w: w.exp().sum() * (1 + 0 * w.sum().item())))
def _():
    other = leaf(3)

    def compute(w):
        value = w.exp().sum().item()
        return (torch.tensor(value) * other).sum()

    return asked(compute)


@pair("cut_number", lambda: asked(lambda w: w.clamp(0, 1).sum()))
def _():
    other = leaf(3)

    def compute(w):
        clipped = w.detach().numpy().clip(0, 1)
        return (torch.from_numpy(clipped) * other).sum()

    return asked(compute)


@pair("cut_operation", lambda: asked(squares))
def _():
    other = leaf(3)

    return asked(lambda w: (torch.histc(w.exp(), bins=3, min=0, max=5) * other).sum())


@pair("cut_detach", lambda: asked(squares))
def _():
    other = leaf(3)
    return asked(lambda w: (w.exp().detach_() * other).sum())


# Passes


@pair("no_backward", lambda: asked(squares))
def _():
    w = leaf(3)
    loss = squares(w)
    return why_no_grad(w, loss)


def _emptied(after):
    w = leaf(3)
    optimizer = torch.optim.SGD([w], lr=0.1)
    with watch():
        optimizer.zero_grad()
        loss = squares(w)
        loss.backward()
        optimizer.step()
        if after:
            optimizer.zero_grad()
    return why_no_grad(w, loss)


@pair("emptied", lambda: _emptied(False))
def _():
    return _emptied(True)


@pair("graph_freed", lambda: asked(squares))
def _():
    w = torch.full((3,), -1.0, requires_grad=True)
    with watch():
        pass
    loss = w.exp().relu().mul(0).sum()
    loss.backward()
    return why_no_grad(w, loss)


@pair("fine", lambda: _frozen(False))
def _():
    return asked(squares)


def _training(keep):
    model = net(3, 4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    total, history = 0.0, []
    with watch():
        for _ in range(4):
            optimizer.zero_grad()
            loss = model(torch.ones(2, 3)).pow(2).mean()
            loss.backward()
            optimizer.step()
            if keep == "sum":
                total = total + loss
            elif keep == "list":
                history.append(loss)
            else:
                total += loss.item()
                history.append(loss.detach())
    return why_no_grad(model, loss)


@pair("carried", lambda: _training(""))
def _():
    return _training("sum")


@pair("graphs_kept", lambda: _training(""))
def _():
    return _training("list")


# Zeros and nan


@pair("zero_step", lambda: asked(lambda w: (w + (w.round() - w).detach()).pow(2).sum()))
def _():
    return asked(lambda w: (w * 3).round().pow(2).sum())


@pair("zero_relu", lambda: asked(lambda w: torch.relu(w).pow(2).sum()))
def _():
    return asked(lambda w: torch.relu(-w).sum())


@pair("zero_flat", lambda: asked(lambda w: torch.sigmoid(w).sum()))
def _():
    return asked(lambda w: torch.sigmoid(w * 1000).sum())


@pair("zero_factor", lambda: asked(lambda w: (w * torch.ones(3)).sum()))
def _():
    return asked(lambda w: (w * torch.full((3,), 0.0)).sum())


@pair("zero_sum", lambda: asked(lambda w: w.softmax(0)[0]))
def _():
    return asked(lambda w: w.softmax(0).sum())


@pair("zero_single", lambda: asked(lambda w: torch.sigmoid(w).log().mean(), leaf(3, 1)))
def _():
    return asked(lambda w: w.softmax(-1).log().mean(), leaf(3, 1))


@pair("zero_single", lambda: asked(lambda w: w.log_softmax(0)[0, 0], leaf(3, 1)))
def _():
    return asked(lambda w: w.log_softmax(1)[0, 0], leaf(3, 1))


def _adapted(start):
    down = nn.Parameter(torch.ones(2, 3))
    up = nn.Parameter(torch.full((4, 2), start))
    optimizer = torch.optim.SGD([down, up], lr=0.1)
    with watch():
        loss = (leaf(5, 3).detach() @ down.T @ up.T - 1).pow(2).sum()
        loss.backward()
        optimizer.step()
    return why_no_grad(down, loss)


@pair("zero_start", lambda: _adapted(0.1))
def _():
    return _adapted(0.0)


def _branch(norm, start):
    """A residual branch whose last normalization begins at `start`, as ResNets set it to 0."""
    branch, head = nn.Sequential(nn.Linear(4, 4), norm), nn.Linear(4, 1)
    nn.init.constant_(norm.weight, start)
    torch.manual_seed(0)
    with watch():
        x = torch.randn(6, 4)
        loss = (head(x + branch(x)) - x[:, :1]).square().mean()
        loss.backward()
    return why_no_grad(branch[0].weight, loss)


@pair("zero_start", lambda: _branch(nn.BatchNorm1d(4), 0.5))
def _():
    return _branch(nn.BatchNorm1d(4), 0.0)


@pair("zero_start", lambda: _branch(nn.LayerNorm(4), 0.5))
def _():
    return _branch(nn.LayerNorm(4), 0.0)


@pair("zero_start", lambda: _branch(nn.GroupNorm(2, 4), 0.5))
def _():
    return _branch(nn.GroupNorm(2, 4), 0.0)


def _deep(activation, init):
    torch.manual_seed(0)
    layers = [nn.Linear(8, 8) for _ in range(12)]
    for layer in layers:
        init(layer.weight)
    model = nn.Sequential(*(part for layer in layers for part in (layer, activation())))
    with watch():
        loss = model(torch.randn(16, 8)).square().mean()
        loss.backward()
    return why_no_grad(model[0].weight, loss)


@pair("vanishing", lambda: _deep(nn.ReLU, nn.init.kaiming_normal_))
def _():
    return _deep(nn.Sigmoid, nn.init.kaiming_uniform_)


@pair("vanishing", lambda: _deep(nn.Tanh, nn.init.xavier_normal_))
def _():
    return _deep(nn.Tanh, lambda weight: nn.init.normal_(weight, std=0.03))


def _images(start):
    torch.manual_seed(0)
    norm, branch, head = nn.InstanceNorm2d(2, affine=True), nn.Conv2d(2, 2, 1), nn.Conv2d(2, 1, 1)
    nn.init.constant_(norm.weight, start)
    with watch():
        x = torch.randn(3, 2, 4, 4)
        loss = (head(x + norm(branch(x))) - x[:, :1]).square().mean()
        loss.backward()
    return why_no_grad(branch.weight, loss)


@pair("zero_start", lambda: _images(0.5))
def _():
    return _images(0.0)


def _compared(factor):
    critic = net(2, 4, 1)
    with watch():
        loss = critic(torch.ones(5, 2)).mean() - factor * critic(torch.zeros(3, 2)).mean()
        loss.backward()
    return why_no_grad(critic[-1].bias, loss)


@pair("zero_cancels", lambda: _compared(0.5))
def _():
    return _compared(1.0)


@pair("zero_other", lambda: asked(lambda w: torch.fmod(w, 1).sum()))
def _():
    return asked(lambda w: torch.fmin(w, torch.zeros(3)).sum())


@pair("nan_point", lambda: asked(lambda w: (w - w.detach() + 1e-6).sqrt().sum()))
def _():
    return asked(lambda w: ((w - w.detach()).sqrt() * 0).sum())


def _steep(factor):
    w = torch.full((3,), 1e-38, requires_grad=True)
    return asked(lambda w: (w * factor * factor).sum(), w)


@pair("nan_other", lambda: _steep(1e10))
def _():
    return _steep(1e30)


@pair("nan_loss", lambda: asked(lambda w: (w + 1).log().sum()))
def _():
    return asked(lambda w: (w * -1).log().sum())


def _of_target(value, at):
    """A fit to a target of which nothing is recorded: logs, or a row of data."""
    net_ = net(3, 4, 1)
    x, y = torch.rand(5, 3), torch.rand(5, 1)
    if at == "data":
        y[2] = value
    with watch():
        with torch.no_grad():
            goal = (y + value).log().mean(1, keepdim=True) if at == "log" else y
        loss = 0.5 * F.mse_loss(net_(x), goal)
        loss.backward()
    return why_no_grad(net_[0].weight, loss)


@pair("nan_given", lambda: _of_target(1.0, "log"))
def _():
    return _of_target(-2.0, "log")


@pair("nan_given", lambda: _of_target(1.0, "data"))
def _():
    return _of_target(float("nan"), "data")


# Models and optimizers


class Layers(nn.Module):
    """Layers in a container of some kind."""

    def __init__(self, container):
        super().__init__()
        self.layers = container([nn.Linear(3, 3), nn.Linear(3, 1)])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


def _layers(container):
    model = Layers(container)
    model.extra = nn.Linear(3, 3)
    loss = model(model.extra(torch.ones(2, 3))).sum()
    loss.backward()
    return why_no_grad(model, loss)


@pair("in_a_list", lambda: _layers(nn.ModuleList))
def _():
    return _layers(list)


class Scaled(nn.Module):
    """A weight that is a parameter, or a plain tensor."""

    def __init__(self, kind):
        super().__init__()
        self.layer = nn.Linear(3, 1)
        self.scale = kind(torch.ones(1))

    def forward(self, x):
        return self.layer(x) * self.scale


def _scaled(kind):
    model = Scaled(kind)
    loss = model(torch.ones(2, 3)).sum()
    loss.backward()
    return why_no_grad(model, loss)


@pair("plain_tensor", lambda: _scaled(nn.Parameter))
def _():
    return _scaled(lambda values: values.requires_grad_())


def _optimized(of_all):
    model = net(3, 4, 1)
    optimizer = torch.optim.SGD((model if of_all else model[0]).parameters(), lr=0.1)
    loss = model(torch.ones(2, 3)).sum()
    loss.backward()
    optimizer.step()
    return why_no_grad(model[2].weight, loss)


@pair("not_in_optimizer", lambda: _optimized(True))
def _():
    return _optimized(False)


def _replaced(anew):
    model = net(3, 4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model = net(3, 4, 1)
    if anew:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss = model(torch.ones(2, 3)).sum()
    loss.backward()
    optimizer.step()
    return why_no_grad(model, loss)


@pair("other_model", lambda: _replaced(True))
def _():
    return _replaced(False)


# The loop


def _loop(order, clip=nn.utils.clip_grad_norm_, scheduled=False):
    """A training loop whose lines come in this order, as letters."""
    model = net(3, 4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    with watch():
        for _ in range(3):
            loss = model(torch.ones(2, 3)).pow(2).mean()
            for letter in order:
                if letter == "z":
                    optimizer.zero_grad()
                elif letter == "b":
                    loss.backward()
                elif letter == "s":
                    optimizer.step()
                elif letter == "c":
                    clip(model.parameters(), 1.0)
                elif letter == "r":
                    scheduler.step()
    return why_no_grad(model, loss)


for _code, _wrong, _right in (
    ("step_before_backward", "zsb", "zbs"),
    ("emptied_before_step", "bzs", "bsz"),
    ("never_emptied", "bs", "zbs"),
    ("clip_after_step", "zbsc", "zbcs"),
    ("clip_before_backward", "zcbs", "zbcs"),
    ("scheduler_first", "zbrs", "zbsr"),
):
    PAIRS.append((_code, lambda order=_wrong: _loop(order), lambda order=_right: _loop(order)))


def _rated(rate):
    model = net(3, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    with watch():
        loss = model(torch.ones(4, 3)).pow(2).mean()
        loss.backward()
        optimizer.step()
    return why_no_grad(model, loss)


@pair("zero_rate", lambda: _rated(0.1))
def _():
    return _rated(0.0)


def _by_hand(emptied):
    w = leaf(3)
    with watch():
        for _ in range(4):
            loss = squares(w)
            loss.backward()
            with torch.no_grad():
                w -= 0.1 * w.grad
            if emptied:
                w.grad = None
    return why_no_grad(w, squares(w))


@pair("never_emptied", lambda: _by_hand(True))
def _():
    return _by_hand(False)


@pair("no_step", lambda: _loop("zbs"))
def _():
    return _loop("zb")


def _scaled_loop(unscaled):
    model = net(3, 4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    scaler = torch.amp.GradScaler("cpu")
    with watch():
        for _ in range(2):
            optimizer.zero_grad()
            loss = model(torch.ones(2, 3)).pow(2).mean()
            scaler.scale(loss).backward()
            if unscaled:
                scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(optimizer)
            scaler.update()
    return why_no_grad(model, loss)


@pair("clip_scaled", lambda: _scaled_loop(True))
def _():
    return _scaled_loop(False)


# What a loss is fed


def _lost(loss_of, classes=3):
    model = nn.Linear(3, classes)
    with watch():
        loss = loss_of(model(torch.eye(2, 3)))
        loss.backward()
    return why_no_grad(model, loss)


TARGET = torch.tensor([0, 1])


@pair("probabilities", lambda: _lost(lambda y: F.cross_entropy(y, TARGET)))
def softmax_twice():
    def loss_of(y):
        shares = y.softmax(1)
        return F.cross_entropy(shares, TARGET)

    return _lost(loss_of)


@pair(
    "probabilities",
    lambda: _lost(lambda y: F.binary_cross_entropy(y.sigmoid(), torch.ones(2, 1)), 1),
)
def _():
    return _lost(lambda y: F.binary_cross_entropy_with_logits(y.sigmoid(), torch.ones(2, 1)), 1)


@pair("no_logarithm", lambda: _lost(lambda y: F.nll_loss(y.log_softmax(1), TARGET)))
def _():
    return _lost(lambda y: F.nll_loss(y.softmax(1), TARGET))


DIVERGENT = torch.tensor([[0.2, 0.3, 0.5], [0.1, 0.8, 0.1]])


@pair(
    "no_logarithm",
    lambda: _lost(lambda y: F.kl_div(y.log_softmax(1), DIVERGENT, reduction="batchmean")),
)
def _():
    return _lost(lambda y: F.kl_div(y.softmax(1), DIVERGENT, reduction="batchmean"))


@pair("scores_for_logs", lambda: _lost(lambda y: F.nll_loss(y.log_softmax(1), TARGET)))
def _():
    return _lost(lambda y: F.nll_loss(y, TARGET))


@pair("broadcast", lambda: _lost(lambda y: F.mse_loss(y.squeeze(1), torch.ones(2)), 1))
def _():
    return _lost(lambda y: F.mse_loss(y, torch.ones(2)), 1)


@pair("broadcast", lambda: _lost(lambda y: (y - torch.ones(2, 1)).pow(2).mean(), 1))
def _():
    return _lost(lambda y: (y - torch.ones(2)).pow(2).mean(), 1)


@pair("broadcast", lambda: asked(lambda w: (w[:, None] - w[None, :]).pow(2).mean()))
def _():
    return asked(lambda w: (w[:, None] - torch.ones(3)).pow(2).mean())


@pair("ignored", lambda: _lost(lambda y: F.cross_entropy(y, torch.tensor([-100, 1]))))
def _():
    return _lost(lambda y: F.cross_entropy(y, torch.tensor([-100, -100])))


# Modes


def _moded(prepare):
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    prepare(model)
    with watch():
        optimizer.zero_grad()
        loss = model(torch.eye(3)).pow(2).mean()
        loss.backward()
        optimizer.step()
    return why_no_grad(model, loss)


@pair("eval_mode", lambda: _moded(lambda model: model.train()))
def _():
    return _moded(lambda model: model.eval())


def _freeze(model):
    model[1].requires_grad_(False)


@pair("frozen_batchnorm", lambda: _moded(lambda model: (_freeze(model), model[1].eval())))
def _():
    return _moded(_freeze)


# Right programs that look wrong, and wrong ones where something harmless comes first


def trained_net():
    """A net, its optimizer, and a batch."""
    model = net(3, 4, 1)
    return model, torch.optim.SGD(model.parameters(), lr=0.1), torch.eye(3)


def emptied_after_the_step():
    model, optimizer, x = trained_net()
    with watch():
        loss = model(x).pow(2).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return why_no_grad()


def a_loss_handed_on_detached():
    model, optimizer, x = trained_net()

    def step():
        optimizer.zero_grad()
        loss = model(x).pow(2).mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    with watch():
        loss = step()
    return why_no_grad(model[0].weight, loss)


def a_target_network():
    model, optimizer, x = trained_net()
    target = net(3, 4, 1)
    with watch():
        optimizer.zero_grad()
        loss = (model(x) - target(x).detach()).pow(2).mean()
        loss.backward()
        optimizer.step()
    return why_no_grad()


def logarithms_of_a_policy(collect):
    model = net(3, 4, 2)
    with watch():
        kept = []
        for row in torch.eye(3):
            chosen = torch.distributions.Categorical(logits=model(row))
            kept.append(chosen.log_prob(chosen.sample()))
        loss = (collect(kept) * torch.ones(3, requires_grad=True)).mean()
        loss.backward()
    return why_no_grad(model[0].weight, loss)


class Trainer:
    """Holds a net, and an optimizer that was given a part of it."""

    def __init__(self):
        self.model = net(3, 4, 1)
        self.optimizer = torch.optim.SGD(self.model[-1].parameters(), lr=0.1)

    def step(self, x):
        self.optimizer.zero_grad()
        loss = self.model(x).pow(2).mean()
        loss.backward()
        self.optimizer.step()
        return loss


def a_trainer_with_half_an_optimizer(ask_all=False):
    trainer = Trainer()
    with watch():
        loss = trainer.step(torch.eye(3))
    return why_no_grad() if ask_all else why_no_grad(trainer.model[0].weight, loss)


def a_bias_before_batchnorm():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    with watch():
        loss = F.cross_entropy(model(leaf(7, 3).detach()), torch.arange(7) % 2)
        loss.backward()
    return why_no_grad(loss=loss, model=model)


def a_critic_of_two_means():
    critic = net(2, 4, 1)
    with watch():
        loss = critic(torch.ones(5, 2)).mean() - critic(torch.zeros(3, 2)).mean()
        loss.backward()
    return why_no_grad(critic, loss)


def an_adapter_at_its_start():
    model = nn.Module()
    model.down, model.up = nn.Parameter(torch.ones(2, 3)), nn.Parameter(torch.zeros(4, 2))
    with watch():
        loss = (leaf(5, 3).detach() @ model.down.T @ model.up.T - 1).pow(2).sum()
        loss.backward()
    return why_no_grad(model, loss)


def an_expert_without_samples():
    return _experts([0, 2])


def an_actor_and_a_critic_with_a_loss_each():
    actor, critic = net(4, 3, 2), net(4, 3, 1)
    x = leaf(5, 4).detach()
    with watch():
        loss_of_critic = critic(x).pow(2).mean()
        loss_of_critic.backward()
        loss = (actor(x).sum(1) * critic(x).squeeze(1).detach()).mean()
        loss.backward()
    assert why_no_grad(critic[0].weight).codes == ("fine",)
    return why_no_grad()


RIGHT = [
    an_actor_and_a_critic_with_a_loss_each,
    a_bias_before_batchnorm,
    a_critic_of_two_means,
    an_adapter_at_its_start,
    an_expert_without_samples,
]
"""Right programs in which some gradients are zero, or none, in one step."""
