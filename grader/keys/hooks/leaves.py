"""References and mistakes of the exercises on hooks of leaves."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from grader.trusted.key import Key, raises

Leaves = Sequence[Tensor]


def _attach(params: Leaves, change: Callable[[Tensor], Tensor | None]) -> list[Any]:
    return [p.register_hook(change) for p in params if p.requires_grad]


class ClipByHookKey(Key, task="clip_by_hook"):
    def reference(params: Leaves, c: float) -> list[Any]:
        return _attach(params, lambda g: torch.where(g.abs() > c, c * g.sign(), g))

    def clipped_the_sum(params, c):
        """You limited .grad after the pass was added to it, so the second pass limits the sum of
        both. A hook that runs after accumulation sees the total: use register_hook, which gets the
        gradient of one pass."""

        def clip(p):
            if p.grad is not None:
                p.grad.clamp_(-c, c)

        return [p.register_post_accumulate_grad_hook(clip) for p in params if p.requires_grad]

    def clipped_by_norm(params, c):
        """You made the whole gradient shorter until its norm is c. Here each entry has the limits
        -c and c of its own."""
        return _attach(params, lambda g: g * min(1.0, c / float(g.norm())))

    def above_alone(params, c):
        """You limited large gradients and not large negative ones. The limits are -c and c."""
        return _attach(params, lambda g: g.clamp(max=c))

    def hook_returned_nothing(params):
        """Nothing was limited. clamp makes a new tensor, and the hook has to return it: a hook that
        returns None leaves the gradient as it is."""
        return _attach(params, lambda g: None)

    def edited_in_place(params, c):
        """Your .grad is right, and the tensor that was handed to the hook is changed. It belongs to
        others too, so that their gradient is now limited as well. Use clamp, not clamp_."""
        return _attach(params, lambda g: g.clamp_(-c, c))

    def no_handles(params, c):
        """You returned nothing. Without the handles nobody can remove your hooks: return the list
        of what register_hook gave you."""
        _attach(params, lambda g: g.clamp(-c, c))

    def last_handle_alone(params, c):
        """You returned one handle. There is one for each hook, and all of them are needed to remove
        them: return the list."""
        return _attach(params, lambda g: g.clamp(-c, c))[-1]

    @raises(r"cannot register a hook on a tensor that doesn't require grad")
    def frozen_not_skipped(params, c):
        """You registered a hook on a frozen entry, which torch refuses. Leave out what does not
        require grad."""
        return [p.register_hook(lambda g: g.clamp(-c, c)) for p in params]


Optimizer = torch.optim.Optimizer


def _frozen(weight, rows, saved, optimizer, recorded=False):
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


class FreezeByHookKey(Key, task="freeze_by_hook"):
    def reference(weight: Tensor, rows: Tensor, optimizer: Optimizer) -> list[Any]:
        free = torch.ones_like(weight)
        free[rows] = 0
        start = weight.detach().clone()

        def put_back(*_: Any) -> None:
            with torch.no_grad():
                weight.copy_(torch.where(free.bool(), weight, start))

        masked = weight.register_hook(lambda grad: grad * free)
        return [masked, optimizer.register_step_post_hook(put_back)]

    def moved_all_the_same(weight, rows):
        """The gradient of the rows is zero, and step() still moves them. Weight decay adds to the
        gradient after your hook, and momentum remembers earlier steps. Put the rows back after each
        step, in a hook of the optimizer, from a copy of their values."""
        free = torch.ones_like(weight)
        free[rows] = 0
        return [weight.register_hook(lambda grad: grad * free)]

    def gradient_not_masked(weight, rows, optimizer):
        """The rows stay as they are, and their gradient is not zero. Either there is no hook on
        weight, or it does not return the masked gradient."""
        return _frozen(weight, rows, _kept(weight, rows), optimizer)[1:]

    def inverted(weight, rows, optimizer):
        """You froze the other rows. Those whose numbers stand in rows are to be frozen."""
        others = torch.ones(len(weight), dtype=torch.bool, device=weight.device)
        others[rows] = False
        return _frozen(weight, others, _kept(weight, others), optimizer)

    def columns(weight, rows, optimizer):
        """You froze columns. The first index of weight is the row: weight[rows], and not
        weight[:, rows]."""
        at = (slice(None), rows)
        return _frozen(weight, at, _kept(weight, at), optimizer)

    @raises(r"does not require grad and does not have a grad_fn")
    def whole_weight(weight, optimizer):
        """You switched requires_grad off, which freezes the whole weight: the flag belongs to a
        tensor and not to its rows. That is what a hook is for."""
        weight.requires_grad_(False)
        return [optimizer.register_step_post_hook(lambda *_: None)]

    @raises(r"leaf Variable that requires grad")
    def put_back_was_recorded(weight, rows, optimizer):
        """You write the rows back while autograd records, and a leaf that requires grad must not be
        edited then. Hooks of an optimizer run outside its no_grad: write your own."""
        return _frozen(weight, rows, _kept(weight, rows), optimizer, recorded=True)

    def handle_missing(weight, rows, optimizer):
        """The rows stand still after your handles are removed. There are two hooks, on the weight
        and on the optimizer: return the handles of both."""
        return _frozen(weight, rows, _kept(weight, rows), optimizer)[:1]

    def no_handles(weight, rows, optimizer):
        """You returned nothing, so that nobody can end the freezing. Return the list of the
        handles."""
        _frozen(weight, rows, _kept(weight, rows), optimizer)
