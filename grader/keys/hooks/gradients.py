"""References and mistakes of the exercises on tensor hooks."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from grader.trusted.key import Key, raises

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


class TensorGradLoggerKey(Key, task="tensor_grad_logger"):
    def reference(f: Function, heads: Sequence[Function], x: Tensor) -> Logged:
        at_z, at_x = _passes(f, heads, x)
        return [g.abs() for g in at_z], sum(at_x, torch.zeros_like(x))

    def signs_kept(f, heads, x):
        """Your log holds the gradients themselves, and their absolute values are asked for."""
        at_z, at_x = _passes(f, heads, x)
        return at_z, sum(at_x, torch.zeros_like(x))

    def negatives_lost(f, heads, x):
        """Your log is 0 where the gradient is negative, as after relu or clamp(min=0). Its absolute
        value is asked for: abs()."""
        at_z, at_x = _passes(f, heads, x)
        return [g.relu() for g in at_z], sum(at_x, torch.zeros_like(x))

    def logging_changed_the_gradient(f, heads, x):
        """Your log is right, and dx is not: the absolute values went on to x. Either the hook
        returned them, and what a hook returns replaces the gradient, or it called abs_(), which
        edits the tensor that is passed on."""
        log = []

        def hook(g):
            log.append(g.abs())
            return g.abs()

        z = f(x)
        z.register_hook(hook)
        for head in heads:
            head(z).sum().backward(retain_graph=True)
        return log, x.grad

    def read_before_the_last_pass(f, heads, x):
        """Your log is right, and dx lacks the last pass: you read x.grad, or made a copy of it,
        before that pass. Read it after all of them."""
        at_z, at_x = _passes(f, heads, x)
        early = at_x[:-1]
        return [g.abs() for g in at_z], sum(early, torch.zeros_like(x)) if early else None

    def registered_in_the_loop(f, heads, x):
        """You registered a hook before each pass. They add up: in the second pass two of them are
        called. Register one before the loop, or remove each after its pass."""
        at_z, at_x = _passes(f, heads, x)
        log = [g.abs() for i, g in enumerate(at_z) for _ in range(i + 1)]
        return log, sum(at_x, torch.zeros_like(x))

    def z_for_each_head(f, heads, x):
        """You called f anew for each head. All heads are to share one z: where f returns x itself,
        your hooks pile up on it. Compute z once, and register one hook on it before the loop."""
        log = []
        for head in heads:
            z = f(x)
            z.register_hook(lambda g: log.append(g.abs()))
            head(z).sum().backward(retain_graph=True)
        return log, x.grad

    def z_for_each_head_and_hook_removed(f, heads, x):
        """Log and dx are right, and you called f anew for each head. All heads are to share one z:
        f may be a whole network. Compute z once, before the loop."""
        key = TensorGradLoggerKey
        each = [key.reference(f, [head], x) for head in heads]
        return [log[0] for log, _ in each], sum((dx for _, dx in each), torch.zeros_like(x))

    def summed_over_passes(f, heads, x):
        """Each of your entries holds the passes before it as well. retain_grad() keeps z.grad, and
        every pass adds to that; a hook of z is called with the gradient of one pass."""
        at_z, at_x = _passes(f, heads, x)
        totals = torch.stack(at_z).cumsum(0)
        return [g.abs() for g in totals], sum(at_x, torch.zeros_like(x))

    def z_grad_itself(f, heads, x):
        """All your entries are the sum over all passes. You kept z.grad, one tensor that every pass
        adds to. A hook of z is called with the gradient of each pass."""
        at_z, at_x = _passes(f, heads, x)
        total = sum(at_z, torch.zeros_like(at_z[0])).abs()
        return [total for _ in at_z], sum(at_x, torch.zeros_like(x))

    def hook_on_x(f, heads, x):
        """Your log holds what arrives at x. Register the hook on z, the tensor in between."""
        _, at_x = _passes(f, heads, x)
        return [g.abs() for g in at_x], sum(at_x, torch.zeros_like(x))

    @raises(r"'NoneType' object has no attribute 'register_hook'")
    def behind_the_node(f, heads, x):
        """Your log holds what leaves the node of z, on its way to x. A hook of z.grad_fn is called
        with the gradients of the node's inputs first, and with those of its outputs second; and
        where f returns x itself there is no node. Register the hook on z: z.register_hook."""
        z, log = f(x), []
        node = z.grad_fn
        node.register_hook(lambda gin, gout: log.append(gin[0].abs()))
        for head in heads:
            head(z).sum().backward(retain_graph=True)
        return log, x.grad

    def one_pass_for_all(f, heads, x):
        """Your log has one entry: you added all heads up and ran one backward pass. The gradients
        are right as a sum, and each pass by itself is asked for: call backward for every head."""
        at_z, at_x = _passes(f, heads, x)
        total = sum(at_z, torch.zeros_like(at_z[0]))
        return [total.abs()], sum(at_x, torch.zeros_like(x))

    def first_pass_alone(f, heads, x):
        """Log and dx are those of the first pass. Look for a `return` or a `break` inside the loop:
        it ends the loop in its first round."""
        at_z, at_x = _passes(f, heads[:1], x)
        return [g.abs() for g in at_z], at_x[0]

    def first_pass_logged(f, heads, x):
        """dx is right, and your log ends after the first pass. If you did not cut it short, the
        hook was removed after one call, or it stands on the z of the first pass alone: compute z
        once, and leave the hook on it."""
        at_z, at_x = _passes(f, heads, x)
        return [at_z[0].abs()], sum(at_x, torch.zeros_like(x))

    def started_from_the_mean(f, heads, x):
        """You called mean() where the exercise calls sum(): all gradients are divided by the number
        of entries."""
        at_z, at_x = _passes(f, [lambda z, h=h: h(z) / z.numel() for h in heads], x)
        return [g.abs() for g in at_z], sum(at_x, torch.zeros_like(x))

    def sizes_logged(f, heads, x):
        """Your log holds one number for each pass. A tensor of the shape of z is asked for: the
        absolute value of each entry, not their sum."""
        at_z, at_x = _passes(f, heads, x)
        return [g.abs().sum() for g in at_z], sum(at_x, torch.zeros_like(x))

    def z_grad_emptied(f, heads, x):
        """Your log is right, and dx is lost where f returns x itself: z is x then, and z.grad =
        None empties x.grad. A hook of z needs no .grad of z."""
        z, log = f(x), []
        z.retain_grad()
        for head in heads:
            z.grad = None
            head(z).sum().backward(retain_graph=True)
            log.append(z.grad.abs())
        return log, x.grad

    def read_too_early(f, heads, x):
        """Your dx is None: there was no x.grad when you read it. You read it before the first pass,
        or emptied it after the last; or no pass went on to x, because z was detached or
        torch.autograd.grad(..., z) ended it there. Let backward run from each head with z = f(x) as
        it is, and read x.grad after the last pass."""
        at_z, _ = _passes(f, heads, x)
        return [g.abs() for g in at_z], None

    def differences_of_absolute_values(f, heads, x):
        """Your entries are differences of absolute values, and those are no absolute values of the
        differences: z.grad is a sum of passes, whose terms may have either sign. A hook of z is
        called with the gradient of one pass."""
        at_z, at_x = _passes(f, heads, x)
        totals = torch.stack([torch.zeros_like(at_z[0]), *at_z]).cumsum(0).abs()
        return list(totals.diff(dim=0)), sum(at_x, torch.zeros_like(x))

    def last_pass_first(f, heads, x):
        """Your log is the wrong way round: the first entry is that of the last pass. Append in the
        order of the passes."""
        at_z, at_x = _passes(f, heads, x)
        return [g.abs() for g in at_z[::-1]], sum(at_x, torch.zeros_like(x))

    def hook_too_late(f, heads, x):
        """Your log is empty: no hook was called. A hook must be registered on z, on the very tensor
        that the heads get, and before backward runs."""
        _, at_x = _passes(f, heads, x)
        return [], sum(at_x, torch.zeros_like(x))

    def last_pass_alone(f, heads, x):
        """Your dx is that of the last pass. x.grad is asked for as it is after all of them: every
        pass adds to it."""
        at_z, at_x = _passes(f, heads, x)
        return [g.abs() for g in at_z], at_x[-1]

    @raises(r"backward through the graph a second time")
    def graph_freed(f, heads, x):
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


class _Short(_Turned):
    """The same, whose backward forgets lam."""

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        return -ctx.lam * grads[0]


def _with_hook(x: Tensor, hook: Callable[[Tensor], Tensor | None]) -> Tensor:
    y = x.clone()
    if y.requires_grad:
        y.register_hook(hook)
    return y


_LAST: dict[str, float] = {}
"""What the calls of a mistake share."""


class GradientReversalKey(Key, task="gradient_reversal"):
    def reference(x: Tensor, lam: float) -> Tensor:
        return _Turned.apply(x, lam)

    def not_negated(x, lam):
        """You multiplied the gradient by lam. It is to be turned round: -lam."""
        return _with_hook(x, lambda g: lam * g)

    def lam_forgotten(x):
        """You turned the gradient round and left out lam."""
        return _with_hook(x, lambda g: -g)

    def hook_returned_nothing(x):
        """The gradient passed unchanged. A hook that returns None observes; what it computes counts
        only if it is returned. Without any hook it looks the same."""
        return x.clone()

    def values_turned_too(x, lam):
        """Your y is -lam times x. Its values must be those of x: only the gradient is turned
        round."""
        return -lam * x

    def hook_on_x(x, lam):
        """You registered the hook on x itself, so all gradients of x are turned round, also those
        of its other users. Register it on a new tensor made from x."""
        if x.requires_grad:
            x.register_hook(lambda g: -lam * g)
        return x.clone()

    def x_where_it_requires_no_grad(x, lam):
        """Where x does not require grad you returned x itself. A new tensor is asked for there as
        well, one that takes flags and hooks of its own."""
        return _Turned.apply(x, lam) if x.requires_grad else x

    def x_itself_with_a_hook(x, lam):
        """You registered the hook on x and returned x itself, so that all gradients of x are turned
        round, also those of its other users. Make a new tensor from x, with the hook on that."""
        if x.requires_grad:
            x.register_hook(lambda g: -lam * g)
        return x

    def x_itself(x):
        """You returned x itself, and gradients pass unchanged. Make a new tensor from x, with a
        hook that returns the gradient times -lam."""
        return x

    @raises(r"written-to tensor refers to a single memory location")
    def edited_in_place(x, lam):
        """Your hook edits the tensor that arrives, which belongs to others too: here it is the
        caller's, or several entries of it are one number in memory. Return a new one."""
        return _with_hook(x, lambda g: g.mul_(-lam))

    @raises(r"written-to tensor refers to a single memory location")
    def negated_in_place(x, lam):
        """You negate the tensor that arrives in place, in a hook or in a backward, and it belongs
        to others too: here it is the caller's, or several entries of it are one number in memory.
        Write -lam * g, which makes a new one."""
        return _with_hook(x, lambda g: g.neg_() * lam)

    @raises(r"written-to tensor refers to a single memory location")
    def shrunk_in_place(x, lam):
        """You multiply the tensor that arrives by lam in place, in a hook or in a backward, and it
        belongs to others too: here it is the caller's, or several entries of it are one number in
        memory. Write -lam * g, which makes a new one."""
        return _with_hook(x, lambda g: -g.mul_(lam))

    def lam_of_the_last_call(x, lam):
        """The gradient is turned round with the lam of the last call of your function: all calls
        share one name for it, such as an attribute of a class. Each has a lam of its own: keep it
        in ctx, or let a function made inside yours see it."""
        _LAST["lam"] = lam
        return _with_hook(x, lambda g: -_LAST["lam"] * g)

    def no_gradient(x):
        """No gradient reaches x through y: y has no history. Do not detach it."""
        return x.detach().clone()

    def started_anew(x, lam):
        """No gradient reaches x through y. You detached, and let the result require grad: that is a
        new leaf, where the pass ends. Make y from x by an operation that is recorded."""
        return _with_hook(x.detach().clone().requires_grad_(), lambda g: -lam * g)

    def zero_skipped(x, lam):
        """With lam = 0 the gradient passes unchanged: a question such as `if lam` leaves it alone
        there. With 0 nothing must reach x through y: register the hook always."""
        return _with_hook(x, lambda g: -lam * g if lam else None)

    def leaves_alone(x, lam):
        """Only where x is a leaf is the gradient turned round. A computed x passes gradients on as
        well: ask for requires_grad, not for is_leaf."""
        return _with_hook(x, lambda g: -lam * g if x.is_leaf else None)

    def computed_alone(x, lam):
        """Only where x is computed is the gradient turned round. A leaf that requires grad gets one
        as well: ask for requires_grad, not for grad_fn."""
        return _with_hook(x, lambda g: g if x.is_leaf else -lam * g)

    def always_recorded(x, lam):
        """Your y requires grad also where x does not. Nothing can reach x then: return the values
        alone, and no hook."""
        y = _with_hook(x, lambda g: -lam * g)
        return y if y.requires_grad else y.requires_grad_()

    def x_made_to_require_grad(x, lam):
        """Where x does not require grad you switched its flag on, and y requires grad with it. x is
        the caller's, and nothing can reach it: return the values alone, and no hook."""
        return _with_hook(x.requires_grad_(), lambda g: -lam * g)

    def first_pass_alone(x, lam):
        """Only the first backward pass is turned round. Your hook removes itself, or counts its
        calls: leave it on y."""
        calls = []

        def hook(g: Tensor) -> Tensor:
            calls.append(g)
            return -lam * g if len(calls) == 1 else g

        return _with_hook(x, hook)

    def started_anew_like_x(x, lam):
        """Nothing of what arrives at y reaches x. A pass ends at a detached tensor, also where it
        requires grad again: that is a new leaf. And a factor 0 lets nothing through. Make y from x
        by an operation that is recorded, and multiply what comes back by -lam."""
        y = x.detach().clone().requires_grad_(x.requires_grad)
        if y.requires_grad:
            y.register_hook(lambda g: -lam * g)
        return y

    def mixed(x, lam):
        """What reaches x is (1 - lam) times what arrives at y. It is to be multiplied by -lam."""
        return _with_hook(x, lambda g: (1 - lam) * g)

    def turned_twice(x, lam):
        """What reaches x is lam * lam times what arrives at y: it was multiplied by -lam twice. One
        hook on y, or one backward, does it once."""
        return _with_hook(x, lambda g: lam * lam * g)

    def divided(x, lam):
        """You divided the gradient by -lam. What arrives at y is to be multiplied by -lam."""
        return _with_hook(x, lambda g: g / -lam)

    def subtracted(x, lam):
        """You took lam away from the gradient. It is to be multiplied by -lam."""
        return _with_hook(x, lambda g: g - lam)

    @raises(r"incorrect number of gradients")
    def none_for_lam_forgotten(x, lam):
        """backward of your Function returned one gradient, and forward took two arguments. Return
        one for each: None for lam, which needs none."""
        return _Short.apply(x, lam) if x.requires_grad else x.clone()

    @raises(r"cannot register a hook on a tensor that doesn't require grad")
    def no_hook_possible(x, lam):
        """You registered a hook on a tensor that does not require grad, which torch refuses: no
        gradient will ever arrive there. Ask y.requires_grad first."""
        y = x.clone()
        y.register_hook(lambda g: -lam * g)
        return y
