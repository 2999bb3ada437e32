"""The exercise that saves less for the backward pass, and computes it again."""

import torch
from torch import Tensor, nn

from grader.engine.kept import Kept
from grader.engine.lived import lived, with_grad
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
    hints = (
        "Read section 4.10, on checkpoints. torch.utils.checkpoint has one function for this; "
        "read what its arguments mean.",
        "Compare the gradients of block's parameters with those of the plain block: for an x that "
        "does not require grad, and with dropout.",
        "Of the two kinds of checkpoint take the one that is not reentrant, and leave "
        "preserve_rng_state at its default.",
    )
    allows = frozenset({"rng"})  # where the generator stands afterwards is observed
    CASES = (
        case("7 rows", rows=7, visible=True),
        case("x does not require grad", rows=7, wanted=False),
        case("with dropout", rows=7, p=0.5),
        case("with dropout, in eval mode", rows=7, p=0.5, training=False),
        case("one row", rows=1),
        case("float32, with dropout", rows=7, p=0.4, dtype=F32),
        case(
            "a block of parts in the middle of training",
            rows=7,
            p=0.5,
            states=("nested", "grad", "frozen", "mode", "hooked"),
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

    def observe(self, run_ckpt, x, v, w, u, top, p=0.0, wanted=True, training=True, states=()):
        passes: list[int] = []
        kept = Kept()
        block: nn.Module = nn.Sequential(
            Note(lambda h: passes.append(len(h))),
            Layer(w, w[0]),
            Note(kept.note),
            Noise(p),
            Note(kept.note),
            Layer(u, u[0]),
            Note(kept.note),
            Noise(p),
            Note(kept.note),
            Layer(top, top[0]),
        )
        block = lived(block.train(training), *states)
        x = with_grad(x) if states else x.requires_grad_(wanted)
        with seeded(11):
            y = run_ckpt(block, x)
            saved, forward = kept.entries(), len(passes)
            drawn = [float(torch.rand((), dtype=torch.float64))]
            if isinstance(y, Tensor) and y.shape == v.shape and y.requires_grad:
                y.backward(v)
            drawn.append(float(torch.rand((), dtype=torch.float64)))
        return {
            "y": y,
            **flags("y", y, "requires_grad"),
            "saved": "little" if 3 * saved < kept.noted else "as much as block(x)",
            "computed again": len(passes) > forward,
            "gradients": {
                "x": x.grad,
                **{name: parameter.grad for name, parameter in block.named_parameters()},
            },
            "the next random numbers": drawn,
        }
