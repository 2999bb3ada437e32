"""Questions on scripts: options, statuses, devices, seeds, and what a process is told."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Choice, Order, Predict, choice, order, predict


@question
def scripts_name() -> Choice:
    def started_as_a_module():
        import subprocess
        import sys
        import tempfile
        from pathlib import Path

        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "who.py").write_text("print(__name__)\n", encoding="utf-8")
            words = [sys.executable, "-m", "who"]
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
        return f'`"{done.stdout.strip()}"`'

    return choice(
        "`who.py` holds the line `print(__name__)`. `python who.py` prints `__main__`. What does "
        "`python -m who` print?",
        {
            '`"__main__"`': "The module that Python starts has this name, however it was started. "
            "Only an import gives it its own.",
            '`"who"`': "So it is called where another file imports it.",
            '`"who.py"`': "That is the file. `__name__` never has an ending.",
        },
        run=started_as_a_module,
    )


@question
def scripts_no_type(n: int = 4) -> Predict:
    def without_a_type():
        import argparse

        parser = argparse.ArgumentParser()
        parser.add_argument("--epochs", default=n)
        args = parser.parse_args(["--epochs", str(n)])
        return int(args.epochs * 2)

    return predict(
        f"Somebody left out `type`. The option is given as {n}, which is its default as well.",
        without_a_type,
        why=f'What is given on the command line is the text "{n}", and twice a text is the text '
        f"twice: {n}{n}. The default was no text, and would have stayed the number {n}.",
        beliefs={
            f"{2 * n}": "That would be twice a number. Without `type=int` the value stays a text.",
            f"{n}": "It is doubled.",
            "an error": "A text can be doubled. The error comes later, in range.",
        },
    )


@question
def scripts_bool() -> Choice:
    def given_as_false():
        import argparse

        parser = argparse.ArgumentParser()
        parser.add_argument("--amp", type=bool, default=False)
        return f"`{parser.parse_args(['--amp', 'False']).amp}`"

    return choice(
        'An option is declared by `add_argument("--amp", type=bool, default=False)`, and a script '
        "is started with `--amp False`. What is `args.amp`?",
        {
            "`True`": 'argparse calls `bool("False")`, and a text that is not empty is true. Only '
            "an empty text would give False.",
            "`False`": "`type` is called with the text. `bool` does not read it, it asks whether "
            "it is empty.",
            '`"False"`': "`type` is applied: what comes back is no text any more.",
        },
        run=given_as_false,
    )


@question
def scripts_whose() -> Choice:
    def behind_the_module():
        import subprocess
        import sys
        import tempfile
        from pathlib import Path

        with tempfile.TemporaryDirectory() as folder:
            text = "import sys\nprint(sys.argv[1:])\n"
            Path(folder, "show.py").write_text(text, encoding="utf-8")
            words = [sys.executable, "-u", "-m", "show", "-m", "3"]
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
        return f"`{done.stdout.strip()}`"

    return choice(
        "A script prints `sys.argv[1:]`, and is started by `python -u -m show -m 3`. What does it "
        "print?",
        {
            "`['-m', '3']`": "The first -m is Python's and takes the word `show`. From there on "
            "all words are the script's, the second -m too.",
            "`['-u', '-m', 'show', '-m', '3']`": "Python's own options do not reach the script.",
            "`['3']`": "Only the first -m is Python's. What stands behind the module is handed on "
            "as it is.",
            "`[]`": "Python reads its own options up to the module, and no further.",
        },
        run=behind_the_module,
    )


@question
def scripts_status() -> Choice:
    def says_no_data():
        import subprocess
        import sys

        line = "import sys; print('no data'); sys.exit()"
        done = subprocess.run([sys.executable, "-c", line], capture_output=True, check=False)
        return "It went well." if done.returncode == 0 else "It failed."

    return choice(
        "A script finds no data. It runs `print('no data')` and then `sys.exit()`. What does the "
        "program that started it learn from the exit status?",
        {
            "It went well.": "`sys.exit()` without a value is status 0. Say what happened: "
            "`sys.exit('no data')` writes the text to stderr, and gives status 1.",
            "It failed.": "Nothing said so. A print changes no status, and `sys.exit()` is status "
            "0.",
            "Nothing: it does not end.": "SystemExit ends it.",
        },
        run=says_no_data,
    )


@question
def scripts_visible() -> Choice:
    def the_first_of_two():
        import os
        from unittest import mock

        with mock.patch.dict(os.environ, CUDA_VISIBLE_DEVICES="3,1"):
            seen = torch.cuda._parse_visible_devices()
        return f"GPU {seen[1]} of the machine"

    return choice(
        "A machine has four GPUs, 0 to 3. A process is started with `CUDA_VISIBLE_DEVICES=3,1`. "
        "Which one is its `cuda:1`?",
        {
            "GPU 1 of the machine": "The list is 3, 1. The process counts in the order of the "
            "list: 3 is its `cuda:0`, and 1 its `cuda:1`.",
            "GPU 3 of the machine": "That is its `cuda:0`, the first of the list. The order of "
            "the list counts.",
            "An error: it sees GPUs 3 and 1 alone": "It sees two, and numbers them 0 and 1.",
        },
        run=the_first_of_two,
    )


@question
def scripts_seed_between(n: int = 3) -> Predict:
    def drawn_in_between():
        torch.manual_seed(n)
        torch.rand(n)
        x = torch.rand(1)
        torch.manual_seed(n)
        for _ in range(n):
            torch.rand(1)
        return n if torch.equal(torch.rand(1), x) else -n

    return predict(
        f"The seed is set to {n} twice. After the first time {n} numbers are drawn in one call, "
        f"after the second in {n} calls. It returns {n} if the number that comes next is the same, "
        f"and -{n} if not.",
        drawn_in_between,
        why="On the CPU `rand` takes its numbers from the generator one after the other, whether "
        f"one call asks for them or {n} do. The next number is the same. A line that draws one "
        "number more would change all that follows.",
        beliefs={
            f"-{n}": "The same seed, and equally many numbers of `rand`: on the CPU the generator "
            "stands where it did."
        },
    )


@question(n=(4, 5, 6, 8, 9))
def scripts_shapes(n: int = 7) -> Predict:
    def shape_of_the_error():
        scores = torch.zeros(n, 1)
        wanted = torch.zeros(n)
        return tuple((scores - wanted).shape)

    return predict(
        f"Scores of shape ({n}, 1) and targets of shape ({n},) are subtracted. Which shape has the "
        "error?",
        shape_of_the_error,
        why=f"Shapes are aligned at their last dimension: ({n}, 1) and (1, {n}) broadcast to "
        f"({n}, {n}). Each score meets each target, the mean of that is a number, and nothing "
        "raises.",
        beliefs={
            f"({n}, 1)": "It would be if the targets had this shape, too.",
            f"({n},)": "It would be without the dimension of size 1: `scores.squeeze(1)`.",
            "an error": "A dimension of size 1 fits any other. That is why nobody notices.",
        },
    )


@question
def scripts_rank() -> Choice:
    def asks_for_rank_zero():
        env = {"RANK": "0"}
        return "Nobody." if env.get("RANK", 0) != 0 else "The process of rank 0."

    return choice(
        'A script reads `rank = os.environ.get("RANK", 0)`, and saves `if rank == 0`. It is '
        "started by torchrun with four processes. Who saves?",
        {
            "Nobody.": 'The variable is the text "0", and a text never equals a number. By itself, '
            "without torchrun, the script does save: the default is a number. Put int() around it.",
            "The process of rank 0.": 'Its RANK is "0", and `"0" == 0` is False.',
            "All four.": 'Each has a text, "0" to "3", and none equals the number 0.',
        },
        run=asks_for_rank_zero,
    )


@question
def scripts_recap_order() -> Order:
    return order(
        "Put the lines in an order that reads two options. The list of words is empty, so that "
        "both have their defaults. More than one order works.",
        {
            "import": "import argparse",
            "parser": "parser = argparse.ArgumentParser()",
            "rate": 'parser.add_argument("--lr", type=float, default=0.5)',
            "switch": 'parser.add_argument("--amp", action="store_true")',
            "parse": "args = parser.parse_args([])",
            "use": "rate = args.lr / 2 if args.amp else args.lr",
        },
        {
            ("import", "parser"): "There is no argparse yet.",
            ("parser", "rate"): "There is no parser yet.",
            ("parser", "switch"): "There is no parser yet.",
            ("rate", "parse"): "The parser does not know --lr yet, so the namespace has no lr.",
            ("switch", "parse"): "The parser does not know --amp yet, so the namespace has no amp.",
            ("parse", "use"): "There is no namespace yet.",
        },
        gives="rate",
    )
