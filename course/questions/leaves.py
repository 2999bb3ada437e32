"""Questions on leaf tensors."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Choice, Order, Predict, choice, order, predict


@question(needs=(True,))
def leaf_computed(needs: bool = False) -> Predict:
    weights = "torch.tensor([[3.0], [4.0]]" + (", requires_grad=True)" if needs else ")")

    def a_layer_on_data():
        x = torch.tensor([[1.0, 2.0]])
        W = weights
        z = x @ W
        return z.is_leaf

    if needs:
        return predict(
            "`x` does not require grad, `W` does, and `z` is computed from them. What does the "
            "last line give?",
            a_layer_on_data,
            why="One input of `x @ W` requires grad, and that is enough: the product is recorded, "
            "and `z.grad_fn` is a node. What is recorded is no leaf.",
            beliefs={"True": "It would be, if neither of the two required grad."},
        )
    return predict(
        "Neither `x` nor `W` requires grad, and `z` is computed from them. What does the last line "
        "give?",
        a_layer_on_data,
        why="No input of `x @ W` requires grad, so nothing was recorded, and `z.grad_fn` is "
        "`None`. `z` is computed, and a leaf. **Every tensor that does not require grad is one.**",
        beliefs={
            "False": "`z` is computed, that is right. But being computed is not what counts: being "
            "recorded is.",
        },
    )


@question
def leaf_hidden_weights() -> Choice:
    def hidden_weights():
        mlp = torch.nn.Sequential(
            torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 8), torch.nn.Linear(8, 1)
        )
        hidden = mlp[:3](torch.ones(2, 4))
        weights = [mlp[0].weight, mlp[2].weight, mlp[3].weight]
        assert not hidden.is_leaf
        return "all three" if all(weight.is_leaf for weight in weights) else "the first only"

    return choice(
        "A network has three linear layers, one after the other. Which of their weights are "
        "leaves?",
        {
            "the first only": "The *data* enters at the first layer. But no weight is computed "
            "from another: each enters the graph where its own layer runs.",
            "the last only": "The place in the network does not matter.",
            "all three": "Each weight is a parameter that no operation made. The outputs of the "
            "hidden layers were recorded, and are no leaves.",
            "none": "They require grad and have no `grad_fn`: that is a leaf.",
        },
        run=hidden_weights,
    )


@question
def leaf_frozen_middle(a: float = 2.0, b: float = 3.0, c: float = 5.0) -> Predict:
    def through_a_frozen_weight():
        first = torch.tensor(a, requires_grad=True)
        frozen = torch.tensor(b)
        last = torch.tensor(c, requires_grad=True)
        y = first * frozen * last
        y.backward()
        return [first.grad, frozen.grad, last.grad]

    of_first, of_frozen, of_last = f"{b * c:g}", f"{a * c:g}", f"{a * b:g}"
    return predict(
        "The factor in the middle does not require grad. What is the list? Write `None` where "
        "there is no gradient.",
        through_a_frozen_weight,
        why="`frozen` gets nothing: it is a leaf that does not require grad. But the product was "
        "recorded, because `first` requires grad, so the gradient goes *through* it: "
        f"{b:g} · {c:g} = {of_first}.",
        beliefs={
            f"[None, None, {of_last}]": "A frozen factor does not block the way. What comes before "
            "it is still reached.",
            f"[{of_first}, {of_frozen}, {of_last}]": f"{of_frozen} is a correct derivative. But "
            "nobody asked for it: `frozen` does not require grad.",
            f"[{of_first}, 0, {of_last}]": "Zero would be a statement about the derivative. "
            "Nothing was computed for `frozen`.",
        },
    )


@question
def leaf_retain_late(w1: float = 1.0, w2: float = 2.0, k: int = 3) -> Predict:
    def asked_too_late():
        W = torch.tensor([w1, w2], requires_grad=True)
        z = W * k
        z.mean().backward()
        z.retain_grad()
        return z.grad

    return predict(
        "The pass runs first, and `retain_grad()` comes after it. What does the last line give?",
        asked_too_late,
        why="The gradient went by while nobody kept it, and it is gone. `retain_grad()` is a "
        "request for passes to come. There is no error and, now that `z` retains its gradient, no "
        "warning either.",
        beliefs={
            "[0.5, 0.5]": "That is what arrived at `z`. It was not kept, and cannot be had again "
            "without another pass.",
            "RuntimeError": "Calling it late is allowed. It speaks about the next pass.",
        },
    )


@question
def leaf_retain_order() -> Order:
    return order(
        "Put these lines in an order after which `z.grad` is `[0.5, 0.5]`.",
        {
            "leaf": "W = torch.tensor([1.0, 2.0], requires_grad=True)",
            "z": "z = W * 3",
            "ask": "z.retain_grad()",
            "pass": "z.mean().backward()",
        },
        {
            ("leaf", "z"): "`z` is computed from `W`.",
            ("z", "ask"): "The request is made to a tensor that exists.",
            ("ask", "pass"): "A gradient is kept as it goes by. Asking later is too late.",
        },
        gives="z.grad",
    )


@question(turned=(True,))
def leaf_reshape(n: int = 8, k: int = 3, m: int = 2, turned: bool = False) -> Predict:
    of_x, of_w = f"x.reshape({n * k}).is_leaf", f"W.reshape({k * m}).is_leaf"
    one, other = (of_w, of_x) if turned else (of_x, of_w)

    def two_reshapes():
        x = torch.ones(n, k)
        W = torch.ones(k, m, requires_grad=True)
        return [one, other]

    return predict(
        "`x` does not require grad, and `W` does. What is the list?",
        two_reshapes,
        why="Only an operation on something that requires grad is recorded. The reshaped data does "
        "not require grad, and is a leaf like everything that does not.",
        beliefs={
            "[False, False]": "Nothing is recorded for data that does not require grad.",
            "[True, True]": f"The {'first' if turned else 'second'} reshape is recorded: its "
            "`grad_fn` is a node.",
        },
    )


@question
def leaf_freeze_loop() -> Choice:
    def typo():
        layer = torch.nn.Linear(3, 2)
        for parameter in layer.parameters():
            parameter.require_grad = False
        trainable = [p for p in layer.parameters() if p.requires_grad]
        return "Nothing is frozen, and there is no error." if len(trainable) == 2 else "It works."

    return choice(
        "Spot the bug. A loop over `layer.parameters()` sets `parameter.require_grad = False`. "
        "What happens?",
        {
            "It works.": "Look at the name letter by letter.",
            "AttributeError": "Python lets you invent an attribute by assigning to it.",
            "Nothing is frozen, and there is no error.": "The line made a new attribute called "
            "`require_grad`. `parameter.requires_grad_(False)` is a call: a typo in it raises.",
            "Only the weight is frozen.": "The loop visits the weight and the bias, and does the "
            "same to both.",
        },
        run=typo,
    )


@question(lr=(0.2, 0.25, 0.5))
def leaf_frozen_late(w1: float = 1.0, w2: float = 2.0, lr: float = 0.1) -> Predict:
    def frozen_after_a_pass():
        w = torch.nn.Parameter(torch.tensor([w1, w2]))
        optimizer = torch.optim.SGD([w], lr=lr)
        w.sum().backward()
        w.requires_grad_(False)
        optimizer.step()
        return w

    return predict(
        "The gradient of `w.sum()` is `[1, 1]`. The parameter is frozen after the pass. What does "
        "it hold after the step?",
        frozen_after_a_pass,
        why="Freezing stops *new* gradients. The old one still stands in `w.grad`, and a step goes "
        f"by what stands there: {w1:g} - {lr} and {w2:g} - {lr}. Set `w.grad = None` where you "
        "freeze.",
        beliefs={
            f"[{w1:g}, {w2:g}]": "That is what freezing is meant for. But `step()` looks at "
            "`.grad`, and not at the flag.",
            "RuntimeError": "An optimizer does not ask for the flag. It looks at `.grad`.",
        },
    )


@question(cut=(True,))
def leaf_buffer(w1: float = 1.0, w2: float = 2.0, n: int = 3, cut: bool = False) -> Predict:
    result = "W.sum().detach()" if cut else "W.sum()"

    def filled_with_results():
        W = torch.tensor([w1, w2], requires_grad=True)
        rows = torch.zeros(n)
        before = rows.is_leaf
        rows[0] = result
        return [before, rows.is_leaf, rows.requires_grad]

    asked = "A buffer of zeros is filled with a result. What is the list?"
    refused = {
        "RuntimeError": "torch refuses to edit a leaf that requires grad, and `rows` did not."
    }
    if cut:
        return predict(
            asked,
            filled_with_results,
            why="What is written does not require grad, and neither did `rows`. So the edit is not "
            "recorded: `rows` does not require grad, and is a leaf like every such tensor.",
            beliefs={
                "[True, False, True]": "That would be so for `rows[0] = W.sum()`, which is "
                "recorded. `detach()` cuts the result off.",
                "[True, False, False]": "An edit makes no difference by itself. A tensor that does "
                "not require grad is a leaf.",
            }
            | refused,
        )
    return predict(
        asked,
        filled_with_results,
        why="`rows` did not require grad, so nothing forbids the edit. But what is written "
        "requires grad, so the edit is **recorded**: `rows` is now the result of an operation, and "
        "no leaf.",
        beliefs={
            "[True, True, False]": "That would be so for `rows[0] = W.sum().detach()`. Here what "
            "is written requires grad.",
            "[True, True, True]": "A tensor that requires grad because of what was written into it "
            "has a `grad_fn`, and is no leaf.",
        }
        | refused,
    )


@question(more=(10, 50, 200))
def leaf_edit_before_backward(x0: float = 2.0, w0: float = 1.0, more: int = 100) -> Predict:
    def edited_before_backward():
        x = torch.tensor(x0, requires_grad=True)
        w = torch.tensor(w0, requires_grad=True)
        y = (x + w) * (w + 1)
        with torch.no_grad():
            w.add_(more)
        y.backward()
        return w.grad

    new = w0 + more
    return predict(
        "`w` is changed between the forward pass and the backward pass. What does the last line "
        "give?",
        edited_before_backward,
        why="The graph did not save `w`. The multiplication saved its two factors, `x + w` and `w "
        "+ 1`, which are tensors of their own. So the gradient is that of the old `w`, and right.",
        beliefs={
            "RuntimeError": "That comes if the graph saved the tensor you edit. This graph saved "
            "the two sums, and not `w`.",
            f"{x0 + 2 * new + 1:g}": f"That would be the derivative at w = {new:g}. Nothing is "
            "computed again from `w`.",
        },
    )


@question(turned=(True,))
def leaf_recap_flags(turned: bool = False) -> Predict:
    plain, recorded = ("d", "c") if turned else ("c", "d")
    third, fourth = ("a * b", "a * 2") if turned else ("a * 2", "a * b")

    def four_flags():
        a = torch.ones(2)
        b = torch.ones(2, requires_grad=True)
        c = third
        d = fourth
        return [t.is_leaf for t in (a, b, c, d)]

    return predict(
        "What is the list?",
        four_flags,
        why=f"Nothing was recorded for `a`, `b` and `{plain}`: their `grad_fn` is `None`. Only "
        f"`{recorded}` is the result of a recorded operation.",
        beliefs={
            "[True, True, False, False]": f"`{plain}` is computed, but nothing was recorded: it is "
            "a leaf.",
            "[False, True, False, False]": "Every tensor that does not require grad is a leaf.",
        },
    )


@question
def leaf_recap_read() -> Choice:
    def reading_z_grad():
        import warnings

        W = torch.ones(2, requires_grad=True)
        z = W * 3
        z.sum().backward()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            value = z.grad
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # as some test set-ups do
            try:
                raised = z.grad is not None
            except UserWarning:
                raised = True
        return "`None`, with a warning" if value is None and caught and raised else "an error"

    return choice(
        "`z` is a non-leaf that retains nothing, and `backward()` has run. What does `z.grad` "
        "give?",
        {
            "an error": "Only where warnings are made into errors.",
            "`None`, with a warning": "The warning is the only sign that something is missing, so "
            "keep warnings on.",
            "`None`, without a word": "So it is for a tensor that does not require grad.",
            "a tensor of zeros": "Zero would be a gradient. There is none.",
        },
        run=reading_z_grad,
    )


@question
def leaf_recap_optimizer() -> Choice:
    def which_makes_a_leaf():
        ways = {
            "`torch.randn(3, requires_grad=True) * 0.1`": lambda t: t.requires_grad_() * 0.1,
            "`torch.randn(3, requires_grad=True).double()`": lambda t: t.requires_grad_().double(),
            "`(torch.randn(3) * 0.1).requires_grad_()`": lambda t: (t * 0.1).requires_grad_(),
            "`nn.Parameter(torch.randn(3)) * 0.1`": lambda t: torch.nn.Parameter(t) * 0.1,
        }
        (leaf,) = [way for way, make in ways.items() if make(torch.randn(3)).is_leaf]
        return leaf

    return choice(
        "Which of these can be given to an optimizer as it is?",
        {
            "`torch.randn(3, requires_grad=True) * 0.1`": "The product is recorded, and its "
            "result is no leaf.",
            "`torch.randn(3, requires_grad=True).double()`": "A cast to another dtype is recorded "
            "too.",
            "`(torch.randn(3) * 0.1).requires_grad_()`": "All computing is done when the flag is "
            "set.",
            "`nn.Parameter(torch.randn(3)) * 0.1`": "The parameter is a leaf, the product is not.",
        },
        run=which_makes_a_leaf,
    )


@question
def leaf_recap_in_place() -> Choice:
    def when_in_place_raises():
        def edits(tensor):
            try:
                tensor.mul_(2)
                return True
            except RuntimeError:
                return False

        leaf = torch.ones(2, requires_grad=True)
        with torch.no_grad():
            off = edits(leaf)
        allowed = [edits(torch.ones(2)), edits(leaf * 1), off]
        refused = not edits(leaf)
        return "if it requires grad and recording is on" if refused and all(allowed) else "never"

    return choice(
        "When does an in-place edit of a leaf raise?",
        {
            "always": "Data is edited in place all the time, and parameters are by every "
            "optimizer.",
            "if it requires grad": "Inside `torch.no_grad()` it is allowed.",
            "if it requires grad and recording is on": "Both must hold. If it does not require "
            "grad the edit is allowed, and recorded if what is written requires grad.",
            "never: it gives a warning": "It is an error, at the line of the edit.",
        },
        run=when_in_place_raises,
    )


@question
def leaf_recap_hyper() -> Choice:
    def which_is_learned():
        model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(p=0.2))
        learned = {name for name, _ in model.named_parameters()}
        assert learned == {"0.weight", "0.bias"}
        return "`model[0].weight`"

    return choice(
        "Training learns **parameters**. You choose **hyperparameters** before it begins. Which of "
        "these is a parameter?",
        {
            "the learning rate": "You choose it. Backward computes no gradient for it.",
            "the probability of a dropout layer": "It is a number you choose. `model.parameters()` "
            "does not hold it.",
            "`model[0].weight`": "It is a leaf that requires grad, in `model.parameters()`, and "
            "`optimizer.step()` changes it.",
            "the number of hidden units": "You choose it when you build the model: it is a shape.",
        },
        run=which_is_learned,
    )
