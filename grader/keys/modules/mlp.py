"""Reference and mistakes of the exercise that mends a net of three layers."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from grader.trusted.families.memory import read_in_order
from grader.trusted.key import Key, mistake, raises

F = nn.functional
Step = Callable[[Tensor], Tensor]


def _same(x: Tensor) -> Tensor:
    return x


def _rows(x: Tensor) -> Tensor:
    return x.reshape(len(x), -1)


class _Mlp(nn.Module):
    """The three layers, with what happens around each."""

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        n_out: int,
        rows: Step = _rows,
        after: tuple[Step, Step, Step] = (F.relu, F.relu, _same),
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.first = nn.Linear(n_in, n_hidden, bias=bias)
        self.second = nn.Linear(n_hidden, n_hidden, bias=bias)
        self.last = nn.Linear(n_hidden, n_out, bias=bias)
        self.rows, self.after = rows, after

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) to (N, n_out)."""
        x = self.rows(x)
        for layer, step in zip((self.first, self.second, self.last), self.after, strict=True):
            x = step(layer(x))
        return x


def _softmax(x: Tensor) -> Tensor:
    return x.softmax(1)


def _log_softmax(x: Tensor) -> Tensor:
    return x.log_softmax(1)


def _other_activations() -> Iterator[Callable[..., Any]]:
    for name, step in (
        ("tanh", torch.tanh),
        ("sigmoid", torch.sigmoid),
        ("gelu", F.gelu),
        ("leaky_relu", F.leaky_relu),
        ("relu6", F.relu6),
    ):

        def wrong(n_in: int, n_hidden: int, n_out: int, step: Step = step) -> nn.Module:
            return _Mlp(n_in, n_hidden, n_out, after=(step, step, _same))

        yield mistake(
            f"{name}_instead_of_relu",
            f"You used {name}. ReLU is asked for after the first two layers.",
            wrong,
        )


_HIDDEN: dict[str, tuple[str, tuple[Step, Step]]] = {
    "": ("", (F.relu, F.relu)),
    "relu_after_the_first_alone": (
        "There is no ReLU after your second layer, and second and last together are one linear "
        "map.",
        (F.relu, _same),
    ),
    "relu_after_the_second_alone": (
        "There is no ReLU after your first layer, and first and second together are one linear "
        "map.",
        (_same, F.relu),
    ),
    "no_relu": (
        "There is no ReLU after your first two layers, which are one linear map with the last.",
        (_same, _same),
    ),
}
_AT_THE_END: dict[str, tuple[str, Step]] = {
    "": ("", _same),
    "relu_after_the_last_layer": (
        "A ReLU follows your last layer, so no score is ever negative. Scores have no activation "
        "behind them.",
        F.relu,
    ),
    "softmax_at_the_end": (
        "You return probabilities. Scores are asked for: cross_entropy, for one, takes the "
        "softmax itself.",
        _softmax,
    ),
    "log_softmax_at_the_end": (
        "You return logarithms of probabilities. Scores are asked for: cross_entropy, for one, "
        "takes log_softmax itself.",
        _log_softmax,
    ),
}


def _misplaced_activations() -> Iterator[Callable[..., Any]]:
    """Something wrong after the first two layers, after the last, or in both places."""
    for (name, (said, hidden)), (other, (also, end)) in product(
        _HIDDEN.items(), _AT_THE_END.items()
    ):
        names = [one for one in (name, other) if one]

        def wrong(
            n_in: int,
            n_hidden: int,
            n_out: int,
            steps: tuple[Step, Step, Step] = (*hidden, end),
        ) -> nn.Module:
            return _Mlp(n_in, n_hidden, n_out, after=steps)

        if names:
            yield mistake("_and_".join(names), f"{said} {also}".strip(), wrong)


class _Twice(_Mlp):
    """The second layer is called twice, with a ReLU behind each call."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, ...) to (N, n_out)."""
        x = F.relu(self.second(F.relu(self.first(_rows(x)))))
        return self.last(F.relu(self.second(x)))


class FixMlpKey(Key, task="fix_mlp"):
    reference = _Mlp
    families = (*_other_activations(), *_misplaced_activations())

    def other_numbers_in_eval_mode(n_in, n_hidden, n_out):
        """In eval mode your net gives other numbers, as one does that makes probabilities there.
        No layer of it asks for the mode: scores are wanted in either."""

        class Asking(_Mlp):
            def forward(self, x):
                y = super().forward(x)
                return y if self.training else y.softmax(1)

        return Asking(n_in, n_hidden, n_out)

    def memory_read_in_order(n_in, n_hidden, n_out):
        """You read x's memory by strides of your own, as torch.as_strided does, as if its numbers
        lay there in the order of their indices. The channels of an image may lie last: flatten and
        reshape go by the strides that x has."""
        return _Mlp(n_in, n_hidden, n_out, rows=lambda x: _rows(read_in_order(x)))

    @raises(r"before Module\.__init__\(\) call")
    def layers_before_the_initialiser(n_in):
        """You gave a layer to self where super().__init__() had not run. That call makes the tables
        in which a module keeps its layers: it comes before the first of them."""

        class Net(nn.Module):
            def __init__(self):
                self.first = nn.Linear(n_in, 5)

        return Net()

    @raises(r"must be Tensor, not Flatten")
    def flatten_is_made_and_not_called(n_in, n_hidden, n_out):
        """nn.Flatten(x) makes a module whose setting is x. It flattens nothing, and the layer
        behind it is given that module. Write x.flatten(1)."""
        return _Mlp(n_in, n_hidden, n_out, rows=nn.Flatten)

    @raises(r"must be Tensor, not ReLU")
    def relu_is_made_and_not_called(n_in, n_hidden, n_out):
        """nn.ReLU(x) makes a module whose setting is x, and the layer behind it is given that
        module. Write torch.relu(x), or make the module in __init__ and call it here."""
        return _Mlp(n_in, n_hidden, n_out, after=(nn.ReLU, nn.ReLU, _same))

    def last_relu_is_made_and_not_called(n_in, n_hidden, n_out):
        """You return nn.ReLU(...), a module. No activation follows the last layer: return what
        the layer gives."""
        return _Mlp(n_in, n_hidden, n_out, after=(F.relu, F.relu, nn.ReLU))

    @raises(r"size mismatch|shapes cannot be multiplied \(1x")
    def batch_flattened_too(n_in, n_hidden, n_out):
        """You flattened the batch as well: flatten() without a number begins at dimension 0, and
        all samples become one row. Begin at dimension 1."""
        return _Mlp(n_in, n_hidden, n_out, rows=torch.flatten)

    @raises(r"shapes cannot be multiplied|size mismatch")
    def not_flattened(n_in, n_hidden, n_out):
        """You gave images to the first layer as they came, or cut into rows of their last
        dimension. It looks at that dimension alone: make every sample one row first."""
        return _Mlp(n_in, n_hidden, n_out, rows=_same)

    @raises(r"shapes cannot be multiplied|size mismatch")
    def images_alone_flattened(n_in, n_hidden, n_out):
        """You flattened images alone, of four axes. Anything of shape (N, ...) may come: flatten
        whatever stands behind the batch, by x.flatten(1)."""
        return _Mlp(n_in, n_hidden, n_out, rows=lambda x: x.flatten(1) if x.ndim == 4 else x)

    @raises(r"Dimension out of range|shapes cannot be multiplied")
    def three_axes_flattened(n_in, n_hidden, n_out):
        """You flattened the last three axes. That fits images alone: of rows there are not as many,
        and where a sample has two axes the batch is one of the three. Begin behind the batch, at
        dimension 1."""
        return _Mlp(n_in, n_hidden, n_out, rows=lambda x: x.flatten(-3))

    @raises(r"shapes cannot be multiplied|size mismatch")
    def one_image_squeezed(n_in, n_hidden, n_out):
        """For a single image your squeeze takes off the dimension of the batch, which is of size 1
        then: flattening begins at a wrong one. Leave squeeze out."""
        return _Mlp(n_in, n_hidden, n_out, rows=lambda x: x.squeeze().flatten(1))

    def one_score_squeezed(n_in, n_hidden, n_out):
        """With n_out = 1 your result has shape (N,): squeeze takes off the axis of the scores. Its
        shape is (N, n_out), and (N, 1) then: leave squeeze out."""
        return _Mlp(n_in, n_hidden, n_out, after=(F.relu, F.relu, lambda x: x.squeeze(-1)))

    def one_score_or_one_sample_squeezed(n_in, n_hidden, n_out):
        """Your result lacks an axis where it has length 1, for one sample or one score, as
        squeeze() leaves it. Its shape is (N, n_out) always: leave squeeze out."""
        return _Mlp(n_in, n_hidden, n_out, after=(F.relu, F.relu, torch.squeeze))

    @raises(r"view size is not compatible")
    def viewed(n_in, n_hidden, n_out):
        """You flattened by view, which refuses a tensor whose rows lie scattered in memory, such as
        an image with its channels last. flatten and reshape take any."""
        return _Mlp(n_in, n_hidden, n_out, rows=lambda x: x.view(len(x), -1))

    def relu_before_the_first_layer(n_in, n_hidden, n_out):
        """You applied a ReLU to the input as well. It follows the first two layers, and nothing
        comes before them but flattening."""
        return _Mlp(n_in, n_hidden, n_out, rows=lambda x: F.relu(_rows(x)))

    def detached(n_in, n_hidden, n_out):
        """The output is right, and no gradient comes back from it: forward detaches, or runs under
        no_grad. Leave out detach, .data and no_grad."""
        return _Mlp(n_in, n_hidden, n_out, after=(F.relu, F.relu, torch.detach))

    def second_layer_left_out(n_in, n_hidden, n_out):
        """Your forward does not call second. All three layers follow each other."""

        class Net(_Mlp):
            def forward(self, x):
                return self.last(F.relu(self.first(_rows(x))))

        return Net(n_in, n_hidden, n_out)

    def second_layer_twice(n_in, n_hidden, n_out):
        """Your forward calls second twice. Each of the three layers is called once."""
        return _Twice(n_in, n_hidden, n_out)

    def without_biases(n_in, n_hidden, n_out):
        """Your layers have no biases. All three have one, as nn.Linear has unless told
        otherwise."""
        return _Mlp(n_in, n_hidden, n_out, bias=False)

    def layers_in_a_list(n_in, n_hidden, n_out):
        """Your module has no parameters: the layers lie in a plain list, tuple or dict, where a
        module does not look, or forward makes new ones in every call. Make each an attribute in
        __init__: self.first, self.second, self.last."""

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = [nn.Linear(n_in, n_hidden), nn.Linear(n_hidden, n_out)]

        return Net()

    def layers_in_a_sequential(n_in, n_hidden, n_out):
        """The layers lie in a Sequential called net, and their parameters are called net.1.weight
        and so on. They keep their names: self.first, self.second and self.last."""

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                wide = nn.Linear(n_in, n_hidden), nn.ReLU(), nn.Linear(n_hidden, n_hidden)
                self.net = nn.Sequential(nn.Flatten(), *wide, nn.ReLU(), nn.Linear(n_hidden, n_out))

        return Net()

    @raises(r'missing the required "forward" function')
    def forward_has_another_name(n_in, n_hidden, n_out):
        """Your class has no forward: the method has another name, or stands outside the class, or
        inside __init__. The call looks for forward."""

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.first = nn.Linear(n_in, n_hidden)
                self.second = nn.Linear(n_hidden, n_hidden)
                self.last = nn.Linear(n_hidden, n_out)

        return Net()
