"""Exercises on hooks of leaves: limits on what a pass adds, and rows that an optimizer skips."""

from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from grader.engine.lived import in_two_groups, some_numbers
from grader.engine.task import F32, Case, Inputs, Rng, Task, case


class ClipByHook(Task):
    """params is a list of leaves, none of them twice. From now on, every backward pass adds to
    their .grad what it brings, with each entry limited to [-c, c]. Return the list of the handles,
    one for each entry of params that requires grad; entries that do not are left out. Do not edit
    the tensors that the pass hands to your hook."""

    id = "clip_by_hook"
    signatures = ("attach_clip(params, c) -> handles",)
    title, points, difficulty, minutes = "Spot the bug: clipped once too often", 8, 3, 10
    prerequisites = ("tensor_grad_logger",)
    hints = (
        "Read section 5.3, on hooks that run when .grad is complete. What does such a hook find "
        "there in the second pass?",
        "Call backward twice and compare p.grad with the sum of two clipped gradients.",
        "A hook by register_hook gets the gradient of one pass, before it is added. Return a "
        "limited copy of it.",
    )
    allows = frozenset({"hooks"})
    CASES = (
        case("a vector and a matrix", n=5, visible=True),
        case("one number", n=1),
        case("the matrix is frozen", n=7, frozen=True),
        case("float32", n=7, dtype=F32),
        case("old .grad, emptied between two passes", n=5, lived=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        n = case["n"]
        # Of each three entries one is small and two beyond the limit, of either sign.
        spread = torch.tensor([1.9, -1.6, 0.2, 1.3, -0.3]).double()
        turned = torch.stack([spread.roll(i) for i in range(3)])  # no two passes are alike
        gv = rng.uniform(0.9, 1.0, 3, n) * turned[:, torch.arange(n) % 5]
        gm = rng.uniform(0.9, 1.0, 3, 3, 5) * turned[:, None]
        return {
            "v": rng.normal(n),
            "m": rng.normal(3, 5),
            "gv": gv,
            "gm": gm,
            "c": float(rng.uniform(0.6, 0.8)),
        }

    def observe(self, attach_clip, v, m, gv, gm, c, frozen=False, lived=False):
        v.requires_grad_()
        m.requires_grad_(not frozen)
        if lived:
            v.grad, m.grad = some_numbers(v), some_numbers(m)
        unused = torch.zeros_like(v).requires_grad_()
        given = (gv.clone(), gm.clone())
        handles = attach_clip([v, m, unused], c)
        if lived:
            attach_clip([gv.clone().requires_grad_()], 2 * c)  # which is nothing to these leaves
        found: dict[str, Any] = {"handles": _described(handles)}
        for i, when in enumerate(("one pass", "two passes", "a pass without the hooks")):
            if i == 2:
                _remove(handles)
            if i == 2 or (lived and i == 1):
                v.grad = m.grad = None
            for leaf, grad in ((v, gv[i]), (m, gm[i])):
                if leaf.requires_grad:
                    torch.autograd.backward([leaf], [grad])
            grads = [t.grad.clone() for t in (v, m, unused) if t.grad is not None]
            found[f"grads after {when}"] = grads
        kept = torch.equal(gv, given[0]) and torch.equal(gm, given[1])
        found["the tensors handed to the hooks"] = "as they were" if kept else "changed"
        return found


class FreezeByHook(Task):
    """weight, of shape (n, d), is a parameter that optimizer trains. Freeze the rows whose numbers
    stand in the int64 tensor rows: backward adds zeros to these rows of weight.grad, whatever
    arrives there, inf too, and optimizer.step() leaves these rows of weight as they are now,
    whatever weight decay and momentum it has. All other rows train as ever, and so do other
    parameters: do not edit the tensor that a pass hands to your hook. Return the list of the
    handles that end it when they are removed."""

    id = "freeze_by_hook"
    signatures = ("freeze_rows(weight, rows, optimizer) -> handles",)
    title, points, difficulty, minutes = "Frozen rows", 8, 4, 12
    prerequisites = ("clip_by_hook",)
    hints = (
        "Read section 5.3, and what it says of weight decay: what "
        "does an optimizer add to a gradient of zero?",
        "A mask in a hook on weight makes the rows of the gradient zero. Then print the rows "
        "before and after optimizer.step().",
        "register_step_post_hook of the optimizer is called after each step, as f(optimizer, "
        "args, kwargs). Put the rows back in it, unrecorded.",
    )
    allows = frozenset({"hooks"})
    CASES = (
        case("weight decay and momentum", decay=0.3, momentum=0.9, visible=True),
        case("neither of them", decay=0.0, momentum=0.0),
        case("momentum alone", decay=0.0, momentum=0.9),
        case("no rows at all", decay=0.3, momentum=0.9, rows=0),
        case("float32", decay=0.3, momentum=0.0, dtype=F32),
        case("a gradient and an optimizer that others use too", decay=0.3, momentum=0.9, shared=2),
        case("a .grad that is not emptied", decay=0.3, momentum=0.9, kept=True),
        case("inf arrives in a frozen row", decay=0.3, momentum=0.9, infinite=True),
        case("an optimizer of another kind: Adam", decay=0.3, momentum=0.0, adam=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        pulls = rng.apart(0.3, 1.0, 4, 7, 5)
        rows = rng.permutation(5)[: case.params.get("rows", 2)]
        if case.params.get("infinite"):
            pulls[1, rows[0], 2] = torch.inf
        return {"start": rng.apart(0.5, 1.5, 7, 5), "pulls": pulls, "rows": rows}

    def observe(
        self,
        freeze_rows,
        start,
        pulls,
        rows,
        decay,
        momentum,
        shared=0,
        kept=False,
        infinite=False,
        adam=False,
    ):
        weight = nn.Parameter(start.clone())
        others = [nn.Parameter(start.flip(0)) for _ in range(shared)]
        trained, settings = [*others, weight], {"lr": 0.13, "weight_decay": decay}
        optimizer: torch.optim.Optimizer = (
            torch.optim.Adam(trained, **settings)
            if adam
            else torch.optim.SGD(trained, momentum=momentum, **settings)
        )
        if others:
            in_two_groups(optimizer, lr=0.07)
        _train(weight, pulls[0], optimizer, others)
        handles = freeze_rows(weight, rows, optimizer)
        several = isinstance(_counted(handles), int) and (bool(handles) or not len(rows))
        shown = "no handle" if _counted(handles) == 0 else handles
        found: dict[str, Any] = {"handles": "a list" if several else shown}
        for i in (1, 2):
            emptied = not kept or i == 2
            found[f"weight.grad in step {i}"] = _train(
                weight, pulls[i], optimizer, others, emptied=emptied
            )
            found[f"weight after step {i}"] = weight.detach().clone()
        if others:
            found["another parameter after 2 steps"] = others[0].detach().clone()
        _remove(handles)
        before = weight.detach().clone()
        last = _train(weight, pulls[3], optimizer, others)
        found["weight.grad when the handles are removed"] = last
        still = bool((weight.detach() == before)[rows].any())
        found["rows when the handles are removed"] = "stand still" if still else "move"
        return found


def _train(
    weight: Tensor,
    pull: Tensor,
    optimizer: torch.optim.Optimizer,
    others: Sequence[Tensor],
    *,
    emptied: bool = True,
) -> Tensor | None:
    """One step on a loss whose gradient is `pull`; the gradient that the optimizer saw.

    A pass hands one and the same tensor to `weight` and to the others. `emptied`: whether the
    pass finds no `.grad`; otherwise it adds to what the step before left there.
    """
    if emptied:
        optimizer.zero_grad()
    (sum(others, weight) * pull).sum().backward()
    grad = None if weight.grad is None else weight.grad.clone()
    optimizer.step()
    return grad


def _counted(handles: Any) -> Any:
    """How many handles were returned; anything that is no list of handles stays as it is."""
    if isinstance(handles, list | tuple) and all(hasattr(h, "remove") for h in handles):
        return len(handles)
    return handles


def _described(handles: Any) -> Any:
    """How many handles a list holds, in words; None stays None."""
    if handles is None:
        return None
    if hasattr(handles, "remove") and not isinstance(handles, Collection):
        return "one handle, and no list"
    if not isinstance(handles, list | tuple):
        return f"a {type(handles).__name__}, and no list"
    removable = sum(hasattr(h, "remove") for h in handles)
    others = len(handles) - removable
    return f"a list of {removable} handles" + (
        f", and {others} entries that are none" * bool(others)
    )


def _remove(handles: Any) -> None:
    if _counted(handles) is not handles:
        for handle in handles:
            handle.remove()
