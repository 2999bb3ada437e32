"""References and mistakes of the exercises that ask for the mode and switch recording off."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from grader.trusted.families.pairs import formula, of_formula
from grader.trusted.families.parts import exchanged_parts
from grader.trusted.families.recording import left_off
from grader.trusted.key import Key, raises

Function = Callable[..., Any]
Answer = tuple[bool, bool, bool]


def _modes() -> tuple[bool, bool]:
    return torch.is_grad_enabled(), torch.is_inference_mode_enabled()


def _probe(fn: Function) -> Answer:
    recording, inference = _modes()
    try:
        return recording, inference, fn().requires_grad
    finally:
        torch.set_grad_enabled(recording)


class ModeProbeKey(Key, task="mode_probe"):
    families = (
        *exchanged_parts(_probe, "grad_enabled", "inference", "requires_grad")[1:],
        *left_off(_probe),
    )
    reference = _probe

    def flag_from_the_node(fn):
        """You took requires_grad from grad_fn, or from is_leaf. A leaf that requires grad has no
        grad_fn: read requires_grad of the result itself."""
        recording, inference = _modes()
        with torch.set_grad_enabled(recording):
            return recording, inference, fn().grad_fn is not None

    def asked_after_the_call(fn):
        """You asked for the modes after fn, which may have switched recording. Ask before you call
        it; that you put recording back is right."""
        with torch.set_grad_enabled(torch.is_grad_enabled()):
            wants = fn().requires_grad
            return *_modes(), wants

    def all_inside_no_grad(fn):
        """You asked, and called fn, inside a no_grad block of your own: recording is off there, and
        nothing computed there requires grad. Ask, and call fn, in the mode that you found."""
        with torch.no_grad():
            return *_modes(), fn().requires_grad

    def all_inside_enable_grad(fn):
        """You asked, and called fn, inside an enable_grad block of your own: recording is on there.
        Ask, and call fn, in the mode that you found."""
        with torch.enable_grad():
            return *_modes(), fn().requires_grad

    def everything_from_the_result(fn):
        """You asked the result for everything. Whether recording is on, and inference mode, is a
        question about the place where probe was called: torch.is_grad_enabled() and
        torch.is_inference_mode_enabled(). Put recording back afterwards, too."""
        result = fn()
        return result.requires_grad, result.is_inference(), result.requires_grad

    def recording_taken_for_on(fn):
        """You say that recording is on, always. no_grad and inference mode switch it off: ask
        torch.is_grad_enabled()."""
        _, inference, wants = _probe(fn)
        return True, inference, wants

    def switch_taken_for_recording(fn):
        """You say whether operations are recorded. Asked for is the switch that no_grad and
        enable_grad set: inside inference mode enable_grad turns it on, and nothing is recorded all
        the same. torch.is_grad_enabled() reads the switch."""
        recording, inference, wants = _probe(fn)
        return recording and not inference, inference, wants

    def inference_taken_for_off(fn):
        """You say that inference mode is off, always. Ask torch.is_inference_mode_enabled()."""
        recording, _, wants = _probe(fn)
        return recording, False, wants

    def result_never_wants(fn):
        """You say that the result never requires grad. Look at what fn() returned, in the mode in
        which probe was called."""
        recording, inference, _ = _probe(fn)
        return recording, inference, False

    def result_taken_for_the_mode(fn):
        """You took the mode for requires_grad of the result. Where recording is on, the result of
        fn need not require grad, and a leaf requires grad in every mode."""
        recording, inference, _ = _probe(fn)
        return recording, inference, recording

    def modes_in_words(fn):
        """You returned texts or numbers. Three truth values are asked for, True or False."""
        return tuple(int(value) for value in _probe(fn))

    def result_returned(fn):
        """The third of yours is the result of fn itself. Whether it requires grad is asked for:
        result.requires_grad."""
        recording, inference = _modes()
        with torch.set_grad_enabled(recording):
            return recording, inference, fn()

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

    def recording_taken_for_no_inference(fn):
        """You took recording for the opposite of inference mode. no_grad switches recording off
        without it, and enable_grad turns the switch on inside it. Ask torch.is_grad_enabled()."""
        _, inference, wants = ModeProbeKey.reference(fn)
        return not inference, inference, wants

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
        """Your answers are right, and recording is not as it was after every fn that switches it.
        Call fn inside `with torch.set_grad_enabled(recording):`, which puts it back."""
        return *_modes(), fn().requires_grad

    def not_restored_after_an_error(fn):
        """You put recording back in a line after the call of fn. If fn raises, that line does not
        run. Use `finally`, or a `with` block."""
        recording, inference = _modes()
        wants = fn().requires_grad
        torch.set_grad_enabled(recording)
        return recording, inference, wants

    def not_restored_after_an_interrupt(fn):
        """Recording is put back after an error of fn, and not after an interrupt:
        KeyboardInterrupt, which the stop button raises, is no Exception, and an `except` that names
        Exception, or one kind of error, does not see it. Put recording back in `finally`, or in a
        `with` block."""
        recording, inference = _modes()
        try:
            wants = fn().requires_grad
        except Exception:
            torch.set_grad_enabled(recording)
            raise
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

    def called_twice_in_the_mode_found(fn):
        """You called fn more than once. Keep its result in a variable."""
        ModeProbeKey.reference(fn)
        return ModeProbeKey.reference(fn)

    def error_swallowed(fn):
        """You caught the exception of fn and returned as if nothing had happened. Let it pass:
        `try` with `finally` and without `except`."""
        recording, inference = _modes()
        try:
            return ModeProbeKey.reference(fn)
        except ValueError:
            return recording, inference, False

    def error_swallowed_without_finally(fn):
        """You caught the exception of fn and returned as if nothing had happened: let it pass. And
        where fn is interrupted recording is not put back: KeyboardInterrupt, which the stop button
        raises, is no Exception. Write `try` with `finally` and without `except`."""
        recording, inference = _modes()
        try:
            wants = fn().requires_grad
        except Exception:
            wants = False
        torch.set_grad_enabled(recording)
        return recording, inference, wants

    def everything_swallowed(fn):
        """You caught whatever fn raises, an interrupt too, and returned as if nothing had happened.
        Let it pass: `try` with `finally` and without `except`."""
        recording, inference = _modes()
        try:
            return ModeProbeKey.reference(fn)
        except BaseException:
            return recording, inference, False


def _lengths(x: Tensor, dim: int | None = 1) -> Tensor:
    """(N, 1), the length of every row; with another dim, that of columns or of all."""
    return torch.linalg.vector_norm(x, dim=dim, keepdim=True)


def _plus_eps(length: Tensor, eps: float) -> Tensor:
    return length + eps


@formula
def _divided(x, eps, *, of=torch.Tensor.detach, length=_lengths, divisor=_plus_eps):
    """x by the divisor made of its lengths and eps; `of` is what the lengths are taken of."""
    return x / divisor(length(of(x)), eps)


class PartialNoGradKey(Key, task="partial_no_grad"):
    def reference(x: Tensor, eps: float) -> Tensor:
        return x / (_lengths(x.detach()) + eps)

    def nothing_recorded(x, eps):
        """The values are right, and no gradient reaches x: the division stands inside the block, or
        its result was detached, or made anew from plain numbers. Only the lengths belong into the
        block; divide x itself, outside of it."""
        return (x / (_lengths(x) + eps)).detach()

    def flag_set_afterwards(x, eps):
        """Your result requires grad, and no gradient reaches x: its history begins at a new leaf.
        requires_grad_() makes one of a result without history, and of x.detach(). Only
        the lengths belong into the block: divide x itself, outside of it."""
        return (x / (_lengths(x) + eps)).detach().requires_grad_()

    def full_gradient(x, eps):
        """The values are right, and the gradient also comes through the lengths. Compute them
        inside no_grad, or from x.detach()."""
        return _divided(x, eps, of=lambda x: x)

    def numerator_cut(x, eps):
        """You cut the other branch: gradients reach x through the lengths alone. The x that is
        divided must be recorded, the lengths must not."""
        return x.detach() / (_lengths(x) + eps)

    def one_length_for_all(x, eps):
        """You divided by one number, the length of the whole matrix. Each row has a length of its
        own: dim=1."""
        return _divided(x, eps, length=lambda x: _lengths(x, None))

    def length_of_columns(x, eps):
        """You took the lengths of the columns. dim names the dimension that is summed away: dim=1
        leaves one length for each row."""
        return _divided(x, eps, length=lambda x: _lengths(x, 0))

    @raises(r"The size of tensor a \(\d+\) must match the size of tensor b")
    def keepdim_missing(x, eps):
        """What you divide by is lined up with the columns of x, as lengths of shape (N,) are. With
        keepdim=True they have shape (N, 1), one for each row."""
        return x / (_lengths(x.detach()).squeeze(1) + eps)

    def eps_missing(x, eps):
        """You left out eps: a row of zeros becomes 0 / 0, which is nan, and all others are a little
        too large."""
        return _divided(x, eps, divisor=lambda length, eps: length)

    def eps_subtracted(x, eps):
        """You took eps off the length. It is added."""
        return _divided(x, eps, divisor=lambda length, eps: length - eps)

    def eps_as_a_limit(x, eps):
        """Your eps counts only where a length is smaller than it, as in F.normalize and clamp_min.
        Here eps is added to every length."""
        return _divided(x, eps, divisor=torch.clamp_min)

    def eps_under_the_root(x, eps):
        """You added eps to the sum of squares. Add it to the square root."""
        return _divided(x, eps, divisor=lambda length, eps: (length.square() + eps).sqrt())

    def root_missing(x, eps):
        """You divided by the sum of squares. The length is its square root."""
        return _divided(x, eps, divisor=lambda length, eps: length.square() + eps)

    def root_mean_square(x, eps):
        """You divided the sum of squares by d before the root. The length is the root of the sum,
        not of the mean."""
        return _divided(x, eps, length=lambda x: x.square().mean(1, keepdim=True).sqrt())

    def normalised_with_gradient(x, eps):
        """You took F.normalize. It divides by the larger one of length and eps, and gradients also
        come through the length. Add eps to a length that is a constant."""
        return x / _lengths(x).clamp_min(eps)

    def eps_squared_under_the_root(x, eps):
        """You added eps ** 2 to the sum of squares. Add eps to the square root."""
        return x / (x.detach().square().sum(1, keepdim=True) + eps**2).sqrt()

    def multiplied(x, eps):
        """You multiplied by length + eps. Divide by it."""
        return _divided(x, eps, divisor=lambda length, eps: 1 / (length + eps))

    def largest_entry(x, eps):
        """You divided by the largest absolute value of a row. The length is the square root of the
        sum of squares."""
        return _divided(x, eps, length=lambda x: x.abs().amax(1, keepdim=True))

    def summed_entries(x, eps):
        """You divided by the sum of the entries. The length is the square root of the sum of their
        squares."""
        return _divided(x, eps, length=lambda x: x.sum(1, keepdim=True))

    def eps_added_to_x(x, eps):
        """You added eps to x as well, or to x alone. It belongs to the length: x / (length +
        eps)."""
        return (x + eps) / (_lengths(x.detach()) + eps)

    def eps_outside(x, eps):
        """You added eps to the quotient. It belongs to the length: x / (length + eps)."""
        return x / _lengths(x.detach()) + eps

    def centred(x, eps):
        """You took off the mean of each row. The row itself is divided by its length plus eps."""
        return (x - x.detach().mean(1, keepdim=True)) / (_lengths(x.detach()) + eps)

    def lengths_returned(x, eps):
        """You returned length + eps, one number for each row. Divide x by it."""
        return _lengths(x.detach()) + eps

    def written_into_x(x, eps):
        """You divided in place, so x holds other values now. Divide out of place: x / (length +
        eps)."""
        lengths = _lengths(x.detach())
        x.data.div_(lengths + eps)
        return x

    def absolute_values(x, eps):
        """You summed absolute values. The length is the square root of the sum of squares."""
        return _divided(x, eps, length=lambda x: x.abs().sum(1, keepdim=True))

    pairs = (
        *of_formula(
            lambda x, eps: _divided(x, eps),
            full_gradient,
            one_length_for_all,
            length_of_columns,
            eps_missing,
            eps_as_a_limit,
            eps_under_the_root,
            root_missing,
            root_mean_square,
            multiplied,
            largest_entry,
            summed_entries,
            absolute_values,
        ),
    )
