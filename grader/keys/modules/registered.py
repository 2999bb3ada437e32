"""Reference and mistakes of the exercise on what a module knows of its attributes."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from grader.trusted.key import Key, mistake, raises


def _same(x: Tensor) -> Tensor:
    return x


class _Mixer(nn.Module):
    """Layers, a scale and a mask, each registered in the way that a mistake says."""

    def __init__(
        self,
        length: int,
        width: int,
        depth: int,
        layers: Callable[[list[nn.Module]], Any] = nn.ModuleList,
        scale: Callable[[Tensor], Any] = nn.Parameter,
        mask: Callable[[Tensor], Any] | None = None,
        make: Callable[..., list[nn.Module]] | None = None,
        saved: bool = False,
        mean: Callable[[Tensor, Tensor], Tensor] | None = None,
        step: Callable[[Tensor], Tensor] = torch.tanh,
        corner: Callable[[Tensor], Tensor] = torch.tril,
    ) -> None:
        super().__init__()
        parts: list[nn.Module] = [nn.Linear(width, width) for _ in range(depth)]
        self.layers = layers(parts if make is None else make())
        self.scale = scale(torch.ones(width))
        ones = corner(torch.ones(length, length))
        if mask is None:
            self.register_buffer("mask", ones, persistent=saved)
        else:
            self.mask = mask(ones)
        self.mean, self.step = mean or _mean, step

    def forward(self, x: Tensor) -> Tensor:
        """(N, length, width) to the same."""
        for layer in self.layers:
            x = self.step(layer(x))
        return self.mean(self.mask, x * self.scale)


def _mean(mask: Tensor, x: Tensor) -> Tensor:
    return mask @ x / mask.sum(1)[:, None]


_LAYERS = (
    "Your layers lie in a plain list, tuple or dict, or elsewhere where a module does not look: "
    "they are in no parameters(), and no optimizer finds them. Put them into an nn.ModuleList."
)
_SCALE = (
    "Your scale is a plain tensor, which no optimizer finds: make it an nn.Parameter, and change "
    "nothing of it afterwards."
)
_MASK = (
    "Your module has no buffer called mask. As a plain tensor it stays behind when the module "
    "moves to another dtype or device: register it as a buffer, with persistent=False."
)
_SCALE_BUFFER = (
    "Your scale is a buffer. It moves along and is saved, and is not trained: make it an "
    "nn.Parameter."
)
_SCALE_FROZEN = (
    "Your scale does not require grad. It is trained: nn.Parameter switches the flag on, unless "
    "it is told otherwise."
)
_MASK_SAVED = (
    "Your mask is a buffer, and stands in state_dict(). It can be made anew from length: register "
    "it with persistent=False."
)
_MASK_TRAINED = (
    "Your mask is a parameter, and an optimizer would train it. It is a constant: register it as "
    "a buffer, with persistent=False."
)
_MASK_FROZEN = (
    "Your mask is a parameter that does not require grad. It stands in parameters() and in "
    "state_dict() all the same: register it as a buffer, with persistent=False."
)
_MASK_WITH_GRADIENT = (
    "Your mask requires grad: every backward pass computes a gradient for it, which nobody wants. "
    "It is a constant: leave requires_grad out."
)


def _frozen(ones: Tensor) -> nn.Parameter:
    return nn.Parameter(ones, requires_grad=False)


def _buffer_with_gradient(ones: Tensor) -> nn.Buffer:
    return nn.Buffer(ones.requires_grad_(), persistent=False)


_Bug = tuple[str, str, dict[str, Any]]
_BUGS: tuple[tuple[_Bug, ...], ...] = (
    (("layers_in_a_list", _LAYERS, {"layers": list}),),
    (
        ("scale_is_plain", _SCALE, {"scale": _same}),
        ("scale_is_a_buffer", _SCALE_BUFFER, {"scale": nn.Buffer}),
        ("frozen_scale", _SCALE_FROZEN, {"scale": _frozen}),
    ),
    (
        ("mask_is_plain", _MASK, {"mask": _same}),
        ("mask_is_saved", _MASK_SAVED, {"saved": True}),
        ("mask_requires_grad", _MASK_WITH_GRADIENT, {"mask": _buffer_with_gradient}),
        ("mask_is_a_parameter", _MASK_TRAINED, {"mask": nn.Parameter}),
        ("mask_is_a_frozen_parameter", _MASK_FROZEN, {"mask": _frozen}),
    ),
)
"""What can be wrong with the layers, with the scale and with the mask: a name, a sentence, how."""


def _unmended() -> Iterator[Callable[..., Any]]:
    """Every choice of at most one bug of the layers, one of the scale and one of the mask."""
    for choice in product(*((None, *bugs) for bugs in _BUGS)):
        made = [bug for bug in choice if bug is not None]
        if not made:
            continue
        left = {key: value for _, _, change in made for key, value in change.items()}

        def wrong(length: int, width: int, depth: int, left: Any = left) -> nn.Module:
            return _Mixer(length, width, depth, **left)

        yield mistake(
            "_and_".join(name for name, _, _ in made),
            " ".join(sentence for _, sentence, _ in made),
            wrong,
        )


class RegistrationKey(Key, task="registration"):
    reference = _Mixer
    families = tuple(_unmended())

    def one_layer_repeated(length, width, depth):
        """Your layers are one layer many times: [layer] * depth repeats the object. Make a new
        nn.Linear in every turn of a loop."""
        return _Mixer(length, width, depth, make=lambda: [nn.Linear(width, width)] * depth)

    def scale_cut(length, width, depth):
        """The output is right, and no gradient reaches scale: forward takes scale.data, or detaches
        it. Multiply by the parameter itself."""

        class Cut(_Mixer):
            def forward(self, x):
                for layer in self.layers:
                    x = torch.tanh(layer(x))
                return _mean(self.mask, x * self.scale.detach())

        return Cut(length, width, depth)

    def detached(length, width, depth):
        """The output is right, and no gradient comes back from it: forward detaches, or runs under
        no_grad. Leave out detach, .data and no_grad."""
        return _Mixer(length, width, depth, mean=lambda mask, x: _mean(mask, x).detach())

    @raises(r"same dtype|expected scalar type|must have the same dtype")
    def another_mask_in_forward(length, width, depth):
        """forward uses a tensor that __init__ made beside the buffer mask. It stays behind when the
        module moves to another dtype or device: use self.mask, the buffer."""

        class Net(_Mixer):
            def __init__(self):
                super().__init__(length, width, depth)
                plain = torch.tril(torch.ones(length, length))
                self.mean = lambda mask, x: _mean(plain, x)

        return Net()

    def tanhs_among_the_layers(length, width, depth):
        """Your tanhs stand among the layers and are counted with them, so that the second linear
        layer is layers.2. Apply tanh in forward, and keep the linear layers alone in `layers`."""

        def make() -> list[nn.Module]:
            return [one for _ in range(depth) for one in (nn.Linear(width, width), nn.Tanh())]

        return _Mixer(length, width, depth, make=make, step=_same)

    def random_scale(length, width, depth):
        """Your scale begins with other numbers. It begins as ones."""
        return _Mixer(length, width, depth, scale=lambda ones: nn.Parameter(torch.randn(width)))

    def no_tanh_after_the_last_layer(length, width, depth):
        """There is no tanh behind your last layer. Each of the layers has one behind it."""

        class Net(_Mixer):
            def forward(self, x: Tensor) -> Tensor:
                *front, last = self.layers
                for layer in front:
                    x = torch.tanh(layer(x))
                return self.mean(self.mask, last(x) * self.scale)

        return Net(length, width, depth)

    def mean_over_all_positions(length, width, depth):
        """Every position of yours is the mean over all positions: the mask is not used. It is the
        mean over itself and those before it."""
        return _Mixer(
            length, width, depth, mean=lambda mask, x: x.mean(-2, keepdim=True).expand_as(x)
        )

    def scale_of_zeros(length, width, depth):
        """Your scale begins as zeros. It begins as ones."""
        return _Mixer(length, width, depth, scale=lambda ones: nn.Parameter(0 * ones))

    def scale_of_one_number(length, width, depth):
        """Your scale is a single number. It has one for each of the width features."""
        return _Mixer(length, width, depth, scale=lambda ones: nn.Parameter(torch.ones(1)))

    def positions_behind(length, width, depth):
        """Your mean is over a position and all that come after it. The mask has its ones on and
        below the diagonal: torch.tril."""
        return _Mixer(length, width, depth, corner=torch.triu)

    def sum_instead_of_mean(length, width, depth):
        """You summed over the positions. Divide each row of the mask by its sum: it is a mean."""
        return _Mixer(length, width, depth, mean=lambda mask, x: mask @ x)

    def divided_by_length(length, width, depth):
        """You divided by length everywhere. Position i has a mean over i + 1 positions: divide
        each row by its own number of ones."""
        return _Mixer(length, width, depth, mean=lambda mask, x: mask @ x / len(mask))

    def scale_not_applied(length, width, depth):
        """Your scale is never used. The output of the last layer is multiplied by it."""

        class Mixer(_Mixer):
            def forward(self, x):
                for layer in self.layers:
                    x = torch.tanh(layer(x))
                return _mean(self.mask, x)

        return Mixer(length, width, depth)

    def no_tanh(length, width, depth):
        """There is no tanh behind your layers, and together they are one linear map."""
        return _Mixer(length, width, depth, step=_same)

    def tanh_after_the_last_alone(length, width, depth):
        """You took one tanh, behind the last layer. A tanh follows each layer."""

        class Mixer(_Mixer):
            def forward(self, x):
                for layer in self.layers:
                    x = layer(x)
                return _mean(self.mask, torch.tanh(x) * self.scale)

        return Mixer(length, width, depth)

    def first_layer_alone(length, width, depth):
        """Your output is that of the first layer: does a loop end after its first round? Return
        behind the loop."""

        class Mixer(_Mixer):
            def forward(self, x):
                return _mean(self.mask, torch.tanh(self.layers[0](x)) * self.scale)

        return Mixer(length, width, depth)

    def first_layer_alone_by_return(length, width, depth):
        """Your loop ends with its first layer: a `return` stands inside it. Return behind the
        loop."""

        class Mixer(_Mixer):
            def forward(self, x):
                for layer in self.layers:
                    return _mean(self.mask, torch.tanh(layer(x)) * self.scale)
                return None

        return Mixer(length, width, depth)

    def divided_by_sums_of_columns(length, width, depth):
        """You divided by the sums of the mask's columns. A row says which positions are added up:
        divide each row by its own sum."""
        return _Mixer(length, width, depth, mean=lambda mask, x: mask @ x / mask.sum(0)[:, None])

    def scale_added(length, width, depth):
        """You added scale. The output of the last layer is multiplied by it."""

        class Mixer(_Mixer):
            def forward(self, x):
                for layer in self.layers:
                    x = torch.tanh(layer(x))
                return _mean(self.mask, x + self.scale)

        return Mixer(length, width, depth)

    def relu_instead_of_tanh(length, width, depth):
        """You used ReLU. A tanh follows each layer."""
        return _Mixer(length, width, depth, step=torch.relu)

    def scale_before_the_layers(length, width, depth):
        """You multiplied the input by scale. The output of the last layer is multiplied by it."""

        class Mixer(_Mixer):
            def forward(self, x):
                x = x * self.scale
                for layer in self.layers:
                    x = torch.tanh(layer(x))
                return _mean(self.mask, x)

        return Mixer(length, width, depth)

    def softmax_of_the_mask(length, width, depth):
        """You took the softmax of the mask, in which a 0 still gets a share. Divide each row by its
        number of ones."""
        return _Mixer(length, width, depth, mean=lambda mask, x: mask.softmax(1) @ x)

    def no_mean(length, width, depth):
        """Your positions do not see each other: the mask is registered, and not used."""
        return _Mixer(length, width, depth, mean=lambda mask, x: x)
