"""The exercise that saves less for the backward pass, and computes it again."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef

from grader.engine.lived import lived
from grader.engine.observation import flags
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.modes.nets import Layer, Noise, Note, seeded


class Checkpointed(Task):
    """Return block(x) with the gradients that it has, but save less for the backward pass: what
    happens inside block is computed again when a gradient arrives. block is a module; x has shape
    (N, 5) and need not require grad. block may drop entries at random: the second computation must
    drop the same ones, and the random numbers that come after block(x), and after the pass, are
    those that would come without it. You may use torch.utils.checkpoint."""

    id = "checkpointed"
    signatures = ("run_ckpt(block, x) -> y",)
    title, points, difficulty, minutes = "Compute it again instead of saving it", 10, 4, 15
    meta = True
    hints = (
        "Read the section on what is saved. torch.utils.checkpoint has one function for this; "
        "read what its arguments mean.",
        "Compare the gradients of block's parameters with those of the plain block: for an x that "
        "does not require grad, and with dropout.",
        "Of the two kinds of checkpoint take the one that is not reentrant, and leave "
        "preserve_rng_state at its default.",
    )
    CASES = (
        case("7 rows", rows=7, visible=True),
        case("x does not require grad", rows=7, wanted=False),
        case("with dropout", rows=7, p=0.5),
        case("one row", rows=1),
        case("float32, with dropout", rows=7, p=0.4, dtype=F32),
        case(
            "a block of parts in the middle of training",
            rows=7,
            p=0.5,
            states=("nested", "grad", "frozen", "mode"),
        ),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        rows = case["rows"]
        return {
            "x": rng.apart(0.3, 1.0, rows, 5),
            "v": rng.apart(1.0, 2.0, rows, 2),
            "w": rng.apart(0.2, 0.4, 5, 13),
            "u": rng.apart(0.2, 0.4, 13, 11),
            "top": rng.apart(0.2, 0.4, 11, 2),
        }

    def observe(self, run_ckpt, x, v, w, u, top, p=0.0, wanted=True, states=()):
        passes: list[int] = []
        block = nn.Sequential(
            Note(lambda h: passes.append(len(h))),
            Layer(w, w[0]),
            Noise(p),
            Layer(u, u[0]),
            Noise(p),
            Layer(top, top[0]),
        )
        block = lived(block, *states)
        x.requires_grad_(wanted)
        kept = (x, *block.parameters())
        layers = [part for part in block.modules() if isinstance(part, Layer)]
        with seeded(11):
            _, plain = saved_entries(lambda: block(x), kept)
            expected = torch.get_rng_state()
        passes.clear()
        with seeded(11), Alive(layers, kept) as alive:
            y, saved = saved_entries(lambda: run_ckpt(block, x), kept)
            saved = max(saved, alive.entries(y))
            randomness = [torch.get_rng_state()]
            forward = len(passes)
            if isinstance(y, Tensor) and y.shape == v.shape and y.requires_grad:
                y.backward(v)
            randomness.append(torch.get_rng_state())
        return {
            "y": y,
            **flags("y", y, "requires_grad"),
            "saved": "little" if 3 * saved < plain else "as much as block(x)",
            "computed again": len(passes) > forward,
            "gradients": {
                "x": x.grad,
                **{name: parameter.grad for name, parameter in block.named_parameters()},
            },
            **({"random numbers": _stand(randomness, expected)} if states else {}),
        }


def _stand(found: Sequence[Tensor], expected: Tensor) -> str:
    moved = [not torch.equal(state, expected) for state in found]
    if not any(moved):
        return "go on as after block(x)"
    return "are others after the call" if moved[0] else "are others after the pass"


class Alive:
    """Notes what layers compute while it is open, and counts which of it somebody still keeps.

    Hooks on saved tensors see only what is saved under no hooks of the answer's own. Memory that is
    still in use has been kept, however it is held.
    """

    def __init__(self, layers: Sequence[nn.Module], kept: Sequence[Tensor]) -> None:
        self.layers, self.handles = layers, list[Any]()
        self.own = {tensor.untyped_storage()._cdata for tensor in kept}
        self.found: dict[int, tuple[StorageWeakRef, int]] = {}

    def __enter__(self) -> Self:
        self.handles = [layer.register_forward_hook(self._note) for layer in self.layers]
        return self

    def __exit__(self, *raised: object) -> None:
        for handle in self.handles:
            handle.remove()

    def _note(self, layer: nn.Module, given: object, y: object) -> None:
        if isinstance(y, Tensor):
            self.found[len(self.found)] = StorageWeakRef(y.untyped_storage()), y.numel()

    def entries(self, y: object) -> int:
        """How many entries are in use that are neither those of `y` nor anybody's own."""
        own = {*self.own, y.untyped_storage()._cdata} if isinstance(y, Tensor) else self.own
        others = [(ref, count) for ref, count in self.found.values() if ref.cdata not in own]
        return sum(count for ref, count in others if not ref.expired())


def saved_entries(function: Callable[[], Any], kept: Sequence[Tensor]) -> tuple[Any, int]:
    """What `function` returns, and how many entries it saves that are not those of `kept`."""
    own = {tensor.untyped_storage().data_ptr() for tensor in kept}
    sizes = [0]

    def pack(tensor: Tensor) -> Tensor:
        if tensor.untyped_storage().data_ptr() not in own:
            sizes.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = function()
    return result, sum(sizes)
