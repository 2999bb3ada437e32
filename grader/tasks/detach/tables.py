"""The exercise that predicts what an edit does to a gradient: nothing, an error, or silent harm."""

from grader.engine.task import Case, Inputs, Rng, Task, case

EXP, CUBE, LINEAR, RELU = "y = x.exp()", "y = x ** 3", "y = 2 * x + 1", "y = x.relu()"
SLOW = "y = (x.new_tensor([1, -1, 1, -1]) * x / 64).exp()"


def edits(name: str, *pairs: tuple[str, str], visible: bool = False) -> Case:
    return case(name, pairs=list(pairs), visible=visible)


class DetectSilentCorruption(Task):
    """compute is a line of torch that makes y from x, edit a line that runs after it, and then
    y.sum().backward() is called. Return "error" if the edit or the pass raises, "wrong" if x.grad
    is not the right gradient, and "ok" otherwise. Every edit adds 1, which changes no derivative:
    the right gradient is the one without the edit. x is a leaf of shape (4,) that requires grad."""

    id = "detect_silent_corruption"
    signatures = ("edit_outcome(compute, edit, x) -> word",)
    title, points, difficulty, minutes = "Harmless, refused or silently wrong?", 10, 4, 15
    prerequisites = ("inplace_relu_safe",)
    hints = (
        "Section 3.5 has the rule. Is a leaf edited while torch records? Did the operation save "
        "the tensor that is edited? Does the edit count in its _version? Does the formula notice?",
        "exp and relu save y, x ** 3 saves x, 2 * x + 1 neither of them. An edit through detach() "
        "or inside no_grad counts in the version; one through .data does not. relu looks at the "
        "sign of y alone.",
        "To let torch find out, run everything twice, with and without the edit, each time on a "
        "fresh clone of x: an edit of x must not reach the second run. Catch RuntimeError.",
    )
    allows = frozenset({"grad", "input"})
    CASES = (
        edits(
            "edits of the output",
            (EXP, "y.data.add_(1)"),
            (EXP, "y.detach().add_(1)"),
            (CUBE, "y.detach().add_(1)"),
            (LINEAR, "y.data.add_(1)"),
            visible=True,
        ),
        edits(
            "edits of the input",
            (CUBE, "x.data.add_(1)"),
            (CUBE, "x.detach().add_(1)"),
            (EXP, "x.data.add_(1)"),
            (LINEAR, "x.detach().add_(1)"),
        ),
        edits(
            "edits inside no_grad",
            (EXP, "with torch.no_grad(): y.add_(1)"),
            (CUBE, "with torch.no_grad(): x.add_(1)"),
            (CUBE, "with torch.no_grad(): y.add_(1)"),
            (LINEAR, "with torch.no_grad(): x.add_(1)"),
            visible=True,
        ),
        edits(
            "edits that are recorded",
            (EXP, "y.add_(1)"),
            (CUBE, "y.add_(1)"),
            (EXP, "x.add_(1)"),
            (EXP, "y = y + 1"),
            visible=True,
        ),
        edits(
            "chains",
            (EXP, "y.detach().data.add_(1)"),
            (EXP, "y.data[2].add_(1)"),
            (EXP, "y.detach().clone().add_(1)"),
            (RELU, "y.data.add_(1)"),
            (RELU, "x.detach().add_(1)"),
            visible=True,
        ),
        edits(
            "small slopes, of either sign",
            (SLOW, "y.data.add_(1)"),
            (SLOW, "x.data.add_(1)"),
            (SLOW, "with torch.no_grad(): y.add_(1)"),
        ),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        signs = 1 - 2 * (rng.permutation(4) % 2)
        return {"x": rng.uniform(0.5, 1.5, 4) * signs}

    def observe(self, edit_outcome, x, pairs):
        return {
            f"{compute}; {edit}": edit_outcome(compute, edit, x.clone().requires_grad_())
            for compute, edit in pairs
        }
