"""The exercise that stops a training and goes on with it from a file."""

import io
import pickle
import zipfile

import torch
from torch import Tensor, nn

from grader.engine.lived import lived
from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.loop.nets import Net, draw_net, in_groups, values


class Resume(Task):
    """save_training writes all that a training needs to go on to file, an open binary file.
    load_training reads it into another model, optimizer and scheduler of the same kinds, all
    of them fresh, such that training goes on exactly as if it had never stopped. The model draws no
    random numbers, and somebody else keeps the place in the data. The file must be one that
    torch.load opens by default, which is with weights_only=True. What you return is not used."""

    id = "resume"
    signatures = (
        "save_training(model, opt, sched, file) -> None",
        "load_training(model, opt, sched, file) -> None",
    )
    title, points, difficulty, minutes = "Stop, and go on", 10, 3, 15
    prerequisites = ("train_step",)
    hints = (
        "Read section 6.12, on saving. Which three objects of a training hold numbers that the "
        "next step depends on?",
        "Train four steps, and two plus two with a file between them. Compare the parameters, "
        "the buffers and the learning rate.",
        "Model, optimizer and scheduler each have state_dict() and load_state_dict(). One dict "
        "can hold all three, and torch.save writes it.",
    )
    allows = frozenset({"parameters", "buffers"})
    CASES = (
        case("Adam, 3 steps and 2 more", kind="Adam", before=3, visible=True),
        case("SGD with momentum, 1 and 2", kind="SGD", before=1),
        case("saved before the first step", kind="SGD", before=0),
        case("Adam in float32, 2 and 2", kind="Adam", before=2, dtype=F32),
        case("parameters in several groups", kind="SGD", before=3, groups=True),
        case("a schedule that starts over", kind="SGD", before=3, restarts=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {
            **draw_net(rng),
            "x": rng.apart(0.5, 1.5, case["before"] + 2, 7, 3),
            "y": rng.apart(1.0, 2.0, case["before"] + 2, 7, 3),
        }

    def observe(
        self,
        save_training,
        load_training,
        w,
        b,
        spare,
        u,
        x,
        y,
        kind,
        before,
        groups=False,
        restarts=False,
    ):
        settings = kind, groups, restarts
        first = _Training(_Counting(w, b, spare, u), *settings)
        first.train(x[:before], y[:before])
        if groups:  # what is saved is left as it is
            lived(first.model, "frozen")
        file = io.BytesIO()
        save_training(first.model, first.opt, first.sched, file)
        if file.closed or not file.getvalue():
            return {"file after saving": "is closed" if file.closed else "is empty"}
        written = {"file after saving": "holds something"}
        file.seek(0)
        opens = {"the file opens with weights_only=True": _opens(file)}
        if True not in opens.values():
            return {**written, **opens, "torch.save wrote the file": zipfile.is_zipfile(file)}
        file.seek(0)
        # Another training is saved before this one is read: what is kept outside of the file is
        # the other's by then.
        other = _Training(_Counting(w / 4, b / 6, spare / 10, u / 14), *settings)
        save_training(other.model, other.opt, other.sched, io.BytesIO())
        # Other numbers, as fresh ones are.
        second = _Training(_Counting(w / 2, b / 3, spare / 5, u / 7), *settings)
        if groups:
            lived(second.model, "frozen")
        load_training(second.model, second.opt, second.sched, file)
        second.train(x[before:], y[before:])
        rates = [group["lr"] for group in second.opt.param_groups]
        found = {**written, **opens, **values(second.model), "learning rate": rates[0]}
        return {**found, "learning rates of the groups": rates} if groups else found


def _opens(file: io.BytesIO) -> bool | str:
    """Whether it does; why not, where torch names a class or a function that the file asks for."""
    try:
        torch.load(file, weights_only=True)
    except pickle.UnpicklingError as error:
        return "no, it holds whole objects" if "Unsupported global" in str(error) else False
    return True


class _Counting(Net):
    """A Net with a buffer: the running mean of what it was given."""

    mean: Tensor

    def __init__(self, w: Tensor, b: Tensor, spare: Tensor, u: Tensor) -> None:
        super().__init__(w, b, spare, u)
        self.register_buffer("mean", torch.zeros_like(w[0]))

    def forward(self, x: Tensor) -> Tensor:
        """What the net makes of the rows of x."""
        self.mean.lerp_(x.mean(0), 0.1)
        return super().forward(x)


class _Training:
    """A model, its optimizer and a schedule that lowers the learning rate after every 2 steps, or
    one that lowers it step by step and starts over after 4."""

    def __init__(self, model: nn.Module, kind: str, groups: bool, restarts: bool) -> None:
        self.model = model
        self.opt: torch.optim.Optimizer
        if kind == "Adam":  # with an eps that keeps small gradients from being blown up
            self.opt = torch.optim.Adam(model.parameters(), lr=0.13, eps=0.01)
        else:
            self.opt = torch.optim.SGD(model.parameters(), lr=0.13, momentum=0.9)
        if groups:
            in_groups(self.opt)
        self.sched = (
            torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(self.opt, 4)
            if restarts
            else torch.optim.lr_scheduler.StepLR(self.opt, 2, gamma=0.4)
        )

    def train(self, x: Tensor, y: Tensor) -> None:
        """One step for each batch."""
        for rows, wanted in zip(x, y, strict=True):
            self.opt.zero_grad()
            nn.functional.mse_loss(self.model(rows), wanted).backward()
            self.opt.step()
            self.sched.step()
