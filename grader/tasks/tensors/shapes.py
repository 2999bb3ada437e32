"""Exercises on shapes: axes merged into one, and an axis split into heads."""

import math

from grader.engine.task import F32, Case, Inputs, Rng, Task, case
from grader.tasks.tensors.inputs import laid_out, reached


class FlattenBatch(Task):
    """x is a batch of shape (N, ...), with at least two axes; N may be 0, and no other size is.
    Return y of shape (N, M): row i holds all M numbers of x[i], in the order in which x[i] is
    indexed, its last axis fastest. x may lie in memory in any order. Gradients reach x. Leave x as
    it is."""

    id = "flatten_batch"
    signatures = ("flatten(x) -> y",)
    title, points, difficulty, minutes = "Flatten all but the batch", 4, 2, 6
    hints = (
        "Read the section on strides. Which of view, reshape and flatten works for a tensor whose "
        "numbers lie in another order?",
        "-1 stands for what is left over. Try it on a batch of shape (0, 3, 5): what is left over "
        "of nothing?",
        "flatten takes the axis to begin with. Which one comes behind the batch?",
    )
    CASES = (
        case("7 samples of shape (3, 5)", shape=(7, 3, 5), visible=True),
        case("images, channels last", shape=(3, 5, 2, 7), layout="second axis last", visible=True),
        case("the batch is the last axis in memory", shape=(7, 3, 5), layout="first axis last"),
        case("one sample", shape=(1, 5, 3)),
        case("an empty batch", shape=(0, 3, 5), visible=True),
        case("an empty batch of images", shape=(0, 2, 7, 3)),
        case("samples that are rows already", shape=(11, 3)),
        case("samples of a single number", shape=(7, 1, 1)),
        case("one sample, repeated", shape=(7, 3, 2), layout="expanded"),
        case("samples of four axes", shape=(3, 2, 5, 2, 7)),
        case("float32", shape=(5, 3, 1, 2), dtype=F32),
        case("a leaf with an old .grad", shape=(3, 7, 5), layout="second axis last", leaf=True),
        case("x was computed", shape=(3, 2, 5), leaf=False),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        shape = case["shape"]
        drawn = {"x": rng.normal(*shape)}
        if "leaf" in case.params:
            drawn["v"] = rng.apart(0.5, 2.0, shape[0], math.prod(shape[1:]))
        return drawn

    def observe(self, flatten, x, v=None, layout="plain", leaf=True):
        x = laid_out(x, layout)
        return flatten(x) if v is None else reached(flatten, x, v, leaf)


class SplitHeads(Task):
    """x has shape (N, T, D): N sentences of T words, each word a row of D numbers. Cut every row
    into `heads` parts of d = D / heads neighbouring numbers, one part for each head, and return y
    of shape (N, heads, T, d): y[n, h, t] is part h of word t of sentence n. heads divides D. x may
    lie in memory in any order. Gradients reach x. Leave x as it is."""

    id = "split_heads"
    signatures = ("split_heads(x, heads) -> y",)
    title, points, difficulty, minutes = "Spot the bug: heads that mix words", 6, 3, 10
    prerequisites = ("flatten_batch",)
    hints = (
        "Read the section on permute and reshape. Hand the broken function x filled with the "
        "number of the word: which words stand in y[0, 0]?",
        "A reshape may only cut the last axis in two. Which shape has x then?",
        "First (N, T, heads, d), by a reshape that splits D. Then exchange the two axes in the "
        "middle, by transpose or permute.",
    )
    CASES = (
        case("3 heads", shape=(2, 5, 21), heads=3, visible=True),
        case("one head", shape=(3, 5, 7), heads=1),
        case("as many heads as numbers", shape=(2, 7, 5), heads=5, visible=True),
        case("one sentence", shape=(1, 5, 6), heads=2),
        case("one word", shape=(3, 1, 10), heads=5),
        case("x is transposed", shape=(3, 7, 10), heads=2, layout="second axis last"),
        case("x has gaps", shape=(3, 5, 14), heads=7, layout="every other"),
        case("float32", shape=(3, 5, 22), heads=2, dtype=F32),
        case("a leaf with an old .grad", shape=(2, 7, 15), heads=3, leaf=True),
        case("x was computed", shape=(5, 3, 14), heads=2, leaf=False),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        (n, t, d), heads = case["shape"], case["heads"]
        drawn = {"x": rng.normal(n, t, d)}
        if "leaf" in case.params:
            drawn["v"] = rng.apart(0.5, 2.0, n, heads, t, d // heads)
        return drawn

    def observe(self, split_heads, x, heads, v=None, layout="plain", leaf=True):
        x = laid_out(x, layout)
        if v is None:
            return split_heads(x, heads)
        return reached(lambda given: split_heads(given, heads), x, v, leaf)
