"""Ways to bring the gradient of a tensor that was stretched to its shape, most of them wrong."""

from collections.abc import Callable

from torch import Tensor

Summed = Callable[[Tensor, Tensor], Tensor]
"""A gradient in the shape of the result, and the tensor that it belongs to: what is returned."""


def fitting(grad: Tensor, like: Tensor) -> Tensor:
    return grad.sum_to_size(like.shape)


def leading_alone(grad: Tensor, like: Tensor) -> Tensor:
    lacking = grad.ndim - like.ndim
    return grad.sum(tuple(range(lacking))) if lacking else grad


def keepdim_lost(grad: Tensor, like: Tensor) -> Tensor:
    grad = leading_alone(grad, like)
    ones = [i for i, size in enumerate(like.shape) if size == 1 and grad.shape[i] != 1]
    return grad.sum(ones) if ones else grad


def without_ones(grad: Tensor) -> Tensor:
    return grad.reshape([size for size in grad.shape if size != 1])


def ones_alone(grad: Tensor, like: Tensor) -> Tensor:
    lacking = grad.ndim - like.ndim
    ones = [lacking + i for i, size in enumerate(like.shape) if size == 1]
    return grad.sum(ones, keepdim=True) if ones else grad


def all_for_none(grad: Tensor, like: Tensor) -> Tensor:
    lacking = grad.ndim - like.ndim
    total = grad.sum(of_size_one(grad, like), keepdim=True)
    return total.expand(*(1,) * lacking, *like.shape).reshape(like.shape)


def shaped(axes_of: Callable[[Tensor, Tensor], list[int]]) -> Summed:
    """Summed over the axes that are found, all of them where there is none, and then reshaped."""
    return lambda grad, like: grad.sum(axes_of(grad, like), keepdim=True).reshape(like.shape)


def of_size_one(grad: Tensor, like: Tensor) -> list[int]:
    lacking = grad.ndim - like.ndim
    return [*range(lacking), *(lacking + i for i, size in enumerate(like.shape) if size == 1)]


def of_other_size(grad: Tensor, like: Tensor) -> list[int]:
    sizes = (1,) * (grad.ndim - like.ndim) + tuple(like.shape)
    return [i for i, size in enumerate(grad.shape) if size != sizes[i]]


def stretched_or_all(grad: Tensor, like: Tensor) -> Tensor:
    """Summed over the axes that `like` lacks, then over those of size 1, which may be none."""
    grad = leading_alone(grad, like)
    ones = [i for i, size in enumerate(like.shape) if size == 1]
    return grad.sum(ones, keepdim=True).expand(like.shape)


def aligned_at_the_front(grad: Tensor, like: Tensor) -> Tensor:
    for i, size in enumerate(like.shape):
        if size == 1:
            grad = grad.sum(i, keepdim=True)
    return grad


def by_count(grad: Tensor, like: Tensor) -> Tensor:
    return grad if grad.numel() == like.numel() else fitting(grad, like)


def split_by_its_entries(grad: Tensor, like: Tensor) -> Tensor:
    """Neighbours added up, as many as each entry is used: right where the last axes were put in."""
    return grad.reshape(*like.shape, -1).sum(-1)


def split_into_pieces(grad: Tensor, like: Tensor) -> Tensor:
    return grad.reshape(-1, *like.shape).sum(0)


def first(grad: Tensor, like: Tensor) -> Tensor:
    """One of the repeated entries in place of their sum."""
    while grad.ndim > like.ndim:
        grad = grad[0]
    for i, size in enumerate(like.shape):
        if size == 1:
            grad = grad.narrow(i, 0, 1)
    return grad
