"""One graph gone through twice: by a loop, a closure, a cache, an object's state; and its cure."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrize

from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# A loop over results that share a graph


def _tasks(summed):
    trunk = nn.Sequential(nn.Linear(4, 8), nn.Tanh())
    heads = {"a": nn.Linear(8, 1), "b": nn.Linear(8, 1)}
    z = trunk(torch.ones(3, 4))
    preds, total = {name: head(z) for name, head in heads.items()}, 0
    for name, pred in preds.items():
        loss = F.mse_loss(pred, torch.full((3, 1), float(len(name))))
        if summed:
            total = total + loss
        else:
            loss.backward()
    if summed:
        total.backward()


@told(
    "second_backward",
    r"a graph that the results in preds share",
    "loss.backward()",
    "total = total + loss",
    lambda: _tasks(True),
)
def a_loss_of_each_head_in_a_loop():
    _tasks(False)


def _samples(**settings):
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    logs = net(torch.ones(3, 3)).squeeze(1)
    for one in logs:
        net.zero_grad()
        one.backward(**settings)


@told(
    "second_backward",
    r"the one graph of logs",
    "one.backward(",
    "retain_graph=True to backward in this loop",
    lambda: _samples(retain_graph=True),
)
def a_backward_for_each_entry_of_a_result():
    _samples()


def _rows_by_number(**settings):
    x, rows = torch.ones(3, requires_grad=True), []
    y = (x * x).tanh()
    for i in range(3):
        (row,) = torch.autograd.grad(y[i], x, **settings)
        rows.append(row)
    return torch.stack(rows)


@told(
    "second_backward",
    r"the one graph of y",
    "torch.autograd.grad(y[i], x",
    "retain_graph=True to torch.autograd.grad in this loop",
    lambda: _rows_by_number(retain_graph=True),
)
def a_jacobian_row_by_row():
    _rows_by_number()


# A closure, a cache, an earlier gradient


def _fit(inside):
    c = nn.Parameter(torch.zeros(3))
    opt = torch.optim.LBFGS([c], max_iter=4)
    x = torch.linspace(0, 1, 5)
    loss = (c[0] + c[1] * x + c[2] * x * x - x.sin()).square().mean()

    def closure():
        opt.zero_grad()
        loss.backward()
        return loss

    def anew():
        opt.zero_grad()
        loss = (c[0] + c[1] * x + c[2] * x * x - x.sin()).square().mean()
        loss.backward()
        return loss

    opt.step(anew) if inside else opt.step(closure)


@told(
    "second_backward",
    r"opt\.step calls closure\(\) several times, and loss was computed outside",
    "loss = (c[0]",
    r"Compute loss inside of closure()",
    lambda: _fit(True),
)
def a_closure_whose_loss_is_computed_outside():
    _fit(False)


class Positive(nn.Module):
    def forward(self, w):
        return w.exp()


def _cached(each):
    layer = nn.Linear(2, 2)
    parametrize.register_parametrization(layer, "weight", Positive())
    if each:
        for _ in range(2):
            with parametrize.cached():
                layer(torch.ones(1, 2)).sum().backward()
        return
    with parametrize.cached():
        for _ in range(2):
            loss = layer(torch.ones(1, 2)).sum()
            loss.backward()


@told(
    "second_backward",
    r"a parametrized weight is computed once",
    "with parametrize.cached():",
    "inside of the loop",
    lambda: _cached(True),
)
def a_cache_around_several_steps():
    _cached(False)


def _saliency(y, x, **settings):
    return torch.autograd.grad(y.sum(), x, **settings)[0].abs()


def _penalized(**settings):
    net, x = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)), torch.ones(4, 2)
    x.requires_grad_()
    y = net(x)
    slope = _saliency(y, x, **settings)
    loss = y.square().mean() + slope.mean()
    loss.backward()


@told(
    "second_backward",
    r"^This torch\.autograd\.grad ran before, through the graph of this loss",
    "return torch.autograd.grad(y.sum(), x, **settings)",
    "create_graph=True",
    lambda: _penalized(create_graph=True),
)
def a_gradient_that_freed_the_graph_of_the_loss():
    _penalized()


# State of objects, and of buffers


class Agent:
    def __init__(self, detached=False):
        self.net, self.baseline, self.detached = nn.Linear(2, 1), 0.0, detached

    def update(self):
        values = self.net(torch.ones(3, 2)).tanh()
        self.baseline = 0.9 * self.baseline + 0.1 * values.mean()
        loss = (values - self.baseline).square().mean()
        loss.backward()
        if self.detached:
            self.baseline = self.baseline.detach()


@told(
    "second_backward",
    r"self\.baseline comes from an earlier step",
    "loss.backward()",
    "self.baseline = self.baseline.detach()",
    lambda: [agent.update() for agent in [Agent(True)] * 2],
)
def a_running_mean_that_an_agent_keeps():
    agent = Agent()
    for _ in range(2):
        agent.update()


class Gathered:
    def __init__(self, anew=False):
        self.net, self.loss, self.anew = nn.Linear(2, 1), 0, anew

    def feed(self):
        self.loss = self.loss + self.net(torch.ones(3, 2)).tanh().mean()
        self.loss.backward()
        if self.anew:
            self.loss = 0


@told(
    "second_backward",
    r"self\.loss is added to in every step",
    "self.loss.backward()",
    "begin a new sum after each backward",
    lambda: [one.feed() for one in [Gathered(True)] * 2],
)
def a_sum_of_losses_that_a_trainer_keeps():
    one = Gathered()
    for _ in range(2):
        one.feed()


class Memory(nn.Module):
    def __init__(self, detached=False):
        super().__init__()
        self.register_buffer("bank", torch.zeros(3, 2))
        self.write, self.detached = nn.Linear(2, 2), detached

    def forward(self, x):
        if self.detached:
            self.bank = self.bank.detach()
        self.bank = self.bank + self.write(x).tanh()
        return self.bank.square()


def _remember(model):
    for _ in range(2):
        loss = model(torch.ones(3, 2)).mean()
        loss.backward()


@told(
    "second_backward",
    r"model\.bank comes from an earlier step",
    "loss.backward()",
    "model.bank = model.bank.detach()",
    lambda: _remember(Memory(detached=True)),
)
def a_buffer_that_is_carried():
    model = Memory()
    for _ in range(2):
        loss = model(torch.ones(3, 2)).mean()
        loss.backward()


class Scaled(nn.Module):
    def __init__(self, anew=False):
        super().__init__()
        self.log_scale, self.anew = nn.Parameter(torch.zeros(2)), anew
        self.scale = self.log_scale.exp()

    def forward(self, x):
        return x * (self.log_scale.exp() if self.anew else self.scale)


def _scaled(model):
    for _ in range(2):
        loss = model(torch.ones(3, 2)).mean()
        loss.backward()


@told(
    "second_backward",
    r"model\.scale was computed once, in __init__\(\)",
    "self.scale = self.log_scale.exp()",
    "Compute it in forward",
    lambda: _scaled(Scaled(anew=True)),
)
def a_value_of_a_parameter_computed_in_init():
    _scaled(Scaled())


def _replayed(inputs):
    net, kept = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)), []
    for _ in range(2):
        x = torch.ones(2)
        kept.append(x if inputs else net(x))
        values = torch.stack(kept)
        values = net(values) if inputs else values
        loss = values.square().mean()
        loss.backward()


class Replay:
    def __init__(self):
        self.rows = []


def _from_replay():
    net, replay = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)), Replay()
    for _ in range(2):
        replay.rows.append((net(torch.ones(2)), 1.0))
        values = torch.stack([value for value, _ in replay.rows])
        loss = values.square().mean()
        loss.backward()


@told(
    "second_backward",
    r"Detached, they would leave nothing that this loss could train",
    "replay.rows.append(",
    "compute them anew",
    lambda: _replayed(inputs=True),
)
def values_in_a_replay_buffer():
    _from_replay()


class Pair:
    """A maker and its judge, whose losses one method returns."""

    def __init__(self):
        self.maker, self.judge = nn.Linear(3, 4), nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 1))
        self.of_maker, self.of_judge = (
            torch.optim.SGD(one.parameters(), lr=0.1) for one in (self.maker, self.judge)
        )

    def both(self, x):
        made = self.maker(x)
        verdict = self.judge(made)
        fooled = (1 - verdict).square().mean()
        told_apart = verdict.square().mean()
        return fooled, told_apart

    def apart(self, x):
        made = self.maker(x)
        own = self.judge(made.detach())
        return (1 - self.judge(made)).square().mean(), own.square().mean()

    def maker_first(self, by):
        fooled, told_apart = by(torch.ones(2, 3))
        fooled.backward()
        self.of_maker.step()
        self.of_judge.zero_grad()
        told_apart.backward()
        self.of_judge.step()

    def judge_first(self):
        fooled, told_apart = self.both(torch.ones(2, 3))
        self.of_judge.zero_grad()
        told_apart.backward()
        self.of_judge.step()
        fooled.backward()
        self.of_maker.step()

    def judge_first_cured(self):
        own = self.judge(self.maker(torch.ones(2, 3)).detach())
        own.square().mean().backward()
        self.of_judge.step()
        fooled, _ = self.both(torch.ones(2, 3))
        fooled.backward()
        self.of_maker.step()


@told(
    "second_backward",
    r"the graph of verdict",
    "verdict = self.judge(made)",
    "This loss trains what self.of_judge holds, through verdict: give it one of its own, own = "
    "self.judge(made.detach())",
    lambda: (pair := Pair()).maker_first(pair.apart),
)
def two_losses_that_a_method_returns():
    pair = Pair()
    pair.maker_first(pair.both)


@told(
    "second_backward",
    r"the graph of verdict",
    "verdict = self.judge(made)",
    "The first loss trains what self.of_judge holds, through verdict: give that loss one of its "
    "own, own = self.judge(made.detach())",
    lambda: Pair().judge_first_cured(),
)
def two_losses_that_a_method_returns_the_other_way_round():
    Pair().judge_first()


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_reuse_is_named_and_its_cure_cures(program):
    program.is_explained()
