"""Exercises on what is a copy: two tensors on one storage, and weights to come back to."""

from typing import Any

import torch
from torch import Tensor, nn

from grader.engine.lived import lived
from grader.engine.task import F32, Case, Inputs, Rng, Task, case


def compared(name: str, *others: str, **settings: Any) -> Case:
    return case(name, others=list(others), **settings)


class AliasOrCopy(Task):
    """Return "same" if a and b are one object, "shared" if they are two tensors on one storage, and
    "separate" if each has a storage of its own. Two parts of one storage count as "shared" even
    if no entry belongs to both. Neither of the two is empty, on the device meta or made from a
    NumPy array."""

    id = "alias_or_copy"
    signatures = ("relation(a, b) -> word",)
    title, points, difficulty, minutes = "Same, shared or separate?", 6, 2, 8
    hints = (
        "Read section 3.1, on memory. Which operations give a new tensor on the old memory?",
        "Equal values say nothing, and neither does id() of something made on the spot. data_ptr() "
        "of a tensor is the address of its first entry.",
        "Python's `is` finds the same object. For the rest compare the data_ptr() of the two "
        "storages: t.untyped_storage().",
    )
    CASES = (
        compared("whole tensors", "x", "x.clone()", "x.detach()", "x.view(15)", visible=True),
        compared("parts of x", "x[1:]", "x[:, 2]", "x.T", "x[1:2].expand(4, 5)"),
        compared("equal values", "x + 0", "x[[0, 1, 2]]", "x.detach().clone()", "x.data"),
        compared(
            "a copy where one is needed",
            "x.contiguous()",
            "x.T.contiguous()",
            "x.to(x.dtype)",
            visible=True,
        ),
        compared("reshaped", "x.reshape(5, 3)", "x.T.reshape(15)", "x.reshape(3, 5)"),
        compared(
            "another dtype, and edits in place",
            "x.view(torch.uint8)",
            "x.clone().view(torch.uint8)",
            "x.clone().add_(1)",
        ),
        compared("x requires grad", "x.view(15)", "(x * 2).view(15)", "x.detach()", wanted=True),
        compared("a view that was recorded", "x", "x[1]", first="x.view(15)", wanted=True),
        compared("two parts of x", "x[2]", "x[0, 3:]", "x[0]", first="x[0]", visible=True),
        compared(
            "a part that starts further on",
            "x",
            "x[1:]",
            "x[1].clone()",
            "x[2]",
            "x.T",
            first="x[1]",
            visible=True,
        ),
        compared("two parts of x, far apart", "x[-1]", "x[-1].clone()", first="x[0]", rows=997),
        compared("side by side in memory", "next_to_it", "one[8:]", first="one"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"x": rng.apart(0.5, 3.0, case.params.get("rows", 3), 5)}

    def observe(self, relation, x, others, first="x", wanted=False):
        x.requires_grad_(wanted)
        one, next_to_it = _side_by_side()
        names = {"x": x, "torch": torch, "one": one, "next_to_it": next_to_it}
        found = {}
        for other in others:
            a, b = (eval(text, names) for text in (first, other))
            found[f"a = {first}, b = {other}"] = relation(a, b)
        return found


def _side_by_side() -> tuple[Tensor, Tensor]:
    """Two tensors of 64 bytes, each on a storage of its own, which begins where the other ends."""
    memory = bytearray(range(128))
    one, next_to_it = (
        torch.frombuffer(memory, dtype=torch.uint8, count=64, offset=at) for at in (0, 64)
    )
    return one, next_to_it


class Snapshot(Task):
    """Return a dict like model.state_dict(), with the same names and values, that later training
    of the model does not change: parameters and buffers, none of which requires grad. All buffers
    of the model stand in its state_dict(). Leave the model as it is."""

    id = "snapshot"
    signatures = ("best_weights(model) -> state",)
    title, points, difficulty, minutes = "Spot the bug: the best weights, gone", 8, 2, 8
    prerequisites = ("alias_or_copy",)
    hints = (
        "Read section 3.3, on a snapshot that does not move. Whose memory do the entries of "
        "state_dict() use?",
        "Take a snapshot, add 1 to a weight in place inside torch.no_grad(), and print both.",
        "Every entry needs memory of its own, also the integers that count batches. A loop over "
        "the items can clone them one by one.",
    )
    CASES = (
        case("weights change", change="weights", visible=True),
        case("running statistics change", change="statistics"),
        case("everything changes", change="everything", visible=True),
        case("everything changes, float32", change="everything", dtype=F32, visible=True),
        case(
            "a model of parts in the middle of training",
            change="everything",
            states=("nested", "grad", "frozen", "mode", "affine"),
            visible=True,
        ),
        case("a weight under two names", change="weights", tied=True, visible=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"weight": rng.apart(0.5, 2.0, 3, 5), "data": rng.apart(0.5, 2.0, 7, 5)}

    def observe(self, best_weights, weight, data, change, states=(), tied=False):
        net = _Net(weight)
        if tied:
            net.decoder = net.weight
        model = _in_use(net, states) if states else net
        state = best_weights(model)
        if change in ("statistics", "everything"):
            model(data)  # in train mode
        if change in ("weights", "everything"):
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.mul_(2).add_(1)
        entries = list(state.values()) if isinstance(state, dict) else []
        recorded = any(isinstance(entry, Tensor) and entry.requires_grad for entry in entries)
        return {"state": state, "state.requires_grad": recorded}


def _in_use(net: nn.Module, states: tuple[str, ...]) -> nn.Module:
    """The net, a second norm and an activation as parts in parts, all of them in use."""
    norm = nn.BatchNorm1d(3, device=net.weight.device, dtype=net.weight.dtype)
    used: nn.Module = lived(nn.Sequential(net, norm, nn.Tanh()), *states)
    return used


class _Net(nn.Module):
    """A linear map and batch normalization, made from given numbers. A buffer of its own holds the
    largest entry that came in."""

    largest: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight.clone())
        self.norm = nn.BatchNorm1d(len(weight), device=weight.device, dtype=weight.dtype)
        self.register_buffer("largest", weight.new_zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 5) to (N, 3); updates the buffers in train mode."""
        if self.training:
            self.largest.copy_(x.detach().amax())
        y: Tensor = self.norm(x @ self.weight.T)
        return y
