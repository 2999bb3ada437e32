"""The exercise that finds the node of a graph where a gradient goes bad."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from grader.engine.lived import some_numbers
from grader.engine.task import F32, Case, Inputs, Rng, Task, case


class BornNan(Task):
    """A gradient is bad if it holds a nan or an inf. Run the backward pass of loss, a recorded
    scalar, and return the name, as name() of a node gives it, of the first node in the order of
    that pass whose incoming gradients are not bad and that sends a bad one on; None if there is no
    such node. Where gradients meet, their sum comes in. Leave the .grad of all leaves as it is, no
    hook behind, and the graph so that somebody else can run the pass again. Graphs may be thousands
    of nodes deep, with many paths."""

    id = "born_nan"
    signatures = ("birthplace(loss) -> name",)
    title, points, difficulty, minutes = "Where the nan is born", 10, 4, 18
    hints = (
        "Read the section on the node where a nan is born. A node calls its hooks when it has "
        "run: which two tuples are they handed, and in which order?",
        "Put a hook on every node that can be reached by next_functions, and let each write down "
        "what it sees. torch.isnan does not see an inf, and a gradient in a tuple may be None.",
        "Walk the graph with a list of nodes still to visit. Run the pass by torch.autograd.grad "
        "with retain_graph=True and allow_unused=True, towards the leaves that the AccumulateGrad "
        "nodes hold as variable. The hook keeps the first name only.",
    )
    CASES = (
        case("roots", kinds=("root", "hidden root", "no nan"), visible=True),
        case(
            "two births",
            kinds=("root and log", "log and root", "log first, then root", "twice"),
            visible=True,
        ),
        case("swallowed on the way", kinds=("swallowed", "clamped", "frozen factor"), visible=True),
        case(
            "many kinds",
            kinds=("quotient", "divisor", "constant row", "power", "arc", "own function"),
        ),
        case("many outputs", kinds=("unbound", "greatest", "parts", "deviation")),
        case(
            "gradients too large for a sum",
            kinds=("meeting", "meeting, and a root", "meeting in one part", "meeting behind"),
        ),
        case("healthy graphs", kinds=("no nan", "leaf", "plain sum")),
        case("at the end of the forward pass", kinds=("root of a product",)),
        case("40 doublings", kinds=("doubled",)),
        case("forward is bad already", kinds=("overflow", "inf minus inf", "nan drawn")),
        case("deeper than calls may be", kinds=("deep",)),
        case("a part edited in place", kinds=("edited part",)),
        case("a leaf that is sent nothing", kinds=("one side",)),
        case("float32", kinds=("root", "constant row", "log and root"), dtype=F32),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {
            "a": rng.uniform(1.0, 2.0, 5),
            "b": rng.uniform(1.0, 2.0, 5),
            "at": int(rng.integers(0, 5)),
            "order": [int(place) for place in rng.permutation(len(case["kinds"]))],
        }

    def observe(self, birthplace, kinds, a, b, at, order):
        found: dict[str, Any] = {}
        kept, usable, left = [], [], []
        for place in order:
            leaves = [t.clone().requires_grad_() for t in (a, b)]
            for leaf in leaves:
                leaf.grad = some_numbers(leaf)
            loss = _LOSSES[kinds[place]](leaves[0], leaves[1], _only(a, at))
            hooks = _hooks(loss)
            with _few_calls() if kinds[place] == "deep" else contextlib.nullcontext():
                found[kinds[place]] = birthplace(loss)
            left.append(any(len(each) > 1 for each in hooks))
            kept += [torch.equal(leaf.grad, some_numbers(leaf)) for leaf in leaves]
            usable.append(_runs(loss))
        return {
            **{kind: found[kind] for kind in kinds},
            ".grad of the leaves": "as it was" if all(kept) else "changed",
            "hooks on nodes": "some are left" if any(left) else "none is left",
            "another pass": "runs" if all(usable) else "raises",
        }


def _only(like: Tensor, at: int) -> Tensor:
    """Ones with a 0 at one place, in the dtype and on the device of `like`."""
    ones = torch.ones_like(like)
    ones[at] = 0
    return ones


def _hooks(loss: Tensor) -> list[Any]:
    """For every node that can be reached, the dict of its hooks, with one in it already."""
    found, left = {}, [loss.grad_fn]
    while left:
        node = left.pop()
        if node is not None and node not in found:
            found[node] = node.register_hook(lambda outgoing, incoming: None).hooks_dict_ref()
            left += [following for following, _ in node.next_functions]
    return list(found.values())


def _runs(loss: Tensor) -> bool:
    try:
        loss.backward(retain_graph=True)
        ran = True
    except RuntimeError:
        ran = False
    return ran


_CALLS = 250
"""How deep calls may be in the deep case: so a graph need not be thousands of nodes deep there."""


@contextlib.contextmanager
def _few_calls() -> Iterator[None]:
    """Functions may call one another only so deep, counted from here."""
    limit, depth, frame = sys.getrecursionlimit(), 0, sys._getframe()
    while frame.f_back is not None:
        depth, frame = depth + 1, frame.f_back
    sys.setrecursionlimit(depth + _CALLS)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


class Upset(torch.autograd.Function):
    """The identity, whose backward divides by 0 where the input's mask is 0."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, mask: Tensor) -> Tensor:
        """x as it is."""
        ctx.save_for_backward(mask)
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        """The gradient over the mask."""
        (mask,) = ctx.saved_tensors
        return g / mask, None


class OneSide(torch.autograd.Function):
    """The first of two tensors, whose backward sends the second one nothing."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, other: Tensor) -> Tensor:
        """x as it is."""
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        """The gradient, and None."""
        return g, None


def _deep(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    t = a * mask
    for _ in range(_CALLS + 50):
        t = t + 0
    return t.sqrt().sum()


def _doubled(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """A chain in which every step has two edges to the one before."""
    t = (a * mask).log()
    for _ in range(40):
        t = t * 2 - t
    return t.sum()


def _earlier(one: Tensor, other: Tensor) -> Tensor:
    """The sum of both, the other first: the order in which they were made stays the same."""
    return (other + one).sum()


def _log_and_root(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    root = (a * mask).sqrt()
    return _earlier((b * mask).log(), root)


def _root_and_log(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    log = (b * mask).log()
    return _earlier((a * mask).sqrt(), log)


def _log_first(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """The one that a list, taken from its end, comes to last is run first."""
    log = (b * mask).log()
    return _earlier(log, (a * mask).sqrt())


def _twice(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """The root of a 0, and a quotient of its results further down."""
    root = (a * mask).sqrt()
    return (root * b + b / (b * mask)).exp().neg().exp().sum()


def _unbound(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    first, _, third = torch.stack([a * mask, b, b * mask]).unbind(0)
    return (first.sqrt() + third).sum()


def _deviation(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """A node with two outputs, of which the second is not used, gives birth to a nan."""
    std, _ = torch.std_mean(a * 0 + 2)
    return (std + b).sum()


def _edited_part(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """A node whose name is another word than its type's: torch::autograd::CopySlices."""
    whole = a * mask
    whole[:].sqrt_()
    return (whole * b).sum()


def _greatest(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    values, _ = torch.stack([a * mask, -b]).max(0)
    return (values.sqrt() * b).sum()


def _parts(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    parts: tuple[Tensor, ...] = (a * mask).sqrt().split([2, 3])
    return (parts[0].sum() * 2 + parts[1].sum() * 3) * b.sum()


def _meeting(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """Two gradients that are finite, and add up to an inf where they meet."""
    much, t = torch.finfo(a.dtype).max * 0.75, a + b
    return (t * much).sum() + (t * much).sum()


def _meeting_and_root(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    root = (a * mask).sqrt()
    return root.sum() + _meeting(a, b, mask)


def _meeting_in_one_part(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """The same at one output of a node that has two: what comes in there is bad already."""
    much = torch.finfo(a.dtype).max * 0.75
    one, other = torch.stack([a, b]).unbind(0)
    return (one * much).sum() + (one * much).sum() + other.sum()


def _meeting_in_the_second_part(a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """The same where nothing comes to the first output."""
    much = torch.finfo(a.dtype).max * 0.75
    _, other = torch.stack([a, b]).unbind(0)
    return (other * much).sum() + (other * much).sum()


_LOSSES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "root": lambda a, b, mask: ((a * mask).square().sqrt() * b).sum(),
    "hidden root": lambda a, b, mask: torch.where(mask > 0, (a * mask).sqrt(), b).sum(),
    "no nan": lambda a, b, mask: (a.sqrt() * b.log()).sum(),
    "root and log": _root_and_log,
    "log and root": _log_and_root,
    "log first, then root": _log_first,
    "twice": _twice,
    "swallowed": lambda a, b, mask: ((a * mask - (1 - mask)).relu().sqrt() * b).sum(),
    "clamped": lambda a, b, mask: (b * (a * mask - (1 - mask)).clamp(min=0).log().exp()).sum(),
    "frozen factor": lambda a, b, mask: ((a * mask).sqrt() * b.detach()).sum(),
    "quotient": lambda a, b, mask: (b / (a * mask)).sum(),
    "constant row": lambda a, b, mask: ((a * 0 + 2).var().sqrt() + b).sum(),
    "power": lambda a, b, mask: ((a * mask) ** 0.5).sum() * b.sum(),
    "arc": lambda a, b, mask: (a.detach() * (1 - mask) + a * 0).clamp(max=1).acos().sum(),
    "divisor": lambda a, b, mask: (b.detach() / (a * mask)).sum(),
    "one side": lambda a, b, mask: OneSide.apply(a * mask, b).sqrt().sum(),
    "own function": lambda a, b, mask: (Upset.apply(a * b, mask) * b).sum(),
    "meeting in one part": _meeting_in_one_part,
    "meeting behind": _meeting_in_the_second_part,
    "unbound": _unbound,
    "deviation": _deviation,
    "greatest": _greatest,
    "edited part": _edited_part,
    "parts": _parts,
    "meeting": _meeting,
    "meeting, and a root": _meeting_and_root,
    "leaf": lambda a, b, mask: a.sum(),
    "plain sum": lambda a, b, mask: (a * b + b / a).mean(),
    "overflow": lambda a, b, mask: ((a * 1e6).exp() * mask * b).sum(),
    "inf minus inf": lambda a, b, mask: ((b * 1e6).exp() - (b * 1e6).exp() * a).mean(),
    "nan drawn": lambda a, b, mask: (a * (b / mask * 0)).exp().sum(),
    "deep": _deep,
    "root of a product": lambda a, b, mask: (a * mask).prod().sqrt(),
    "doubled": _doubled,
}
