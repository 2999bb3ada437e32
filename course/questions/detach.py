"""Questions on detach, clone, in-place edits and views."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Choice, Order, Predict, choice, order, predict


@question
def detach_one_path(z1: float = 1.0, z2: float = 3.0) -> Predict:
    def one_factor_cut():
        z = torch.tensor([z1, z2], requires_grad=True)
        r = (z * z.detach()).sum()
        r.backward()
        return z.grad

    of_squares = f"[{2 * z1:g}, {2 * z2:g}]"
    return predict(
        "Without `detach` this is the sum of the squares, and its gradient is `2 * z`, that is "
        f"`{of_squares}`. What is it here? Write a list.",
        one_factor_cut,
        why="`z` reaches `r` along two paths, one for each factor. One is cut: for autograd, "
        f"`z.detach()` is a constant, here {z1:g} and {z2:g}. The other remains, and gives the "
        "constant. The *value* of `r` is the same as without `detach`.",
        beliefs={
            of_squares: "That is the derivative of the function. `detach` takes one path out of "
            "the graph.",
            "[0, 0]": "Only one of the two factors is cut.",
            "None": "`z` itself is not changed by `z.detach()`: it still requires grad.",
        },
    )


@question
def clone_in_graph(z1: float = 1.0, z2: float = 5.0, k: int = 2) -> Predict:
    def through_a_clone():
        z = torch.tensor([z1, z2], requires_grad=True)
        y = (z * k).clone()
        y.sum().backward()
        return z.grad

    return predict(
        "What does the last line give?",
        through_a_clone,
        why=f"The clone is a node like any other. It hands the gradient on as it is: 1 · {k} = "
        f"{k}.",
        beliefs={
            "None": "That would be so for `.detach()`. A clone stays in the graph.",
            "[1, 1]": f"The product with {k} lies behind the clone, and the gradient goes through "
            "both.",
        },
    )


@question
def detach_snapshot(w1: float = 1.0, w2: float = 2.0, more: int = 10) -> Predict:
    def best_weight():
        w = torch.tensor([w1, w2], requires_grad=True)
        best = w.detach()
        with torch.no_grad():
            w += more
        return best

    return predict(
        "Training goes on after the snapshot. What does the last line give?",
        best_weight,
        why="`detach()` shares memory: `best` shows what `w` holds *now*. Take "
        "`w.detach().clone()` for a snapshot.",
        beliefs={
            f"[{w1:g}, {w2:g}]": "That would be so for `w.detach().clone()`. `detach()` alone "
            "copies nothing.",
            "RuntimeError": "Editing a leaf inside `no_grad` is allowed.",
        },
    )


@question(new=(100.0, 300.0, 777.0))
def detach_dot_data(w1: float = 3.0, w2: float = 4.0, new: float = 999.0) -> Predict:
    def detach_then_data():
        w = torch.tensor([w1, w2], requires_grad=True)
        y = w * w
        w.detach().data[0] = new
        y.sum().backward()
        return w.grad

    meant = f"[{2 * w1:g}, {2 * w2:g}]"
    hidden = f"So it would be with `w.detach()[0] = {new:g}`. The `.data` hides the edit."
    return predict(
        f"Spot the bug. The gradient of `w * w` is `2 * w`, that is `{meant}`. What does the last "
        "line give? Write a list, or `error`.",
        detach_then_data,
        why="`w.detach()` counts edits together with `w`. But `.data` of it does not: the edit "
        f"goes unseen, the backward pass works with {new:g}, and gives 2 · {new:g} = {2 * new:g}. "
        f"`y` still holds {w1 * w1:g}.",
        beliefs={
            meant: "That is the right gradient. The backward pass reads `w` from memory, where "
            f"{new:g} stands now.",
            "error": hidden,
            "RuntimeError": hidden,
        },
    )


@question
def detach_overwritten(
    x0: float = 1.0, x1: float = 2.0, x2: float = 3.0, new: float = 7.0
) -> Predict:
    def overwritten():
        x = torch.tensor([x0, x1, x2], requires_grad=True)
        c = x.clone()
        c[0] = new
        (c * c).sum().backward()
        return x.grad

    return predict(
        "The gradient of `(c * c).sum()` with respect to `c` is `2 * c`. What is `x.grad`? Write a "
        "list.",
        overwritten,
        why=f"`c[0]` no longer depends on `x`: {new:g} was written over it, so nothing goes back "
        "to `x[0]`.",
        beliefs={
            f"[{2 * x0:g}, {2 * x1:g}, {2 * x2:g}]": "That is the gradient without the assignment.",
            f"[{2 * new:g}, {2 * x1:g}, {2 * x2:g}]": f"{2 * new:g} is the gradient of `c[0]`, "
            f"which is now the constant {new:g}. It does not come from `x`.",
            "RuntimeError": "The clone saved nothing, and the product saved `c` after the "
            "assignment.",
        },
    )


@question
def detach_recap_same() -> Choice:
    def same_object():
        y = torch.ones(2, requires_grad=True) * 2
        data, detached = y.data, y.detach()
        shares = data.data_ptr() == detached.data_ptr()
        return "two tensors on one storage" if shares and data is not detached else "one object"

    return choice(
        "`data = y.data` and `detached = y.detach()`. What are they?",
        {
            "one object": "`id(y.data) == id(y.detach())` may print True, because each is thrown "
            "away before the next is made. Held together they are two objects.",
            "two tensors on one storage": "Both look at the memory of `y`. An edit through either "
            "is seen in all three.",
            "two copies": "Neither copies: that is `clone()`.",
        },
        run=same_object,
    )


@question
def detach_recap_data() -> Choice:
    def what_differs():
        y = torch.ones(2, requires_grad=True) * 2
        y.data.add_(1)
        unseen = y._version == 0
        y.detach().add_(1)
        seen = y._version == 1
        return "whether edits are counted" if seen and unseen else "nothing"

    return choice(
        "In what do `y.data` and `y.detach()` differ?",
        {
            "nothing": "Edit through each and look at `y._version`.",
            "whether they share memory": "Both do.",
            "whether they require grad": "Neither does.",
            "whether edits are counted": "`detach()` shares the version counter of `y`, `.data` "
            "has one of its own. So the backward pass can notice an edit through the first only.",
        },
        run=what_differs,
    )


@question
def detach_recap_deepcopy() -> Choice:
    def clone_and_deepcopy():
        leaf = torch.ones(2, requires_grad=True)
        twin, clone = copied(leaf), leaf.clone()
        return "the deep copy" if twin.is_leaf and not clone.is_leaf else "both"

    def copied(tensor):
        from copy import deepcopy

        return deepcopy(tensor)

    return choice(
        "`w` is a leaf that requires grad. Which copy of it is a leaf: `w.clone()` or "
        "`copy.deepcopy(w)`?",
        {
            "the clone": "Its `grad_fn` is `CloneBackward0`: a gradient that arrives there goes "
            "on to `w`.",
            "the deep copy": "It copies the object with its flags. The clone is computed from `w`.",
            "both": "Only one of them is computed by a recorded operation.",
            "neither": "Ask `is_leaf`.",
        },
        run=clone_and_deepcopy,
    )


@question
def detach_recap_harmless() -> Choice:
    def which_edit_is_harmless():
        def ending(compute, edit):
            x = torch.tensor([1.0, 2.0], requires_grad=True)
            y = compute(x)
            edit(x, y)
            try:
                y.sum().backward()
            except RuntimeError:
                return "error"
            right = torch.autograd.functional.vjp(compute, torch.tensor([1.0, 2.0]), torch.ones(2))[
                1
            ]
            return "harmless" if x.grad.equal(right) else "wrong"

        edits = {
            "`y = x.exp()`, then `y.detach().add_(1)`": ending(
                torch.exp, lambda x, y: y.detach().add_(1)
            ),
            "`y = x.exp()`, then `y.data.add_(1)`": ending(torch.exp, lambda x, y: y.data.add_(1)),
            "`y = x**3`, then `y.detach().add_(1)`": ending(
                lambda x: x**3, lambda x, y: y.detach().add_(1)
            ),
            "`y = x**3`, then `x.data.add_(1)`": ending(
                lambda x: x**3, lambda x, y: x.data.add_(1)
            ),
        }
        assert sorted(edits.values()) == ["error", "harmless", "wrong", "wrong"]
        return next(text for text, how in edits.items() if how == "harmless")

    return choice(
        "After which of these is the gradient of `y.sum()` still right?",
        {
            "`y = x.exp()`, then `y.detach().add_(1)`": "exp saved `y`, and the edit is counted: "
            "the backward pass raises.",
            "`y = x.exp()`, then `y.data.add_(1)`": "exp saved `y`, and nobody counted the edit: "
            "the gradient is wrong.",
            "`y = x**3`, then `y.detach().add_(1)`": "The power saved `x`, not `y`. What happens "
            "to `y` does not matter to it.",
            "`y = x**3`, then `x.data.add_(1)`": "The power saved `x`. The edit is not counted, "
            "and the gradient is taken at the wrong place.",
        },
        run=which_edit_is_harmless,
    )


@question
def detach_recap_order() -> Order:
    return order(
        "A leaf is to be set to zero after a step of training, and the loss computed with the new "
        "value. Find an order after which `w.grad` is the gradient at 0, that is `-6`.",
        {
            "w": "w = torch.tensor(1.0, requires_grad=True)",
            "edit": "w.detach().zero_()",
            "loss": "loss = (w - 3) ** 2",
            "pass": "loss.backward()",
        },
        {
            ("w", "edit"): "There must be a leaf to edit.",
            (
                "edit",
                "loss",
            ): "The loss saves a value computed from `w`. Edited after that, `w` holds "
            "0 and the gradient is still that of the old value.",
            ("loss", "pass"): "A backward pass starts from a result that exists.",
        },
        gives="w.grad",
    )


@question
def detach_recap_freeze() -> Choice:
    def first_layer():
        torch.manual_seed(0)
        first, frozen, last = (torch.nn.Linear(2, 2) for _ in range(3))
        frozen.requires_grad_(False)
        last(frozen(first(torch.ones(1, 2)))).sum().backward()
        return "Yes, through the frozen layer." if first.weight.grad is not None else "No."

    return choice(
        "The parameters of the middle layer have `requires_grad=False`. Does the first layer get a "
        "gradient?",
        {
            "No.": "That would be so after `detach()` or inside `no_grad`, which cut.",
            "Yes, through the frozen layer.": "The frozen layer's parameters get none. The "
            "gradient with respect to its *input* is computed and goes on.",
            "Only with `retain_graph=True`.": "That is about a second pass.",
        },
        run=first_layer,
    )
