"""Programs that choose: by index, by padding, by groups of one value; and lines no watch saw."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

from course import watch, why_no_grad
from tests.companion.programs import leaf, net, pair


def _heat(place):
    """Where a map of two columns is largest, refined by a layer."""
    maps, refined = nn.Linear(3, 5), nn.Linear(1, 1)
    with watch():
        found = place(maps(leaf(7, 3).detach()))
        loss = refined(found.float().unsqueeze(1)).pow(2).mean()
        loss.backward()
    return why_no_grad(maps.weight, loss)


def _softly(scores):
    return scores.softmax(1) @ torch.arange(5.0)


@pair("cut_integer", lambda: _heat(lambda scores: scores.max(dim=1)[0]))
def _():
    return _heat(lambda scores: scores.max(dim=1)[1])


@pair("cut_integer", lambda: _heat(lambda scores: scores.topk(1).values[:, 0]))
def _():
    return _heat(lambda scores: scores.topk(1).indices[:, 0])


@pair("cut_integer", lambda: _heat(_softly))
def _():
    return _heat(lambda scores: scores.median(dim=1).indices)


@pair("cut_integer", lambda: _heat(lambda scores: scores.sort(dim=1).values[:, 0]))
def _():
    """What has the shape of the scores alone is made of none of them."""

    def place(scores):
        first = scores.argsort(dim=1)[:, :1]
        return torch.zeros_like(scores).scatter(1, first, 1.0)[:, 0]

    report = _heat(place)
    assert report.codes == ("cut_integer",)
    return report


class Rounded(torch.autograd.Function):
    """Hands on a result that it declares to have no derivative."""

    @staticmethod
    def forward(ctx, x):
        rounded = x.round()
        ctx.mark_non_differentiable(rounded)
        return rounded

    @staticmethod
    def backward(ctx, grad):
        return torch.zeros_like(grad)


@pair("not_seen", lambda: _heat(lambda scores: scores[:, 0]))
def _():
    return _heat(lambda scores: Rounded.apply(scores)[:, 0])


def _normalised(norm, width):
    model = nn.Sequential(nn.Linear(3, width), norm, nn.Linear(width, 1))
    with watch():
        loss = F.mse_loss(model(leaf(5, 3).detach()), torch.ones(5, 1))
        loss.backward()
    return why_no_grad(model[0].weight, loss)


@pair("zero_alone", lambda: _normalised(nn.LayerNorm(4), 4))
def _():
    return _normalised(nn.LayerNorm(1), 1)


@pair("zero_alone", lambda: _normalised(nn.GroupNorm(2, 4), 4))
def _():
    return _normalised(nn.GroupNorm(4, 4), 4)


def _looked_up(indices):
    table = nn.Embedding(5, 2, padding_idx=0)
    with watch():
        loss = (table(torch.tensor(indices)) - 1).pow(2).mean()
        loss.backward()
    return why_no_grad(table.weight, loss)


@pair("zero_padding", lambda: _looked_up([0, 3, 0]))
def _():
    return _looked_up([0, 0, 0])


@pair("fine_in_part", lambda: _looked_up([1, 1]))  # of a table most rows have none
def _():
    model = nn.Sequential(nn.Linear(2, 4), nn.Sigmoid(), nn.Linear(4, 1))
    with torch.no_grad():
        model[0].weight[1:] = 1e4
    with watch():
        loss = model(torch.ones(3, 2)).pow(2).mean()
        loss.backward()
    return why_no_grad(model[0].weight, loss)


class Twins(nn.Module):
    """A net and its moving average, which is frozen and in training mode."""

    def __init__(self):
        super().__init__()
        self.online = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
        self.target = copy.deepcopy(self.online).requires_grad_(False)

    @torch.no_grad()
    def average(self):
        for slow, fast in zip(self.target.parameters(), self.online.parameters(), strict=True):
            slow.mul_(0.9).add_(fast, alpha=0.1)


def a_moving_average_in_training_mode(moves=True):
    twins, x = Twins(), leaf(6, 3).detach()
    with watch() as seen:
        with torch.no_grad():
            wanted = twins.target(x)
        loss = (twins.online(x * 2) - wanted).pow(2).mean()
        loss.backward()
        if moves:
            twins.average()
    return seen, why_no_grad(twins.online[0].weight, loss)


def a_model_made_anew_for_each_fold():
    def made():
        return net(3, 4, 1)

    model = made()
    only_rprop = torch.optim.Rprop(model.parameters())
    model = made()
    with watch() as seen:
        loss = model(leaf(5, 3).detach()).pow(2).mean()
        loss.backward()
        only_rprop.step()
    return seen.report(), why_no_grad(model[0].weight, loss)


def a_head_replaced_over_a_frozen_backbone():
    model = nn.Sequential(nn.Linear(3, 4).requires_grad_(False), nn.Linear(4, 2))
    only_adam = torch.optim.Adam(model.parameters())
    model[1] = nn.Linear(4, 2)
    with watch():
        loss = model(torch.ones(2, 3)).square().mean()
        loss.backward()
        only_adam.step()
    return why_no_grad(model, loss)


def a_layer_replaced_after_its_optimizer():
    model = net(3, 4, 1)
    only_rmsprop = torch.optim.RMSprop(model.parameters())
    model[-1] = nn.Linear(4, 1)
    with watch():
        loss = model(leaf(5, 3).detach()).pow(2).mean()
        loss.backward()
        only_rmsprop.step()
    return why_no_grad(model[-1].weight, loss)


class Carried(nn.Module):
    """Keeps its only layer under a name that no other program here uses."""

    def __init__(self):
        super().__init__()
        self.kept_in_a_tuple = (nn.Linear(3, 1),)

    def forward(self, x):
        return self.kept_in_a_tuple[0](x)


def a_layer_in_a_tuple():
    model = Carried()
    with watch():
        loss = model(leaf(5, 3).detach()).pow(2).mean()
        loss.backward()
    return why_no_grad(model.kept_in_a_tuple[0].weight, loss)


class Mixed(nn.Module):
    """Layers of which one runs, by a drawn number or by a condition in a loop over them."""

    def __init__(self, by_number):
        super().__init__()
        self.ways, self.by_number = nn.ModuleList(nn.Linear(3, 3) for _ in range(3)), by_number
        self.scores = [0.1, 0.7, 0.2]

    def forward(self, x):
        index = torch.tensor(self.scores).argmax().item()
        if self.by_number:
            return self.ways[index](x)
        return sum(way(x) for at, way in enumerate(self.ways) if at == index)


def one_of_several(by_number):
    model = Mixed(by_number)
    with watch():
        loss = model(torch.ones(2, 3)).square().mean()
        loss.backward()
    return why_no_grad(model, loss)


class Field(nn.Module):
    """A field whose weights a model has too, as the same tensor or as a copy."""

    def __init__(self, weights, again):
        super().__init__()
        self.w = nn.Parameter(weights) if again else weights


class Flow(nn.Module):
    def __init__(self, copied):
        super().__init__()
        self.coupling = nn.Parameter(torch.ones(3, 3))
        self.field = Field(self.coupling.detach().clone() if copied else self.coupling, copied)

    def forward(self, x):
        return x @ self.field.w


def a_copied_coupling(copied):
    model = Flow(copied)
    with watch():
        loss = model(torch.ones(2, 3)).square().mean()
        loss.backward()
    return why_no_grad(model.coupling, loss)


class Agent:
    """Two nets, of which one is given the other's weights, and its values are recorded."""

    def __init__(self, give):
        self.net, self.slow, self.give = net(3, 4, 2), net(3, 4, 2), give
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.1)

    def update(self, x):
        loss = (self.net(x) - self.slow(x) - 1).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def load(self):
        self.slow.load_state_dict(self.net.state_dict())

    def follow(self):
        for slow, own in zip(self.slow.parameters(), self.net.parameters(), strict=True):
            slow.data.lerp_(own.data, 0.1)


def a_recorded_target(give):
    agent = Agent(give)
    with watch() as seen:
        agent.update(torch.ones(2, 3))
    give(agent)
    return why_no_grad(), seen.report()
