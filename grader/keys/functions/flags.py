"""Mistakes of a linear layer's backward about what is asked for: ctx.needs_input_grad."""

from grader.keys.functions.formula import Layer
from grader.trusted.key import raises


def everything_computed(x, w, b):
    """The gradients are right, and for a tensor that does not require grad backward makes one
    of its size as well, a gradient or zeros. ctx.needs_input_grad has a flag for each argument
    of forward: ask it before each product, and return None."""
    return Layer(wanted=lambda needed, b: (True, True, b is not None))(x, w, b)


def x_and_w_in_any_case(x, w, b):
    """The gradients are right, and where x or w does not require grad backward makes a tensor
    of its size as well, a gradient or zeros. ctx.needs_input_grad has a flag for each: ask it
    before each product, and return None."""
    return Layer(wanted=lambda needed, b: (True, True, needed[2]))(x, w, b)


@raises("gradient different than None")
def flags_of_x_and_w_exchanged(x, w, b):
    """You took the first flag of ctx.needs_input_grad for that of w, and the second for that of
    x. They stand in the order of forward's arguments: x, w, b."""
    return Layer(wanted=lambda needed, b: (needed[1], needed[0], needed[2]))(x, w, b)


def flag_of_x_asked_for_w(x, w, b):
    """You computed the gradient of w where x requires grad. Ask the flag of w for it, the
    second of ctx.needs_input_grad: x may be data, and w trained."""
    return Layer(wanted=lambda needed, b: (needed[0], needed[0], needed[2]))(x, w, b)


def flag_of_w_asked_for_x(x, w, b):
    """You computed the gradient of x where w requires grad. Ask the flag of x for it, the first
    of ctx.needs_input_grad: w may be frozen, and x the result of a layer that is trained."""
    return Layer(wanted=lambda needed, b: (needed[1], needed[1], needed[2]))(x, w, b)


def flag_of_w_asked_for_b(x, w, b):
    """You computed the gradient of b where w requires grad. Ask the flag of b for it, the third
    of ctx.needs_input_grad: w may be frozen, and b trained."""
    return Layer(wanted=lambda needed, b: (*needed[:2], needed[1] and b is not None))(x, w, b)


def flag_of_x_asked_for_b(x, w, b):
    """You computed the gradient of b where x requires grad. Ask the flag of b for it, the third
    of ctx.needs_input_grad: x may be data, and b trained."""
    return Layer(wanted=lambda needed, b: (*needed[:2], needed[0] and b is not None))(x, w, b)


def bias_in_any_case(x, w, b):
    """The gradients are right, and where b does not require grad backward makes a tensor of its
    size as well. Ask the flag of b, the third of ctx.needs_input_grad: b may be frozen."""
    return Layer(wanted=lambda needed, b: (*needed[:2], b is not None))(x, w, b)


def nothing_where_x_is_frozen(x, w, b):
    """Where x does not require grad, backward returned None for all three. w and b may require
    grad all the same: ask the flag of each."""
    return Layer(wanted=lambda needed, b: needed if needed[0] else (False,) * 3)(x, w, b)


FLAGS = (
    everything_computed,
    x_and_w_in_any_case,
    flags_of_x_and_w_exchanged,
    flag_of_x_asked_for_w,
    flag_of_w_asked_for_x,
    flag_of_w_asked_for_b,
    flag_of_x_asked_for_b,
    bias_in_any_case,
    nothing_where_x_is_frozen,
)
