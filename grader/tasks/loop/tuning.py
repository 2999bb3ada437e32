"""The exercise that trains a new head on a body which stays as it is."""

from typing import Any

from torch import nn

from grader.engine.lived import lived
from grader.engine.task import F32, TRAINING, Case, Inputs, Rng, Task, case
from grader.tasks.loop.nets import Linear, Loss, Norm, lopsided


class Finetune(Task):
    """model has two parts, body and head, and computes head(body(x)). Put the module head in the
    place of model.head and train it on every batch (x, y) of batches, one step each, by a
    torch.optim.SGD with learning rate lr and weight decay 0.1. The body must stay exactly as it is:
    its parameters, which shall not require grad afterwards, and the running statistics of its
    norm. Leave the body in eval mode, the head in train mode. What you return is not used."""

    id = "finetune"
    signatures = ("finetune(model, head, loss_fn, batches, lr) -> None",)
    title, points, difficulty, minutes = "Spot the bug: frozen, and still moving", 8, 3, 12
    prerequisites = ("train_step",)
    hints = (
        "Read the section on freezing. Which numbers of a module change in a forward pass alone, "
        "without any optimizer?",
        "Compare the state_dict() of the body before and after, entry by entry, buffers too.",
        "requires_grad keeps gradients away; eval() keeps the running statistics. "
        "The mode has to be set after any model.train(). Give the optimizer the head alone.",
    )
    # Old gradients may be emptied; the statistics of the body may not move.
    allows = TRAINING - {"buffers"} | {"parts", "parameters.requires_grad", "training"}
    CASES = (
        case("3 batches", sizes=[7, 7, 5], visible=True),
        case("old gradients in the body", sizes=[7, 7, 5], old=True),
        case("batches of one row", sizes=[1, 1]),
        case("a model in eval mode", sizes=[7, 5], mode="eval"),
        case("float32", sizes=[7, 7, 5], dtype=F32),
        case("nested parts with dropout, a head in eval mode", sizes=[7, 5], used=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {
            "weight": rng.apart(0.3, 0.8, 5, 3),
            "old": rng.apart(0.3, 0.8, 5, 3) * bool(case.params.get("old")),
            "top": rng.apart(0.3, 0.8, 2, 5),
            "x": rng.apart(0.5, 1.5, sum(case["sizes"]), 3),
            "y": rng.apart(1.0, 2.0, sum(case["sizes"]), 2),
        }

    def observe(self, finetune, weight, old, top, x, y, sizes, mode="train", used=False):
        model: Any = nn.Sequential()
        model.body = nn.Sequential(Linear(weight), Norm(weight[:, 1]))
        model.head = Linear(-top)
        head: nn.Module = Linear(top)
        loss_fn: Loss = nn.functional.mse_loss
        model.train(mode == "train")
        if used:
            inner = nn.Sequential(*model.body, nn.Dropout(0.5))
            model.body = lived(inner, "grad", "frozen", "nested", "mode")
            head, loss_fn = nn.Sequential(head).eval(), lopsided
        if old.any():
            model.body[0].weight.grad = old
        finetune(model, head, loss_fn, list(zip(x.split(sizes), y.split(sizes), strict=True)), 0.13)
        body = {f"body.{name}": value for name, value in model.body.state_dict().items()}
        return {
            "the head is in its place": model.head is head,
            **{f"head.{name}": value for name, value in head.named_parameters()},
            **body,
            "the body requires grad": any(p.requires_grad for p in model.body.parameters()),
            "modules of the body in train mode": sum(m.training for m in model.body.modules()),
            "the head is in train mode": all(m.training for m in head.modules()),
        }
