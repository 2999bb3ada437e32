"""Mistakes of an autograd.Function whose gradient is a factor times what arrives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from torch import Tensor
from torch.autograd import Function

from grader.trusted.key import mistake

NO_GRADIENT: Final = {
    "NONE.gradient": "{path} is None. Possible causes: backward returned None for it, or "
    "nothing at all; the result was not made by apply, or was detached.",
    "ZERO.gradient": "{path} is zero everywhere, and the right answer is not. Possible causes: "
    "backward returned zeros; a mask or another factor in it is 0 everywhere.",
}
"""A key's `sentences` where a Function of the answer's own makes the result."""

Mistakes = tuple[Callable[..., Any], ...]
Back = Callable[[Tensor, Tensor], Any]
"""What backward returns for x, from what arrives and the factor."""


def product(arriving: Tensor, factor: Tensor) -> Tensor:
    """The right one."""
    return arriving * factor


def applied(value: Callable[..., Tensor], back: Callable[..., Any], *given: Any) -> Any:
    """Apply a Function to arguments, tensors or None, all of which it saves.

    `value(*given)` is its result; backward returns `back(needed, arriving, *given)`, where `needed`
    has a flag for each argument.
    """

    class Applied(Function):
        @staticmethod
        def forward(ctx, *given):  # type: ignore[no-untyped-def]
            ctx.save_for_backward(*given)
            return value(*given)

        @staticmethod
        def backward(ctx, arriving):  # type: ignore[no-untyped-def]
            return back(ctx.needs_input_grad, arriving, *ctx.saved_tensors)

    return Applied.apply(*given)  # type: ignore[no-untyped-call]


def kept_outside(value: Callable[..., Tensor], back: Callable[..., Any]) -> Mistakes:
    """What backward needs is kept where every call writes; `value` and `back` as for `applied`."""

    class Outside(Function):
        kept: tuple[Tensor | None, ...] = ()

        @staticmethod
        def forward(ctx, *given):  # type: ignore[no-untyped-def]
            Outside.kept = tuple(None if t is None else t.detach() for t in given)
            return value(*given)

        @staticmethod
        def backward(ctx, arriving):  # type: ignore[no-untyped-def]
            return back(ctx.needs_input_grad, arriving, *Outside.kept)

    return (
        mistake(
            "kept_outside_of_ctx",
            "You keep what backward needs on the class, or elsewhere outside of ctx. Every call "
            "writes there, so that after another call backward finds the numbers of that one. Keep "
            "it by ctx.save_for_backward.",
            lambda *given: Outside.apply(*given),  # type: ignore[no-untyped-call]
        ),
    )


def pointwise(
    value: Callable[..., Tensor],
    factor: Callable[..., Tensor],
    x: Tensor,
    *numbers: float,
    back: Back = product,
    saves: tuple[str, ...] = ("y",),
) -> Any:
    """Apply a Function to x and some numbers.

    `value(x, *numbers)` is its result and `factor(x, y, *numbers)` its derivative; `saves` names
    what goes through save_for_backward, of x and y.
    """

    class Pointwise(Function):
        @staticmethod
        def forward(ctx, x):  # type: ignore[no-untyped-def]
            y = value(x, *numbers)
            ctx.save_for_backward(*({"x": x, "y": y}[name] for name in saves))
            return y

        @staticmethod
        def backward(ctx, arriving):  # type: ignore[no-untyped-def]
            kept = dict(zip(saves, ctx.saved_tensors, strict=True))
            given = kept.get("x", x.detach())
            y = kept["y"] if "y" in kept else value(given, *numbers)
            return back(arriving, factor(given, y, *numbers))

    return Pointwise.apply(x)  # type: ignore[no-untyped-call]


def _edited(arriving: Tensor, factor: Tensor) -> Tensor:
    return arriving.mul_(factor)


_BACK: dict[str, tuple[Back, str]] = {
    "derivative_alone": (
        lambda arriving, factor: factor,
        "backward returned the derivative alone. It gets the gradient of the loss with respect to "
        "the result, and returns that with respect to x: multiply the derivative by what arrives.",
    ),
    "arriving_passed_on": (
        lambda arriving, factor: arriving.clone(),
        "backward returned what arrives as it is: that is the gradient of the identity. Multiply "
        "it by the derivative of your function.",
    ),
    "arriving_summed": (
        lambda arriving, factor: factor * arriving.sum(),
        "backward multiplied the derivative by the sum of what arrives. Every entry of x belongs "
        "to the entry of the result in its place: multiply entry by entry.",
    ),
    "added_not_multiplied": (
        lambda arriving, factor: arriving + factor,
        "backward added the derivative to what arrives. Along a path derivatives are multiplied.",
    ),
    "none_for_x": (
        lambda arriving, factor: None,
        "backward returned None for x, which means that there is no gradient. Return the product: "
        "a missing `return` gives None as well.",
    ),
}


def _remembering() -> Back:
    """What backward does that hands out the gradient of its first pass in every later one."""
    kept: list[Tensor] = []

    def back(arriving: Tensor, factor: Tensor) -> Tensor:
        kept.append(arriving * factor)
        return kept[0]

    return back


def of_backward(run: Callable[..., Any], *without: str) -> Mistakes:
    """What is made of a factor and what arrives; `run(*given, back=…)` is the exercise."""

    def with_(back: Back) -> Callable[..., Any]:
        return lambda *given: run(*given, back=back)

    kept = mistake(
        "first_gradient_kept",
        "A second backward pass gets the gradient of the first: backward kept it. Other numbers "
        "may arrive in each pass. Compute the gradient anew every time.",
        lambda *given: run(*given, back=_remembering()),
    )
    made = tuple(
        mistake(name, sentence, with_(back))
        for name, (back, sentence) in _BACK.items()
        if name not in without
    )
    return (*made, kept)


def misused(value: Callable[[Tensor], Tensor]) -> Mistakes:
    """Slips of a Function of one tensor that raise; `value` is what it computes."""

    class NotUnpacked(Function):
        @staticmethod
        def forward(ctx, x):  # type: ignore[no-untyped-def]
            y = value(x)
            ctx.save_for_backward(x, y)
            return y

        @staticmethod
        def backward(ctx, arriving):  # type: ignore[no-untyped-def]
            return arriving * ctx.saved_tensors

    class WithoutCtx(Function):
        @staticmethod
        def forward(x):  # type: ignore[no-untyped-def]
            return value(x)

    class BackwardWithoutCtx(Function):
        @staticmethod
        def forward(ctx, x):  # type: ignore[no-untyped-def]
            return value(x)

        @staticmethod
        def backward(arriving):  # type: ignore[no-untyped-def]
            return arriving

    without_ctx = (
        "torch calls your method with one argument more than it takes. The first argument of "
        "forward and of backward is ctx: forward(ctx, x). Only with setup_context has forward "
        "no ctx."
    )
    one_too_many = r"takes \d+ positional arguments? but \d+ (was|were) given"
    return (
        mistake(
            "not_unpacked",
            "You computed with a tuple. ctx.saved_tensors is one, also where one tensor was saved: "
            "take it out, by (y,) = ctx.saved_tensors.",
            lambda x: NotUnpacked.apply(x),  # type: ignore[no-untyped-call]
            raises="'tuple'|of a single element can be converted to an index",
        ),
        mistake(
            "without_ctx",
            without_ctx,
            lambda x: WithoutCtx.apply(x),  # type: ignore[no-untyped-call]
            raises=one_too_many,
        ),
        mistake(
            "backward_without_ctx",
            without_ctx,
            lambda x: BackwardWithoutCtx.apply(x),  # type: ignore[no-untyped-call]
            raises=one_too_many,
        ),
    )


def arriving_edited(run: Callable[..., Any]) -> Mistakes:
    """backward writes into what arrives, which others read too."""
    sentence = (
        "backward wrote into grad_output, with an operation such as mul_. The tensor that arrives "
        "belongs to others: what else the result went to may get the same one. Return a new tensor."
    )
    text = "single memory location|a leaf Variable that requires grad"
    return (
        mistake("arriving_edited", sentence, lambda *given: run(*given, back=_edited), raises=text),
    )


def _wrongly_saved(right: Callable[..., Any]) -> Mistakes:
    """What save_for_backward does not take; it says so where an argument requires grad alone."""

    def saving(made: Callable[[Any], Any]) -> Callable[..., Any]:
        class Saving(Function):
            @staticmethod
            def forward(ctx, *given):  # type: ignore[no-untyped-def]
                y = right(*given)
                ctx.save_for_backward(made(y))
                return y

        return lambda *given: Saving.apply(*given)  # type: ignore[no-untyped-call]

    return (
        mistake(
            "number_saved",
            "You gave save_for_backward a number. It takes tensors (and None) alone: a number may "
            "be an attribute of ctx.",
            saving(lambda y: 0.5),
            raises=r"save_for_backward can only save variables.* type (float|int|bool)\b",
        ),
        mistake(
            "list_saved",
            "You gave save_for_backward a list or tuple of tensors. It takes the tensors "
            "themselves, one after the other: ctx.save_for_backward(a, b).",
            saving(lambda y: (y,)),
            raises=r"save_for_backward can only save variables.* type (list|tuple)\b",
        ),
    )


def around(
    right: Callable[..., Any], by_torch: Callable[..., Any] | None, *tensors: int
) -> Mistakes:
    """The right values without a Function of one's own, and off the graph; what cannot be saved.

    `tensors` are the places of the arguments that are tensors. `by_torch` is torch's own function
    of the exercise, or None where any way is welcome.
    """

    def cut(*given: Any) -> Any:
        return right(*(one.detach() if at in tensors and isinstance(one, Tensor) else one
                       for at, one in enumerate(given)))  # fmt: skip

    found = [
        mistake(
            "cut_off",
            "The values are right, and no gradient can come back: your result has no graph. So it "
            "is where what is given to apply, or the result, is detached or goes through a list or "
            "NumPy, where all is done under no_grad, and where forward is called by itself. Give "
            "apply the tensors as they are, and return what it gives.",
            cut,
        ),
        *_wrongly_saved(right),
    ]
    if by_torch is not None:
        found.append(
            mistake(
                "no_function",
                "The values and gradients are right, and they are torch's: no Function of yours "
                "stands in the graph. Write forward and backward, and call its apply.",
                lambda *given: by_torch(*given),
            )
        )
    return tuple(found)
