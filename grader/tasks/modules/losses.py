"""The exercise on a loss that compares two distributions."""

import torch

from grader.engine.lived import with_grad
from grader.engine.task import F32, Case, Inputs, Rng, Task, case


class Distillation(Task):
    """A small model, the student, learns from the scores of a large one, the teacher. Both are
    tensors of shape (N, C). Divide both by temperature, and turn each row into probabilities, p of
    the teacher and q of the student. Return the mean over the N rows of the sum over the classes of
    p * (log p - log q), times temperature squared: a tensor of shape (). The gradient goes to the
    student alone. Loss and gradient are finite for scores of tens of thousands, too."""

    id = "distillation"
    signatures = ("distill(student, teacher, temperature) -> loss",)
    title, points, difficulty, minutes = "Spot the bug: a student that learns the reverse", 8, 3, 12
    hints = (
        "Read section 10.8, on what kl_div wants. Which of its two arguments stands for the "
        "student, and which of the two is a logarithm?",
        "Compare with the formula, written out, on two rows. Then look at the reduction: what does "
        'a plain "mean" divide by?',
        "log_softmax of the student first, softmax of the teacher second, both over the classes, "
        'reduction="batchmean", and the teacher cut off the graph.',
    )
    CASES = (
        case("7 rows, 5 classes", visible=True, symbols={"N": 7, "C": 5}),
        case("temperature 1", temperature=1.0, visible=True, symbols={"N": 7, "C": 5}),
        case(
            "one row, with gradients of an earlier pass", rows=1, old=True, symbols={"N": 1, "C": 5}
        ),
        case("scores of tens of thousands", size=2e4, symbols={"N": 7, "C": 5}),
        case("float32", rows=11, dtype=F32, symbols={"N": 11, "C": 5}),
        case("a teacher without gradient", teaching=False, symbols={"N": 7, "C": 5}),
        case("no gradient at all", teaching=False, learning=False, symbols={"N": 7, "C": 5}),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        rows, size = case.params.get("rows", 7), case.params.get("size", 1.0)
        student, teacher = (rng.apart(0.5, 2.0, rows, 5) for _ in range(2))
        if size > 1:  # far apart: else a probability may be 0 in float32 and not in float64
            ranked = (one.argsort(1).argsort(1) - 1.5 for one in (student, teacher))
            student, teacher = (size * ranks for ranks in ranked)
        temperature = float(case.params.get("temperature", rng.uniform(2.5, 3.5)))
        return {"student": student, "teacher": teacher, "temperature": temperature}

    def observe(
        self, distill, student, teacher, temperature, learning=True, teaching=True, old=False
    ):
        if old:
            student, teacher = with_grad(student), with_grad(teacher)
        student.requires_grad_(learning)
        teacher.requires_grad_(teaching)
        loss = distill(student, teacher, temperature)
        observed = {"loss": loss, "gradient": None, "the teacher gets a gradient": False}
        if isinstance(loss, torch.Tensor) and loss.requires_grad and loss.shape == ():
            wanted = (student, teacher) if teacher.requires_grad else (student,)
            grads = torch.autograd.grad(loss, wanted, allow_unused=True)
            observed["gradient"] = grads[0]
            observed["the teacher gets a gradient"] = any(g is not None for g in grads[1:])
        return observed
