"""Questions on functions of your own."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Choice, Predict, choice, in_words, predict


@question(wanted=(False,))
def function_inside_forward(wanted: bool = True) -> Predict:
    def inside_and_outside():
        seen = []

        class Double(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                y = x * 2
                seen.append(y.requires_grad)
                return y

            @staticmethod
            def backward(ctx, grad_output):
                return grad_output * 2

        y = Double.apply(torch.ones(3, requires_grad=wanted))
        return seen[0], y.requires_grad

    joined = (
        "`apply` gives it the Function's own node afterwards, because `x` requires grad."
        if wanted
        else "`apply` joins the result to no graph either, because `x` does not require grad."
    )
    other = "`x` requires grad" if wanted else "`x` does not require grad"
    beliefs = {
        "(True, True)": "Nothing in `forward` is recorded: if `x * 2` had a node of its own there, "
        "your `backward` would not be needed.",
        f"(False, {not wanted})": f"After `apply` the result is as after any operation: {other}.",
        "(True, False)": "Nothing in `forward` is recorded, whatever comes after it.",
    }
    return predict(
        "`forward` looks at its own result before it returns it. Does `y` require grad there, and "
        "does it after `apply`?",
        inside_and_outside,
        why=f"`forward` runs with recording off, so inside it `y` has no history. {joined}",
        beliefs=beliefs,
    )


@question(factor=(4, 5, 6), x0=(7, 8, 9))
def function_what_arrives(factor: int = 3, x0: int = 5) -> Predict:
    def in_backward():
        arrived = []

        class Square(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                y = x * x
                ctx.save_for_backward(x)
                return y

            @staticmethod
            def backward(ctx, grad_output):
                arrived.append(grad_output.item())
                (x,) = ctx.saved_tensors
                return grad_output * 2 * x

        x = torch.tensor(float(x0), requires_grad=True)
        loss = factor * Square.apply(x)
        loss.backward()
        return arrived[0], x.grad.item()

    product = factor * 2 * x0
    return predict(
        f"`x` is {x0}, and the loss is {factor} times its square. What arrives in `backward`, and "
        "what is `x.grad`?",
        in_backward,
        why=f"What arrives is the derivative of the loss by the *result*: {factor}. `backward` "
        f"multiplies it by the derivative of its own function, 2 · {x0} = {2 * x0}, and "
        f"{factor} · {2 * x0} = {product}.",
        beliefs={
            f"(1.0, {float(product)})": "1 is where the pass starts, at the loss. On the way to "
            f"the result it was multiplied by {factor}.",
            f"({float(factor)}, {float(2 * x0)})": "That would be the derivative of the square "
            f"alone: the {factor} that arrives belongs to the product.",
            f"({float(product)}, {float(product)})": "That is what `backward` returns. It gets "
            "what the loss does with the result.",
        },
    )


@question
def function_how_many(numbers: int = 2) -> Predict:
    def smallest_number_that_works():
        def works(count):
            class Shift(torch.autograd.Function):
                @staticmethod
                def forward(ctx, x, *shifts):
                    return x + sum(shifts)

                @staticmethod
                def backward(ctx, grad_output):
                    return grad_output, *[None] * (count - 1)

            try:
                x = torch.ones(3, requires_grad=True)
                Shift.apply(x, *[1.0] * numbers).sum().backward()
                ran = True
            except RuntimeError:
                ran = False
            return ran

        return min(filter(works, range(1, 11)))

    return predict(
        f"`apply` is called with a tensor and {in_words(numbers)} numbers. How many values must "
        "`backward` return at least?",
        smallest_number_that_works,
        why=f"One for every argument of `forward`, tensor or not: {numbers + 1}. For a number the "
        "value is None.",
        beliefs={
            "1": "The numbers have no gradient, and still each has a place: None.",
            f"{numbers}": "The tensor counts, and so does each number.",
            f"{numbers + 2}": "`ctx` has no place in what is returned.",
        },
    )


@question
def function_edited() -> Choice:
    def after_the_edit():
        class Tanh(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.y = torch.tanh(x)
                return ctx.y

            @staticmethod
            def backward(ctx, grad_output):
                return grad_output * (1 - ctx.y**2)

        x = torch.tensor([1.0], requires_grad=True)
        y = Tanh.apply(x)
        with torch.no_grad():
            y.mul_(2)
        try:
            y.sum().backward()
        except RuntimeError:
            return "It raises."
        right = 1 - torch.tanh(x.detach()) ** 2
        same = torch.allclose(x.grad, right)
        return "The gradient is right." if same else "The gradient is wrong, and nothing is said."

    return choice(
        "This Function keeps its result as an attribute of `ctx`. The result is edited in place "
        "under `no_grad`, and then a backward pass runs. What happens?",
        {
            "It raises.": "It would, if the result had gone through `save_for_backward`: then its "
            "version is compared.",
            "The gradient is right.": "`ctx.y` is the edited tensor itself, and `backward` "
            "computes with its new values.",
            "The gradient is wrong, and nothing is said.": "Nobody compares versions of an "
            "attribute. Use `ctx.save_for_backward`.",
        },
        run=after_the_edit,
    )


@question(n=(5, 7, 8), m=(2, 4, 6))
def function_too_large(n: int = 7, m: int = 3) -> Predict:
    def gradient_of_the_row():
        class Mul(torch.autograd.Function):
            @staticmethod
            def forward(ctx, a, b):
                product = a * b
                ctx.save_for_backward(a, b)
                return product

            @staticmethod
            def backward(ctx, grad_output):
                a, b = ctx.saved_tensors
                return grad_output * b, grad_output * a

        a = torch.ones(n, m, requires_grad=True)
        b = torch.ones(m, requires_grad=True)
        Mul.apply(a, b).sum().backward()
        return b.grad.tolist()

    return predict(
        f"`b`, of shape ({m},), is multiplied with each of the {n} rows of `a`. `backward` returns "
        f"a gradient of shape ({n}, {m}) for it, of ones. What is `b.grad`?",
        gradient_of_the_row,
        why=f"torch's engine sums a gradient over what broadcasting would repeat: {n} rows of ones "
        f"give {n}. It does so for shapes to which the tensor's own would broadcast, and raises "
        "for others.",
        beliefs={
            f"{[1.0] * m}": f"Each of the {n} rows sends a 1, and they are added up.",
            f"{[[1.0] * m] * n}": "`.grad` always has the shape of its tensor.",
        },
    )


@question(learns=(True,))
def function_needs_input_grad(learns: bool = False) -> Predict:
    def who_needs_one():
        seen = []

        class Scale(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x, w, k):
                return x * w * k

            @staticmethod
            def backward(ctx, grad_output):
                seen.append(ctx.needs_input_grad)
                return grad_output * 2.0, None, None

        x, w = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=learns)
        torch.autograd.grad(Scale.apply(x, w, 2.0).sum(), x)
        return seen[0]

    return predict(
        "`x` and `w` are tensors, and the third argument is a number. Which flags has "
        "`ctx.needs_input_grad`?",
        who_needs_one,
        why="One flag for each argument of `forward`: whether it is a tensor that requires grad. "
        "For which of them a pass is asked changes nothing of that.",
        beliefs={
            f"(True, {not learns}, False)": "A tensor needs a gradient if it requires grad, also "
            "where a pass asks for another alone. Look at how `w` is made.",
            f"(True, {learns})": "The number has a place, too.",
            "(True, True, True)": "A number needs no gradient.",
        },
    )


@question
def function_slope_saved() -> Choice:
    def differentiate_twice():
        class Square(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(2 * x)
                return x * x

            @staticmethod
            def backward(ctx, grad_output):
                (slope,) = ctx.saved_tensors
                return grad_output * slope

        x = torch.tensor(3.0, requires_grad=True)
        (first,) = torch.autograd.grad(Square.apply(x), x, create_graph=True)
        try:
            (second,) = torch.autograd.grad(first, x)
        except RuntimeError:
            return "It raises."
        return f"It is {second.item():g}."

    return choice(
        "This Function saves the slope `2 * x`, which it computed in `forward`. The first "
        "derivative at 3 is 6, which is right. What is the second?",
        {
            "It raises.": "In `forward` nothing is recorded, so the slope is a constant. So is the "
            "1 that arrives, and their product. Save `x`, and compute the slope in `backward`.",
            "It is 2.": "It would be, if `2 * x` were computed in `backward`, from a saved `x`.",
            "It is 6.": "That is the first derivative.",
        },
        run=differentiate_twice,
    )


@question
def function_recap_node() -> Choice:
    def which_are_written_in_python():
        class Exp(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x.exp()

            @staticmethod
            def backward(ctx, grad_output):
                return grad_output

        x = torch.ones(3, requires_grad=True)
        results = {"that of `torch.exp`": torch.exp(x), "that of your Function": Exp.apply(x)}
        kind = torch.autograd.function.FunctionCtx
        (own,) = [name for name, y in results.items() if isinstance(y.grad_fn, kind)]
        return own

    return choice(
        "*Every operation of torch is a torch.autograd.Function.* Which node is a `ctx`, with "
        "`save_for_backward` and all?",
        {
            "that of `torch.exp`": "Its node is written in C++, as those of nearly all of torch's "
            "own operations are, and these are no Functions.",
            "that of your Function": "The node of a Function is the very `ctx` that `forward` and "
            "`backward` get. That of `torch.exp` is written in C++, and no Function.",
            "both of them": "That of `torch.exp` is written in C++, and no Function.",
        },
        run=which_are_written_in_python,
    )


@question
def function_recap_gradcheck() -> Choice:
    def what_passes():
        def passes(slope):
            class Relu(torch.autograd.Function):
                @staticmethod
                def forward(ctx, x):
                    y = torch.relu(x)
                    ctx.save_for_backward(x)
                    return y

                @staticmethod
                def backward(ctx, grad_output):
                    (x,) = ctx.saved_tensors
                    return grad_output * slope(x)

            x = torch.tensor([-1.0, 2.0], dtype=torch.float64, requires_grad=True)
            return torch.autograd.gradcheck(Relu.apply, x, raise_exception=False)

        faults = {
            "1 where x is 0": lambda x: (x >= 0).to(x),
            "1 where x is negative": lambda x: torch.ones_like(x),
            "half of what is right": lambda x: (x > 0) / 2,
        }
        (unseen,) = [name for name, slope in faults.items() if passes(slope)]
        return unseen

    return choice(
        "Three Functions for ReLU go through `gradcheck` at x = [-1, 2]. The slope of each is "
        "somewhere not that of torch's ReLU. Which one passes?",
        {
            "1 where x is 0": "gradcheck compares at the inputs that it is given, and 0 is not "
            "among them.",
            "1 where x is negative": "-1 is among the inputs, and there moving x changes nothing.",
            "half of what is right": "At 2 the difference of the outputs says 1.",
        },
        run=what_passes,
    )
