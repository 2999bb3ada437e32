"""Programs in which a part of the work changes nothing, or too much; each beside a right one."""

import warnings

import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd import Variable
from torch.optim.lr_scheduler import CosineAnnealingLR, MultiStepLR, StepLR

from course import watch, why_no_grad
from tests.companion.programs import pair

# A term that is computed where nothing is recorded


class Restorer(nn.Module):
    def __init__(self):
        super().__init__()
        self.shrink, self.grow = nn.Linear(6, 3), nn.Linear(3, 6)

    def forward(self, x):
        return self.grow(torch.tanh(self.shrink(x)))


def _cycle(recorded):
    """A cycle's term of the loss, whose both passes may be recorded."""
    net, critic, x = Restorer(), nn.Linear(6, 1), torch.rand(4, 6)
    optimizer = torch.optim.Adam([*net.parameters(), *critic.parameters()])
    with watch():
        fooled = F.softplus(-critic(net(x))).mean()
        with torch.set_grad_enabled(recorded):
            cycle = F.l1_loss(net(net(x)), x)
        loss = fooled + 10 * cycle
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return why_no_grad(net.grow.weight, loss)


@pair("term_unrecorded", lambda: _cycle(True))
def a_cycle_without_recording():
    return _cycle(False)


@torch.no_grad()
def _consistency(net, x):
    return F.mse_loss(net(x + 0.1), net(x))


def _against_a_constant(net, x):
    with torch.no_grad():
        target = net(x)
    return F.mse_loss(net(x + 0.1), target)


def _consistent(term):
    """A term that compares a net with itself, of which one side may be a constant."""
    net, x, labels = nn.Linear(5, 3), torch.rand(4, 5), torch.tensor([0, 1, 2, 0])
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch() as seen:
        optimizer.zero_grad()
        total = F.cross_entropy(net(x), labels)
        total = total + term(net, x)
        total.backward()
        optimizer.step()
        total = total.item()
    return why_no_grad(net.weight, seen=seen)


@pair("term_unrecorded", lambda: _consistent(_against_a_constant))
def _():
    return _consistent(_consistency)


def _penalized(recorded):
    """A penalty on weights, which may be recorded."""
    net, x = nn.Linear(5, 3), torch.rand(4, 5)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch() as seen:
        optimizer.zero_grad()
        fit = F.mse_loss(net(x), torch.zeros(4, 3))
        with torch.set_grad_enabled(recorded):
            penalty = sum(weight.square().sum() for weight in net.parameters())
        (fit + 0.01 * penalty).backward()
        optimizer.step()
    return why_no_grad(net.weight, seen=seen)


@pair("term_unrecorded", lambda: _penalized(True))
def _():
    return _penalized(False)


def losses_that_are_balanced_by_their_sizes():
    """A weight of one of two losses, which is a number that is meant so."""
    net, x = nn.Linear(5, 3), torch.rand(4, 5)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch() as seen:
        optimizer.zero_grad()
        classes = F.cross_entropy(net(x), torch.tensor([0, 1, 2, 0]))
        sizes = F.mse_loss(net(x), torch.zeros(4, 3))
        with torch.no_grad():
            balance = classes / sizes
        (classes + balance * sizes).backward()
        optimizer.step()
    return why_no_grad(net.weight, seen=seen)


# A batch that became one row


class Marks(nn.Module):
    """Several answers for each picture."""

    def __init__(self, folds):
        super().__init__()
        self.convolution = nn.Conv2d(1, 2, 3)
        self.folds = folds
        self.head = nn.Linear(6 * 2 * 4 if folds else 2 * 4, 5)

    def forward(self, pictures):
        x = torch.tanh(self.convolution(pictures))
        x = x.reshape(-1, self.head.in_features)
        return self.head(x)


def _marked(folds, compare):
    net, pictures, marks = Marks(folds), torch.rand(6, 1, 4, 4), torch.rand(6, 5)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optimizer.zero_grad()
        loss = compare(net(pictures), marks)
        loss.backward()
        optimizer.step()
    return why_no_grad(net)


@pair("batch_folded", lambda: _marked(False, F.mse_loss))
def a_batch_in_one_row():
    return _marked(True, F.mse_loss)


@pair("batch_folded", lambda: _marked(False, F.smooth_l1_loss))
def _():
    return _marked(True, lambda given, wanted: (given - wanted).square().mean())


@pair("batch_folded", lambda: _marked(False, F.l1_loss))
def _():
    return _marked(True, lambda given, wanted: (wanted - given).abs().mean())


def a_row_for_all_samples():
    """One prototype that is compared with every row, as it is meant."""
    prototype, rows = nn.Parameter(torch.rand(1, 5)), torch.rand(6, 5)
    with watch():
        loss = (prototype - rows).square().mean()
        loss.backward()
    return why_no_grad(prototype, loss)


# One of two optimizers that is never emptied


def _in_turns(empties):
    """Two nets in turns, each with an optimizer; that of the judge may keep its gradients."""
    maker, judge, x = nn.Linear(3, 3), nn.Linear(3, 1), torch.rand(4, 3)
    of_maker = torch.optim.Adam(maker.parameters())
    of_judge = torch.optim.Adam(judge.parameters())
    return (_taught if empties else _taught_on)(maker, judge, of_maker, of_judge, x)


def _fools(maker, judge, of_maker, x):
    fooled = F.softplus(-judge(maker(x))).mean()
    of_maker.zero_grad()
    fooled.backward()
    of_maker.step()
    return F.softplus(judge(maker(x).detach())).mean() + F.softplus(-judge(x)).mean()


def _taught(maker, judge, of_maker, of_judge, x):
    while True:
        with watch() as seen:
            judged = _fools(maker, judge, of_maker, x)
            of_judge.zero_grad()
            judged.backward()
            of_judge.step()
        return why_no_grad(judge.weight, seen=seen)


def _taught_on(maker, judge, of_maker, of_judge, x):
    while True:
        with watch() as seen:
            judged = _fools(maker, judge, of_maker, x)
            judged.backward()
            of_judge.step()
        return why_no_grad(judge.weight, seen=seen)


class Players:
    """Two players that step in methods of their own."""

    def __init__(self):
        self.one, self.other = nn.Linear(2, 1), nn.Linear(2, 1)
        self.first = torch.optim.SGD(self.one.parameters(), lr=0.1)
        self.second = torch.optim.SGD(self.other.parameters(), lr=0.1)

    def moves(self, x):
        self.first.zero_grad()
        self.one(x).square().mean().backward()
        self.first.step()

    def answers(self, x):
        for weight in self.other.parameters():
            weight.grad = None
        loss = self.other(x).square().mean()
        loss.backward()
        self.second.step()

    def answers_on(self, x):
        self.other(x).square().mean().backward()
        self.second.step()


def _played_on():
    players = Players()
    for _ in range(1):
        with watch() as seen:
            players.moves(torch.ones(3, 2))
            players.answers_on(torch.ones(3, 2))
    return why_no_grad(players.other.weight, seen=seen)


def _played():
    players = Players()
    for _ in range(1):
        with watch() as seen:
            players.moves(torch.ones(3, 2))
            players.answers(torch.ones(3, 2))
    return why_no_grad(players.other.weight, seen=seen)


@pair("unemptied", _played)
def _():
    return _played_on()


@pair("unemptied", lambda: _in_turns(True))
def a_judge_that_is_never_emptied():
    return _in_turns(False)


# Schedules


class Epochs:
    """Trains for some epochs, and moves its schedule on where it is told to."""

    def __init__(self):
        torch.manual_seed(0)
        self.net = nn.Linear(3, 1)
        self.adam = torch.optim.Adam(self.net.parameters())
        self.batches = torch.rand(3, 4, 3)

    def learn(self, x):
        self.adam.zero_grad()
        self.net(x).square().mean().backward()
        self.adam.step()


class InBatches(Epochs):
    def run(self, epochs):
        self.by_cosine = CosineAnnealingLR(self.adam, T_max=epochs)
        for _ in range(epochs):
            for x in self.batches:
                with watch() as seen:
                    self.learn(x)
                    self.by_cosine.step()
        return why_no_grad(self.net.weight, seen=seen)


class InEpochs(Epochs):
    def run(self, rounds):
        self.at_the_end = CosineAnnealingLR(self.adam, T_max=rounds)
        for _ in range(rounds):
            for x in self.batches:
                with watch() as seen:
                    self.learn(x)
            self.at_the_end.step()
        return why_no_grad(self.net.weight, seen=seen)


class CountedInBatches(Epochs):
    def run(self, times):
        self.in_all = StepLR(self.adam, step_size=times * len(self.batches))
        for _ in range(times):
            for x in self.batches:
                with watch() as seen:
                    self.learn(x)
                    self.in_all.step()
        return why_no_grad(self.net.weight, seen=seen)


class InAMethod(Epochs):
    def moved(self, x):
        self.learn(x)
        if self.milestones is not None:
            self.milestones.step()

    def run(self, most):
        self.milestones = MultiStepLR(self.adam, [most // 2, int(0.75 * most)])
        for _ in range(1, most + 1):
            for x in self.batches:
                with watch() as seen:
                    self.moved(x)
        return why_no_grad(self.net.weight, seen=seen)


class OfPhases(Epochs):
    """Moves on in one of two phases of an epoch, as it is told."""

    def run(self, number):
        self.of_phases = StepLR(self.adam, step_size=number)
        for _ in range(number):
            for phase in ("train", "test"):
                if phase == "train":
                    with watch() as seen:
                        self.learn(self.batches[0])
                    self.of_phases.step()
        return why_no_grad(self.net.weight, seen=seen)


@pair("schedule_by_batch", lambda: InEpochs().run(2))
def a_schedule_of_epochs_in_batches():
    return InBatches().run(2)


@pair("schedule_by_batch", lambda: CountedInBatches().run(2))
def _():
    return InAMethod().run(2)


@pair("schedule_by_batch", lambda: OfPhases().run(2))
def _():
    return InBatches().run(3)


# A loss that is wrapped anew


def _inside(boxes, wrapped):
    """An overlap of soft or of hard masks, handed on as a new leaf or as it is."""
    net, x, places = nn.Linear(3, 2), torch.rand(4, 3), torch.linspace(0, 1, 7)
    with watch():
        low, width = boxes(net(x), places)
        loss = 1 - (low * width).mean()
        loss = Variable(loss, requires_grad=True) if wrapped else loss
        loss.backward()
    return why_no_grad(net.weight, loss)


def _hard(found, places):
    return (places > found[:, :1]).float(), (places < found[:, 1:]).float()


def _soft(found, places):
    return torch.sigmoid(places - found[:, :1]), torch.sigmoid(found[:, 1:] - places)


@pair("cut_integer", lambda: _inside(_soft, False))
def hard_masks_behind_a_new_leaf():
    return _inside(_hard, True)


# What is said of right programs


def normalization_that_is_kept_as_it_is():
    """Statistics that stay, of a model in training mode: as fine-tuning puts them."""
    net = nn.Sequential(nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3), nn.ReLU())
    net.train()
    net[1].eval()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch() as seen:
        optimizer.zero_grad()
        net(torch.rand(4, 2, 9)).mean().backward()
        optimizer.step()
    return why_no_grad(net, seen=seen)


def a_net_that_is_frozen_behind_its_step():
    """Flags that are taken off for the turn of the other net."""
    net = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch() as seen:
        optimizer.zero_grad()
        net(torch.rand(4, 3)).square().mean().backward()
        optimizer.step()
        net.requires_grad_(False)
    return why_no_grad(net.weight, seen=seen)
