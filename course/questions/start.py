"""Questions of the page to start from, one of each kind."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Choice, Order, Predict, choice, order, predict


@question
def start_predict() -> Predict:
    def integer_division():
        return 7 // 2

    return predict(
        "What does this give? Type it, then press Enter.",
        integer_division,
        why="`//` rounds down to a whole number. A prediction that fails is the moment you learn "
        "most.",
        beliefs={"3.5": "That is what `7 / 2` gives."},
    )


@question
def start_choose() -> Choice:
    def one_tensor():
        t = torch.ones(2, 3)
        return f"`{tuple(t.sum(0).shape)}`"

    return choice(
        "`t` has shape `(2, 3)`. Which shape has `t.sum(0)`?",
        {
            "`(3,)`": "`sum(0)` adds along dimension 0, whose size is 2, and that dimension goes.",
            "`(2,)`": "That is `t.sum(1)`.",
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
