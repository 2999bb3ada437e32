"""Questions on computation graphs."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Choice, Order, Predict, choice, in_words, order, predict


@question(w0=(1.0, 2.0, 3.0), x=(2, 3, 4), target=(13, 14, 15, 17))
def exact_slope(w0: float = 1.0, x: int = 2, target: int = 5) -> Predict:
    def program():
        w = torch.tensor(w0, requires_grad=True)
        b = torch.tensor(0.0, requires_grad=True)
        loss = (w * x + b - target) ** 2
        loss.backward()
        return w.grad

    low = target - w0 * x
    measured = " You have measured it, about." if (w0, x, target) == (1.0, 2, 5) else ""
    return predict(
        f"What does the last line give?{measured}",
        program,
        why=f"The error is −{low:g}, and a square grows with twice the error: −{2 * low:g}. Each "
        f"step of `w` moves the error by x = {x}. Together −{2 * low * x:g}, exactly.",
        beliefs={
            f"-{2 * low:g}": f"That is the derivative by `b`. `w` is multiplied by {x} on its way.",
            f"{2 * low * x:g}": "A sign got lost: the line is too low, so more `w` makes the loss "
            "smaller.",
            f"{low**2:g}": "That is the loss.",
        },
    )


@question
def two_paths(x0: float = 2.0, w0: float = 1.0) -> Predict:
    def program():
        x = torch.tensor(x0, requires_grad=True)
        w = torch.tensor(w0, requires_grad=True)
        y = (x + w) * (w + 1)
        y.backward()
        return w.grad

    a, b = x0 + w0, w0 + 1
    return predict(
        "`w` stands in both factors. What does the last line give? By how much does `y` grow "
        "through the first factor, and by how much through the second?",
        program,
        why=f"`w` reaches `y` along two paths. Through `a = x + w` it counts `b = {b:g}` times, "
        f"through `b = w + 1` it counts `a = {a:g}` times. The two add up: {b:g} + {a:g} = "
        f"{a + b:g}.",
        beliefs={
            f"{b:g}": "You followed the path through `a = x + w` and stopped there.",
            f"{a:g}": "You followed the path through `b = w + 1` and stopped there.",
            f"{a * b:g}": "You multiplied the two paths. Along one path you multiply; over two "
            "paths you add.",
        },
    )


@question
def two_branches(
    a0: float = 2.0, k1: float = 3.0, k2: float = 5.0, k3: float = 7.0, k4: float = 11.0
) -> Predict:
    def program():
        a = torch.tensor(a0, requires_grad=True)
        w1, w2, w3, w4 = (torch.tensor(w) for w in (k1, k2, k3, k4))
        b = w1 * a
        c = w2 * a
        d = w3 * b + w4 * c
        L = 10 - d
        L.backward()
        return a.grad

    by_b, by_c = k3 * k1, k4 * k2
    return predict(
        "Work out dL/da with the rule before you commit. Which two products do you add?",
        program,
        why=f"Through `b`: −1 · {k3:g} · {k1:g} = −{by_b:g}. Through `c`: −1 · {k4:g} · {k2:g} = "
        f"−{by_c:g}. Together −{by_b + by_c:g}.",
        beliefs={
            f"-{by_b:g}": "That is the path through `b` alone.",
            f"-{by_c:g}": "That is the path through `c` alone.",
            f"{by_b + by_c:g}": "A sign got lost: `L = 10 - d`, so the last edge carries −1.",
            f"{by_b * by_c:g}": "You multiplied the two paths. Over paths you add.",
            f"-{by_b * by_c:g}": "You multiplied the two paths. Over paths you add.",
        },
    )


@question
def two_path_formula() -> Choice:
    def whose_sum_is_it():
        inputs = [torch.tensor(v, requires_grad=True) for v in (2.0, 3.0, 5.0, 7.0, 11.0)]
        a, w1, w2, w3, w4 = inputs
        L = 10 - (w3 * (w1 * a) + w4 * (w2 * a))
        wanted = (-1) * w3 * w1 + (-1) * w4 * w2
        gradients = torch.autograd.grad(L, inputs)
        names = ("dL/da", "dL/dw1", "dL/dw2", "dL/dw3", "dL/dw4")
        (match,) = [name for name, g in zip(names, gradients, strict=True) if g == wanted]
        return f"The formula is right, but it is {match}."

    return choice(
        "Spot the bug. Somebody writes down for this net:\n\n"
        "**dL/dw4 = dL/dd · dd/db · db/da + dL/dd · dd/dc · dc/da**",
        {
            "Nothing is wrong.": "It looks complete: two paths, multiplied and added. But both "
            "products end in something over **da**. A path for `w4` ends in something over "
            "**dw4**.",
            "The formula is right, but it is dL/da.": "Both paths end at `a`, so this is dL/da = "
            "−76. From `w4` there is a single path: dL/dw4 = dL/dd · dd/dw4 = −1 · 10 = −10.",
            "The two products should be multiplied.": "You multiply along a path. These are two "
            "paths, so their products add.",
            "One path is missing.": "There are only two ways from `a` to `L`, and both are there. "
            "Look at what the two products end in.",
        },
        run=whose_sum_is_it,
    )


@question(wide=(50, 200, 400))
def cost_of_all(wide: int = 100) -> Choice:
    of_all = f"{3 * wide + wide * wide + wide * 2:,}"

    def counted():
        from torch.utils.flop_counter import FlopCounterMode

        shapes = ((3, wide), (wide, wide), (wide, 2))
        weights = [torch.ones(shape, requires_grad=True) for shape in shapes]

        def run(backward):
            with FlopCounterMode(display=False) as counter:
                h = torch.ones(8, 3)
                for weight in weights:
                    h = h @ weight
                if backward:
                    h.sum().backward()
            return counter.get_total_flops()

        times = run(backward=True) / run(backward=False)
        known = {"About 2": 2, "About 3": 3, f"About {wide}": wide}
        known[f"About {of_all}"] = sum(weight.numel() for weight in weights)
        return min(known, key=lambda text: abs(known[text] - times))

    return choice(
        f"A net of three matrices has {of_all} weights. You run it forward and then backward, and "
        f"so have all {of_all} derivatives of its loss. How many times the work of one forward "
        "pass is that, both passes together?",
        {
            "About 2": "That would be a backward pass as cheap as the forward pass. But behind "
            "each product it does two: one for each factor.",
            "About 3": "One forward pass, and a backward pass with two products for each of its "
            "products. How many weights there are does not come into it.",
            f"About {wide}": f"The matrices have up to {wide} columns, but no walk is made for "
            "each of them.",
            f"About {of_all}": "That is what measuring costs: one run for each weight.",
        },
        run=counted,
    )


@question(n=(4.0, 5.0, 6.0, 7.0, 9.0))
def broadcast_bias(n: float = 8.0) -> Predict:
    def program():
        x = torch.arange(n)
        b = torch.tensor(0.0, requires_grad=True)
        (x + b).sum().backward()
        return b.grad

    many = in_words(n)
    return predict(
        f"`x` has {many} entries, `b` is a single number. What does the last line give?",
        program,
        why=f"`b` is used {many} times, each time with the local derivative 1. "
        f"{many.capitalize()} paths, so {n:g} · 1 = {n:g}.",
        beliefs={
            "1": f"That is one of the {many} paths. They add.",
            f"{[1] * int(n)}": "One for each use of `b`. But `b` is one number, and its "
            "derivative is one number: their sum.",
            f"{n * (n - 1) / 2:g}": "That is the sum of `x`. Adding `b` has the local derivative "
            "1, whatever x is.",
        },
    )


@question
def layer_product(n: int = 8, k: int = 3, m: int = 2) -> Choice:
    def which_product():
        def fits(product, gradient):
            try:
                return product().equal(gradient)
            except RuntimeError:  # these shapes cannot be multiplied
                return False

        x, g = torch.arange(1.0 * n * k).reshape(n, k), torch.arange(1.0 * n * m).reshape(n, m)
        W = torch.ones(k, m, requires_grad=True)
        (x @ W).backward(g)
        options = {
            "`x.T @ g`": lambda: x.T @ g,
            "`x @ g`": lambda: x @ g,
            f"`x.T @ g / {n}`": lambda: x.T @ g / n,
            "`g.T @ x`": lambda: g.T @ x,
        }
        (right,) = [text for text, product in options.items() if fits(product, W.grad)]
        return right

    return choice(
        f"`x` is ({n}, {k}), `W` is ({k}, {m}), and `g`, ({n}, {m}), arrives at `x @ W`. "
        "What is the gradient of `W`?",
        {
            "`x.T @ g`": f"({k}, {n}) times ({n}, {m}) is ({k}, {m}), the shape of `W`. The "
            f"product adds over the {in_words(n)} rows, because each of them uses `W`.",
            "`x @ g`": f"({n}, {k}) times ({n}, {m}) cannot be multiplied.",
            f"`x.T @ g / {n}`": "The shape is right. But paths add, and nothing here averages. If "
            "the loss is a mean, its 1/n is in `g` already.",
            "`g.T @ x`": f"That has shape ({m}, {k}): the transpose of what is wanted.",
        },
        run=which_product,
    )


@question
def odd_one_out() -> Choice:
    def which_one():
        x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
        results = {
            "`x.sum()`": x.sum(),
            "`x > 2`": x > 2,
            "`x[0]`": x[0],
            "`x * 0`": x * 0,
        }
        (odd,) = [text for text, result in results.items() if not result.requires_grad]
        return odd

    return choice(
        "`x` requires grad. Which of these results does **not**?",
        {
            "`x.sum()`": "`x` requires grad and the sum is a floating-point number, so it is "
            "recorded.",
            "`x > 2`": "The result is True or False. It cannot change *a little*, so it has no "
            "derivative, and boolean tensors cannot require grad at all.",
            "`x[0]`": "Picking an entry is an operation like any other: the gradient goes back to "
            "that entry.",
            "`x * 0`": "Its gradient is zero everywhere, but it is recorded all the same: torch "
            "looks at the flags of the inputs, not at the numbers.",
        },
        run=which_one,
    )


@question
def when_built() -> Choice:
    def when():
        w = torch.tensor(1.0, requires_grad=True)
        y = (w + 2) * (w + 1)  # no backward in sight
        built = y.grad_fn is not None and len(y.grad_fn.next_functions) == 2
        return "during the forward pass, line by line" if built else "by `y.backward()`"

    return choice(
        "When is the graph of `y` made?",
        {
            "when `w` is created": "At that moment nothing has been computed, so there is nothing "
            "to record.",
            "during the forward pass, line by line": "Each recorded operation adds its node when "
            "it runs. The question looked at `y.grad_fn` before any backward pass, and it was "
            "there.",
            "by `y.backward()`": "That is where the graph is *used*, so it is easy to think it is "
            "made there. But `y.grad_fn` exists before you call it.",
        },
        run=when,
    )


@question
def recap_diamond(p0: float = 3.0, k: int = 4) -> Predict:
    def diamond():
        p = torch.tensor(p0, requires_grad=True)
        q = p * p
        y = q + k * p
        y.backward()
        return p.grad

    return predict(
        "What does the last line give? Use the rule of paths: how many lead from `p` to `y`?",
        diamond,
        why=f"Three: `p * p` uses `p` twice, which gives {p0:g} + {p0:g}, and `{k} * p` adds {k}. "
        f"Together {2 * p0 + k:g}.",
        beliefs={
            f"{p0 + k:g}": "`p * p` uses `p` twice: both edges count.",
            f"{2 * p0:g}": "That is `q` alone. The other term depends on `p` too.",
            f"{p0**2 + k:g}": f"{p0**2:g} + {k}: that takes the value of `q` for its derivative.",
            f"{p0**2 + k * p0:g}": "That is the value of `y`.",
        },
    )


@question
def recap_plain_leaves() -> Choice:
    def from_plain_leaves():
        p = torch.tensor(1.0)
        q = torch.tensor(2.0)
        return (p * q).requires_grad

    return choice(
        "`p = torch.tensor(1.0)` and `q = torch.tensor(2.0)` are leaves.\n\n"
        "What is `(p * q).requires_grad`?",
        {
            "True": "It would be, if one of the two required grad. Being a leaf is not enough.",
            "False": "Neither input requires grad, so nothing was recorded. The product is a leaf "
            "too.",
        },
        run=from_plain_leaves,
    )


@question
def grad_of_d(b0: float = 6.0, k: int = 7, top: int = 10) -> Predict:
    def read_d():
        b = torch.tensor(b0, requires_grad=True)
        d = k * b
        L = top - d
        L.backward()
        return d.grad

    return predict(
        "`d` is computed from the leaf `b`. What does the last line give?",
        read_d,
        why="The gradient −1 did arrive at `d`, and was handed on. Nobody kept it: `.grad` is "
        "filled for leaves, unless you ask for more. torch guesses that you expected something "
        "else, and warns.",
        beliefs={
            "-1": "That is the derivative that arrived at `d`, so you know the rule. It was not "
            "kept.",
            f"-{k}": "That is `b.grad`, one step further on.",
            "0": "Zero would be a statement about the derivative. This is the absence of one.",
            "RuntimeError": "Reading it is allowed.",
        },
    )


@question
def arrivals(s0: float = 2.0, inner: int = 3, k: int = 5, m: int = 7) -> Predict:
    def arrivals_at_u():
        s = torch.tensor(s0, requires_grad=True)
        u = s * inner
        arrivals = []
        u.register_hook(lambda gradient: arrivals.append(gradient.item()))
        y = u * k + u * m
        y.backward()
        return arrivals

    return predict(
        "`u` is used twice, so gradients come to it along two edges. What is in `arrivals`? "
        "Write a list, such as `[1, 2]`.",
        arrivals_at_u,
        why=f"torch waits until everything bound for a node has come, adds it up ({k} + {m}), and "
        "visits the node once. A recursion would visit `u` twice.",
        beliefs={
            f"[{k}, {m}]": "That would be one call for each edge, as in a recursion.",
            f"[{m}, {k}]": "That would be one call for each edge, as in a recursion.",
            f"[{(k + m) * inner}]": f"{(k + m) * inner} is what arrives at `s`: {k + m} times the "
            f"{inner} of `u = s * {inner}`.",
        },
    )


@question
def weighted(x0: float = 1.0, x1: float = 2.0, x2: float = 3.0) -> Predict:
    def program():
        x = torch.tensor([x0, x1, x2], requires_grad=True)
        y = x**2
        y.backward(gradient=torch.tensor([1.0, 10.0, 100.0]))
        return x.grad

    a, b, c = slopes = [int(2 * x) for x in (x0, x1, x2)]
    return predict(
        f"The derivative of `x[i]**2` is `2 * x[i]`: {a}, {b} and {c}. What is `x.grad` now? Write "
        "a list.",
        program,
        why="Each derivative is multiplied by the number its element starts from: "
        f"{a}·1, {b}·10, {c}·100.",
        beliefs={
            f"{slopes}": "That is what `gradient=torch.ones(3)` gives.",
            f"{[111 * slope for slope in slopes]}": "The three numbers are not added: each belongs "
            "to its own element.",
            "[1, 10, 100]": "That is where the pass begins. It goes on through `x**2`.",
        },
    )


@question
def what_is_freed() -> Choice:
    def what_is_left():
        p = torch.tensor(3.0, requires_grad=True)
        y = p**2 + 1
        y.backward()
        power, _ = y.grad_fn.next_functions[0]
        leaf, _ = power.next_functions[0]
        path = power.name() == "PowBackward0" and leaf.variable is p
        try:
            freed = power._saved_self is None
        except RuntimeError:
            freed = True
        return "Only the saved tensors are gone." if path and freed else "The whole graph is gone."

    return choice(
        "After `y.backward()`, what has become of the graph of `y`?",
        {
            "The whole graph is gone.": "As long as you hold `y`, its nodes are there, with their "
            "names and `next_functions`.",
            "The nodes are there, but no path leads to the leaves any more.": "The path is there "
            "too: follow `next_functions` from `y` and you arrive at the leaf.",
            "Only the saved tensors are gone.": "Nodes and edges stay as long as `y` does. What "
            "the nodes had saved is freed.",
            "Nothing has changed.": "Reading a saved tensor now raises, so something has.",
        },
        run=what_is_left,
    )


@question
def both_heads(a1: float = 1.0, a2: float = 2.0, a3: float = 3.0, a4: float = 4.0) -> Predict:
    def program():
        a = torch.tensor([a1, a2, a3, a4], requires_grad=True)
        c = 2 * a**2
        d = c.mean()
        e = c.sum()
        d.backward(retain_graph=True)
        e.backward()
        return a.grad

    by_mean = [int(a) for a in (a1, a2, a3, a4)]
    return predict(
        f"The mean alone gives the gradient `a`, that is `{by_mean}`. The sum alone gives `4 * "
        "a`. What is in `a.grad` after both? Write a list.",
        program,
        why="Every pass **adds** to `.grad`: `a + 4 * a = 5 * a`. `retain_graph` decides whether "
        "the second pass can run. It does not change what `.grad` does.",
        beliefs={
            f"{[4 * a for a in by_mean]}": "That is the gradient of `e`, the last one asked for. "
            "But `.grad` is never overwritten by a pass.",
            f"{by_mean}": "That was there after the first pass. The second added to it.",
        },
    )


@question
def five_then_ten(x0: float = 2.0, w0: float = 1.0) -> Predict:
    def program():
        x = torch.tensor(x0, requires_grad=True)
        w = torch.tensor(w0, requires_grad=True)
        y = (x + w) * (w + 1)
        y.backward()
        y.backward(retain_graph=True)
        return w.grad

    once = (x0 + w0) + (w0 + 1)
    return predict(
        "Run in the order shown, what does the last line give? Write a number, or `error`.",
        program,
        why="The first `backward()` freed what it used. `retain_graph=True` on the second comes "
        "too late: it speaks about what happens *after* that pass. A notebook that "
        f"shows {2 * once:g} here was not run from top to bottom.",
        beliefs={
            f"{2 * once:g}": f"Two passes would add up to {2 * once:g}, but the second one cannot "
            "run.",
            f"{once:g}": "Nothing gets that far: the second pass cannot run.",
        },
    )


@question
def heads_in_order() -> Order:
    return order(
        "Put these lines in an order after which `a.grad` holds the gradient of `d + e`. "
        "More than one order works, and each of them is accepted.",
        {
            "a": "a = torch.tensor([1.0, 2.0], requires_grad=True)",
            "b": "b = a**2",
            "d": "d = b.mean()",
            "e": "e = b.sum()",
            "keep": "d.backward(retain_graph=True)",
            "last": "e.backward()",
        },
        {
            ("a", "b"): "`b` is computed from `a`.",
            ("b", "d"): "`d` is computed from `b`.",
            ("b", "e"): "`e` is computed from `b`.",
            ("d", "keep"): "A backward pass starts from a result that exists.",
            ("e", "last"): "A backward pass starts from a result that exists.",
            (
                "keep",
                "last",
            ): "Both passes go through `b`. The one without `retain_graph=True` frees "
            "what `b` saved, so it must be the last.",
        },
        gives="a.grad",
    )


@question(corner=("zero.clamp(0)", "torch.maximum(zero, torch.tensor(0.0))"))
def slope_at_corner(corner: str = "torch.relu(zero)") -> Predict:
    def program():
        zero = torch.tensor(0.0, requires_grad=True)
        corner.backward()
        return zero.grad

    slopes = {
        "0": "That is the slope on the left. `torch.relu`, the same function, gives it.",
        "1": "That is the slope on the right. `clamp(0)`, the same function, gives it.",
        "0.5": "The middle is a convention, too. `torch.maximum` of two equal numbers has it.",
    }
    right, side = {
        "torch.relu(zero)": ("0", "the slope on the left"),
        "zero.clamp(0)": ("1", "the slope on the right"),
    }.get(corner, ("0.5", "the middle between the slopes on both sides"))
    return predict(
        "What does torch give for the slope of ReLU at 0?",
        program,
        why=f"A convention: {side}. Another number between 0 and 1 fits as well, "
        "and another operation has another convention.",
        beliefs={slope: told for slope, told in slopes.items() if slope != right}
        | {
            "nan": "torch gives a number, and training goes on.",
            "None": "None would say that no gradient came. One did, and it is a number.",
            "error": "Nothing is raised: torch gives a number, and training goes on.",
        },
    )


@question
def recap_second_pass() -> Choice:
    def after_the_graph_was_freed():
        p = torch.tensor(2.0, requires_grad=True)
        y = p**3
        y.backward()
        reaches = y.grad_fn.next_functions[0][0].variable is p
        try:
            y.backward()
            return "no error"
        except RuntimeError:
            return "A saved value is missing." if reaches else "The path to the leaf is missing."

    return choice(
        "`y = p**3`, and `y.backward()` has run. Why does a second `y.backward()` raise?",
        {
            "The path to the leaf is missing.": "It is there: `y.grad_fn.next_functions` still "
            "leads to `p`.",
            "A saved value is missing.": "The node of the power needs `p` to compute 3p². It had "
            "saved it, and the first pass freed what was saved.",
            "`p.grad` is not empty.": "A gradient that is there already is added to, without an "
            "error.",
        },
        run=after_the_graph_was_freed,
    )


@question
def recap_update() -> Choice:
    def who_updates():
        w = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.1)
        (w**2).sum().backward()
        moved_by_backward = not w.equal(torch.ones(2))
        optimizer.step()
        moved_by_step = not w.equal(torch.ones(2))
        if moved_by_step and not moved_by_backward:
            return "`optimizer.step()`"
        return "`loss.backward()`"

    return choice(
        "In a training loop, which call changes the weights?",
        {
            "`loss.backward()`": "It fills `.grad`. The weights are the same before and after.",
            "`optimizer.step()`": "It reads `.grad` and changes the weights in place.",
            "`optimizer.zero_grad()`": "It empties `.grad`, so that the next pass does not add to "
            "it.",
            "the forward pass": "It reads the weights and records what was done with them.",
        },
        run=who_updates,
    )


@question
def recap_warning() -> Choice:
    def a_warning():
        p = torch.tensor(2.0, requires_grad=True)
        q = p * 3
        q.backward()
        return "You read the gradient of a non-leaf." if q.grad is None else "It was there."

    return choice(
        "Your code prints *The .grad attribute of a Tensor that is not a leaf Tensor is being "
        "accessed* and runs on. What is it telling you?",
        {
            "Nothing: silence it.": "It is the only sign that the value you read is `None`.",
            "You read the gradient of a non-leaf.": "What you read is `None`. Call "
            "`retain_grad()` on that tensor before the backward pass, or read a leaf.",
            "The gradient is wrong.": "No gradient is wrong. The one you asked for was not kept.",
        },
        run=a_warning,
    )
