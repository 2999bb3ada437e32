"""How this chapter's exercises make a module of a class, look at it, and give it numbers."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from grader.engine.task import Rng

Shapes = dict[str, tuple[int, ...]]

DRAWN = frozenset({"rng"})
"""What an exercise allows in which layers are made: each draws its first weights."""


def made(build: Callable[..., Any], *sizes: Any, like: Tensor, seed: int = 0) -> nn.Module:
    """The module that a class makes in the dtype of `like`, moved to where that lies.

    Its random numbers are the same every time, and the generator is put back; numbers that it never
    fills in are nan. Raises TypeError for what is no module.
    """
    with _in_dtype(like.dtype), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        module = build(*sizes)
    if not isinstance(module, nn.Module):
        raise TypeError(f"a {type(module).__name__} is no nn.Module")
    return module.to(like)


@contextlib.contextmanager
def _in_dtype(dtype: torch.dtype) -> Iterator[None]:
    """New tensors are of this dtype, and empty ones hold nan instead of what lay in memory."""
    dtype_before, mode_before = torch.get_default_dtype(), torch.get_deterministic_debug_mode()
    torch.set_default_dtype(dtype)
    # Not by use_deterministic_algorithms: it loads torch's compiler first, for two seconds.
    torch.set_deterministic_debug_mode("warn")
    try:
        yield
    finally:
        torch.set_default_dtype(dtype_before)
        torch.set_deterministic_debug_mode(mode_before)


def shapes(module: nn.Module) -> Shapes:
    """The shape of every parameter by its name, a shared one under each of its names."""
    named = module.named_parameters(remove_duplicate=False)
    return {name: tuple(parameter.shape) for name, parameter in sorted(named)}


def trainable(module: nn.Module) -> dict[str, bool]:
    """Whether each parameter requires grad, by name."""
    return {name: p.requires_grad for name, p in sorted(module.named_parameters())}


def filled(module: nn.Module, numbers: Mapping[str, Tensor]) -> bool:
    """Write numbers into the parameters, if those have exactly these names and shapes.

    False where they have others: then nothing is written, and there is nothing to compare.
    """
    known = dict(module.named_parameters(remove_duplicate=False))
    if shapes(module) != {name: tuple(numbers[name].shape) for name in sorted(numbers)}:
        return False
    with torch.no_grad():
        for name, values in numbers.items():
            known[name].copy_(values)
    return True


def attributes(modules: Iterable[nn.Module]) -> list[list[str]]:
    """The names of what each of the modules has besides its parts and tensors."""
    return [sorted(vars(module)) for module in modules]


def quietly(make: Callable[[], nn.Module]) -> nn.Module:
    """A module of torch's own layers in float64, whose first weights leave the generator as it was.

    In float32 first weights are rounded as the processor's vector units do.
    """
    with _in_dtype(torch.float64), torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return make()


def drawn_sizes(rng: Rng) -> list[int]:
    """Four sizes, no two of them alike."""
    primes = torch.tensor([3, 5, 7, 11, 13])
    return [int(one) for one in primes[rng.permutation(5)[:4]]]


def same_numbers(y: Any, other: Any) -> str:
    """Whether a second output is as the first, in a word; as it is, where they are no tensors."""
    both = isinstance(y, Tensor) and isinstance(other, Tensor) and not y.is_meta
    alike = not both or torch.allclose(y, other, equal_nan=True)
    return "the same numbers" if alike else "other numbers"
