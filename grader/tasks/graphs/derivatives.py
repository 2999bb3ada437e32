"""Exercises on derivatives that take several passes: a Jacobian, a second derivative."""

import torch

from grader.engine.task import AUTOGRAD, F32, Case, Inputs, Rng, Task, case


class JacobianRows(Task):
    """Return the Jacobian of f at x: f takes a tensor of shape (n,) and returns one of shape (m,),
    and entry (i, j) of the answer, of shape (m, n), is the derivative of f(x)[i] with respect to
    x[j]. Use one backward pass per row. The answer has the dtype and the device of x. x does not
    require grad and has no .grad when you get it; you may change both."""

    id = "jacobian_rows"
    signatures = ("jacobian(f, x) -> J",)
    title, points, difficulty, minutes = "A Jacobian, row by row", 12, 3, 12
    prerequisites = ("vjp_vector",)
    hints = (
        "Read sections 1.13 and 1.15. Row i is the gradient of the number y[i]. How many backward "
        "passes is that?",
        "Every pass but the last has to keep the graph, and no pass may add to the row before it.",
        "torch.autograd.grad(y[i], x, retain_graph=True) returns row i without touching x.grad; "
        "torch.stack puts the rows together.",
    )
    allows = AUTOGRAD
    CASES = (
        case("3 outputs, 5 inputs", m=3, n=5, visible=True),
        case("one output", m=1, n=5),
        case("a linear function", m=5, n=3, linear=True),
        case("float32", m=4, n=3, dtype=F32),
        case("square, and one output is constant", m=3, n=3, flat=True),
        case("one input", m=3, n=1),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        m, n = case["m"], case["n"]
        return {
            "x": rng.apart(0.5, 1.5, n),
            "A": rng.apart(0.3, 1.0, m, n),
            "B": rng.apart(0.3, 1.0, m, n),
        }

    def observe(self, jacobian, x, A, B, linear=False, flat=False):
        def f(z):
            y = A @ z if linear else (A @ z).tanh() * (B @ z)
            return torch.cat([y[:1] * 0, y[1:]]) if flat else y

        return {"J": jacobian(f, x)}


class SecondDerivative(Task):
    """f takes a tensor x of shape (n,) and returns a number. It is not linear: its gradient is
    computed from x. Return the diagonal of its Hessian at x: the n second derivatives of f with
    respect to x[i] twice, of shape (n,), in the dtype and on the device of x. x does not require
    grad and has no .grad when you get it; you may change both."""

    id = "second_derivative"
    signatures = ("hess_diag(f, x) -> diagonal",)
    title, points, difficulty, minutes = "Differentiate twice", 10, 3, 12
    prerequisites = ("jacobian_rows",)
    hints = (
        "Read section 1.16. The second derivative is the gradient of a gradient. Does the gradient "
        "you get have a grad_fn?",
        "torch.autograd.grad(f(x), x, create_graph=True) records how the gradient was computed.",
        "Differentiate g[i] with respect to x for each i, and keep entry i of the result: f may "
        "mix the entries of x.",
    )
    allows = AUTOGRAD
    CASES = (
        case("3 numbers", n=3, visible=True),
        case("5 numbers", n=5),
        case("one number", n=1),
        case("float32", n=3, dtype=F32),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"x": rng.apart(0.5, 1.5, case["n"]), "M": rng.apart(0.3, 1.0, case["n"], case["n"])}

    def observe(self, hess_diag, x, M):
        def f(z):
            return (z @ M @ z) * z.sum() + z.sin().sum()

        return {"diagonal": hess_diag(f, x)}
