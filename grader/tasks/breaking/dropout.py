"""The exercise on the random numbers of a checkpoint."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from grader.engine.kept import Kept
from grader.engine.lived import lived, with_grad
from grader.engine.observation import flags
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.modes.nets import Layer, Noise, Note, Unwell, seeded


class KeepsDropout(Task):
    """Write the two halves of a checkpoint. keep(block, x) runs block(x) once, without recording,
    and returns its result, which does not require grad, and a state: what the second half needs,
    and no result of block. Later again(block, x, state) computes block(x) anew, recorded, and
    returns the result: with the random numbers of the first run, so that dropout drops the same
    entries, as often as it is called. x may be another tensor by then, with the same values. Its
    caller's random numbers go on as if it had not been called, also if block raises. block draws
    from torch's generator on the CPU, and returns a new tensor. Leave block as it is, but for what
    a backward pass does."""

    id = "keeps_dropout"
    signatures = ("keep(block, x) -> (y, state)", "again(block, x, state) -> y")
    title, points, difficulty, minutes = "The same entries dropped again", 8, 4, 15
    prerequisites = ("checkpointed",)
    hints = (
        "Read the section on checkpoints, down to random numbers. What decides which entries "
        "dropout drops, and when do you have to look at it?",
        "Draw torch.rand(1) behind each of your functions, and compare with a run of block(x) "
        "alone. keep moves the generator as block does; again does not move it at all.",
        "torch.get_rng_state() before the run is the state. Inside torch.random.fork_rng() a "
        "generator may be set to it, and is put back at the end, whatever happens.",
    )
    allows = frozenset({"rng"})  # where the generator stands is observed after each call
    CASES = (
        case("dropout of a half", p=0.5, visible=True),
        case("two blocks, computed again in the other order", p=0.5, blocks=2, visible=True),
        case("one block, kept for two inputs", p=0.5, inputs=2),
        case("nothing is dropped", p=0.0),
        case("one row", p=0.4, rows=1),
        case("block raises when it runs again", p=0.5, unwell=True, visible=True),
        case("x does not require grad", p=0.5, wanted=False),
        case("x is another tensor by then", p=0.5, anew=True),
        case("float32", p=0.3, dtype=F32),
        case("a hook stands on block", p=0.5, states=("hooked",)),
        case(
            "a block of parts in the middle of training",
            p=0.5,
            states=("nested", "grad", "frozen", "mode"),
        ),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        rows = case.params.get("rows", 7)
        return {
            "x": rng.apart(0.3, 1.0, rows, 5),
            "v": rng.apart(1.0, 2.0, rows, 3),
            "w": rng.apart(0.2, 0.4, 5, 13),
            "u": rng.apart(0.2, 0.4, 13, 3),
            "seed": int(rng.integers(0, 2**31)),
        }

    def observe(
        self,
        keep,
        again,
        x,
        v,
        w,
        u,
        seed,
        p,
        blocks=1,
        inputs=1,
        unwell=False,
        states=(),
        wanted=True,
        anew=False,
    ):
        given_x = with_grad(x) if states else x.requires_grad_(wanted)
        halves = [_Half(given_x, w * (1 + n), u, p, states) for n in range(blocks)]
        halves += [halves[0].on((x * 0.7).detach().requires_grad_()) for _ in range(1, inputs)]
        found: dict[str, Any] = {"what keep returns": "a pair"}
        with seeded(seed):
            _drawn()  # the generator does not stand where its seed has put it
            for number, half in enumerate(halves, 1):
                given = keep(half.block, half.x)
                if not isinstance(given, tuple | list) or len(given) != 2:
                    return {"what keep returns": given}
                y, half.state = given
                found |= half.first(y, f"y of block {number}")
                del y, given
                found[f"block {number}'s result, let go of"] = half.is_rid_of_the_result()
            found["the next random number"] = _drawn()
            if anew:
                halves = [half.on(half.x.detach().clone().requires_grad_()) for half in halves]
            for number, half in reversed(list(enumerate(halves, 1))):
                found |= half.second(again, v, f"block {number} again")
            found["a random number after that"] = _drawn()
            if unwell:
                found["with a block that raises"] = halves[0].raising(again)
                found["a random number after the error"] = _drawn()
        return found


def _drawn() -> float:
    return float(torch.rand((), dtype=torch.float64))


def _goes_on(y: Any) -> bool:
    """Whether a recorded product may save y for its backward pass, as the rest of a net would."""
    factor = torch.ones((), dtype=torch.float64, requires_grad=True)
    try:
        return isinstance(y, Tensor) and bool((factor * y).requires_grad)
    except RuntimeError:
        return False


class _Half:
    """A block of two layers with dropout between them, kept and computed again."""

    def __init__(self, x: Tensor, w: Tensor, u: Tensor, p: float, states: tuple[str, ...]) -> None:
        self.x = x
        self.kept, self.result = Kept(), Kept()
        self.runs, self.is_unwell, self.is_recorded = 0, False, False
        block: nn.Module = nn.Sequential(
            Note(self._count),
            Layer(w, w[0]),
            Noise(p),
            Note(self.kept.note),
            Note(self._raise),
            Layer(u, u[0]),
            Noise(p),
            Note(self.result.note),
        )
        self.block = lived(block, *states)
        self.state: Any = None

    def on(self, x: Tensor) -> _Half:
        """The same block and another input."""
        other = copy.copy(self)
        other.x = x
        return other

    def _count(self, x: Tensor) -> None:
        self.runs += 1
        self.is_recorded = torch.is_grad_enabled()

    def _raise(self, x: Tensor) -> None:
        if self.is_unwell:
            raise Unwell("this block is not well")

    def first(self, y: Any, name: str) -> dict[str, Any]:
        """What keep gave, and what is left of the block's results."""
        return {
            name: y.detach().clone() if isinstance(y, Tensor) else y,
            **flags(name, y, "requires_grad"),
            f"{name}, in a recorded product": "as usual" if _goes_on(y) else "refused",
            f"{name}, runs": self.runs,
            f"{name}, while block runs": "recorded" if self.is_recorded else "not recorded",
            f"{name}, kept": "nothing from inside" if self.kept.entries() == 0 else "results",
        }

    def is_rid_of_the_result(self) -> str:
        """Whether the memory of the block's result is free when the state alone can hold it."""
        return "its memory is free" if self.result.entries() == 0 else "its memory is in use"

    def second(self, again: Any, v: Tensor, name: str) -> dict[str, Any]:
        """What two calls of again give, and the gradients that come from the second."""
        once = again(self.block, self.x, self.state)
        _drawn()  # somebody else draws between the two
        y = again(self.block, self.x, self.state)
        if isinstance(y, Tensor) and y.shape == v.shape and y.requires_grad:
            y.backward(v)
        leaves = {"x": self.x, **dict(self.block.named_parameters())}
        grads = {key: None if t.grad is None else t.grad.clone() for key, t in leaves.items()}
        return {
            name: once,
            f"{name}, a second time": y,
            f"gradients of {name}": grads,
            f"{name}, runs": self.runs,
        }

    def raising(self, again: Any) -> str:
        """What becomes of the error of a block that raises."""
        self.is_unwell = True
        try:
            again(self.block, self.x, self.state)
        except Unwell:
            return "its error passes through"
        finally:
            self.is_unwell = False
        return "no error"
