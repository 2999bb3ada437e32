"""The exercise that predicts which flags a tensor has that was made in one mode or another."""

from grader.engine.observation import named
from grader.engine.task import Case, Inputs, Rng, Task, case

NO_GRAD = "with torch.no_grad():\n    "
INFERENCE = "with torch.inference_mode():\n    "
ENABLED = "with torch.enable_grad():\n    "


def asked(name: str, *programs: str, visible: bool = False) -> Case:
    return case(name, programs=list(programs), visible=visible)


class GradModeTable(Task):
    """program is a few lines of torch that assign y. They read x, of shape (3,), which requires
    grad, and c, of shape (3,), which does not. Return the pair (requires_grad, is_leaf) of y."""

    id = "grad_mode_table"
    signatures = ("predict_mode(program, x, c) -> (requires_grad, is_leaf)",)
    title, points, difficulty, minutes = "Which flags survive the block?", 5, 2, 8
    hints = (
        "Read section 4.4, on what the block leaves alone. Is y the result of an operation, a new "
        "leaf that asks for grad by itself, or another look at an old tensor?",
        "Of two blocks around a line the inner one counts, with one exception: inside inference "
        "mode nothing is recorded, even where enable_grad is in force.",
        "Run the experiment: put torch, x and c into a dict under their names, hand it to exec "
        "with the program, and look at its y.",
    )
    CASES = (
        asked(
            "in no_grad",
            NO_GRAD + "y = x * 2",
            NO_GRAD + "y = torch.ones(3, requires_grad=True)",
            NO_GRAD + "y = torch.nn.Parameter(c)",
            NO_GRAD + "y = c + 1",
            visible=True,
        ),
        asked(
            "views and edits",
            NO_GRAD + "y = x[:2]",
            NO_GRAD + "y = x.view(1, 3)",
            "h = x * 2\n" + NO_GRAD + "h.add_(1)\ny = h",
            NO_GRAD + "y = (x * 2)[:2]",
            visible=True,
        ),
        asked(
            "inference mode",
            INFERENCE + "y = x * 2",
            INFERENCE + "y = torch.ones(3, requires_grad=True)",
            INFERENCE + "y = x[:2]",
        ),
        asked(
            "one block in another",
            NO_GRAD + ENABLED.replace("\n", "\n    ") + "y = x * 2",
            INFERENCE + ENABLED.replace("\n", "\n    ") + "y = x * 2",
            ENABLED + NO_GRAD.replace("\n", "\n    ") + "y = x * 2",
        ),
        asked(
            "afterwards",
            NO_GRAD + "h = x * 2\ny = h * x",
            INFERENCE + "h = x * 2\ny = h + x",
            "@torch.no_grad()\ndef f(t):\n    return t * 2\n\ny = f(x) + c",
            "@torch.no_grad()\ndef f(t):\n    return t * 2\n\ny = x * 3",
            visible=True,
        ),
        asked(
            "other names, and constants",
            NO_GRAD + "y = x",
            ENABLED + "y = c * 2",
            ENABLED + "y = c.exp()",
            visible=True,
        ),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {name: rng.apart(1.0, 2.0, 3) for name in ("x", "c")}

    def observe(self, predict_mode, x, c, programs):
        return {
            _title(text): named(
                predict_mode(text, x.clone().requires_grad_(), c.clone()),
                "requires_grad",
                "is_leaf",
            )
            for text in programs
        }


def _title(program: str) -> str:
    """A program in one line."""
    lines = [line.strip() for line in program.splitlines() if line.strip()]
    return " ".join(line if line.endswith(":") else f"{line};" for line in lines).rstrip(";")
