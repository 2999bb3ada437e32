"""The exercise that trains over a long sequence in windows."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from grader.engine.lived import lived
from grader.engine.observation import named
from grader.engine.task import F32, TRAINING, Case, Inputs, Rng, Task, case
from grader.tasks.loop.nets import Loss, fill_grads, in_groups, lopsided, values


class TruncatedBptt(Task):
    """Train model on a sequence of T steps in windows of k, the last one shorter if k does not
    divide T. model(x, state) gives (prediction, state) of one step; a state is a tuple of tensors.
    The loss of a window is the sum of loss_fn(prediction, y) over its steps. After each window, one
    step of opt along the gradient of that window's loss alone; a parameter that takes no part stays
    as it is. A window starts from the values
    with which the one before it ended, and no gradient goes back into that one, nor into what state
    comes from. Leave the model in its mode. Return the list of the windows' losses, Python floats,
    and the last state, whose tensors do not require grad."""

    id = "truncated_bptt"
    signatures = ("train_windows(model, opt, loss_fn, xs, ys, state, k) -> (losses, state)",)
    title, points, difficulty, minutes = "Back through time, window by window", 10, 3, 15
    hints = (
        "Read the section on a state that is carried on. To which graph does the state "
        "belong with which a window ends, and what does the step of opt change in that graph?",
        "Try k = 1 and k = T. Where exactly does the state have to be cut, so that within a window "
        "gradients still go back over several steps?",
        "range(0, len(xs), k) counts the windows. In each: detach every tensor of the state, add "
        "up the losses of its steps, then the three lines of a training step.",
    )
    allows = TRAINING
    CASES = (
        case("7 steps in windows of 3", steps=7, k=3, visible=True),
        case("windows of one step", steps=5, k=1, visible=True),
        case("one window", steps=5, k=5),
        case("k is greater than T", steps=3, k=7),
        case("6 steps in windows of 2, a state of two tensors", steps=6, k=2, two=True),
        case("old gradients in .grad", steps=7, k=3, kind="old", visible=True),
        case("float32", steps=7, k=2, dtype=F32),
        case("in the middle of training, another loss", steps=7, k=3, kind="lived"),
        case("an old gradient of a parameter that takes no part", steps=5, k=2, kind="spare"),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        steps = case["steps"]
        return {
            "into": rng.apart(0.3, 0.8, 5, 3),
            "over": rng.apart(0.3, 0.6, 5, 5),
            "top": rng.apart(0.3, 0.8, 2, 5),
            "shift": rng.apart(0.1, 0.5, 5),
            "xs": rng.apart(0.5, 1.5, steps, 4, 3),
            "ys": rng.apart(0.5, 1.5, steps, 4, 2),
            "start": rng.apart(0.3, 0.8, 2, 4, 5),
            "old": rng.apart(1.0, 2.0, 60),
            "spare": rng.apart(0.5, 1.0, 2),
        }

    def observe(
        self,
        train_windows,
        into,
        over,
        top,
        shift,
        spare,
        xs,
        ys,
        start,
        old,
        k,
        two=False,
        kind="",
    ):
        model: nn.Module = _Cell(into, over, top, shift, spare)
        if kind in ("old", "spare"):
            fill_grads(model, old)
        decay = 0.3 if kind == "spare" else 0.0  # which moves whatever has a .grad
        opt = torch.optim.SGD(model.parameters(), lr=0.13, momentum=0.5, weight_decay=decay)
        loss_fn: Loss = torch.nn.functional.mse_loss
        if kind == "lived":
            in_groups(opt)
            model, loss_fn = lived(model, "grad", "frozen", "mode"), _root_of_lopsided
        start = start.clone().requires_grad_(kind == "lived")
        state = tuple(t * 1 for t in start) if two else (start[0] * 1,)
        found = named(train_windows(model, opt, loss_fn, xs, ys, state, k), "losses", "state")
        last = found.get("state")
        return {
            **found,
            "the state requires grad": [
                isinstance(t, Tensor) and t.requires_grad
                for t in (last if isinstance(last, tuple | list) else [last])
            ],
            "gradient of what state comes from": start.grad,
            **values(model),
        }


def _root_of_lopsided(prediction: Tensor, wanted: Tensor) -> Tensor:
    """A loss that is no mean over rows: of several steps at once it is not their mean either."""
    return lopsided(prediction, wanted).sqrt()


class _Cell(nn.Module):
    """A recurrent cell on rows of 3, with a state of one tensor or two of shape (N, 5). `spare`
    takes no part in it."""

    def __init__(
        self, into: Tensor, over: Tensor, top: Tensor, shift: Tensor, spare: Tensor
    ) -> None:
        super().__init__()
        self.spare = nn.Parameter(spare.clone())
        self.into, self.over = nn.Parameter(into.clone()), nn.Parameter(over.clone())
        self.top, self.shift = nn.Parameter(top.clone()), nn.Parameter(shift.clone())
        self.act = nn.Tanh()  # a part, which may be in another mode

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, Any]:
        """The prediction of shape (N, 2) and the next state."""
        h = self.act(x @ self.into.T + state[0] @ self.over.T + self.shift)
        if len(state) == 1:
            return h @ self.top.T, (h,)
        memory = 0.5 * state[1] + h.sin()
        return (h + memory) @ self.top.T, (h, memory)
