"""Questions of the page to start from, one of each kind."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Choice, Order, Predict, choice, order, predict


@question(a=(7, 9, 11, 13), b=(2, 4, 5))
def start_predict(a: int = 7, b: int = 2) -> Predict:
    def integer_division():
        return a // b

    return predict(
        "What does this give? Type it, then press Enter.",
        integer_division,
        why="`//` rounds down to a whole number. A prediction that fails is the moment you learn "
        "most.",
        beliefs={f"{a / b:g}": f"That is what `{a} / {b}` gives."},
    )


@question
def start_choose(rows: int = 2, columns: int = 3) -> Choice:
    def one_tensor():
        t = torch.ones(rows, columns)
        return f"`{tuple(t.sum(0).shape)}`"

    return choice(
        f"`t` has shape `({rows}, {columns})`. Which shape has `t.sum(0)`?",
        {
            f"`({columns},)`": f"`sum(0)` adds along dimension 0, whose size is {rows}, and that "
            "dimension goes.",
            f"`({rows},)`": "That is `t.sum(1)`.",
            "`()`": "That is `t.sum()`, the sum of everything.",
        },
        run=one_tensor,
    )


@question
def start_order() -> Order:
    return order(
        "After these lines, `total` is to be 5.",
        {
            "two": "two = torch.tensor(2)",
            "three": "three = torch.tensor(3)",
            "total": "total = two + three",
        },
        {
            ("two", "total"): "The sum needs `two`.",
            ("three", "total"): "The sum needs `three`.",
        },
        gives="total",
    )
