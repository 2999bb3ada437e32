"""Reference and mistakes of the exercise on a Function that keeps its result."""

import torch
from torch import Tensor
from torch.autograd import Function

from grader.trusted.families.functions import (
    NO_GRADIENT,
    around,
    arriving_edited,
    of_backward,
    pointwise,
    product,
)
from grader.trusted.key import Key, raises


def _value(x, k):
    return torch.tanh(k * x)


def _slope(x, y, k):
    return k * (1 - y**2)


def _tanh(x, k, back=product, factor=_slope, value=_value, saves=("y",)):
    return pointwise(value, factor, x, k, back=back, saves=saves)


class _Base(Function):
    @staticmethod
    def forward(ctx, x, k):
        y = torch.tanh(k * x)
        ctx.k = k
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, arriving):
        (y,) = ctx.saved_tensors
        return arriving * ctx.k * (1 - y**2), None


class _OnCtx(_Base):
    @staticmethod
    def forward(ctx, x, k):
        ctx.k, ctx.y = k, torch.tanh(k * x)
        return ctx.y

    @staticmethod
    def backward(ctx, arriving):
        return arriving * ctx.k * (1 - ctx.y**2), None


class _OnCtxInBackward(_Base):
    @staticmethod
    def backward(ctx, arriving):
        (ctx.y,) = ctx.saved_tensors
        return arriving * ctx.k * (1 - ctx.y**2), None


class _AliasOnCtx(_OnCtx):
    @staticmethod
    def forward(ctx, x, k):
        y = torch.tanh(k * x)
        ctx.k, ctx.y = k, y.detach()
        return y


class _OnTheClass(_OnCtx):
    y: Tensor

    @staticmethod
    def forward(ctx, x, k):
        ctx.k, _OnTheClass.y = k, torch.tanh(k * x)
        return _OnTheClass.y.clone()

    @staticmethod
    def backward(ctx, arriving):
        return arriving * ctx.k * (1 - _OnTheClass.y**2), None


class _XOnCtx(_OnCtx):
    @staticmethod
    def forward(ctx, x, k):
        ctx.k, ctx.x = k, x
        return torch.tanh(k * x)

    @staticmethod
    def backward(ctx, arriving):
        return arriving * ctx.k * (1 - torch.tanh(ctx.k * ctx.x) ** 2), None


class _KOnTheClass(_Base):
    k: float

    @staticmethod
    def forward(ctx, x, k):
        _KOnTheClass.k = k
        return _Base.forward(ctx, x, k)

    @staticmethod
    def backward(ctx, arriving):
        (y,) = ctx.saved_tensors
        return arriving * _KOnTheClass.k * (1 - y**2), None


class _OnBoth(_OnCtx):
    @staticmethod
    def forward(ctx, x, k):
        ctx.k, ctx.y = k, torch.tanh(k * x)
        ctx.save_for_backward(ctx.y)
        return ctx.y

    @staticmethod
    def backward(ctx, arriving):
        (y,) = ctx.saved_tensors
        return arriving * ctx.k * (1 - y**2), None


class _NotUnpacked(_Base):
    @staticmethod
    def backward(ctx, arriving):
        return arriving * ctx.k * (1 - ctx.saved_tensors**2), None


class _OneGradient(_Base):
    @staticmethod
    def backward(ctx, arriving):
        return _Base.backward(ctx, arriving)[0]


class _GradientOfK(_Base):
    @staticmethod
    def backward(ctx, arriving):
        gx, _ = _Base.backward(ctx, arriving)
        return gx, gx.sum()


class KeptResultKey(Key, task="kept_result"):
    sentences = NO_GRADIENT

    def reference(x: Tensor, k: float) -> Tensor:
        return _tanh(x, k)

    def result_on_ctx(x, k):
        """Your Function keeps its result as an attribute of ctx, as the broken one does, or outside
        of it. On ctx each keeps the other alive until Python searches for cycles: the result knows
        its node, and the node is ctx. And nothing notices an edit. Use ctx.save_for_backward."""
        return _OnCtx.apply(x, k)

    def alias_on_ctx(x, k):
        """Nothing of yours keeps the result alive, and backward reads its memory without torch's
        knowledge: what you kept is a detached tensor, as .data and detach() give one, or a weak
        reference. After an edit in place the gradient is wrong, and nothing is said. Give the
        result itself to ctx.save_for_backward."""
        return _AliasOnCtx.apply(x, k)

    def result_on_the_class(x, k):
        """You keep the result outside of ctx, in an attribute of the class or a variable: the next
        call writes over it, and then the first one's gradient is wrong. ctx is made anew for every
        call: use ctx.save_for_backward."""
        return _OnTheClass.apply(x, k)

    def x_on_ctx(x, k):
        """You kept x, or a tensor on its memory, where torch does not see an edit of it: as an
        attribute of ctx, outside of it, or as x.data, whose edits are counted apart. It makes no
        cycle, but after an edit of x in place the gradient is wrong, and nothing is said. Give x
        itself, or the result, to ctx.save_for_backward."""
        return _XOnCtx.apply(x, k)

    def kept_from_a_pass_on(x, k):
        """The result is kept alive from the first backward pass on: there it becomes an attribute
        of ctx, or of something else that stays. Give it a name inside of backward, and no other."""
        return _OnCtxInBackward.apply(x, k)

    def kept_twice(x, k):
        """No edit goes unnoticed, and the result is kept alive all the same: it is still an
        attribute of ctx, of the class or of a list outside, besides save_for_backward or up to the
        first backward pass. Give it a name inside of forward, and no other."""
        return _OnBoth.apply(x, k)

    def k_on_the_class(x, k):
        """You keep k outside of ctx, in an attribute of the class or a variable: the next call
        writes over it, and then the first one's gradient has the factor of that. A number may be an
        attribute of ctx: ctx.k = k."""
        return _KOnTheClass.apply(x, k)

    @raises("'tuple'|of a single element can be converted to an index")
    def not_unpacked(x, k):
        """You computed with a tuple. ctx.saved_tensors is one, also where one tensor was saved:
        take it out, by (y,) = ctx.saved_tensors."""
        return _NotUnpacked.apply(x, k)

    @raises("incorrect number of gradients")
    def one_gradient(x, k):
        """backward has to return one value for every argument of forward: the gradient of x, and
        None for k, which is a number, as a tuple. A list counts as one value."""
        return _OneGradient.apply(x, k)

    @raises("gradient different than None")
    def gradient_for_k(x, k):
        """backward returned a gradient for k, which is a number and no tensor: return None in its
        place."""
        return _GradientOfK.apply(x, k)

    def inner_factor_forgotten(x, k):
        """The gradient lacks the factor k: x reaches the result through k * x, and the derivative
        of that belongs to the product."""
        return _tanh(x, k, factor=lambda x, y, k: 1 - y**2)

    def x_for_the_result(x, k):
        """You computed 1 - x ** 2. The derivative of tanh is 1 minus the square of the *result*,
        tanh(k * x)."""
        return _tanh(x, k, factor=lambda x, y, k: k * (1 - x**2), saves=("x",))

    def not_squared(x, k):
        """You computed 1 - y. The derivative of tanh is 1 - y ** 2, where y is the result."""
        return _tanh(x, k, factor=lambda x, y, k: k * (1 - y))

    def tanh_of_the_result(x, k):
        """In backward you took the tanh of the result, which is a tanh already. The derivative is
        k * (1 - y ** 2), where y is the result."""
        return _tanh(x, k, factor=lambda x, y, k: k * (1 - torch.tanh(y) ** 2))

    def tanh_of_the_result_times_k(x, k):
        """In backward you took the tanh of k times the result, which is tanh(k * x) already. The
        derivative is k * (1 - y ** 2), where y is the result."""
        return _tanh(x, k, factor=lambda x, y, k: k * (1 - torch.tanh(k * y) ** 2))

    def sigmoid(x, k):
        """You used y * (1 - y), which is the derivative of the sigmoid. That of tanh is
        1 - y ** 2."""
        return _tanh(x, k, factor=lambda x, y, k: k * y * (1 - y))

    def k_outside(x, k):
        """Your result is k * tanh(x). k belongs inside: tanh(k * x)."""
        return _tanh(x, k, value=lambda x, k: k * x.tanh(), factor=lambda x, y, k: k - y**2 / k)

    def k_missing_inside(x, k):
        """The result is right. In backward you took the tanh of x: take that of k * x, which is the
        result."""
        return _tanh(x, k, factor=lambda x, y, k: k * (1 - torch.tanh(x) ** 2), saves=("x",))

    @raises("modified by an inplace operation")
    def saved_edited(x, k):
        """backward wrote into the result that it had saved, with an operation such as mul_: that is
        the caller's own tensor, and the next pass needs it as it was. Compute a new tensor."""
        return _tanh(x, k, factor=lambda x, y, k: k * (1 - y.mul_(y)))

    def saved_edited_unnoticed(x, k):
        """backward wrote into the result that it had saved, through detach() or .data: that is the
        caller's own tensor, and the next pass needs it as it was. Compute a new tensor."""
        return _tanh(x, k, factor=lambda x, y, k: k * y.detach().pow_(2).neg_().add_(1))

    def saved_made_into_the_slope(x, k):
        """backward wrote into the result that it had saved until it held the derivative: that is
        the caller's own tensor, and the next pass needs it as it was. Compute a new tensor."""
        return _tanh(x, k, factor=lambda x, y, k: y.detach().pow_(2).neg_().add_(1).mul_(k))

    def saved_made_into_the_gradient(x, k):
        """backward wrote into the result that it had saved until it held the gradient: that is the
        caller's own tensor, and the next pass needs it as it was. Compute a new tensor."""
        return _tanh(
            x,
            k,
            back=lambda arriving, y: y.detach().pow_(2).neg_().add_(1).mul_(k).mul_(arriving),
            factor=lambda x, y, k: y,
        )

    @raises("'NoneType'")
    def nothing_kept(x, k):
        """Something that backward computes with is None. It was thrown away in an earlier pass, as
        by ctx.y = None, or never kept, or a function of yours returns nothing. There may be several
        passes: give the result to ctx.save_for_backward, which makes no cycle, and throw nothing
        away."""
        return _tanh(x, k, factor=lambda x, y, k: k * (1 - None**2))

    def k_ignored(x, k):
        """Your result is tanh(x): k is missing in forward."""
        return _tanh(x, k, value=lambda x, k: x.tanh(), factor=lambda x, y, k: 1 - y**2)

    families = (
        *of_backward(_tanh),
        *arriving_edited(_tanh),
        *around(_tanh, lambda x, k: torch.tanh(k * x), 0),
    )
