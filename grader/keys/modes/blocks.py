"""References and mistakes of the exercises that ask for the mode and switch recording off."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from grader.trusted.key import Key, raises

Function = Callable[..., Any]
Answer = tuple[bool, bool, bool]


def _modes() -> tuple[bool, bool]:
    return torch.is_grad_enabled(), torch.is_inference_mode_enabled()


class ModeProbeKey(Key, task="mode_probe"):
    def reference(fn: Function) -> Answer:
        recording, inference = _modes()
        try:
            return recording, inference, fn().requires_grad
        finally:
            torch.set_grad_enabled(recording)

    def probed_in_no_grad(fn):
        """You called fn inside a no_grad block of your own: the result never requires grad. Call it
        in the mode in which probe was called."""
        recording, inference = _modes()
        with torch.no_grad():
            return recording, inference, fn().requires_grad

    def probed_with_recording(fn):
        """You called fn with recording switched on: its result requires grad even where probe was
        called inside no_grad. Call it in the mode in which probe was called."""
        recording, inference = _modes()
        with torch.enable_grad():
            return recording, inference, fn().requires_grad

    def mode_from_the_result(fn):
        """You took requires_grad of the result for the mode. Where recording is on, a result may
        still not require grad: if no input does, and inside inference mode. Ask
        torch.is_grad_enabled()."""
        _, inference, wants = ModeProbeKey.reference(fn)
        return wants, inference, wants

    def inference_from_the_result(fn):
        """You asked the result whether it is an inference tensor. fn may return a tensor that was
        made before, outside of the mode. Ask torch.is_inference_mode_enabled()."""
        recording, _ = _modes()
        with torch.set_grad_enabled(recording):
            result = fn()
        return recording, result.is_inference(), result.requires_grad

    def inference_taken_for_no_grad(fn):
        """You took inference mode for the opposite of recording. Inside no_grad recording is off
        and inference mode is not on. Ask torch.is_inference_mode_enabled()."""
        recording, _, wants = ModeProbeKey.reference(fn)
        return recording, not recording, wants

    def modes_swapped(fn):
        """The first two are swapped: recording comes first, inference mode second."""
        recording, inference, wants = ModeProbeKey.reference(fn)
        return inference, recording, wants

    def asked_afterwards(fn):
        """You asked for the modes after fn, which may have switched recording. Ask first, call
        then, and put recording back."""
        wants = fn().requires_grad
        return *_modes(), wants

    def left_as_fn_left_it(fn):
        """Your answers are right, and recording is not put back after a fn that switches it. Call
        fn inside `with torch.set_grad_enabled(recording):`, which puts it back."""
        return *_modes(), fn().requires_grad

    def not_restored_after_an_error(fn):
        """You put recording back in a line after the call of fn. If fn raises, that line does not
        run. Use `finally`, or a `with` block."""
        recording, inference = _modes()
        wants = fn().requires_grad
        torch.set_grad_enabled(recording)
        return recording, inference, wants

    def recording_left_on(fn):
        """You switched recording on at the end, whatever it was before. Inside no_grad it was off:
        put back what you found."""
        recording, inference = _modes()
        try:
            return recording, inference, fn().requires_grad
        finally:
            torch.set_grad_enabled(True)

    def called_twice(fn):
        """You called fn more than once. Keep its result in a variable."""
        recording, inference = _modes()
        with torch.set_grad_enabled(recording):
            fn()
            return recording, inference, fn().requires_grad

    def error_swallowed(fn):
        """You caught the exception of fn and returned as if nothing had happened. Let it pass:
        `try` with `finally` and without `except`."""
        recording, inference = _modes()
        try:
            return ModeProbeKey.reference(fn)
        except ValueError:
            return recording, inference, False


def _lengths(x: Tensor, dim: int | None = 1) -> Tensor:
    """(N, 1), the length of every row; with another dim, that of columns or of all."""
    return torch.linalg.vector_norm(x, dim=dim, keepdim=True)


class PartialNoGradKey(Key, task="partial_no_grad"):
    def reference(x: Tensor, eps: float) -> Tensor:
        return x / (_lengths(x.detach()) + eps)

    def nothing_recorded(x, eps):
        """The values are right, and no gradient reaches x: the division stands inside the block, or
        its result was detached. Only the lengths belong there; divide outside of it."""
        return (x / (_lengths(x) + eps)).detach()

    def full_gradient(x, eps):
        """The values are right, and the gradient also comes through the lengths. Compute them
        inside no_grad, or from x.detach()."""
        return x / (_lengths(x) + eps)

    def numerator_cut(x, eps):
        """You cut the other branch: gradients reach x through the lengths alone. The x that is
        divided must be recorded, the lengths must not."""
        return x.detach() / (_lengths(x) + eps)

    def one_length_for_all(x, eps):
        """You divided by one number, the length of the whole matrix. Each row has a length of its
        own: dim=1."""
        return x / (_lengths(x.detach(), None) + eps)

    def length_of_columns(x, eps):
        """You took the lengths of the columns. dim names the dimension that is summed away: dim=1
        leaves one length for each row."""
        return x / (_lengths(x.detach(), 0) + eps)

    @raises(r"The size of tensor a \(\d+\) must match the size of tensor b")
    def keepdim_missing(x, eps):
        """The lengths have shape (N,), which is lined up with the columns of x. With keepdim=True
        they have shape (N, 1), one for each row."""
        return x / (_lengths(x.detach()).squeeze(1) + eps)

    def eps_missing(x):
        """You left out eps: a row of zeros becomes 0 / 0, which is nan, and all others are a little
        too large."""
        return x / _lengths(x.detach())

    def eps_as_a_limit(x, eps):
        """You took the larger one of length and eps, as F.normalize and clamp do. Here eps is added
        to the length."""
        return x / _lengths(x.detach()).clamp_min(eps)

    def eps_under_the_root(x, eps):
        """You added eps to the sum of squares. Add it to the square root."""
        return x / (x.detach().square().sum(1, keepdim=True) + eps).sqrt()

    def root_missing(x, eps):
        """You divided by the sum of squares. The length is its square root."""
        return x / (x.detach().square().sum(1, keepdim=True) + eps)

    def absolute_values(x, eps):
        """You summed absolute values. The length is the square root of the sum of squares."""
        return x / (x.detach().abs().sum(1, keepdim=True) + eps)
