"""Reference and mistakes of the exercise on tensor parallelism."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from grader.trusted.key import Key, raises

Parts = list[Tensor]


def _summands(x, w1s, b1s, w2s):
    """What every rank has to add to the output."""
    return [
        F.linear(torch.relu(F.linear(x, w1, b1)), w2)
        for w1, b1, w2 in zip(w1s, b1s, w2s, strict=True)
    ]


class _Divided(torch.autograd.Function):
    """The identity, whose gradient is divided by a number."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, by: int) -> Tensor:
        ctx.by = by
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        return g / ctx.by, None


class TensorParallelKey(Key, task="tensor_parallel"):
    def reference(x: Tensor, w1s: Parts, b1s: Parts, w2s: Parts, b2: Tensor) -> Tensor:
        hidden = F.linear(x, torch.cat(w1s), torch.cat(b1s)).relu()
        return F.linear(hidden, torch.cat(w2s, 1), b2)

    def bias_on_every_rank(x, w1s, b1s, w2s, b2):
        """Every rank added b2 to its part, and the sum holds it as many times as there are ranks.
        Add it once, after the parts are added up."""
        return sum(_summands(x, w1s, b1s, w2s)) + len(w1s) * b2

    def bias_shared_out(x, w1s, b1s, w2s, b2):
        """You divided b2 by the number of ranks, and added it once. Add all of it, once; or a share
        of it on every rank."""
        return sum(_summands(x, w1s, b1s, w2s)) + b2 / len(w1s)

    def x_detached_on_other_ranks(x, w1s, b1s, w2s, b2):
        """Only the first rank's part of the gradient reaches x: the others work with x.detach(), or
        a clone of it. x itself goes to all of them, and their parts add up."""
        first = _summands(x, w1s[:1], b1s[:1], w2s[:1])
        return sum(first + _summands(x.detach(), w1s[1:], b1s[1:], w2s[1:])) + b2

    def x_detached_but_on_the_last_rank(x, w1s, b1s, w2s, b2):
        """Only the last rank's part of the gradient reaches x: the others work with x.detach(), or
        a clone of it. x itself goes to all of them, and their parts add up."""
        last = _summands(x, w1s[-1:], b1s[-1:], w2s[-1:])
        return sum(last + _summands(x.detach(), w1s[:-1], b1s[:-1], w2s[:-1])) + b2

    def bias_left_out(x, w1s, b1s, w2s):
        """b2 is missing. Add it once, after the parts are added up."""
        return sum(_summands(x, w1s, b1s, w2s))

    def parts_side_by_side(x, w1s, b1s, w2s, b2):
        """You put what the ranks computed side by side. Every rank has a summand for each output,
        since the second layer sums over the hidden features: add them up."""
        return torch.cat(_summands(x, w1s, b1s, w2s), -1) + b2.repeat(len(w1s))

    @raises("must match the size")
    def parts_side_by_side_and_b2(x, w1s, b1s, w2s, b2):
        """You put what the ranks computed side by side. Every rank has a summand for each output,
        since the second layer sums over the hidden features: add them up."""
        return torch.cat(_summands(x, w1s, b1s, w2s), -1) + b2

    def stacked(x, w1s, b1s, w2s, b2):
        """You stacked what the ranks computed. Add the summands up: sum over the ranks."""
        return torch.stack(_summands(x, w1s, b1s, w2s)) + b2

    @raises("mT is only supported on matrices")
    def every_x_a_batch(x, w1s, b1s, w2s, b2):
        """You exchange the last two axes of x, and x may be one sample, of shape (I,), that has one
        axis alone. x @ w1.T takes any: the weights are transposed, and not x."""
        hidden = torch.relu((torch.cat(w1s) @ x.mT).mT + torch.cat(b1s))
        return F.linear(hidden, torch.cat(w2s, 1), b2)

    @raises("Dimension out of range")
    def axes_in_front_flattened(x, w1s, b1s, w2s, b2):
        """You made one axis of those in front of the last, and a single sample, of shape (I,), has
        none there. x @ w1.T takes any number of axes as it is."""
        rows = x.flatten(0, -2)
        return TensorParallelKey.reference(rows, w1s, b1s, w2s, b2).unflatten(0, x.shape[:-1])

    @raises("must match the size|cannot be multiplied|must match, but got|Expected size for")
    def x_transposed(x, w1s, b1s, w2s, b2):
        """You transposed x, which fits a matrix alone: x has shape (..., I), with any number of
        axes in front. Transpose the weights: x @ w1.T."""
        hidden = [torch.relu(w1 @ x.T + b1[:, None]) for w1, b1 in zip(w1s, b1s, strict=True)]
        return sum(w2 @ h for w2, h in zip(w2s, hidden, strict=True)).T + b2

    @raises("shapes cannot be multiplied|must match except in dimension 1|size mismatch")
    def first_parts_joined_along_1(x, w1s, b1s, w2s, b2):
        """You put the parts of W1 side by side. They are rows of W1: torch.cat puts them one below
        the other along dimension 0."""
        hidden = F.linear(x, torch.cat(w1s, 1), torch.cat(b1s)).relu()
        return F.linear(hidden, torch.cat(w2s, 1), b2)

    @raises("shapes cannot be multiplied|must match except in dimension 0|size mismatch")
    def second_parts_joined_along_0(x, w1s, b1s, w2s, b2):
        """You put the parts of W2 one below the other. They are columns of W2: torch.cat puts them
        side by side along dimension 1."""
        hidden = F.linear(x, torch.cat(w1s), torch.cat(b1s)).relu()
        return F.linear(hidden, torch.cat(w2s), b2)

    @raises("stack expects each tensor to be equal size")
    def parts_stacked(x, w1s, b1s, w2s, b2):
        """You stacked the parts of a weight, and they may differ in size. torch.cat puts them
        together: those of W1 and b1 along dimension 0, those of W2 along dimension 1."""
        w1, b1, w2 = torch.stack(w1s), torch.stack(b1s), torch.stack(w2s)
        hidden = (torch.einsum("...i,rhi->...rh", x, w1) + b1).relu()
        return torch.einsum("...rh,roh->...o", hidden, w2) + b2

    @raises("stack expects each tensor to be equal size")
    def parts_stacked_and_averaged(x, w1s, b1s, w2s, b2):
        """You stacked the parts of a weight, and they may differ in size; and you averaged over the
        ranks, each of which computes one summand. Go through the ranks by zip, and add up."""
        w1, b1, w2 = torch.stack(w1s), torch.stack(b1s), torch.stack(w2s)
        hidden = (torch.einsum("...i,rhi->...rh", x, w1) + b1).relu()
        return torch.einsum("...rh,roh->r...o", hidden, w2).mean(0) + b2

    def averaged(x, w1s, b1s, w2s, b2):
        """You averaged what the ranks computed. Each of them is one summand of the output: add them
        up."""
        return torch.stack(_summands(x, w1s, b1s, w2s)).mean(0) + b2

    def first_rank_alone(x, w1s, b1s, w2s, b2):
        """You returned what the first rank computes. The summands of all ranks belong to the
        output."""
        return _summands(x, w1s, b1s, w2s)[0] + b2

    def last_rank_alone(x, w1s, b1s, w2s, b2):
        """You returned what the last rank computes: in the loop each rank replaces the one before.
        Add them up."""
        return _summands(x, w1s, b1s, w2s)[-1] + b2

    def relu_left_out(x, w1s, b1s, w2s, b2):
        """The ReLU is missing. Each rank applies it to its own hidden features."""
        return F.linear(F.linear(x, torch.cat(w1s), torch.cat(b1s)), torch.cat(w2s, 1), b2)

    def relu_of_the_sum_before_b2(x, w1s, b1s, w2s, b2):
        """You applied the ReLU to the sum of what the ranks compute, before b2 is added. It stands
        between the layers: each rank applies it to its own hidden features."""
        hidden = F.linear(x, torch.cat(w1s), torch.cat(b1s))
        return F.linear(hidden, torch.cat(w2s, 1)).relu() + b2

    def relu_at_the_end(x, w1s, b1s, w2s, b2):
        """You applied the ReLU to the output. It stands between the layers: each rank applies it to
        its own hidden features."""
        hidden = F.linear(x, torch.cat(w1s), torch.cat(b1s))
        return F.linear(hidden, torch.cat(w2s, 1), b2).relu()

    def relu_of_every_summand(x, w1s, b1s, w2s, b2):
        """You applied the ReLU to what each rank computes in the end. It stands between the layers,
        on the hidden features."""
        pairs = zip(w1s, b1s, w2s, strict=True)
        return sum(F.linear(F.linear(x, w1, b1), w2).relu() for w1, b1, w2 in pairs) + b2

    def relu_of_every_summand_as_well(x, w1s, b1s, w2s, b2):
        """You applied the ReLU to what each rank computes in the end as well. It stands between the
        layers alone: the net ends with the second one."""
        return sum(one.relu() for one in _summands(x, w1s, b1s, w2s)) + b2

    def relu_twice(x, w1s, b1s, w2s, b2):
        """You applied the ReLU to the output as well. The net ends with the second layer."""
        return TensorParallelKey.reference(x, w1s, b1s, w2s, b2).relu()

    def relu_before_the_bias(x, w1s, b1s, w2s, b2):
        """You applied the ReLU before b1 was added. Add the bias first."""
        hidden = F.linear(x, torch.cat(w1s)).relu() + torch.cat(b1s)
        return F.linear(hidden, torch.cat(w2s, 1), b2)

    def first_bias_left_out(x, w1s, w2s, b2):
        """b1 is missing. Each rank adds its own part of it before the ReLU."""
        return F.linear(F.linear(x, torch.cat(w1s)).relu(), torch.cat(w2s, 1), b2)

    @raises("cannot be multiplied")
    def first_weight_not_transposed(x, w1s, b1s, w2s, b2):
        """x @ w1 does not fit: a weight has the shape (out, in). Write x @ w1.T."""
        return sum((x @ w1).relu() @ w2.T for w1, w2 in zip(w1s, w2s, strict=True)) + b2

    @raises("cannot be multiplied")
    def second_weight_not_transposed(x, w1s, b1s, w2s, b2):
        """hidden @ w2 does not fit: w2 has the shape (out, in). Write hidden @ w2.T."""
        pairs = zip(w1s, b1s, w2s, strict=True)
        return sum(F.linear(x, w1, b1).relu() @ w2 for w1, b1, w2 in pairs) + b2

    def lists_emptied(x, w1s, b1s, w2s, b2):
        """The result is right, and the lists are others than before: you took parts out of them, or
        put something else in their place. They belong to the caller: go through them by zip."""
        found = TensorParallelKey.reference(x, w1s, b1s, w2s, b2)
        for parts in (w1s, b1s, w2s):
            parts.clear()
        return found

    def result_detached(x, w1s, b1s, w2s, b2):
        """The values are right, and nothing reaches the arguments: the result is cut
        off the graph. detach(), .data and no_grad() do that, and so does a new tensor made of its
        numbers. Return what the operations gave, as it is."""
        return TensorParallelKey.reference(x, w1s, b1s, w2s, b2).detach()

    def summands_detached(x, w1s, b1s, w2s, b2):
        """The values are right, and only b2 gets a gradient: what the ranks computed was cut off
        the graph before it was added up, as all_reduce outside of autograd does. So do detach(),
        no_grad(), and a new tensor made of its numbers: add up what the operations gave."""
        return sum(_summands(x, w1s, b1s, w2s)).detach() + b2

    def weights_detached(x, w1s, b1s, w2s, b2):
        """The values are right, and no gradient reaches the parts of the weights: what you computed
        with is cut off from them. So is their .data, what detach() gives, what is made under
        no_grad(), and a new nn.Parameter. torch.cat of the parts themselves, while operations are
        recorded, keeps the graph."""
        parts = ([part.detach() for part in one] for one in (w1s, b1s, w2s))
        return TensorParallelKey.reference(x, *parts, b2)

    def own_summand_alone(x, w1s, b1s, w2s, b2):
        """The values are right, and gradients reach the parts of one rank alone. You detached what
        comes from the others; here all ranks are in one program, and each needs its gradient."""
        own, *others = _summands(x, w1s, b1s, w2s)
        return own + sum(one.detach() for one in others) + b2

    def last_summand_alone(x, w1s, b1s, w2s, b2):
        """The values are right, and gradients reach the parts of the last rank alone. You detached
        what was added up before; here all ranks are in one program, and each needs its gradient."""
        *others, own = _summands(x, w1s, b1s, w2s)
        return own + sum(one.detach() for one in others) + b2

    def hidden_detached(x, w1s, b1s, w2s, b2):
        """The values are right, and no gradient reaches x and the first layer: the hidden features
        were cut off the graph. detach() and no_grad() do that, and so does a new nn.Parameter, or a
        tensor made of their numbers. Go on with the features themselves."""
        hidden = F.linear(x, torch.cat(w1s), torch.cat(b1s)).relu().detach()
        return F.linear(hidden, torch.cat(w2s, 1), b2)

    def x_detached(x, w1s, b1s, w2s, b2):
        """The values are right, and no gradient reaches x: you gave the ranks x.detach(), or a copy
        of its numbers. Every rank gets x itself, so that the gradients of all of them add up in
        it."""
        return TensorParallelKey.reference(x.detach(), w1s, b1s, w2s, b2)

    def gradient_of_x_averaged(x, w1s, b1s, w2s, b2):
        """The values are right, and the gradient of x is divided by the number of ranks. Each rank
        gives one summand of it: they add up, as autograd does it where x itself goes to all."""
        return TensorParallelKey.reference(_Divided.apply(x, len(w1s)), w1s, b1s, w2s, b2)

    def gradients_averaged(x, w1s, b1s, w2s, b2):
        """The values are right, and every gradient is divided by the number of ranks, as for data
        that is spread. Here the ranks share one sum: let autograd run through it as it is."""
        y = TensorParallelKey.reference(x, w1s, b1s, w2s, b2)
        return _Divided.apply(y, len(w1s))

    def bias_detached(x, w1s, b1s, w2s, b2):
        """The values are right, and no gradient reaches b2: you cut it off. Add b2 itself."""
        return TensorParallelKey.reference(x, w1s, b1s, w2s, b2.detach())
