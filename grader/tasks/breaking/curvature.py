"""Exercises on second derivatives: a product with the Hessian, and a net without any curvature."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from grader.engine.lived import lived, with_grad
from grader.engine.observation import flags, named
from grader.engine.task import ANOTHER, F32, Case, Inputs, Rng, Task, case

FEW = 5
"""So many passes are enough for a product with the Hessian, in every way of computing it."""


class Hvp(Task):
    """f takes a tensor like x and gives a scalar. Return H v, the product of the Hessian of f at x
    with v: a tensor of x's shape that does not require grad. v has x's shape too. Do not make H: a
    handful of passes back through f is enough, whatever the size of x. f may be linear, or leave an
    entry of x unused. Where f cannot be differentiated twice, torch's error passes through. Leave x
    and v as they are, .grad and requires_grad included."""

    id = "hvp"
    signatures = ("hessian_vector(f, x, v) -> Hv",)
    title, points, difficulty, minutes = "Hessian times vector", 8, 3, 12
    hints = (
        "Read the section on Hessian-vector products. The gradient g of f is a function of x; of "
        "which scalar is H v the gradient?",
        "What must the first pass record, so that a second one can go through it? And what does "
        "the second one raise if f is linear, so that g does not depend on x?",
        "Work on a leaf of your own with x's values. Differentiate once with create_graph, then "
        "start at g with v. If f is linear, g may have no graph: H is 0. torch.func.jvp of "
        "torch.func.grad(f) does both; detach what it gives.",
    )
    CASES = (
        case("7 entries", shape=(7,), f="mixed", visible=True),
        case("a matrix", shape=(3, 5), f="mixed", visible=True),
        case("one entry", shape=(1,), f="mixed"),
        case("a single number, of shape ()", shape=(), f="mixed"),
        case("three dimensions", shape=(2, 1, 3), f="mixed"),
        case("f is linear", shape=(7,), f="linear", visible=True),
        case("f is linear, and its weights learn", shape=(7,), f="learned"),
        case("f uses the first row alone", shape=(3, 5), f="first row"),
        case("pieces of straight lines", shape=(7,), f="straight"),
        case("f cannot be differentiated twice", shape=(3, 5), f="once"),
        case("v has zeros", shape=(7,), f="mixed", sparse=True),
        case("float32", shape=(7,), f="mixed", dtype=F32),
        case("x and v with a .grad from before", shape=(3, 5), f="mixed", in_use=True),
    )

    def meta_case(self) -> Case:
        """A linear f, for which an answer may make zeros itself."""
        linear = next(one for one in self.CASES if one["f"] == "linear")
        return replace(linear, name="another device", device=ANOTHER, visible=False)

    def draw(self, rng: Rng, case: Case) -> Inputs:
        v = rng.apart(0.5, 1.5, *case["shape"])
        if case.params.get("sparse"):
            v[::2] = 0
        return {
            "x": rng.apart(0.3, 0.9, *case["shape"]),
            "v": v,
            "w": rng.apart(0.5, 1.5, *case["shape"]),
        }

    def observe(self, hessian_vector, f, x, v, w, in_use=False):
        if in_use:
            x, v = with_grad(x), with_grad(v)
        w.requires_grad_(f == "learned")
        passes = _Passes()
        try:
            product = hessian_vector(_function(f, w, passes), x, v)
        except NotImplementedError:
            if f != "once":
                raise
            return {"torch's error": "passes through"}
        if f == "once":
            came = "numbers" if isinstance(product, Tensor) and bool(product.any()) else "zeros"
            return {"torch's error": f"did not come: {came} did"}
        return {
            "Hv": product,
            **flags("Hv", product, "requires_grad"),
            "w.grad": w.grad,
            "passes through f": "a handful" if passes.count <= FEW else "as many as x has entries",
        }


class _Passes:
    """Counts passes through a function, those that are made many at once by vmap one by one."""

    def __init__(self) -> None:
        self.count = 0


class _Identity(torch.autograd.Function):
    """The identity, whose derivatives of every order and mode are passes."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Keep the counter."""
        ctx.passes = inputs[1]

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        """g, counted."""
        return _Pass.apply(g, ctx.passes), None

    @staticmethod
    def jvp(ctx: Any, t: Tensor, _: Any) -> Any:
        """t, counted."""
        return _Pass.apply(t, ctx.passes)


class _Counted(_Identity):
    """The identity on x, which is no pass itself."""

    @staticmethod
    def forward(x: Tensor, passes: _Passes) -> Tensor:
        """A copy of x."""
        return x.clone()

    @staticmethod
    def vmap(info: Any, dims: tuple[Any, ...], x: Tensor, passes: _Passes) -> tuple[Any, Any]:
        """All rows at once."""
        return _Counted.apply(x, passes), dims[0]


class _Pass(_Identity):
    """The identity on a gradient, or a tangent, which counts."""

    @staticmethod
    def forward(g: Tensor, passes: _Passes) -> Tensor:
        """A copy of g."""
        passes.count += 1
        return g.clone()

    @staticmethod
    def vmap(info: Any, dims: tuple[Any, ...], g: Tensor, passes: _Passes) -> tuple[Any, Any]:
        """A copy of all rows, each of which is a pass."""
        passes.count += info.batch_size
        return g.clone(), dims[0]


def _function(kind: str, w: Tensor, passes: _Passes) -> Callable[[Tensor], Tensor]:
    """A scalar function of a tensor of w's shape."""

    def f(x: Tensor) -> Tensor:
        x = _Counted.apply(x, passes)
        if kind in ("linear", "learned"):
            return (w * x).sum()
        if kind == "once":
            return torch.cdist(x, w).sum()
        if kind == "straight":
            return (w * x).relu().sum() + x.abs().sum()
        if kind == "first row":
            return (w[0] * x[0] ** 3).sum() * x[0].sum()
        return (w * x).sum().sin() * x.square().sum() + (
            x**3 * x.flatten().flip(0).view_as(x)
        ).sum()

    return f


class StraightSlope(Task):
    """net maps a vector of n numbers to one of m, by linear layers and activations that are
    straight on either side of 0 (ReLU, LeakyReLU). Near x it is a straight map. Return W, of shape
    (m, n), and b, of shape (m,), such that net(x + d) = W (x + d) + b for every small d. Neither
    requires grad. Leave net and x as they are, every .grad included."""

    id = "straight_slope"
    signatures = ("straight_map(net, x) -> (W, b)",)
    title, points, difficulty, minutes = "The straight map near x", 8, 3, 12
    prerequisites = ("hvp",)
    hints = (
        "Read the section on second derivatives that are zero. If net(x) = W x + b near x, what "
        "are the derivatives of its outputs?",
        "One backward pass from output i gives row i of W. With W known, which b makes the "
        "equation true at x itself?",
        "torch.func.jacrev(net)(x), or torch.autograd.functional.jacobian(net, x), gives W in "
        "shape (m, n). Take W x off net(x), and detach both.",
    )
    CASES = (
        case("two layers of ReLU", sizes=(3, 7, 11, 5), visible=True),
        case("LeakyReLU", sizes=(5, 7, 3), kind="leaky", visible=True),
        case("no activation", sizes=(5, 3), visible=True),
        case("one number in", sizes=(1, 7, 3)),
        case("one number out", sizes=(5, 7, 1)),
        case("layers without bias", sizes=(3, 7, 5), bias=False),
        case("both kinds, of several slopes", sizes=(3, 13, 11, 13, 5), kind="both"),
        case("one ReLU in two places", sizes=(3, 7, 11, 5), kind="one"),
        case("float32", sizes=(3, 7, 5), dtype=F32),
        case(
            "a net in the middle of training",
            sizes=(3, 7, 11, 5),
            states=("nested", "nested", "grad", "frozen", "mode"),
        ),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        sizes = case["sizes"]
        return {
            "x": rng.apart(0.5, 1.5, sizes[0]),
            "numbers": rng.apart(0.2, 0.9, sum(n * m + m for n, m in itertools.pairwise(sizes))),
        }

    def observe(self, straight_map, x, numbers, sizes, kind="relu", bias=True, states=()):
        net: nn.Module = _net(numbers, sizes, kind, bias)
        if states:
            net, x = lived(net, *states), with_grad(x)
        found = named(straight_map(net, x), "W", "b")
        asked = (flags(name, found.get(name), "requires_grad") for name in ("W", "b"))
        return {**found, **next(asked), **next(asked)}


def _net(numbers: Tensor, sizes: Sequence[int], kind: str, bias: bool) -> nn.Sequential:
    """Linear layers of these sizes, made from the numbers, with an activation between any two."""
    parts: list[nn.Module] = []
    activations = itertools.cycle(_ACTIVATIONS[kind]())
    for n, m in itertools.pairwise(sizes):
        layer = nn.Linear(n, m, bias=bias, device="meta")
        layer.weight = nn.Parameter(numbers[: n * m].reshape(m, n).clone())
        if bias:
            layer.bias = nn.Parameter(numbers[n * m : n * m + m].clone())
        numbers = numbers[n * m + m :]
        parts += [layer, next(activations)]
    return nn.Sequential(*parts[:-1])


_ACTIVATIONS: dict[str, Callable[[], list[nn.Module]]] = {
    "relu": lambda: [nn.ReLU(), nn.ReLU()],
    "one": lambda: [nn.ReLU()],
    "leaky": lambda: [nn.LeakyReLU(0.2)],
    "both": lambda: [nn.LeakyReLU(0.2), nn.ReLU(), nn.LeakyReLU(0.4)],
}
"""The activations of a net, in turn: in "one" the same object stands in all places."""
