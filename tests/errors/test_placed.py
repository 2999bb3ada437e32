"""Causes that one line of the reader's own functions holds: it is named, and its cure cures."""

import random

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import grad, hessian, jacrev, vmap
from torch.utils.checkpoint import checkpoint

from grader.errors import explain_error
from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# A second derivative of what is linear


def _d(f, v, **options):
    return torch.autograd.grad(f, v, torch.ones_like(f), create_graph=True, **options)[0]


def _net(*between):
    return nn.Sequential(nn.Linear(2, 6), *between, nn.Linear(6, 1))


def _residual(net):
    x = torch.rand(5, 1, requires_grad=True)
    t = torch.rand(5, 1, requires_grad=True)
    u = net(torch.cat([x, t], 1))
    u_t, u_x = _d(u, t), _d(u, x)
    u_xx = _d(u_x, x)
    (u_t - 0.1 * u_xx).pow(2).mean().backward()


@told(
    "unused",
    r"^u_x is a gradient itself, recorded, and it does not depend on x: u is linear in x",
    "u_xx = _d(u_x, x)",
    "tanh, sin, softplus or gelu",
    lambda: _residual(_net(nn.Tanh())),
)
def a_second_derivative_of_a_net_without_activations():
    _residual(_net())


def _in_one_function(kind):
    net, x = _net(*kind), torch.rand(5, 2, requires_grad=True)
    u = net(x)
    du = torch.autograd.grad(u.sum(), x, create_graph=True)[0]
    ddu = torch.autograd.grad(du[:, 0].sum(), x, create_graph=True)[0]
    ddu.pow(2).sum().backward()


@told(
    "unused",
    r"^du is a gradient itself.*u\.sum\(\) is linear in x",
    "ddu = torch.autograd.grad(du[:, 0].sum(), x",
    "no activation between them",
    lambda: _in_one_function([nn.Softplus()]),
)
def a_second_derivative_in_one_function():
    _in_one_function([])


def _beside(zero):
    x = torch.rand(4, 1, requires_grad=True)
    u = nn.Linear(1, 1)(x)
    u_x = _d(u, x)
    u_xx = _d(u_x, x, materialize_grads=True) if zero else _d(u_x, x)
    (u_x + u_xx).sum().backward()


@told(
    "unused",
    "u is linear in x",
    "u_xx = _d(u_x, x, materialize_grads=True) if zero",
    "pass materialize_grads=True",
    lambda: _beside(True),
)
def a_layer_that_is_meant_to_be_linear():
    _beside(False)


def _bent(weight):
    x = torch.rand(4, 2, requires_grad=True)
    scale = torch.rand(2, requires_grad=True)
    if weight is None:
        weight = x.detach()
    energy = (scale * x * (x if weight is True else weight)).sum()
    (slope,) = torch.autograd.grad(energy, x, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), x)
    return bend


@told(
    "unused",
    r"energy is linear in x.*Or a cut hides how it bends.*line \d+: detach\(\) cuts",
    "(bend,) = torch.autograd.grad(slope.sum(), x)",
    "Where the cut part is to count, compute it with recording",
    lambda: _bent(True),
)
def a_second_derivative_that_a_cut_hides():
    _bent(None)


def _squared(cut):
    x = torch.rand(4, requires_grad=True)
    y = (x * (x.detach() if cut else x)).sum()
    (slope,) = torch.autograd.grad(y, x, create_graph=True)
    return torch.autograd.grad(slope.sum(), x)


@told(
    "no_graph",
    r"its slope is constant.*Or a cut hides how it bends.*detach\(\) cuts",
    "torch.autograd.grad(slope.sum(), x)",
    "Where the cut part is to count, compute it with recording",
    lambda: _squared(False),
)
def a_square_whose_slope_a_cut_made_constant():
    _squared(True)


def test_a_copy_is_told_as_before_and_not_as_a_linear_net():
    x = torch.rand(4, 1, requires_grad=True)
    u = x.clone().detach().requires_grad_().pow(2)
    with pytest.raises(RuntimeError) as raised:
        torch.autograd.grad(u.sum(), x, create_graph=True)
    assert "linear" not in explain_error(raised.value).meaning


def test_a_gradient_that_depends_on_the_input_and_is_detached_is_not_told_as_constant():
    x, w = torch.rand(4, 1, requires_grad=True), torch.ones(4, 1, requires_grad=True)
    u = x**3
    u_x = _d(u, x)
    with pytest.raises(RuntimeError) as raised:
        torch.autograd.grad((u_x.detach() * w).sum(), x)
    assert "linear" not in explain_error(raised.value).meaning


class _Cut(torch.autograd.Function):
    """A square whose backward is detached."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 2 * x.detach()


def test_of_a_custom_function_nothing_is_said_about_linearity():
    x, w = torch.rand(4, requires_grad=True), torch.ones(4, requires_grad=True)
    u = _Cut.apply(x) * w
    u_x = _d(u, x)
    with pytest.raises(RuntimeError) as raised:
        _d(u_x, x)
    found = explain_error(raised.value)
    assert found.code == "unused"
    assert "linear" not in found.meaning


# A tensor's value that chooses


def _huber(r):
    if r.abs() < 1.0:
        return 0.5 * r**2
    return r.abs() - 0.5


def _huber_by_entry(r):
    return torch.where(r.abs() < 1.0, 0.5 * r**2, r.abs() - 0.5)


@told(
    "inside_vmap",
    r"^if r\.abs\(\) < 1\.0 asks for one truth",
    "if r.abs() < 1.0:",
    "torch.where(condition, a, b)",
    lambda: vmap(grad(_huber_by_entry))(torch.linspace(-2, 2, 5)),
)
def an_if_under_vmap():
    vmap(grad(_huber))(torch.linspace(-2, 2, 5))


def _total(choose):
    return lambda x: vmap(choose)(x).sum()


@told(
    "inside_vmap",
    "asks for one truth",
    "if r.abs() < 1.0:",
    "torch.where",
    lambda: hessian(_total(_huber_by_entry))(torch.linspace(-2, 2, 5)),
)
def an_if_under_a_hessian():
    hessian(_total(_huber))(torch.linspace(-2, 2, 5))


def _scaled(x):
    largest = x.abs().max().item()
    return x / largest


@told(
    "inside_vmap",
    r"^x\.abs\(\)\.max\(\)\.item\(\) asks for one number",
    "largest = x.abs().max().item()",
    "write x.abs().max() in the place of",
    lambda: vmap(lambda x: x / x.abs().max())(torch.rand(3, 4)),
)
def a_number_under_vmap():
    vmap(_scaled)(torch.rand(3, 4))


def _by_number(x):
    return x if x.item() < 0.5 else 2 * x


@told(
    "inside_vmap",
    r"^if x\.item\(\) < 0\.5 asks for one truth",
    "return x if x.item() < 0.5 else 2 * x",
    "without item()",
    lambda: vmap(lambda x: torch.where(x < 0.5, x, 2 * x))(torch.rand(3)),
)
def an_if_on_a_number_under_vmap():
    vmap(_by_number)(torch.rand(3))


def _slope_of_choice(choose):
    def f(w):
        pull = jacrev(choose)(w)
        return vmap(choose)(pull.repeat(3)).sum()

    return f(torch.tensor(0.5))


@told(
    "inside_vmap",
    "asks for one truth",
    "if r.abs() < 1.0:",
    "torch.where",
    lambda: _slope_of_choice(_huber_by_entry),
)
def an_if_under_vmap_behind_a_jacobian():
    _slope_of_choice(_huber)


def _gated(x):
    h = x * 2
    if h.max() > 1:
        h = h / h.max()
    return h


@told(
    "data_dependent",
    "chooses its way",
    "if h.max() > 1:",
    "torch.where",
    lambda: torch.compile(lambda x: torch.where(x > 1, x / 2, x), fullgraph=True, backend="eager")(
        torch.ones(3)
    ),
)
def an_if_in_compiled_code():
    torch.compile(_gated, fullgraph=True, backend="eager")(torch.ones(3))


# A closure that returns nothing


def _fitted(kind, returns):
    w, seen = torch.ones(2, requires_grad=True), []
    optimizer = kind([w], lr=0.1)

    def closure():
        optimizer.zero_grad()
        misfit = (w - 3).pow(2).sum()
        misfit.backward()

    def closed():
        closure()
        return (w - 3).pow(2).sum()

    loss = optimizer.step(closed) if returns else optimizer.step(closure)
    seen.append(loss.item())


@told(
    "closure_returns",
    "^closure has no return",
    "def closure():",
    "End closure with return misfit.",
    lambda: _fitted(torch.optim.LBFGS, True),
)
def a_closure_without_return():
    _fitted(torch.optim.LBFGS, False)


def _stepped(returns):
    w = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (w - 3).pow(2).sum()
        loss.backward()
        if returns:
            return loss
        return None

    result = optimizer.step(closure)
    return result.item()


def _silently():
    w = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)

    def closure():
        optimizer.zero_grad()
        misfit = (w - 3).pow(2).sum()
        misfit.backward()

    result = optimizer.step(closure)
    return result.item()


@told(
    "none_used",
    "^result is None: step returns what closure returns",
    "def closure():",
    "End closure with return misfit.",
    lambda: _stepped(True),
)
def the_result_of_a_step_whose_closure_is_silent():
    _silently()


# Numbers of classes and of rows


IDS = torch.tensor([3, 8, 15, 16, 23, 42])


def _gathered(src, dst):
    ids, h = IDS, torch.randn(6, 4)
    assert len(ids) == len(h)
    return torch.zeros_like(h).index_add(0, dst, h[src])


def _numbered(one):
    rows = {int(one): row for row, one in enumerate(IDS)}
    return torch.tensor([rows[int(each)] for each in one])


SRC, DST = torch.tensor([3, 8, 15, 42, 23]), torch.tensor([8, 16, 3, 15, 42])


@told(
    "index_range",
    r"^src goes from 3 to 42, and dimension 0, which it indexes, has the size 6.*ids holds these",
    "index_add(0, dst, h[src])",
    "Number them anew, by position: rows =",
    lambda: _gathered(_numbered(SRC), _numbered(DST)),
)
def ids_of_a_file_as_rows():
    _gathered(SRC, DST)


def _looked_up(rows):
    table = nn.Parameter(torch.randn(rows, 2))
    chosen = torch.tensor([0, 5, 7])
    return table[chosen].sum()


@told(
    "index_range",
    "^chosen goes from 0 to 7",
    "chosen = torch.tensor([0, 5, 7])",
    "a row for every number, 8 of them",
    lambda: _looked_up(8),
)
def a_table_that_is_too_small():
    _looked_up(6)


def _segmented(classes_of):
    scores = torch.randn(2, 2, 3, 3)
    mask = torch.tensor([0, 255, 255] * 6).reshape(2, 3, 3)
    return F.cross_entropy(scores, classes_of(mask))


@told(
    "target_range",
    "0 and 255 alone: it is a mask as a picture stores it",
    "F.cross_entropy(scores, classes_of(mask))",
    "> 127).long()",
    lambda: _segmented(lambda mask: (mask > 127).long()),
)
def a_mask_of_black_and_white():
    _segmented(lambda mask: mask)


# Lines that a pass does not show


class _Quantised(torch.autograd.Function):
    @staticmethod
    def forward(ctx, w, scale, bits):
        return torch.round(w / scale) * scale

    @staticmethod
    def backward(ctx, g):
        return g, None


class _Counted(torch.autograd.Function):
    @staticmethod
    def forward(ctx, w, scale, bits):
        return torch.round(w / scale) * scale

    @staticmethod
    def backward(ctx, g):
        return g, None, None


@told(
    "function_count",
    r"^_Quantised\.backward returns 2, and forward takes 3 arguments",
    "return g, None",
    "None in the place of every argument",
    lambda: _Counted.apply(torch.ones(2, requires_grad=True), 0.1, 4).sum().backward(),
)
def a_gradient_too_few():
    _Quantised.apply(torch.ones(2, requires_grad=True), 0.1, 4).sum().backward()


class _Skipping(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(3, 3), nn.Tanh())

    def forward(self, x):
        if random.random() < 0.5:
            return x * 1.0
        return x + self.inner(x)


class _SkippingByTorch(_Skipping):
    def forward(self, x):
        return x * 1.0 if torch.rand(()) < 0.5 else x + self.inner(x)


def _checkpointed(kind):
    random.seed(5)
    block = kind()
    for _ in range(8):
        x = torch.ones(2, 3, requires_grad=True)
        checkpoint(block, x, use_reentrant=False).sum().backward()


@told(
    "checkpoint",
    r"^random\.random\(\) draws another number in the second run",
    "if random.random() < 0.5:",
    "Draw by torch, torch.rand(()) < p",
    lambda: _checkpointed(_SkippingByTorch),
)
def a_checkpointed_block_that_draws():
    _checkpointed(_Skipping)


def _fixed(edit):
    w = nn.Parameter(torch.zeros(3, 2))
    edit(w)
    (w * 2).sum().backward()


def _outside(w):
    with torch.no_grad():
        w[0] = 1.0


@told(
    "leaf_in_place",
    "w is a parameter: a leaf that requires grad",
    "w[0] = 2.0",
    "with torch.no_grad():",
    lambda: _fixed(_outside),
)
def a_row_of_a_parameter_that_is_written():
    def recorded(w):
        w[0] = 2.0

    _fixed(recorded)


# Settings


def _adam(betas):
    return torch.optim.Adam([torch.ones(2, requires_grad=True)], betas=betas)


@told(
    "betas_kinds",
    "two floats for betas",
    None,
    "betas=(0.0, 0.9)",
    lambda: _adam((0.0, 0.9)),
)
def betas_of_an_integer():
    _adam((0, 0.9))


def _resumed(steps=0, **settings):
    optimizer = torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=8, **settings)
    for _ in range(steps):
        scheduler.step()


@told("schedule_resume", "initial_lr", None, "scheduler.step()", lambda: _resumed(steps=4))
def a_schedule_that_goes_on_without_a_saved_state():
    _resumed(last_epoch=4)


@told("schedule_resume", "initial_lr", None, "as for a new run", _resumed)
def a_schedule_of_a_new_run():
    _resumed(last_epoch=4)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_line_is_named_and_the_cure_cures(program):
    program.is_explained()
