"""The small net that the exercises on trained layers are given, made from drawn tensors."""

import torch
from torch import Tensor, nn

from grader.engine.task import Rng


def weights(rng: Rng) -> dict[str, Tensor]:
    """What `make_model` is made from."""
    return {
        "matrix": rng.apart(0.3, 0.8, 3, 5),
        "shift": rng.apart(0.5, 1.0, 3),
        "means": rng.apart(0.5, 1.5, 8),
        "variances": rng.uniform(3.0, 4.0, 8),
    }


def make_model(matrix: Tensor, shift: Tensor, means: Tensor, variances: Tensor) -> nn.Sequential:
    """A net on rows of 5 with a BatchNorm in front and one behind, trained for 4 batches."""
    first, second = nn.BatchNorm1d(5), nn.BatchNorm1d(3)
    with torch.random.fork_rng(devices=[]):  # a new layer draws its weights
        model = nn.Sequential(first, nn.Linear(5, 3), nn.Tanh(), second).to(matrix)
    fill(model[1], {"weight": matrix, "bias": shift})
    for norm, part in ((first, slice(0, 5)), (second, slice(5, 8))):
        fill(norm, {"running_mean": means[part], "running_var": variances[part]})
        fill(norm, {"num_batches_tracked": torch.tensor(4)})
    return model


def fill(module: nn.Module, given: dict[str, Tensor]) -> None:
    """Copy given values into the parameters and buffers of a module."""
    with torch.no_grad():
        for name, tensor in (*module.named_parameters(), *module.named_buffers()):
            if name in given:
                tensor.copy_(given[name])
