"""Reference and mistakes of the exercise that says of a tensor what one looks at first."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from grader.tasks.scripts.spelled import spelled
from grader.trusted.key import Key, Pair, raises

About = dict[str, Any]


def _about(t: Tensor, **changes: Any) -> About:
    node = t.grad_fn
    about: About = {
        "shape": tuple(t.shape),
        "dtype": str(t.dtype),
        "device": str(t.device),
        "requires_grad": t.requires_grad,
        "is_leaf": t.is_leaf,
        "grad_fn": None if node is None else node.name(),
    }
    return about | changes


def _cut_out(t: Tensor) -> str:
    return str(t.grad_fn).split(" ")[0].strip("<>")


_OF_PARTS = (
    ("dtype_itself", "dtype_without_torch", "type_for_dtype"),
    ("device_itself", "kind_for_device", "cpu_for_every_device"),
    ("shape_as_list", "count_for_shape", "length_for_shape", "shape_as_text", "shape_as_size_text"),
    ("type_of_none", "text_of_the_node", "none_as_text", "node_itself", "empty_name"),
    ("leaf_by_the_flag", "leaf_with_the_flag", "leaf_where_no_grad"),
    ("grad_where_a_node", "grad_where_a_gradient"),
)
"""Mistakes in one entry of the dict each, entry by entry."""


def _kind(value: Any) -> tuple[Any, ...]:
    """A value and its type: a list is another one than a tuple."""
    return type(value), spelled(value)


def _two_parts(mistakes: dict[str, Any]) -> Iterator[Pair]:
    """Two of them at once, in two entries."""
    for ones, others in itertools.combinations(_OF_PARTS, 2):
        for one, other in itertools.product(ones, others):
            both = mistakes[one], mistakes[other]
            first, second = (" ".join((wrong.__doc__ or "").split()) for wrong in both)

            def made(t: Tensor, both: Any = both) -> About:
                right, (left, rest) = _about(t), (wrong(t) for wrong in both)
                return left | {key: v for key, v in rest.items() if _kind(v) != _kind(right[key])}

            yield Pair(f"{one}+{other}", first, second, made)


class DescribeKey(Key, task="describe"):
    def reference(t: Tensor) -> About:
        return _about(t)

    @raises(r"'NoneType' object has no attribute")
    def no_node_asked(t):
        """You asked for the name of a node where there is none: grad_fn is None for a leaf. Ask
        first whether it is None."""
        return _about(t, grad_fn=t.grad_fn.name())

    def gradient_retained(t):
        """Your dict is right, and t is another than before: it keeps its gradient now. To look at a
        tensor changes nothing of it: leave out retain_grad()."""
        if t.requires_grad:
            t.retain_grad()
        return _about(t)

    def hook_left(t):
        """Your dict is right, and a hook of yours is on t, which runs in every pass from now on. To
        look at a tensor changes nothing of it."""
        if t.requires_grad:
            t.register_hook(lambda grad: None)
        return _about(t)

    def type_of_none(t):
        """Where there is no node your grad_fn is "NoneType", the name of the type of None. Ask
        first whether grad_fn is None."""
        return _about(t, grad_fn=type(t.grad_fn).__name__)

    def text_of_the_node(t):
        """Your grad_fn is the text of the node, address included. It changes with every run: take
        t.grad_fn.name()."""
        return _about(t, grad_fn=None if t.grad_fn is None else str(t.grad_fn))

    def text_of_the_node_or_none(t):
        """Your grad_fn is the text of the node with its address, and the text "None" where there is
        no node. Take t.grad_fn.name(), and None itself."""
        return _about(t, grad_fn=str(t.grad_fn))

    def text_of_the_node_cut(t):
        """Your grad_fn is cut out of the text of the node. For a Function of somebody's own that
        text has the module in front of the name: take t.grad_fn.name()."""
        return _about(t, grad_fn=None if t.grad_fn is None else _cut_out(t))

    def text_of_the_node_cut_or_none(t):
        """Your grad_fn is cut out of the text of the node, and where there is no node it is the
        text "None". Take t.grad_fn.name(), and None itself."""
        return _about(t, grad_fn=_cut_out(t))

    def none_as_text(t):
        """Where there is no node your grad_fn is the text "None", which is true in an `if`. None
        itself is asked for."""
        return _about(t, grad_fn="None" if t.grad_fn is None else t.grad_fn.name())

    def node_itself(t):
        """Your grad_fn is the node itself, which keeps the whole graph alive as long as your dict
        lives. Take its name()."""
        return _about(t, grad_fn=t.grad_fn)

    def method_not_called(t):
        """Your grad_fn is the method `name`, which you did not call: t.grad_fn.name()."""
        return _about(t, grad_fn=None if t.grad_fn is None else t.grad_fn.name)

    def empty_name(t):
        """Where there is no node your grad_fn is an empty text. None is asked for."""
        return _about(t, grad_fn="" if t.grad_fn is None else t.grad_fn.name())

    @raises(r"'NoneType' object has no attribute")
    def name_by_the_flag(t):
        """You asked requires_grad whether there is a node. A leaf that requires grad has none: ask
        whether grad_fn is None."""
        return _about(t, grad_fn=t.grad_fn.name() if t.requires_grad else None)

    def detached_first(t):
        """For every t you say that it does not require grad, is a leaf and has no node. That is so
        of a tensor that was cut off, by t.detach() or t.data for one. Read t itself."""
        return _about(t.detach())

    def cloned_first(t):
        """You looked at t.clone(), a tensor of its own: where t requires grad, it is a result with
        a node of its own. Read t itself."""
        return _about(t.clone())

    @raises(r"Cannot copy out of meta tensor")
    def moved_first(t):
        """You looked at a copy of t on the CPU: it lies elsewhere, and torch cannot make one of a
        tensor without values. Read t itself."""
        return _about(t.clone().cpu())

    def dtype_itself(t):
        """Your dtype is torch's object. Its text is asked for: str(t.dtype)."""
        return _about(t, dtype=t.dtype)

    def device_itself(t):
        """Your device is torch's object. Its text is asked for: str(t.device)."""
        return _about(t, device=t.device)

    def dtype_and_device_themselves(t):
        """Your dtype and your device are torch's objects. Their texts are asked for: str(...)."""
        return _about(t, dtype=t.dtype, device=t.device)

    def dtype_without_torch(t):
        """Your dtype lacks the "torch." in front. str(t.dtype) has it."""
        return _about(t, dtype=str(t.dtype).removeprefix("torch."))

    def type_for_dtype(t):
        """Your dtype is the text of t.type(), such as "torch.DoubleTensor", which says dtype and
        device at once. Take str(t.dtype)."""
        return _about(t, dtype=t.type())

    def python_type_for_dtype(t):
        """Your dtype is the Python type of t, whatever numbers it holds. Take str(t.dtype)."""
        return _about(t, dtype=str(type(t)))

    def kind_for_device(t):
        """Your device is the kind of device alone: of a second GPU it says "cuda", as of the first.
        Take str(t.device)."""
        return _about(t, device=t.device.type)

    def cpu_for_every_device(t):
        """Your device is "cpu" for tensors that lie elsewhere as well. Ask the tensor:
        str(t.device)."""
        return _about(t, device="cpu")

    def count_for_shape(t):
        """Your shape is the number of entries. Take tuple(t.shape)."""
        return _about(t, shape=t.numel())

    def count_in_a_tuple(t):
        """Your shape is the number of entries, in a tuple: it says nothing of the dimensions. Take
        tuple(t.shape)."""
        return _about(t, shape=(t.numel(),))

    def length_for_shape(t):
        """Your shape is the number of dimensions. Take tuple(t.shape)."""
        return _about(t, shape=t.ndim)

    def strides_for_shape(t):
        """Your shape is the strides: how far apart entries lie in memory. Take tuple(t.shape)."""
        return _about(t, shape=t.stride())

    def shape_as_list(t):
        """Your shape is a list. A tuple of ints is asked for: tuple(t.shape)."""
        return _about(t, shape=list(t.shape))

    def shape_as_text(t):
        """Your shape is a text. A tuple of ints is asked for: tuple(t.shape)."""
        return _about(t, shape=str(tuple(t.shape)))

    def shape_as_size_text(t):
        """Your shape is a text. A tuple of ints is asked for, and torch.Size is one: leave str()
        away."""
        return _about(t, shape=str(t.shape))

    def leaf_by_the_flag(t):
        """Your is_leaf is True where t requires grad and False where not. Data is a leaf as well,
        and a result that is recorded is none: ask t.is_leaf."""
        return _about(t, is_leaf=t.requires_grad)

    def leaf_where_no_grad(t):
        """Your is_leaf is the opposite of requires_grad. A parameter is a leaf that requires grad:
        ask t.is_leaf."""
        return _about(t, is_leaf=not t.requires_grad)

    def leaf_with_the_flag(t):
        """Your is_leaf is True for leaves that require grad alone. Data and what was detached are
        leaves as well: ask t.is_leaf."""
        return _about(t, is_leaf=t.is_leaf and t.requires_grad)

    def grad_where_a_node(t):
        """Your requires_grad is True where t has a node. A leaf that requires grad has none: ask
        t.requires_grad."""
        return _about(t, requires_grad=t.grad_fn is not None)

    def grad_where_a_gradient(t):
        """Your requires_grad is True where t has a .grad. Before the first backward pass there is
        none: ask t.requires_grad."""
        return _about(t, requires_grad=t.is_leaf and t.grad is not None)

    def flags_exchanged(t):
        """Your requires_grad and is_leaf are exchanged."""
        return _about(t, requires_grad=t.is_leaf, is_leaf=t.requires_grad)

    def values_alone(t):
        """You returned the six values without their names. A dict is asked for."""
        return tuple(_about(t).values())

    def shape_left_out(t):
        """Your dict has no shape, where most mistakes show first: tuple(t.shape)."""
        about = _about(t)
        del about["shape"]
        return about

    pairs = (*_two_parts(locals()),)

    def grad_added(t):
        """Your dict has a seventh entry, grad. Asked for are six, and reading .grad of a
        result that does not retain it warns."""
        return _about(t, grad=t.grad if t.is_leaf else None)
