"""References and mistakes of the exercises on tensor hooks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from grader.key import Key, mistake

Function = Callable[[Tensor], Tensor]
Logged = tuple[list[Tensor], Tensor | None]


def _passes(f: Function, heads: Sequence[Function], x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """The gradients of each head with respect to z, and with respect to x."""
    z = f(x)
    at_z, at_x = [], []
    for head in heads:
        dz, dx = torch.autograd.grad(head(z).sum(), (z, x), retain_graph=True)
        at_z.append(dz)
        at_x.append(dx)
    return at_z, at_x


class TensorGradLoggerKey(Key):
    task = "tensor_grad_logger"

    @staticmethod
    def reference(f: Function, heads: Sequence[Function], x: Tensor) -> Logged:
        at_z, at_x = _passes(f, heads, x)
        return [g.abs() for g in at_z], sum(at_x, torch.zeros_like(x))

    @mistake
    def signs_kept(f: Function, heads: Sequence[Function], x: Tensor) -> Logged:
        """Your log holds the gradients themselves, and their absolute values are asked for."""
        at_z, at_x = _passes(f, heads, x)
        return at_z, sum(at_x, torch.zeros_like(x))

    @mistake
    def logging_changed_the_gradient(
        f: Function, heads: Sequence[Function], x: Tensor
    ) -> Logged:
        """Your log is right, and dx is not: the absolute values went on to x. Either the hook
        returned them, and what a hook returns replaces the gradient, or it called abs_(), which
        edits the tensor that is passed on."""
        log: list[Tensor] = []

        def hook(g: Tensor) -> Tensor:
            log.append(g.abs())
            return g.abs()

        z = f(x)
        z.register_hook(hook)
        for head in heads:
            head(z).sum().backward(retain_graph=True)
        return log, x.grad

    @mistake
    def registered_in_the_loop(f: Function, heads: Sequence[Function], x: Tensor) -> Logged:
        """You registered a hook before each pass. They add up: in the second pass two of them are
        called. Register one before the loop, or remove each after its pass."""
        at_z, at_x = _passes(f, heads, x)
        log = [g.abs() for i, g in enumerate(at_z) for _ in range(i + 1)]
        return log, sum(at_x, torch.zeros_like(x))

    @mistake
    def summed_over_passes(f: Function, heads: Sequence[Function], x: Tensor) -> Logged:
        """Each of your entries holds the passes before it as well. retain_grad() keeps z.grad, and
        every pass adds to that; a hook of z is called with the gradient of one pass."""
        at_z, at_x = _passes(f, heads, x)
        totals = torch.stack(at_z).cumsum(0)
        return [g.abs() for g in totals], sum(at_x, torch.zeros_like(x))

    @mistake
    def z_grad_itself(f: Function, heads: Sequence[Function], x: Tensor) -> Logged:
        """All your entries are the sum over all passes. You kept z.grad, one tensor that every pass
        adds to. A hook of z is called with the gradient of each pass."""
        at_z, at_x = _passes(f, heads, x)
        total = sum(at_z, torch.zeros_like(at_z[0])).abs()
        return [total for _ in at_z], sum(at_x, torch.zeros_like(x))

    @mistake
    def hook_on_x(f: Function, heads: Sequence[Function], x: Tensor) -> Logged:
        """Your log holds what arrives at x. Register the hook on z, the tensor in between."""
        _, at_x = _passes(f, heads, x)
        return [g.abs() for g in at_x], sum(at_x, torch.zeros_like(x))

    @mistake
    def hook_too_late(f: Function, heads: Sequence[Function], x: Tensor) -> Logged:
        """Your log is empty: no hook was called. A hook must be registered on z, on the very tensor
        that the heads get, and before backward runs."""
        _, at_x = _passes(f, heads, x)
        return [], sum(at_x, torch.zeros_like(x))

    @mistake
    def last_pass_alone(f: Function, heads: Sequence[Function], x: Tensor) -> Logged:
        """Your dx is that of the last pass. x.grad is asked for as it is after all of them: every
        pass adds to it."""
        at_z, at_x = _passes(f, heads, x)
        return [g.abs() for g in at_z], at_x[-1]

    @mistake(raises=r"backward through the graph a second time")
    def graph_freed(f: Function, heads: Sequence[Function], x: Tensor) -> Logged:
        """The first pass freed what f saved, and the second needs it. Pass retain_graph=True, as
        the exercise does."""
        z = f(x)
        for head in heads:
            head(z).sum().backward()
        at_z, at_x = _passes(f, heads, x)
        return [g.abs() for g in at_z], sum(at_x, torch.zeros_like(x))


class _Turned(torch.autograd.Function):
    """The identity, whose backward multiplies by -lam."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, lam: float) -> Tensor:
        ctx.lam = lam
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return -ctx.lam * grads[0], None


def _with_hook(x: Tensor, hook: Callable[[Tensor], Tensor | None]) -> Tensor:
    y = x.clone()
    if y.requires_grad:
        y.register_hook(hook)
    return y


class GradientReversalKey(Key):
    task = "gradient_reversal"

    @staticmethod
    def reference(x: Tensor, lam: float) -> Tensor:
        y: Tensor = _Turned.apply(x, lam)
        return y

    @mistake
    def not_negated(x: Tensor, lam: float) -> Tensor:
        """You multiplied the gradient by lam. It is to be turned round: -lam."""
        return _with_hook(x, lambda g: lam * g)

    @mistake
    def lam_forgotten(x: Tensor, lam: float) -> Tensor:
        """You turned the gradient round and left out lam."""
        return _with_hook(x, lambda g: -g)

    @mistake
    def hook_returned_nothing(x: Tensor, lam: float) -> Tensor:
        """The gradient passed unchanged. A hook that returns None observes; what it computes counts
        only if it is returned. (Without any hook it looks the same.)"""
        return x.clone()

    @mistake
    def values_turned_too(x: Tensor, lam: float) -> Tensor:
        """Your y is -lam times x. Its values must be those of x: only the gradient is turned
        round."""
        return -lam * x

    @mistake
    def hook_on_x(x: Tensor, lam: float) -> Tensor:
        """You registered the hook on x itself, so all gradients of x are turned round, also those
        of its other users. Register it on a new tensor made from x."""
        if x.requires_grad:
            x.register_hook(lambda g: -lam * g)
        return x.clone()

    @mistake(raises=r"written-to tensor refers to a single memory location")
    def edited_in_place(x: Tensor, lam: float) -> Tensor:
        """Your hook edits the tensor that arrives, which belongs to others too: here it is the
        caller's, or several entries of it are one number in memory. Return a new one."""
        return _with_hook(x, lambda g: g.mul_(-lam))

    @mistake
    def no_gradient(x: Tensor, lam: float) -> Tensor:
        """No gradient reaches x through y: y has no history. Do not detach it."""
        return x.detach().clone()

    @mistake(raises=r"cannot register a hook on a tensor that doesn't require grad")
    def no_hook_possible(x: Tensor, lam: float) -> Tensor:
        """You registered a hook on a tensor that does not require grad, which torch refuses: no
        gradient will ever arrive there. Ask y.requires_grad first."""
        y = x.clone()
        y.register_hook(lambda g: -lam * g)
        return y


Leaves = Sequence[Tensor]


def _attach(params: Leaves, change: Callable[[Tensor], Tensor | None]) -> list[Any]:
    return [p.register_hook(change) for p in params if p.requires_grad]


class ClipByHookKey(Key):
    task = "clip_by_hook"

    @staticmethod
    def reference(params: Leaves, c: float) -> list[Any]:
        return _attach(params, lambda g: torch.where(g.abs() > c, c * g.sign(), g))

    @mistake
    def clipped_the_sum(params: Leaves, c: float) -> list[Any]:
        """You limited .grad after the pass was added to it, so the second pass limits the sum of
        both. A hook that runs after accumulation sees the total: use register_hook, which gets the
        gradient of one pass."""

        def clip(p: Tensor) -> None:
            if p.grad is not None:
                p.grad.clamp_(-c, c)

        return [p.register_post_accumulate_grad_hook(clip) for p in params if p.requires_grad]

    @mistake
    def clipped_by_norm(params: Leaves, c: float) -> list[Any]:
        """You made the whole gradient shorter until its norm is c. Here each entry has the limits
        -c and c of its own."""
        return _attach(params, lambda g: g * min(1.0, c / float(g.norm())))

    @mistake
    def above_alone(params: Leaves, c: float) -> list[Any]:
        """You limited large gradients and not large negative ones. The limits are -c and c."""
        return _attach(params, lambda g: g.clamp(max=c))

    @mistake
    def hook_returned_nothing(params: Leaves, c: float) -> list[Any]:
        """Nothing was limited. clamp makes a new tensor, and the hook has to return it: a hook that
        returns None leaves the gradient as it is."""
        return _attach(params, lambda g: None)

    @mistake
    def edited_in_place(params: Leaves, c: float) -> list[Any]:
        """Your .grad is right, and the tensor that was handed to the hook is changed. It belongs to
        others too, so that their gradient is now limited as well. Use clamp, not clamp_."""
        return _attach(params, lambda g: g.clamp_(-c, c))

    @mistake
    def no_handles(params: Leaves, c: float) -> None:
        """You returned nothing. Without the handles nobody can remove your hooks: return the list
        of what register_hook gave you."""
        _attach(params, lambda g: g.clamp(-c, c))

    @mistake
    def last_handle_alone(params: Leaves, c: float) -> Any:
        """You returned one handle. There is one for each hook, and all of them are needed to remove
        them: return the list."""
        return _attach(params, lambda g: g.clamp(-c, c))[-1]

    @mistake(raises=r"cannot register a hook on a tensor that doesn't require grad")
    def frozen_not_skipped(params: Leaves, c: float) -> list[Any]:
        """You registered a hook on a frozen entry, which torch refuses. Leave out what does not
        require grad."""
        return [p.register_hook(lambda g: g.clamp(-c, c)) for p in params]


Optimizer = torch.optim.Optimizer


def _frozen(
    weight: Tensor, rows: Any, saved: Any, optimizer: Optimizer, recorded: bool = False
) -> list[Any]:
    """Hooks that zero part of each gradient, and put part of the weight back after each step."""

    def mask(grad: Tensor) -> Tensor:
        grad = grad.clone()
        grad[rows] = 0
        return grad

    def put_back(*_: Any) -> None:
        with torch.set_grad_enabled(recorded):
            weight[rows] = saved

    return [weight.register_hook(mask), optimizer.register_step_post_hook(put_back)]


def _kept(weight: Tensor, rows: Any) -> Tensor:
    return weight.detach()[rows].clone()


class FreezeByHookKey(Key):
    task = "freeze_by_hook"

    @staticmethod
    def reference(weight: Tensor, rows: Tensor, optimizer: Optimizer) -> list[Any]:
        free = torch.ones_like(weight)
        free[rows] = 0
        start = weight.detach().clone()

        def put_back(*_: Any) -> None:
            with torch.no_grad():
                weight.copy_(torch.where(free.bool(), weight, start))

        masked = weight.register_hook(lambda grad: grad * free)
        return [masked, optimizer.register_step_post_hook(put_back)]

    @mistake
    def moved_all_the_same(weight: Tensor, rows: Tensor, optimizer: Optimizer) -> list[Any]:
        """The gradient of the rows is zero, and step() still moves them. Weight decay adds to the
        gradient after your hook, and momentum remembers earlier steps. Put the rows back after each
        step, in a hook of the optimizer, from a copy of their values."""
        free = torch.ones_like(weight)
        free[rows] = 0
        return [weight.register_hook(lambda grad: grad * free)]

    @mistake
    def gradient_not_masked(weight: Tensor, rows: Tensor, optimizer: Optimizer) -> list[Any]:
        """The rows stay as they are, and their gradient is not zero. Either there is no hook on
        weight, or it does not return the masked gradient."""
        return _frozen(weight, rows, _kept(weight, rows), optimizer)[1:]

    @mistake
    def inverted(weight: Tensor, rows: Tensor, optimizer: Optimizer) -> list[Any]:
        """You froze the other rows. Those whose numbers stand in rows are to be frozen."""
        others = torch.ones(len(weight), dtype=torch.bool, device=weight.device)
        others[rows] = False
        return _frozen(weight, others, _kept(weight, others), optimizer)

    @mistake
    def columns(weight: Tensor, rows: Tensor, optimizer: Optimizer) -> list[Any]:
        """You froze columns. The first index of weight is the row: weight[rows], and not
        weight[:, rows]."""
        at = (slice(None), rows)
        return _frozen(weight, at, _kept(weight, at), optimizer)

    @mistake(raises=r"does not require grad and does not have a grad_fn")
    def whole_weight(weight: Tensor, rows: Tensor, optimizer: Optimizer) -> list[Any]:
        """You switched requires_grad off, which freezes the whole weight: the flag belongs to a
        tensor and not to its rows. That is what a hook is for."""
        weight.requires_grad_(False)
        return [optimizer.register_step_post_hook(lambda *_: None)]

    @mistake(raises=r"leaf Variable that requires grad")
    def put_back_was_recorded(weight: Tensor, rows: Tensor, optimizer: Optimizer) -> list[Any]:
        """You write the rows back while autograd records, and a leaf that requires grad must not be
        edited then. Hooks of an optimizer run outside its no_grad: write your own."""
        return _frozen(weight, rows, _kept(weight, rows), optimizer, recorded=True)

    @mistake
    def handle_missing(weight: Tensor, rows: Tensor, optimizer: Optimizer) -> list[Any]:
        """The rows stand still after your handles are removed. There are two hooks, on the weight
        and on the optimizer: return the handles of both."""
        return _frozen(weight, rows, _kept(weight, rows), optimizer)[:1]

    @mistake
    def no_handles(weight: Tensor, rows: Tensor, optimizer: Optimizer) -> None:
        """You returned nothing, so that nobody can end the freezing. Return the list of the
        handles."""
        _frozen(weight, rows, _kept(weight, rows), optimizer)
