"""The exercise that predicts which tensors get a gradient."""

from typing import Any

from grader.engine.task import Case, Inputs, Rng, Task, case


def asked(name: str, *programs: str, visible: bool = False) -> Case:
    return case(name, programs=list(programs), visible=visible)


class WhichGetGrad(Task):
    """program is a few lines of torch that end in a backward pass, or a line later. They read
    torch and three tensors of shape (3,): x and w, which require grad, and c, which does not.
    Return the set of names, of inputs and of variables the program assigns, whose .grad is not None
    when it is done. A name that is assigned again stands for what it was given last."""

    id = "which_get_grad"
    signatures = ("predict_grads(program, x, w, c) -> names",)
    title, points, difficulty, minutes = "Which ones get a .grad?", 5, 2, 8
    hints = (
        "Read section 2.2, on who keeps a gradient. Two questions decide for a leaf: does it "
        "require grad, and do recorded operations lead from it to y?",
        "For a non-leaf the question is whether retain_grad() was called on it before the pass. "
        "retain_graph is about something else.",
        "To let torch tell you: put torch, x, w and c into a dict under their names, hand it to "
        "exec with the program, and look at the tensors it holds afterwards.",
    )
    allows = frozenset({"grad", "requires_grad"})  # what the program does to x and w
    CASES = (
        asked(
            "one step",
            "y = (x * w).sum()\ny.backward()",
            "h = x * w\ny = h.sum()\ny.backward()",
            "y = (w * c).sum()\ny.backward()",
            visible=True,
        ),
        asked(
            "a frozen factor on the way",
            "h = x * c\ny = (h * w).sum()\ny.backward()",
            "a = x.exp() * w\nh = a * c\ny = (h + w).sum()\ny.backward()",
        ),
        asked(
            "to retain",
            "h = x * w\nh.retain_grad()\ny = h.sum()\ny.backward()",
            "h = x * w\ny = h.sum()\ny.backward()\nh.retain_grad()",
            "h = x * w\ny = h.sum()\ny.backward(retain_graph=True)",
            "h = x * w\ny = h.sum()\nx.retain_grad()\ny.retain_grad()\ny.backward()",
        ),
        asked(
            "cuts",
            "h = (x * 2).detach()\ny = (h * w).sum()\ny.backward()",
            "with torch.no_grad():\n    h = x * 2\ny = (h * w).sum()\ny.backward()",
            "h = x.detach().requires_grad_()\ny = (h * w).sum()\ny.backward()",
            visible=True,
        ),
        asked(
            "integers",
            "h = x.argmax()\ny = w[h] * 3\ny.backward()",
            "h = x.long()\ny = (h * w).sum()\ny.backward()",
        ),
        asked(
            "zeros, and lines after the pass",
            "h = x * 0\ny = (h + w).sum()\ny.backward()",
            "y = (x * w).sum()\ny.backward()\nx.requires_grad_(False)",
            "y = (x * w).sum()\ny.backward()\nw.grad = None",
        ),
        asked(
            "names that are assigned again",
            "x = x * w\ny = x.sum()\ny.backward()",
            "c = c.clone().requires_grad_()\ny = (c * w).sum()\ny.backward()",
            "y = (x * w).sum()\ny.backward()\nx = x.detach()",
        ),
        asked(
            "two names of one tensor",
            "h = x\ny = (h * w).sum()\ny.backward()",
            "h = x * w\nh.retain_grad()\nk = h\ny = k.sum()\ny.backward()",
        ),
        asked(
            "names that are assigned in other ways",
            "h, k = x * 2, w * 3\nk.retain_grad()\ny = (h * k).sum()\ny.backward()",
            "with torch.no_grad():\n    k = c * 2\nk.requires_grad_()\ny = (k * w).sum()\n"
            "y.backward()",
        ),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {name: rng.apart(1.0, 2.0, 3) for name in ("x", "w", "c")}

    def observe(self, predict_grads, x, w, c, programs):
        answers = {}
        for program in programs:
            fresh = x.clone().requires_grad_(), w.clone().requires_grad_(), c.clone()
            title = program.replace(":\n   ", ":").replace("\n", "; ")
            answers[title] = _listed(predict_grads(program, *fresh))
        return answers


def _listed(names: Any) -> str:
    """`"w, x"` for a set of names; what is none is called by its type."""
    if not isinstance(names, set | frozenset | list | tuple):
        return "None" if names is None else f"of type {type(names).__name__}"
    spoken = (n if isinstance(n, str) else f"a value of type {type(n).__name__}" for n in names)
    return ", ".join(sorted(spoken)) or "no name"
