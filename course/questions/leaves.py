"""Questions on leaf tensors."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Choice, Order, Predict, choice, order, predict


@question
def leaf_computed() -> Predict:
    def computed_and_a_leaf():
        e = torch.tensor([1.0, 2.0])
        f = e + 1
        return f.is_leaf

    return predict(
        "`e` does not require grad, and `f` is computed from it. What does the last line give?",
        computed_and_a_leaf,
        why="No input of `e + 1` requires grad, so nothing was recorded. `f` is computed, and yet "
        "it does not require grad, and **every tensor that does not require grad is a leaf**.",
        beliefs={
            "False": "`f` is computed, that is right. But being computed is not what counts: being "
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
            "hidden layers are computed, and are no leaves.",
            "none": "They require grad and have no `grad_fn`: that is a leaf.",
        },
        run=hidden_weights,
    )


@question
def leaf_frozen_middle() -> Predict:
    def through_a_frozen_weight():
        first = torch.tensor(2.0, requires_grad=True)
        frozen = torch.tensor(3.0)
        last = torch.tensor(5.0, requires_grad=True)
        y = first * frozen * last
        y.backward()
        return [first.grad, frozen.grad, last.grad]

    return predict(
        "The factor in the middle does not require grad. What is the list? Write `None` where "
        "there is no gradient.",
        through_a_frozen_weight,
        why="`frozen` gets nothing: it is a leaf that does not require grad. But the product was "
        "recorded, because `first` requires grad, so the gradient goes *through* it: 3 · 5 = 15.",
        beliefs={
            "[None, None, 6]": "A frozen factor does not block the way. What comes before it is "
            "still reached.",
            "[15, 10, 6]": "10 is a correct derivative. But nobody asked for it: `frozen` does not "
            "require grad.",
            "[15, 0, 6]": "Zero would be a statement about the derivative. Nothing was computed "
            "for `frozen`.",
        },
    )


@question
def leaf_retain_late() -> Predict:
    def asked_too_late():
        a = torch.tensor([1.0, 2.0], requires_grad=True)
        b = a * 3
        b.mean().backward()
        b.retain_grad()
        return b.grad

    return predict(
        "The pass runs first, and `retain_grad()` comes after it. What does the last line give?",
        asked_too_late,
        why="The gradient went by while nobody kept it, and it is gone. `retain_grad()` is a "
        "request for passes to come. There is no error and, now that `b` retains its grad, no "
        "warning either.",
        beliefs={
            "[0.5, 0.5]": "That is what arrived at `b`. It was not kept, and cannot be had again "
            "without another pass.",
            "RuntimeError": "Calling it late is allowed. It speaks about the next pass.",
        },
    )


@question
def leaf_retain_order() -> Order:
    return order(
        "Put these lines in an order after which `b.grad` is `[0.5, 0.5]`.",
        {
            "a": "a = torch.tensor([1.0, 2.0], requires_grad=True)",
            "b": "b = a * 3",
            "ask": "b.retain_grad()",
            "pass": "b.mean().backward()",
        },
        {
            ("a", "b"): "`b` is computed from `a`.",
            ("b", "ask"): "The request is made to a tensor that exists.",
            ("ask", "pass"): "A gradient is kept as it goes by. Asking later is too late.",
        },
        gives="b.grad",
    )


@question
def leaf_which_hook() -> Choice:
    def whose_hook():
        tensor = torch.ones(2, requires_grad=True) * 3
        module = torch.nn.ReLU()
        assert hasattr(module, "register_full_backward_hook")
        assert not hasattr(module, "register_hook")
        assert not hasattr(tensor, "register_full_backward_hook")
        return "`Tensor.register_hook`" if hasattr(tensor, "register_hook") else "neither"

    return choice(
        "You want the gradient of one computed **tensor** by a hook. A page recommends "
        "`register_full_backward_hook`. What do you use?",
        {
            "`Module.register_full_backward_hook`": "That one belongs to modules, and is called "
            "with the gradients of a module's inputs and outputs. A tensor has no such method.",
            "`Tensor.register_hook`": "It belongs to the tensor, and is called with the gradient "
            "that arrives there. Chapter 5 is about both.",
            "neither": "A tensor has a hook of its own.",
        },
        run=whose_hook,
    )


@question
def leaf_freeze_loop() -> Choice:
    def typo():
        layer = torch.nn.Linear(3, 4)
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


@question
def leaf_reshape() -> Predict:
    def reshape_of_data():
        data = torch.arange(4.0)
        weights = torch.arange(4.0, requires_grad=True)
        return [data.reshape(2, 2).is_leaf, weights.reshape(2, 2).is_leaf]

    return predict(
        "'Reshape gives a non-leaf', says a page. What is the list?",
        reshape_of_data,
        why="Only an operation on something that requires grad is recorded. The reshaped data does "
        "not require grad, and is a leaf like everything that does not.",
        beliefs={
            "[False, False]": "Nothing is recorded for data that does not require grad.",
            "[True, True]": "The second reshape is recorded: `ViewBackward0`.",
        },
    )


@question
def leaf_edit_before_backward() -> Predict:
    def edited_before_backward():
        x = torch.tensor(2.0, requires_grad=True)
        w = torch.tensor(1.0, requires_grad=True)
        y = (x + w) * (w + 1)
        with torch.no_grad():
            w.add_(100)
        y.backward()
        return w.grad

    return predict(
        "`w` is changed between the forward pass and the backward pass. What does the last line "
        "give?",
        edited_before_backward,
        why="The graph did not save `w`. The multiplication saved its two factors, `x + w` and `w "
        "+ 1`, which are tensors of their own. So the gradient is that of the old `w`, and right.",
        beliefs={
            "RuntimeError": "That comes if the graph saved the tensor you edit. This graph saved "
            "the two sums, and not `w`.",
            "205": "That would be the derivative at w = 101. Nothing is computed again from `w`.",
        },
    )


@question
def leaf_recap_flags() -> Predict:
    def four_flags():
        a = torch.ones(2)
        b = torch.ones(2, requires_grad=True)
        c = a * 2
        d = a * b
        return [t.is_leaf for t in (a, b, c, d)]

    return predict(
        "What is the list?",
        four_flags,
        why="`a` and `c` do not require grad, `b` was made by no operation. Only `d` is the "
        "result of a recorded one.",
        beliefs={
            "[True, True, False, False]": "`c` is computed, but nothing was recorded: it is a "
            "leaf.",
            "[False, True, False, False]": "Every tensor that does not require grad is a leaf.",
        },
    )


@question
def leaf_recap_computed() -> Choice:
    def only_for_leaves():
        x = torch.ones(2, requires_grad=True)
        h = x * 3
        seen = []
        h.register_hook(lambda gradient: seen.append("h"))
        h.sum().backward()
        computed = seen == ["h"]
        return (
            "computed for all on the way, kept for some" if computed else "computed for leaves only"
        )

    return choice(
        "A page says: 'gradients are computed only for tensors with `requires_grad=True` and "
        "`is_leaf=True`.' What is right?",
        {
            "computed for leaves only": "To get from `y` to a leaf, the chain rule needs every "
            "step in between.",
            "computed for all on the way, kept for some": "A hook on a computed tensor is called "
            "with its gradient. What the page describes is who *keeps* one.",
            "computed and kept for all": "Reading `.grad` of a computed tensor gives `None`, "
            "unless you called `retain_grad()`.",
        },
        run=only_for_leaves,
    )


@question
def leaf_recap_read() -> Choice:
    def reading_b_grad():
        a = torch.ones(2, requires_grad=True)
        b = a * 3
        b.sum().backward()
        return "`None`, with a warning" if b.grad is None else "the gradient"

    return choice(
        "`b` is computed, and `backward()` has run. What does `b.grad` give?",
        {
            "an error": "Only where warnings are made into errors.",
            "`None`, with a warning": "The warning is the only sign that something is missing, so "
            "keep warnings on.",
            "`None`, without a word": "So it is for a tensor that does not require grad.",
            "a tensor of zeros": "Zero would be a gradient. There is none.",
        },
        run=reading_b_grad,
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
        "Which of these can be given to an optimizer?",
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
            "if it requires grad and recording is on": "Both must hold. Otherwise the edit is not "
            "recorded, and the leaf stays a leaf.",
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
