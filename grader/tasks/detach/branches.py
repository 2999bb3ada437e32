"""Exercises that stop a gradient on one branch: a factor, a rounding, a target."""

import math

import torch
from torch import Tensor, nn

from grader.engine.lived import computed, lived, with_grad
from grader.engine.observation import flags, gradient
from grader.engine.task import F32, Case, Inputs, Rng, Task, case


class StopGradientBranch(Task):
    """Return y = f(x) * g(x) such that gradients reach x through f alone: for autograd, g(x) is a
    constant. f and g are functions of a tensor that return another tensor than x, perhaps a view of
    it, and hold no parameters of their own. Leave x as it is."""

    id = "stop_gradient_branch"
    signatures = ("half_detached(f, g, x) -> y",)
    title, points, difficulty, minutes = "One factor held constant", 8, 2, 6
    hints = (
        "Read section 3.2, on detach. Which of the two factors must have no history?",
        "Look at f(x).requires_grad and g(x).requires_grad: the first should be True when you "
        "multiply, the second False.",
        "detach() returns a tensor of the same values without history. Multiply by that one.",
    )
    CASES = (
        case("5 numbers", shape=(5,), visible=True),
        case("a transposed matrix", shape=(3, 7), transposed=True),
        case("one number", shape=()),
        case("float32", shape=(7,), dtype=F32),
        case("g returns a view of x, a leaf with an old .grad", shape=(5,), trained=True),
        case("f returns a view of x", shape=(5,), viewed=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        shape = case["shape"]
        return {
            "x": rng.apart(0.3, 1.0, *shape),
            "v": rng.uniform(
                1.0, 2.0, *(reversed(shape) if case.params.get("transposed") else shape)
            ),
            "a": rng.uniform(0.5, 0.7),
            "b": rng.uniform(0.8, 1.0),
        }

    def observe(self, half_detached, x, v, a, b, transposed=False, trained=False, viewed=False):
        def f(t):
            return t.view(t.shape) if viewed else (a * t).sin() + 2

        def g(t):
            return t.view(t.shape) if trained else (b * t).exp()

        x = with_grad(x) if trained else x.requires_grad_()
        given = x if trained else x.T if transposed else x.clone()
        y = half_detached(f, g, given)
        return {"y": y, **flags("y", y, "requires_grad"), "grad": gradient(y, x, v)}


class StraightThrough(Task):
    """Return x, of any shape, rounded as torch.round does, with the gradient of the identity: what
    arrives at the result goes to x unchanged, as if nothing had been rounded. Leave x as it is."""

    id = "straight_through"
    signatures = ("ste_round(x) -> y",)
    title, points, difficulty, minutes = "Round, and let gradients through", 10, 3, 10
    prerequisites = ("stop_gradient_branch",)
    hints = (
        "Read section 3.2, on detach, once more: a constant that is added changes the value alone. "
        "Rounding has derivative 0 almost everywhere; x itself has derivative 1.",
        "Write round(x) as x plus something. What is that something, and which derivative should "
        "it have?",
        "The difference between the rounded values and x is the constant to add to x. Detach the "
        "whole of it, and nothing else.",
    )
    CASES = (
        case("7 numbers", kind="apart", visible=True),
        case("ties such as 0.5 and 2.5", kind="ties", visible=True),
        case("whole numbers and 0", kind="whole"),
        case("a hair above a half, and below", kind="close"),
        case("float32", kind="apart", dtype=F32),
        case("a leaf with an old .grad", kind="apart", leaf=True),
        case("x does not require grad", kind="apart", wanted=False),
        case("a matrix", kind="apart", shape=(1, 7)),
        case("a number", kind="apart", shape=()),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        i = torch.arange(7)
        whole = rng.integers(0, 4, 7).double()
        if case["kind"] == "ties":  # halves above even and above odd numbers, of either sign
            x = (2 * whole + 0.5 + i % 2) * (1 - 2 * (i // 2 % 2))
        elif case["kind"] == "close":  # as far from it as float64 can tell, and float32 cannot
            x = whole + 0.5 + 1e-10 * (1 - 2 * (i % 2))
        elif case["kind"] == "whole":
            x = whole - 2
            x[0] = 0
        else:  # close below and close above, of either sign, and never close to a half
            x = whole + torch.where(i % 2 == 0, 0.15, 0.65) + rng.uniform(0.0, 0.2, 7)
            x = x * (1 - 2 * (i // 2 % 2))
        # Below 1 and above it, so that a gradient limited to [-1, 1] is another one.
        v = rng.apart(0.4, 2.0, 7)
        shape = case.params.get("shape", (7,))
        return {name: t[: math.prod(shape)].reshape(shape) for name, t in (("x", x), ("v", v))}

    def observe(self, ste_round, x, v, leaf=False, wanted=True):
        x = with_grad(x) if leaf else x.requires_grad_(wanted)
        y = ste_round(x if leaf else x.clone())
        return {"y": y, **flags("y", y, "requires_grad"), "grad": gradient(y, x, v)}


class TargetNetwork(Task):
    """Return the loss of one step of temporal difference learning, of shape (): the mean over the
    N rows of (r + gamma * q_target(s2) - q(s)) ** 2. q and q_target map (N, d) to (N, 1); r has
    shape (N,). What q should reach is a constant: gradients come through q(s) alone, also if
    q_target is the same module as q. Run both modules in the mode that they come in, and leave
    them as they are."""

    id = "target_network"
    signatures = ("td_loss(q, q_target, s, r, s2, gamma) -> loss",)
    title, points, difficulty, minutes = "Spot the bug: a target that gives way", 10, 3, 12
    prerequisites = ("stop_gradient_branch",)
    hints = (
        "Read section 3.2, on detach. The loss has two branches: which of them is q to learn from, "
        "and what does the other one do to q_target?",
        "The loss is a right number already. Ask torch.autograd.grad for its gradient with "
        "respect to the parameters of q_target.",
        "Compute r + gamma * q_target(s2) in a block without recording, or detach it as a whole. "
        "Mind the shapes: (N,) and (N, 1) combine to (N, N).",
    )
    CASES = (
        case("7 rows", rows=7, visible=True),
        case("one row", rows=1),
        case("q_target is q itself", rows=7, shared=True),
        case("11 rows in float32", rows=11, dtype=F32),
        case(
            "nets in the middle of training, and states that were computed",
            rows=7,
            states=("grad", "frozen", "mode", "hooked"),
        ),
        case("q_target drops entries, and is in train mode", rows=7, drops=True),
        case("q_target drops entries, and is in eval mode", rows=7, drops=False),
        case("q drops entries, and is in train mode", rows=7, value_drops=True),
        case("q drops entries, and is in eval mode", rows=7, value_drops=False),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        rows = case["rows"]
        weights = {name: rng.apart(0.3, 0.8, 3, 5) for name in ("w", "w_target")}
        tops = {name: rng.apart(0.5, 1.0, 5, 1) for name in ("u", "u_target")}
        return {
            "s": rng.apart(0.3, 1.0, rows, 3),
            "r": rng.apart(1.0, 2.0, rows),
            "s2": rng.apart(0.3, 1.0, rows, 3),
            **weights,
            **tops,
            "gamma": float(rng.uniform(0.6, 0.9)),
        }

    def observe(
        self,
        td_loss,
        s,
        r,
        s2,
        w,
        w_target,
        u,
        u_target,
        gamma,
        shared=False,
        states=(),
        drops=None,
        value_drops=None,
    ):
        q = lived(_Value(w, u), *states)
        q_target = q if shared else lived(_Value(w_target, u_target), *states)
        for net, dropping in ((q_target, drops), (q, value_drops)):
            if dropping is not None:  # every entry in train mode, so that no number is random
                net.act = nn.Sequential(nn.Tanh(), nn.Dropout(1.0)).train(dropping)
        if states:
            s, s2 = computed(s), computed(s2)
        known = {f"q.{name}": p for name, p in q.named_parameters()}
        if not shared:
            known |= {f"q_target.{name}": p for name, p in q_target.named_parameters()}
        loss = td_loss(q, q_target, s, r, s2, gamma)
        one = torch.ones_like(r[0])
        if states:
            known |= {"s": s, "s2": s2}
        return {"loss": loss, **{name: gradient(loss, p, one) for name, p in known.items()}}


class _Value(nn.Module):
    """A net of one hidden layer, (N, 3) to (N, 1), made from given numbers."""

    def __init__(self, w: Tensor, u: Tensor) -> None:
        super().__init__()
        self.w, self.u = nn.Parameter(w.clone()), nn.Parameter(u.clone())
        self.act = nn.Tanh()  # a part, which may be in another mode

    def forward(self, s: Tensor) -> Tensor:
        """The values of the states s."""
        hidden: Tensor = self.act(s @ self.w)
        return hidden @ self.u
