"""The exercise on what a forward pass keeps in memory."""

import torch
from torch import Tensor, nn

from grader.engine.lived import computed, lived, with_grad
from grader.engine.task import F32, Case, Inputs, Rng, Task, case


class ActivationMemory(Task):
    """Return how many bytes the graph of model(x) keeps for its backward pass, as an int, without
    counting parameters and buffers of the model, which are there in any case. Count every storage
    once, and whole, however many saved tensors lie in it. The storage of x counts where the graph
    keeps it. Call the model in the mode that it is in, and leave it as it is; its buffers may take
    the call in, as those of a BatchNorm do in training."""

    id = "activation_memory"
    signatures = ("saved_bytes(model, x) -> bytes",)
    title, points, difficulty, minutes = "What a forward pass keeps", 8, 4, 18
    hints = (
        "Read the section on the memory of activations. Which hooks see every tensor that an "
        "operation saves, and what do they get?",
        "Print the shapes that the pack hook gets. The weights are among them, transposed; and the "
        "result of a ReLU comes twice. What do two tensors on one storage have in common?",
        "untyped_storage() has a data_ptr() and nbytes(). Collect the bytes by data_ptr() in a "
        "dict, and leave out the storages of parameters and buffers.",
    )
    allows = frozenset({"buffers", "rng"})
    CASES = (
        case("two layers and a ReLU", kind="plain", visible=True),
        case("a batch of one", kind="plain", rows=1),
        case("a frozen first layer", kind="frozen first", visible=True),
        case("BatchNorm and Dropout in training", kind="norm"),
        case("the same in eval mode", kind="norm", training=False),
        case("max pooling, whose places are integers", kind="pool"),
        case("a part without recording", kind="unrecorded"),
        case("x is a part of a larger tensor", kind="plain", view=True),
        case("x requires grad, and is a result", kind="frozen first", of_x="computed"),
        case(
            "a net in the middle of training",
            kind="deep",
            states=("nested", "grad", "frozen", "tied"),
        ),
        case("parts in parts, one of them used twice", kind="norm", states=("twice", "mode")),
        case("all parameters in one storage", kind="plain", flat=True),
        case("two parts of three that are multiplied", kind="gate"),
        case("a layer that uses a part of its weight", kind="narrow"),
        case("a hook that goes on with the result", kind="plain", hooked=True),
        case("a drawn number of rows, in float32", kind="plain", single=True, rows=0, dtype=F32),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        rows = case.params.get("rows", 7) or int(rng.integers(5, 40))
        return {"data": rng.normal(rows + 4, 6), "rows": rows, "seed": int(rng.integers(0, 2**31))}

    def observe(
        self,
        saved_bytes,
        data,
        rows,
        seed,
        kind,
        training=True,
        view=False,
        of_x=None,
        states=(),
        single=False,
        flat=False,
        hooked=False,
    ):
        data = data.to(torch.float32 if single else torch.float64)  # what is asked for is its size
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = lived(_MODELS[kind]().to(data).train(training), *states)
            if flat:
                model = _in_one_storage(model)
            if hooked:
                model.register_forward_hook(lambda module, given, y: y.exp())
            x = data[:rows] if view else data[:rows].clone()
            if of_x == "computed":
                x = computed(x)
            elif states:
                x = with_grad(x)
            found = saved_bytes(model, x)
            seen = {"bytes": found, "bytes is an int": isinstance(found, int)}
            if kind == "norm" and not states:
                seen["the batch taken in twice"] = bool(model[1].num_batches_tracked > 1)
            return seen


class _Unrecorded(nn.Module):
    """A layer whose work is not recorded, as in a frozen backbone."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        """Of x's shape."""
        with torch.no_grad():
            result: Tensor = self.layer(x).tanh()
            return result


class _Narrow(nn.Module):
    """A linear layer from the last rows of a weight that has more."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 5))

    def forward(self, x: Tensor) -> Tensor:
        """With 5 features."""
        return nn.functional.linear(x, self.weight[3:])


class _Gate(nn.Module):
    """The first third of the features times the second. Nothing is done with the last."""

    def forward(self, x: Tensor) -> Tensor:
        """Of a third as many features."""
        one, other, _ = x.chunk(3, -1)
        return one * other


def _in_one_storage(model: nn.Module) -> nn.Module:
    """The model, whose parameters are views of one flat tensor, behind three numbers more."""
    parameters = list(model.parameters())
    flat = torch.cat([parameters[0].new_zeros(3), *(p.detach().flatten() for p in parameters)])
    pieces = flat[3:].split([p.numel() for p in parameters])
    for p, piece in zip(parameters, pieces, strict=True):
        p.data = piece.view_as(p)
    return model


def _frozen_first() -> nn.Module:
    model = nn.Sequential(nn.Linear(6, 5), nn.Sigmoid(), nn.Tanh(), nn.Linear(5, 3), nn.Tanh())
    model[0].requires_grad_(False)
    return model


_MODELS = {
    "plain": lambda: nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)),
    "frozen first": _frozen_first,
    "norm": lambda: nn.Sequential(
        nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Sigmoid(), nn.Dropout(0.5), nn.Linear(5, 5), nn.ELU()
    ),
    "pool": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 6)), nn.Conv1d(1, 3, 3), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(6, 2)
    ),
    "narrow": lambda: nn.Sequential(nn.Linear(6, 5), nn.Tanh(), _Narrow(), nn.Tanh()),
    "gate": lambda: nn.Sequential(nn.Linear(6, 15), _Gate(), nn.Linear(5, 2)),
    "unrecorded": lambda: nn.Sequential(_Unrecorded(), nn.Linear(6, 5), nn.Sigmoid()),
    "deep": lambda: nn.Sequential(
        nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6)
    ),
}
