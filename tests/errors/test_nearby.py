"""What stands near the failing line and decides: a layer, a loader, a function; and its cure."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

from grader.errors import explain_error
from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# What a loss of probabilities was given


def _decoded(last):
    decode = nn.Sequential(nn.Linear(2, 4, bias=False), last)
    given = torch.tensor([[1.0, 1.0], [-1.0, -1.0]])
    shown = decode(given).view(2, 2, 2)
    return F.binary_cross_entropy(shown, torch.ones(2, 2, 2))


@told(
    "not_probabilities",
    r"shown goes from .*they come from a tanh",
    "return F.binary_cross_entropy(shown",
    "nn.Sigmoid() in the place of nn.Tanh()",
    lambda: _decoded(nn.Sigmoid()),
)
def a_decoder_that_ends_in_tanh():
    _decoded(nn.Tanh())


def _logarithms(of):
    scores = nn.Linear(2, 3)(torch.ones(4, 2)).log_softmax(1)[:, 0]
    return F.binary_cross_entropy(of(scores), torch.ones(4))


@told(
    "not_probabilities",
    r"logarithms of probabilities",
    "return F.binary_cross_entropy(of(scores)",
    ".exp()",
    lambda: _logarithms(torch.exp),
)
def logarithms_where_probabilities_belong():
    _logarithms(lambda x: x)


def _stretched(by):
    shares = nn.Linear(2, 3)(torch.ones(4, 2)).sigmoid()
    return F.binary_cross_entropy(by(shares), torch.ones(4, 3))


@told(
    "not_probabilities",
    r"computed from what a sigmoid gave",
    "return F.binary_cross_entropy(by(shares)",
    "Give the loss what the sigmoid gives",
    lambda: _stretched(lambda shares: shares),
)
def a_sigmoid_that_was_stretched():
    _stretched(lambda shares: 5 * shares + 2)


# A mark of "no label" that a setting does not have


class Masked(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, scores, y):
        return F.cross_entropy(scores, y, ignore_index=self.ignore_index)


@told(
    "target_range",
    r"passes ignore_index=self\.ignore_index, which is -100",
    "return F.cross_entropy(scores, y",
    "let self.ignore_index be 255, as Masked(ignore_index=...)",
    lambda: Masked(ignore_index=255)(torch.ones(2, 3), torch.tensor([0, 255])),
)
def a_loss_of_ones_own_that_was_made_without_the_mark():
    Masked()(torch.ones(2, 3), torch.tensor([0, 255]))


# Gradients of another shape


class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, gamma):
        ctx.save_for_backward(x, gamma)
        return x * gamma

    @staticmethod
    def backward(ctx, g):
        x, gamma = ctx.saved_tensors
        d_gamma = (g * x).sum((0, 2, 3))
        return g * gamma, d_gamma


@told(
    "function_shape",
    r"Scaled\.backward returns d_gamma",
    "return g * gamma, d_gamma",
    "d_gamma.reshape(3, 1, 1)",
    lambda: torch.ones(3).reshape(3, 1, 1),
)
def a_sum_that_lost_dimensions_of_one():
    gamma = torch.ones(3, 1, 1, requires_grad=True)
    Scaled.apply(torch.ones(2, 3, 4, 4, requires_grad=True), gamma).sum().backward()


def _hooked(hook):
    w = torch.ones(4, 3, requires_grad=True)
    w.register_hook(hook)
    w.square().sum().backward()
    return w.grad


def first_rows(gradient):
    return gradient[:2]


def _kept(gradient):
    kept = torch.zeros_like(gradient)
    kept[:2] = gradient[:2]
    return kept


def halved_rows(gradient):
    return 0.5 * gradient[:2]


@told(
    "hook_result",
    r"halved_rows returns 0\.5 \* gradient\[:2\], a part of gradient alone",
    "return 0.5 * gradient[:2]",
    "kept[:2] = 0.5 * gradient[:2], and return kept",
    lambda: _hooked(_kept),
)
def a_hook_that_returns_some_rows_and_scales_them():
    _hooked(halved_rows)


@told(
    "hook_result",
    r"first_rows returns gradient\[:2\], a part of gradient alone",
    "return gradient[:2]",
    "kept[:2] = gradient[:2], and return kept",
    lambda: _hooked(_kept),
)
def a_hook_that_returns_some_rows():
    _hooked(first_rows)


def _projected(early):
    net = nn.Linear(2, 3)
    if early:
        net = nn.Linear(2, 5)
    net(torch.ones(4, 2)).sum().backward()
    reference = {name: p.grad.clone() for name, p in net.named_parameters()}
    net = net if early else nn.Linear(2, 5)
    net(torch.ones(4, 2)).sum().backward()
    for name, p in net.named_parameters():
        p.grad = 0.5 * reference[name]


@told(
    "assigned_grad",
    r"reference\[name\] has the shape \(3, 2\), and p \(5, 2\)",
    "p.grad = 0.5 * reference[name]",
    "Compute reference[name] anew",
    lambda: _projected(True),
)
def a_gradient_that_was_kept_for_a_smaller_layer():
    _projected(False)


# Second derivatives that have no formula


def _penalty(distance):
    x, points = torch.ones(4, 2, requires_grad=True), torch.arange(6.0).view(3, 2)
    points.requires_grad_()
    (g,) = torch.autograd.grad(distance(x, points).sum(), x, create_graph=True)
    g.square().sum().backward()


@told(
    "no_derivative",
    r"went through cdist\(\)",
    "return torch.cdist(x, points)",
    'torch.cdist(x, points, compute_mode="use_mm_for_euclid_dist")',
    lambda: _penalty(
        lambda x, points: torch.cdist(x, points, compute_mode="use_mm_for_euclid_dist")
    ),
)
def a_penalty_through_distances():
    def distances(x, points):
        return torch.cdist(x, points)

    _penalty(distances)


@told(
    "no_derivative",
    r"went through cdist\(\)",
    "return torch.cdist(x, points, p=1.0)",
    "(x[:, None] - points).abs().pow(1.0).sum(-1)",
    lambda: _penalty(lambda x, points: (x[:, None] - points).abs().pow(1.0).sum(-1)),
)
def a_penalty_through_distances_of_another_power():
    def distances(x, points):
        return torch.cdist(x, points, p=1.0)

    _penalty(distances)


def _far(x, points):
    return (x[:, None] - (points + 1)).abs().pow(3.0).sum(-1).pow(1 / 3.0)


@told(
    "no_derivative",
    r"went through cdist\(\)",
    "return torch.cdist(x, points + 1, 3.0)",
    "(x[:, None] - (points + 1)).abs().pow(3.0).sum(-1).pow(1 / 3.0)",
    lambda: _penalty(_far),
)
def a_penalty_through_distances_to_a_sum_with_a_power_by_its_place():
    def distances(x, points):
        return torch.cdist(x, points + 1, 3.0)

    _penalty(distances)


def test_what_is_written_out_is_the_distance():
    x, points = torch.randn(4, 2), torch.randn(3, 2)
    torch.testing.assert_close(_far(x, points), torch.cdist(x, points + 1, 3.0))
    torch.testing.assert_close(_in_pairs(x, 1.0), F.pdist(x, 1.0))


def _pairs(of):
    x = torch.arange(6.0).view(3, 2).requires_grad_()
    (g,) = torch.autograd.grad(of(x).sum(), x, create_graph=True)
    g.square().sum().backward()


def _by_cdist(x):
    d = torch.cdist(x, x, compute_mode="use_mm_for_euclid_dist")
    return d[torch.ones_like(d).triu(1).bool()]


@told(
    "no_derivative",
    r"went through pdist\(\)",
    None,
    "d[torch.ones_like(d).triu(1).bool()]",
    lambda: _pairs(_by_cdist),
)
def a_penalty_through_the_distances_of_pairs():
    _pairs(F.pdist)


def _in_pairs(x, p):
    i, j = torch.triu_indices(len(x), len(x), 1)
    return (x[i] - x[j]).abs().pow(p).sum(-1).pow(1 / p)


@told(
    "no_derivative",
    r"went through pdist\(\)",
    None,
    "(x[i] - x[j]).abs().pow(1.0).sum(-1).pow(1 / 1.0)",
    lambda: _pairs(lambda x: _in_pairs(x, 1.0)),
)
def a_penalty_through_the_distances_of_pairs_of_another_power():
    def distances(x):
        return F.pdist(x, 1.0)

    _pairs(distances)


def _unused(**settings):
    heads = nn.ModuleList([nn.Linear(2, 1), nn.Linear(2, 1)])
    params = list(heads.parameters())
    loss = heads[0](torch.ones(3, 2)).sum()
    return torch.autograd.grad(loss, params, **settings)


@told(
    "unused",
    r"does not depend on heads\.1\.weight",
    "return torch.autograd.grad(loss, params",
    "allow_unused=True, materialize_grads=True, which gives zeros",
    lambda: [one.flatten() for one in _unused(allow_unused=True, materialize_grads=True)],
)
def a_head_that_this_loss_does_not_use():
    _unused()


# Groups that overlap by what their names end in


def _groups(apart):
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    plain = [p for name, p in net.named_parameters() if name.endswith("bias")]
    taken = {id(p) for p in plain} if apart else set()
    body = [p for p in net[0].parameters() if id(p) not in taken]
    head = [p for p in net[1].parameters() if id(p) not in taken]
    return torch.optim.SGD([{"params": one} for one in (body, head, plain)], lr=0.1)


@told(
    "parameter_twice",
    r"net\.0\.bias, net\.1\.bias: group 2 holds",
    "return torch.optim.SGD(",
    "taken = {id(p) for p in last}",
    lambda: _groups(True),
)
def a_group_of_biases_beside_those_of_layers():
    _groups(False)


def _parts_by_name(apart):
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    first = [net[0].weight]
    taken = {id(p) for p in first} if apart else set()
    rest = [p for p in net.parameters() if id(p) not in taken]
    return torch.optim.SGD([{"params": first, "lr": 0.01}, {"params": rest}], lr=0.1)


@told(
    "parameter_twice",
    r"net\.0\.weight: group 1 holds",
    "return torch.optim.SGD(",
    "Leave them out of group 1: taken = {id(p) for p in first}",
    lambda: _parts_by_name(True),
)
def a_group_of_one_weight_beside_the_whole_net():
    _parts_by_name(False)


# Maps that were halved and doubled


class UNet(nn.Module):
    def __init__(self, brought):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2))
        self.up, self.brought = nn.ConvTranspose2d(2, 2, 2, 2), brought

    def forward(self, x):
        low = self.down(x)
        if self.brought:
            u = F.interpolate(self.up(low), size=x.shape[2:], mode="bilinear")
            return torch.cat([u, x], 1)
        return torch.cat([self.up(low), x], 1)


@told(
    "cat_sizes",
    r"self\.up\(low\) has the shape \(1, 2, 8, 8\), and x \(1, 1, 9, 9\)",
    "return torch.cat([self.up(low), x], 1)",
    'F.interpolate(self.up(low), size=x.shape[2:], mode="bilinear")',
    lambda: UNet(True)(torch.ones(1, 1, 9, 9)),
)
def a_skip_beside_a_map_that_was_halved():
    UNet(False)(torch.ones(1, 1, 9, 9))


def _pooled(brought):
    x = torch.ones(1, 2, 15, 11)
    low = F.relu(F.max_pool2d(x, 2))
    if brought:
        return torch.cat([F.interpolate(low, size=x.shape[2:], mode="bilinear"), x], 1)
    return torch.cat([F.interpolate(low, scale_factor=2), x], 1)


@told(
    "cat_sizes",
    r"F\.interpolate\(low, scale_factor=2\) has the shape \(1, 2, 14, 10\)",
    "return torch.cat([F.interpolate(low, scale_factor=2), x], 1)",
    'size=x.shape[2:], mode="bilinear")',
    lambda: _pooled(True),
)
def a_map_that_was_pooled_and_resized():
    _pooled(False)


class Wave(nn.Module):
    def __init__(self, brought):
        super().__init__()
        self.down, self.brought = nn.Conv1d(1, 2, 4, stride=2), brought
        self.up = nn.Upsample(scale_factor=2)

    def forward(self, x):
        low = F.relu(self.down(x))
        if self.brought:
            u = F.interpolate(self.up(low), size=x.shape[2:], mode="linear")
            return torch.cat([x, u], 1)
        return torch.cat([x, self.up(low)], 1)


@told(
    "cat_sizes",
    r"x has the shape \(1, 1, 11\), and self\.up\(low\) \(1, 2, 8\)",
    "return torch.cat([x, self.up(low)], 1)",
    'F.interpolate(self.up(low), size=x.shape[2:], mode="linear")',
    lambda: Wave(True)(torch.ones(1, 1, 11)),
)
def a_signal_beside_one_that_was_halved():
    Wave(False)(torch.ones(1, 1, 11))


# A result that a function returns


def blended(image):
    start = image.clone().requires_grad_()
    return start * 0.9 + 0.1


def _canvas(last):
    canvas = blended(torch.ones(2, 2))
    if last:
        canvas = canvas.detach().requires_grad_()
    return torch.optim.Adam([canvas], lr=0.1)


@told(
    "non_leaf_parameter",
    r"canvas is what blended\(\) returns",
    "start = image.clone().requires_grad_()",
    "canvas = blended(torch.ones(2, 2)).detach().requires_grad_()",
    lambda: _canvas(True),
)
def a_picture_that_is_blended_behind_its_flag():
    canvas = blended(torch.ones(2, 2))
    torch.optim.Adam([canvas], lr=0.1)


# A collate_fn that is written and not passed


class Texts(Dataset):
    def __init__(self, broken=False):
        self.broken = broken

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if self.broken and index == 1:
            return None
        return torch.arange(index + 1.0) if not self.broken else torch.ones(2)


def padded(samples):
    return pad_sequence(samples, batch_first=True)


def without_broken(samples):
    return torch.stack([one for one in samples if one is not None])


@told(
    "batch_sizes",
    r"The samples of Texts have different shapes",
    None,
    "Pass collate_fn=padded to this DataLoader, as train has it.",
    lambda: list(DataLoader(Texts(), 2, collate_fn=padded)),
)
def a_loader_beside_one_with_a_collate_fn():
    train = DataLoader(Texts(), 2, collate_fn=padded)
    val = DataLoader(Texts(), 2)
    return len(list(train)) + len(list(val))


@told(
    "collate_kind",
    r"^Sample 1 of Texts is None",
    None,
    "Pass collate_fn=without_broken to this DataLoader, as clean has it.",
    lambda: list(DataLoader(Texts(broken=True), 2, collate_fn=without_broken)),
)
def a_loader_of_samples_that_may_be_broken():
    clean = DataLoader(Texts(broken=True), 2, collate_fn=without_broken)
    return len(list(clean)), list(DataLoader(Texts(broken=True), 2))


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_near_the_line_is_named(program):
    program.is_explained()


def test_a_function_that_joins_samples_and_that_no_line_uses_is_named(tmp_path):
    file = tmp_path / "loaded.py"
    file.write_text(
        "import torch\n"
        "from torch.utils.data import DataLoader, default_collate\n"
        "def skipping(batch):\n"
        "    return default_collate([one for one in batch if one is not None])\n"
        "def longest(batch):\n"
        "    return max(len(one) for one in batch)\n"
        "def run():\n"
        "    return list(DataLoader([torch.ones(1), None], 2))\n"
    )
    names = {"__name__": "loaded"}
    exec(compile(file.read_text(), str(file), "exec"), names)
    with pytest.raises(TypeError) as raised:
        names["run"]()
    found = explain_error(raised.value)
    assert "collate_fn=skipping to this DataLoader, which is written and passed" in found.cure
