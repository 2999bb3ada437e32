"""References and mistakes of the exercises that make leaves: from a tensor, from random numbers."""

import copy
import math
from typing import ClassVar

import torch
from torch import Tensor

from grader.trusted.key import Key, raises


class MakeLeafKey(Key, task="make_leaf"):
    sentences: ClassVar = {
        "NONE": "Your function returned None. Return the leaf.",
        "ZERO": "Your leaf holds zeros. zeros_like takes the shape and the dtype of t alone: copy "
        "its values as well.",
    }

    def reference(t: Tensor) -> Tensor:
        with torch.no_grad():
            leaf = torch.empty_like(t).copy_(t)
        return leaf.requires_grad_()

    @raises("unsupported ScalarType BFloat16")
    def through_numpy(t):
        """You went through NumPy, which has no bfloat16, and knows of no device but the CPU. t may
        have any floating point dtype: stay in torch, with detach() and clone()."""
        return torch.from_numpy(t.detach().numpy().copy()).requires_grad_()

    def cloned_with_history(t):
        """You copied t without detaching it. clone(), like any other operation, is recorded: if t
        requires grad, so does its result, which is no leaf, and requires_grad_() changes nothing
        then. Detach first."""
        return t.clone().requires_grad_()

    def cloned_only(t):
        """You returned a copy of t as clone() makes it. If t requires grad, the copy is recorded
        and no leaf; if it does not, neither does the copy. Detach before you clone, and set the
        flag after."""
        return t.clone()

    def memory_shared(t):
        """Your leaf uses the memory of t: editing one edits the other. detach(), .data and
        nn.Parameter(t) copy nothing. Add clone()."""
        return t.detach().requires_grad_()

    def detached_only(t):
        """You returned t.detach(), or .data. It has no history, but it uses the memory of t and
        does not require grad. Add clone() and requires_grad_()."""
        return t.detach()

    def flag_set_before_the_copy(t):
        """You set the flag before the last operation, such as a copy. What is made from a tensor
        that requires grad is recorded, so it is no leaf. Copy first, and set the flag last."""
        return t.detach().requires_grad_().clone()

    def flag_forgotten(t):
        """Your leaf does not require grad. What detach(), .data or empty_like() gives does not, and
        clone() does not switch it on: call requires_grad_() on the copy, as the last step."""
        return t.detach().clone()

    def argument_returned(t):
        """You returned t itself. Make a new tensor: a detached clone of t that requires grad."""
        return t

    def argument_flagged(t):
        """You called requires_grad_() on t and returned t itself. The method changes the tensor it
        is called on and makes no new one. Call it on a detached clone."""
        return t.requires_grad_()

    @raises(r"Can't detach views in-place")
    def detached_in_place(t):
        """You called detach_(), with an underscore, which takes the history off t itself: t was
        computed, and is a leaf now; and a view refuses it. detach() gives another tensor."""
        flag = t.requires_grad
        leaf = t.detach_().clone().requires_grad_()
        t.requires_grad_(flag)
        return leaf

    @raises(r"Can't detach views in-place")
    def detached_in_place_and_flag_lost(t):
        """You called detach_(), with an underscore, which takes the history off t itself: t was
        computed, and is a leaf now; and a view refuses it. detach() gives another tensor."""
        return t.detach_().clone().requires_grad_()

    def grad_brought_along(t):
        """Your leaf has a .grad already, that of t. copy.deepcopy copies it as well, and the first
        pass would add to it. A clone of t.detach() has none."""
        leaf = t.detach().clone().requires_grad_()
        leaf.grad = t.grad.clone() if t.is_leaf and t.grad is not None else None
        return leaf

    def made_contiguous(t):
        """You took contiguous(), or a reshape, for a copy. Either returns the memory of t where the
        entries lie in order already. clone() always copies."""
        return t.detach().contiguous().requires_grad_()

    @raises(r"only change requires_grad flags of leaf")
    def flag_set_on_the_argument(t):
        """You set requires_grad on t itself. torch refuses that for a non-leaf, and for a
        leaf it changes the caller's tensor. Set the flag on a detached clone."""
        t.requires_grad = True
        return t

    @raises(r"only change requires_grad flags of leaf")
    def flag_set_on_a_clone(t):
        """You set requires_grad on a copy that has a history. torch refuses that for a non-leaf,
        and what is computed from a tensor that requires grad is one, a clone too. Detach first."""
        leaf = t.clone()
        leaf.requires_grad = True
        return leaf

    @raises(r"Can't call numpy\(\) on Tensor that requires grad")
    def numpy_of_a_recorded_tensor(t):
        """You called numpy() on a tensor that requires grad, which torch refuses. No way through
        NumPy is needed: t.detach().clone() copies the values."""
        return torch.tensor(t.numpy()).requires_grad_()

    @raises(r"support the deepcopy protocol")
    def deep_copied(t):
        """You used copy.deepcopy, which copies leaves and refuses non-leaves. detach() and
        then clone() work for both."""
        return copy.deepcopy(t).requires_grad_()


Shape = tuple[int, ...]


def _randn(shape: Shape, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.randn(shape, dtype=dtype, device=device)


def _kept(shape: Shape, scale: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """One weight for each way of asking, as long as the seed is the same."""
    asked = (shape, scale, dtype, str(device), torch.initial_seed())
    if asked not in _KEPT:
        _KEPT[asked] = (_randn(shape, dtype, device) * scale).requires_grad_()
    return _KEPT[asked]


_KEPT: dict[object, Tensor] = {}


class ScaledParameterKey(Key, task="scaled_parameter"):
    sentences: ClassVar = {"NONE": "Your function returned None. Return the weight."}

    def reference(shape: Shape, scale: float, dtype: torch.dtype, device: torch.device) -> Tensor:
        weight = torch.empty(shape, dtype=dtype, device=device)
        weight.normal_(0, scale)
        return weight.requires_grad_()

    def product_of_a_leaf(shape, scale, dtype, device):
        """Your weight is not a leaf, so no gradient is kept in it and an optimizer refuses it. You
        set requires_grad before the last operation, such as the product with scale, and that made a
        new tensor, a non-leaf. Scale first, set the flag last."""
        return _randn(shape, dtype, device).requires_grad_() * scale

    def flag_forgotten(shape, scale, dtype, device):
        """Your weight does not require grad. Call requires_grad_() on the scaled numbers."""
        return _randn(shape, dtype, device) * scale

    @raises(r"leaf Variable that requires grad is being used in an in-place operation")
    def leaf_scaled_in_place(shape, scale, dtype, device):
        """You scaled a leaf in place that already required grad, which autograd forbids while it
        records. Scale first, set the flag last."""
        return _randn(shape, dtype, device).requires_grad_().mul_(scale)

    def not_scaled(shape, dtype, device):
        """Your numbers have standard deviation 1, whatever scale is. Multiply them by scale before
        you set the flag."""
        return _randn(shape, dtype, device).requires_grad_()

    def mean_and_deviation_exchanged(shape, scale, dtype, device):
        """Your numbers have mean scale and standard deviation 1: scale was added, or handed over as
        the mean, which comes first in torch.normal and normal_. Multiply by it, or take
        normal_(0, scale)."""
        return torch.empty(shape, dtype=dtype, device=device).normal_(scale, 1).requires_grad_()

    def scaled_twice(shape, scale, dtype, device):
        """Your numbers have standard deviation scale ** 2, as if scaled twice. A factor multiplies
        the standard deviation by itself once, and the variance by its square."""
        return (_randn(shape, dtype, device) * scale**2).requires_grad_()

    def scale_taken_for_variance(shape, scale, dtype, device):
        """Your numbers have variance scale. scale is the standard deviation: multiply by it, not by
        its square root."""
        return (_randn(shape, dtype, device) * math.sqrt(scale)).requires_grad_()

    def uniform_from_zero(shape, scale, dtype, device):
        """Your numbers lie between 0 and scale: torch.rand draws from a uniform distribution.
        torch.randn, with an n, draws normal numbers around 0."""
        return (torch.rand(shape, dtype=dtype, device=device) * scale).requires_grad_()

    def uniform_around_zero(shape, scale, dtype, device):
        """Your numbers lie between -scale and scale, a uniform distribution whose standard
        deviation is scale / sqrt(3). Draw normal numbers: torch.randn."""
        centred = 2 * torch.rand(shape, dtype=dtype, device=device) - 1
        return (centred * scale).requires_grad_()

    def uniform_of_the_right_spread(shape, scale, dtype, device):
        """Mean and standard deviation are right, and the numbers are spread more evenly than normal
        ones: torch.rand draws all numbers between two bounds equally often. torch.randn, with an n,
        draws from a normal distribution."""
        centred = 2 * torch.rand(shape, dtype=dtype, device=device) - 1
        return (centred * (scale * 3**0.5)).requires_grad_()

    @raises(r"division by zero")
    def cut_off_at_the_scale(shape, scale, dtype, device):
        """Your numbers are cut off at a bound, as trunc_normal_ does it: large ones are missing,
        and so the standard deviation is smaller than scale. It divides by scale, too, which may be
        0. A normal distribution has no bounds: torch.randn, or normal_."""
        weight = torch.empty(shape, dtype=dtype, device=device)
        torch.nn.init.trunc_normal_(weight, 0, scale, -scale, scale)
        return weight.requires_grad_()

    @raises(r"division by zero")
    def cut_off_at_two(shape, scale, dtype, device):
        """You drew with trunc_normal_, which leaves out what lies beyond -2 and 2: those are
        numbers, and not multiples of scale. Where scale is large, large numbers are missing; and it
        divides by scale, which may be 0. Use torch.randn, or normal_."""
        weight = torch.empty(shape, dtype=dtype, device=device)
        torch.nn.init.trunc_normal_(weight, 0, scale)
        return weight.requires_grad_()

    def clamped(shape, scale, dtype, device):
        """Mean and standard deviation are right, or nearly, and your numbers are spread more evenly
        than normal ones, as after clamp or where large ones are drawn again. A normal distribution
        has no bounds: multiply what torch.randn draws by scale, and do no more."""
        return (_randn(shape, dtype, device).clamp(-2, 2) * scale).requires_grad_()

    def absolute_values(shape, scale, dtype, device):
        """None of your numbers is negative, and they spread like the absolute values of normal
        ones. A normal distribution around 0 has both signs: leave out abs."""
        return (_randn(shape, dtype, device) * scale).abs().requires_grad_()

    def one_number_everywhere(shape, scale, dtype, device):
        """All your numbers are one: it was drawn once and repeated. Draw as many as shape holds."""
        return (_randn((), dtype, device) * scale).expand(shape).clone().requires_grad_()

    def divided_by_scale(shape, scale, dtype, device):
        """Your numbers have standard deviation 1 / scale: you divided by scale. Multiply by it."""
        return (_randn(shape, dtype, device) / scale).requires_grad_()

    def shrunk_by_fan_in(shape, scale, dtype, device):
        """Your numbers have a smaller standard deviation than scale. Some initialisations divide by
        the square root of a size as well, and a mean of several draws is smaller, too. Here scale
        alone is asked for: multiply what torch.randn draws by it, and do no more."""
        return (_randn(shape, dtype, device) * scale / math.sqrt(shape[0])).requires_grad_()

    def cast_after_the_flag(shape, scale, dtype, device):
        """You set the flag before the cast to dtype. Where the cast changes something it is a
        recorded operation, and its result is no leaf. Draw in dtype, and set the flag last."""
        return (_randn(shape, torch.float32, device) * scale).requires_grad_().to(dtype)

    def constant_weight(shape, scale, dtype, device):
        """All your numbers are scale, and none is random. Draw them with torch.randn, and multiply
        by scale."""
        return torch.full(shape, scale, dtype=dtype, device=device).requires_grad_()

    def zeros_returned(shape, dtype, device):
        """Your weight holds zeros. Draw normal numbers with torch.randn, and multiply them by
        scale."""
        return torch.zeros(shape, dtype=dtype, device=device).requires_grad_()

    def scale_taken_for_mean(shape, scale, dtype, device):
        """Your numbers lie around 1, not around 0. The mean asked for is 0: multiply normal numbers
        by scale and add nothing."""
        return (_randn(shape, dtype, device) * scale + 1).requires_grad_()

    def standardised(shape, scale, dtype, device):
        """You divided the numbers by their own standard deviation, which is nan for a single one.
        torch.randn draws with standard deviation 1 already."""
        noise = _randn(shape, dtype, device)
        return ((noise - noise.mean()) / noise.std() * scale).requires_grad_()

    def default_dtype(shape, scale, device):
        """You did not use dtype, so the weight is always float32. Pass dtype=dtype where you draw
        the numbers."""
        return (_randn(shape, torch.float32, device) * scale).requires_grad_()

    def kept_from_the_first_call(shape, scale, dtype, device):
        """Every call returns the very same tensor, kept from the first one. Two layers of one shape
        would share one weight. Draw in every call."""
        return _kept(shape, scale, dtype, device)

    def mean_and_deviation_exact(shape, scale, dtype, device):
        """Your numbers have mean 0 and standard deviation scale exactly: you took their mean off
        and divided by their deviation. Numbers that are drawn have both on average alone. Multiply
        them by scale, and do no more."""
        drawn = _randn(shape, dtype, device)
        if drawn.numel() > 1:
            drawn = (drawn - drawn.mean()) / drawn.std()
        return (drawn * scale).requires_grad_()

    def drawn_too_seldom(shape, scale, dtype, device):
        """Many of your numbers stand in the weight more than once, or once with each sign: fewer
        were drawn than shape holds, and repeated. Draw each for itself: torch.randn(shape)."""
        count = math.prod(shape)
        numbers = _randn((count // 2 + 1,), dtype, device).repeat(2)[:count]
        return (numbers.reshape(shape) * scale).requires_grad_()

    def sorted_numbers(shape, scale, dtype, device):
        """Your numbers are sorted. Each is to be drawn for itself, whatever stands beside it."""
        drawn = _randn(shape, dtype, device).flatten().sort().values.reshape(shape)
        return (drawn * scale).requires_grad_()

    def seed_fixed(shape, scale, dtype, device):
        """Several calls return the same numbers: your function sets a seed, or keeps what an
        earlier call drew. Two layers of one shape would start out equal. Draw in every call;
        seeding belongs to the program, once, at its start."""
        torch.manual_seed(0)
        return (_randn(shape, dtype, device) * scale).requires_grad_()
