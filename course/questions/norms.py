"""Questions on normalization layers."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Choice, Order, Predict, choice, in_words, order, predict


@question(c=(3, 4, 5, 6))
def norm_how_many(n: int = 7, c: int = 3, h: int = 2, w: int = 5) -> Predict:
    def how_many_numbers():
        torch.manual_seed(0)
        x = torch.randn(n, c, h, w)
        y = torch.nn.BatchNorm2d(c)(x.requires_grad_())
        (grad,) = torch.autograd.grad(y[0, 0, 0, 0], x)
        return int((grad != 0).sum())

    return predict(
        "A derivative can tell which inputs one output depends on. `x` has shape "
        f"({n}, {c}, {h}, {w}). On how many entries of `x` does a single output of BatchNorm in "
        "training depend?",
        how_many_numbers,
        why=f"On all of its channel: {n} samples times {h} times {w} positions are {n * h * w} "
        "numbers. They share one mean and one variance, so each has a part in each output.",
        beliefs={
            "1": "That would be a layer that looks at each number by itself. Mean and variance "
            "bring in the others.",
            f"{h * w}": "That is one channel of one sample: InstanceNorm. BatchNorm takes the "
            "whole batch.",
            f"{n}": "You averaged over the batch alone. The positions of an image belong to the "
            "channel.",
            f"{c * h * w}": "That is one sample: LayerNorm over (C, H, W).",
            f"{n * c * h * w}": f"Each channel has a mean of its own, so the other "
            f"{in_words(c - 1)} channels have no part.",
        },
    )


@question
def norm_affine(scale: float = 3.0, shift: float = 7.0) -> Predict:
    def after_the_affine_step():
        torch.manual_seed(0)
        layer = torch.nn.BatchNorm1d(1)
        with torch.no_grad():
            layer.weight.fill_(scale)
            layer.bias.fill_(shift)
        y = layer(torch.randn(1000, 1))
        return round(y.mean().item(), 2), round(y.std(correction=0).item(), 2)

    return predict(
        f"Training has moved the weight of a BatchNorm to {scale:g} and its bias to {shift:g}. "
        "Which mean and standard deviation has its output?",
        after_the_affine_step,
        why=f"The normalised values have mean 0 and deviation 1. Times {scale:g} and plus "
        f"{shift:g} gives mean {shift:g} and deviation {scale:g}. So the *output* of a "
        "normalization layer has whatever scale was learned.",
        beliefs={
            "(0.0, 1.0)": "That is what it has before weight and bias.",
            f"{(scale, shift)}": "You exchanged the two: the weight stretches, the bias shifts.",
            f"{(shift, scale**2)}": f"{scale**2:g} is the variance. The deviation is its root.",
        },
    )


@question
def norm_shape() -> Choice:
    def is_it_normal():
        torch.manual_seed(0)
        flips = torch.randint(0, 2, (1000, 1)).float()
        y = torch.nn.BatchNorm1d(1)(flips)
        values = len(y.detach().unique())
        return "It takes two values, so it is not normal." if values == 2 else "It is normal."

    return choice(
        "*After BatchNorm each channel follows N(0, 1), whatever the input was.* "
        "A channel holds only zeros and ones. What is true of its output?",
        {
            "It is normal.": "No shift and no stretch turns two values into a bell curve.",
            "It takes two values, so it is not normal.": "The mean is 0 and the variance 1, and "
            "the shape is that of the input: two values. Only the first two moments are set.",
            "It is uniform.": "A uniform channel takes all values of an interval. This one takes "
            "two.",
        },
        run=is_it_normal,
    )


@question(momentum=(0.1, 0.2))
def norm_momentum(m1: float = 2.0, m2: float = 6.0, momentum: float = 0.25) -> Predict:
    (a, b), (c, d) = ((mean - 1, mean + 1) for mean in (m1, m2))

    def a_second_batch():
        bn = torch.nn.BatchNorm1d(1, momentum=momentum)
        bn(torch.tensor([[a], [b]]))
        bn(torch.tensor([[c], [d]]))
        return round(bn.running_mean.item(), 4)

    rest, part = 1 - momentum, {0.1: "a tenth", 0.2: "a fifth", 0.25: "a quarter"}[momentum]
    first = momentum * m1
    mean = rest * first + momentum * m2
    exchanged = momentum * rest * m1 + rest * m2
    return predict(
        f"Now `momentum` is {momentum}, and there are two batches, of mean {m1:g} and of mean "
        f"{m2:g}.",
        a_second_batch,
        why=f"After the first batch: {rest:g} · 0 + {momentum} · {m1:g} = {first:g}. After the "
        f"second: {rest:g} · {first:g} + {momentum} · {m2:g} = {mean:g}. Early on the running mean "
        "still holds a part of the 0 it began with.",
        beliefs={
            f"{(m1 + m2) / 2:g}": "That is the plain average of both. It is what momentum=None "
            "gives.",
            f"{round(exchanged, 4)}": f"You gave {momentum} to the old value. Here momentum is the "
            "weight of the new one.",
            f"{round(momentum * m2, 4)}": f"You added {momentum} · {m2:g} and forgot what the "
            "first batch left.",
            f"{round(momentum * (m1 + m2), 4)}": f"You added {part} of each and did not shrink the "
            "old value.",
        },
    )


@question(tracked=(True,))
def norm_untracked(tracked: bool = False) -> Predict:
    def without_statistics():
        torch.manual_seed(0)
        bn = torch.nn.BatchNorm1d(3, track_running_stats=tracked).eval()
        x = torch.randn(7, 3)
        alone_in_two = bn(x[:2])[0]
        in_seven = bn(x)[0]
        return torch.allclose(alone_in_two, in_seven)

    asked = "In eval mode a sample gets the same output in every batch. Is that true of this layer?"
    if tracked:
        return predict(
            asked,
            without_statistics,
            why="The layer keeps running statistics, and `eval()` makes it use them. No sample's "
            "output depends on the others.",
            beliefs={"False": "It would be without running statistics. This layer keeps some."},
        )
    return predict(
        asked,
        without_statistics,
        why="There are no running statistics to use, so the layer normalises by the batch in both "
        "modes. `eval()` changes nothing, and a sample's output depends on the others.",
        beliefs={"True": "It would be with running statistics. This layer was told to keep none."},
    )


@question
def norm_recap_one() -> Choice:
    def one_image():
        try:
            torch.nn.BatchNorm2d(3)(torch.randn(1, 3, 4, 5))
        except ValueError:
            return "It raises."
        return "It runs."

    return choice(
        "*BatchNorm cannot train on a batch of one.* `x` has shape "
        "(1, 3, 4, 5), and `BatchNorm2d(3)` is in training mode. What happens?",
        {
            "It runs.": "Each channel has 4 times 5 values, and that is enough for a variance. "
            "What is refused is a single value per channel. How good statistics of one image are "
            "is another matter.",
            "It raises.": "That happens with shape (1, 3, 1, 1): one value per channel.",
            "It switches to eval mode.": "No layer switches its mode by itself.",
        },
        run=one_image,
    )


@question
def norm_recap_variance() -> Choice:
    def two_variances():
        bn = torch.nn.BatchNorm1d(1, momentum=1.0)
        x = torch.tensor([[1.0], [3.0]])
        y = bn(x)
        output_over_n = torch.allclose(y, (x - 2) / 1.0, atol=1e-3)
        running_over_n = bn.running_var.item() == 1.0
        words = {True: "n", False: "n - 1"}
        return f"output: {words[output_over_n]}, running variance: {words[running_over_n]}"

    return choice(
        "By what are the squares divided in BatchNorm's two variances?",
        {
            "output: n, running variance: n": "It would be consistent. But torch writes the "
            "unbiased one into `running_var`.",
            "output: n - 1, running variance: n - 1": "Then the squares of the output would not "
            "have the mean 1.",
            "output: n, running variance: n - 1": "The output is normalised by the batch's own "
            "spread. The running variance estimates that of the data, so it is the unbiased one.",
            "output: n - 1, running variance: n": "It is the other way round.",
        },
        run=two_variances,
    )


@question
def norm_recap_order() -> Order:
    return order(
        "Put the lines in an order that fills the running statistics from the data, and then "
        "uses them to score the first row. More than one order works.",
        {
            "data": "data = torch.tensor([[1.0], [3.0], [8.0]])",
            "layer": "bn = torch.nn.BatchNorm1d(1, momentum=None)",
            "measure": "bn(data)",
            "eval": "bn.eval()",
            "score": "score = bn(data[:1]).item()",
        },
        {
            ("data", "measure"): "There is nothing to measure yet.",
            ("layer", "measure"): "There is no layer yet.",
            ("measure", "eval"): "In eval mode a forward pass measures nothing.",
            ("eval", "score"): "In training mode one row has no variance, and torch raises.",
        },
        gives="round(score, 3)",
    )


@question(rows=(4, 5, 6, 8))
def norm_sum(rows: int = 7, columns: int = 3) -> Predict:
    def ones_come_in():
        torch.manual_seed(0)
        x = torch.randn(rows, columns, requires_grad=True)
        y = torch.nn.BatchNorm1d(columns)(x)
        y.sum().backward()
        return bool(x.grad.abs().max() < 1e-5)

    return predict(
        "`y.sum()` sends a 1 to every output. Is `x.grad` zero everywhere, but for rounding?",
        ones_come_in,
        why="Put gy = 1 into the formula: 1 − mean(1) − xh · mean(xh) = 1 − 1 − 0 = 0. The sum of "
        "a normalised channel is 0 whatever x is, so it cannot change. Do not test a "
        "new BatchNorm with `.sum().backward()`.",
        beliefs={
            "False": "Each output depends on x, and still their sum does not: the mean was taken "
            "off.",
        },
    )


@question(layer=("torch.nn.BatchNorm1d", "torch.nn.BatchNorm3d"))
def norm_sync(layer: str = "torch.nn.BatchNorm2d", channels: int = 5) -> Predict:
    def converted_alone():
        bn = layer(channels)
        torch.nn.SyncBatchNorm.convert_sync_batchnorm(bn)
        return type(bn).__name__

    return predict(
        "Here the model is a BatchNorm itself, and the return value is dropped.",
        converted_alone,
        why="A layer inside a model can be exchanged in that model. A layer by itself has nobody "
        "who holds it, so the new one exists as the return value alone.",
        beliefs={"SyncBatchNorm": "It would be inside a Sequential, where the layer is exchanged."},
    )


@question
def norm_recap_group(n: int = 7, c: int = 6, h: int = 4, w: int = 5) -> Choice:
    def which_is_it():
        torch.manual_seed(0)
        x = torch.randn(n, c, h, w)
        y = torch.nn.LayerNorm((c, h, w))(x)
        layers = {
            f"`GroupNorm(1, {c})`": torch.nn.GroupNorm(1, c),
            f"`GroupNorm({c}, {c})`": torch.nn.GroupNorm(c, c),
            f"`BatchNorm2d({c})`": torch.nn.BatchNorm2d(c),
        }
        (same,) = [name for name, layer in layers.items() if torch.allclose(layer(x), y, atol=1e-5)]
        return same

    return choice(
        f"`x` has shape ({n}, {c}, {h}, {w}). Which new layer gives what `LayerNorm(({c}, {h}, "
        f"{w}))` gives?",
        {
            f"`GroupNorm(1, {c})`": "One group holds all channels of a sample: these are the "
            "numbers that LayerNorm averages.",
            f"`GroupNorm({c}, {c})`": "Each channel by itself is InstanceNorm.",
            f"`BatchNorm2d({c})`": "That averages over the batch, channel by channel.",
        },
        run=which_is_it,
    )


@question
def norm_recap_check() -> Choice:
    def which_sum_finds_it():
        torch.manual_seed(0)
        x = torch.randn(7, 3, dtype=torch.float64, requires_grad=True)
        gy = torch.randn(7, 3, dtype=torch.float64)
        y = torch.nn.BatchNorm1d(3, affine=False).double()(x)
        std = x.std(0, correction=0).detach()
        xh = y.detach()
        gx = (gy - gy.mean(0)) / std  # the path through the variance is missing
        found = []
        if gx.sum(0).abs().max() > 1e-3:
            found.append("the sum of gx")
        if (gx * xh).sum(0).abs().max() > 1e-3:
            found.append("the sum of gx · xh")
        return " and ".join(found)

    return choice(
        "Somebody's gradient of BatchNorm takes the mean into account and the variance for a "
        "constant. Which sum over a channel is not next to 0, and gives it away?",
        {
            "the sum of gx": "Taking off mean(gy) makes this one 0, whatever is missing besides.",
            "the sum of gx · xh": "y does not change when a channel is stretched, so a right "
            "gradient has next to no part along xh. This one has.",
            "the sum of gx and the sum of gx · xh": "The first is 0: mean(gy) was taken off.",
        },
        run=which_sum_finds_it,
    )


@question
def norm_recap_claim() -> Choice:
    def error_on_new_data(seed, normalised):
        torch.manual_seed(seed)
        x, new, truth = torch.randn(32, 10), torch.randn(500, 10), torch.randn(10, 1)
        net = torch.nn.Sequential(
            torch.nn.Linear(10, 32),
            torch.nn.BatchNorm1d(32) if normalised else torch.nn.Identity(),
            torch.nn.ReLU(),
            torch.nn.Linear(32, 1),
        )
        optimizer = torch.optim.SGD(net.parameters(), lr=0.02)
        for _ in range(15):
            for rows in torch.randperm(32).split(4):
                optimizer.zero_grad()
                (net(x[rows]) - x[rows] @ truth).square().mean().backward()
                optimizer.step()
        return (net.eval()(new) - new @ truth).square().mean().item()

    def how_often():
        seeds = range(12)
        helps = sum(error_on_new_data(s, True) < error_on_new_data(s, False) for s in seeds)
        return {0: "never", len(seeds): "every time"}.get(helps, "sometimes")

    return choice(
        "*BatchNorm improves generalisation.* A small net learns from 32 rows in batches of 4, "
        "with BatchNorm and without, twelve times with new data and new weights. How often is the "
        "error on 500 new rows smaller with BatchNorm?",
        {
            "every time": "If it were a property of the layer, it would be. Here it often makes "
            "things worse.",
            "sometimes": "Here it depends on the seed. Whether it helps has to be measured, on "
            "your net and your data, over several seeds.",
            "never": "On some of the seeds it does help.",
        },
        run=how_often,
    )
