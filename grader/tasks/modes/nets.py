"""The parts that this chapter's exercises make small nets of, from given numbers."""

import contextlib
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn


class Unwell(ValueError, RuntimeError, TypeError, IndexError, ArithmeticError, AssertionError):
    """What a model or a function of these exercises raises where it is meant to.

    It is every kind that an answer may catch, so that none is swallowed unseen.
    """


class Interrupted(BaseException):
    """What stands for the interrupt of a cell: like KeyboardInterrupt it is no Exception."""


class Layer(nn.Module):
    """tanh(x @ weight + bias), for x of shape (N, in) and weight of shape (in, out)."""

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight.clone()), nn.Parameter(bias.clone())

    def forward(self, x: Tensor) -> Tensor:
        """The activations, of shape (N, out)."""
        return (x @ self.weight + self.bias).tanh()


class Note(nn.Module):
    """Hands what passes through it to a function, and on unchanged."""

    def __init__(self, see: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.see = see

    def forward(self, x: Tensor) -> Tensor:
        """x itself."""
        self.see(x)
        return x


class Noise(nn.Module):
    """Dropout whose mask is drawn on the CPU in float64, so that it is the same everywhere.

    Like many a layer of somebody's own it looks at `training`, and is no nn.Dropout.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """x in eval mode; else x with entries set to 0 and the others scaled by 1 / (1 - p)."""
        if not self.training:
            return x
        kept = torch.rand(x.shape, dtype=torch.float64, device="cpu") >= self.p
        return x * (kept.to(x) / (1 - self.p))


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw the same random numbers on the CPU every time, and put its generator back."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
