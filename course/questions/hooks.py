"""Questions on hooks."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Choice, Order, Predict, choice, order, predict


@question
def hook_gradients_kept() -> Choice:
    def which_are_kept():
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        y = torch.tensor([3.0, 4.0], requires_grad=True)
        z = x + y
        (z * 3).sum().backward()
        assert not z.retains_grad
        kept = [name for name, t in {"x": x, "y": y}.items() if t.grad is not None]
        return " and ".join(f"`{name}`" for name in kept)

    return choice(
        "`x` and `y` are leaves that require grad, `z = x + y`, and `(z * 3).sum().backward()` has "
        "run. Which of the three have a gradient in `.grad`?",
        {
            "`x` and `y`": "They are leaves. `z` is an **intermediate** tensor, made by an "
            "operation, and `z.grad` is `None`.",
            "`x`, `y` and `z`": "The gradient of `z` was computed and used on the way to `x` and "
            "`y`. Nobody kept it.",
            "`z`": "It is the other way round: leaves keep their gradient.",
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
        "Spot the bug. A page collects features like this: it registers a forward hook on `layer`, "
        "runs `layer(x)`, and later `layer.forward(x)`. How many calls does the hook see?",
        {
            "none": "`layer(x)` runs it.",
            "one": "`layer(x)` runs `forward` and the hooks around it. `layer.forward(x)` is the "
            "plain method, and skips them. Always call the module.",
            "two": "`layer.forward(x)` skips the hooks.",
        },
        run=called_or_forward,
    )


@question
def hook_inputs() -> Choice:
    def inputs_of_a_linear_layer():
        layer = torch.nn.Linear(3, 4)
        seen = []
        layer.register_forward_hook(lambda module, inputs, output: seen.append(inputs))
        layer(torch.ones(1, 3))
        return f"{len(seen[0])}: `x`" if seen[0][0].shape == (1, 3) else "another"

    return choice(
        "How many tensors are in `inputs`, when the hook of a `nn.Linear` is called by `layer(x)`?",
        {
            "3: `x`, the weight and the bias": "`forward` uses them, but nobody passed them. They "
            "are attributes of the module.",
            "1: `x`": "`inputs` holds what the module was called with, as a tuple.",
            "2: `x` and the weight": "The weight is `module.weight`.",
        },
        run=inputs_of_a_linear_layer,
    )


@question
def hook_two_lists() -> Choice:
    def printed():
        layer = torch.nn.ReLU()
        total_feature_in, total_feature_out = [], []

        def hook(module, inputs, output):
            total_feature_in.append(inputs)
            total_feature_out.append(output)

        layer.register_forward_hook(hook)
        layer(torch.tensor([-1.0]))
        assert total_feature_in[0][0].tolist() == [-1]
        printed_as_inputs = total_feature_out[0].tolist()
        return "the outputs, twice" if printed_as_inputs == [0] else "the inputs"

    return choice(
        "Spot the bug. Both loops of the page read `for feature in total_feature_out`, the first "
        "one under the heading *inputs*. What does it print there?",
        {
            "the inputs": "They are in the other list, `total_feature_in`.",
            "the outputs, twice": "Once under each heading. The first loop must run over "
            "`total_feature_in`.",
            "nothing": "The list of the outputs is filled by then.",
        },
        run=printed,
    )


@question
def hook_two_rows() -> Predict:
    def backward_of_two_rows():
        model = torch.nn.Linear(3, 1)
        model(torch.ones(1, 3)).backward()
        model(torch.ones(2, 3)).backward()

    return predict(
        "One row gave an output of one element, and `backward()` ran. What does the last line "
        "give? Write the name of the error if there is one.",
        backward_of_two_rows,
        why="Two rows give an output of two elements, and `backward()` without an argument starts "
        "from a single one. Sum them, or pass a gradient.",
        beliefs={"None": "The first call does run. The second has two elements to start from."},
    )


@question
def hook_transposed() -> Choice:
    def legacy_shapes():
        layer = torch.nn.Linear(3, 4)
        layer(torch.ones(2, 3)).sum().backward()
        return "`(4, 3)`" if layer.weight.grad.shape == (4, 3) else "`(3, 4)`"

    return choice(
        "Spot the bug. 'The gradient of a fully connected layer has the transposed shape of its "
        "weight', says a page. `layer = nn.Linear(3, 4)` has run forward and backward. What is the "
        "shape of `layer.weight.grad`?",
        {
            "`(3, 4)`": "That is the shape of `W.T`, the operand that the deprecated hook reports.",
            "`(4, 3)`": "The shape of the weight. A `.grad` always has the shape of its tensor.",
        },
        run=legacy_shapes,
    )


@question
def hook_conv() -> Predict:
    def conv_grad_shape():
        conv = torch.nn.Conv2d(2, 3, 3)
        conv(torch.ones(4, 2, 5, 5)).sum().backward()
        return [tuple(conv.weight.grad.shape) == tuple(conv.weight.shape), len(conv.bias.grad)]

    return predict(
        "`conv` has 2 channels in, 3 out, and its batch has 4 images. Does the weight's gradient "
        "have the weight's shape, and how long is the bias's gradient?",
        conv_grad_shape,
        why="Gradients have the shapes of their tensors: `(3, 2, 3, 3)` and `(3,)`. What the 4 "
        "images contribute is added up.",
        beliefs={
            "[True, 4]": "Not one for each image: the contributions are added.",
            "[False, 3]": "The shape is that of the weight.",
        },
    )


@question
def hook_bias_batch() -> Choice:
    def bias_of_a_batch():
        layer = torch.nn.Linear(3, 4)
        layer(torch.ones(7, 3)).sum().backward()
        return f"`{tuple(layer.bias.grad.shape)}`"

    return choice(
        "Spot the bug: 'one row for each sample'. What is the shape of the bias gradient of "
        "`nn.Linear(3, 4)` after a batch of 7?",
        {
            "`(7, 4)`": "Every sample contributes, and the contributions are added: there is one "
            "bias.",
            "`(4,)`": "The shape of the bias. It is summed, for linear layers and convolutions "
            "alike.",
            "`(4, 7)`": "There is one bias for all samples.",
        },
        run=bias_of_a_batch,
    )


@question
def hook_arguments() -> Choice:
    def order_of_arguments():
        layer = torch.nn.Linear(3, 4)
        seen = []
        layer.register_full_backward_hook(lambda *got: seen.append(got))
        x = torch.ones(1, 3, requires_grad=True)
        layer(x).sum().backward()
        _, second, third = seen[0]
        pairs = {(1, 3): "input", (1, 4): "output"}
        return f"{pairs[tuple(second[0].shape)]}, then {pairs[tuple(third[0].shape)]}, as tuples"

    return choice(
        "A full backward hook of `nn.Linear(3, 4)` is called with the module and two more things. "
        "Which?",
        {
            "output, then input, as tuples": "The backward pass meets the output first. But the "
            "arguments are in the order of the forward pass.",
            "input, then output, as tuples": "`(module, grad_input, grad_output)`. Each is a "
            "tuple, also where it has one entry.",
            "bias, x and weight": "That is what the deprecated hook reports of one operation.",
            "input, then output, as tensors": "They are tuples, for a module may have several "
            "inputs.",
        },
        run=order_of_arguments,
    )


@question
def hook_order_lines() -> Order:
    return order(
        "`layer` is a `nn.Linear` and `x` requires grad. Put these lines in an order after which "
        "the list `seen` holds the gradient of the input. More than one order works.",
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
            "`register_backward_hook` must be used": "That one is deprecated, and speaks of one "
            "node.",
            "nothing: it is a warning": "It is a RuntimeError, in the forward pass.",
        },
        run=mixed,
    )


@question
def hook_recap_three() -> Predict:
    def who_replaces():
        x = torch.tensor(1.0, requires_grad=True)
        z = x * 2
        z.register_hook(lambda grad: None)
        z.register_hook(lambda grad: grad + 1)
        z.register_hook(lambda grad: grad * 10)
        z.backward()
        return x.grad

    return predict(
        "Three hooks stand on `z`. What does the last line give?",
        who_replaces,
        why="They run in the order of registration, each with what the one before it made: 1, then "
        "1 + 1 = 2, then 20. On the way to `x` it is multiplied by 2: 40.",
        beliefs={
            "22": "That order would be ten times first, plus one after it.",
            "20": "That arrives behind `z`. `x` gets it times 2.",
            "2": "The hooks that return a tensor replace the gradient.",
        },
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
            "`register_full_backward_hook`": "It is called when the layer's gradients are computed "
            "already. It changes what goes on to the layers before.",
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


@question
def hook_recap_container() -> Choice:
    def container():
        model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
        seen = []
        model.register_full_backward_hook(lambda module, gin, gout: seen.append(gin[0].shape))
        model(torch.ones(2, 3, requires_grad=True)).sum().backward()
        return "`(2, 3)`" if tuple(seen[0]) == (2, 3) else "`(2, 4)`"

    return choice(
        "A full backward hook is registered on a whole model of three layers, and called with a "
        "batch of 2 rows of 3. Which shape has `grad_input[0]`?",
        {
            "`(2, 3)`": "The shape of what went into the model. Full hooks are right for "
            "containers.",
            "`(2, 4)`": "That is the input of the last layer, which the deprecated hook would "
            "show.",
            "`(2, 1)`": "That is `grad_output[0]`.",
        },
        run=container,
    )
