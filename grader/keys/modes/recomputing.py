"""Reference and mistakes of the exercise that computes again instead of saving."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from grader.trusted.key import Key


class _Again(torch.autograd.Function):
    """block(x) that saves x and the state of the generator, and computes block again."""

    @staticmethod
    def forward(ctx: Any, block: nn.Module, x: Tensor, *parameters: Tensor) -> Tensor:
        ctx.block, ctx.random = block, torch.get_rng_state()
        ctx.save_for_backward(x)
        return block(x)

    @staticmethod
    def backward(ctx: Any, gy: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        x = x.detach().requires_grad_(ctx.needs_input_grad[1])
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.set_rng_state(ctx.random)
            y = ctx.block(x)
        inputs = [t for t in (x, *ctx.block.parameters()) if t.requires_grad]
        found = iter(torch.autograd.grad(y, inputs, gy))
        return None, *(next(found) if needed else None for needed in ctx.needs_input_grad[1:])


class CheckpointedKey(Key, task="checkpointed"):
    def reference(block: nn.Module, x: Tensor) -> Tensor:
        return _Again.apply(block, x, *block.parameters())

    def called_as_it_is(block, x):
        """You called block(x) as it is: all that its operations save is kept until the backward
        pass. Hand block and x to torch.utils.checkpoint.checkpoint."""
        return block(x)

    def nothing_recorded(block, x):
        """Nothing is saved, and nothing is recorded: no gradient reaches block or x. no_grad alone
        does half of the work; somebody must compute block again, with recording, when the gradient
        arrives."""
        with torch.no_grad():
            return block(x)

    def reentrant(block, x):
        """All is well if x requires grad. If it does not, block's parameters get no gradient: the
        reentrant kind of checkpoint looks at its inputs alone. Pass use_reentrant=False."""
        return checkpoint(block, x, use_reentrant=True)

    def other_masks(block, x):
        """With dropout the gradients are wrong: the second computation drops other entries than the
        first. Leave preserve_rng_state at True; by hand, keep torch.get_rng_state() and set it
        before you compute again."""
        return checkpoint(block, x, use_reentrant=False, preserve_rng_state=False)

    def x_alone(block, x):
        """Gradients reach x, and block's parameters get none. A Function returns gradients for its
        inputs alone: hand the parameters to apply as well, or use torch.utils.checkpoint with
        use_reentrant=False."""
        return _Again.apply(block, x)

    def switched_to_eval(block, x):
        """You put block into eval mode, where nothing is dropped. It must compute what block(x)
        computes in the mode it came in."""
        return CheckpointedKey.reference(block.eval(), x)
