"""A cause that stands elsewhere than in the failing line: what is said of it, and its cure."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd import Variable
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, default_collate

from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


@pytest.mark.parametrize("program", PROGRAMS)
def test_it_is_named_with_its_line_and_its_cure_cures(program):
    program.is_explained()


# A result from before a loop whose steps change what computed it


def _made_pictures():
    torch.manual_seed(0)
    maker, judge = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)), nn.Linear(3, 1)
    optimizer = torch.optim.SGD(maker.parameters(), lr=0.1)
    noise = torch.randn(2, 4)
    for _ in range(3):
        optimizer.zero_grad()
        pictures = maker(noise)
        loss = -judge(pictures).mean()
        loss.backward(retain_graph=True)
        optimizer.step()


@told(
    "modified",
    r"pictures was computed before this loop \(.*line \d+\), and optimizer.step\(\) has changed",
    "optimizer.step()",
    "in front of its first use there: pictures = maker(noise)",
    lambda: _made_pictures(),
)
def pictures_that_every_step_of_their_maker_is_given():
    torch.manual_seed(0)
    maker, judge = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)), nn.Linear(3, 1)
    optimizer = torch.optim.SGD(maker.parameters(), lr=0.1)
    noise = torch.randn(2, 4)
    pictures = maker(noise)
    for _ in range(3):
        optimizer.zero_grad()
        loss = -judge(pictures).mean()
        loss.backward(retain_graph=True)
        optimizer.step()


class Policy:
    """Improves a policy in several passes over the same states."""

    def __init__(self):
        self.actor = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
        self.optimizer = torch.optim.Adam(self.actor.parameters(), lr=0.01)

    def improve(self, states, passes=4):
        for number in range(passes):
            scores = self.actor(states)
            gain = scores.log_softmax(1)[:, 0].mean() * (number + 1)
            self.optimizer.zero_grad()
            gain.backward(retain_graph=number < passes - 1)
            self.optimizer.step()


class OldPolicy(Policy):
    """The same on scores from before the passes."""

    def improve(self, states, passes=4):
        scores = self.actor(states)
        for number in range(passes):
            gain = scores.log_softmax(1)[:, 0].mean() * (number + 1)
            self.optimizer.zero_grad()
            gain.backward(retain_graph=number < passes - 1)
            self.optimizer.step()


@told(
    "modified",
    "scores was computed before this loop",
    None,
    "scores = self.actor(states)",
    lambda: Policy().improve(torch.ones(2, 3)),
)
def scores_from_before_the_passes():
    OldPolicy().improve(torch.ones(2, 3))


# Two optimizers that share a result


def _adversaries():
    torch.manual_seed(0)
    maker, judge = nn.Linear(3, 4), nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))
    return maker, judge, *(torch.optim.SGD(one.parameters(), lr=0.1) for one in (maker, judge))


def _judged():
    maker, judge, of_maker, of_judge = _adversaries()
    made = maker(torch.randn(2, 3))
    judged = judge(made)
    again = judge(made.detach())
    maker_loss = F.softplus(-judged).mean()
    judge_loss = F.softplus(again).mean()
    of_maker.zero_grad()
    maker_loss.backward()
    of_maker.step()
    of_judge.zero_grad()
    judge_loss.backward()
    assert judge[0].weight.grad is not None
    of_judge.step()


@told(
    "second_backward",
    "go through the graph of judged",
    "judge_loss.backward()",
    "do not detach judged, but compute one for this loss alone, of what is not to be trained by "
    "it: own = judge(made.detach())",
    lambda: _judged(),
)
def a_judgement_that_two_losses_share():
    maker, judge, of_maker, of_judge = _adversaries()
    made = maker(torch.randn(2, 3))
    judged = judge(made)
    maker_loss = F.softplus(-judged).mean()
    judge_loss = F.softplus(judged).mean()
    of_maker.zero_grad()
    maker_loss.backward()
    of_maker.step()
    of_judge.zero_grad()
    judge_loss.backward()
    of_judge.step()


def _judge_first():
    maker, judge, of_maker, of_judge = _adversaries()
    for _ in range(2):
        made = maker(torch.randn(2, 3))
        verdict = judge(made.detach())
        judge_loss = F.softplus(verdict).mean()
        of_judge.zero_grad()
        judge_loss.backward()
        of_judge.step()
        verdict = judge(made)
        maker_loss = F.softplus(-verdict).mean()
        of_maker.zero_grad()
        maker_loss.backward()
        of_maker.step()


@told(
    "second_backward",
    "go through the graph of verdict",
    "maker_loss.backward()",
    "give that loss one of its own, own = judge(made.detach()), and own in the place of verdict "
    "there. Compute verdict and this loss behind of_judge.step()",
    lambda: _judge_first(),
)
def a_verdict_whose_judge_steps_first():
    maker, judge, of_maker, of_judge = _adversaries()
    for _ in range(2):
        made = maker(torch.randn(2, 3))
        verdict = judge(made)
        judge_loss = F.softplus(verdict).mean()
        maker_loss = F.softplus(-verdict).mean()
        of_judge.zero_grad()
        judge_loss.backward()
        of_judge.step()
        of_maker.zero_grad()
        maker_loss.backward()
        of_maker.step()


def _two_losses(together):
    body, first, second = nn.Linear(3, 4), nn.Linear(4, 1), nn.Linear(4, 2)
    of_body = torch.optim.SGD([*body.parameters(), *first.parameters()], lr=0.1)
    of_rest = torch.optim.SGD(second.parameters(), lr=0.1)
    h = body(torch.ones(2, 3)).tanh()
    one, other = first(h).square().mean(), second(h).square().mean()
    of_body.zero_grad()
    of_rest.zero_grad()
    if together:
        (one + other).backward()
    else:
        one.backward()
        other.backward()
    of_body.step()
    of_rest.step()


@told(
    "second_backward",
    "go through the graph of h",
    "other.backward()",
    "add them and call backward once: (a + b).backward(). Nothing steps or empties between",
    lambda: _two_losses(True),
)
def two_losses_between_which_nothing_steps():
    _two_losses(False)


# Truth values, and places, in a loss


def _dice(soft):
    scores = torch.tensor([[0.2, 0.9, 0.7]], requires_grad=True)
    target = torch.tensor([[0, 1, 0]])
    if soft:
        inside = (scores * target).sum()
        either = (scores + target - scores * target).sum()
    else:
        found = scores > 0.5
        inside = torch.logical_and(found, target).sum()
        either = torch.logical_or(found, target).sum()
    loss = 1 - (inside + 1.0) / (either + 1.0)
    loss.backward()


@told(
    "no_graph",
    "a comparison has no gradient",
    "found = scores > 0.5",
    "a * b for logical_and (line",
    lambda: _dice(True),
)
def a_share_of_logical_masks():
    _dice(False)


def _overlap(a, b):
    return a.bool().logical_and(b.bool()).float().mean()


@told(
    "no_graph",
    "truth values have no gradient",
    None,
    "truth values have no gradient",
    lambda: (torch.ones(2, requires_grad=True) * torch.ones(2)).mean().backward(),
)
def an_overlap_of_truth_values():
    loss = 1 - _overlap(torch.ones(2, requires_grad=True), torch.ones(2))
    loss.backward()


def _place(expected):
    scores = torch.randn(2, 7, 5, requires_grad=True)
    if expected:
        at = (scores.softmax(1).movedim(1, -1) * torch.arange(scores.shape[1])).sum(-1)
    else:
        at = scores.argmax(1).float()
    (at / 6 - 0.5).abs().mean().backward()


@told(
    "no_graph",
    "argmax gives integers",
    None,
    "(s.softmax(d).movedim(d, -1) * torch.arange(s.shape[d])).sum(-1)",
    lambda: _place(True),
)
def a_place_by_argmax():
    _place(False)


def _scored(line):
    net = nn.Linear(4, 3)
    outputs, y = net(torch.ones(2, 4)), torch.tensor([0, 2])
    if line:
        F.cross_entropy(outputs, y).backward()
    return outputs, y


@told(
    "integer_grad",
    r"preds holds int64, the places that max chose by `_, preds = torch.max\(outputs, 1\)`",
    "preds.requires_grad = True",
    "compute the loss from outputs in the place of preds: loss = F.cross_entropy(outputs, y)",
    lambda: _scored(True),
)
def a_flag_on_the_places_of_the_largest():
    outputs, y = _scored(False)
    _, preds = torch.max(outputs, 1)
    preds.requires_grad = True
    loss = F.cross_entropy(preds, y)
    loss.backward()


@told(
    "integer_grad",
    "choice holds int64, the places that argmax chose",
    "choice.requires_grad_()",
    "compute the loss from outputs in the place of choice",
    lambda: _scored(True),
)
def a_flag_on_a_choice():
    outputs, _ = _scored(False)
    choice = outputs.argmax(dim=1)
    choice.requires_grad_()


# A leaf that was made after the result


def _named_penalty(pictures, verdicts):
    at = Variable(pictures, requires_grad=True)
    slope = torch.autograd.grad(outputs=verdicts, inputs=at, grad_outputs=torch.ones(2, 1))[0]
    return slope.square().mean()


def _slope(x, net):
    x.requires_grad_()
    score = net(x)
    return torch.autograd.grad(score.sum(), x)[0]


@told(
    "unused",
    r"`at = Variable\(pictures, requires_grad=True\)` makes a new leaf, after the result had been "
    r"computed by `judged = judge\(real\)`",
    "at = Variable(pictures, requires_grad=True)",
    "ask for the gradient of pictures itself. Let real require grad before it is used: "
    "real.requires_grad_(), in front of `judged = judge(real)`",
    lambda: _slope(torch.ones(2, 3), nn.Linear(3, 1)),
)
def a_penalty_that_wraps_what_was_judged():
    judge, real = nn.Linear(3, 1), torch.rand(2, 3)
    judged = judge(real)
    _named_penalty(real, judged)


@told(
    "unused",
    r"`x = x.detach\(\).requires_grad_\(\)` makes a new leaf, after the result had been computed",
    "x = x.detach().requires_grad_()",
    "x.requires_grad_(), in front of `energy = net(x)`",
    lambda: _slope(torch.ones(2, 3), nn.Sequential(nn.Linear(3, 4), nn.Tanh())),
)
def forces_at_a_leaf_that_came_later():
    net, x = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)), torch.rand(2, 3)
    energy = net(x)
    x = x.detach().requires_grad_()
    torch.autograd.grad(energy, x, torch.ones(2, 1))


# More than one number, returned by a function


class Ranked(nn.Module):
    def forward(self, one, other):
        return (one - other + 0.1).clamp(min=0)


class RankedMean(Ranked):
    def forward(self, one, other):
        return (one - other + 0.1).clamp(min=0).mean()


def _pair():
    return torch.ones(3, 1, requires_grad=True), torch.zeros(3, 1)


@told(
    "not_scalar",
    r"criterion\(...\) returns the shape \(3, 1\)",
    "return (one - other + 0.1).clamp(min=0)",
    "return (one - other + 0.1).clamp(min=0).mean()",
    lambda: RankedMean()(*_pair()).backward(),
)
def a_criterion_that_gives_one_number_a_sample():
    criterion = Ranked()
    criterion(*_pair()).backward()


def distance(one, other):
    return one - other


@told(
    "not_scalar",
    r"distance\(...\) returns the shape \(3, 1\)",
    "return one - other",
    "return (one - other).mean()",
    lambda: distance(*_pair()).mean().backward(),
)
def a_distance_of_each():
    distance(*_pair()).backward()


# Results in the place of leaves


class Cloned:
    """Learns a part of what an encoder gives."""

    def __init__(self):
        self.part = nn.Embedding(5, 3)(torch.arange(4))[1:3].detach().clone().requires_grad_()
        self.optimizer = torch.optim.Adam([self.part], lr=0.1)


class Sliced:
    """The same, of a part that has a graph."""

    def __init__(self):
        self.whole = nn.Embedding(5, 3)(torch.arange(4))
        self.part = self.whole[1:3]
        self.part.requires_grad_(True)

    def optimizer(self):
        return torch.optim.Adam([self.part], lr=0.1)


@told(
    "non_leaf_parameter",
    r"self.part is the result of an operation, and no leaf, whatever its flag says: "
    r"self.part = self.whole\[1:3\]",
    "self.part = self.whole[1:3]",
    "self.part = self.whole[1:3].detach().clone().requires_grad_()",
    lambda: Cloned(),
)
def a_part_of_an_embedding_to_be_learned():
    Sliced().optimizer()


@told(
    "non_leaf_parameter",
    "style is the result of an operation, and no leaf",
    "style = nn.Linear(2, 3)(torch.ones(1, 2))",
    "style = nn.Linear(2, 3)(torch.ones(1, 2)).detach().clone().requires_grad_()",
    lambda: Cloned(),
)
def a_style_that_a_mapping_gave():
    style = nn.Linear(2, 3)(torch.ones(1, 2))
    torch.optim.SGD([style], lr=0.1)


class Fused(nn.Module):
    def __init__(self, inplace):
        super().__init__()
        self.share = nn.Parameter(torch.ones(2))
        self.positive = nn.ReLU(inplace=inplace)

    def forward(self, x):
        share = self.positive(self.share)
        return (share * x).sum()


@told(
    "leaf_in_place",
    r"self.positive is ReLU\(inplace=True\), which writes its result into .* self.share, a leaf",
    "share = self.positive(self.share)",
    "Make self.positive without inplace=True: nn.ReLU(...)",
    lambda: Fused(False)(torch.ones(2)).backward(),
)
def a_layer_in_place_on_a_parameter():
    net = Fused(True)
    net(torch.ones(2))


@told(
    "leaf_in_place",
    r"F.elu\(w, inplace=True\) writes its result into w, a leaf that requires grad",
    "h = F.elu(w, inplace=True)",
    "F.elu(w",
    lambda: F.elu(torch.ones(2, requires_grad=True)).sum().backward(),
)
def a_function_in_place_on_a_leaf():
    w = torch.ones(2, requires_grad=True)
    h = F.elu(w, inplace=True)
    h.sum().backward()


class Mixed(nn.Module):
    def __init__(self):
        super().__init__()
        self.shares = nn.Parameter(torch.ones(3))

    def forward(self, parts):
        self.shares = F.softmax(self.shares, dim=0)
        return (self.shares * parts).sum()


class MixedByName(Mixed):
    def forward(self, parts):
        shares = F.softmax(self.shares, dim=0)
        return (shares * parts).sum()


@told(
    "parameter_assigned",
    "puts a result computed from it in its place, in every call",
    "self.shares = F.softmax(self.shares, dim=0)",
    "shares = F.softmax(self.shares, dim=0), and shares in the place of self.shares below",
    lambda: MixedByName()(torch.ones(3)).backward(),
)
def shares_that_forward_normalizes():
    net = Mixed()
    net(torch.ones(3))


# A tensor that a loop writes and reads whole


@told(
    "modified",
    "b",
    None,
    "then b = b.clone(), then b[i] = new",
    lambda: _multiplied_copies(),
)
def a_vector_that_each_round_multiplies_whole():
    w = torch.ones(3, 3, requires_grad=True)
    b = w @ torch.ones(3, 1)
    total = 0
    for i in range(3):
        b[i] = b[i] * 2
        total = total + (w @ b).sum()
    total.backward()


def _multiplied_copies():
    w = torch.ones(3, 3, requires_grad=True)
    b = w @ torch.ones(3, 1)
    total = 0
    for i in range(3):
        new = b[i] * 2
        b = b.clone()
        b[i] = new
        total = total + (w @ b).sum()
    total.backward()


# Samples that differ in several entries


BOXES = [
    {"image": torch.zeros(3, 2, 2), "box": torch.zeros(n, 4), "label": torch.zeros(n)}
    for n in (1, 3)
]


def _padded(samples):
    return default_collate(
        [{k: v for k, v in one.items() if k not in ("box", "label")} for one in samples]
    ) | {
        key: pad_sequence([torch.as_tensor(one[key]) for one in samples], batch_first=True)
        for key in ("box", "label")
    }


@told(
    "batch_sizes",
    r"different shapes in entry \['box'\]",
    None,
    "k not in ('box', 'label')} for one in samples]) | {'box': pad_sequence([torch.as_tensor("
    "one['box']) for one in samples], batch_first=True), 'label': pad_sequence(",
    lambda: next(iter(DataLoader(BOXES, batch_size=2, collate_fn=_padded))),
)
def boxes_and_labels_of_several_lengths():
    next(iter(DataLoader(BOXES, batch_size=2)))


# A model that was frozen whole, and an optimizer of its head


class Headed(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.body(x))


def _frozen(head):
    net = Headed()
    net.requires_grad_(False)
    if head:
        net.head.requires_grad_(True)
    torch.optim.SGD(net.head.parameters(), lr=0.1)
    net(torch.ones(1, 3)).sum().backward()


@told(
    "no_graph",
    "No parameter of model requires grad",
    None,
    "model.head.requires_grad_(True), behind the line that freezes",
    lambda: _frozen(True),
)
def a_head_that_was_frozen_with_the_rest():
    model = Headed()
    for p in model.parameters():
        p.requires_grad = False
    optimizer = torch.optim.SGD(model.head.parameters(), lr=0.1)
    loss = model(torch.ones(1, 3)).sum()
    loss.backward()
    optimizer.step()


# Scores of classes and their numbers, flattened


def _dice_of_classes(scores, numbers):
    p, t = scores.sigmoid().view(-1), numbers.reshape(-1)
    return 1 - 2 * (p * t).sum() / (p.sum() + t.sum() + 1)


def _with_one_hot():
    numbers = F.one_hot(torch.tensor([[[0, 3], [1, 2]]]), 4).movedim(-1, 1)
    return _dice_of_classes(torch.ones(1, 4, 2, 2), numbers)


@told(
    "sizes",
    "scores holds 4 classes for each number of numbers",
    "return 1 - 2 * (p * t).sum() / (p.sum() + t.sum() + 1)",
    "numbers = F.one_hot(numbers, 4).movedim(-1, 1)",
    _with_one_hot,
)
def a_dice_of_numbers():
    scores, numbers = torch.ones(1, 4, 2, 2), torch.tensor([[[0, 3], [1, 2]]])
    p, t = scores.sigmoid().view(-1), numbers.reshape(-1)
    return 1 - 2 * (p * t).sum() / (p.sum() + t.sum() + 1)


@told(
    "sizes",
    "logits holds 3 classes for each number of mask",
    None,
    "mask = F.one_hot(mask.squeeze(1).long(), 3).movedim(-1, 1)",
    _with_one_hot,
)
def an_overlap_with_a_mask_of_one_channel():
    logits, mask = torch.ones(2, 3, 4, 5), torch.zeros(2, 1, 4, 5)
    flat, truth = logits.flatten(), mask.flatten()
    return torch.abs(flat - truth).mean()


# A pass that is left behind unscale_


def _large(updates):
    net = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu")
    for _ in range(3):
        optimizer.zero_grad()
        scaler.scale(net(torch.ones(2, 3)).mean()).backward()
        scaler.unscale_(optimizer)
        if nn.utils.clip_grad_norm_(net.parameters(), 1.0) > 0.1:
            if updates:
                scaler.update()
            continue
        scaler.step(optimizer)
        scaler.update()


@told(
    "scaler_twice",
    r"leaves the pass behind unscale_\(\) and in front of update\(\)",
    "continue",
    "Call update() of the scaler in front of it",
    lambda: _large(True),
)
def a_step_that_is_skipped_where_gradients_are_large():
    net = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu")
    for _ in range(3):
        optimizer.zero_grad()
        scaler.scale(net(torch.ones(2, 3)).mean()).backward()
        scaler.unscale_(optimizer)
        if nn.utils.clip_grad_norm_(net.parameters(), 1.0) > 0.1:
            continue
        scaler.step(optimizer)
        scaler.update()


# A parameter of whole numbers


class Offset(nn.Module):
    def __init__(self):
        super().__init__()
        self.offset = nn.Parameter(torch.zeros(3, dtype=torch.long))


@told(
    "integer_grad",
    r"torch.zeros\(3, dtype=torch.long\) holds whole numbers",
    "self.offset = nn.Parameter(torch.zeros(3, dtype=torch.long))",
    'self.register_buffer("offset", torch.zeros(3, dtype=torch.long))',
    lambda: nn.Parameter(torch.zeros(3, dtype=torch.long).float()),
)
def an_offset_of_whole_numbers():
    Offset()


@told(
    "integer_grad",
    r"torch.arange\(4\) holds whole numbers",
    "places = nn.Parameter(torch.arange(4))",
    "nn.Parameter((torch.arange(4)).float())",
    lambda: nn.Parameter(torch.arange(4).float()),
)
def places_as_a_parameter():
    places = nn.Parameter(torch.arange(4))
    return places.float().sum()


class Sharp(nn.Module):
    def forward(self, p, t):
        inside = (p > 0.5) & t.bool()
        return 1 - inside.sum().float() / t.numel()


@told(
    "no_graph",
    "a comparison has no gradient",
    "inside = (p > 0.5) & t.bool()",
    "Compute with the probabilities themselves",
    lambda: (1 - torch.ones(3, requires_grad=True).mean()).backward(),
)
def a_loss_whose_object_has_no_name():
    net = nn.Linear(3, 3)
    loss = Sharp()(net(torch.ones(1, 3)), torch.ones(1, 3))
    loss.backward()


# An optimizer of what is frozen, beside a model that is not


def _tuned(frozen):
    donor, net = nn.Linear(3, 3), nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
    for parameter in net.parameters():
        parameter.requires_grad = not frozen
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    loss = net(donor(torch.ones(2, 3)).detach()).square().mean()
    loss.backward()
    optimizer.step()


@told(
    "no_graph",
    r"^No parameter of net requires grad",
    None,
    "net.requires_grad_(True)",
    lambda: _tuned(False),
)
def all_that_the_optimizer_holds_is_frozen():
    _tuned(True)


class Frozen(nn.Module):
    """A body and a head, and two loops that freeze the one and the other."""

    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(3, 3), nn.Linear(3, 1)
        for one in self.body.parameters():
            one.requires_grad = False
        for one in self.head.parameters():
            one.requires_grad = False

    def forward(self, x):
        return self.head(self.body(x))


@told(
    "no_graph",
    r"^No parameter of both requires grad, .* Set to False on: \S+, line \d+, \S+, line \d+\.$",
    None,
    "both.requires_grad_(True), or one part of it",
    lambda: Frozen().requires_grad_(True)(torch.ones(2, 3)).sum().backward(),
)
def both_parts_of_a_model_are_frozen():
    both = Frozen()
    both(torch.ones(2, 3)).sum().backward()


def _in_turns(anew):
    """Three losses of one pass, each with a step of its own behind it."""
    parts = [nn.Linear(3, 3) for _ in range(3)]
    first, second, third = (torch.optim.SGD(one.parameters(), lr=0.1) for one in parts)
    x = torch.ones(2, 3)

    def passed():
        a = parts[0](x).tanh()
        b = parts[1](a).tanh()
        c = parts[2](b).tanh()
        return a.square().mean(), (parts[1].weight @ b.T).mean(), c.square().mean()

    one, two, three = passed()
    one.backward(retain_graph=True)
    first.step()
    if anew:
        _, two, _ = passed()
    two.backward(retain_graph=True)
    second.step()
    if anew:
        _, _, three = passed()
    three.backward()
    third.step()


@told(
    "modified",
    r"first\.step\(\) changed",
    "first.step()",
    "So it is with three, which is made of the same pass: compute it after second.step()",
    lambda: _in_turns(True),
)
def a_second_and_a_third_loss_of_one_pass():
    parts = [nn.Linear(3, 3) for _ in range(3)]
    first, second, third = (torch.optim.SGD(one.parameters(), lr=0.1) for one in parts)
    z = torch.ones(2, 3, requires_grad=True)
    a = parts[0](z).tanh()
    b = parts[1](parts[0](a)).tanh()
    one, two, three = a.square().mean(), b.square().mean(), parts[2](b).square().mean()
    one.backward(retain_graph=True)
    first.step()
    two.backward(retain_graph=True)
    second.step()
    three.backward()
    third.step()
