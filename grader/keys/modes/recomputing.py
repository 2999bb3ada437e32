"""Reference and mistakes of the exercise that computes again instead of saving."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from grader.trusted.key import Key, raises


class _Again(torch.autograd.Function):
    """block(x) that saves x and the state of the generator, and computes block again."""

    @staticmethod
    def forward(ctx: Any, block: nn.Module, x: Tensor, *parameters: Tensor) -> Tensor:
        ctx.block, ctx.random = block, torch.get_rng_state()
        ctx.puts_back, ctx.sets = True, True
        ctx.save_for_backward(x)
        return block(x)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        x = x.detach().requires_grad_(ctx.needs_input_grad[1])
        devices: Any = {"devices": [], "enabled": ctx.puts_back}
        with torch.random.fork_rng(**devices), torch.enable_grad():
            if ctx.sets:
                torch.set_rng_state(ctx.random)
            y = ctx.block(x)
        inputs = [t for t in (x, *ctx.block.parameters()) if t.requires_grad]
        found = iter(torch.autograd.grad(y, inputs, gy))
        return None, *(next(found) if needed else None for needed in ctx.needs_input_grad[1:])


class _Forgetful(_Again):
    """The same, and the generator stays where the second computation leaves it."""

    @staticmethod
    def forward(ctx: Any, block: nn.Module, x: Tensor, *parameters: Tensor) -> Tensor:
        y = _Again.forward(ctx, block, x, *parameters)
        ctx.puts_back = False
        return y


class _Unset(_Again):
    """The same, and the second computation draws what comes next."""

    @staticmethod
    def forward(ctx: Any, block: nn.Module, x: Tensor, *parameters: Tensor) -> Tensor:
        y = _Again.forward(ctx, block, x, *parameters)
        ctx.sets = False
        return y


def _in_mode(
    block: nn.Module, *, training: bool = False, one_flag: bool = False
) -> Callable[[Tensor], Tensor]:
    """block in one mode, with the flag of each part put back, or that of the whole."""

    def run(x: Tensor) -> Tensor:
        was, modes = block.training, [(part, part.training) for part in block.modules()]
        y: Tensor = block.train(training)(x)
        block.train(was)
        for part, flag in () if one_flag else modes:
            part.training = flag
        return y

    return run


class CheckpointedKey(Key, task="checkpointed"):
    @raises(r"'Tensor' object is not callable")
    def block_called_first(block, x):
        """You called block yourself and handed its result over. checkpoint wants the function and
        its arguments apart: checkpoint(block, x, use_reentrant=False)."""
        return checkpoint(block(x), x, use_reentrant=False)

    def moved_to_the_cpu(block, x):
        """You stored what is saved in other memory, as save_on_cpu does. Nothing is computed again
        then: use torch.utils.checkpoint.checkpoint."""
        with torch.autograd.graph.saved_tensors_hooks(torch.clone, lambda t: t):
            return block(x)

    def seed_set(block, x):
        """You set a seed. Both computations drop the same entries, but other ones than block(x)
        would: the caller's random numbers are changed. Keep torch.get_rng_state() and set it before
        you compute again, or let checkpoint do it."""
        torch.manual_seed(0)
        return CheckpointedKey.reference(block, x)

    def seed_set_for_both(block, x):
        """You set a seed before each of the two computations. They drop the same entries, but other
        ones than block(x) would, and what the caller draws afterwards is changed. Leave
        preserve_rng_state at True, which sets for the second what the first began with."""

        def seeded(t):
            torch.manual_seed(0)
            return block(t)

        return checkpoint(seeded, x, use_reentrant=False, preserve_rng_state=False)

    def put_back_after_the_call(block, x):
        """After block(x) torch's generator stands where it was before, as after a fork_rng() around
        the call: what is drawn next repeats what block has drawn. Put the state back after the
        second computation alone."""
        with torch.random.fork_rng(devices=[]):
            return CheckpointedKey.reference(block, x)

    def other_masks_in_a_fork(block, x):
        """With dropout the second computation drops other entries than the first. fork_rng() puts
        the generator back afterwards, and does not set it before: keep torch.get_rng_state() from
        the first, and hand it to set_rng_state() inside."""
        return _Unset.apply(block, x, *block.parameters())

    def generator_not_put_back(block, x):
        """After the backward pass torch's generator stands somewhere else: it drew the second masks
        and stayed there. Put its state back, or compute again inside torch.random.fork_rng()."""
        return _Forgetful.apply(block, x, *block.parameters())

    def x_made_to_require_grad(block, x):
        """You made x require grad, so that the reentrant kind of checkpoint finds an input that
        does. x is the caller's: pass use_reentrant=False."""
        return checkpoint(block, x.requires_grad_(), use_reentrant=True)

    def grads_cleared(block, x):
        """You emptied .grad of block's parameters. What lies there belongs to the caller: a
        backward pass adds to it."""
        block.zero_grad()
        return CheckpointedKey.reference(block, x)

    def x_detached(block, x):
        """You detached x, so no gradient reaches it. Hand x over as it is."""
        return CheckpointedKey.reference(block, x.detach())

    def result_detached(block, x):
        """You detached the result, or made a new leaf of it: no gradient gets into block. Return
        what checkpoint returns."""
        return CheckpointedKey.reference(block, x).detach().requires_grad_()

    def reference(block: nn.Module, x: Tensor) -> Tensor:
        return _Again.apply(block, x, *block.parameters())

    def called_before(block, x):
        """You called block once more than is needed, before the call that counts: what it draws at
        random is gone, so that all later numbers are others. Hand block to checkpoint at once."""
        with torch.no_grad():
            block(x)
        return CheckpointedKey.reference(block, x)

    def called_as_it_is(block, x):
        """block(x) was called as it is: all that its operations save is kept until the backward
        pass, and save_on_cpu keeps as much. Hand block and x to
        torch.utils.checkpoint.checkpoint. checkpoint_sequential leaves its last segment as it
        is."""
        return block(x)

    def nothing_recorded(block, x):
        """Nothing is saved, and nothing is recorded: no gradient reaches block or x. no_grad alone
        does half of the work; somebody must compute block again, with recording, when the gradient
        arrives."""
        with torch.no_grad():
            return block(x)

    def reentrant(block, x):
        """All is well if x requires grad. If it does not, block's parameters get no gradient. The
        reentrant kind of checkpoint does that, for it looks at its inputs alone. Hand block and x
        to checkpoint in either case, with use_reentrant=False."""
        return checkpoint(block, x, use_reentrant=True)

    def other_masks(block, x):
        """The random numbers are wrong: with dropout the second computation drops other entries
        than the first, and what is drawn after the pass is different as well. Leave
        preserve_rng_state at True; by hand, keep torch.get_rng_state() and set it before you
        compute again."""
        return checkpoint(block, x, use_reentrant=False, preserve_rng_state=False)

    def x_alone(block, x):
        """Gradients reach x, and block's parameters get none. A Function returns gradients for its
        inputs alone: hand the parameters to apply as well, or use torch.utils.checkpoint with
        use_reentrant=False."""
        return _Again.apply(block, x)

    def forward_called(block, x):
        """A hook that stands on block did not run: you handed over its forward, or called its parts
        one by one. Hand over block itself: block(x) runs its hooks as well."""
        return checkpoint(block.forward, x, use_reentrant=False)

    def run_in_train_mode(block, x):
        """You ran block in train mode, and put the mode back: entries are dropped then. It must
        compute what block(x) computes in the mode it came in."""
        return checkpoint(_in_mode(block, training=True), x, use_reentrant=False)

    def run_in_eval(block, x):
        """You ran block in eval mode, and put the mode back: nothing is dropped then. It must
        compute what block(x) computes in the mode it came in."""
        return checkpoint(_in_mode(block), x, use_reentrant=False)

    def run_in_eval_and_one_flag_put_back(block, x):
        """You ran block in eval mode, where nothing is dropped, and put one flag back for all its
        parts. It must compute what block(x) computes, each part in the mode it came in."""
        return checkpoint(_in_mode(block, one_flag=True), x, use_reentrant=False)

    def switched_to_eval(block, x):
        """You put block into eval mode, where nothing is dropped. It must compute what block(x)
        computes in the mode it came in."""
        return CheckpointedKey.reference(block.eval(), x)
