"""Questions on hooks."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Choice, Order, Predict, choice, order, predict


@question
def hook_gradients_kept() -> Choice:
    def which_are_kept():
        nn = torch.nn
        model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
        x = torch.ones(1, 3)
        hidden = model[:2](x)
        model[2](hidden).backward()
        assert not hidden.retains_grad
        tensors = {"the weights": model[0].weight, "`hidden`": hidden, "`x`": x}
        return " and ".join(n for n, t in tensors.items() if t.is_leaf and t.grad is not None)

    return choice(
        "`hidden` is what the ReLU returns for data `x`, and `backward()` has run from the output "
        "of the model. Which of these have a gradient in `.grad`?",
        {
            "the weights": "They are leaves that require grad. `hidden` is made by an operation, "
            "and `x` does not require grad.",
            "the weights and `hidden`": "The gradient of `hidden` was computed and used on the way "
            "to the first weights. Nobody kept it.",
            "the weights and `hidden` and `x`": "Nobody asked for a gradient of `x`, and nobody "
            "kept that of `hidden`.",
        },
        run=which_are_kept,
    )


@question
def hook_fan_out() -> Predict:
    def used_twice():
        x = torch.tensor(1.0, requires_grad=True)
        z = x * 2
        seen = []
        z.register_hook(lambda grad: seen.append(grad.item()))
        y = 3 * z + 4 * z
        y.backward()
        return seen

    return predict(
        "What is the list?",
        used_twice,
        why="The engine waits until all gradients for `z` have arrived, and adds them: 3 + 4 = 7. "
        "Then it calls the hook, once for each backward pass.",
        beliefs={
            "[3, 4]": "A hook is not called for each path, but once, with the sum.",
            "[4, 3]": "A hook is not called for each path, but once, with the sum.",
            "[3.0, 4.0]": "A hook is not called for each path, but once, with the sum.",
        },
    )


@question
def hook_retain_order() -> Predict:
    def retained_and_hooked():
        x = torch.tensor(1.0, requires_grad=True)
        z = x * 2
        z.retain_grad()
        z.register_hook(lambda grad: grad * 10)
        (z * 3).backward()
        return z.grad

    return predict(
        "`retain_grad()` is called first, and the hook is registered after it. What does the last "
        "line give?",
        retained_and_hooked,
        why="All hooks of the tensor run first, in the order in which they were registered. What "
        "is left after the last of them is stored: 10 · 3 = 30. The order of the two lines does "
        "not matter.",
        beliefs={
            "3": "`retain_grad()` does not take its place in the row of the hooks. It comes last.",
            "60": "That is `x.grad`. `z.grad` is what goes on from `z`.",
        },
    )


@question
def hook_clip_twice() -> Predict:
    def clipped_in_two_ways():
        early = torch.tensor(1.0, requires_grad=True)
        late = torch.tensor(1.0, requires_grad=True)
        early.register_hook(lambda grad: grad.clamp(max=2))

        def clip(leaf):
            leaf.grad.clamp_(max=2)

        late.register_post_accumulate_grad_hook(clip)
        for _ in range(2):
            (early * 3).backward()
            (late * 3).backward()
        return [early.grad.item(), late.grad.item()]

    return predict(
        "Both have a limit of 2. What is the list?",
        clipped_in_two_ways,
        why="The first limits each pass: 2 + 2 = 4. The second limits the sum, which is 2 after "
        "the first pass, 5 in the second, and 2 again.",
        beliefs={
            "[2, 2]": "The hook of `early` sees one pass at a time, and two passes add up.",
            "[6, 6]": "Nothing would be limited then. Both hooks run in both passes.",
            "[4, 4]": "The second hook sees the sum in `.grad`.",
        },
    )


@question
def hook_calls_seen() -> Choice:
    def called_or_forward():
        layer = torch.nn.Linear(3, 4)
        calls = []
        layer.register_forward_hook(lambda module, inputs, output: calls.append(1))
        layer(torch.ones(1, 3))
        layer.forward(torch.ones(1, 3))
        return "one" if len(calls) == 1 else "two"

    return choice(
        "Spot the bug. You register a forward hook on `layer`, run `layer(x)`, and later "
        "`layer.forward(x)`. How many calls does the hook see?",
        {
            "none": "`layer(x)` runs it.",
            "one": "`layer(x)` runs `forward` and the hooks around it. `layer.forward(x)` is the "
            "plain method, and skips them. Always call the module.",
            "two": "`layer.forward(x)` skips the hooks.",
        },
        run=called_or_forward,
    )


@question
def hook_first_layer() -> Predict:
    def first_layer():
        layer, seen = torch.nn.Linear(3, 4), []

        def look(module, grad_input, grad_output):
            seen.append([grad_input[0], module.weight.grad])

        layer.register_full_backward_hook(look)
        layer(torch.ones(2, 3)).sum().backward()
        return seen

    return predict(
        "`x` is data. When the full backward hook of the first layer is called, what does it find "
        "in `grad_input[0]`, and in `weight.grad`? Write `seen`, which has an entry for each call.",
        first_layer,
        why="No gradient of `x` will ever be known, so the hook is called as soon as the gradient "
        "of the output arrives. At that moment the layer's own gradients are not computed yet.",
        beliefs={
            "[]": "It is called. Where no input requires grad it does not wait for one.",
            "None": "It is called, once: the list has one entry.",
            "[None, None]": "That is the entry of the one call. `seen` is a list of such entries.",
        },
    )


@question
def hook_dict_output() -> Predict:
    def calls_by_output():
        class Model(torch.nn.Module):
            def __init__(self, pack):
                super().__init__()
                self.pack = pack

            def forward(self, x):
                return self.pack(2 * x)

        counts = []
        for pack, take in [
            (lambda y: y, lambda out: out),
            (lambda y: (y, None), lambda out: out[0]),
            (lambda y: [y], lambda out: out[0]),
            (lambda y: {"y": y}, lambda out: out["y"]),
        ]:
            model, calls = Model(pack), []
            model.register_full_backward_hook(lambda *_, calls=calls: calls.append(1))
            take(model(torch.ones(3, requires_grad=True))).sum().backward()
            counts.append(len(calls))
        return counts

    return predict(
        "Four modules return a tensor, a tuple, a list and a dict. How often is the full backward "
        "hook of each called? Write the list.",
        calls_by_output,
        why="The hook needs a tensor, or a flat tuple of tensors, to hold on to. For a list and a "
        "dict it is never called; torch warns in the forward pass.",
        beliefs={
            "[1, 1, 1, 1]": "In a list or a dict the hook finds nothing to hold on to.",
            "[1, 1, 1, 0]": "A list is no tuple either.",
            "[1, 0, 0, 0]": "A flat tuple is fine, also with a `None` in it.",
        },
    )


@question
def hook_before_relu() -> Choice:
    def mixed():
        net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(inplace=True))
        net[0].register_full_backward_hook(lambda *_: None)
        try:
            net(torch.ones(1, 3))
        except RuntimeError:
            net[1].inplace = False
            net(torch.ones(1, 3)).sum().backward()
            return "the in-place ReLU"
        return "nothing"

    return choice(
        "Spot the bug. A net of `nn.Linear(3, 4)` and `nn.ReLU(inplace=True)` trains well. With a "
        "full backward hook on the linear layer, the forward pass raises. What has to change?",
        {
            "the hook must return something": "A hook may return `None`.",
            "the in-place ReLU": "The hook wraps the output of the linear layer, and a wrapped "
            "tensor must not be edited in place. `inplace=False` cures it.",
            "`register_backward_hook` must be used": "That one is deprecated, and sees one node.",
            "nothing: it is a warning": "It is a RuntimeError, in the forward pass.",
        },
        run=mixed,
    )


@question
def hook_order_lines() -> Order:
    return order(
        "`layer` is a `nn.Linear` and `x` requires grad. Put these lines in an order after which "
        "the list `seen` holds the gradient of the input, for weights of 1. More than one order "
        "works.",
        {
            "layer": "layer = torch.nn.Linear(3, 1, bias=False)",
            "fill": "torch.nn.init.ones_(layer.weight)",
            "seen": "seen = []",
            "hook": "layer.register_full_backward_hook(lambda m, gin, gout: seen.append(gin))",
            "run": "y = layer(torch.ones(1, 3, requires_grad=True))",
            "back": "y.backward()",
        },
        {
            ("layer", "fill"): "The layer must exist.",
            ("layer", "hook"): "The layer must exist.",
            ("fill", "run"): "The weights in use when the layer runs are those that count.",
            ("seen", "back"): "The hook appends to the list when the pass runs.",
            ("hook", "run"): "A full backward hook wraps the inputs and outputs when the module is "
            "called. Registered later, it is not called in this pass.",
            ("run", "back"): "A backward pass starts from a result that exists.",
        },
        gives="seen",
    )


@question
def hook_recap_parameters() -> Choice:
    def who_changes_the_weight():
        grads = {}
        for kind in ("register_full_backward_pre_hook", "register_full_backward_hook"):
            layer = torch.nn.Linear(1, 1, bias=False)
            getattr(layer, kind)(lambda module, first, *rest: (10 * first[0],))
            layer(torch.ones(1, requires_grad=True)).backward()
            grads[kind] = layer.weight.grad.item()
        pre = grads["register_full_backward_pre_hook"] == 10
        late = grads["register_full_backward_hook"] == 1
        return "`register_full_backward_pre_hook`" if pre and late else "another"

    return choice(
        "You want to make all gradients of one layer's **parameters** ten times as large, and "
        "return ten times the gradients from a hook. Which kind does it?",
        {
            "`register_full_backward_hook`": "What it returns goes on to the layers before. The "
            "layer's own gradients come from `grad_output`.",
            "`register_full_backward_pre_hook`": "It replaces `grad_output`, from which the "
            "gradients of parameters and inputs are computed.",
            "`register_forward_hook`, with ten times the output": "That changes the gradients "
            "too, and the output of the network with them.",
        },
        run=who_changes_the_weight,
    )


@question
def hook_recap_again() -> Predict:
    def run_cell_again():
        layer = torch.nn.ReLU()
        calls = []
        for _ in range(3):  # a notebook cell that is run three times
            layer.register_forward_hook(lambda module, inputs, output: calls.append(1))
        layer(torch.ones(1))
        return len(calls)

    return predict(
        "A cell that registers a hook is run three times. Then the layer is called once. How many "
        "calls?",
        run_cell_again,
        why="Hooks add up, and stay until `remove()` is called on their handle or the module is "
        "made anew.",
        beliefs={"1": "Registering again does not replace the hook that is there."},
    )
