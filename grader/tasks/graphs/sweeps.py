"""Exercises on backward passes: where they start, and what two of them add up."""

from grader.engine.task import AUTOGRAD, F32, Case, Inputs, Rng, Task, case


class VjpVector(Task):
    """For y = x**3 with x of shape (n,) and a vector v of shape (n,), return the product of v with
    the Jacobian of y (shape (n,)), computed by one backward pass. x does not require grad and has
    no .grad when you get it; you may change both."""

    id = "vjp_vector"
    signatures = ("weighted_backward(x, v) -> grad",)
    title, points, difficulty, minutes = "A vector to start from", 8, 2, 6
    hints = (
        "Read section 1.13. backward() without arguments starts from 1, which is only possible for "
        "one element.",
        "Entry i of y is weighted by v[i] before everything is added up: look at the argument "
        "`gradient` of backward, or `grad_outputs` of torch.autograd.grad.",
        "Make a leaf of x that requires grad, compute y, and pass v as the gradient of y.",
    )
    allows = AUTOGRAD
    CASES = (
        case("5 numbers", n=5, visible=True),
        case("some weights are 0", n=7, zeros=True),
        case("x holds a 0", n=7, flat=True),
        case("one number", n=1),
        case("float32", n=7, dtype=F32),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        x, v = rng.apart(0.5, 2.0, case["n"]), rng.apart(1.5, 3.0, case["n"])
        if case.params.get("zeros"):
            v[::3] = 0
        if case.params.get("flat"):
            x[2] = 0
        return {"x": x, "v": v}


class TwoHeads(Task):
    """a is a tensor of any shape. With b = a**2, c = 2*b, d = c.mean() and e = c.sum(), which
    share b and c, return three tensors of a's shape: the gradient of d, the gradient of e, and
    what a.grad holds after d.backward(retain_graph=True) followed by e.backward(). a does not
    require grad and has no .grad when you get it; you may change both."""

    id = "two_heads"
    signatures = ("two_heads(a) -> (g_mean, g_sum, g_total)",)
    title, points, difficulty, minutes = "Two heads on one graph", 8, 2, 8
    hints = (
        "Read section 1.15. Two backward passes go through the same nodes. What does the first "
        "pass do to the tensors they saved?",
        "a.grad is added to, not replaced. Set it to None, or use torch.autograd.grad, to get one "
        "gradient alone.",
        "d averages: its gradient is the gradient of e divided by the number of entries. The total "
        "is the sum of both.",
    )
    allows = AUTOGRAD
    CASES = (
        case("shape (1, 4)", shape=(1, 4), visible=True, symbols={"a.numel()": 4}),
        case("shape (7,)", shape=(7,), symbols={"a.numel()": 7}, visible=True),
        case("shape (2, 3)", shape=(2, 3), symbols={"a.numel()": 6}),
        case("shape (5,) in float32", shape=(5,), dtype=F32, symbols={"a.numel()": 5}),
        case("a holds a 0", shape=(3, 2), flat=True),
        case("shape (2, 3, 2)", shape=(2, 3, 2), symbols={"a.numel()": 12}),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        a = rng.apart(0.5, 3.0, *case["shape"])
        if case.params.get("flat"):
            a[1, 0] = 0
        return {"a": a}
