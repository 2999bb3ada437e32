"""Reference and mistakes of the exercise that computes again instead of saving."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from grader.trusted.key import Key, mistake


class _Again(torch.autograd.Function):
    """block(x) that saves x and the state of the generator, and computes block again."""

    @staticmethod
    def forward(ctx: Any, block: nn.Module, x: Tensor, *parameters: Tensor) -> Tensor:
        ctx.block, ctx.random = block, torch.get_rng_state()
        ctx.save_for_backward(x)
        y: Tensor = block(x)
        return y

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


class CheckpointedKey(Key):
    task = "checkpointed"

    @staticmethod
    def reference(block: nn.Module, x: Tensor) -> Tensor:
        y: Tensor = _Again.apply(block, x, *block.parameters())  # type: ignore[no-untyped-call]
        return y

    @mistake
    def called_as_it_is(block: nn.Module, x: Tensor) -> Tensor:
        """You called block(x) as it is: all that its operations save is kept until the backward
        pass. Hand block and x to torch.utils.checkpoint.checkpoint."""
        y: Tensor = block(x)
        return y

    @mistake
    def nothing_recorded(block: nn.Module, x: Tensor) -> Tensor:
        """Nothing is saved, and nothing is recorded: no gradient reaches block or x. no_grad alone
        does half of the work; somebody must compute block again, with recording, when the gradient
        arrives."""
        with torch.no_grad():
            y: Tensor = block(x)
        return y

    @mistake
    def reentrant(block: nn.Module, x: Tensor) -> Tensor:
        """All is well if x requires grad. If it does not, block's parameters get no gradient: the
        reentrant kind of checkpoint looks at its inputs alone. Pass use_reentrant=False."""
        y: Tensor = checkpoint(block, x, use_reentrant=True)
        return y

    @mistake
    def other_masks(block: nn.Module, x: Tensor) -> Tensor:
        """With dropout the gradients are wrong: the second computation drops other entries than the
        first. Leave preserve_rng_state at True; by hand, keep torch.get_rng_state() and set it
        before you compute again."""
        y: Tensor = checkpoint(block, x, use_reentrant=False, preserve_rng_state=False)
        return y

    @mistake
    def x_alone(block: nn.Module, x: Tensor) -> Tensor:
        """Gradients reach x, and block's parameters get none. A Function returns gradients for its
        inputs alone: hand the parameters to apply as well, or use torch.utils.checkpoint with
        use_reentrant=False."""
        y: Tensor = _Again.apply(block, x)  # type: ignore[no-untyped-call]
        return y

    @mistake
    def switched_to_eval(block: nn.Module, x: Tensor) -> Tensor:
        """You put block into eval mode, where nothing is dropped. It must compute what block(x)
        computes in the mode it came in."""
        return CheckpointedKey.reference(block.eval(), x)
