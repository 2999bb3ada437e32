"""The exercise that predicts which flags a result has."""

from grader.engine.observation import named
from grader.engine.task import Case, Inputs, Rng, Task, case


class RequiresGradTable(Task):
    """expression is the text of a torch expression in x, c and torch: x has shape (3,) and requires
    grad, c has shape (3,) and does not. Return the pair (requires_grad, is_leaf) of its value,
    computed inside torch.no_grad() if no_grad is True."""

    id = "requires_grad_table"
    signatures = ("predict_flags(expression, x, c, no_grad) -> (requires_grad, is_leaf)",)
    title, points, difficulty, minutes = "Which flags will it have?", 5, 1, 8
    hints = (
        "Section 1.8: four things decide. Is recording on, does an input require grad, is the "
        "result floating point or complex, and does the operation lead back to its input? detach() "
        "does not.",
        "A tensor that does not require grad is a leaf, whoever computed it.",
        'eval(expression, {"x": x, "c": c, "torch": torch}) builds the value; '
        "torch.set_grad_enabled(not no_grad) is a context manager.",
    )
    CASES = (
        case(
            "six expressions",
            expressions=("x", "c", "x * 2", "c + 1", "x + c", "x > 0"),
            visible=True,
        ),
        case(
            "integers",
            expressions=("x.argmax()", "x.long()", "x.sum() == 0", "x.sum()"),
            visible=True,
        ),
        case("copies", expressions=("x.detach()", "x.clone()", "x[0]", "c.clone()")),
        case(
            "in no_grad",
            expressions=("x * 2", "x + c", "x", "x.exp()", "torch.ones(3, requires_grad=True)"),
            no_grad=True,
            visible=True,
        ),
        case(
            "new tensors, and complex numbers",
            expressions=(
                "torch.ones(3, requires_grad=True)",
                "torch.zeros_like(x)",
                "torch.complex(x, c)",
            ),
        ),
        case(
            "a letter x in a name",
            expressions=("c.exp()", "torch.exp(c)", "torch.exp(x)"),
            visible=True,
        ),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"x": rng.apart(1.0, 2.0, 3), "c": rng.apart(1.0, 2.0, 3)}

    def observe(self, predict_flags, x, c, expressions, no_grad=False):
        x.requires_grad_()
        return {
            text: named(predict_flags(text, x, c, no_grad), "requires_grad", "is_leaf")
            for text in expressions
        }
