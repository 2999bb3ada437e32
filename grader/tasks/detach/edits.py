"""Exercises that edit in place: where it is legal, and what gradients make of it."""

import torch
from torch import Tensor

from grader.engine.lived import with_grad
from grader.engine.observation import flags, gradient
from grader.engine.task import AUTOGRAD, F32, Case, Inputs, Rng, Task, case


class InplaceReluSafe(Task):
    """Return y = exp(relu(2 * x)) - 1, of x's shape, for x of shape (n, m): values and gradients
    must be right, and x must not change. In place or not, any way is welcome. x may be a leaf, a
    non-leaf, a view or an expanded tensor, and need not require grad. None of its entries is 0,
    where relu has no derivative."""

    id = "inplace_relu_safe"
    signatures = ("relu_exp(x) -> y",)
    title, points, difficulty, minutes = "Spot the bug: one underscore too many", 6, 3, 10
    hints = (
        "Read section 3.4, on editing in place. For every operation ask whether it saves its "
        "input, its output or nothing.",
        "Multiplying by a number saves neither x nor the product. In torch relu and exp both save "
        "their output. So whose result may be overwritten?",
        "The first operation has to make a new tensor, for x must not change. That new one may be "
        "overwritten by relu_. The results of relu and of exp have to stay.",
    )
    CASES = (
        case("a leaf that requires grad", kind="leaf", visible=True),
        case("a non-leaf", kind="computed"),
        case("a transposed view of a leaf", kind="view"),
        case("an expanded tensor", kind="expanded"),
        case("no gradient wanted", kind="plain"),
        case("a non-leaf in float32", kind="computed", dtype=F32),
        case("a leaf with an old .grad", kind="trained"),
        case("small entries", kind="leaf", factor=1e-3),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        signs = 1 - 2 * (rng.permutation(15) % 2)  # 8 of one sign, 7 of the other
        x = (rng.uniform(0.3, 1.0, 15) * signs).reshape(3, 5)
        x = case.params.get("factor", 1) * x
        x = 6 * x if case["kind"] == "trained" else x  # beyond what relu6 and hardtanh let through
        v = rng.apart(1.0, 2.0, *((5, 3) if case["kind"] == "view" else (3, 5)))
        return {"x": x, "v": v}

    def observe(self, relu_exp, x, v, kind, factor=1):
        x = with_grad(x) if kind == "trained" else x.requires_grad_(kind != "plain")
        y = relu_exp(_given(kind, x))
        return {"y": y, **flags("y", y, "requires_grad"), "grad": gradient(y, x, v)}


def _given(kind: str, x: Tensor) -> Tensor:
    if kind == "computed":
        return x.clone()
    if kind == "expanded":
        return x[:1].clone().expand(3, 5)
    return x.T if kind == "view" else x


class ViewGrad(Task):
    """Let c be a clone of x, whose first k entries are then set to 0 in place, and
    y = (w * c)[idx].sum(). Return dy/dx. x, w and the answer have shape (n,); idx holds positions,
    some of them perhaps several times, or none at all. The answer has the dtype and the device of
    x. x does not require grad and has no .grad when you get it; you may change both, and leave its
    values as they are."""

    id = "view_grad"
    signatures = ("scatter_grad(x, w, idx, k) -> grad",)
    title, points, difficulty, minutes = "Overwritten, and picked twice", 8, 3, 10
    hints = (
        "Read section 3.6, on views. Does an entry that was overwritten still depend on x?",
        "Every time a position stands in idx, it adds its weight once more. You may also let "
        "autograd do it: which tensor must be cloned first?",
        "Make x require grad, clone it, write the zeros into the clone while autograd records, "
        "and differentiate y with respect to x. By hand: index_add_ adds repeated positions up.",
    )
    allows = AUTOGRAD
    CASES = (
        case("5 of 7 entries", n=7, k=2, idx="once", visible=True),
        case("repeated entries", n=7, k=2, idx="repeated"),
        case("no entry", n=5, k=2, idx="none"),
        case("nothing overwritten, and x holds a 0", n=7, k=0, idx="repeated"),
        case("float32", n=11, k=3, idx="repeated", dtype=F32),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        n, k = case["n"], case["k"]
        if case["idx"] == "once":  # one that is overwritten, and four of the others
            idx = torch.cat([torch.tensor([k - 1]), k + rng.permutation(n - k)[:4]])
        elif case["idx"] == "none":
            idx = torch.zeros(0, dtype=torch.int64)
        else:
            idx = torch.cat([torch.tensor([0, 0, k, k, k, n - 1]), rng.integers(0, n, 5)])
        x = rng.apart(0.5, 2.0, n)
        if k == 0:
            x[n - 1] = 0
        return {
            "x": x,
            "w": rng.apart(0.5, 2.0, n),
            "idx": idx[rng.permutation(len(idx))],
            "k": k,
        }
