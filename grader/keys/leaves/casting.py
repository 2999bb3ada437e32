"""Reference and mistakes of the exercise that makes a leaf of another dtype."""

import itertools
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor

from grader.trusted.key import Key, mistake, raises

Mistakes = tuple[Callable[..., object], ...]


def _must_be_differentiable(dtype: torch.dtype) -> None:
    if not (dtype.is_floating_point or dtype.is_complex):
        raise TypeError(f"tensors of {dtype} cannot require grad")


def _integers_too(name: str, also: str, cast: Callable[..., Tensor]) -> Mistakes:
    """A wrong cast that does not ask for the dtype first, with and without the call that raises."""

    def left_to_torch(t: Tensor, dtype: torch.dtype) -> Tensor:
        return cast(t, dtype).requires_grad_()

    def let_through(t: Tensor, dtype: torch.dtype) -> Tensor:
        leaf = cast(t, dtype)
        return leaf.requires_grad_() if dtype.is_floating_point or dtype.is_complex else leaf

    return (
        mistake(
            f"{name}_and_integers_left_to_torch",
            "For an integer or boolean dtype torch raises RuntimeError, and the task asks for "
            f"TypeError: test the dtype first. {also}",
            left_to_torch,
            raises=r"[Oo]nly Tensors of floating point",
        ),
        mistake(
            f"{name}_and_integers_let_through",
            "For an integer or boolean dtype you raised nothing: test the dtype first, and raise "
            f"TypeError. {also}",
            let_through,
        ),
    )


def _some_integers(*names: str) -> Mistakes:
    """The dtypes that are refused were listed by hand, and some are missing in the list."""
    missing = [getattr(torch, name) for name in names]
    name = "_and_".join(names)

    def cast(t: Tensor, dtype: torch.dtype) -> Tensor:
        if dtype not in missing:
            _must_be_differentiable(dtype)
        return t.detach().to(dtype, copy=True)

    def left_to_torch(t: Tensor, dtype: torch.dtype) -> Tensor:
        return cast(t, dtype).requires_grad_()

    def let_through(t: Tensor, dtype: torch.dtype) -> Tensor:
        leaf = cast(t, dtype)
        return leaf.requires_grad_() if dtype.is_floating_point or dtype.is_complex else leaf

    found = " and ".join(map(str, missing))
    sentence = (
        f"You raise TypeError for int64, and not for {found}. Integers and truth values cannot "
        "require grad: ask dtype.is_floating_point and dtype.is_complex, which need no list."
    )
    return (
        mistake(
            f"{name}_left_to_torch",
            sentence,
            left_to_torch,
            raises=r"[Oo]nly Tensors of floating point",
        ),
        mistake(f"{name}_let_through", sentence, let_through),
    )


def _refusing(name: str, kinds: str, *refused: torch.dtype) -> Callable[..., object]:
    """Dtypes that can require grad are refused: what may was listed by hand."""

    def refuses(t: Tensor, dtype: torch.dtype) -> Tensor:
        if dtype in refused:
            raise TypeError
        _must_be_differentiable(dtype)
        return t.detach().to(dtype, copy=True).requires_grad_()

    found = " and ".join(str(one).removeprefix("torch.") for one in refused)
    sentence = (
        f"You refused {found}. Every {kinds} dtype can require grad: ask dtype.is_floating_point "
        "and dtype.is_complex, which need no list."
    )
    return mistake(name, sentence, refuses, raises="")


def _copied(t: Tensor, dtype: torch.dtype) -> Tensor:
    return t.to(dtype, copy=True)


def _cast(t: Tensor, dtype: torch.dtype) -> Tensor:
    return t.to(dtype)


def _detached(t: Tensor, dtype: torch.dtype) -> Tensor:
    return t.detach().to(dtype)


def _through_float32(t: Tensor, dtype: torch.dtype) -> Tensor:
    return t.detach().float().to(dtype, copy=True)


class CastLeafKey(Key, task="cast_leaf"):
    families = (
        _refusing("float16_refused", "floating point", torch.float16),
        _refusing("float8_refused", "floating point", torch.float8_e5m2),
        _refusing("float8_and_float16_refused", "floating point", torch.float16, torch.float8_e5m2),
        _refusing(
            "float8_and_complex128_refused",
            "floating point or complex",
            *(torch.complex128, torch.float8_e5m2),
        ),
        *_integers_too(
            "history",
            "Also, detach t before you cast it: if t requires grad, the cast is recorded and its "
            "result no leaf.",
            _copied,
        ),
        *_integers_too(
            "history_and_memory",
            "Also, detach t and copy it: if t requires grad, a cast is recorded and its result no "
            "leaf; and where t has the dtype already, to(dtype) returns t itself.",
            _cast,
        ),
        *_integers_too(
            "memory",
            "Also, where t has the dtype already, to(dtype) copies nothing, and your leaf uses the "
            "memory of t: pass copy=True, or clone.",
            _detached,
        ),
        *_integers_too(
            "float32",
            "Also, you cast to float32 on the way, which keeps about 7 digits of 16.",
            _through_float32,
        ),
        *itertools.chain.from_iterable(
            _some_integers(*missing)
            for count in range(1, 6)
            for missing in itertools.combinations(
                ("bool", "uint8", "int8", "int16", "int32"), count
            )
        ),
    )
    sentences: ClassVar = {"NONE": "Your function returned None. Return the leaf."}

    def reference(t: Tensor, dtype: torch.dtype) -> Tensor:
        _must_be_differentiable(dtype)
        with torch.no_grad():
            leaf = torch.empty_like(t, dtype=dtype).copy_(t)
        return leaf.requires_grad_()

    def flag_before_cast(t, dtype):
        """You set the flag and cast afterwards. A cast of a tensor that requires grad is a recorded
        operation, so its result is no leaf. Cast first, set the flag last."""
        _must_be_differentiable(dtype)
        return t.detach().clone().requires_grad_().to(dtype)

    def history_kept(t, dtype):
        """You cast t without detaching it. If t requires grad, the cast is recorded and its result
        no leaf; if t has the dtype already, the cast returns t itself. Detach first, and copy."""
        _must_be_differentiable(dtype)
        return t.to(dtype).requires_grad_()

    def memory_shared_if_same(t, dtype):
        """Where t has the dtype already, your leaf uses the memory of t: to(dtype) copies nothing
        then. Pass copy=True, or clone."""
        _must_be_differentiable(dtype)
        return t.detach().to(dtype).requires_grad_()

    def flag_before_cast_and_integers_let_through(t, dtype):
        """You set the flag and cast afterwards. Such a cast is recorded, so its result is no leaf;
        and one to integers or bool has no flag, and raised nothing. Test the dtype first and raise
        TypeError, then cast, and set the flag last."""
        return t.detach().clone().requires_grad_().to(dtype)

    def dtype_ignored(t, dtype):
        """Your leaf has the dtype of t, whatever was asked for. to() does not change a tensor but
        returns another: use its result."""
        _must_be_differentiable(dtype)
        return t.detach().clone().requires_grad_()

    def flag_forgotten(t, dtype):
        """Your leaf does not require grad. Call requires_grad_() on the cast copy."""
        _must_be_differentiable(dtype)
        return t.detach().to(dtype, copy=True)

    def always_float32(t, dtype):
        """You cast to float32, whatever dtype is asked for. Hand dtype over: t.to(dtype)."""
        if not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError("cannot require grad")
        return t.detach().to(torch.float32, copy=True).requires_grad_()

    def integers_let_through(t, dtype):
        """For an integer or boolean dtype you raised nothing. Such tensors cannot require grad, and
        a caller who gets one finds out much later: raise TypeError."""
        leaf = t.detach().to(dtype, copy=True)
        return leaf.requires_grad_(dtype.is_floating_point or dtype.is_complex)

    @raises(r"[Oo]nly Tensors of floating point")
    def integers_left_to_torch(t, dtype):
        """For an integer or boolean dtype you let torch raise its RuntimeError. Test the dtype
        first and raise TypeError, which says that the argument was wrong."""
        return t.detach().to(dtype, copy=True).requires_grad_()

    @raises(r"^(?!.*[Oo]nly Tensors of floating point)")
    def runtime_error(t, dtype):
        """For an integer or boolean dtype you raised RuntimeError. The task asks for TypeError."""
        if not (dtype.is_floating_point or dtype.is_complex):
            raise RuntimeError
        return t.detach().to(dtype, copy=True).requires_grad_()

    @raises("")
    def assertion_error(t, dtype):
        """For an integer or boolean dtype you raised AssertionError. The task asks for TypeError;
        and Python leaves assert lines out when it is started with -O."""
        assert dtype.is_floating_point or dtype.is_complex
        return t.detach().to(dtype, copy=True).requires_grad_()

    def value_error(t, dtype):
        """For an integer or boolean dtype you raised ValueError. The task asks for TypeError."""
        if not (dtype.is_floating_point or dtype.is_complex):
            raise ValueError
        return t.detach().to(dtype, copy=True).requires_grad_()

    def grad_brought_along(t, dtype):
        """Your leaf has a .grad already, that of t. copy.deepcopy copies it as well, and the first
        pass would add to it. What to() makes of t.detach() has none."""
        _must_be_differentiable(dtype)
        leaf = t.detach().to(dtype, copy=True).requires_grad_()
        leaf.grad = t.grad.to(dtype) if t.is_leaf and t.grad is not None else None
        return leaf

    @raises("")
    def complex128_refused(t, dtype):
        """You refused complex128. Every complex dtype can require grad: ask
        dtype.is_floating_point and dtype.is_complex, which need no list."""
        if not (dtype.is_floating_point or dtype == torch.complex64):
            raise TypeError
        return t.detach().to(dtype, copy=True).requires_grad_()

    def imaginary_part_filled(t, dtype):
        """Your complex leaf has numbers in its imaginary part. t is real: its values as complex
        numbers have the imaginary part 0, which to(dtype) gives."""
        _must_be_differentiable(dtype)
        values = t.detach()
        values = torch.complex(values, values) if dtype.is_complex else values
        return values.to(dtype, copy=True).requires_grad_()

    def through_float16(t, dtype):
        """You cast to float16 on the way to bfloat16. It has no number beyond 65504, which bfloat16
        has: cast in one step, from the dtype of t to the one that is asked for."""
        _must_be_differentiable(dtype)
        values = t.detach().half() if dtype == torch.bfloat16 else t.detach()
        return values.to(dtype, copy=True).requires_grad_()

    @raises("")
    def some_floats_refused(t, dtype):
        """You refused a floating point dtype, or a complex one. Every one of them can require grad,
        bfloat16 as well: ask dtype.is_floating_point and dtype.is_complex."""
        if dtype not in (torch.float32, torch.float64):
            raise TypeError
        return t.detach().to(dtype, copy=True).requires_grad_()

    def through_float32(t, dtype):
        """You cast to float32 on the way, which keeps about 7 digits of 16. Cast in one step, from
        the dtype of t to the one that is asked for."""
        _must_be_differentiable(dtype)
        return t.detach().float().to(dtype, copy=True).requires_grad_()

    def cast_and_cloned(t, dtype):
        """You copied and cast t without detaching it. If t requires grad, that is recorded, and
        the result is no leaf. Detach first."""
        _must_be_differentiable(dtype)
        return t.to(dtype).clone().requires_grad_()

    @raises("")
    def complex_refused_and_memory_shared(t, dtype):
        """You refused a complex dtype, which can require grad: test is_complex as well. And where t
        has the dtype already, your leaf uses the memory of t: pass copy=True, or clone."""
        if not dtype.is_floating_point:
            raise TypeError
        return t.detach().to(dtype).requires_grad_()

    @raises("")
    def complex_refused_and_history_kept(t, dtype):
        """You refused a complex dtype, which can require grad: test is_complex as well. And detach
        t before you cast it: if t requires grad, the cast is recorded and its result no leaf."""
        if not dtype.is_floating_point:
            raise TypeError
        return t.to(dtype, copy=True).requires_grad_()

    @raises("")
    def complex_refused(t, dtype):
        """You refused a complex dtype. Complex tensors can require grad, but is_floating_point is
        False for them: test is_complex as well."""
        if not dtype.is_floating_point:
            raise TypeError
        return t.detach().to(dtype, copy=True).requires_grad_()
