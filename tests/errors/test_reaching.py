"""A cure reaches all that shares the fault, and keeps what was meant: values, order, flags."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

from grader.errors import explain_error
from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


def said_of(program):
    """What is said of a program that raises."""
    with pytest.raises(Exception) as raised:  # noqa: PT011 - the code says which
        program()
    return explain_error(raised.value)


def _tagger(freezes_all):
    net = nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(8, 3))
    for weight in (net if freezes_all else net[0]).parameters():
        weight.requires_grad = False
    return net


@told(
    "no_parameters",
    "No parameter of tagger requires grad, and the optimizer is given those alone that do",
    "torch.optim.Adam(filter(",
    "tagger.requires_grad_(True), or one part of it",
    lambda: torch.optim.Adam(w for w in _tagger(False).parameters() if w.requires_grad),
)
def a_choice_among_frozen_parameters():
    tagger = _tagger(True)
    torch.optim.Adam(filter(lambda w: w.requires_grad, tagger.parameters()), lr=0.1)


def _learning(model):
    return [weight for weight in model.parameters() if weight.requires_grad]


@told(
    "no_parameters",
    "No parameter of critic requires grad",
    "critic.requires_grad_(False)",
    "critic.requires_grad_(True)",
    lambda: torch.optim.SGD(_learning(nn.Linear(3, 1)), lr=0.1),
)
def a_function_that_keeps_what_requires_grad():
    critic = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    critic.requires_grad_(False)
    weights = _learning(critic)
    torch.optim.SGD(weights, lr=0.1)


def test_a_model_that_learns_is_not_said_to_be_frozen():
    def program():
        critic = nn.Linear(3, 1)
        chosen = [w for n, w in critic.named_parameters() if w.requires_grad and "norm" in n]
        torch.optim.SGD(chosen, lr=0.1)

    assert "No parameter of critic requires grad" not in said_of(program).meaning


class Frozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)
        for weight in self.parameters():
            weight.requires_grad = False


@told(
    "no_parameters",
    "No parameter of speaker requires grad",
    "speaker.requires_grad_(False)",
    "speaker.requires_grad_(True)",
    lambda: None,
)
def a_model_that_its_own_line_freezes_beside_a_class_that_freezes_itself():
    speaker = nn.Linear(3, 1)
    speaker.requires_grad_(False)
    torch.optim.SGD([w for w in speaker.parameters() if w.requires_grad], lr=0.1)


@told(
    "no_parameters",
    "No parameter of frozen requires grad",
    "weight.requires_grad = False",
    "frozen.requires_grad_(True)",
    lambda: None,
)
def a_model_whose_class_freezes_it():
    frozen = Frozen()
    torch.optim.SGD([w for w in frozen.parameters() if w.requires_grad], lr=0.1)


class Unbound(nn.Module):
    def __init__(self):
        """Sets up one layer."""
        super(Unbound).__init__()
        self.layer = nn.Linear(2, 2)


class Bound(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)


@told(
    "before_init",
    r"super\(Unbound\).__init__\(\) names a class and no object",
    "super(Unbound).__init__()",
    "Write super().__init__() in its place",
    Bound,
)
def a_super_without_its_object():
    Unbound()


class Gated(Unbound):
    def __init__(self, gate):
        self.gate = gate
        super().__init__()


@told(
    "before_init",
    r"sets up nothing of Unbound",
    "super(Unbound).__init__()",
    "as the first line of Unbound.__init__",
    Bound,
)
def a_class_made_from_one_whose_super_has_no_object():
    Gated(2)


def _scaled():
    centers, unit = nn.Parameter(torch.ones(3)), torch.ones(3)
    sgd = torch.optim.SGD([centers], lr=0.1)
    for _ in range(2):
        loss = (centers * unit).sum()
        sgd.zero_grad()
        loss.backward()
        centers.grad.mul_(2)
        sgd.step()


@told(
    "none_used",
    "what fills it comes later, loss.backward\\(\\) on line .*, and zero_grad\\(\\) on line",
    "centers.grad.mul_(2)",
    "Move this line behind loss.backward().",
    _scaled,
)
def a_gradient_that_is_scaled_in_front_of_its_pass():
    centers, unit = nn.Parameter(torch.ones(3)), torch.ones(3)
    sgd = torch.optim.SGD([centers], lr=0.1)
    for _ in range(2):
        loss = (centers * unit).sum()
        sgd.zero_grad()
        centers.grad.mul_(2)
        loss.backward()
        sgd.step()


def _noisy():
    model = nn.Linear(3, 2)
    model(torch.ones(2, 3)).sum().backward()
    for weight in model.parameters():
        weight.grad.add_(torch.ones_like(weight))


@told(
    "none_used",
    r"comes later, total.backward\(\) on line",
    "weight.grad.add_",
    "behind total.backward()",
    _noisy,
)
def a_gradient_that_is_given_noise_without_any_pass_before():
    def step(model):
        total = model(torch.ones(2, 3)).sum()
        for weight in model.parameters():
            weight.grad.add_(torch.ones_like(weight))
        total.backward()

    step(nn.Linear(3, 2))


class Clipping:
    """Clips in a method that its step calls too early."""

    def __init__(self):
        self.net = nn.Linear(2, 1)
        self.sgd = torch.optim.SGD(self.net.parameters(), lr=0.1)

    def clip(self):
        for weight in self.net.parameters():
            weight.grad.clamp_(-1, 1)

    def step(self):
        self.sgd.zero_grad()
        loss = self.net(torch.ones(1, 2)).sum()
        self.clip()
        loss.backward()
        self.sgd.step()


@told(
    "none_used",
    r"comes later, loss.backward\(\) on line .*, and zero_grad\(\) on line",
    "self.clip()",
    "Move this line behind loss.backward().",
    lambda: None,
)
def a_method_that_reads_gradients_in_front_of_their_pass():
    Clipping().step()


def _begun(without_recording):
    gates = nn.Linear(2, 4)
    part = gates.bias.view(2, 2)
    with torch.set_grad_enabled(not without_recording):
        part[:, 0] += 1
        part[:, 1] *= 0.5
    return gates


class Gates(nn.Module):
    def __init__(self):
        super().__init__()
        self.gates = nn.Linear(2, 4)
        part = self.gates.bias.view(2, 2)
        part[:, 0] += 1
        part[:, 1] *= 0.5


@told(
    "leaf_in_place",
    "part shows the memory of self.gates.bias",
    "part[:, 0] += 1",
    "inside `with torch.no_grad():`, and line",
    lambda: _begun(True),
)
def a_first_value_that_two_lines_write():
    Gates()


def _moved(recorded):
    patch = torch.ones(3, requires_grad=True)
    (patch**2).sum().backward()
    if recorded:
        patch -= 0.1 * patch.grad
    with torch.no_grad():
        patch -= 0.1 * patch.grad


@told(
    "leaf_in_place",
    "patch is a leaf that requires grad, and patch -= 0.1",
    "patch -= 0.1 * patch.grad",
    "with torch.no_grad(): patch -= 0.1 * patch.grad",
    lambda: _moved(False),
)
def an_update_that_would_be_recorded():
    _moved(True)


class Remembering(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(2, 3)
        for name, weight in self.cell.named_parameters():
            if "bias" in name:
                weight[3:6].fill_(1.0)


def _remembering():
    cell = nn.LSTMCell(2, 3)
    with torch.no_grad():
        cell.bias_ih[3:6].fill_(1.0)


@told(
    "leaf_in_place",
    r"weight\[3:6\].fill_\(1.0\) would write into self.cell.bias_ih, a leaf",
    "weight[3:6].fill_(1.0)",
    "write the line inside `with torch.no_grad():`",
    _remembering,
)
def a_slice_of_a_leaf_that_is_filled():
    Remembering()


@told(
    "leaf_in_place",
    r"table.weight is a parameter: a leaf that requires grad. table.weight\[0\] = torch.zeros",
    "table.weight[0] = torch.zeros(2)",
    "write `table.weight[0] = torch.zeros(2)` and `table.weight[1] = torch.ones(2)` inside",
    lambda: None,
)
def two_rows_of_a_table_that_are_set():
    table = nn.Embedding(5, 2)
    table.weight[0] = torch.zeros(2)
    table.weight[1] = torch.ones(2)


@told(
    "leaf_in_place",
    "shift is a leaf that requires grad, and shift.sub_",
    "shift.sub_(0.1 * shift.grad)",
    "with torch.no_grad(): shift.sub_(0.1 * shift.grad)",
    lambda: None,
)
def an_update_by_a_method():
    shift = torch.zeros(4, requires_grad=True)
    ((shift - 1) ** 2).sum().backward()
    shift.sub_(0.1 * shift.grad)


def _critic(sign):
    w = torch.ones(3, requires_grad=True)
    score = (w * torch.tensor([1.0, 2.0, 3.0])).mean()
    score.backward(sign.reshape(score.shape))
    return w.grad


@told(
    "seed_shape",
    r"minus is to have the shape of score, \(\)",
    "score.backward(minus)",
    "Pass minus.reshape(score.shape) in the place of minus, which keeps its values.",
    lambda: _critic(torch.tensor([-1.0])),
)
def a_sign_of_one_entry_for_a_number():
    w = torch.ones(3, requires_grad=True)
    minus = torch.tensor([-1.0])
    score = w.mean()
    score.backward(minus)


def test_the_sign_of_what_a_pass_starts_from_is_kept():
    assert torch.equal(_critic(torch.tensor([-1.0])), -torch.tensor([1.0, 2.0, 3.0]) / 3)


@told(
    "seed_shape",
    r"torch.arange\(4.0\) is to have the shape of rows, \(4, 1\). It has the shape \(4,\)",
    "torch.autograd.grad(rows, x, grad_outputs=torch.arange(4.0))",
    "Pass torch.arange(4.0).reshape(rows.shape)",
    lambda: None,
)
def weights_without_a_name():
    x = torch.ones(4, 1, requires_grad=True)
    rows = x * 2
    torch.autograd.grad(rows, x, grad_outputs=torch.arange(4.0))


@told(
    "seed_shape",
    "weights is to have the shape of rows",
    "rows.backward(weights)",
    "Pass weights.reshape(rows.shape)",
    lambda: None,
)
def weights_of_a_column_as_a_row():
    rows = (torch.ones(4, 1, requires_grad=True) * 2).reshape(4, 1)
    weights = torch.arange(4.0)
    rows.backward(weights)


@told(
    "seed_shape",
    "half is to have the shape of rows",
    "rows.backward(half)",
    "Pass half.reshape(()).expand_as(rows)",
    lambda: None,
)
def one_number_for_many():
    rows = torch.ones(4, requires_grad=True) * 2
    half = torch.tensor(0.5)
    rows.backward(half)


def _heads():
    trunk = torch.ones(4, requires_grad=True).exp()
    return trunk[:2] * 2, trunk * 3


@told(
    "second_backward",
    "the first freed it",
    "classes.backward(w)",
    "torch.autograd.backward([boxes, classes], [v, w])",
    lambda: torch.autograd.backward(_heads(), [torch.ones(2), torch.ones(4)]),
)
def two_results_that_are_started_from_values():
    boxes, classes = _heads()
    v, w = torch.ones(2), torch.ones(4)
    boxes.backward(v)
    classes.backward(w)


def test_two_losses_are_still_to_be_added():
    def program():
        boxes, classes = (one.sum() for one in _heads())
        boxes.backward()
        classes.backward()

    assert "(a + b).backward()" in said_of(program).cure


class Tied(nn.Module):
    def __init__(self, tied=True):
        super().__init__()
        self.down = nn.Linear(5, 3)
        self.up = nn.Linear(3, 5)
        if tied:
            self.up.weight = self.down.weight.t()

    def forward(self, x):
        return F.linear(self.down(x), self.down.weight.t(), self.up.bias)


@told(
    "parameter_assigned",
    r"self.down.weight.t\(\) is computed from another one",
    "self.up.weight = self.down.weight.t()",
    "F.linear(x, self.down.weight.t(), self.up.bias) in the place of self.up(x)",
    lambda: Tied(False)(torch.ones(2, 5)).sum().backward(),
)
def a_layer_that_shares_a_weight_turned():
    Tied()


class Halved(nn.Module):
    def __init__(self, halved=True):
        super().__init__()
        self.first = nn.Conv1d(2, 2, 3)
        self.second = nn.Conv1d(2, 2, 3)
        if halved:
            self.second.weight = self.first.weight / 2

    def forward(self, x):
        weights = {"weight": self.first.weight / 2}
        return torch.func.functional_call(self.second, weights, (self.first(x),))


@told(
    "parameter_assigned",
    "self.first.weight / 2 is computed from another one",
    "self.second.weight = self.first.weight / 2",
    'torch.func.functional_call(self.second, {"weight": self.first.weight / 2}, (x,))',
    lambda: Halved(False)(torch.ones(2, 2, 9)).sum().backward(),
)
def a_layer_that_shares_a_weight_scaled():
    Halved()


class Scenes(Dataset):
    def __init__(self, size=None):
        self.size = size

    def __len__(self):
        return 4

    def __getitem__(self, i):
        image, mask = torch.rand(3, 8 + i, 9 - i), torch.ones(8 + i, 9 - i, dtype=torch.long)
        if self.size:
            image = F.interpolate(image[None], size=self.size, mode="bilinear")[0]
            mask = F.interpolate(mask[None, None].float(), size=self.size, mode="nearest")[0, 0]
            mask = mask.to(torch.long)
        return image, mask


@told(
    "batch_sizes",
    r"different shapes in entry \[0\]",
    "return image, mask",
    'mask = F.interpolate(mask[None, None].float(), size=(224, 224), mode="nearest")[0, 0]',
    lambda: next(iter(DataLoader(Scenes((4, 4)), batch_size=4))),
)
def images_of_several_sizes_with_their_masks():
    next(iter(DataLoader(Scenes(), batch_size=4)))


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_cure_reaches_all_that_shares_the_fault(program):
    program.is_explained()
