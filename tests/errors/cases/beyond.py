"""What stands beyond plain tensors and layers: contexts, saved tensors, sparse, complex."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd import Function
from torch.autograd.graph import saved_tensors_hooks
from torch.func import functional_call, grad, jacrev, vmap
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

LINEAR = nn.Linear(3, 2)
ONES, Z = torch.ones(4, 3), torch.ones(4, 3, dtype=torch.cfloat)


def leaf():
    return torch.ones(3, requires_grad=True)


class Product(Function):
    @staticmethod
    def forward(ctx, x, w, kept):
        ctx.save_for_backward(x, w)
        ctx.kept = kept
        return x * w

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return (g * w, g * x, None) if ctx.kept else (g * ctx.w, g * ctx.x, None)


class Between(Function):
    @staticmethod
    def forward(ctx, x, low, high):
        return x.clamp(low, high)

    @staticmethod
    def backward(ctx, g):
        return g, None, None


class Added(nn.Linear):
    def forward(self, x, y=0):
        return super().forward(x) + y


CHAIN = nn.Sequential(Added(3, 3), Added(3, 3))


def looped():
    x = ONES
    for block in CHAIN:
        x = checkpoint(block, x, ONES, use_reentrant=False)


def named(dots):
    weights = {
        name if dots else name.replace(".", "_"): one
        for name, one in nn.Sequential(LINEAR).named_parameters()
    }
    return functional_call(nn.Sequential(LINEAR), weights, (ONES,), strict=True)


def clipped(sparse):
    table = nn.Embedding(4, 2, sparse=sparse)
    table(torch.tensor([1, 2])).sum().backward()
    nn.utils.clip_grad_value_(table.parameters(), 0.5)


def edges():
    return torch.sparse_coo_tensor(torch.tensor([[0, 0], [1, 1]]), torch.ones(2), (2, 2))


def stored(pack, unpack):
    with saved_tensors_hooks(pack, unpack):
        y = leaf().exp().square().sum()
    y.backward()


def of_samples(net):
    weights = dict(net.named_parameters())

    def loss_of(weights, x):
        return functional_call(net, weights, (x.unsqueeze(0),)).sum()

    return vmap(grad(loss_of), in_dims=(None, 0))(weights, ONES)


def backward_of(x):
    loss = LINEAR(x).sum()
    loss.backward()
    return LINEAR.weight.grad


def flagged(x):
    x = x.requires_grad_()
    return torch.autograd.grad(x.square().sum(), x, create_graph=True)[0]


CASES = [
    (
        "function_context",
        lambda: Product.apply(leaf(), leaf(), False).sum().backward(),
        lambda: Product.apply(leaf(), leaf(), True).sum().backward(),
    ),
    (
        "function_forward_called",
        lambda: Between.forward(leaf(), -1.0, 1.0),
        lambda: Between.apply(leaf(), -1.0, 1.0).sum().backward(),
    ),
    (
        "checkpoint_chain",
        lambda: checkpoint_sequential(CHAIN, 2, ONES, ONES, use_reentrant=False),
        looped,
    ),
    ("functional_names", lambda: named(False), lambda: named(True)),
    ("sparse_edit", lambda: clipped(True), lambda: clipped(False)),
    ("sparse_coalesce", lambda: edges().indices(), lambda: edges().coalesce().indices()),
    ("complex_order", lambda: F.relu(Z), lambda: torch.complex(F.relu(Z.real), F.relu(Z.imag))),
    ("complex_order", lambda: F.smooth_l1_loss(Z, Z), lambda: F.smooth_l1_loss(Z.abs(), Z.abs())),
    ("complex_order", lambda: Z.max(), lambda: Z.abs().max()),
    (
        "complex_weights",
        lambda: LINEAR(Z),
        lambda: nn.Linear(6, 2)(torch.view_as_real(Z).flatten(-2)),
    ),
    ("complex_weights", lambda: LINEAR(Z), lambda: nn.Linear(3, 2, dtype=torch.cfloat)(Z)),
    (
        "saved_unpacked",
        lambda: stored(lambda t: t.detach().numpy(), lambda a: a),
        lambda: stored(lambda t: t.detach().numpy(), torch.from_numpy),
    ),
    (
        "saved_edited",
        lambda: stored(lambda t: t.mul_(2).round_().div_(2), lambda t: t),
        lambda: stored(lambda t: t.mul(2).round().div(2), lambda t: t),
    ),
    (
        "generator_of_parameters",
        lambda: nn.utils.clip_grad_norm_([LINEAR.parameters(), LINEAR.parameters()], 1.0),
        lambda: nn.utils.clip_grad_norm_([*LINEAR.parameters()], 1.0),
    ),
    (
        "one_value_vmap",
        lambda: of_samples(nn.Sequential(LINEAR, nn.BatchNorm1d(2, track_running_stats=False))),
        lambda: of_samples(nn.Sequential(LINEAR, nn.GroupNorm(1, 2))),
    ),
    (
        "backward_in_transform",
        lambda: vmap(backward_of)(ONES),
        lambda: of_samples(LINEAR),
    ),
    (
        "inside_transform",
        lambda: jacrev(flagged)(torch.ones(3)),
        lambda: jacrev(grad(lambda x: x.square().sum()))(torch.ones(3)),
    ),
]
