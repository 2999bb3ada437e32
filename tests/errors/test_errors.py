"""Each explained error is one that torch raises today, and its cure cures it."""

import argparse
import contextlib
import copy
import io
import math
import mmap
import pickle
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd import Function, grad
from torch.utils.checkpoint import checkpoint

from grader import check
from grader.box.inside.shell import no_debugger, no_input
from grader.errors import EXPLANATIONS, explain, explain_error, explain_text, is_known, trail
from grader.errors.explanation import BY_FRAMES
from grader.errors.index import INDEX
from tests.errors.cases import around, around_training, beyond, models, parts, values

ERRORS = {}
"""Code to (what raises it, its cure), as functions without arguments."""


def leaf(*shape, dtype=torch.float32):
    return torch.linspace(0.5, 1.5, math.prod(shape), dtype=dtype).reshape(shape).requires_grad_()


class Doubled(torch.autograd.Function):
    """A custom Function that is right."""

    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 2


def cured(code, cure):
    """Register what raises an error that `cure` cures."""

    def register(function):
        ERRORS.setdefault(code, []).append((function, cure))
        return function

    return register


# Backward


@cured(
    "second_backward", lambda: [s.backward(retain_graph=True) for s in [leaf(3).exp().sum()] * 2]
)
def _():
    y = leaf(3).exp().sum()
    y.backward()
    y.backward()


@cured("second_backward", lambda: leaf(3).exp().sum().grad_fn)
def _():
    y = leaf(3).exp()
    y.sum().backward()
    return y.grad_fn._saved_result


@cured("no_graph", lambda: leaf(3).sum().backward())
def _():
    torch.ones(3).sum().backward()


@cured("no_graph", lambda: leaf(3).sum().backward())
def _():
    with torch.no_grad():
        y = leaf(3).sum()
    y.backward()


def _second(create_graph):
    x = leaf(3)
    (g,) = grad((x**3).sum(), x, create_graph=create_graph)
    return grad(g.sum(), x)


@cured("no_graph", lambda: _second(True))
def _():
    _second(False)


@cured("not_scalar", lambda: (leaf(3) * 2).sum().backward())
def _():
    (leaf(3) * 2).backward()


def _vector(v):
    x = leaf(3)
    return grad(x * 2, x, grad_outputs=v)


@cured("not_scalar", lambda: _vector(torch.ones(3)))
def _():
    _vector(None)


def _complex():
    return torch.ones(3, dtype=torch.complex64, requires_grad=True)


@cured("not_real", lambda: _complex().abs().sum().backward())
def _():
    _complex().sum().backward()


@cured("seed_shape", lambda: _vector(torch.ones(3)))
def _():
    _vector(torch.ones(4))


@cured("seed_shape", lambda: _vector(torch.ones(3, 1).reshape(3)))
def _():
    _vector(torch.ones(3, 1))


def _two_results(gradients):
    x = leaf(3)
    return grad([x * 2, x * 3], x, grad_outputs=gradients)


@cured("seed_count", lambda: _two_results([torch.ones(3)] * 2))
def _():
    _two_results([torch.ones(3)])


@cured("seed_type", lambda: _vector(torch.tensor([1.0, 2.0, 3.0])))
def _():
    _vector([1.0, 2.0, 3.0])


def _unused(allow):
    x, other = leaf(3), leaf(3)
    return grad(x.sum(), other, allow_unused=allow)


@cured("unused", lambda: _unused(True))
def _():
    _unused(False)


@cured("input_without_grad", lambda: grad(leaf(3).sum() + (x := leaf(3)).sum(), x))
def _():
    grad(leaf(3).sum(), torch.ones(3))


@cured("no_inputs", lambda: grad((x := leaf(3)).sum(), [x]))
def _():
    grad(leaf(3).sum(), [])


@cured("no_inputs", lambda: leaf(3).sum().backward())
def _():
    leaf(3).sum().backward(inputs=[])


@cured("no_derivative", lambda: torch.igamma((x := leaf(3)).detach(), x).sum().backward())
def _():
    x = leaf(3)
    torch.igamma(x, x).sum().backward()


@cured("anomaly", lambda: (leaf(3).sqrt() * 0).sum().backward())
def _():
    with torch.autograd.set_detect_anomaly(True):
        ((leaf(3) * 0).sqrt() * 0).sum().backward()


def _recomputed(block):
    return checkpoint(block, leaf(4), use_reentrant=False).sum().backward()


@cured("checkpoint", lambda: _recomputed(torch.exp))
def _():
    runs = []

    def block(x):
        runs.append(x)
        return x[: 4 - len(runs)].exp()

    _recomputed(block)


@cured("checkpoint", lambda: _recomputed(torch.sin))
def _():
    runs = []

    def block(x):
        runs.append(x)
        return x.exp().sin() if len(runs) == 1 else x * 1

    _recomputed(block)


class Double(Function):
    """Twice its argument; the backward is what the tests below replace."""

    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * 2


class Single(Double):
    @staticmethod
    def backward(ctx, grad_output):
        return grad_output


def _checked(function):
    return torch.autograd.gradcheck(function.apply, leaf(3, dtype=torch.float64))


@cured("gradcheck", lambda: _checked(Double))
def _():
    _checked(Single)


# Edits


def _updated(mode):
    w = leaf(3)
    with torch.set_grad_enabled(mode):
        w -= 0.1


@cured("leaf_in_place", lambda: _updated(False))
def _():
    _updated(True)


@cured("leaf_in_place", lambda: leaf(3).clone()[0].mul_(2))
def _():
    leaf(3)[0].mul_(2)


def test_an_edit_that_is_not_recorded_is_missing_in_the_gradient():
    w = leaf(3)
    (recorded,) = grad(w.clone().mul_(2).sum(), w)
    with torch.no_grad():
        w.mul_(2)
    (missing,) = grad(w.sum(), w)
    assert (recorded.tolist(), missing.tolist()) == ([2] * 3, [1] * 3)

    y = w * 1
    with torch.no_grad():
        y.view(3).mul_(2)
    assert grad(y.sum(), w)[0].tolist() == [1] * 3


@cured("modified", lambda: (leaf(3).exp() + 1).sum().backward())
def _():
    y = leaf(3).exp()
    y += 1
    y.sum().backward()


def _row_doubled(edit):
    y = leaf(3) * 1
    edit(y)
    return y.sum().backward()


@cured("one_of_many_views", lambda: _row_doubled(lambda y: y[0].mul_(2)))
def _():
    _row_doubled(lambda y: y.unbind()[0].mul_(2))


@cured("one_of_many_views", lambda: _row_doubled(lambda y: y.__setitem__(0, y[0] * 2)))
def _():
    _row_doubled(lambda y: [entry.mul_(2) for entry in y])


def _hooked(edit):
    layer = nn.Linear(3, 3)
    layer.register_full_backward_hook(lambda *_: None)
    return edit(layer(leaf(2, 3))).sum().backward()


@cured("view_of_function", lambda: _hooked(lambda y: y.clone().mul_(2)))
def _():
    _hooked(lambda y: y.mul_(2))


@cured("view_of_function", lambda: _hooked_relu(False))
def _():
    _hooked_relu(True)


def _hooked_relu(inplace):
    layer = torch.nn.ReLU(inplace=inplace)
    layer.register_full_backward_hook(lambda *_: None)
    layer(leaf(3) * 1).sum().backward()


@cured("one_of_many_views", lambda: torch.zeros(3).unbind()[0] + leaf(3)[0])
def _():
    torch.zeros(3).unbind()[0].add_(leaf(3)[0])  # the text speaks of no_grad


def _recorded_where(recording, use):
    x = leaf(3)
    with torch.set_grad_enabled(recording):
        use(x * 2)


@cured("hook_without_grad", lambda: _recorded_where(True, lambda y: y.register_hook(print)))
def _():
    _recorded_where(False, lambda y: y.register_hook(print))


@cured("retain_without_grad", lambda: _recorded_where(True, torch.Tensor.retain_grad))
def _():
    _recorded_where(False, torch.Tensor.retain_grad)


@cured("anomaly", lambda: _rooted(lambda x: torch.where(x > 0, x, 1).sqrt()))
def _():
    _rooted(torch.sqrt)


def _rooted(root):
    x = torch.zeros(2, requires_grad=True)
    y = torch.where(x > 0, root(x), 0.0).sum()
    assert y.isfinite()
    with torch.autograd.set_detect_anomaly(True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y.backward()


@pytest.mark.parametrize("how", [{"differentiable": True}, {}])
def test_an_optimizer_takes_a_non_leaf_that_keeps_its_gradient(how):
    y = leaf(3) * 2
    if not how:
        y.retain_grad()
    torch.optim.SGD([y], lr=0.1, **how)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_view_made_in_another_mode_is_explained(mode):
    x = leaf(3) * 1
    with mode():
        view = x.view(3)
    with pytest.raises(RuntimeError) as raised:
        view.mul_(2)
    assert explain("RuntimeError", str(raised.value)).code == "view_across_modes"


@cured("view_across_modes", lambda: (leaf(3) * 1).view(3).mul_(2))
def _():
    x = leaf(3) * 1
    with torch.no_grad():
        view = x.view(3)
    view.mul_(2)


@cured("detached_view", lambda: (leaf(3) * 1)[0].detach())
def _():
    (leaf(3) * 1)[0].detach_()


@cured("shared_memory", lambda: torch.ones(1, 3).expand(2, 3).clone().add_(1))
def _():
    torch.ones(1, 3).expand(2, 3).add_(1)


@cured("out_argument", lambda: torch.add(leaf(3), 1))
def _():
    torch.add(leaf(3), 1, out=torch.empty(3))


def _made_under(mode):
    with mode():
        return torch.ones(3) * 2


@cured("inference_saved", lambda: leaf(3) * _made_under(torch.no_grad))
def _():
    leaf(3) * _made_under(torch.inference_mode)


@cured("inference_edit", lambda: _made_under(torch.inference_mode).clone().add_(1))
def _():
    _made_under(torch.inference_mode).add_(1)


@cured("inference_edit", lambda: _made_under(torch.no_grad).requires_grad_())
def _():
    _made_under(torch.inference_mode).requires_grad_()


@cured("inference_edit", lambda: _made_under(torch.no_grad)._version)
def _():
    return _made_under(torch.inference_mode)._version


# Flags, hooks, gradients


@cured("integer_grad", lambda: torch.tensor([1, 2]).double().requires_grad_())
def _():
    torch.tensor([1, 2], requires_grad=True)


@cured("integer_grad", lambda: torch.tensor([1, 2]).float().requires_grad_())
def _():
    torch.tensor([1, 2]).requires_grad_()


@cured("integer_grad", lambda: nn.Parameter(torch.tensor([1.0])))
def _():
    nn.Parameter(torch.tensor([1]))


@cured("called_tensor", lambda: checkpoint(torch.exp, leaf(3), use_reentrant=False))
def _():
    checkpoint(torch.exp(leaf(3)), use_reentrant=False)


@cured("flag_set_on_non_leaf", lambda: (leaf(3) * 2).detach().requires_grad_())
def _():
    computed = leaf(3) * 2
    computed.requires_grad = True


@cured("flag_of_non_leaf", lambda: (leaf(3) * 2).detach())
def _():
    (leaf(3) * 2).requires_grad_(False)


@cured("hook_without_grad", lambda: torch.ones(3).requires_grad_().register_hook(print))
def _():
    torch.ones(3).register_hook(print)


@cured("retain_without_grad", lambda: (torch.ones(3).requires_grad_() * 2).retain_grad())
def _():
    (torch.ones(3) * 2).retain_grad()


def _with_hook(hook):
    x = leaf(3)
    x.register_hook(hook)
    return x.sum().backward()


def _module_hook(result):
    layer = torch.nn.Linear(3, 2)
    layer.register_full_backward_hook(lambda module, given, sent: result)
    layer(torch.ones(1, 3)).sum().backward()


@cured("module_hook_result", lambda: _module_hook(None))
def _():
    _module_hook((torch.ones(1, 3),))


def _reentrant(again):
    x = leaf(3)
    y = torch.utils.checkpoint.checkpoint(torch.exp, x, use_reentrant=again).sum()
    torch.autograd.grad(y, x)


@cured("reentrant_inputs", lambda: _reentrant(False))
def _():
    _reentrant(True)


def _optimizer_loaded(*held):
    layer = torch.nn.Linear(2, 2)
    saved = torch.optim.Adam([layer.weight]).state_dict()
    torch.optim.Adam([getattr(layer, name) for name in held]).load_state_dict(saved)


@cured("optimizer_state", lambda: _optimizer_loaded("weight"))
def _():
    _optimizer_loaded("weight", "bias")


def _batched(collate):
    samples = [torch.ones(2), torch.ones(3)]
    list(torch.utils.data.DataLoader(samples, batch_size=2, collate_fn=collate))


@cured(
    "batch_sizes", lambda: _batched(lambda b: torch.nn.utils.rnn.pad_sequence(b, batch_first=True))
)
def _():
    _batched(None)


def _padded_by_hand(x):
    padded = torch.zeros(4)
    padded[:3] = x
    return padded


@cured(
    "vmap_edit",
    lambda: torch.func.vmap(lambda x: torch.nn.functional.pad(x, (0, 1)))(torch.ones(2, 3)),
)
def _():
    torch.func.vmap(_padded_by_hand)(torch.ones(2, 3))


@cured("hook_result", lambda: _with_hook(lambda g: g * 2))
def _():
    _with_hook(lambda g: g.sum().reshape(1))


@cured("hook_result", lambda: _with_hook(lambda g: None))
def _():
    _with_hook(lambda g: g.double())


def _after_accumulation(hook):
    x = leaf(3)
    x.register_post_accumulate_grad_hook(hook)
    x.sum().backward()


@cured("hook_result", lambda: _after_accumulation(lambda p: None))
def _():
    _after_accumulation(lambda p: p.grad * 2)


@cured("hook_result", lambda: _with_hook(lambda g: g.clamp(max=1)))
def _():
    _with_hook(lambda g: 3)


def _with_grad(value):
    x = leaf(3)
    x.grad = value


@cured("assigned_grad", lambda: _with_grad(torch.ones(3, 1).reshape(3)))
def _():
    _with_grad(torch.ones(3, 1))


@cured("assigned_grad", lambda: _with_grad(torch.ones(3).double().to(torch.float32)))
def _():
    _with_grad(torch.ones(3).double())


@cured("assigned_grad", lambda: _with_grad(None))
def _():
    _with_grad(1.0)


@cured("assigned_grad", lambda: _with_grad(torch.ones(3, dtype=torch.float64).to(leaf(3))))
def _():
    _with_grad(torch.ones(3, device="meta"))


@cured("deepcopy", lambda: (leaf(3) * 2).detach().clone())
def _():
    copy.deepcopy(leaf(3) * 2)


@cured("numpy", lambda: leaf(3).detach().numpy())
def _():
    leaf(3).numpy()


# Custom Functions, torch.func


class TwoGradients(Double):
    @staticmethod
    def backward(ctx, grad_output):
        return grad_output, grad_output


class WithNone(Double):
    @staticmethod
    def forward(ctx, x, factor):
        return x * factor

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * 2, None


@cured("function_count", lambda: WithNone.apply(leaf(3), 2).sum().backward())
def _():
    TwoGradients.apply(leaf(3)).sum().backward()


class ShortGradient(Double):
    @staticmethod
    def backward(ctx, grad_output):
        return grad_output[:2]


@cured("function_shape", lambda: Double.apply(leaf(3)).sum().backward())
def _():
    ShortGradient.apply(leaf(3)).sum().backward()


class NumberGradient(Double):
    @staticmethod
    def backward(ctx, grad_output):
        return 2.0


@cured("function_result", lambda: Double.apply(leaf(3)).sum().backward())
def _():
    NumberGradient.apply(leaf(3)).sum().backward()


class SavesNumber(Double):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(3)
        return x


class KeepsNumber(Double):
    @staticmethod
    def forward(ctx, x):
        ctx.n = 3
        return x


@cured("function_saved", lambda: KeepsNumber.apply(leaf(3)).sum().backward())
def _():
    SavesNumber.apply(leaf(3))


class OldStyle(Function):
    def forward(self, x):
        return x


@cured("function_object", lambda: Double.apply(leaf(3)))
def _():
    OldStyle()(leaf(3))


class NoBackward(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2


class NoForward(Function):
    pass


@cured("function_incomplete", lambda: Double.apply(leaf(3)).sum().backward())
def _():
    NoBackward.apply(leaf(3)).sum().backward()


@cured("function_incomplete", lambda: Double.apply(leaf(3)))
def _():
    NoForward.apply(leaf(3))


class Once(Double):
    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad_output):
        return grad_output * 2


def _differentiated_twice(function):
    x, v = leaf(3), leaf(3)
    (g,) = grad(function.apply(x), x, grad_outputs=v, create_graph=True)
    return g.sum().backward()


@cured("once_differentiable", lambda: _differentiated_twice(Double))
def _():
    _differentiated_twice(Once)


@cured("inside_transform", lambda: torch.func.jacrev(lambda z: z * 2)(torch.ones(3)))
def _():
    torch.func.jacrev(lambda z: z.requires_grad_() * 2)(torch.ones(3))


@cured("backward_in_transform", lambda: torch.func.grad(torch.sum)(torch.ones(3)))
def _():
    def f(z):
        y = (z * z).sum()
        y.backward()
        return y

    torch.func.grad(f)(torch.ones(3))


@cured("inside_vmap", lambda: torch.func.vmap(lambda z: z * 1)(torch.ones(3)))
def _():
    torch.func.vmap(lambda z: z.item())(torch.ones(3))


@cured("inside_vmap", lambda: torch.func.vmap(lambda z: torch.where(z > 0, z, -z))(torch.ones(3)))
def _():
    torch.func.vmap(lambda z: z if z > 0 else -z)(torch.ones(3))


@cured("transform_not_scalar", lambda: torch.func.grad(lambda z: (z * 2).sum())(torch.ones(3)))
def _():
    torch.func.grad(lambda z: z * 2)(torch.ones(3))


# Modules, optimizers, files


@cured(
    "non_leaf_parameter",
    lambda: torch.optim.SGD([(leaf(3) * 2).detach().requires_grad_()], lr=0.1),
)
def _():
    torch.optim.SGD([leaf(3) * 2], lr=0.1)


@cured("no_parameters", lambda: torch.optim.SGD(nn.ParameterList([leaf(3)]).parameters(), lr=0.1))
def _():
    torch.optim.SGD([], lr=0.1)


@cured("parameter_twice", lambda: torch.optim.SGD([leaf(3), leaf(3)], lr=0.1))
def _():
    w = leaf(3)
    torch.optim.SGD([{"params": [w]}, {"params": [w]}], lr=0.1)


@cured("parameters_argument", lambda: torch.optim.SGD([leaf(3)], lr=0.1))
def _():
    torch.optim.SGD(leaf(3), lr=0.1)


def _assigned(value):
    layer = nn.Linear(2, 2)
    layer.weight = value


@cured("parameter_assigned", lambda: _assigned(nn.Parameter(torch.ones(2, 2))))
def _():
    _assigned(torch.ones(2, 2))


class NotSetUp(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(2, 2)


class SetUp(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)


@cured("before_init", SetUp)
def _():
    NotSetUp()


class OwnParameter(nn.Module):
    def __init__(self):
        self.weight = nn.Parameter(torch.ones(2))


@cured("before_init", SetUp)
def _():
    OwnParameter()


class OwnBuffer(nn.Module):
    def __init__(self):
        self.register_buffer("mask", torch.ones(2))


@cured("before_init", SetUp)
def _():
    OwnBuffer()


@cured("no_forward", lambda: nn.Identity()(1))
def _():
    SetUp()(1)


def _loaded(value):
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file)


@cured("unpickling", lambda: _loaded(nn.Linear(2, 2).state_dict()))
def _():
    _loaded(nn.Linear(2, 2))


# Values of another kind


for _attribute in ("is_leaf", "requires_grad", "grad", "grad_fn", "dtype", "device", "shape"):
    cured("called_attribute", lambda name=_attribute: getattr(leaf(3), name))(
        lambda name=_attribute: getattr(leaf(3), name)()
    )


@cured("called_attribute", lambda: (lambda fn: fn)(leaf)(3))
def _():
    (lambda fn: None)(leaf)(3)  # a decorator without return


def _after_backward():
    x = leaf(3)
    (x * x).sum().backward()
    return x


@cured("called_tensor", lambda: _after_backward().grad)
def _():
    _after_backward().grad()


@cured("called_node", lambda: (leaf(3) * 2).grad_fn.name())
def _():
    (leaf(3) * 2).grad_fn()


@cured("called_node", lambda: leaf(3).sum().grad_fn.next_functions[0][0].name())
def _():
    leaf(3).sum().grad_fn.next_functions[0][0]()


@cured("called_node", lambda: Doubled.apply(leaf(3)).grad_fn.name())
def _():
    Doubled.apply(leaf(3)).grad_fn()


@cured("forgot_to_call", lambda: leaf(3).sum().backward())
def _():
    leaf(3).sum.backward()


@cured("forgot_to_call", lambda: leaf(3).sum() * 2)
def _():
    leaf(3).sum * 2


@cured("forgot_to_call", lambda: torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1))
def _():
    torch.optim.SGD(nn.Linear(2, 2).parameters, lr=0.1)


@cured("none_used", lambda: _after_backward().grad.zero_())
def _():
    leaf(3).grad.zero_()


@cured("none_used", lambda: leaf(3).sum().grad_fn.next_functions)
def _():
    return leaf(3).grad_fn.next_functions


@cured("none_used", lambda: _after_backward().grad[0])
def _():
    leaf(3).grad[0]


@cured("none_used", lambda: len(_after_backward().grad))
def _():
    len(leaf(3).grad)


@cured("none_used", lambda: list(_after_backward().grad))
def _():
    list(leaf(3).grad)


@cured("none_in_formula", lambda: _after_backward().grad * 0.1)
def _():
    leaf(3).grad * 0.1


@cured("none_in_formula", lambda: torch.ones(3).sub_(_after_backward().grad))
def _():
    torch.ones(3).sub_(leaf(3).grad)


@cured("none_in_formula", lambda: torch.stack([_after_backward().grad]))
def _():
    torch.stack([leaf(3).grad])


@cured("none_in_formula", lambda: -_after_backward().grad)
def _():
    -leaf(3).grad


def _gradients():
    x = leaf(3)
    return grad((x * x).sum(), x)


@cured("tuple_used", lambda: _gradients()[0].sum())
def _():
    _gradients().sum()


@cured("tuple_used", lambda: leaf(3) - _gradients()[0])
def _():
    leaf(3) - _gradients()


@cured("tuple_used", lambda: torch.stack([_gradients()[0]]))
def _():
    torch.stack([_gradients()])


@cured("tuple_used", lambda: -_gradients()[0])
def _():
    -_gradients()


@cured("sequence_scaled", lambda: [0.1 * g for g in _gradients()])
def _():
    _gradients() * 0.1


@cured("pair_used", lambda: leaf(3, 2).max(1).values.sum())
def _():
    leaf(3, 2).max(1).sum()


@cured("pair_used", lambda: torch.linalg.slogdet(torch.eye(2)).sign.mean())
def _():
    torch.linalg.slogdet(torch.eye(2)).mean()


@cured("number_used", lambda: leaf(3).sum().backward())
def _():
    leaf(3).sum().item().backward()


@cured("one_number", lambda: leaf(3).sum().item())
def _():
    leaf(3).item()


@cured("one_number", lambda: torch.sqrt(leaf(3)))
def _():
    math.sqrt(leaf(3))


@cured("one_number", lambda: torch.stack([leaf(3), leaf(3)]))
def _():
    torch.tensor([leaf(3), leaf(3)])


@cured("truth", lambda: bool((leaf(3) > 0).all()))
def _():
    bool(leaf(3) > 0)


@cured("zero_dimensions", lambda: len(torch.ones(()).reshape(1)))
def _():
    len(torch.ones(()))


@cured("zero_dimensions", lambda: list(torch.ones(()).reshape(1)))
def _():
    list(torch.ones(()))


@cured("zero_dimensions", lambda: torch.ones(()).reshape(1)[0])
def _():
    torch.ones(())[0]


@cured("recursion", lambda: None)
def _():
    def endless():
        endless()

    endless()


class _Endless(nn.Module):
    """A forward that calls itself, in the place of a part."""

    def __init__(self):
        super().__init__()
        self.part = nn.Identity()

    def forward(self, x):
        return self(x)


@cured("recursion", lambda: _Endless().part(leaf(3)))
def _():
    _Endless()(leaf(3))


@cured("exit", lambda: None)
def _():
    sys.exit()


@cured("exit", lambda: argparse.ArgumentParser().parse_args([]))
def _():
    argparse.ArgumentParser().parse_args(["-f"])


# Operands that do not fit


META = torch.ones(3, device="meta")

for _operation in (
    lambda t: t + META,
    lambda t: META * t,
    lambda t: torch.stack([META, t]),
    lambda t: torch.where(META > 0, t, t),
    lambda t: META @ t,
    lambda t: (META.clone().requires_grad_() * 2).backward(t),
    lambda t: META.index_add(0, torch.arange(3, device=t.device), t),
):
    cured("device", lambda f=_operation: f(torch.ones(3, device=META.device)))(
        lambda f=_operation: f(torch.ones(3))
    )


@cured("numpy_device", lambda: torch.ones(3).cpu().numpy())
def _():
    META.numpy()


@cured("no_values", lambda: META.shape)
def _():
    META.tolist()


@cured("no_values", lambda: META.sum())
def _():
    META.sum().item()


DOUBLE = torch.ones(3, 3, dtype=torch.float64)

for _operation in (
    lambda t: t @ DOUBLE,
    lambda t: t @ DOUBLE[0],
    lambda t: t[0] @ DOUBLE[0],
    lambda t: nn.functional.linear(t, DOUBLE, DOUBLE[0]),
    lambda t: torch.lerp(t, DOUBLE, 0.5),
    lambda t: nn.functional.conv2d(t[None, None], DOUBLE[None, None], DOUBLE[0, :1]),
    lambda t: t.index_put((torch.tensor([0]),), DOUBLE[0]),
    lambda t: t.scatter(0, torch.zeros(1, 3, dtype=torch.int64), DOUBLE),
):
    cured("dtype", lambda f=_operation: f(torch.ones(3, 3, dtype=DOUBLE.dtype)))(
        lambda f=_operation: f(torch.ones(3, 3))
    )


@cured("target_dtype", lambda: nn.functional.cross_entropy(torch.ones(2, 3), torch.ones(2).long()))
def _():
    nn.functional.cross_entropy(torch.ones(2, 3), torch.ones(2))


@cured("integer_result", lambda: torch.tensor([1, 2]).double().mul_(0.5))
def _():
    torch.tensor([1, 2]).mul_(0.5)


@cured("integer_mean", lambda: torch.tensor([1, 2]).double().mean())
def _():
    torch.tensor([1, 2]).mean()


@cured("sizes", lambda: torch.ones(3, 1) + torch.ones(4))
def _():
    torch.ones(3) + torch.ones(4)


@cured("product_sizes", lambda: torch.ones(3, 2) @ torch.ones(3, 2).T)
def _():
    torch.ones(3, 2) @ torch.ones(3, 2)


@cured("product_sizes", lambda: torch.ones(3, 2).T @ torch.ones(3))
def _():
    torch.ones(3, 2) @ torch.ones(3)


@cured("result_size", lambda: torch.ones(3) + torch.ones(2, 3))
def _():
    torch.ones(3).add_(torch.ones(2, 3))


@cured("view_stride", lambda: torch.ones(3, 2).T.reshape(6))
def _():
    torch.ones(3, 2).T.view(6)


@cured("asks", lambda: None)
def _():
    with pytest.MonkeyPatch.context() as nobody:
        nobody.setattr(sys, "stdin", io.StringIO())
        input()


@cured("asks", lambda: None)
def _():
    no_input("?")


@cured("debugs", lambda: None)
def _():
    no_debugger()


# Training


@cured("one_value", lambda: nn.BatchNorm1d(3)(torch.ones(2, 3)))
def _():
    nn.BatchNorm1d(3)(torch.ones(1, 3))


@cured("one_value", lambda: nn.GroupNorm(1, 3).eval()(torch.ones(1, 3, 1, 1)))
def _():
    nn.GroupNorm(3, 3).eval()(torch.ones(1, 3, 1, 1))


@cured("target_range", lambda: nn.functional.cross_entropy(leaf(2, 3), torch.tensor([0, 2])))
def _():
    nn.functional.cross_entropy(leaf(2, 3), torch.tensor([1, 3]))


@cured("target_shape", lambda: nn.functional.cross_entropy(leaf(2, 3), torch.tensor([0, 2])))
def _():
    nn.functional.cross_entropy(leaf(2, 3), torch.tensor([0, 2, 1]))


@cured("target_shape", lambda: nn.functional.cross_entropy(leaf(2, 3), torch.tensor([0, 2])))
def _():
    nn.functional.nll_loss(leaf(2, 3), torch.tensor([[0], [2]]))


@cured("target_shape", lambda: nn.functional.binary_cross_entropy(torch.ones(2), torch.ones(2)))
def _():
    nn.functional.binary_cross_entropy(torch.ones(2, 1), torch.ones(2))


@cured(
    "target_shape",
    lambda: nn.functional.binary_cross_entropy_with_logits(leaf(2), torch.ones(2)),
)
def _():
    nn.functional.binary_cross_entropy_with_logits(leaf(2, 1), torch.ones(2))


def test_a_reshaped_target_ends_the_error_and_pairs_the_wrong_entries():
    prediction = torch.linspace(0.1, 0.9, 6).reshape(2, 3)
    target = (prediction > 0.5).float().T
    loss = nn.functional.binary_cross_entropy
    with pytest.raises(ValueError, match="target size"):
        loss(prediction, target)
    assert loss(prediction, target.reshape(2, 3)) > loss(prediction, target.T)


@cured(
    "not_probabilities",
    lambda: nn.functional.binary_cross_entropy_with_logits(leaf(3) * 2, torch.ones(3)),
)
def _():
    nn.functional.binary_cross_entropy(leaf(3) * 2, torch.ones(3))


def _scaled(*steps):
    w = leaf(3)
    optimizer = torch.optim.SGD([w], lr=0.1)
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(w.sum()).backward()
    for step in steps:
        getattr(scaler, step)(*([optimizer] if step != "update" else []))


@cured("scaler_twice", lambda: _scaled("unscale_", "step", "update"))
def _():
    _scaled("unscale_", "unscale_")


@cured("scaler_order", lambda: _scaled("unscale_", "step", "update"))
def _():
    _scaled("step", "unscale_")


@cured("scaler_unchecked", lambda: _scaled("step", "update"))
def _():
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(leaf(3).sum()).backward()
    scaler.step(torch.optim.SGD([leaf(3)], lr=0.1))


@cured("scaler_unchecked", lambda: _scaled("step", "update"))
def _():
    _scaled("update")


@cured("scaler_order", lambda: _scaled("step", "update"))
def _():
    _scaled("step", "step")


@cured("state_dict_keys", lambda: nn.Linear(2, 2).load_state_dict(nn.Linear(2, 2).state_dict()))
def _():
    nn.Linear(2, 2).load_state_dict({"module.weight": torch.ones(2, 2)})


class Samples(torch.utils.data.Dataset):
    def __init__(self, trained):
        self.values = leaf(4, 2) if trained else leaf(4, 2).detach()

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return self.values[index].detach() if not self.values.requires_grad else self.values[index]


def _loaded_by_a_worker(trained):
    for _ in torch.utils.data.DataLoader(Samples(trained), batch_size=2, num_workers=1):
        pass


@cured("worker_out", lambda: _loaded_by_a_worker(False))
def _():
    _loaded_by_a_worker(True)


# Custom Functions and modules, once more


class _Scaled(torch.autograd.Function):
    """Its forward takes ctx, and its backward returns a gradient for a number."""

    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x * factor

    @staticmethod
    def backward(ctx, gradient):
        return gradient * ctx.factor, gradient.sum()


@cured("function_none", lambda: Doubled.apply(leaf(3)).sum().backward())
def _():
    _Scaled.apply(leaf(3), 2.0).sum().backward()


@cured("function_setup", lambda: torch.func.vmap(torch.exp)(leaf(3)))
def _():
    torch.func.vmap(Doubled.apply)(leaf(3))


class _Split(torch.autograd.Function):
    """It is as torch.func wants it, but for a rule of vmap and of forward mode."""

    @staticmethod
    def forward(x):
        return x * 2

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, gradient):
        return gradient * 2


class _Batched(_Split):
    """The same, with the rule."""

    generate_vmap_rule = True


@cured("function_vmap", lambda: torch.func.vmap(_Batched.apply)(leaf(3)))
def _():
    torch.func.vmap(_Split.apply)(leaf(3))


@cured("function_jvp", lambda: torch.func.jvp(torch.exp, (torch.ones(3),), (torch.ones(3),)))
def _():
    torch.func.jvp(_Split.apply, (torch.ones(3),), (torch.ones(3),))


class _Bare(nn.Module):
    """Without super().__init__()."""

    def __init__(self):
        pass

    def forward(self, x):
        return x


@cured("before_init", lambda: nn.Identity()(leaf(3)))
def _():
    _Bare()(leaf(3))


@cured("child_assigned", lambda: setattr(_with_part(), "part", nn.ModuleList([nn.Identity()])))
def _():
    _with_part().part = [nn.Identity()]


def _with_part():
    module = nn.Module()
    module.part = nn.Identity()
    return module


# Indices, shapes, kinds of input


@cured("index_dtype", lambda: nn.functional.one_hot(torch.ones(3, dtype=torch.uint8).long()))
def _():
    nn.functional.one_hot(torch.ones(3, dtype=torch.uint8))


@cured("index_tensor", lambda: leaf(3) * (leaf(3),)[0])
def _():
    leaf(3) * (leaf(3),)


@cured("mask_shape", lambda: leaf(3, 2)[torch.tensor([True, False, True])])
def _():
    leaf(3, 2)[torch.tensor([True, False])]


@cured("negative_step", lambda: leaf(3).flip(0))
def _():
    leaf(3)[::-1]


@cured("cat_sizes", lambda: torch.cat([leaf(2, 3), leaf(3)[None]]))
def _():
    torch.cat([leaf(2, 3), leaf(3)])


@cured("reshaped_size", lambda: torch.ones(0, 3).flatten(1))
def _():
    torch.ones(0, 3).view(0, -1)


@cured("cat_numbers", lambda: torch.stack([leaf(3).sum(), leaf(3).sum()]))
def _():
    torch.cat([leaf(3).sum(), leaf(3).sum()])


@cured("product_dimensions", lambda: leaf(3, 3) @ leaf(3))
def _():
    torch.mm(leaf(3, 3), leaf(3))


@cured("product_dimensions", lambda: leaf(2, 3) @ leaf(3, 2))
def _():
    torch.bmm(leaf(2, 3), leaf(3, 2))


@cured("product_dimensions", lambda: leaf(3, 3) @ leaf(3, 3))
def _():
    torch.dot(leaf(3, 3), leaf(3, 3))


@cured("index_dtype", lambda: leaf(3)[torch.tensor([0.0]).long()])
def _():
    leaf(3)[torch.tensor([0.0])]


@cured("index_dtype", lambda: leaf(3)[int(1.0)])
def _():
    leaf(3)[1.0]


@cured("index_dtype", lambda: leaf(2, 3).gather(1, torch.zeros(2, 1).long()))
def _():
    leaf(2, 3).gather(1, torch.zeros(2, 1))


@cured("index_dtype", lambda: nn.Embedding(5, 3)(torch.tensor([1.0]).long()))
def _():
    nn.Embedding(5, 3)(torch.tensor([1.0]))


@cured("index_dtype", lambda: leaf(3).take(torch.ones(3, dtype=torch.uint8).long()))
def _():
    leaf(3).take(torch.ones(3, dtype=torch.uint8))


@cured("index_dtype", lambda: leaf(3).take_along_dim(torch.ones(3, dtype=torch.int32).long(), 0))
def _():
    leaf(3).take_along_dim(torch.ones(3, dtype=torch.int32), 0)


@cured("index_range", lambda: nn.Embedding(6, 3)(torch.tensor([5])))
def _():
    nn.Embedding(5, 3)(torch.tensor([5]))


@cured("index_range", lambda: leaf(3)[torch.tensor([2])])
def _():
    leaf(3)[torch.tensor([3])]


@cured("index_range", lambda: leaf(2, 3).gather(1, torch.full((2, 1), 2)))
def _():
    leaf(2, 3).gather(1, torch.full((2, 1), 3))


@cured("index_range", lambda: nn.functional.one_hot(torch.tensor([2]), 3))
def _():
    nn.functional.one_hot(torch.tensor([3]), 3)


@cured("channels", lambda: nn.Conv2d(3, 4, 3)(torch.ones(2, 8, 8, 3).permute(0, 3, 1, 2)))
def _():
    nn.Conv2d(3, 4, 3)(torch.ones(2, 8, 8, 3))


@cured("channels", lambda: nn.BatchNorm1d(4)(torch.ones(2, 4)))
def _():
    nn.BatchNorm1d(3)(torch.ones(2, 4))


@cured("channels", lambda: nn.LayerNorm(4)(torch.ones(2, 4)))
def _():
    nn.LayerNorm(3)(torch.ones(2, 4))


@cured("dimensions", lambda: nn.Conv2d(1, 4, 3)(torch.ones(8, 8).unsqueeze(0)))
def _():
    nn.Conv2d(1, 4, 3)(torch.ones(8, 8))


@cured("dimensions", lambda: nn.BatchNorm2d(3)(torch.ones(3, 8, 8).unsqueeze(0)))
def _():
    nn.BatchNorm2d(3)(torch.ones(3, 8, 8))


@cured("too_small", lambda: nn.Conv2d(1, 1, 3, padding=1)(torch.ones(1, 1, 2, 2)))
def _():
    nn.Conv2d(1, 1, 3)(torch.ones(1, 1, 2, 2))


@cured("too_small", lambda: torch.ones(1, 1, 1, 1))
def _():
    nn.MaxPool2d(2)(torch.ones(1, 1, 1, 1))


@cured("cat_sizes", lambda: torch.cat([leaf(2, 3), leaf(2, 4)], dim=1))
def _():
    torch.cat([leaf(2, 3), leaf(2, 4)])


@cured("reshaped_size", lambda: leaf(7, 3).flatten(1))
def _():
    leaf(7, 3).view(2, -1)


@cured("nothing_to_join", lambda: torch.stack([leaf(3)]))
def _():
    torch.stack([])


@cured("nothing_to_join", lambda: torch.cat([leaf(3)]))
def _():
    torch.cat([])


@cured("module_for_tensor", lambda: nn.Linear(3, 2)(nn.ReLU()(leaf(4, 3))))
def _():
    nn.Linear(3, 2)(nn.ReLU(leaf(4, 3)))


@cured("module_for_tensor", lambda: nn.Linear(3, 2)(leaf(4, 3).flatten(1)))
def _():
    nn.Linear(3, 2)(nn.Flatten(leaf(4, 3)))


@cured("module_for_tensor", lambda: nn.ReLU()(leaf(3)) + 1)
def _():
    nn.ReLU(leaf(3)) + 1


@cured("list_for_tensor", lambda: nn.Linear(3, 2)(torch.stack([leaf(3), leaf(3)])))
def _():
    nn.Linear(3, 2)([leaf(3), leaf(3)])


@cured("list_for_tensor", lambda: nn.functional.mse_loss(torch.tensor([1.0, 2.0]), leaf(2)))
def _():
    nn.functional.mse_loss([1.0, 2.0], leaf(2))


@cured("tuple_used", lambda: nn.Linear(4, 1)(nn.LSTM(3, 4)(leaf(2, 3))[0]))
def _():
    nn.Sequential(nn.LSTM(3, 4), nn.Linear(4, 1))(leaf(2, 3))


@cured("tuple_used", lambda: _gradients()[0] + leaf(3))
def _():
    _gradients() + leaf(3)


@cured("listed_modules", lambda: nn.Sequential(*[nn.Linear(3, 3)]))
def _():
    nn.Sequential([nn.Linear(3, 3)])


@cured("numpy_list", lambda: torch.tensor([1, 2]))
def _():
    torch.from_numpy([1, 2])


@cured("numpy_kinds", lambda: torch.from_numpy(np.array([1, 2], dtype=object).astype(np.float32)))
def _():
    torch.from_numpy(np.array([1, 2], dtype=object))


@cured("ragged_array", lambda: [torch.as_tensor(one) for one in ([1.0, 2.0], [3.0])])
def _():
    np.array([[1.0, 2.0], [3.0]], dtype=np.float32)


@cured("ragged_array", lambda: [torch.as_tensor(one) for one in _ragged()])
def _():
    _ragged().astype(np.float32)


def _ragged():
    rows = np.empty(2, dtype=object)
    rows[0], rows[1] = np.ones(2), np.ones(3)
    return rows


@cured("numpy_turned", lambda: torch.from_numpy(np.zeros(3)[::-1].copy()))
def _():
    torch.from_numpy(np.zeros(3)[::-1])


@cured("target_shape", lambda: nn.functional.cross_entropy(torch.ones(2, 4, 3, 3), _mask(2, 3, 3)))
def _():
    nn.functional.cross_entropy(torch.ones(2, 4, 3, 3), _mask(2, 1, 3, 3))


@cured("target_shape", lambda: nn.functional.cross_entropy(torch.ones(2, 4, 3, 3), _mask(2, 3, 3)))
def _():
    nn.functional.cross_entropy(torch.ones(2, 4, 3, 3), _mask(2, 3, 2))


def _mask(*shape):
    return torch.zeros(shape, dtype=torch.long)


@cured("target_probabilities", lambda: nn.functional.cross_entropy(leaf(2, 4), _mask(2)))
def _():
    nn.functional.cross_entropy(leaf(2, 4), _mask(2, 4))


def _lbfgs_step(*given):
    return torch.optim.LBFGS([leaf(3)]).step(*given)


@cured("closure", lambda: _lbfgs_step(lambda: leaf(3).sum()))
def _():
    _lbfgs_step()


@cured("no_samples", lambda: torch.utils.data.DataLoader([1], shuffle=True))
def _():
    torch.utils.data.DataLoader([], shuffle=True)


@cured("worker_pickle", lambda: pickle.dumps(_mask))
def _():
    pickle.dumps(lambda samples: samples)


@cured("worker_pickle", lambda: pickle.dumps(_mask))
def _():
    def collate(samples):
        return samples

    pickle.dumps(collate)


@cured("no_process_group", lambda: None)
def _():
    torch.distributed.all_reduce(torch.ones(3))


@cured("no_process_group", lambda: None)
def _():
    torch.distributed.init_process_group("gloo")


def _dropped(**choice):
    drop = lambda row: nn.functional.dropout(row)  # noqa: E731
    return torch.func.vmap(drop, **choice)(torch.ones(2, 3))


@cured("vmap_random", lambda: _dropped(randomness="different"))
def _():
    _dropped()


@cured("views_of_edited", lambda: (leaf(2, 3) * 1).mul_(2).unbind()[0].exp())
def _():
    y = leaf(2, 3) * 1
    first = y.unbind()[0]
    y.mul_(2)
    first.exp()


def _older_view(edit_first):
    y = leaf(2, 3) * 1
    if edit_first:
        y.mul_(2)
    with torch.no_grad():
        row = y[0]
    if not edit_first:
        y.mul_(2)
    return row.sum()


@cured("view_before_edit", lambda: _older_view(True))
def _():
    _older_view(False).backward()


# What a training runs on


class _Stream(torch.utils.data.IterableDataset):
    """It has an order of its own."""

    def __iter__(self):
        yield torch.ones(2)


def _loader(dataset, **options):
    return torch.utils.data.DataLoader(dataset, **options)


@cured("no_length", lambda: list(_loader(list(range(3)))))
def _():
    list(_loader(number for number in range(3)))


@cured("two_orders", lambda: _loader([1, 2], sampler=[1, 0]))
def _():
    _loader([1, 2], sampler=[1, 0], shuffle=True)


@cured("two_orders", lambda: list(_loader(_Stream())))
def _():
    _loader(_Stream(), shuffle=True)


@cured("generators", lambda: torch.optim.SGD([*nn.Linear(2, 1).parameters()], lr=0.1))
def _():
    torch.optim.SGD([nn.Linear(2, 1).parameters()], lr=0.1)


def _packed(**options):
    nn.utils.rnn.pack_padded_sequence(torch.ones(2, 3, 1), torch.tensor([1, 3]), True, **options)


@cured("unsorted_lengths", lambda: _packed(enforce_sorted=False))
def _():
    _packed()


@cured("collate_kind", lambda: list(_loader([None], collate_fn=list)))
def _():
    list(_loader([None]))


@cured("batch_sizes", lambda: list(_loader([[1, 0], [1, 2]], batch_size=2)))
def _():
    list(_loader([[1], [1, 2]], batch_size=2))


@cured("device_name", lambda: torch.device("cuda:1"))
def _():
    torch.device("gpu")


@cured("device_name", lambda: torch.device("cpu"))
def _():
    torch.device("cuda:first")


def _put(**options):
    torch.use_deterministic_algorithms(True, **options)
    try:
        torch.zeros(3).put_(torch.tensor([0, 0]), torch.ones(2))
    finally:
        torch.use_deterministic_algorithms(False)


@cured("deterministic", lambda: _put(warn_only=True))
def _():
    _put()


def _scaled_step(scale):
    model, scaler = nn.Linear(2, 1), torch.amp.GradScaler("cpu")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss = model(torch.ones(1, 2)).sum()
    (scaler.scale(loss) if scale else loss).backward()
    scaler.step(optimizer)


@cured("scaler_unused", lambda: _scaled_step(True))
def _():
    _scaled_step(False)


def _unscaled(dtype):
    model, scaler = nn.Linear(2, 1).to(dtype), torch.amp.GradScaler("cpu")
    scaler.scale(model(torch.ones(1, 2, dtype=dtype)).sum()).backward()
    scaler.unscale_(torch.optim.SGD(model.parameters(), lr=0.1))


@cured("scaler_half", lambda: _unscaled(torch.float32))
def _():
    _unscaled(torch.float16)


def _per_sample(norm):
    def loss(parameters):
        return torch.func.functional_call(norm, parameters, (torch.ones(4, 3),)).sum()

    torch.func.grad(loss)(dict(norm.named_parameters()))


@cured("transform_edit", lambda: _per_sample(nn.BatchNorm1d(3).eval()))
def _():
    _per_sample(nn.BatchNorm1d(3))


RARE = {
    "ddp_unused": "lib/libtorch_cpu.so",
    "ddp_twice": "lib/libtorch_cpu.so",
    "donated": "_functorch/_aot_autograd/runtime_wrappers.py",
    "compiled_twice": "_functorch/_aot_autograd/runtime_wrappers.py",
    "data_dependent": "_dynamo/symbolic_convert.py",
    "no_nccl": "distributed/distributed_c10d.py",
    "port_taken": "lib/libtorch_cpu.so",
    "warned_collective": "lib/libtorch_cpu.so",
}
"""What several processes or a compiler raise: the text as it stands in torch's own code."""

OTHERWHERE = {
    "device_assert": ["AcceleratorError: CUDA error: device-side assert triggered"],
    "no_cuda": [
        "AssertionError: Torch not compiled with CUDA enabled",
        "RuntimeError: Found no NVIDIA driver on your system. Please check that you have an NVIDIA "
        "GPU and installed a driver",
        "RuntimeError: Attempting to deserialize object on a CUDA device but "
        "torch.cuda.is_available() is False. If you are running on a CPU-only machine, please use "
        "torch.load with map_location=torch.device('cpu') to map your storages to the CPU.",
        "RuntimeError: Cannot get CUDA generator without ATen_cuda library.",
    ],
    "no_mps": ["RuntimeError: PyTorch is not linked with support for mps devices"],
    "worker_died": [
        "RuntimeError: DataLoader worker (pid 3) is killed by signal: Bus error. It is possible "
        "that dataloader's workers are out of shared memory.",
        "RuntimeError: DataLoader worker (pid(s) 7, 8) exited unexpectedly",
    ],
    "many_files": ["RuntimeError: received 0 items of ancdata"],
    "memory_gpu": ["OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."],
    "no_answer": [
        "DistNetworkError: The client socket has timed out after 1000ms while trying to connect "
        "to (127.0.0.1, 29777).",
        "DistStoreError: Timed out after 11 seconds waiting for clients. 1/2 clients joined.",
    ],
    "rank_waited": [
        "RuntimeError: [/__w/pytorch/pytorch/third_party/gloo/gloo/transport/tcp/"
        "unbound_buffer.cc:129] Timed out waiting 1800000ms for send operation to complete",
        "RuntimeError: [/__w/pytorch/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:553] "
        "Connection closed by peer [127.0.0.1]:29777. This is typically caused by a remote worker "
        "crashing. Check the logs of the remote worker before reporting an error.",
    ],
    "main_guard": [
        "RuntimeError: An attempt has been made to start a new process before the current process "
        "has finished its bootstrapping phase.",
    ],
}
"""What only a machine of another kind raises, with a GPU or without one, or another system; and
what reads otherwise from run to run."""


# Warnings


def warned(code, cure):
    """Register what warns: the warning is raised as an error."""

    def register(function):
        def raises():
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                torch.set_warn_always(True)
                try:
                    function()
                finally:
                    torch.set_warn_always(False)

        cured(code, cure)(raises)
        return function

    return register


@warned("warned_non_leaf_grad", lambda: leaf(3).grad)
def _():
    return (leaf(3) * 2).grad


@warned("warned_degrees", lambda: torch.ones(1).std(correction=0))
def _():
    torch.ones(1).std()


@warned(
    "warned_gradcheck", lambda: torch.autograd.gradcheck(torch.exp, leaf(3, dtype=torch.float64))
)
def _():
    torch.autograd.gradcheck(torch.exp, leaf(3), eps=1e-2, atol=1e-1)


@warned("warned_cycle", lambda: grad((x := leaf(3)).exp().sum(), x, create_graph=True))
def _():
    leaf(3).exp().sum().backward(create_graph=True)


@warned("warned_scalar", lambda: math.sqrt(leaf(1).detach()))
def _():
    math.sqrt(leaf(1))


@warned("warned_copy", lambda: leaf(3).detach().clone())
def _():
    torch.tensor(leaf(3))


@warned("warned_reentrant", lambda: checkpoint(torch.exp, torch.ones(3), use_reentrant=False))
def _():
    checkpoint(torch.exp, torch.ones(3), use_reentrant=True)


@warned("warned_use_reentrant", lambda: checkpoint(torch.exp, leaf(3), use_reentrant=False))
def _():
    from torch.utils import checkpoint as module

    module.checkpoint_sequential([nn.Identity()], 1, leaf(3))


def _scheduled(first):
    w = leaf(3)
    optimizer = torch.optim.SGD([w], lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    (scheduler if first else optimizer).step()
    (optimizer if first else scheduler).step()


@warned("warned_scheduler", lambda: _scheduled(False))
def _():
    _scheduled(True)


@warned("warned_clip", lambda: nn.utils.clip_grad_norm_(nn.Linear(2, 1).parameters(), 1.0))
def _():
    parameters = nn.Linear(2, 1).parameters()
    list(parameters)
    nn.utils.clip_grad_norm_(parameters, 1.0)


@warned("warned_target_size", lambda: nn.functional.mse_loss(leaf(3), torch.ones(3)))
def _():
    nn.functional.mse_loss(leaf(3, 1), torch.ones(3))


@warned("warned_hook", lambda: _full_hook(leaf(2, 3)))
def _():
    _full_hook(torch.ones(2, 3))


@warned("warned_hook", lambda: _full_hook(leaf(2, 3)))
def _():
    _full_hook(input=leaf(2, 3))


def _full_hook(*args, **kwargs):
    layer = nn.Linear(3, 3)
    layer.register_full_backward_hook(lambda *_: None)
    layer(*args, **kwargs).sum().backward()


@warned("warned_softmax", lambda: nn.functional.softmax(leaf(2, 3), dim=-1))
def _():
    nn.functional.softmax(leaf(2, 3))


@warned("warned_kl", lambda: _divergence("batchmean"))
def _():
    _divergence("mean")


def _divergence(reduction):
    return nn.functional.kl_div(
        leaf(2, 3).log_softmax(1), torch.ones(2, 3) / 3, reduction=reduction
    )


def _anomalous(x):
    with torch.autograd.set_detect_anomaly(True):
        (x.sqrt() * 0).sum().backward()


@cured("warned_anomaly", lambda: _anomalous(leaf(3)))
def _():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with contextlib.suppress(RuntimeError):
            _anomalous(leaf(3) * 0)
    raise next(one.message for one in seen if "Error detected" in str(one.message))


for _code, _raises, _cure in (
    *(*values.CASES, *models.CASES, *parts.CASES),
    *(*around.CASES, *around_training.CASES, *beyond.CASES),
):
    cured(_code, _cure)(_raises)

CASES = [
    pytest.param(code, raises, cure, id=f"{code}-{i}")
    for code, found in ERRORS.items()
    for i, (raises, cure) in enumerate(found)
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("code", "raises", "cure"), CASES)
def test_an_error_that_torch_raises_today_is_explained_and_its_cure_cures_it(code, raises, cure):
    try:
        raises()
    except BaseException as error:
        name, text, way = type(error).__name__, str(error), trail.of_error(error)
        told = explain_error(error)
    else:
        pytest.fail("nothing was raised")
    fitting = [entry for entry in EXPLANATIONS if entry.fits(name, text, way)]
    by_way = [entry.code for entry in fitting if entry.where]
    by_text = [entry.code for entry in fitting if not entry.where]
    by_frames = [entry.code for entry in EXPLANATIONS if entry.where == BY_FRAMES]
    assert (by_way or by_text or [one for one in by_frames if one == code]) == [code], (text, way)
    assert told.code == code
    assert is_known(name)
    cure()


def test_every_explanation_is_shown_to_be_needed():
    assert (
        set(ERRORS) | set(RARE) | set(OTHERWHERE)
        == {entry.code for entry in EXPLANATIONS}
        == set(INDEX)
    )
    assert len({entry.code for entry in EXPLANATIONS}) == len(EXPLANATIONS)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("RuntimeError", ""),
        ("RuntimeError", "something else went wrong"),
        ("ValueError", "backward through the graph a second time"),
        ("Exception", "grad can be implicitly created only for scalar outputs"),
        ("MyError", "grad can be implicitly created only for scalar outputs"),
        ("AttributeError", "'Tensor' object has no attribute 'gradd'"),
        ("AttributeError", "'tuple' object has no attribute 'append'"),
        ("AttributeError", "'float' object has no attribute 'append'"),
        ("AttributeError", "'list' object has no attribute 'sort2'"),
        ("ValueError", "not enough values to unpack (expected 2, got 1)"),
        ("TypeError", "'float' object is not subscriptable"),
        ("TypeError", "'<=' not supported between instances of 'float' and 'str'"),
        ("TypeError", "Net.__init__() takes 1 positional argument but 2 were given"),
        ("KeyError", "'image'"),
        ("FileNotFoundError", "[Errno 2] No such file or directory: 'a.png'"),
        ("AttributeError", "'Net' object has no attribute 'fc3'"),
        ("AttributeError", "cannot assign to field 'a'"),
        ("TypeError", "unsupported operand type(s) for +: 'int' and 'str'"),
        ("TypeError", "unsupported operand type(s) for +: 'tuple' and 'int'"),
        ("TypeError", "'int' object is not callable"),
        ("TypeError", "'list' object is not callable"),
        ("TypeError", "f() missing 1 required positional argument: 'x'"),
        ("TypeError", "f expected 1 argument, got 0 instead of it"),
        ("TypeError", "cannot unpack non-iterable int object"),
        ("ValueError", "too many values to unpack (expected 2)"),
        ("ValueError", "optimizer got an invalid learning rate"),
        ("NotImplementedError", ""),
        ("NotImplementedError", "write me"),
        ("IndexError", "list index out of range"),
        ("KeyError", "'w1'"),
        ("RuntimeError", "mat1 and mat2 must be matrices"),
        ("UnpicklingError", "pickle data was truncated"),
    ],
)
def test_an_error_of_another_kind_is_not_explained(kind, text):
    assert explain(kind, text) is None


def test_a_text_of_any_length_is_read_quickly():
    for part in ("unsupported operand type(s)", "Recomputed values ", "the derivative for '", "a"):
        assert explain("TypeError", part * 1_000_000) is None
        assert explain("CheckpointError", part * 1_000_000) is None


def test_every_explanation_has_a_meaning_and_a_cure_in_whole_sentences():
    for entry in EXPLANATIONS:
        for text in (entry.meaning, entry.cure):
            assert re.fullmatch(r"[A-Za-z.(].*[.]", text), text
            assert "  " not in text, text
        assert re.compile(entry.pattern)


def test_names_of_errors_that_are_pythons_or_torchs_own_are_known():
    for kind in (ValueError, KeyboardInterrupt, ExceptionGroup, pickle.UnpicklingError):
        assert is_known(kind.__name__)
    assert is_known(torch.OutOfMemoryError.__name__)
    assert is_known(torch.linalg.LinAlgError.__name__)
    for name in ("MyError", "", "int", "Tensor", "print"):
        assert not is_known(name)


def test_a_learner_is_told_the_meaning_and_the_cure():
    def weighted_backward(x, v):
        x = x.clone().requires_grad_()
        y = x**3
        x.mul_(2)
        y.backward(v)
        return x.grad

    (finding,) = check("vjp_vector", weighted_backward).findings
    assert finding.code == "ERROR.leaf_in_place"
    assert "it would be a leaf no longer" in finding.message
    assert "torch.no_grad()" in finding.message


@pytest.mark.parametrize(("code", "file"), RARE.items(), ids=RARE)
def test_an_error_that_is_rarely_raised_has_the_text_that_stands_in_torch(code, file):
    (entry,) = [one for one in EXPLANATIONS if one.code == code]
    plain = entry.pattern.replace("\\", "").encode()
    with (
        (Path(torch.__file__).parent / file).open("rb") as opened,
        mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as text,
    ):
        if file.endswith(".so"):
            assert text.find(plain) > 0
        else:
            assert plain in b"".join(re.findall(rb'"([^"\n]*)"', text[:]))


def test_every_explanation_leads_to_a_section_that_there_is():
    for entry in EXPLANATIONS:
        assert entry.title, entry.code
        assert entry.section.title != entry.section.lesson, entry.code
        assert entry.section.heading, entry.section


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("RuntimeError: grad can be implicitly created only for scalar outputs", "not_scalar"),
        ("grad can be implicitly created only for scalar outputs", "not_scalar"),
        (
            "Traceback (most recent call last):\n  File 'a.py', line 3\n"
            "RuntimeError: grad can be implicitly created only for scalar outputs\n",
            "not_scalar",
        ),
        (
            "a.py:3: UserWarning: The .grad attribute of a Tensor that is not a leaf Tensor is "
            "being accessed. Its .grad attribute won't be populated",
            "warned_non_leaf_grad",
        ),
        ("torch.utils.checkpoint.CheckpointError: torch.utils.checkpoint: A different number of "
         "tensors was saved during the original forward", "checkpoint"),
        ("TypeError: unsupported operand type(s) for *: 'float' and 'NoneType'", "none_in_formula"),
    ],
)  # fmt: skip
def test_a_text_that_is_pasted_is_explained(text, code):
    assert explain_text(text).code == code


_PASTED = """Traceback (most recent call last):
  File "{own}", line 3, in main
    {call}
  File "{file}", line 62, in {function}
TypeError: 'float' object is not subscriptable"""


@pytest.mark.parametrize(
    "file",
    [
        "/usr/lib/python3.11/site-packages/torch/optim/adam.py",
        r"C:\Users\me\env\Lib\site-packages\torch\optim\adam.py",
    ],
)
def test_a_traceback_that_is_pasted_is_explained_by_the_files_it_names(file):
    told = _PASTED.format(own="train.py", call="Adam(p, betas=0.9)", file=file, function="__init__")
    assert explain_text(told).code == "betas_pair"
    own = _PASTED.format(own="train.py", call="Table(0.9)", file="adam.py", function="__init__")
    assert explain_text(own) is None
    assert explain_text(told.splitlines()[-1]) is None


def _unpacked_words():
    words = "one"
    first, second = words.split()
    return first, second


def _own_class(kind):
    return kind(torch.ones(3))


def _own_key():
    return {"a": 1}["b"]


def _own_open():
    with open("/missing/file") as file:
        return file.read()


def _own_schedule():
    optimizer = torch.optim.SGD([leaf(3)], lr=0.1)
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: sum(epoch))


class Plain:
    """A class of nobody's library."""


@pytest.mark.parametrize(
    "program",
    [
        *(_unpacked_words, lambda: _own_class(Plain), _own_key, _own_open, lambda: Plain().fc3),
        _own_schedule,
    ],
    ids=["words", "class", "key", "file", "attribute", "schedule"],
)
def test_what_only_looks_like_an_error_of_torch_is_not_explained(program):
    with pytest.raises((ValueError, TypeError, KeyError, OSError, AttributeError)) as raised:
        program()
    assert explain_error(raised.value) is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.optim.Rprop([leaf(1)], etas=0.5),
        lambda: torch.optim.Adafactor([leaf(1)], eps=1e-3),
    ],
    ids=["etas", "eps"],
)
def test_another_pair_of_an_optimizer_is_not_taken_for_betas(make):
    with pytest.raises(TypeError) as raised:
        make()
    found = explain_error(raised.value)
    assert found is None or found.code != "betas_pair"


def test_a_dataset_that_takes_no_index_is_not_taken_for_a_collate_fn():
    text = "Data.__getitem__() takes 1 positional argument but 2 were given"
    assert explain("TypeError", text, "torch/utils/data/_utils/fetch.py:fetch") is None


@pytest.mark.parametrize(("code", "texts"), OTHERWHERE.items(), ids=OTHERWHERE)
def test_what_another_machine_raises_is_explained(code, texts):
    assert [explain_text(text).code for text in texts] == [code] * len(texts)


@pytest.mark.parametrize("text", ["", "it does not work", "KeyError: 'w'", "loss", "Error: "])
def test_a_text_that_says_nothing_is_not_explained(text):
    assert explain_text(text) is None


@pytest.mark.parametrize(
    ("kind", "text", "code"),
    [
        (
            "RuntimeError",
            "One of the differentiated Tensors appears to not have been used in the graph. Set "
            "allow_unused=True if this is the desired behavior.",
            "unused",
        ),
        (
            "RuntimeError",
            "Trying to backward through the graph a second time, but the buffers have already been "
            "freed. Specify retain_graph=True when calling backward the first time.",
            "second_backward",
        ),
        (
            "RuntimeError",
            "mat1 and mat2 must have the same dtype, but got Double and Float",
            "dtype",
        ),
        (
            "UserWarning",
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. In "
            "version 2.9 we will raise an exception if use_reentrant is not passed.",
            "warned_use_reentrant",
        ),
    ],
)
def test_the_texts_of_earlier_versions_are_explained_too(kind, text, code):
    assert explain(kind, text).code == code
