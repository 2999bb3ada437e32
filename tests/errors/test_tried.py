"""Cures that are tried on copies of what failed, and cures in the names of the frames."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from grader.errors import explain_error
from grader.errors.seen.reading import tried
from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# A loss that compares numbers, where classes were chosen


def _classified(by_scores, loss_fn):
    scores = nn.Linear(3, 5)(torch.ones(4, 3))
    kinds = torch.arange(4)
    picked = scores.argmax(1).float()
    if by_scores:
        loss = torch.nn.functional.cross_entropy(scores, kinds)
    else:
        loss = loss_fn(picked, kinds.float())
    loss.backward()


@told(
    "no_graph",
    "argmax gives integers",
    "picked = scores",
    "torch.nn.functional.cross_entropy(scores, kinds)",
    lambda: _classified(True, nn.L1Loss()),
)
def classes_that_are_compared_as_numbers():
    _classified(False, nn.L1Loss())


def _segmented(by_scores):
    masks, truth = nn.Conv2d(1, 3, 1)(torch.ones(2, 1, 4, 4)), torch.ones(2, 4, 4)
    chosen = masks.argmax(dim=1).type(torch.float32)
    compare = nn.SmoothL1Loss()
    if by_scores:
        loss = torch.nn.functional.cross_entropy(masks, truth.long())
    else:
        loss = compare(chosen, truth)
    loss.backward()


@told(
    "no_graph",
    "argmax gives integers",
    None,
    "torch.nn.functional.cross_entropy(masks, truth.long())",
    lambda: _segmented(True),
)
def a_map_of_classes_that_is_compared_as_numbers():
    _segmented(False)


def test_what_is_tried_leaves_values_and_random_numbers_as_they_were():
    x, state = torch.ones(3), torch.get_rng_state()
    assert tried.gives(lambda one: one.add_(torch.rand(3)), x) is not None
    assert x.tolist() == [1, 1, 1]
    assert torch.equal(torch.get_rng_state(), state)


def test_a_loss_that_broadcasts_with_a_warning_is_no_cure():
    assert tried.gives(nn.MSELoss(), torch.ones(4, 4), torch.ones(4)) is None
    assert tried.gives(nn.MSELoss(), torch.ones(4), torch.ones(4)) is not None


# A state of an RNN for another number of layers


class _Begun(nn.Module):
    def __init__(self, have, layers, kind):
        super().__init__()
        self.first, self.then = kind(3, 4, have), kind(3, 4, layers)

    def forward(self, x, cure=None):
        state = self.first(x)[1]
        return self.then(x, cure(state) if cure else state)


@told(
    "rnn_state_size",
    "self.then counts 4, and the state has 2",
    "return self.then(x",
    "state.repeat(2, 1, 1)",
    lambda: _Begun(2, 4, nn.GRU)(torch.ones(5, 2, 3), lambda h: h.repeat(2, 1, 1)),
)
def a_state_of_fewer_layers():
    _Begun(2, 4, nn.GRU)(torch.ones(5, 2, 3), lambda h: h)


@told(
    "rnn_state_size",
    "self.then counts 1, and the state has 3",
    "return self.then(x",
    "tuple(part[-1:] for part in ",
    lambda: _Begun(3, 1, nn.LSTM)(torch.ones(5, 2, 3), lambda s: tuple(h[-1:] for h in s)),
)
def a_state_of_more_layers():
    _Begun(3, 1, nn.LSTM)(torch.ones(5, 2, 3))


class _Decoder(nn.Module):
    def __init__(self, wide):
        super().__init__()
        self.cell = nn.LSTMCell(wide, 4)

    def forward(self, word, context):
        both = torch.cat((word, context), 1)
        return self.cell(both, (torch.zeros(2, 4), torch.zeros(2, 4)))


@told(
    "rnn_features",
    r"self\.cell is given both of the shape \(2, 8\).*3 of word and 5 of context",
    "nn.LSTMCell(wide, 4)",
    "nn.LSTMCell(8, 4)",
    lambda: _Decoder(8)(torch.ones(2, 3), torch.ones(2, 5)),
)
def a_cell_that_is_given_two_joined_inputs():
    _Decoder(7)(torch.ones(2, 3), torch.ones(2, 5))


# A padding mask where a square one is wanted


def _masked(cure):
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    x, kept = torch.ones(3, 5, 8), torch.tensor([[1, 1, 1, 0, 0]] * 3)
    if cure:
        layer(x, src_key_padding_mask=kept == 0)
    else:
        layer(x, src_mask=kept.float())


@told(
    "attention_mask", "a padding mask", None, "src_key_padding_mask=kept == 0", lambda: _masked(1)
)
def a_mask_of_words_that_are_there():
    _masked(0)


# What is asked for by a list, and a part of a leaf


def _sloped(out):
    w, k = torch.tensor(2.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)
    t = torch.ones(3, requires_grad=True)
    area = w * t**3 + k
    speed = torch.autograd.grad(area.sum(), t, create_graph=True)[0]
    if out:
        torch.autograd.grad(speed.sum(), [w])
    else:
        torch.autograd.grad(speed.sum(), [w, k])


@told("unused", "^speed does not depend on k.*slope of area", None, "[w]", lambda: _sloped(True))
def a_constant_of_a_function_whose_slope_is_taken():
    _sloped(False)


def _two(out):
    a, b = torch.ones(2, requires_grad=True), torch.zeros(3, requires_grad=True)
    total = (a * 2).sum()
    if out:
        torch.autograd.grad(total, [a])
    else:
        torch.autograd.grad(total, (a, b))


@told("unused", "^total does not depend on b", None, "Leave it out: [a]", lambda: _two(True))
def a_leaf_that_nothing_was_computed_from():
    _two(False)


def _rows(cure):
    points = torch.ones(4, 2, requires_grad=True)
    height = points.square().sum()
    if cure:
        torch.autograd.grad(height, points, retain_graph=True)[0][1:]
    else:
        torch.autograd.grad(height, points[1:], retain_graph=True)


@told(
    "unused",
    "makes a new tensor",
    "torch.autograd.grad(height, points[1:]",
    "torch.autograd.grad(height, points, retain_graph=True)[0][1:]",
    lambda: _rows(True),
)
def rows_of_a_leaf():
    _rows(False)


# Flags, leaves, and what is put away


def _flagged(cure):
    base = torch.ones(3, requires_grad=True)
    edge = base.exp()
    if not cure:
        edge.requires_grad = True
    torch.autograd.grad(edge.square().sum(), edge)


@told(
    "flag_set_on_non_leaf",
    "^edge was computed from base",
    "edge.requires_grad = True",
    "torch.autograd.grad(y, edge) works without it",
    lambda: _flagged(True),
)
def a_flag_on_a_result():
    _flagged(False)


def _stepped(cure):
    slope, offset = torch.ones(2, requires_grad=True), torch.ones(1, requires_grad=True)
    (slope.sum() + offset).sum().backward()
    if cure:
        with torch.no_grad():
            slope -= 0.1 * slope.grad
            offset -= 0.1 * offset.grad
    else:
        slope -= 0.1 * slope.grad
        offset -= 0.1 * offset.grad


@told(
    "leaf_in_place",
    "^slope is a leaf",
    "        slope -= 0.1 * slope.grad",
    "offset -= 0.1 * offset.grad (line ",
    lambda: _stepped(True),
)
def two_leaves_that_are_stepped_by_hand():
    _stepped(False)


def _drawn(history):
    import numpy as np

    return np.array(history).mean()


def _noted():
    history = []
    for _ in range(3):
        loss = nn.Linear(2, 1)(torch.ones(1, 2)).sum()
        history.append(loss)
    return _drawn(history)


@told(
    "numpy",
    "holds tensors",
    "history.append(loss)",
    "history.append(loss.item())",
    lambda: _drawn([nn.Linear(2, 1)(torch.ones(1, 2)).sum().item()]),
)
def losses_that_another_function_draws():
    _noted()


def _counted(listed):
    weights = (p for p in nn.Linear(2, 2).parameters() if p.requires_grad)
    if listed:
        weights = list(weights)
    count = sum(p.numel() for p in weights)
    torch.optim.SGD(weights, lr=0.1 / count)


@told(
    "no_parameters",
    "^weights is a generator",
    "count = sum(",
    "weights = list(weights)",
    lambda: _counted(True),
)
def a_generator_that_is_counted_first():
    _counted(False)


class _Own(torch.optim.SGD):
    def __init__(self, those):
        for one in those:
            one.data.clamp_(-1, 1)
        super().__init__(those, lr=0.1)


@told(
    "no_parameters",
    "^those is a generator",
    "for one in those",
    "those = list(those)",
    lambda: _Own(list(nn.Linear(2, 2).parameters())),
)
def a_generator_that_an_optimizer_of_ones_own_goes_through():
    _Own(nn.Linear(2, 2).parameters())


# What is not trained is not to blame


class _Learner:
    def __init__(self):
        self.online, self.lagging = nn.Linear(3, 2), nn.Linear(3, 2)
        self.opt = torch.optim.SGD(self.online.parameters(), 0.1)

    def scores(self, seen):
        with torch.no_grad():
            return self.online(seen)

    def learn(self, s, cure=False):
        goal = self.lagging(s).detach().max(1).values
        guess = (self.online(s) if cure else self.scores(s)).max(1).values
        F.mse_loss(guess, goal).backward()


@told(
    "no_graph",
    "nothing is recorded under no_grad",
    "with torch.no_grad():",
    "call self.online(s), in the place of self.scores(s)",
    lambda: _Learner().learn(torch.ones(4, 3), cure=True),
)
def a_method_that_measures_in_the_place_of_the_model():
    _Learner().learn(torch.ones(4, 3))


# A loss of several numbers


def _penalized():
    w, table = torch.ones(3, requires_grad=True), torch.ones(5, requires_grad=True)
    loss = w.abs().sum() + (0.1 * table[:4].pow(2)).sum()
    loss.backward()


@told(
    "not_scalar",
    "a sum of one number and of a term",
    "loss = w.abs().sum()",
    "(0.1 * rows.pow(2)).sum()",
    _penalized,
)
def a_penalty_that_is_not_summed():
    w, table = torch.ones(3, requires_grad=True), torch.ones(5, requires_grad=True)
    rows = table[:4]
    loss = w.abs().sum() + 0.1 * rows.pow(2)
    loss.backward()


# What is kept, and what is written into


class _Wall:
    def __init__(self, level):
        self.level = level


def _bounded(anew):
    rate, wall = torch.ones(1, requires_grad=True), None
    opt = torch.optim.SGD([rate], lr=0.1)
    wall = _Wall(rate.exp() * 2)
    for _ in range(2):
        if anew:
            wall.level = rate.exp() * 2
        opt.zero_grad()
        (wall.level - 1).square().sum().backward()
        opt.step()


@told(
    "second_backward",
    "computed once",
    "wall = _Wall(",
    "wall.level = rate.exp() * 2",
    lambda: _bounded(True),
)
def a_value_that_an_object_is_made_with():
    _bounded(False)


class _Jitter(nn.Module):
    def __init__(self, anew):
        super().__init__()
        self.anew, self.weight = anew, nn.Parameter(torch.ones(3))
        self.register_buffer("shift", torch.zeros(3))
        self.register_buffer("scale", torch.ones(3))

    def forward(self, x):
        if self.anew:
            self.shift = torch.rand_like(self.shift)
            self.scale = self.scale * 2
        else:
            self.shift.uniform_()
            self.scale.mul_(2)
        return x + self.weight * self.shift + self.weight * self.scale


def _difference(net):
    return (net(torch.ones(3)) + net(torch.zeros(3))).sum()


def _jittered(anew):
    net = nn.Sequential(nn.Linear(3, 3), _Jitter(anew), nn.ReLU(), _Jitter(anew))
    loss = _difference(net)
    loss.backward()


@told(
    "modified",
    r"saved self\.\w+ of _Jitter",
    None,
    "self.shift = torch.rand_like(self.shift); self.scale = self.scale.mul(2)",
    lambda: _jittered(True),
)
def a_buffer_that_is_drawn_anew_in_every_pass():
    _jittered(False)


def _weighed():
    judge, player, held = nn.Linear(2, 1), nn.Linear(2, 3), []
    for _ in range(4):
        worth = judge(torch.ones(2)).tanh()
        gain = (1 - worth).detach()
        held.append(player(torch.ones(2)).log_softmax(0)[0] * gain)
        (worth - 1).square().sum().backward()
    torch.stack(held).sum().backward()


@told(
    "second_backward",
    "^gain brings a graph along",
    "gain = 1 - worth",
    "gain = (1 - worth).detach()",
    _weighed,
)
def a_weight_that_was_trained_already():
    gains = []
    torch.manual_seed(0)
    judge, player = nn.Linear(2, 1), nn.Linear(2, 3)
    for _ in range(4):
        s = torch.randn(2)
        worth = judge(s).tanh()
        gain = 1 - worth
        gains.append(player(s).log_softmax(0)[0] * gain)
        (worth - 1).square().sum().backward()
    torch.stack(gains).sum().backward()


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_cure_is_concrete_and_cures(program):
    program.is_explained()


class _Misnamed(nn.Module):
    def _init_(self, wide, deep=2):
        super().__init__()
        self.layers = nn.Sequential(*[nn.Linear(wide, wide) for _ in range(deep)])


def test_a_misnamed_constructor_is_told_with_the_arguments_that_it_then_takes():
    with pytest.raises(ValueError, match="empty parameter list") as raised:
        _use(_Misnamed())
    assert "_Misnamed(wide)" in explain_error(raised.value).cure


def _use(net):
    torch.optim.SGD(net.parameters(), lr=0.1)


def test_a_generator_of_a_model_without_parameters_is_not_said_to_be_used_up():
    net = nn.Sequential(nn.ReLU(), nn.Flatten())
    those = net.parameters()
    assert sum(one.numel() for one in those) == 0
    with pytest.raises(ValueError, match="empty parameter list") as raised:
        torch.optim.SGD(those, lr=0.1)
    assert "went through it" not in explain_error(raised.value).meaning
