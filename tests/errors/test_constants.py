"""What one pass keeps for the next: a constant of the training, a buffer that is written."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


class Probe(nn.Module):
    def __init__(self, feature):
        super().__init__()
        self.target = feature.tanh()

    def forward(self, x):
        self.loss = F.mse_loss(x, self.target)
        return x


def _probes(detached):
    net, probes, style = nn.Sequential(), [], torch.ones(2, 3)
    for _ in range(2):
        net.append(nn.Linear(3, 3))
        probe = Probe(net(style).detach() if detached else net(style))
        net.append(probe)
        probes.append(probe)
    canvas = torch.zeros(2, 3, requires_grad=True)
    opt = torch.optim.SGD([canvas], 0.1)
    for _ in range(2):
        opt.zero_grad()
        net(canvas)
        total = sum(one.loss for one in probes)
        total.backward()
        opt.step()


class Reference:
    def __init__(self, net, image, detached):
        self.remember(net, image, detached)

    def remember(self, net, image, detached):
        if detached:
            image = image.detach()
            net = net.requires_grad_(False)
        self.want = net(image) * 0.5 + 1


def _reference(detached):
    frozen, decoder = nn.Sequential(nn.Linear(3, 3), nn.Tanh()), nn.Linear(2, 3)
    reference = Reference(frozen, torch.ones(1, 3), detached)
    opt = torch.optim.Adam(decoder.parameters())
    for _ in range(2):
        opt.zero_grad()
        (frozen(decoder(torch.ones(1, 2))) - reference.want).abs().sum().backward()
        opt.step()


@told(
    "second_backward",
    r"self\.want of Reference was computed once, in remember\(\).*Nothing lies behind it",
    "self.want = net(image) * 0.5 + 1",
    "self.want = (net(image) * 0.5 + 1).detach()",
    lambda: _reference(True),
)
def an_object_that_remembers_features_of_a_net_that_is_not_trained():
    _reference(False)


class Table(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4, 2))
        self.rows = self.weight.tanh()

    def forward(self, index, anew=False):
        return (self.weight.tanh() if anew else self.rows)[index]


def _table(**how):
    model = Table()
    opt = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(2):
        opt.zero_grad()
        model(torch.tensor([1, 2]), **how).pow(2).sum().backward()
        opt.step()


@told(
    "second_backward",
    r"model\.rows was computed once",
    "self.rows = self.weight.tanh()",
    "Compute model.rows in forward",
    lambda: _table(anew=True),
)
def a_table_of_a_weight_that_is_trained_is_not_to_be_detached():
    _table()


class Mixed:
    """Shares of a table that is trained, of an object that is no module."""

    def __init__(self):
        self.logits = nn.Parameter(torch.zeros(3, 3))
        self.shares = torch.softmax(self.logits, -1)


def _mixed(anew):
    mixed, layer = Mixed(), nn.Linear(2, 2)
    opt = torch.optim.SGD([mixed.logits, *layer.parameters()], 0.1)
    for _ in range(2):
        if anew:
            mixed.shares = torch.softmax(mixed.logits, -1)
        loss = layer(mixed.shares @ torch.arange(6.0).view(3, 2)).sum()
        opt.zero_grad()
        loss.backward()
        opt.step()


@told(
    "second_backward",
    r"self\.shares of Mixed was computed once.*An optimizer holds what it was computed from",
    "self.shares = torch.softmax(self.logits, -1)",
    "Compute it anew in every step, in front of the loss: self.shares = torch.softmax(",
    lambda: _mixed(True),
)
def an_object_that_computed_once_what_is_trained():
    _mixed(False)


def _matched(detached):
    judge, make, stats = nn.Sequential(nn.Linear(2, 3), nn.Tanh()), nn.Linear(2, 2), {}
    features = judge(torch.arange(8.0).view(4, 2))
    if detached:
        features = features.detach()
    stats["mean"] = features.mean(0)
    stats["std"] = features.std(0)
    del features
    opt = torch.optim.SGD(make.parameters(), 0.1)
    for _ in range(2):
        h = judge(make(torch.ones(3, 2)))
        loss = (h.mean(0) - stats["mean"]).square().sum() + (h - stats["std"]).square().sum()
        opt.zero_grad()
        loss.backward()
        opt.step()


@told(
    "second_backward",
    r"stats holds results with their graphs",
    'stats["mean"] = features.mean(0)',
    "features.mean(0).detach(), and stats['std'] = features.std(0).detach()",
    lambda: _matched(True),
)
def statistics_that_a_dict_keeps():
    _matched(False)


class Queue(nn.Module):
    def __init__(self, cloned):
        super().__init__()
        self.query, self.key = nn.Linear(4, 4), nn.Linear(4, 4)
        self.register_buffer("queue", torch.ones(4, 4))
        self.cloned = cloned

    @torch.no_grad()
    def follow(self):
        for k, q in zip(self.key.parameters(), self.query.parameters(), strict=True):
            k.lerp_(q, 0.1)

    def push(self, keys):
        self.queue[:, :2] = keys

    def forward(self, x):
        query = self.query(x)
        with torch.no_grad():
            self.follow()
            key = self.key(x)
        queue = self.queue.clone() if self.cloned else self.queue
        logits = query @ queue
        self.push(key.T[:, :2])
        return logits


def _queue(cloned):
    model = Queue(cloned)
    opt = torch.optim.SGD(model.query.parameters(), 0.1)
    for _ in range(2):
        logits = model(torch.ones(2, 4))
        opt.zero_grad()
        logits.sum().backward()
        opt.step()


@told(
    "modified",
    r"model\.queue for its backward, and self\.queue\[:, :2\] = keys changed it",
    "self.queue[:, :2] = keys",
    "queue = self.queue.clone() in its first line",
    lambda: _queue(True),
)
def a_queue_of_the_size_of_a_weight_beside_a_loop_over_other_parameters():
    _queue(False)


class Followed(nn.Module):
    def __init__(self):
        super().__init__()
        self.online, self.target = nn.Linear(3, 3), nn.Linear(3, 3)

    @torch.no_grad()
    def follow(self):
        for p, q in zip(self.online.parameters(), self.target.parameters(), strict=True):
            q.lerp_(p, 0.1)

    def forward(self, x):
        return self.target(self.online(x)).pow(2).mean()


def _followed(early):
    model = Followed()
    if early:
        model.follow()
    loss = model(torch.ones(2, 3))
    if not early:
        model.follow()
    loss.backward()


@told(
    "modified",
    r"model\.target\.weight for its backward, and q\.lerp_\(p, 0\.1\) changed it",
    "q.lerp_(p, 0.1)",
    "Make that call before the forward pass",
    lambda: _followed(True),
)
def a_target_net_that_follows_between_forward_and_backward():
    _followed(False)


@told(
    "second_backward",
    r"self\.target of Probe was computed once, in __init__\(\)",
    "self.target = feature.tanh()",
    "self.target = feature.tanh().detach()",
    lambda: _probes(True),
)
def a_loss_of_layers_that_keep_what_they_were_made_with():
    _probes(False)


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_kept_between_passes_is_named(program):
    program.is_explained()
