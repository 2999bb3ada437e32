"""The exercise that predicts which backward passes raise."""

from grader.engine.task import Case, Inputs, Rng, Task, case


class WillItRaise(Task):
    """expression is the text of a torch expression in x, such as "x.exp() + 1", and x is a leaf of
    shape () that requires grad. A part may be cut off, as in "x.exp().detach() + x". Return True if
    y = expression allows y.backward() twice in a row, the first with the given retain_graph, and
    False if the second call raises."""

    id = "will_it_raise"
    signatures = ("second_backward_ok(expression, x, retain_graph) -> ok",)
    title, points, difficulty, minutes = "Will it raise?", 6, 2, 8
    hints = (
        "Read section 1.15. The second pass fails only where a node needs something it saved. "
        "Which operations save something?",
        'Run the experiment: eval(expression, {"x": x}) builds y.',
        "Hand retain_graph on to the first backward, and put the second inside try / except "
        "RuntimeError.",
    )
    allows = frozenset({"grad"})
    CASES = (
        case(
            "six expressions",
            expressions=("x", "x + 1", "x * 2", "x.exp()", "x ** 3", "x.sum()"),
            visible=True,
        ),
        case(
            "more that save nothing",
            expressions=("-x", "10 - x", "x.view(1)", "x.clone()", "x.round()"),
            visible=True,
        ),
        case("more that save", expressions=("x / x", "x * x", "x.relu()", "x.sin()"), visible=True),
        case("chains", expressions=("(x + 1).exp() - 3", "(x + 1).clone() - 3", "-x.exp()")),
        case(
            "a part that is cut off",
            expressions=("x.exp().detach() + x", "(x * 2).detach() - x", "x.detach() * x"),
        ),
        case(
            "with retain_graph=True",
            expressions=("x * 2", "x + 1", "x.exp()"),
            retain=True,
            visible=True,
        ),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"x": rng.uniform(1.0, 2.0)}

    def observe(self, second_backward_ok, x, expressions, retain=False):
        return {
            text: second_backward_ok(text, x.clone().requires_grad_(), retain)
            for text in expressions
        }
