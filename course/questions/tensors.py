"""Questions on the tensor toolbox."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Choice, Order, Predict, choice, order, predict


@question
def tensors_view_row(
    a: int = 5, b: int = 7, c: int = 2, d: int = 9, e: int = 4, f: int = 8
) -> Predict:
    def a_view_of_a_table():
        table = torch.tensor([[a, b, c], [d, e, f]])
        return table.view(3, 2)[1].tolist()

    return predict(
        "A table has a row for each of two stations, and a column for each of three days. What "
        "stands in row 1 of this view?",
        a_view_of_a_table,
        why=f"A view cuts the same row of numbers anew, two at a time: the row in the middle is "
        f"[{c}, {d}], of both stations, and of two days.",
        beliefs={
            f"[{b}, {e}]": "That is row 1 of table.T: the second number of each station.",
            f"[{d}, {e}]": "You began the second row of the view at that of the table. The view "
            "has shorter rows.",
            f"[{b}, {c}]": "You went on by one. Each row of the view takes two numbers.",
        },
    )


@question(share=(1.5, 2.5, 3.5))
def tensors_truncated(a: int = 3, b: int = 7, share: float = 2.75) -> Predict:
    def a_fraction_written():
        counts = torch.tensor([a, b])
        counts[1] = share
        return counts.tolist()

    return predict(
        "`counts` is made of whole numbers, and a fraction is written into it.",
        a_fraction_written,
        why=f"The tensor stays int64, and of {share} it takes {int(share)}: the fraction is cut "
        "off, with no error and no warning.",
        beliefs={
            f"[{a}, {share}]": "A tensor keeps its dtype when you write into it.",
            f"[{a}, {int(share) + 1}]": "That is rounded up. What is behind the point is cut off.",
            "RuntimeError": "`counts += 0.5` would raise. This assignment does not.",
        },
    )


@question(rows=(3, 5, 6), columns=(4, 7, 8), i=(1, 2), j=(1, 3))
def tensors_offset(rows: int = 4, columns: int = 6, i: int = 1, j: int = 2) -> Predict:
    def first_cell():
        x = torch.zeros(rows, columns)
        return x[i:, j:].storage_offset()

    return predict(
        "In which cell of the storage does this slice begin? Cells count from 0.",
        first_cell,
        why=f"The strides of x are {columns} and 1: {i} · {columns} + {j} · 1 = {i * columns + j}.",
        beliefs={
            f"{i + j}": "You added the indices. A step along axis 0 goes a whole row further.",
            f"{i * rows + j}": "You took the number of rows for the stride. A row is as long as "
            "the number of columns.",
            f"{i * columns + j + 1}": "You counted cells from 1.",
        },
    )


@question(classes=(3, 4, 6))
def tensors_every_pair(n: int = 7, classes: int = 5) -> Predict:
    def one_score_each():
        scores = torch.randn(n, classes)
        kind = torch.randint(0, classes, (n,))
        return tuple(scores[:, kind].shape)

    return predict(
        "You want one score from each row, that of its label. What shape does this give?",
        one_score_each,
        why=f"`:` takes every row, and `kind` says {n} columns: for each row, those of *all* "
        "labels. The scores you want are its diagonal.",
        beliefs={
            f"({n},)": "That takes two lists, one for rows and one for columns: they are read in "
            "pairs. `:` is no list.",
            f"({n}, {classes})": f"The second axis is as long as the list of columns: {n}.",
            f"({n}, 1)": "That is what gather gives for an index with a column.",
        },
    )


@question
def tensors_branch_not_taken() -> Choice:
    def gradient_of_a_root():
        x = torch.tensor([0.0, 4.0], requires_grad=True)
        y = torch.where(x > 0, x.sqrt(), 0.0)
        (gradient,) = torch.autograd.grad(y.sum(), x)
        return "nan" if gradient[0].isnan() else f"{gradient[0].item():g}"

    return choice(
        "`x` holds 0 and 4, and y = torch.where(x > 0, x.sqrt(), 0.0). Its values are 0 and 2. "
        "What is the gradient of y.sum() at the 0?",
        {
            "0": "It would be if the branch that is not taken were not computed. `where` sends a 0 "
            "into it, and there that is multiplied.",
            "nan": "`where` sends a 0 to the root, whose derivative at 0 is inf: 0 times inf is "
            "nan. The value shows nothing of it.",
            "inf": "That is the derivative of the root at 0. A 0 arrives there, and 0 times inf is "
            "nan.",
        },
        run=gradient_of_a_root,
    )


@question(k=(2, 4, 8, 10))
def tensors_tie(k: int = 6) -> Predict:
    def twice_the_largest():
        x = torch.tensor([1.0, 3.0, 3.0], requires_grad=True)
        (k * x.amax()).backward()
        return x.grad.tolist()

    half = float(k) / 2
    return predict(
        f"The largest number stands there twice, and the gradient {k} arrives at it.",
        twice_the_largest,
        why=f"`amax` shares: {k} / 2 = {half:g} for each of them.",
        beliefs={
            f"[0.0, {float(k)}, 0.0]": "So does `max(0)`, which returns a position as well, here "
            "the first.",
            f"[0.0, {float(k)}, {float(k)}]": "Then more would come back than arrived. It is "
            "shared.",
            f"[0.0, 0.0, {float(k)}]": "That would be the last one. `amax` prefers none.",
        },
    )


@question(n=(2, 3, 4), c=(5, 6, 8))
def tensors_squeeze(n: int = 7, c: int = 3) -> Predict:
    def last_batch():
        batches = torch.zeros(n + 1, c, 1).split(n)
        return list(batches[-1].squeeze().shape)

    return predict(
        "The last batch is shorter than the others. What is its shape after `squeeze()`?",
        last_batch,
        why=f"The last batch has shape (1, {c}, 1): one sample is left over. `squeeze()` takes off "
        "both axes of length 1, that of the batch too.",
        beliefs={
            f"[1, {c}]": "That is squeeze(2), or squeeze(-1): without a number every axis of "
            "length 1 goes.",
            f"[{n}, {c}]": f"{n + 1} samples in batches of {n}: the last one has a single sample.",
            f"[1, {c}, 1]": "Its axes of length 1 are taken off.",
        },
    )


@question
def tensors_column_row(n: int = 5) -> Predict:
    def how_many_differences():
        predicted = torch.zeros(n, 1)
        target = torch.zeros(n)
        return (predicted - target).numel()

    return predict(
        "A layer with one output gives a column, and the targets have one axis. How many numbers "
        "does the difference hold?",
        how_many_differences,
        why=f"From the last axis on, 1 stands against {n}, and the axis in front is missing in the "
        f"target: both are stretched, to ({n}, {n}). Every prediction is compared with every "
        f"target: {n} · {n} = {n * n}.",
        beliefs={
            f"{n}": "It would be if both had one shape. Write predicted.squeeze(1) or "
            "target[:, None].",
            f"{2 * n}": "They are not joined, they are stretched against each other.",
            "RuntimeError": "Lengths agree where one of them is 1, so nothing is wrong for torch.",
        },
    )


@question
def tensors_recap_heads() -> Choice:
    def which_is_right():
        x = torch.arange(2 * 5 * 6).reshape(2, 5, 6)  # 2 sentences, 5 words, 6 numbers
        candidates = {
            "x.reshape(2, 3, 5, 2)": x.reshape(2, 3, 5, 2),
            "x.reshape(2, 5, 3, 2).transpose(1, 2)": x.reshape(2, 5, 3, 2).transpose(1, 2),
            "x.transpose(1, 2).reshape(2, 3, 5, 2)": x.transpose(1, 2).reshape(2, 3, 5, 2),
        }
        (right,) = [
            text
            for text, y in candidates.items()
            if all(
                y[n, h, t].equal(x[n, t, 2 * h : 2 * h + 2])
                for n in range(2)
                for h in range(3)
                for t in range(5)
            )
        ]
        return f"`{right}`"

    return choice(
        "`x` has shape (2, 5, 6): 2 sentences of 5 words with 6 numbers each. Which line splits "
        "the numbers of each word into 3 heads, of shape (2, 3, 5, 2)?",
        {
            "`x.reshape(2, 3, 5, 2)`": "The row of all numbers of a sentence is cut anew, and a "
            "head mixes numbers of several words.",
            "`x.reshape(2, 5, 3, 2).transpose(1, 2)`": "First the last axis is cut in two, within "
            "each word. Then the heads are brought in front of the words.",
            "`x.transpose(1, 2).reshape(2, 3, 5, 2)`": "After the transpose neighbours are the "
            "same number of several words. The reshape cuts those apart.",
        },
        run=which_is_right,
    )


@question
def tensors_recap_copy() -> Choice:
    def which_copies():
        x = torch.zeros(3, 4)
        ways = {"`x[1]`": x[1], "`x[1:2]`": x[1:2], "`x[[1]]`": x[[1]], "`x[:, None]`": x[:, None]}
        storage = x.untyped_storage().data_ptr()
        (copy,) = [text for text, y in ways.items() if y.untyped_storage().data_ptr() != storage]
        return copy

    return choice(
        "One of these does not look at the memory of `x`. Which one?",
        {
            "`x[1]`": "A number gives a view, with one axis less.",
            "`x[1:2]`": "A slice gives a view.",
            "`x[[1]]`": "A list of positions is read by copying, also where it holds a single one.",
            "`x[:, None]`": "None puts in an axis of length 1, in a view.",
        },
        run=which_copies,
    )


@question
def tensors_recap_dtype() -> Choice:
    def what_comes_out():
        weights = torch.ones(3)
        scale = torch.tensor(0.1, dtype=torch.float64)
        data = torch.ones(3, dtype=torch.float64)
        made = ((weights * scale).dtype, (weights * data).dtype)
        return " and ".join(str(dtype).removeprefix("torch.") for dtype in made)

    return choice(
        "`weights` is float32, of shape (3,). `scale` and `data` are float64, of shapes () and "
        "(3,). Which dtypes have weights * scale and weights * data?",
        {
            "float32 and float32": "The first is. A float64 tensor with axes counts in full.",
            "float64 and float64": "The second is. A tensor without axes makes floating numbers "
            "of whole ones, and not longer ones of floating numbers.",
            "float32 and float64": "Both operands are floating numbers, so the one without axes "
            "adds nothing. Two tensors with axes give the longer dtype.",
        },
        run=what_comes_out,
    )


@question
def tensors_recap_order() -> Order:
    return order(
        "Put the lines in an order that gives the gradient of the loss with respect to `both`. "
        "More than one order works.",
        {
            "parts": "a, b = torch.tensor([2.0]), torch.tensor([3.0])",
            "target": "target = torch.tensor([1.0, 5.0])",
            "join": "both = torch.cat([a, b]).requires_grad_()",
            "loss": "loss = (both - target).square().sum()",
            "backward": "loss.backward()",
        },
        {
            ("parts", "join"): "There is nothing to join yet.",
            ("target", "loss"): "There is no target yet.",
            ("join", "loss"): "The loss is computed from `both`: edges lead from what was there "
            "before.",
            ("loss", "backward"): "There is no loss yet.",
        },
        gives="both.grad.tolist()",
    )
