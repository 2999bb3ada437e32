"""Exercises on the loss and its gradient: which loss, and mean or sum."""

from grader.engine.task import AUTOGRAD, F32, Case, Inputs, Rng, Task, case
from grader.tasks.loop.nets import slope


class LossChoice(Task):
    """Return the mean cross entropy of a batch, of shape (): logits has shape (N, C) and holds raw
    scores, y has shape (N,) and holds the right class of each row. The loss and its gradient must
    be finite for scores of tens of thousands, too."""

    id = "loss_choice"
    signatures = ("classification_loss(logits, y) -> loss",)
    title, points, difficulty, minutes = "Spot the bug: a loss below zero", 8, 2, 8
    hints = (
        "Read section 6.6, on losses. Cross entropy is never negative: it is minus the logarithm "
        "of a probability. Which number does nll_loss pick out of each row?",
        "nll_loss expects logarithms of probabilities. What turns scores into those, row by row?",
        "log_softmax over the classes does it, in one operation that does not overflow. One "
        "function of torch.nn.functional takes both steps at once.",
    )
    CASES = (
        case("7 rows, 5 classes", rows=7, visible=True, symbols={"N": 7}),
        case("one row", rows=1, symbols={"N": 1}),
        case("scores up to 20,000", rows=7, large=7, symbols={"N": 7}),
        case("11 rows in float32", rows=11, dtype=F32, symbols={"N": 11}),
        case("scores that need no gradient", rows=5, plain=True, symbols={"N": 5}),
        case("scores from 1 to 20,000", rows=7, large=3, symbols={"N": 7}),
        case("scores above zero", rows=7, above=True, symbols={"N": 7}),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        rows = case["rows"]
        logits = rng.apart(0.5, 2.0, rows, 5)
        if case.params.get("above"):
            logits.abs_()
        # Whole thousands: exp rounds the same of them to 0 in float64 and in float32.
        for row in range(case.params.get("large", 0)):
            logits[row] = 1000 * (rng.permutation(41)[:5] - 20)
        wrong = 1 + rng.integers(0, 4, rows)  # never the class of the highest score
        return {"logits": logits, "y": (logits.argmax(1) + wrong) % 5}

    def observe(self, classification_loss, logits, y, plain=False):
        logits.requires_grad_(not plain)
        loss = classification_loss(logits, y)
        return {"loss": loss, "gradient": slope(loss, logits)}


class BatchGradientFacts(Task):
    """Let the residuals be X @ w - y, for X of shape (N, d), w of shape (d,) and y of shape (N,).
    Return the gradient with respect to w of the mean of their squares, and that of the sum of
    their squares, each of shape (d,). w does not require grad and has no .grad; you may change
    both."""

    id = "batch_gradient_facts"
    signatures = ("mean_and_sum_grads(X, y, w) -> (g_mean, g_sum)",)
    title, points, difficulty, minutes = "Mean or sum", 6, 2, 6
    hints = (
        "Read section 6.6, on what a mean is over. By which factor do the two losses differ, and "
        "so their gradients?",
        "By hand: the derivative of the square of residual i with respect to w is 2 times the "
        "residual times row i of X.",
        "With autograd: two losses, two calls of torch.autograd.grad. With backward, the second "
        "gradient would be added to the first.",
    )
    allows = AUTOGRAD
    CASES = (
        case("7 rows", rows=7, visible=True, symbols={"N": 7, "d": 3}),
        case("one row", rows=1, symbols={"N": 1, "d": 3}),
        case("w is zero", rows=11, zero=True, symbols={"N": 11, "d": 3}),
        case("5 rows in float32", rows=5, dtype=F32, symbols={"N": 5, "d": 3}),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {
            "X": rng.apart(0.5, 2.0, case["rows"], 3),
            "y": rng.apart(1.0, 2.0, case["rows"]),
            "w": rng.apart(0.5, 2.0, 3) * (0 if case.params.get("zero") else 1),
        }
