"""Where one tensor, layer or branch stands for another: the line that does it, and the change."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from grader.errors import explain_error
from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


def hard(p, cut=None):
    if cut is None:
        return p
    return (p > cut).to(p.dtype)


def overlap(p, t, cut=0.5):
    kept = hard(p, cut=cut)
    return 1 - (kept * t).sum() / (p.shape[0] + t.sum())


def _overlapping(cut):
    net, masks = nn.Linear(3, 4), (torch.rand(5, 4) > 0.5).float()
    loss = overlap(net(torch.ones(5, 3)).sigmoid(), masks, cut)
    loss.backward()
    return net.weight.grad


@told(
    "no_graph",
    r"Cuts in this code: \S+ line \d+: a comparison has no gradient\.$",
    "return (p > cut).to(p.dtype)",
    "Compute with the probabilities themselves",
    lambda: _overlapping(None),
)
def a_threshold_two_functions_away():
    _overlapping(0.5)


def chosen(p, way):
    if way in ("hard", "one-hot"):
        return p.argmax(1).type(p.dtype)
    return p.logsumexp(1)


class Trainer:
    def __init__(self, way):
        self.net, self.way = nn.Linear(3, 4), way

    def step(self, x):
        loss = chosen(self.net(x), self.way).mean()
        loss.backward()
        return loss

    def run(self):
        return self.step(torch.ones(2, 3)).item()


@told(
    "no_graph",
    r"Cuts in this code: \S+ line \d+: argmax gives integers\.$",
    "return p.argmax(1).type(p.dtype)",
    "For argmax use softmax",
    lambda: Trainer("soft").run(),
)
def one_of_two_branches_and_a_number_taken_of_the_result():
    Trainer("hard").run()


class Heads(nn.Module):
    def __init__(self, wrap=dict):
        super().__init__()
        self.heads = wrap({"a": nn.Linear(2, 3), "b": nn.Linear(2, 4)})
        scales = (nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1)))
        self.scale = scales if wrap is dict else nn.ParameterList(scales)


@told(
    "no_parameters",
    r"self.heads of Heads is a plain dict: the 2 modules .* self.scale .line \d+. holds some",
    'self.heads = wrap({"a": nn.Linear(2, 3), "b": nn.Linear(2, 4)})',
    "self.heads = nn.ModuleDict(...) around it. And self.scale = nn.ParameterList(...).",
    lambda: torch.optim.SGD(Heads(nn.ModuleDict).parameters(), 0.1),
)
def layers_in_a_dict_and_parameters_in_a_tuple():
    model = Heads()
    torch.optim.SGD(model.parameters(), 0.1)


class Tower(nn.Module):
    def __init__(self, wrap=list):
        super().__init__()
        self.steps = wrap([wrap([nn.Linear(2, 2), nn.ReLU()]) for _ in range(2)])


@told(
    "no_parameters",
    "self.steps of Tower is a plain list: the 4 modules in it",
    "self.steps = wrap([wrap([nn.Linear(2, 2), nn.ReLU()]) for _ in range(2)])",
    "nn.ModuleList(...) around it, and nn.ModuleList(...) around each list in it.",
    lambda: torch.optim.SGD(Tower(nn.ModuleList).parameters(), 0.1),
)
def lists_of_layers_in_a_list():
    tower = Tower()
    torch.optim.SGD(tower.parameters(), 0.1)


class Misspelled(nn.Module):
    def __int__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2)


class Initialised(nn.Module):
    def init(self, width):
        self.fc = nn.Linear(width, 2)


@pytest.mark.parametrize(
    ("kind", "wrong"), [(Misspelled, "__int__"), (Initialised, "init")], ids=["__int__", "init"]
)
def test_a_constructor_of_another_name_is_named(kind, wrong):
    model = kind()
    with pytest.raises(ValueError, match="empty parameter list") as raised:
        torch.optim.SGD(model.parameters(), 0.1)
    found = explain_error(raised.value)
    assert f"{kind.__name__} has a method {wrong}, and none that is called __init__" in str(found)


class Low(nn.Module):
    def __init__(self, wrap=lambda x: x):
        super().__init__()
        self.left = wrap(torch.randn(4, 2))
        self.right = wrap(torch.randn(2, 4))


@told(
    "no_parameters",
    "Low has no parameters: self.left and self.right are plain tensors",
    "self.left = wrap(torch.randn(4, 2))",
    "self.left = nn.Parameter(wrap(torch.randn(4, 2)))",
    lambda: torch.optim.SGD(Low(nn.Parameter).parameters(), 0.1),
)
def weights_that_are_plain_tensors():
    low = Low()
    torch.optim.SGD(low.parameters(), 0.1)


def _slopes(take):
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    net[0].requires_grad_(False)
    return torch.autograd.grad(net(torch.ones(1, 2)).sum(), take(list(net.parameters())))


@told(
    "input_without_grad",
    r"2 of the 4 tensors in weights do not require grad",
    None,
    "[p for p in weights if p.requires_grad]",
    lambda: _slopes(lambda weights: [p for p in weights if p.requires_grad]),
)
def a_list_of_which_half_is_frozen():
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    net[0].requires_grad_(False)
    weights = list(net.parameters())
    return torch.autograd.grad(net(torch.ones(1, 2)).sum(), weights)


@told(
    "input_without_grad",
    r"None of the 2 tensors in rest requires grad",
    None,
    "[p for p in rest if p.requires_grad]",
    lambda: _slopes(lambda weights: weights[2:]),
)
def two_lists_of_which_one_is_frozen():
    learnt, rest = [torch.ones(2, requires_grad=True)], [torch.ones(2), torch.ones(2)]
    loss = (learnt[0] * rest[0]).sum()
    return torch.autograd.grad(loss, learnt + rest)


@told(
    "not_scalar",
    r"energy has the shape \(4, 1\): grad\(\) starts from one number",
    "torch.autograd.grad(energy, x)",
    "Give it one number: energy.sum()",
    lambda: torch.autograd.grad(_energy()[0].sum(), _energy()[1], allow_unused=True),
)
def forces_of_a_batch():
    energy, x = _energy()
    net = nn.Linear(3, 1)
    energy = net(x)
    return torch.autograd.grad(energy, x)


def _energy():
    x = torch.ones(4, 3, requires_grad=True)
    return (x**2).sum(1, keepdim=True), x


class Field:
    def __init__(self):
        self.x = torch.ones(5, 2, requires_grad=True)
        self.out = self.x.sin()


@told(
    "not_scalar",
    r"field.out has the shape \(5, 2\)",
    None,
    "Give it one number: field.out.sum()",
    lambda: torch.autograd.grad((field := Field()).out.sum(), [field.x]),
)
def a_result_that_an_object_holds():
    field = Field()
    return torch.autograd.grad(outputs=field.out, inputs=[field.x])


def penalty(scores, samples):
    (slope,) = torch.autograd.grad(scores, samples, torch.ones_like(scores), create_graph=True)
    return slope.norm(2, 1).mean()


@told(
    "unused",
    "judged is computed from photos, judged = critic",
    "judged = critic(photos)",
    "judged = critic(copied)",
    lambda: penalty(nn.Linear(3, 1)(x := torch.ones(2, 3, requires_grad=True)), x),
)
def a_copy_that_requires_grad_beside_what_was_judged():
    critic, photos = nn.Linear(3, 1), torch.randn(2, 3)
    copied = photos.detach().clone().requires_grad_()
    judged = critic(photos)
    return penalty(judged, copied)


@told(
    "unused",
    "u is computed from points, u = net",
    "u = net(torch.cat([points, times], 1)).sum()",
    "u = net(torch.cat([collocation, times], 1)).sum()",
    lambda: None,
)
def a_leaf_made_of_a_list_beside_the_points():
    net, times = nn.Linear(2, 1), torch.ones(3, 1)
    points = torch.tensor([[0.1], [0.5], [0.9]])
    collocation = torch.tensor([[0.1], [0.5], [0.9]], requires_grad=True)
    u = net(torch.cat([points, times], 1)).sum()
    return torch.autograd.grad(u, collocation)


def _of_rows(take):
    table = torch.randn(6, 2, requires_grad=True)
    rows = take(table)
    opt = torch.optim.SGD([rows], 0.1)
    rows.sum().backward()
    opt.step()


@told(
    "non_leaf_parameter",
    r"rows is a part of table, and no leaf: rows = table\[2:4\]",
    "rows = table[2:4]",
    "rows = table[2:4].detach().clone().requires_grad_()",
    lambda: _of_rows(lambda table: table[2:4].detach().clone().requires_grad_()),
)
def rows_of_a_table():
    table = torch.randn(6, 2, requires_grad=True)
    rows = table[2:4]
    return torch.optim.SGD([rows], 0.1)


@told(
    "index_dtype",
    "actions is the index here, and it is float32",
    None,
    "actions.long()",
    lambda: torch.ones(2, 3).gather(1, torch.tensor([0.0, 2.0]).long().view(-1, 1)),
)
def an_index_that_is_reshaped_where_it_is_used():
    q, actions = torch.ones(2, 3), torch.tensor([0.0, 2.0])
    return q.gather(1, actions.view(-1, 1))


class Doubled(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 3)
        self.act = nn.ELU(inplace=True)

    def forward(self, x):
        x = self.first(x)
        squares = x * x
        return squares + self.act(x)


def _without(net):
    net.act = nn.ELU()
    net(torch.ones(2, 3)).sum().backward()


class Head(nn.Module):
    def __init__(self, quiet=False):
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.ModuleDict({"fc": nn.Linear(3, 3), "act": nn.ReLU() if quiet else nn.ReLU(True)})
            for _ in range(2)
        )

    def forward(self, x):
        for block in self.blocks:
            h = block["fc"](x).tanh()
            x = block["act"](h) + x
        return x


def test_layers_in_place_that_a_generator_makes_are_named():
    net = Head()
    loss = net(torch.ones(2, 3)).sum()
    with pytest.raises(RuntimeError) as raised:
        loss.backward()
    found = explain_error(raised.value)
    assert "Layers that work in place: net.blocks.0.act, net.blocks.1.act" in found.meaning
    Head(quiet=True)(torch.ones(2, 3)).sum().backward()


@told(
    "modified",
    "Layers that work in place: net.act. One line makes them",
    "self.act = nn.ELU(inplace=True)",
    "with inplace=False there: nn.ELU().",
    lambda: _without(Doubled()),
)
def a_layer_in_place_behind_a_product():
    net = Doubled()
    loss = net(torch.ones(2, 3)).sum()
    loss.backward()


class Splat(torch.autograd.Function):
    @staticmethod
    def forward(ctx, points, weight):
        ctx.save_for_backward(points, weight)
        return points[:, 0] * points[:, 1] * weight

    @staticmethod
    def backward(ctx, g):
        points, weight = ctx.saved_tensors
        gp = torch.stack([points[:, 1], points[:, 0]], 1) * (g * weight)[:, None]
        return gp, (g * points[:, 0] * points[:, 1]).sum()


@told(
    "function_shape",
    "Splat.backward returns gp as the gradient of forward's argument 0",
    "return gp, (g * points[:, 0] * points[:, 1]).sum()",
    "forward reads 2 of the 3 columns of points: give it points with 2.",
    lambda: Splat.apply(torch.ones(4, 2, requires_grad=True), torch.ones(())).sum().backward(),
)
def points_with_a_column_that_nobody_reads():
    points = torch.ones(4, 3, requires_grad=True)
    Splat.apply(points, torch.ones((), requires_grad=True)).sum().backward()


class Turned(torch.autograd.Function):
    @staticmethod
    def forward(ctx, points, angle):
        ctx.save_for_backward(points, angle)
        return points * angle[:, 0, None] + points.flip(1) * angle[:, 1, None]

    @staticmethod
    def backward(ctx, g):
        points, angle = ctx.saved_tensors
        to_points = g * angle[:, 0, None] + (g * angle[:, 1, None]).flip(1)
        to_angle = torch.stack([(g * points).sum(1), (g * points.flip(1)).sum(1)], 1)
        return to_points, to_angle


@told(
    "function_shape",
    "Turned.backward returns to_angle as the gradient of forward's argument 1",
    "return to_points, to_angle",
    "torch.nn.functional.pad(to_angle, (0, 2)) in the place of to_angle",
    lambda: Turned.apply(torch.ones(5, 2), torch.ones(5, 2, requires_grad=True)).sum().backward(),
)
def a_gradient_that_has_the_shape_of_another_argument_by_chance():
    points, angle = torch.ones(5, 2, requires_grad=True), torch.ones(5, 4, requires_grad=True)
    Turned.apply(points, angle).sum().backward()


@told(
    "no_graph",
    "argmax gives integers",
    "guessed = scores.softmax(1).argmax(1).float()",
    "Give the loss what that line chooses from: F.cross_entropy(scores, labels.long()).",
    lambda: F.cross_entropy(
        nn.Linear(2, 3)(torch.ones(4, 2)), torch.tensor([0.0, 1.0, 2.0, 1.0]).long()
    ).backward(),
)
def classes_for_scores():
    scores, labels = nn.Linear(2, 3)(torch.ones(4, 2)), torch.tensor([0.0, 1.0, 2.0, 1.0])
    guessed = scores.softmax(1).argmax(1).float()
    loss = F.cross_entropy(guessed, labels)
    loss.backward()


def _by_mode(p, mode="soft"):
    if mode == "soft":
        return torch.sigmoid(10 * (p - 0.5))
    return (p >= 0.5).to(p)


@told(
    "no_graph",
    r"Cuts in this code: \S+ line \d+: a comparison has no gradient\.$",
    "return (p >= 0.5).to(p)",
    "Compute with the probabilities themselves",
    lambda: _by_mode(nn.Linear(2, 1)(torch.ones(4, 2))).sum().backward(),
)
def a_branch_that_a_word_decides():
    net = nn.Linear(2, 1)
    loss = 1 - _by_mode(net(torch.ones(4, 2)), mode="hard").mean()
    loss.backward()


@told(
    "no_graph",
    "places are integers",
    "_, chosen = torch.max(logits, 1)",
    "Give the loss what that line chooses from: criterion(logits, y.long()).",
    lambda: nn.CrossEntropyLoss()(nn.Linear(2, 3)(torch.ones(2, 2)), torch.ones(2).long()),
)
def places_for_scores():
    criterion, y = nn.CrossEntropyLoss(), torch.ones(2)
    net = nn.Linear(2, 3)
    logits = net(torch.ones(2, 2))
    _, chosen = torch.max(logits, 1)
    loss = criterion(chosen.float(), y)
    loss.backward()


@told(
    "no_graph",
    "places are integers",
    "chosen = logits.topk(2, dim=1)[1].float()",
    "Give the loss what that line chooses from: criterion(logits, y).",
    lambda: nn.MSELoss()(nn.Linear(2, 3)(torch.ones(2, 2)).topk(2, 1)[0], torch.ones(2, 2)),
)
def the_second_of_what_topk_gives():
    criterion, y = nn.MSELoss(), torch.ones(2, 2)
    net = nn.Linear(2, 3)
    logits = net(torch.ones(2, 2))
    chosen = logits.topk(2, dim=1)[1].float()
    loss = criterion(chosen, y)
    loss.backward()


@told(
    "unused",
    "scores is computed from image, scores = net",
    "scores = net(image)",
    "scores = net(x)",
    lambda: torch.autograd.grad((x := torch.ones(1, 4, requires_grad=True)).sum(), x),
)
def an_entry_of_what_another_copy_gave():
    net, image = nn.Linear(4, 3), torch.rand(1, 4)
    x = image.clone().detach().requires_grad_(True)
    scores = net(image)
    best = scores[0, 1]
    return torch.autograd.grad(best, x)


@told(
    "no_graph",
    "a comparison has no gradient",
    "yes = (p > 0.5).float()",
    "Give the loss what that line chooses from: criterion(p, y).",
    lambda: nn.BCELoss()(nn.Linear(2, 1)(torch.ones(4, 2)).sigmoid(), torch.ones(4, 1)).backward(),
)
def truth_values_for_probabilities():
    criterion, y = nn.BCELoss(), torch.ones(4, 1)
    p = nn.Linear(2, 1)(torch.ones(4, 2)).sigmoid()
    yes = (p > 0.5).float()
    loss = criterion(yes, y)
    loss.backward()


def _frozen_by_names(last):
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    for key, weight in model.named_parameters():
        if key.startswith("0"):
            weight.requires_grad = False
        else:
            weight.requires_grad = last
    model(torch.ones(3, 2)).sum().backward()


@told(
    "no_graph",
    "Both branches of a condition set it to False",
    "weight.requires_grad = False",
    "weight.requires_grad = True",
    lambda: _frozen_by_names(True),
)
def frozen_in_both_branches():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    for key, weight in model.named_parameters():
        if key.startswith("0"):
            weight.requires_grad = False
        else:
            weight.requires_grad = False
    loss = model(torch.ones(3, 2)).sum()
    loss.backward()


class Kept(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 2)


@told(
    "no_parameters",
    r"Local has no parameters: fc1, fc2 are made in __init__ and given to no attribute",
    "fc1 = nn.Linear(2, 3)",
    "Give each of them to self: self.fc1 = nn.Linear(2, 3), and self.fc1 where fc1 is called",
    lambda: torch.optim.SGD(Kept().parameters(), 0.1),
)
def layers_without_self():
    class Local(nn.Module):
        def __init__(self):
            super().__init__()
            fc1 = nn.Linear(2, 3)
            fc2 = nn.Linear(3, 1)
            assert fc1.out_features == fc2.in_features

        def forward(self, x):
            return self.fc2(self.fc1(x))

    net = Local()
    torch.optim.SGD(net.parameters(), 0.1)


class Hidden(nn.Module):
    """Keeps a function that computes with its layers."""

    def __init__(self):
        super().__init__()
        self_inner = nn.Linear(2, 2)
        self.run = lambda x: self_inner(x).tanh()


@told(
    "no_parameters",
    r"self_inner is made in __init__ .* A function that computes with them hides them",
    "self_inner = nn.Linear(2, 2)",
    "Give it to self: self.inner = nn.Linear(2, 2)",
    lambda: torch.optim.SGD(Kept().parameters(), 0.1),
)
def a_layer_in_a_lambda():
    hidden = Hidden()
    torch.optim.SGD(hidden.parameters(), 0.1)


class Scaled(nn.Module):
    def __init__(self, right=False):
        super().__init__()
        centers = nn.Parameter(torch.ones(3)) * 0.1
        self.centers = nn.Parameter(torch.ones(3) * 0.1) if right else centers


@told(
    "no_parameters",
    r"centers is the result of an operation on a parameter",
    "centers = nn.Parameter(torch.ones(3)) * 0.1",
    "centers = nn.Parameter(torch.ones(3) * 0.1)",
    lambda: torch.optim.SGD(Scaled(True).parameters(), 0.1),
)
def a_parameter_times_a_number_by_another_name():
    model = Scaled()
    torch.optim.SGD(model.parameters(), 0.1)


def _weighed(losses):
    return np.sum([np.multiply(n, one) for n, one in zip([2, 3], losses, strict=True)])


@told(
    "numpy",
    r"losses holds tensors that require grad",
    "losses.append(",
    "losses.append(loss.item())",
    lambda: _weighed([1.0, 2.0]),
)
def losses_that_are_weighed_by_counts():
    losses, net = [], nn.Linear(2, 1)
    for count in (2, 3):
        loss = net(torch.ones(count, 2)).square().mean()
        losses.append(loss)
    np.sum([np.multiply(n, one) for n, one in zip([2, 3], losses, strict=True)])


@told(
    "not_scalar",
    r"maps\[0, 1\] on line \d+ is a part of maps, of the shape \(1, 2, 4\), and no number",
    "score.backward()",
    "score.mean().backward()",
    lambda: torch.ones(1, 2, 4, requires_grad=True)[0, 1].mean().backward(),
)
def a_score_map_in_the_place_of_a_score():
    maps = torch.ones(1, 2, 4, requires_grad=True) * 2
    score = maps[0, 1]
    score.backward()


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_line_and_the_change_are_named(program):
    program.is_explained()


def test_a_comparison_of_fresh_numbers_is_no_cut():
    other = nn.Linear(2, 1)
    x, masks = torch.ones(3, 2), (torch.rand(3, 1) > 0.5).float()
    loss = (x.sum(1, keepdim=True) * masks).sum()
    with pytest.raises(RuntimeError) as raised:
        loss.backward()
    assert other.weight.requires_grad
    assert not re.search(r"line \d+: a comparison", explain_error(raised.value).meaning)
