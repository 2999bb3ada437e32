"""What the values of a failing line tell: matrices, steep slopes, hooks, Functions, states."""

import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap

from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# Matrices without a Cholesky factor


def _kernel(x, y):
    return torch.exp(-0.5 * (x.unsqueeze(1) - y.unsqueeze(0)).square().sum(-1))


def _likelihood(added):
    x = torch.linspace(0, 1, 5).unsqueeze(1).repeat_interleave(2, 0)
    scale = nn.Parameter(torch.ones(()))
    gram = scale * _kernel(x, x)
    if added:
        gram = gram + added * torch.eye(len(gram))
    torch.linalg.cholesky(gram).diagonal().log().sum().backward()


def _of_twins():
    x = torch.linspace(0, 9, 5).unsqueeze(1).repeat_interleave(2, 0)
    gram = nn.Parameter(torch.ones(())) * _kernel(x, x)
    torch.linalg.cholesky(gram + 1e-05 * torch.eye(len(gram)))


@told(
    "not_definite",
    r"^The rows 0 and 1 of gram are the same",
    "torch.linalg.cholesky(gram)",
    "* torch.eye(len(gram))",
    _of_twins,
)
def inputs_that_are_there_twice():
    x = torch.linspace(0, 9, 5).unsqueeze(1).repeat_interleave(2, 0)
    gram = nn.Parameter(torch.ones(())) * _kernel(x, x)
    torch.linalg.cholesky(gram)


def _covariance(root):
    factor = nn.Linear(2, 9)(torch.ones(2)).view(3, 3) * 0 + torch.tensor(
        [[1.0, 2, 0], [2, 1.0, 0], [0, 0, 1.0]]
    )
    cov = factor @ factor.T if root else factor
    torch.linalg.cholesky(cov).sum().backward()


@told(
    "not_definite",
    r"^cov has an eigenvalue of -1",
    "torch.linalg.cholesky(cov)",
    "L @ L.T",
    lambda: torch.linalg.cholesky(torch.tril(torch.ones(3, 3)) @ torch.tril(torch.ones(3, 3)).T),
)
def a_covariance_of_free_numbers():
    _covariance(False)


@told(
    "not_definite",
    r"^m holds nan or inf",
    "torch.linalg.cholesky(m)",
    "torch.isfinite",
    lambda: torch.linalg.cholesky(torch.eye(2)),
)
def a_matrix_with_nan():
    m = torch.full((2, 2), torch.nan)
    torch.linalg.cholesky(m)


@told(
    "not_definite",
    r"^spread has an eigenvalue of -2",
    "MultivariateNormal(torch.zeros(2), spread, validate_args=False)",
    "L @ L.T",
    lambda: torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2)),
)
def a_distribution_whose_covariance_is_none():
    spread = torch.tensor([[1.0, 3.0], [3.0, 1.0]])
    torch.distributions.MultivariateNormal(torch.zeros(2), spread, validate_args=False)


# Gradients that are not finite


class Siamese(nn.Module):
    def __init__(self, distance):
        super().__init__()
        self.net, self.distance = nn.Linear(2, 3), distance

    def forward(self, x):
        z = self.net(x)
        return self.distance(z.unsqueeze(0) - z.unsqueeze(1)).mean()


def _steep(difference):
    return difference.square().sum(-1).sqrt()


def _kept_away(difference):
    return (difference.square().sum(-1) + 1e-12).sqrt()


def _clipped(distance):
    model = Siamese(distance)
    loss = model(torch.rand(4, 2))
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0, error_if_nonfinite=True)


@told(
    "norm_infinite",
    r"^loss is finite, and the gradient of model\.net\.weight holds nan.*given 0: sqrt",
    None,
    "(x + 1e-12).sqrt()",
    lambda: _clipped(_kept_away),
)
def distances_to_oneself():
    _clipped(_steep)


def _rooted(small):
    net, x = nn.Linear(2, 1, bias=False), torch.zeros(3, 2)
    loss = (net(x).square() + small).pow(0.5).sum()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0, error_if_nonfinite=True)


@told(
    "norm_infinite",
    r"given 0: sqrt",
    "pow(0.5)",
    "(x + 1e-12).sqrt()",
    lambda: _rooted(1e-12),
)
def a_power_of_a_half():
    _rooted(0.0)


@told(
    "norm_infinite",
    r"^loss is (nan|inf) already",
    None,
    "torch.isfinite",
    lambda: None,
)
def a_loss_that_is_not_finite():
    net = nn.Linear(2, 1)
    loss = net(torch.full((1, 2), torch.inf)).sum().abs()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0, error_if_nonfinite=True)


def _hidden(small):
    net = nn.Linear(2, 3)
    counts = net.weight.abs() * torch.tensor([1.0, 0.0])
    loss = torch.where(counts > 0, (counts + small).log(), torch.zeros(())).sum()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0, error_if_nonfinite=True)


@told(
    "norm_infinite",
    r"given 0: log, ",
    "(counts + small).log()",
    "(x + 1e-12).log()",
    lambda: _hidden(1e-6),
)
def a_logarithm_that_where_takes_out():
    _hidden(0.0)


# Hooks on what was not recorded


@torch.no_grad()
def settle(f, z):
    for _ in range(3):
        z = f(z)
    return z


def _hooked(once_more):
    f = nn.Linear(2, 2)
    z = settle(f, torch.ones(1, 2))
    if once_more:
        z = f(z)
    z.register_hook(lambda g: 2 * g)
    (z.sum() + f.bias.sum()).backward()


@told(
    "hook_without_grad",
    r"z was made without its graph.*settle is decorated to record nothing",
    "@torch.no_grad()",
    "z = f(z, x)",
    lambda: _hooked(True),
)
def a_fixed_point_that_is_hooked():
    f = nn.Linear(2, 2)
    z = settle(f, torch.ones(1, 2))
    z.register_hook(lambda g: 2 * g)


class Codes(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(2, 2)

    def encode(self, x):
        return self.encoder(x).detach()

    def forward(self, x):
        code = self.encode(x)
        code.register_hook(print)
        return code


@told(
    "hook_without_grad",
    r"code was made without its graph.*detach\(\) cuts",
    "return self.encoder(x).detach()",
    "Compute it with recording",
    lambda: nn.Linear(2, 2)(torch.ones(1, 2)).register_hook(print),
)
def a_code_that_is_detached():
    Codes()(torch.ones(1, 2))


# Functions of one's own


class Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, sharp):
        ctx.save_for_backward(x)
        ctx.sharp = sharp
        return (x > 0).float()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g / (1 + ctx.sharp * x.abs()) ** 2, None


class SplitStep(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x, sharp):
        return (x > 0).float()

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, sharp = inputs
        ctx.save_for_backward(x)
        ctx.sharp = sharp

    backward = Step.backward


def _each(function):
    return vmap(grad(lambda x: function.apply(x, 2.0).sum()))(torch.ones(3, 2))


@told(
    "function_setup",
    r"Step\.forward\(ctx, x, sharp\)\.$",
    "def forward(ctx, x, sharp):",
    "forward(x, sharp) computes and returns, and a second static method, "
    "setup_context(ctx, inputs, output), begins with x, sharp = inputs",
    lambda: _each(SplitStep),
)
def a_function_under_vmap():
    _each(Step)


class Cube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        return g * 3 * ctx.saved_tensors[0] ** 2


class PlainCube(torch.autograd.Function):
    forward = Cube.forward

    @staticmethod
    def backward(ctx, g):
        return g * 3 * ctx.saved_tensors[0] ** 2


def _penalty(function):
    x = torch.ones(2, requires_grad=True)
    out = function.apply(x).square().sum()
    (slope,) = torch.autograd.grad(out, x, create_graph=True)
    loss = slope.square().sum()
    loss.backward()


@told(
    "once_differentiable",
    r"^The backward of Cube is marked @once_differentiable",
    "once_differentiable",
    "Remove @once_differentiable",
    lambda: _penalty(PlainCube),
)
def a_penalty_on_a_marked_slope():
    _penalty(Cube)


class Dense(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w.t()

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return g @ w, x.t() @ g


@told(
    "function_shape",
    r"returns x\.t\(\) @ g as the gradient of forward's argument 1",
    "return g @ w, x.t() @ g",
    "(x.t() @ g).t()",
    lambda: None,
)
def a_weight_whose_gradient_is_transposed():
    Dense.apply(torch.ones(2, 3, requires_grad=True), nn.Linear(3, 4).weight).sum().backward()


# Ensembles


def _ensemble(own):
    members = [nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)) for _ in range(2)]
    parameters, buffers = stack_module_state(members)
    shared = dict(members[0].named_buffers())

    def call(p, b, x):
        return functional_call(members[0], (p, b), (x,))

    given, dims = (buffers, 0) if own else (shared, None)
    return vmap(call, in_dims=(0, dims, None))(parameters, given, torch.rand(5, 2))


@told(
    "transform_batchnorm",
    r"each model of an ensemble",
    None,
    "the buffers that torch.func.stack_module_state gives, with 0 for them in in_dims",
    lambda: _ensemble(True),
)
def an_ensemble_that_shares_its_buffers():
    _ensemble(False)


# What an optimizer is given


def _weights(*shape):
    return torch.randn(*shape, requires_grad=True).mul(0.1)


def _right_weights(*shape):
    return torch.randn(*shape).mul(0.1).requires_grad_()


def _grown(old_alone):
    old = nn.ModuleDict({"body": nn.Linear(2, 2)})
    saved = {"model": old.state_dict(), "optimizer": torch.optim.Adam(old.parameters())}
    net = nn.ModuleDict({"body": nn.Linear(2, 2), "head": nn.Linear(2, 1)})
    state = saved["optimizer"].state_dict()
    names = [n for n, _ in net.named_parameters() if not old_alone or not n.startswith("head")]
    adam = torch.optim.Adam([net.get_parameter(n) for n in names])
    adam.load_state_dict(state)
    if old_alone:
        adam.add_param_group({"params": list(net["head"].parameters())})


@told(
    "optimizer_state",
    r"The saved model had no net\.head\.weight, net\.head\.bias",
    None,
    "adam.add_param_group(",
    lambda: _grown(True),
)
def a_head_that_is_new():
    _grown(False)


@told(
    "non_leaf_parameter",
    r"^_weights\(\) returns the result of an operation on a leaf",
    "requires_grad=True).mul(0.1)",
    "return torch.randn(*shape).mul(0.1).requires_grad_()",
    lambda: torch.optim.SGD([_right_weights(2, 3)], 0.1),
)
def weights_made_by_a_function():
    torch.optim.SGD([_weights(2, 3), _weights(3)], 0.1)


def _scaled_leaves():
    return [(torch.rand(3, 2) / 3).requires_grad_() for _ in range(2)]


@told(
    "non_leaf_parameter",
    r"",
    "requires_grad=True) / 3",
    "rows = [(torch.rand(3, 2) / 3).requires_grad_() for _ in range(2)]",
    lambda: torch.optim.Adam(_scaled_leaves()),
)
def a_list_of_scaled_leaves():
    rows = [torch.rand(3, 2, requires_grad=True) / 3 for _ in range(2)]
    torch.optim.Adam(rows)


# A flag by name


def _marked(part):
    net = nn.ModuleDict({"low_rank": nn.Linear(2, 2), "body": nn.Linear(2, 2)})
    for name, p in net.named_parameters():
        p.requires_grad = "low_rank" in name if part else "adapter" in name
    net["low_rank"](torch.ones(2)).sum().backward()


def _unfrozen_by_name():
    net = nn.ModuleDict({"low_rank": nn.Linear(2, 2), "body": nn.Linear(2, 2)})
    for name, p in net.named_parameters():
        p.requires_grad = "adapter" in name
    net["low_rank"](torch.ones(2)).sum().backward()


@told(
    "no_graph",
    r'None of its names has "adapter" in it\.',
    '"adapter" in name',
    "low_rank.weight",
    lambda: _marked(True),
)
def a_part_that_no_name_has():
    _unfrozen_by_name()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_cause_is_named_with_its_line_and_the_cure_runs(program):
    program.is_explained()
