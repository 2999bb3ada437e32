"""Questions on hooks."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Choice, Order, Predict, choice, in_words, order, predict


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
def hook_fan_out(inner: int = 2, k: int = 3, m: int = 4) -> Predict:
    def used_twice():
        x = torch.tensor(1.0, requires_grad=True)
        z = x * inner
        seen = []
        z.register_hook(lambda grad: seen.append(grad.item()))
        y = k * z + m * z
        y.backward()
        return seen

    return predict(
        "What is the list?",
        used_twice,
        why="The engine waits until all gradients for `z` have arrived, and adds them: "
        f"{k} + {m} = {k + m}. Then it calls the hook, once for each backward pass.",
        beliefs={
            f"[{k}, {m}]": "A hook is not called for each path, but once, with the sum.",
            f"[{m}, {k}]": "A hook is not called for each path, but once, with the sum.",
        },
    )


@question
def hook_retain_order(inner: int = 2, times: int = 10, outer: int = 3) -> Predict:
    def retained_and_hooked():
        x = torch.tensor(1.0, requires_grad=True)
        z = x * inner
        z.retain_grad()
        z.register_hook(lambda grad: grad * times)
        (z * outer).backward()
        return z.grad

    return predict(
        "`retain_grad()` is called first, and the hook is registered after it. What does the last "
        "line give?",
        retained_and_hooked,
        why="All hooks of the tensor run first, in the order in which they were registered. What "
        f"is left after the last of them is stored: {times} · {outer} = {times * outer}. The order "
        "of the two lines does not matter.",
        beliefs={
            f"{outer}": "`retain_grad()` does not take its place in the row of the hooks. It comes "
            "last.",
            f"{times * outer * inner}": "That is `x.grad`. `z.grad` is what goes on from `z`.",
        },
    )


@question(limit=(2, 3, 4), slope=(5, 6, 7, 9))
def hook_clip_twice(limit: int = 2, slope: int = 3) -> Predict:
    def clipped_in_two_ways():
        early = torch.tensor(1.0, requires_grad=True)
        late = torch.tensor(1.0, requires_grad=True)
        early.register_hook(lambda grad: grad.clamp(max=limit))

        def clip(leaf):
            leaf.grad.clamp_(max=limit)

        late.register_post_accumulate_grad_hook(clip)
        for _ in range(2):
            (early * slope).backward()
            (late * slope).backward()
        return [early.grad.item(), late.grad.item()]

    return predict(
        f"Both have a limit of {limit}. What is the list?",
        clipped_in_two_ways,
        why=f"The first limits each pass: {limit} + {limit} = {2 * limit}. The second limits the "
        f"sum, which is {limit} after the first pass, {limit + slope} in the second, and {limit} "
        "again.",
        beliefs={
            f"[{limit}, {limit}]": "The hook of `early` sees one pass at a time, and two passes "
            "add up.",
            f"[{2 * slope}, {2 * slope}]": "Nothing would be limited then. Both hooks run in both "
            "passes.",
            f"[{2 * limit}, {2 * limit}]": "The second hook sees the sum in `.grad`.",
        },
    )


@question(calls=(2, 3, 4, 5))
def hook_calls_seen(calls: int = 1) -> Choice:
    def called_or_forward():
        layer = torch.nn.Linear(3, 4)
        seen = []
        layer.register_forward_hook(lambda module, inputs, output: seen.append(1))
        for _ in range(calls):
            layer(torch.ones(1, 3))
        layer.forward(torch.ones(1, 3))
        return in_words(len(seen))

    often = f" {in_words(calls)} times" if calls > 1 else ""
    return choice(
        f"Spot the bug. You register a forward hook on `layer`, run `layer(x)`{often}, and later "
        "`layer.forward(x)`. How many calls does the hook see?",
        {
            "none": "`layer(x)` runs it.",
            in_words(calls): "`layer(x)` runs `forward` and the hooks around it. "
            "`layer.forward(x)` is the plain method, and skips them. Always call the module.",
            in_words(calls + 1): "`layer.forward(x)` skips the hooks.",
        },
        run=called_or_forward,
    )


@question
def hook_first_layer(k: int = 3, m: int = 4, n: int = 2) -> Predict:
    def first_layer():
        layer, seen = torch.nn.Linear(k, m), []

        def look(module, grad_input, grad_output):
            seen.append([grad_input[0], module.weight.grad])

        layer.register_full_backward_hook(look)
        layer(torch.ones(n, k)).sum().backward()
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


@question(
    kinds=(
        ("dict", "list", "tuple", "tensor"),
        ("list", "tensor", "dict", "tuple"),
        ("tuple", "dict", "tensor", "list"),
        ("tensor", "list", "tuple", "dict"),
    )
)
def hook_dict_output(kinds: tuple[str, ...] = ("tensor", "tuple", "list", "dict")) -> Predict:
    pairs = {
        "tensor": "(lambda y: y, lambda out: out)",
        "tuple": "(lambda y: (y, None), lambda out: out[0])",
        "list": "(lambda y: [y], lambda out: out[0])",
        "dict": '(lambda y: {"y": y}, lambda out: out["y"])',
    }
    first, second, third, fourth = (pairs[kind] for kind in kinds)

    def calls_by_output():
        class Model(torch.nn.Module):
            def __init__(self, pack):
                super().__init__()
                self.pack = pack

            def forward(self, x):
                return self.pack(2 * x)

        counts = []
        for pack, take in [
            first,
            second,
            third,
            fourth,
        ]:
            model, calls = Model(pack), []
            model.register_full_backward_hook(lambda *_, calls=calls: calls.append(1))
            take(model(torch.ones(3, requires_grad=True))).sum().backward()
            counts.append(len(calls))
        return counts

    def called(*those):
        return f"{[int(kind in those) for kind in kinds]}"

    return predict(
        "Four modules return a {}, a {}, a {} and a {}. How often is the full backward "
        "hook of each called? Write the list.".format(*kinds),
        calls_by_output,
        why="The hook needs a tensor, or a flat tuple of tensors, to hold on to. For a list and a "
        "dict it is never called; torch warns in the forward pass.",
        beliefs={
            called(*kinds): "In a list or a dict the hook finds nothing to hold on to.",
            called("tensor", "tuple", "list"): "A list is no tuple either.",
            called("tensor"): "A flat tuple is fine, also with a `None` in it.",
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
            "`register_backward_hook` must be used": "It wraps nothing, so the pass would run. But "
            "it is deprecated, and sees one node.",
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
            ("fill", "run"): "The gradient is that for the weights the layer ran with. If they are "
            "filled between the run and `backward()`, torch refuses the pass.",
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


@question(times=(4, 5, 6, 7))
def hook_recap_again(times: int = 3) -> Predict:
    def run_cell_again():
        layer = torch.nn.ReLU()
        calls = []
        for _ in range(times):  # a notebook cell that is run again and again
            layer.register_forward_hook(lambda module, inputs, output: calls.append(1))
        layer(torch.ones(1))
        return len(calls)

    return predict(
        f"A cell that registers a hook is run {in_words(times)} times. Then the layer is called "
        "once. How many calls?",
        run_cell_again,
        why="Hooks add up, and stay until `remove()` is called on their handle or the module is "
        "made anew.",
        beliefs={"1": "Registering again does not replace the hook that is there."},
    )
