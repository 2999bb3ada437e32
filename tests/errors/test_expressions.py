"""What a cure writes in front of a dot or beside an operator may be an expression: it cures."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset

from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told

LEAF = {"requires_grad": True}


@told(
    "not_scalar",
    r"^\(w \* x\) has the shape \(5,\): .* this holds 5\.",
    "(w * x).backward()",
    "Write (w * x).mean().backward(), or (w * x).sum().backward()",
    lambda: (torch.ones(1, **LEAF) * torch.ones(5)).mean().backward(),
)
def a_product_that_broadcasts():
    w, x = torch.ones(1, **LEAF), torch.ones(5)
    (w * x).backward()


@told(
    "seed_shape",
    r"^torch\.ones\(2\) is to have the shape of w \* x, \(5,\)\.",
    "backward(torch.ones(2))",
    "torch.ones_like(w * x)",
    lambda: (torch.ones(1, **LEAF) * torch.ones(5)).backward(torch.ones(5)),
)
def a_start_for_a_product_that_broadcasts():
    w, x = torch.ones(1, **LEAF), torch.ones(5)
    (w * x).backward(torch.ones(2))


@told(
    "seed_shape",
    r"^v is to have the shape of w \* x, \(5,\)\. It has the shape \(2,\)\.",
    "torch.autograd.grad(w * x, w, v)",
    "torch.ones_like(w * x)",
    lambda: (torch.ones(1, **LEAF) * torch.ones(5)).backward(torch.ones(5)),
)
def a_vector_for_a_product_that_broadcasts():
    w, x, v = torch.ones(1, **LEAF), torch.ones(5), torch.ones(2)
    torch.autograd.grad(w * x, w, v)


@told(
    "numpy",
    "outside of autograd",
    "(t - 1).numpy()",
    "Write (t - 1).detach().numpy()",
    lambda: (torch.ones(3, **LEAF) - 1).detach().numpy(),
)
def a_difference_to_numpy():
    t = torch.ones(3, **LEAF)
    (t - 1).numpy()


@told(
    "numpy",
    "outside of autograd",
    "np.exp(-t)",
    "as (-t).detach().numpy()",
    lambda: np.exp((-torch.ones(3, **LEAF)).detach().numpy()),
)
def a_negative_to_numpy():
    t = torch.ones(3, **LEAF)
    np.exp(-t)


@told(
    "target_dtype",
    r"\(y - 1\) is float32",
    "F.cross_entropy(scores, y - 1)",
    "(y - 1).long()",
    lambda: F.cross_entropy(torch.randn(2, 3), (torch.tensor([1.0, 2.0]) - 1).long()),
)
def classes_from_one():
    scores, y = torch.randn(2, 3), torch.tensor([1.0, 2.0])
    F.cross_entropy(scores, y - 1)


@told(
    "dims_differ",
    r"^\(i \+ 1\), the index, has the shape \(2,\)",
    "x.gather(1, i + 1)",
    "x.gather(1, (i + 1).unsqueeze(1)).squeeze(1)",
    lambda: torch.ones(2, 3).gather(1, (torch.tensor([0, 1]) + 1).unsqueeze(1)).squeeze(1),
)
def an_index_moved_by_one():
    x, i = torch.ones(2, 3), torch.tensor([0, 1])
    x.gather(1, i + 1)


@told(
    "bad_parameter",
    r"\(s - 5\) is what it was given",
    "Normal(0.0, s - 5",
    "(s - 5).exp()",
    lambda: torch.distributions.Normal(0.0, (torch.zeros(3) - 5).exp(), validate_args=True),
)
def a_spread_below_0():
    s = torch.zeros(3)
    torch.distributions.Normal(0.0, s - 5, validate_args=True)


@told(
    "permute_all",
    r"^\(a / 255\) has the shape \(3, 4, 5\)",
    "(a / 255).permute(0, 3, 1, 2)",
    "Write (a / 255).permute(2, 0, 1)",
    lambda: (torch.ones(3, 4, 5) / 255).permute(2, 0, 1),
)
def a_picture_scaled():
    a = torch.ones(3, 4, 5)
    (a / 255).permute(0, 3, 1, 2)


@told(
    "product_sizes",
    r"^\(a - 1\) has the shape \(4, 3\) and \(b - 1\) \(4, 3\)",
    "(a - 1) @ (b - 1)",
    "(a - 1) @ (b - 1).transpose(-2, -1). Columns against columns: "
    "(a - 1).transpose(-2, -1) @ (b - 1).",
    lambda: (torch.ones(4, 3) - 1) @ (torch.ones(4, 3) - 1).transpose(-2, -1),
)
def a_product_of_differences():
    a, b = torch.ones(4, 3), torch.ones(4, 3)
    (a - 1) @ (b - 1)


@told(
    "sizes",
    r"and \(a\.mean\(1\) - 1\) \(4,\)",
    "a * (a.mean(1) - 1)",
    "(a.mean(1) - 1).view(-1, 1)",
    lambda: torch.ones(4, 3) * (torch.ones(4, 3).mean(1) - 1).view(-1, 1),
)
def a_factor_of_each_row():
    a = torch.ones(4, 3)
    a * (a.mean(1) - 1)


@told(
    "cat_sizes",
    r"\(z - 1\) has the shape \(4, 3\)",
    "torch.cat([z - 1, maps], 1)",
    "(z - 1)[:, :, None, None].expand(-1, -1, 8, 8)",
    lambda: torch.cat(
        [(torch.ones(4, 3) - 1)[:, :, None, None].expand(-1, -1, 8, 8), torch.ones(4, 5, 8, 8)], 1
    ),
)
def a_vector_beside_maps():
    z, maps = torch.ones(4, 3), torch.ones(4, 5, 8, 8)
    torch.cat([z - 1, maps], 1)


@told(
    "einsum_letters",
    r"^\(a - 1\) has the shape \(4, 1, 3\)",
    'torch.einsum("ij,jk->ik", a - 1, b)',
    "(a - 1).squeeze(1)",
    lambda: torch.einsum("ij,jk->ik", (torch.ones(4, 1, 3) - 1).squeeze(1), torch.ones(3, 2)),
)
def letters_for_a_difference():
    a, b = torch.ones(4, 1, 3), torch.ones(3, 2)
    torch.einsum("ij,jk->ik", a - 1, b)


@told(
    "modified",
    "",
    "y *= x + 1",
    "y = y * (x + 1)",
    lambda: (torch.ones(3, **LEAF).exp() * (torch.ones(3, **LEAF) + 1)).sum().backward(),
)
def a_factor_that_is_a_sum():
    x = torch.ones(3, **LEAF)
    y = x.exp()
    y *= x + 1
    y.sum().backward()


@told(
    "second_backward",
    r"^state is made of kept",
    None,
    "state = (kept[0] + 1).detach()",
    lambda: (torch.ones(3, **LEAF) * (torch.ones(3, **LEAF).exp() + 1).detach()).sum().backward(),
)
def a_sum_with_what_was_kept():
    net, x = nn.Linear(2, 1), torch.ones(3, 2)
    kept = [net(x)]
    kept[0].sum().backward()
    state = kept[0] + 1
    for _ in range(2):
        (net(x) * state).sum().backward()


@told(
    "input_without_grad",
    r"detach\(\) made it a leaf",
    "x = start.detach() - 1",
    "x = (start.detach() - 1).requires_grad_()",
    lambda: (torch.ones(3, **LEAF).detach() - 1).requires_grad_().sum().backward(),
)
def a_leaf_that_was_moved():
    start, w = torch.ones(3, **LEAF), torch.ones(3, **LEAF)
    x = start.detach() - 1
    torch.autograd.grad((w * x).sum(), x)


@told(
    "hook_without_grad",
    r"^x does not require grad: it is data",
    "x.register_hook(print)",
    "if x.requires_grad: x.register_hook(print)",
    lambda: torch.ones(2),
)
def a_hook_on_data_from_outside():
    x = torch.ones(2)

    def look():
        x.register_hook(print)

    look()


class Series(Dataset):
    def __init__(self, fewer):
        self.series, self.size, self.fewer = torch.arange(10.0), 4, fewer

    def __len__(self):
        return len(self.series) - (self.size - 1) if self.fewer else len(self.series)

    def __getitem__(self, i):
        return self.series[i + (self.size - 1)]


@told(
    "index_range",
    "Series has no sample 7",
    "self.series[i + (self.size - 1)]",
    "return len(self.series) - (self.size - 1).",
    lambda: list(DataLoader(Series(True), batch_size=2)),
)
def the_last_of_each_window():
    list(DataLoader(Series(False), batch_size=2))


def _in_groups(total):
    net, a, b = nn.Linear(1, 1), 2, 2
    loader = DataLoader(TensorDataset(torch.ones(24, 1)), batch_size=2)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=total)
    for _ in range(4):
        for i, _ in enumerate(loader):
            if (i + 1) % (a * b) == 0:
                optimizer.step()
                plan.step()


@told(
    "schedule_end",
    r"loader has 12 batches, and \(a \* b\) = 4 of them make a step",
    "OneCycleLR(optimizer",
    "total_steps=epochs * (len(loader) // (a * b))",
    lambda: _in_groups(4 * (12 // 4)),
)
def a_schedule_of_groups_by_a_product():
    _in_groups(6)


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_expression_stands_in_brackets_and_the_cure_cures(program):
    program.is_explained()
