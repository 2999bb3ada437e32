"""What a loss is given beside its scores: heads, weights, masks and dtypes that do not fit."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from grader.errors import explain_error
from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told
KINDS = ["cat", "dog", "cow"]


# A head with another number of channels than the target


class Landmarks(nn.Module):
    def __init__(self, points=5):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        self.head = nn.Conv2d(8, points, 1)

    def forward(self, image):
        return self.head(self.stem(image)).sigmoid()


class Scored(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(6, 8)
        self.out = nn.Linear(8, 7)

    def forward(self, x):
        return self.out(self.body(x).tanh())


def weighted(pred, gt):
    here = gt.gt(0).float()
    return -(torch.log(pred) * torch.pow(1 - pred, 2) * here).sum()


@told(
    "sizes",
    "self.head, which gives 6, .* 6 is points of the model",
    "model = Landmarks(points=6)",
    "write Landmarks(points=4) there",
    lambda: weighted(Landmarks(4)(torch.rand(2, 3, 8, 8)), torch.rand(2, 4, 8, 8)).backward(),
)
def maps_of_fewer_points():
    model = Landmarks(points=6)
    heat = model(torch.rand(2, 3, 8, 8))
    weighted(heat, torch.rand(2, 4, 8, 8)).backward()


@told(
    "sizes",
    "come from self.out, which gives 7, and y is not computed by the model",
    "self.out = nn.Linear(8, 7)",
    "write nn.Linear(8, 5) there",
    lambda: (nn.Linear(8, 5)(torch.rand(4, 8)) - torch.rand(4, 5)).square().mean().backward(),
)
def rows_of_fewer_columns():
    net = Scored()
    y = torch.rand(4, 5)
    predicted = net(torch.rand(4, 6))
    error = predicted - y
    error.square().mean().backward()


@told(
    "target_shape",
    "come from self.out, which gives 7, and the target is not computed by the model",
    "self.out = nn.Linear(8, 7)",
    "write nn.Linear(8, 3) there",
    lambda: F.binary_cross_entropy_with_logits(
        nn.Linear(8, 3)(torch.rand(4, 8)), torch.rand(4, 3)
    ).backward(),
)
def a_loss_of_fewer_columns():
    net = Scored()
    F.binary_cross_entropy_with_logits(net(torch.rand(4, 6)), torch.rand(4, 3)).backward()


# One weight for each channel


def _fit(loss, channels):
    net = nn.Conv2d(1, channels, 3, padding=1)
    image, y = torch.rand(2, 1, 6, 6), torch.ones(2, channels, 6, 6)
    loss(net(image), y).backward()


@told(
    "sizes",
    r"^The pos_weight of the loss has the shape \(3,\)",
    None,
    ".view(-1, 1, 1)",
    lambda: _fit(nn.BCEWithLogitsLoss(pos_weight=torch.ones(3).view(-1, 1, 1)), 3),
)
def weights_of_channels():
    rare = torch.tensor([1.0, 2.0, 5.0])
    _fit(lambda scores, y: F.binary_cross_entropy_with_logits(scores, y, pos_weight=rare), 3)


@told(
    "sizes",
    r"^The weight of the loss has the shape \(4,\)",
    None,
    ".view(-1, 1, 1)",
    lambda: _fit(nn.BCEWithLogitsLoss(weight=torch.ones(4).view(-1, 1, 1)), 4),
)
def weights_of_a_module():
    criterion = nn.BCEWithLogitsLoss(weight=torch.ones(4))
    _fit(criterion, 4)


# Class numbers in a loss of probabilities


@told(
    "target_shape",
    "holds one class number for each pixel",
    None,
    "use F.cross_entropy(scores, y.long())",
    lambda: F.cross_entropy(torch.rand(2, 4, 5, 5), torch.ones(2, 5, 5).long()),
)
def classes_of_pixels():
    scores = torch.rand(2, 4, 5, 5, requires_grad=True)
    y = torch.arange(50).view(2, 5, 5) % 4
    nn.BCEWithLogitsLoss()(scores, y.float()).backward()


@told(
    "target_shape",
    "holds one class number for each place",
    None,
    "F.one_hot(tags, 4).movedim(-1, 1).float()",
    lambda: F.binary_cross_entropy_with_logits(
        torch.rand(2, 4, 5), F.one_hot(torch.arange(10).view(2, 5) % 4, 4).movedim(-1, 1).float()
    ),
)
def classes_of_steps():
    scores = torch.rand(2, 4, 5, requires_grad=True)
    tags = torch.arange(10).view(2, 5) % 4
    F.binary_cross_entropy_with_logits(scores, tags).backward()


# Masks of another form


@told(
    "mask_shape",
    "Both have 12 entries, in another form",
    "each[seen] = 0",
    "Write `each = each.view(rows, -1)` in front of this line",
    lambda: torch.rand(12, 1).view(3, -1)[torch.arange(12).view(3, 4) > 6].zero_(),
)
def a_form_that_comes_too_late():
    rows, seen = 3, torch.arange(12).view(3, 4) > 6
    each = torch.rand(12, 1)
    each[seen] = 0
    each = each.view(rows, -1)
    return each.sum(1)


@told(
    "mask_shape",
    "Both have 12 entries, in another form",
    "return losses[keep].mean()",
    "losses = losses.view_as(keep)",
    lambda: torch.rand(6, 2).view_as(torch.ones(3, 4) > 0)[torch.ones(3, 4) > 0],
)
def a_form_that_never_comes():
    keep = torch.arange(12).view(3, 4) > 6
    losses = F.mse_loss(torch.rand(6, 2), torch.rand(6, 2), reduction="none")
    return losses[keep].mean()


@told(
    "many_indices",
    "Both have 12 entries, in another form",
    "return losses[keep].mean()",
    "losses = losses.view_as(keep)",
    lambda: torch.rand(12).view_as(torch.ones(3, 4) > 0)[torch.ones(3, 4) > 0],
)
def a_row_under_a_mask():
    keep = torch.arange(12).view(3, 4) > 6
    losses = F.cross_entropy(torch.rand(12, 5), torch.arange(12) % 5, reduction="none")
    return losses[keep].mean()


# Nothing, without columns


def _centres(columns):
    centres = []
    for found in [[[1.0, 2.0, 3.0]], []]:
        points = torch.tensor(found)
        centres.append((points.reshape(-1, columns) if columns else points)[:, 1:])
    return torch.cat(centres)


@told(
    "many_indices",
    r"^spots has the shape \(0,\)",
    "spots = torch.tensor(found)",
    "torch.tensor(found).reshape(-1, columns), with the number of columns",
    lambda: _centres(3),
)
def a_picture_with_nothing_in_it():
    for found in [[[1.0, 2.0, 3.0]], []]:
        spots = torch.tensor(found)
        spots[:, 1:]


def _widths(samples):
    return [sample["corners"][:, 2] for sample in samples]


@told(
    "many_indices",
    r"^sample\['corners'\] has the shape \(0,\)",
    "return [sample[",
    "sample['corners'].reshape(-1, 4) in the place of sample['corners']",
    lambda: _widths([{"corners": torch.rand(2, 4)}, {"corners": torch.ones(0).reshape(-1, 4)}]),
)
def a_sample_with_nothing_in_it():
    _widths([{"corners": torch.rand(2, 4)}, {"corners": torch.ones(0)}])


@told(
    "many_indices",
    r"^row has the shape \(4,\), and row\[:, 2\] has 2 indices",
    "row = table[0]",
    "Print its shape",
    lambda: torch.rand(3, 4)[:, 2],
)
def a_row_for_a_table():
    table = torch.rand(3, 4)
    row = table[0]
    return row[:, 2]


# A prediction in 16 bits


def _half(convert):
    net = nn.Sequential(nn.Linear(4, 1), nn.Sigmoid())
    goal = torch.ones(3, 1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        chance = net(torch.rand(3, 4))
    criterion = nn.BCELoss()
    if convert:
        return criterion(chance.float(), goal).backward()
    criterion(chance, goal).backward()
    return None


@told(
    "found_dtype",
    "^chance is bfloat16, and goal float32. Under autocast",
    "criterion(chance, goal).backward()",
    "criterion(chance.float(), goal)",
    lambda: _half(True),
)
def probabilities_under_autocast():
    _half(False)


@told(
    "found_dtype",
    r"^p is bfloat16, and y float32\.$",
    "F.binary_cross_entropy(p, y)",
    "F.binary_cross_entropy(p.float(), y)",
    lambda: F.binary_cross_entropy(
        nn.Linear(4, 1).bfloat16()(torch.rand(3, 4).bfloat16()).sigmoid().float(), torch.ones(3, 1)
    ),
)
def probabilities_of_a_short_model():
    net, y = nn.Linear(4, 1).bfloat16(), torch.ones(3, 1)
    p = net(torch.rand(3, 4).bfloat16()).sigmoid()
    F.binary_cross_entropy(p, y)


# A sample that is None


class Files(Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, number):
        if number == 3:
            return None
        return torch.rand(2), number


class Notes(Dataset):
    def __len__(self):
        return 6

    def __getitem__(self, number):
        torch.rand(2) + number


def _without(samples):
    return torch.utils.data.default_collate([one for one in samples if one is not None])


@told(
    "collate_kind",
    "^Sample 3 of Files is None: its __getitem__ came to the return named here.$",
    "return None",
    "[one for one in samples if one is not None]",
    lambda: list(DataLoader(Files(), batch_size=3, collate_fn=_without)),
)
def a_file_that_is_given_up():
    list(DataLoader(Files(), batch_size=6))


@told(
    "collate_kind",
    "^Sample 0 of Notes is None: its __getitem__ ends without a return.$",
    None,
    "Return a sample in every case",
    lambda: list(DataLoader([(torch.rand(2), 1)] * 6, batch_size=2)),
)
def a_sample_without_return():
    list(DataLoader(Notes(), batch_size=2))


# Layers within layers


class Nested(nn.Module):
    def __init__(self, inside=8):
        super().__init__()
        inner = nn.Sequential(nn.Conv2d(inside, 4, 3), nn.ReLU())
        self.up = nn.Sequential(nn.ConvTranspose2d(8, 4, 2, stride=2), inner)

    def forward(self, deep):
        return self.up(deep)


@told(
    "channels",
    r"^self.up\[1\]\[0\] is given an input of the shape \(1, 4, 8, 8\)",
    None,
    "If the input is right",
    lambda: Nested(4)(torch.rand(1, 8, 4, 4)),
)
def a_block_behind_a_layer():
    Nested()(torch.rand(1, 8, 4, 4))


def _cast(convert):
    net = nn.Sequential(nn.Linear(4, 2), nn.ReLU()).bfloat16()
    x = torch.rand(3, 4)
    return net(x.to(net[0].weight.dtype)) if convert else net(x)


@told(
    "dtype",
    r"the parameters of net\[0\] are bfloat16",
    None,
    "x.to(net[0].weight.dtype)",
    lambda: _cast(True),
)
def a_layer_by_its_number():
    _cast(False)


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_given_beside_scores_is_named(program):
    program.is_explained()


# Near to them, and something else


def two_results():
    one, other = nn.Conv2d(3, 6, 1), nn.Conv2d(3, 4, 1)
    a, b = one(torch.rand(2, 3, 8, 8)), other(torch.rand(2, 3, 8, 8))
    return a * b


def images_of_another_size():
    net, y = nn.Conv2d(3, 6, 1), torch.rand(2, 6, 4, 4)
    scores = net(torch.rand(2, 3, 8, 8))
    return scores - y


def weights_of_columns():
    scores = torch.rand(2, 3, 6, 6, requires_grad=True)
    return F.binary_cross_entropy_with_logits(scores, scores.round(), pos_weight=torch.ones(4))


@pytest.mark.parametrize("raises", [two_results, images_of_another_size, weights_of_columns])
def test_neither_a_head_nor_an_axis_is_named_where_another_thing_differs(raises):
    with pytest.raises(RuntimeError) as raised:
        raises()
    found = explain_error(raised.value)
    assert "is not computed by the model" not in found.meaning
    assert "dimensions behind the channels" not in found.cure
