"""What a line leaves out: a later step, a data set, an argument, a method's own indentation."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd import Function

from grader.errors import explain_error
from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# Weights that more than one optimizer moves between a loss and its backward


def _planner(after):
    world, head, policy = nn.Linear(3, 3), nn.Linear(3, 1), nn.Linear(2, 3)
    fit_world = torch.optim.Adam(world.parameters())
    fit_head = torch.optim.SGD(head.parameters(), 0.1)
    seen, goal = torch.ones(4, 2), torch.ones(4, 1)

    def imagined():
        return -head(world(policy(seen)).tanh()).tanh().mean()

    gain = None if after else imagined()
    fit_world.zero_grad()
    world(torch.ones(4, 3)).pow(2).mean().backward()
    fit_world.step()
    fit_head.zero_grad()
    F.mse_loss(head(torch.ones(4, 3)), goal).backward()
    fit_head.step()
    gain = imagined() if after else gain
    gain.backward()


@told(
    "modified",
    r"fit_\w+\.step\(\) changed",
    ".step()",
    "fit_head.step()",
    lambda: _planner(after=True),
)
def a_plan_through_two_models_that_were_fitted_since():
    _planner(after=False)


def _two_critics(count):
    critics = [nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1)) for _ in range(2)]
    actor = nn.Linear(2, 2)
    first, second = (torch.optim.Adam(one.parameters()) for one in critics)
    states = torch.ones(5, 2)

    def of_actor():
        return -torch.min(*[one(actor(states)) for one in critics]).mean()

    loss = of_actor()
    critics[0](states).pow(2).mean().backward()
    first.step()
    if count == 1:
        loss = of_actor()
    critics[1](states).pow(2).mean().backward()
    second.step()
    if count == 2:
        loss = of_actor()
    loss.backward()


@told(
    "modified",
    r"(first|second)\.step\(\) changed",
    ".step()",
    "second.step(), from the updated weights",
    lambda: _two_critics(2),
)
def two_critics_that_step_in_turn():
    _two_critics(0)


def test_behind_the_first_of_two_steps_the_loss_is_still_old():
    with pytest.raises(RuntimeError, match="modified by an inplace"):
        _two_critics(1)


# Results that were put away before a step


class Reservoir:
    def __init__(self):
        self.kept = []

    def put(self, inputs, score):
        self.kept.append((inputs, score))


def _from_reservoir(anew):
    net = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizer, store = torch.optim.SGD(net.parameters(), 0.1), Reservoir()
    for size in (1.0, 2.0, 3.0):
        inputs = torch.full((1, 2), size)
        store.put(inputs, net(inputs))
    for index in (0, 1):
        inputs, score = store.kept[index]
        loss = (net(inputs) if anew else score).pow(2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@told(
    "modified",
    r"store\.kept holds results with their graphs.*optimizer\.step\(\) has changed",
    "self.kept.append(",
    "compute them anew from that in every step",
    lambda: _from_reservoir(anew=True),
)
def scores_that_were_kept_before_a_step():
    _from_reservoir(anew=False)


# A table with fewer rows than the data have numbers


@told(
    "index_range",
    r"counts train alone, and valid holds larger numbers",
    "size = max(",
    "for one in train + valid",
    lambda: nn.Embedding(6, 3)(torch.tensor([[1, 2], [3, 0], [4, 1], [2, 5]])),
)
def words_of_another_text():
    train, valid = [[1, 2], [3, 0]], [[4, 1], [2, 5]]
    size = max(max(one) for one in train) + 1
    table = nn.Embedding(size, 3)
    words = torch.tensor(valid)
    table(words)


@told(
    "index_range",
    r"n_shops = len\(torch.unique\(shops\)\) counts how many different numbers shops holds",
    "n_shops = ",
    "shops = torch.unique(shops, return_inverse=True)[1]",
    lambda: nn.Embedding(3, 2)(torch.unique(torch.tensor([4, 90, 7]), return_inverse=True)[1]),
)
def shops_by_their_numbers():
    shops = torch.tensor([4, 90, 7, 4])
    n_shops = len(torch.unique(shops))
    table = nn.Embedding(n_shops, 2)
    table(shops)


def test_a_count_of_the_same_value_that_the_table_was_not_made_with_is_not_told():
    labels, rows = torch.tensor([4, 90, 7, 4]), 3
    n_labels = len(torch.unique(labels))
    table, words = nn.Embedding(rows, 2), torch.tensor([n_labels])
    with pytest.raises(IndexError) as raised:
        table(words)
    assert "labels" not in explain_error(raised.value).meaning


# An argument that nothing is computed with


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, x, extra):
        return self.layer(x)


@told(
    "unused",
    r"z is given to net\(data, z\).*never uses its argument extra",
    "out = net(data, z)",
    "Compute out from z",
    lambda: Gated()(torch.ones(2, 3, requires_grad=True), None).sum().backward(),
)
def an_input_that_forward_does_not_use():
    net, data = Gated(), torch.ones(2, 3)
    z = torch.ones(2, 3, requires_grad=True)
    out = net(data, z)
    torch.autograd.grad(out.sum(), z)


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.layer = nn.Embedding(5, 3), nn.Linear(3, 1)

    def forward(self, words=None, vectors=None):
        if words is None:
            return self.layer(vectors).sum()
        return self.layer(self.table(words)).sum()


def _slope():
    tagger = Tagger()
    vectors = tagger.table(torch.tensor([1, 2])).detach().requires_grad_()
    return torch.autograd.grad(tagger(vectors=vectors), vectors)


@told(
    "unused",
    r"forward\(\) uses vectors only where words is None",
    "score = tagger(words=words, vectors=vectors)",
    "Leave words out of tagger(words=words, vectors=vectors)",
    _slope,
)
def vectors_beside_the_words_that_they_stand_for():
    tagger, words = Tagger(), torch.tensor([1, 2])
    vectors = tagger.table(words).detach().requires_grad_()
    score = tagger(words=words, vectors=vectors)
    torch.autograd.grad(score, vectors)


# A custom Function without its backward


class Nested(Function):
    @staticmethod
    def forward(ctx, x):
        def backward(ctx, grad):
            return grad

        return x.round()


class Misspelled(Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backwards(ctx, grad):
        return grad


class Passing(Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, grad):
        return grad


def _rounded(kind):
    kind.apply(torch.ones(3, requires_grad=True) * 2).sum().backward()


@told(
    "function_incomplete",
    r"Nested has no backward: its backward is indented into forward",
    "def backward(ctx, grad)",
    "as far as forward itself",
    lambda: _rounded(Passing),
)
def a_backward_inside_of_forward():
    _rounded(Nested)


@told(
    "function_incomplete",
    r"Misspelled has no backward; backwards is another name",
    "def backwards(ctx, grad)",
    "Call it backward",
    lambda: _rounded(Passing),
)
def a_backward_by_another_name():
    _rounded(Misspelled)


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_was_left_out_is_named_and_its_cure_cures(program):
    program.is_explained()
