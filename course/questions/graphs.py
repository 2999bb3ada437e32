"""Questions on computation graphs."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Choice, Order, Predict, choice, order, predict


@question
def exact_slope() -> Predict:
    def program():
        w = torch.tensor(1.0, requires_grad=True)
        b = torch.tensor(0.0, requires_grad=True)
        loss = (w * 2 + b - 5) ** 2
        loss.backward()
        return w.grad

    return predict(
        "What does the last line give? You have measured it, about.",
        program,
        why="The error is −3, and a square grows with twice the error: −6. Each step of `w` moves "
        "the error by x = 2. Together −12, exactly.",
        beliefs={
            "-6": "That is the derivative by `b`. `w` is multiplied by 2 on its way.",
            "12": "A sign got lost: the line is too low, so more `w` makes the loss smaller.",
            "9": "That is the loss.",
        },
    )


@question
def two_paths() -> Predict:
    def program():
        x = torch.tensor(2.0, requires_grad=True)
        w = torch.tensor(1.0, requires_grad=True)
        y = (x + w) * (w + 1)
        y.backward()
        return w.grad

    return predict(
        "`w` stands in both factors. What does the last line give? By how much does `y` grow "
        "through the first factor, and by how much through the second?",
        program,
        why="`w` reaches `y` along two paths. Through `a = x + w` it counts `b = 2` times, through "
        "`b = w + 1` it counts `a = 3` times. The two add up: 2 + 3 = 5.",
        beliefs={
            "2": "You followed the path through `a = x + w` and stopped there.",
            "3": "You followed the path through `b = w + 1` and stopped there.",
            "6": "You multiplied the two paths. Along one path you multiply; over two paths you "
            "add.",
        },
    )


@question
def two_branches() -> Predict:
    def program():
        a = torch.tensor(2.0, requires_grad=True)
        w1, w2, w3, w4 = (torch.tensor(w) for w in (3.0, 5.0, 7.0, 11.0))
        b = w1 * a
        c = w2 * a
        d = w3 * b + w4 * c
        L = 10 - d
        L.backward()
        return a.grad

    return predict(
        "Work out dL/da with the rule before you commit. Which two products do you add?",
        program,
        why="Through `b`: −1 · 7 · 3 = −21. Through `c`: −1 · 11 · 5 = −55. Together −76.",
        beliefs={
            "-21": "That is the path through `b` alone.",
            "-55": "That is the path through `c` alone.",
            "76": "A sign got lost: `L = 10 - d`, so the last edge carries −1.",
            "1155": "You multiplied the two paths. Over paths you add.",
            "-1155": "You multiplied the two paths. Over paths you add.",
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


@question
def cost_of_all() -> Choice:
    def counted():
        from torch.utils.flop_counter import FlopCounterMode

        shapes = ((3, 100), (100, 100), (100, 2))
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
        known = {"About 2": 2, "About 3": 3, "About 100": 100, "About 10,500": 10_500}
        return min(known, key=lambda text: abs(known[text] - times))

    return choice(
        "A net of three matrices has 10,500 weights. You run it forward and then backward, and so "
        "have all 10,500 derivatives of its loss. How many times the work of one forward pass is "
        "that, both passes together?",
        {
            "About 2": "That would be a backward pass as cheap as the forward pass. But behind "
            "each product it does two: one for each factor.",
            "About 3": "One forward pass, and a backward pass with two products for each of its "
            "products. How many weights there are does not come into it.",
            "About 100": "The matrices have up to 100 columns, but no walk is made for each of "
            "them.",
            "About 10,500": "That is what measuring costs: one run for each weight.",
        },
        run=counted,
    )


@question
def broadcast_bias() -> Predict:
    def program():
        x = torch.arange(8.0)
        b = torch.tensor(0.0, requires_grad=True)
        (x + b).sum().backward()
        return b.grad

    return predict(
        "`x` has eight entries, `b` is a single number. What does the last line give?",
        program,
        why="`b` is used eight times, each time with the local derivative 1. Eight paths, so "
        "8 · 1 = 8.",
        beliefs={
            "1": "That is one of the eight paths. They add.",
            "[1, 1, 1, 1, 1, 1, 1, 1]": "One for each use of `b`. But `b` is one number, and its "
            "derivative is one number: their sum.",
            "28": "That is the sum of `x`. Adding `b` has the local derivative 1, whatever x is.",
        },
    )


@question
def layer_product() -> Choice:
    def which_product():
        def fits(product, gradient):
            try:
                return product().equal(gradient)
            except RuntimeError:  # these shapes cannot be multiplied
                return False

        x, g = torch.arange(24.0).reshape(8, 3), torch.arange(16.0).reshape(8, 2)
        W = torch.ones(3, 2, requires_grad=True)
        (x @ W).backward(g)
        options = {
            "`x.T @ g`": lambda: x.T @ g,
            "`x @ g`": lambda: x @ g,
            "`x.T @ g / 8`": lambda: x.T @ g / 8,
            "`g.T @ x`": lambda: g.T @ x,
        }
        (right,) = [text for text, product in options.items() if fits(product, W.grad)]
        return right

    return choice(
        "`x` is (8, 3), `W` is (3, 2), and `g`, (8, 2), arrives at `x @ W`. "
        "What is the gradient of `W`?",
        {
            "`x.T @ g`": "(3, 8) times (8, 2) is (3, 2), the shape of `W`. The product adds over "
            "the eight rows, because each of them uses `W`.",
            "`x @ g`": "(8, 3) times (8, 2) cannot be multiplied.",
            "`x.T @ g / 8`": "The shape is right. But paths add, and nothing here averages. If the "
            "loss is a mean, its 1/n is in `g` already.",
            "`g.T @ x`": "That has shape (2, 3): the transpose of what is wanted.",
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
def recap_diamond() -> Predict:
    def diamond():
        p = torch.tensor(3.0, requires_grad=True)
        q = p * p
        y = q + 4 * p
        y.backward()
        return p.grad

    return predict(
        "Use the rule of paths. How many paths lead from `p` to `y`?",
        diamond,
        why="Three: `p * p` uses `p` twice, which gives 3 + 3, and `4 * p` adds 4. Together 10.",
        beliefs={
            "7": "`p * p` uses `p` twice: both edges count.",
            "6": "That is `q` alone. The other term depends on `p` too.",
            "13": "9 + 4: that takes the value of `q` for its derivative.",
            "21": "That is the value of `y`.",
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
def grad_of_d() -> Predict:
    def read_d():
        b = torch.tensor(6.0, requires_grad=True)
        d = 7 * b
        L = 10 - d
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
            "-7": "That is `b.grad`, one step further on.",
            "0": "Zero would be a statement about the derivative. This is the absence of one.",
            "RuntimeError": "Reading it is allowed.",
        },
    )


@question
def arrivals() -> Predict:
    def arrivals_at_u():
        s = torch.tensor(2.0, requires_grad=True)
        u = s * 3
        arrivals = []
        u.register_hook(lambda gradient: arrivals.append(gradient.item()))
        y = u * 5 + u * 7
        y.backward()
        return arrivals

    return predict(
        "`u` is used twice, so gradients come to it along two edges. What is in `arrivals`? "
        "Write a list, such as `[1, 2]`.",
        arrivals_at_u,
        why="torch waits until everything bound for a node has come, adds it up (5 + 7), and "
        "visits the node once. A recursion would visit `u` twice.",
        beliefs={
            "[5, 7]": "That would be one call for each edge, as in a recursion.",
            "[7, 5]": "That would be one call for each edge, as in a recursion.",
            "[36]": "36 is what arrives at `s`: 12 times the 3 of `u = s * 3`.",
        },
    )


@question
def weighted() -> Predict:
    def program():
        x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
        y = x**2
        y.backward(gradient=torch.tensor([1.0, 10.0, 100.0]))
        return x.grad

    return predict(
        "The derivative of `x[i]**2` is `2 * x[i]`: 2, 4 and 6. What is `x.grad` now? Write a "
        "list.",
        program,
        why="Each derivative is multiplied by the number its element starts from: 2·1, 4·10, "
        "6·100.",
        beliefs={
            "[2, 4, 6]": "That is what `gradient=torch.ones(3)` gives.",
            "[222, 444, 666]": "The three numbers are not added: each belongs to its own element.",
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
def both_heads() -> Predict:
    def program():
        a = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
        c = 2 * a**2
        d = c.mean()
        e = c.sum()
        d.backward(retain_graph=True)
        e.backward()
        return a.grad

    return predict(
        "The mean alone gives the gradient `a`, that is `[1, 2, 3, 4]`. The sum alone gives `4 * "
        "a`. What is in `a.grad` after both? Write a list.",
        program,
        why="Every pass **adds** to `.grad`: `a + 4 * a = 5 * a`. `retain_graph` decides whether "
        "the second pass can run. It does not change what `.grad` does.",
        beliefs={
            "[4, 8, 12, 16]": "That is the gradient of `e`, the last one asked for. But "
            "`.grad` is never overwritten by a pass.",
            "[1, 2, 3, 4]": "That was there after the first pass. The second added to it.",
        },
    )


@question
def five_then_ten() -> Predict:
    def program():
        x = torch.tensor(2.0, requires_grad=True)
        w = torch.tensor(1.0, requires_grad=True)
        y = (x + w) * (w + 1)
        y.backward()
        y.backward(retain_graph=True)
        return w.grad

    return predict(
        "Run in the order shown, what does the last line give? Write a number, or `error`.",
        program,
        why="The first `backward()` freed what it used. `retain_graph=True` on the second comes "
        "too late: it speaks about what happens *after* that pass. A notebook that "
        "shows 10 here was not run from top to bottom.",
        beliefs={
            "10": "Two passes would add up to 10, but the second one cannot run.",
            "5": "Nothing gets that far: the second pass cannot run.",
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


@question
def slope_at_corner() -> Predict:
    def program():
        zero = torch.tensor(0.0, requires_grad=True)
        torch.relu(zero).backward()
        return zero.grad

    return predict(
        "What does torch give for the slope of ReLU at 0?",
        program,
        why="A convention: the slope on the left. Another number between 0 and 1 fits as well, "
        "and another operation has another convention.",
        beliefs={
            "1": "That is the slope on the right. `clamp(0)`, the same function, gives it.",
            "0.5": "The middle is a convention, too. `torch.maximum` of two equal numbers has it.",
            "nan": "torch gives a number, and training goes on.",
            "None": "There is a path, so there is a gradient.",
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
