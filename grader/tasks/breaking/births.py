"""The exercise that finds the node of a graph where a gradient goes bad."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from grader.engine.lived import some_numbers
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.breaking.bad import CALLS, LOSSES


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
            kinds=(
                "meeting",
                "meeting, and a root",
                "meeting in one part",
                "meeting behind",
                "meeting in the other part",
            ),
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
        hooked: list[bool] = []
        for place in order:
            leaves = [t.clone().requires_grad_() for t in (a, b)]
            for leaf in leaves:
                leaf.grad = some_numbers(leaf)
            loss = LOSSES[kinds[place]](leaves[0], leaves[1], _only(a, at))
            hooks = _hooks(loss)
            with _few_calls() if kinds[place] == "deep" else contextlib.nullcontext():
                found[kinds[place]] = birthplace(loss)
            left.append(any(len(each) > 1 for each in hooks))
            hooked += map(_is_hooked, leaves)
            kept += [torch.equal(leaf.grad, some_numbers(leaf)) for leaf in leaves]
            usable.append(_runs(loss))
        return {
            **{kind: found[kind] for kind in kinds},
            ".grad of the leaves": "as it was" if all(kept) else "changed",
            "hooks on nodes": "some are left" if any(left) else "none is left",
            "hooks on leaves": "some are left" if any(hooked) else "none is left",
            "another pass": "runs" if all(usable) else "raises",
        }


def _only(like: Tensor, at: int) -> Tensor:
    """Ones with a 0 at one place, in the dtype and on the device of `like`."""
    ones = torch.ones_like(like)
    ones[at] = 0
    return ones


def _hooks(loss: Tensor) -> list[Any]:
    """For every node that can be reached, the dicts of its hooks, with one in each already."""
    found, left = {}, [loss.grad_fn]
    while left:
        node = left.pop()
        if node is not None and node not in found:
            handles = node.register_hook(lambda *_: None), node.register_prehook(lambda _: None)
            found[node] = [handle.hooks_dict_ref() for handle in handles]
            left += [following for following, _ in node.next_functions]
    return [each for both in found.values() for each in both]


def _is_hooked(leaf: Tensor) -> bool:
    return bool(leaf._backward_hooks or leaf._post_accumulate_grad_hooks)


def _runs(loss: Tensor) -> bool:
    try:
        loss.backward(retain_graph=True)
        ran = True
    except RuntimeError:
        ran = False
    return ran


@contextlib.contextmanager
def _few_calls() -> Iterator[None]:
    """Functions may call one another only so deep, counted from here."""
    limit, depth, frame = sys.getrecursionlimit(), 0, sys._getframe()
    while frame.f_back is not None:
        depth, frame = depth + 1, frame.f_back
    sys.setrecursionlimit(depth + CALLS)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
