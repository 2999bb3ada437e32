"""The small models that the exercises on hooks are given, made from drawn tensors."""

import contextlib
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from grader.engine.lived import lived
from grader.engine.task import Rng
from grader.tasks.modes.nets import Interrupted, Unwell


class BrokenLayerError(Unwell):
    """What a broken layer raises in the middle of a forward pass."""


class BrokenLayer(nn.Module):
    """A layer that never returns: its first call fails, and every later one is interrupted."""

    failed = False

    def forward(self, x: Tensor) -> Tensor:
        """Raises BrokenLayerError, then Interrupted."""
        if self.failed:
            raise Interrupted("the run of this layer is interrupted")
        self.failed = True
        raise BrokenLayerError("this layer is broken")


def answered(call: Callable[[], Any]) -> Any:
    """What a call returns, or a note that it passed on the exception of a broken layer.

    It is called once more, and interrupted, for what it leaves behind then.
    """
    found: Any
    try:
        found = call()
    except BrokenLayerError as error:
        found = f"raised {type(error).__name__}: {error}"
    with contextlib.suppress(Interrupted, BrokenLayerError):  # of a copy it is the first
        call()
    return found


def passes_on(call: Callable[[], Any]) -> str:
    """Whether a call passes on the exception of a broken layer, whatever it returns otherwise.

    It is called once more, and interrupted, for what it leaves behind then.
    """
    told = "the exception is lost"
    try:
        call()
    except BrokenLayerError:
        told = "the exception is passed on"
    with contextlib.suppress(Interrupted, BrokenLayerError):  # of a copy it is the first
        call()
    return told


def weights(rng: Rng, *sizes: int) -> dict[str, Tensor]:
    """Matrices "m1", "m2", ... for a chain of linear layers, each of shape (outputs, inputs)."""
    pairs = pairwise(sizes)
    drawn = [rng.apart(0.3, 0.9, outputs, inputs) for inputs, outputs in pairs]
    return {f"m{i}": matrix for i, matrix in enumerate(drawn, start=1)}


def linear(weight: Tensor, bias: bool = True) -> nn.Linear:
    """A linear layer with given weights; its biases are the sums of the rows, halved."""
    with torch.random.fork_rng(devices=[]):  # a new layer draws its weights
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias).to(weight)
    with torch.no_grad():
        layer.weight.copy_(weight)
        if bias:
            layer.bias.copy_(weight.sum(1) / 2)
    return layer


class Bent(nn.Module):
    """tanh(x @ weight.T): it has a weight like a linear layer's, and is none."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.clone())

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs) to (N, outputs)."""
        return (x @ self.weight.T).tanh()


class Net(nn.Module):
    """Rows of 5 to rows of 1: names in two levels, an edit in place, and `act` called twice."""

    def __init__(self, m1: Tensor, m2: Tensor, m3: Tensor, broken: bool = False) -> None:
        super().__init__()
        self.stem = linear(m1)
        self.block = nn.Sequential(linear(m2), nn.ReLU(inplace=True))
        self.act = nn.Tanh()
        self.head = BrokenLayer() if broken else linear(m3)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 5) to (N, 1)."""
        h = self.act(self.block(self.stem(x)))
        y: Tensor = self.act(self.head(h))
        return y


class Halving(nn.Module):
    """Half of its input in training, all of it in eval mode."""

    def forward(self, x: Tensor) -> Tensor:
        """The shape of x."""
        return x / 2 if self.training else 1 * x


class Within(nn.Module):
    """A container of one module, of a type of its own."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        """What the inner module makes of x."""
        y: Tensor = self.inner(x)
        return y


class UsedNet(Net):
    """A Net with containers of one layer, one of them no Sequential, a layer that depends on the
    mode, a module under two names, one that is never called, and a count of its runs."""

    def __init__(self, m1: Tensor, m2: Tensor, m3: Tensor, broken: bool = False) -> None:
        super().__init__(m1, m2, m3, broken)
        self.inlet = nn.Sequential(nn.Identity())
        self.halving = Halving()
        self.middle = Within(nn.Sequential(nn.Identity()))
        self.again = self.act
        self.spare = nn.Identity()
        self.runs = 0

    def forward(self, x: Tensor) -> Tensor:
        """(N, 5) to (N, 1)."""
        self.runs += 1
        return super().forward(self.middle(self.halving(self.inlet(x))))

    @property
    def ran(self) -> str:
        """How often it ran itself: a copy of it does not count."""
        return ("not at all", "once")[self.runs] if self.runs < 2 else "more than once"


def in_use(module: nn.Module) -> nn.Module:
    """The module in the middle of other work: `.grad` filled, a parameter frozen, a part in the
    other mode, and forward hooks of somebody else on itself and on its first part."""
    for one in _watched(module):
        one.register_forward_hook(_of_others)
    used: nn.Module = lived(module, "grad", "frozen", "mode")
    return used


def hook_of_others(module: nn.Module) -> str:
    """What became of the hooks that `in_use` registered."""
    stay = all(_of_others in one._forward_hooks.values() for one in _watched(module))
    return "stays" if stay else "is gone"


def _watched(module: nn.Module) -> tuple[nn.Module, nn.Module]:
    return module, next(module.children())


def grads(module: nn.Module) -> dict[str, Tensor]:
    """Copies of the `.grad` of every parameter that has one."""
    known = module.named_parameters()
    return {name: p.grad.clone() for name, p in known if p.grad is not None}


def brought(last: nn.Linear, gy: Tensor) -> str:
    """Whether the bias of the linear layer `last` has what several passes from gy at its output
    bring, each of which adds gy to it.

    An answer may ask for the gradients of tensors alone, which brings nothing.
    """
    got, one = last.bias.grad, gy.sum(0)
    if got is not None and torch.allclose(got, 2 * one, rtol=1e-4, atol=1e-6):
        return "what two passes bring"
    more = got is not None and any(
        torch.allclose(got, n * one, rtol=1e-4, atol=1e-6) for n in range(3, 10)
    )
    return "what more than two passes bring" if more else "no more than one pass brings"


def left_alone(module: nn.Module, before: dict[str, Tensor]) -> dict[str, Any]:
    """What a pass must leave of a module whose `.grad`s were as `before`: it adds to them."""
    parameters = dict(module.named_parameters())
    now = grads(module)
    lost = now.keys() < before.keys() or any(not now[name].any() for name in before)
    return {
        "parameters that require grad": [n for n, p in parameters.items() if p.requires_grad],
        "the .grad from before": "is lost" if lost else "stays",
        "the hook from before": hook_of_others(module),
    }


def _of_others(module: nn.Module, args: Any, output: Any) -> None:
    """A hook that observes, and was there before."""
