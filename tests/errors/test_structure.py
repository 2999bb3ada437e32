"""What a line far from the failing one did: told from frames and graph, each with its cure."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# A backward of a custom Function that differentiates


class Recomputed(torch.autograd.Function):
    """Computes a layer again in its backward, with recording on or as autograd leaves it."""

    @staticmethod
    def forward(ctx, x, layer, records):
        ctx.layer, ctx.records = layer, records
        ctx.save_for_backward(x)
        return layer(x).detach()

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        leaf = x.detach().requires_grad_()
        return _again(leaf, ctx.layer, gradient, ctx.records), None, None


def _again(leaf, layer, gradient, records):
    if records:
        return _recorded(leaf, layer, gradient)
    out = layer(leaf)
    return torch.autograd.grad(out, leaf, gradient)[0]


def _recorded(leaf, layer, gradient):
    with torch.enable_grad():
        out = layer(leaf)
    return torch.autograd.grad(out, leaf, gradient)[0]


def _recomputed(records):
    x = torch.ones(2, 3, requires_grad=True)
    Recomputed.apply(x, nn.Linear(3, 1), records).sum().backward()
    assert x.grad is not None


@told(
    "no_graph",
    r"inside of a backward of your own.*so out has no graph",
    "out = layer(leaf)",
    "with torch.enable_grad()",
    lambda: _recomputed(True),
)
def a_layer_computed_again_in_a_helper_of_backward():
    _recomputed(False)


class Penalised(torch.autograd.Function):
    """Adds the slope of a penalty in its backward."""

    @staticmethod
    def forward(ctx, w):
        ctx.save_for_backward(w)
        return w.clone()

    @staticmethod
    def backward(ctx, gradient):
        (w,) = ctx.saved_tensors
        leaf = w.detach().requires_grad_()
        penalty = leaf.abs().sum()
        penalty.backward()
        return gradient + leaf.grad


@told(
    "no_graph",
    r"so penalty has no graph",
    "penalty = leaf.abs().sum()",
    "with torch.enable_grad()",
    lambda: _recomputed(True),
)
def a_penalty_inside_of_backward():
    Penalised.apply(torch.ones(3, requires_grad=True)).sum().backward()


# A gradient that a helper of its own differentiates again


def slope(u, at, **settings):
    return torch.autograd.grad(u.sum(), at, **settings)[0]


def _curvature(**settings):
    x = torch.linspace(0, 1, 4).requires_grad_()
    first = slope(x.pow(3), x, **settings)
    return slope(first[1:], x)


@told(
    "no_graph",
    r"The gradient first was computed without create_graph=True",
    "return torch.autograd.grad(u.sum(), at",
    "create_graph=True",
    lambda: _curvature(create_graph=True),
)
def a_part_of_a_gradient_handed_to_the_same_helper():
    x = torch.linspace(0, 1, 4).requires_grad_()
    first = bare(x.pow(3), x)
    return bare(first[1:], x)


def bare(u, at):
    return torch.autograd.grad(u.sum(), at)[0]


def test_a_detached_gradient_is_not_said_to_lack_create_graph():
    from grader.errors import explain_error

    x = torch.linspace(0, 1, 4).requires_grad_()
    first = slope(x.pow(3), x, create_graph=True).detach()
    with pytest.raises(RuntimeError) as raised:
        bare(first[1:], x)
    assert "without create_graph" not in explain_error(raised.value).meaning


# Gradients in another order than the arguments


class Joined(torch.autograd.Function):
    """`scale * x @ w`, with its gradients in an order."""

    @staticmethod
    def forward(ctx, scale, x, w, order):
        ctx.order = order
        ctx.save_for_backward(scale, x, w)
        return scale * (x @ w)

    @staticmethod
    def backward(ctx, g):
        scale, x, w = ctx.saved_tensors
        d_scale, d_x, d_w = (g * (x @ w)).sum(), scale * g @ w.T, scale * x.T @ g
        if ctx.order == "w first":
            d_x, d_w = d_w, d_x
        return d_scale, d_x, d_w, None


def _joined(order):
    leaves = [torch.ones(()), torch.ones(5, 3), torch.ones(3, 2)]
    loss = Joined.apply(*[one.requires_grad_() for one in leaves], order).sum()
    loss.backward()


@told(
    "function_shape",
    r"returns d_x in the place of the gradient of x\. It has the shape \[3, 2\], which is that of",
    "return d_scale, d_x, d_w, None",
    "that of w at place 2",
    lambda: _joined("as given"),
)
def gradients_in_another_order():
    _joined("w first")


class Squared(torch.autograd.Function):
    """A product of two matrices of one shape, and a wrong gradient."""

    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx, g):
        a, b = ctx.saved_tensors
        return (g * b).sum(0), g * a


@told(
    "function_shape",
    r"returns \(g \* b\)\.sum\(0\) as the gradient of forward's argument 0",
    "return (g * b).sum(0), g * a",
    "undo what forward did: sum where it broadcast",
    lambda: _joined("as given"),
)
def a_gradient_that_fits_no_argument():
    Squared.apply(*[torch.ones(2, 3, requires_grad=True) for _ in "ab"]).sum().backward()


# An index without its dimension, beside what has one


def _chosen(column):
    scores, actions = torch.rand(6, 4), torch.arange(6) % 4
    rewards = torch.rand(6, 1)
    index = actions.unsqueeze(1) if column else actions
    return (scores.gather(1, index) - rewards).square().mean()


@told(
    "dims_differ",
    r"lacks dimension 1",
    "scores.gather(1, index)",
    "scores.gather(1, index.unsqueeze(1)), which has the shape (6, 1). What this code",
    lambda: _chosen(True),
)
def an_index_beside_a_column_of_rewards():
    _chosen(False)


# A parameter beside a model that was cast


class Gate(nn.Module):
    """Scales the input by columns of its own, and goes on with a layer."""

    def __init__(self, layer):
        super().__init__()
        self.layer, self.mix = layer, nn.Parameter(torch.eye(4))

    def forward(self, x):
        return self.layer(x @ self.mix.T)


def _adapted(again):
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.LayerNorm(4)).to(torch.float64)
    model[1] = Gate(model[1])
    if again:
        model.to(torch.float64)
    model(torch.ones(2, 4, dtype=torch.float64))


@told(
    "dtype",
    r"self.mix is float32, and x is float64, as most parameters of model are",
    "self.layer(x @ self.mix.T)",
    "model.to(torch.float64)",
    lambda: _adapted(True),
)
def a_layer_put_into_a_model_that_was_cast():
    _adapted(False)


# A buffer that no state fills


class Shifted(nn.Module):
    """A layer behind a table that no checkpoint holds."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 3)
        self.register_buffer("table", torch.arange(3.0), persistent=False)

    def forward(self, x):
        return self.inner(x) + self.table


def _assigned(anew):
    state = Shifted().state_dict()
    with torch.device("meta"):
        net = Shifted()
    net.load_state_dict(state, assign=True)
    if anew:
        net.table = torch.arange(3.0)
    return net(torch.ones(2, 3))


@told(
    "device",
    r"model\.table lies on the meta device.*persistent=False keeps it out",
    "self.inner(x) + self.table",
    "Compute it anew once the state is loaded",
    lambda: _assigned(True),
)
def a_table_that_no_checkpoint_holds():
    _assigned(False)


# A hook on what a frozen part gives


def _mapped(asks):
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    net[0].requires_grad_(False)
    seen = []

    def keep(layer, inputs, made):
        made.register_hook(seen.append)

    net[0].register_forward_hook(keep)
    x = torch.ones(1, 1, 4, 4)
    if asks:
        x.requires_grad_()
    net(x)[0, 0].backward()
    assert seen


@told(
    "hook_without_grad",
    r"made is what a frozen layer \(Conv2d\) gave",
    "made.register_hook(seen.append)",
    "Call requires_grad_() on the model's input",
    lambda: _mapped(True),
)
def a_hook_on_a_frozen_layer():
    _mapped(False)


# A loop that reads rows of others


def _spread(copies):
    links = [(0, 1), (1, 2), (2, 0)]
    weight = torch.ones(4, 4, requires_grad=True)
    rows = torch.ones(3, 4) * weight.sum()
    for source, target in links:
        new = torch.tanh(rows[source] @ weight) * rows[target]
        if copies:
            rows = rows.clone()
        rows[target] = new
    rows.sum().backward()


@told(
    "modified",
    r"wrote into that memory afterwards",
    "rows[end] = torch.tanh(rows[start] @ weight)",
    "then rows = rows.clone(), then rows[end] = new",
    lambda: _spread(True),
)
def a_loop_over_links_that_writes_rows():
    weight = torch.ones(4, 4, requires_grad=True)
    rows = torch.ones(3, 4) * weight.sum()
    for start, end in [(0, 1), (1, 2), (2, 0)]:
        rows[end] = torch.tanh(rows[start] @ weight) * rows[end]
    rows.sum().backward()


# A padding mask that is used again


def _padded(turned):
    layer = nn.MultiheadAttention(4, 1, batch_first=True)
    x, hidden = torch.ones(2, 5, 4), torch.zeros(5, 2, dtype=torch.bool)
    if turned:
        hidden = hidden.T
    out, _ = layer(x, x, x, key_padding_mask=hidden)
    return out * (~hidden).unsqueeze(-1)


@told(
    "padding_mask",
    r"the length comes first",
    None,
    "before anything is computed with it: hidden = hidden.T",
    lambda: _padded(True),
)
def a_mask_that_is_turned_around():
    _padded(False)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_is_explained_and_its_cure_runs(program):
    program.is_explained()


SCRIPT = """
import torch
from torch import nn
class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.state = nn.GRUCell(2, 3), None
    def forward(self, x):
        state = self.cell(x, self.state)
        self.state = state
        return state
net = Counter()
for _ in range(2):
    loss = net(torch.ones(1, 2)).sum()
    loss.backward()
"""


def test_a_class_of_a_script_that_ended_is_read_too(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    ended = subprocess.run(
        [sys.executable, "-i", str(script)],
        input="from course import explain\nprint(explain())\n",
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert "net.state comes from an earlier step" in ended.stdout, ended.stdout + ended.stderr
